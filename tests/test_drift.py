"""Drift between two logs: distances, the units that are exchanged, and what is chance."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from skbseq import EventLog
from skbseq.exceptions import InvalidLogError
from skbseq.inspection import DriftDisplay, compare_logs
from skbseq.inspection._divergences import (
    Observations,
    bins_of,
    distances,
    draw_sides,
    unknown_counts,
)
from skbseq.inspection._drift import _join, _observe, _units
from skbseq.inspection._flat_events import as_name, flat_events

mpl.use("Agg")


def random_log(rng, n_users=30, *, first_user=0, chances=(0.5, 0.3, 0.2), mean_gap=1.0, length=5):
    """Users with events of three behaviours at random times within 40 days."""
    counts = rng.poisson(length, n_users) + 1
    days = [30 * rng.random() + np.cumsum(rng.exponential(mean_gap, n)) for n in counts]
    days = np.minimum(np.concatenate(days), 39.9)
    names = list(itertools.islice(["view", "cart", "buy", "new"], len(chances)))
    events = {
        "who": np.repeat(np.arange(n_users) + first_user, counts),
        "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(days.round(5), unit="D"),
        "what": rng.choice(names, counts.sum(), p=chances),
    }
    return EventLog(
        pd.DataFrame(events), user="who", time="when", behavior="what", until="2026-02-10"
    )


COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8)


@given(COUNTS)
def test_distances_are_those_of_their_formulas(counts):
    reference, current = (np.array(side, float) for side in zip(*counts, strict=True))
    if not (reference.any() and current.any()):
        return
    total = reference.sum() + current.sum()
    p, q = ([n / side.sum() + 1 / total for n in side] for side in (reference, current))
    p, q = ([share / sum(side) for share in side] for side in (p, q))
    psi, js = distances(reference, current)
    by_hand = sum((a - b) * np.log(a / b) for a, b in zip(p, q, strict=True))
    assert psi == pytest.approx(by_hand, abs=1e-12)
    assert js == pytest.approx(jensenshannon(p, q, base=2), abs=1e-7)
    both = distances(np.column_stack([reference, current]), np.column_stack([current, reference]))
    assert both[0] == pytest.approx([psi, psi], abs=1e-12)


def test_unknown_observations_lie_in_cells_without_reference():
    reference, current = np.array([5.0, 0, 0]), np.array([3.0, 2, 1])
    known = unknown_counts(reference, current)
    assert [side.tolist() for side in known] == [[0, 5], [3, 3]]


def test_permutations_keep_numbers_and_users_of_both_logs(rng):
    is_current = np.array([0, 0, 0, 1, 1, 1, 1], bool)
    partner = np.array([-1, 3, -1, 1, -1, -1, -1])
    sides = draw_sides(is_current, partner, np.random.RandomState(0), 400)
    assert set(np.unique(sides)) == {0, 1}
    assert (sides.sum(axis=0) == 4).all() and (sides[1] != sides[3]).all()
    assert 0.4 < sides[1].mean() < 0.6
    assert sides[[0, 2, 4, 5, 6]].mean(axis=1) == pytest.approx([0.6] * 5, abs=0.1)


def test_observations_move_with_their_user(rng):
    cells, units = rng.integers(0, 3, 50), rng.integers(0, 6, 50)
    observations = Observations.collect(cells, units, 6, list("abc"))
    sides = rng.random((6, 4)) < 0.5
    reference, current = observations.split(sides)
    for split in range(4):
        moved = sides[units, split]
        assert current[:, split].tolist() == np.bincount(cells[moved], minlength=3).tolist()
        assert reference[:, split].tolist() == np.bincount(cells[~moved], minlength=3).tolist()
    one = observations.split(sides[:, 0])
    assert one[1].tolist() == current[:, 0].tolist()


def test_bins_hold_equal_numbers_and_have_names():
    cells, names = bins_of(np.arange(1, 10.0), 3, "{:.0f}".format)
    assert np.bincount(cells).tolist() == [3, 3, 3]
    assert names == ["up to 3", "over 3 to 6", "over 6"]
    whole = bins_of(np.array([1, 1, 2, 3, 3, 3, 7, 9.0]), 4, "{:.0f}".format, whole=True)
    assert whole[1] == ["up to 1", "2 to 3", "over 3"]
    assert whole[0].tolist() == [0, 0, 1, 1, 1, 1, 2, 2]
    assert bins_of(np.ones(4), 3, str)[1] == ["all"]


def test_each_aspect_counts_what_both_logs_hold(rng):
    logs = random_log(rng, 8), random_log(rng, 6, first_user=100)
    both = _join(*map(flat_events, logs))
    observed = _observe(both, logs, 4, 30)
    rows = [log.to_frame() for log in logs]
    is_current, _ = _units(*logs)
    mix, _ = observed["event mix"]
    for side, table in zip(mix.split(is_current), rows, strict=True):
        counted = table["what"].value_counts()
        assert side.tolist() == [counted.get(name, 0) for name in mix.names]
    pairs, _ = observed["transitions"]
    for side, table in zip(pairs.split(is_current), rows, strict=True):
        after = table.groupby("who")["what"].shift(-1)
        counted = (table["what"] + " → " + after).value_counts()
        assert side.tolist() == [counted.get(name, 0) for name in pairs.names]
    n_gaps = [len(table) - table["who"].nunique() for table in rows]
    assert [side.sum() for side in observed["gaps"][0].split(is_current)] == n_gaps
    assert [side.sum() for side in observed["lengths"][0].split(is_current)] == [8, 6]


def test_users_of_both_logs_are_partners(rng):
    first, second = random_log(rng, 4), random_log(rng, 4, first_user=2)
    is_current, partner = _units(first, second)
    assert is_current.tolist() == [False] * 4 + [True] * 4
    assert partner.tolist() == [-1, -1, 4, 5, 2, 3, -1, -1]


def test_an_index_above_a_fixed_limit_may_be_chance(rng):
    drift = compare_logs(random_log(rng, 12), random_log(rng, 12, first_user=50), random_state=0)
    rows = drift.frame("pyarrow").to_pylist()
    assert max(row["psi"] for row in rows) > 0.2
    assert not any(row["beyond_chance"] for row in rows)


def test_chance_is_exceeded_as_often_as_the_level_says():
    rng, exceeded = np.random.default_rng(1), []
    for i in range(40):
        logs = random_log(rng, 15), random_log(rng, 15, first_user=50 * (i % 2))
        drift = compare_logs(*logs, n_permutations=39, level=0.9, random_state=i)
        exceeded.append(drift.beyond_chance)
    # 200 comparisons that depend on one another; 10% are expected.
    assert 0.03 < np.mean(exceeded) < 0.17


def test_drift_is_found_and_named(rng):
    reference = random_log(rng, 200)
    current = random_log(
        rng, 200, first_user=500, chances=(0.3, 0.3, 0.35, 0.05), mean_gap=0.2, length=5
    )
    scores = {"reference_scores": rng.random(300), "current_scores": rng.random(200) ** 2}
    drift = compare_logs(reference, current, random_state=0, **scores)
    rows = {row["aspect"]: row for row in drift.frame("pyarrow").to_pylist()}
    found = {name for name, row in rows.items() if row["beyond_chance"]}
    assert found == {"event mix", "transitions", "unknown values", "gaps", "scores"}
    assert rows["event mix"]["p_value"] == pytest.approx(1 / 501)
    assert rows["event mix"]["largest_change"] in ("buy", "new")
    assert rows["unknown values"]["current_share"] == pytest.approx(
        (current.to_frame()["what"] == "new").mean()
    )
    assert rows["lengths"]["p_value"] > 0.01
    details = drift.details()
    counts = details[details["aspect"] == "event mix"].set_index("cell")
    assert counts.loc["new", "reference"] == 0 and counts.loc["new", "current"] > 0
    same = compare_logs(reference, current, random_state=0, **scores)
    assert same.frame().equals(drift.frame())


def test_the_plot_shows_each_index_and_its_band(rng):
    logs = random_log(rng, 40), random_log(rng, 40, first_user=99, chances=(0.1, 0.1, 0.8))
    drift = compare_logs(*logs, n_permutations=99, random_state=0).plot()
    assert [bar.get_width() for bar in drift.bars_] == drift.psi_chance.tolist()
    assert drift.points_.get_offsets()[:, 0].tolist() == drift.psi.tolist()
    drift.level = 0.999
    (band,) = drift.plot().ax_.get_legend().get_texts()
    assert band.get_text() == "chance, 99.9% of permutations"
    ticks = [label.get_text() for label in drift.ax_.get_yticklabels()]
    assert ticks == ["event mix", "transitions", "unknown values", "gaps", "lengths"]
    orange, blue = drift.points_.get_facecolors()[[0, 4]].tolist()
    assert drift.beyond_chance[[0, 4]].tolist() == [True, False] and orange != blue
    first = drift.ax_.texts[0].get_text()
    row = drift.frame().iloc[0]
    assert first == (
        f"{row['largest_change']}: {100 * row['reference_share']:.0f}% → "
        f"{100 * row['current_share']:.0f}%"
    )
    plt.close("all")


def test_an_aspect_without_observations_is_not_a_number():
    days = pd.DataFrame({"who": [1, 2, 3], "when": ["2026-01-01"] * 3, "what": ["a", "a", "b"]})
    log = EventLog(days, user="who", time="when", behavior="what", until="2026-02-01")
    drift = compare_logs(log, log, random_state=0).plot()
    rows = {row["aspect"]: row for row in drift.frame("pyarrow").to_pylist()}
    assert rows["gaps"]["psi"] is None and not rows["gaps"]["beyond_chance"]
    assert rows["event mix"]["psi"] == 0
    assert rows["event mix"]["p_value"] == 1  # permutations with the same index count
    assert drift.ax_.texts[3].get_text() == "no observations in one of the logs"
    plt.close("all")


def test_spans_of_different_lengths_are_a_warning(rng):
    log = random_log(rng)
    with pytest.warns(UserWarning, match=r"reference covers 40 d and the current log 25 d.*Cut"):
        compare_logs(log, log.clean(earliest="2026-01-16"), n_permutations=99)
    compare_logs(log, log.clean(earliest="2026-01-13"), n_permutations=99)  # 28 d: no warning


GOOD = random_log(np.random.default_rng(0), 5)
OTHER = EventLog(
    GOOD.to_frame().assign(what="x"), user="who", time="when", behavior="what", until="2026-02-10"
)


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        (
            {"current": OTHER},
            InvalidLogError,
            "no value of 'what' in common: the reference has 'b",
        ),
        ({"current": [1]}, TypeError, "current must be an EventLog"),
        ({"reference": None}, TypeError, "reference must be an EventLog; got None"),
        ({"column": "x"}, InvalidLogError, "no column 'x'"),
        ({"n_bins": 1}, ValueError, "n_bins must be a whole number of at least 2"),
        ({"n_permutations": 5}, ValueError, "n_permutations must be .* at least 20"),
        ({"max_categories": 0}, ValueError, "max_categories must be"),
        ({"level": 1}, ValueError, "level must be at least 0.5 and below 1; got 1"),
        ({"random_state": "x"}, ValueError, "'random_state' parameter"),
        ({"current_scores": [1.0]}, ValueError, "Give both reference_scores and current_scores"),
        (
            {"current_scores": [np.nan], "reference_scores": [1.0]},
            ValueError,
            r"current_scores must hold finite numbers.*\(1,\) with NaN",
        ),
    ],
)
def test_bad_input(given, error, match):
    with pytest.raises(error, match=match):
        compare_logs(**{"reference": GOOD, "current": GOOD} | given)


def test_parts_that_do_not_fit_are_refused():
    empty = np.zeros(0)
    display = DriftDisplay(
        aspects=["a"],
        psi=empty,
        js=empty,
        psi_chance=empty,
        js_chance=empty,
        p_values=empty,
        cells={},
        level=0.9,
    )
    with pytest.raises(ValueError, match="must have one length"):
        display.plot()


@pytest.mark.parametrize(("level", "needed"), [(0.99, 99), (0.999, 999), (0.975, 39)])
def test_a_level_that_permutations_cannot_show_is_an_error(level, needed):
    log = make_logs_of_chance()
    with pytest.raises(ValueError, match=f"Use n_permutations={needed} or more, or a lower level"):
        compare_logs(log, log, level=level, n_permutations=needed - 1)
    if needed < 100:
        compare_logs(log, log, level=level, n_permutations=needed, random_state=0)


def make_logs_of_chance():
    events = pd.DataFrame(
        {"who": [1, 1, 2, 2], "what": list("abab"), "when": pd.date_range("2026-01-01", periods=4)}
    )
    return EventLog(events, user="who", time="when", behavior="what").clean()


def test_a_text_that_reads_like_missing_is_another_value():
    def log_of(values):
        n = len(values)
        events = pd.DataFrame(
            {"who": range(n), "what": values, "when": pd.date_range("2026-01-01", periods=n)}
        )
        return EventLog(events, user="who", time="when", behavior="what").clean()

    drift = compare_logs(
        *(log_of(["(missing)", None, "a", "a"]), log_of([None, None, "a", "a"])),
        n_permutations=99,
        random_state=0,
    )
    cells = drift.details("pyarrow").to_pylist()
    counts = {
        c["cell"]: (c["reference"], c["current"]) for c in cells if c["aspect"] == "event mix"
    }
    assert counts == {"a": (2, 2), "(missing)": (1, 2), "'(missing)'": (1, 0)}
    assert as_name("'(missing)'") == "''(missing)''" and as_name(None) == "(missing)"
