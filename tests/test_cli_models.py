"""The models of the command line: training, comparing, choosing, saving, and the report."""

import re
import shlex
import sys
import time
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline
from test_cli import AT, ROLES, SMALL, make_log

from skbseq import EventLog, _sequences, load
from skbseq.cli import main
from skbseq.cli._arguments import setting
from skbseq.cli._fit import _without_set
from skbseq.cli._main import make_parser
from skbseq.cli._models import AUTO, Settings, candidates, model_names, set_parameters, titles
from skbseq.cli._process import heartbeat
from skbseq.cli._report import calibration_points
from skbseq.cli._scoring import MOST_FREQUENT, choose, losses
from skbseq.cli._task import Task
from skbseq.cli._verdict import describe_choice, describe_rivals
from skbseq.networks import NETWORKS
from skbseq.persistence import read_metadata

RIVALS = ("aggregates", "counts", "markov", "boosting")
QUESTION = ["--at", AT, "--horizon", "7D", "--exclude", "note", "--numeric", "amount"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the log."""
    folder = tmp_path_factory.mktemp("models")
    make_log().to_parquet(folder / "log.parquet")
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    """The folder as the working folder."""
    monkeypatch.chdir(folder)
    return folder


def fit(*more, out="model.skbseq"):
    words = ["fit", "log.parquet", *ROLES, "--predict", "buy", *QUESTION, *SMALL]
    return main([*words, "--out", out, *more])


def predict(model, out="scores.csv"):
    return main(["predict", model, "log.parquet", "--at", AT, "--out", out])


def test_every_network_of_the_table_can_be_chosen(capsys):
    assert {AUTO, *NETWORKS, *RIVALS} == set(model_names())
    with pytest.raises(SystemExit):
        main(["fit", "--help"])
    said = capsys.readouterr().out
    for name, title in titles().items():
        assert re.search(rf"^  {name} +{re.escape(title)}$", said, re.M)


@pytest.mark.parametrize("name", [*RIVALS, "bag"])
def test_each_model_is_saved_and_used_like_the_lstm(here, capsys, name):
    out = f"{name}.skbseq"
    assert fit("--model", name, out=out) == 0
    said = capsys.readouterr().out
    assert "On the 12 users held out:" in said
    assert ("lstm" in said.lower()) is False  # what is not asked for is not trained
    assert predict(out) == 0
    scores = pd.read_csv("scores.csv")["probability"]

    model = load(out)
    assert isinstance(model, Pipeline)
    log = EventLog("log.parquet", user="who", time="when", behavior="what").clean()
    X = log.histories(log.samples(at=AT))
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], scores, rtol=1e-6)
    assert read_metadata(out)["metadata"]["model"] == name
    table = pd.read_csv(f"{name}.scores.csv")
    assert table.loc[table["saved"], "name"].tolist() == [name]
    empty = log.histories(pd.DataFrame({"who": [-1], "cutoff": [AT]}))
    assert 0 < model.predict_proba(empty)[0, 1] < 1


def test_the_other_networks_are_those_of_the_table():
    task = Task(
        roles={"behavior": None, "time": "when"}, at=AT, horizon="7D", uses={"what": "categories"}
    )
    settings = Settings(max_events=5, max_categories=5, units=4, epochs=1, seed=0)
    for name in NETWORKS:
        assert list(candidates(name, task, settings))[-1] == name
        assert candidates(name, task, settings)[name][-1].network == name


def test_auto_keeps_the_simplest_as_good_as_the_best(here, capsys):
    assert fit("--model", "auto", out="auto.skbseq") == 0
    said = capsys.readouterr().out
    name = read_metadata("auto.skbseq")["metadata"]["model"]
    assert f"Chosen: --model {name} ({titles()[name]})." in said
    assert "slightly optimistic" in said
    table = pd.read_csv("auto.scores.csv")
    assert table["name"].tolist() == [MOST_FREQUENT, *RIVALS, "lstm"]
    assert table.loc[table["saved"], "name"].tolist() == [name]
    assert predict("auto.skbseq") == 0


def test_parameters_of_the_chosen_model_are_set(here, capsys):
    assert fit("--model", "boosting", "--set", "max_iter=5", "l2_regularization=0.5") == 0
    step = load("model.skbseq")[-1]
    assert (step.max_iter, step.l2_regularization) == (5, 0.5)
    given = ["--set", "dropout=0.4", "pooling=mean", "--set", "class_weight=None"]
    assert fit("--model", "bag", *given, out="set.skbseq") == 0
    step = load("set.skbseq")[-1]
    assert (step.dropout, step.pooling, step.class_weight) == (0.4, "mean", None)


def test_options_of_the_network_are_set():
    task = Task(
        roles={"behavior": None, "time": "when"}, at=AT, horizon="7D", uses={"what": "categories"}
    )
    settings = Settings(max_events=5, max_categories=5, units=4, epochs=1, seed=0)
    model = candidates("transformer", task, settings)["transformer"]
    set_parameters(model, dict(map(setting, ["network__n_heads=2", "l2=1e-3"])), "transformer")
    assert model[-1].get_params()["network__n_heads"] == 2 and model[-1].l2 == 1e-3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--model", "bag", "--set", "dropot=0.3"],
            r"no parameter of this name\. Did you mean drop",
        ),
        (
            ["--model", "markov", "--set", "dropout=0.3"],
            "--model markov has no parameter .* takes C, ",
        ),
        (["--model", "bag", "--set", "units=3"], "has an option of its own: give --units"),
        (["--model", "markov", "--set", "random_state=3"], "give --seed"),
        (["--model", "bag", "--set", "network__n_heads=2"], "no parameter of this name"),
        (["--model", "bag", "--set", "dropout=x"], "The 'dropout' parameter of .* Got 'x'"),
    ],
)
def test_parameters_that_cannot_be_set_are_refused(here, capsys, more, message):
    assert fit(*more) == 1
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--set", "dropout"], "'dropout' is not of the form NAME=VALUE"),
        (["--set", "=3"], "'=3' is not of the form"),
        (["--model", "auto", "--set", "dropout=0.3"], "name it with --model instead of auto"),
    ],
)
def test_settings_are_checked_before_the_log_is_read(here, capsys, more, message):
    with pytest.raises(SystemExit) as stop:
        fit(*more)
    assert stop.value.code == 2 and message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("a --set x=1 y=2 --out f", "a --out f"),
        ("a --set=x=1 --set y=2 --quiet", "a --quiet"),
        ("a --out f --set x=1", "a --out f"),
    ],
)
def test_the_command_for_another_model_has_no_settings(words, kept):
    assert _without_set(words.split()) == kept.split()


def test_auto_needs_users_to_score_on(here, capsys):
    with pytest.raises(SystemExit) as stop:
        fit("--model", "auto", "--holdout", "0")
    assert stop.value.code == 2
    assert "--holdout 0 cannot be used with it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--model", "counts", "--exclude", "what"], "--model counts needs --behavior"),
        (["--model", "markov", "--exclude", "what"], "--model markov needs --behavior"),
        (["--model", "aggregates", "--exclude", "when"], "reads the times, so when must not be"),
    ],
)
def test_a_model_that_lacks_its_columns_is_refused(here, capsys, more, message):
    assert fit(*more) == 1
    assert message in capsys.readouterr().err


def test_models_use_no_excluded_column(here):
    left_out = ["--exclude", "when", "what", "price"]
    assert fit("--model", "boosting", *left_out, "--quiet", out="numbers.skbseq") == 0
    names = load("numbers.skbseq")[0].get_feature_names_out()
    assert len(names) and all(name.startswith("amount") for name in names)


def test_the_advice_can_be_pasted(here, capsys, monkeypatch):
    monkeypatch.setattr("skbseq.cli._verdict.choose", lambda found: ("markov", "boosting"))
    monkeypatch.setattr(sys, "argv", ["skbseq"])
    assert fit("--model=boosting", "--exclude", "price", out="a b.skbseq") == 0
    said = capsys.readouterr().out
    command = re.search(r"Use that, with --model markov, or .*\n  skbseq (.*)\n", said)[1]
    words = shlex.split(command)
    assert words[-2:] == ["--model", "markov"] and "--model=boosting" not in words
    assert make_parser().parse_args(words).exclude == ["note", "price"]
    assert main(words) == 0
    assert read_metadata("a b.skbseq")["metadata"]["model"] == "markov"


# ----------------------------------------------------------------- choice and words


def test_the_choice_is_the_simplest_within_one_standard_error():
    base = np.linspace(0.2, 1.0, 100)
    noise = np.where(np.arange(100) % 2, 0.3, -0.3)
    found = {"worse": base + 0.5, "noisy": base + 0.01 + noise, "best": base, "late": base + 0.0}
    assert choose(found) == ("noisy", "best")
    del found["noisy"]
    assert choose(found) == ("best", "best")


def test_losses_are_those_of_scikit_learn():
    y, probability = np.array([True, False]), np.array([0.25, 1.0])
    np.testing.assert_allclose(losses(y, probability), [-np.log(0.25), -np.log(1e-7)], rtol=1e-6)


BASE = np.linspace(0.2, 1.0, 100)
NOISE = np.where(np.arange(100) % 2, 0.3, -0.3)
TITLES = {name: f"the {name}" for name in "abc"}


@pytest.mark.parametrize(
    ("added", "name", "said", "advised"),
    [
        ({"a": 0.2, "b": 0}, "b", r"the b gains 0\.200 of log loss .* \(the a; standard", None),
        ({"a": 0, "b": 0.2}, "b", r"gains nothing here: the a has 0\.200 less log loss", "a"),
        ({"a": NOISE, "b": 0}, "b", r"the a is simpler and as good .* with --model a, or", "a"),
        ({"a": 0, "b": NOISE}, "a", r"the a is as good as any model here, and the simplest", None),
        ({"a": 0.2, "b": 0}, "a", r"the b has 0\.200 less log loss", "b"),
        (
            {"a": 0.02, "b": NOISE + 0.01, "c": 0},
            "a",
            r"the b is within .* best model, and this",
            "b",
        ),
    ],
)
def test_the_comparison_is_honest(added, name, said, advised):
    found = {MOST_FREQUENT: BASE + 0.9} | {each: BASE + more for each, more in added.items()}
    text, better = describe_rivals(name, found, TITLES)
    assert re.search(said, text)
    assert better == advised


def test_guessing_is_never_recommended():
    found = {MOST_FREQUENT: BASE, "a": BASE + 0.2, "b": BASE + 0.1}
    text, advised = describe_rivals("a", found, TITLES)
    assert text.startswith("Nothing beats guessing here. Do not use this model; try")
    assert advised is None
    name, text = describe_choice(found, TITLES)
    assert name == "b" and "nothing beats guessing here" in text


# ----------------------------------------------------------------- churn, spelling


def test_churn_is_the_opposite_of_coming_back(here, capsys):
    base = ["fit", "log.parquet", *QUESTION, "--model", "markov", "--holdout", "0"]
    base += ["--user", "who", "--time", "when", "--behaviour", "what", "--predict", "buy"]
    for more, out in (([], "stay.skbseq"), (["--churn"], "leave.skbseq")):
        assert main([*base, *more, "--out", out]) == 0
    said = capsys.readouterr().out
    assert "Question: no what = buy within 7D after 2026-02-01?\n60 users, yes for 50.0%" in said
    for name in ("stay", "leave"):
        assert predict(f"{name}.skbseq", out=f"{name}.csv") == 0
    stay, leave = (pd.read_csv(f"{name}.csv")["probability"] for name in ("stay", "leave"))
    np.testing.assert_allclose(leave, 1 - stay, atol=0.05)


def test_churn_of_any_event_counts_who_leaves(here, capsys):
    words = ["fit", "log.parquet", "--user", "who", "--time", "when", *QUESTION, "--churn"]
    assert main([*words, "--out", "m.skbseq"]) == 1
    assert "Of 60 users 0 leave within the horizon" in capsys.readouterr().err
    roles = {"user": "who", "time": "when", "behavior": None, "product": None}
    task = Task(roles=roles, at=AT, horizon="7D", churn=True)
    assert task.question == "no event within 7D after 2026-02-01"


# ----------------------------------------------------------------- report


def test_the_report_is_told_and_replaced_by_the_next_fit(here, capsys):
    for name in ("markov", "counts"):
        assert fit("--model", name, out="report.skbseq") == 0
        said = capsys.readouterr().out
        assert "Wrote report.scores.csv with the scores on the 12 users held out." in said
        assert f"Wrote report.calibration.png: how well {name} is calibrated" in said
    table = pd.read_csv("report.scores.csv")
    assert table.columns.tolist() == ["name", "model", "auc", "log_loss", "saved"]
    assert table.loc[table["saved"], "name"].tolist() == ["counts"]
    assert matplotlib.image.imread("report.calibration.png").shape[0] > 500


@pytest.mark.parametrize("name", ["mine.scores.csv", "mine.calibration.png"])
def test_a_file_of_others_is_not_overwritten(here, capsys, name):
    Path(name).write_text("name,age\n")
    try:
        assert fit("--model", "counts", out="mine.skbseq") == 1
        message = f"'{name}' exists and is not the report of an earlier fit"
        captured = capsys.readouterr()
        assert message in captured.err and captured.out == ""
        assert fit("--model", "counts", "--no-report", "--quiet", out="mine.skbseq") == 0
        assert Path(name).read_text() == "name,age\n"
    finally:
        Path(name).unlink()


def test_no_report_where_none_is_wanted_or_possible(here):
    assert fit("--model", "counts", "--no-report", "--quiet", out="none.skbseq") == 0
    assert fit("--model", "counts", "--holdout", "0", "--quiet", out="none.skbseq") == 0
    assert [path.name for path in here.glob("none*")] == ["none.skbseq"]


def test_without_matplotlib_the_plot_is_missed_in_words(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert fit("--model", "counts", out="bare.skbseq") == 0
    said = capsys.readouterr().out
    assert "No calibration plot was written: matplotlib cannot be imported" in said
    assert sorted(path.name for path in here.glob("bare*")) == ["bare.scores.csv", "bare.skbseq"]


def test_calibration_points_by_hand():
    probability = np.repeat([0.2, 0.8], 10)
    y = np.r_[np.zeros(10, bool), np.arange(10) < 8]
    predicted, observed, below, above = calibration_points(y, probability)
    np.testing.assert_allclose(predicted, [0.2, 0.8])
    np.testing.assert_allclose(observed, [0, 0.8])
    # Wilson's interval of 0 and of 8 among 10.
    np.testing.assert_allclose(observed - below, [0, 0.490], atol=1e-3)
    np.testing.assert_allclose(observed + above, [0.278, 0.943], atol=1e-3)


# ----------------------------------------------------------------- progress, programs


def test_long_silence_is_reported(capsys):
    with heartbeat(print, silence=0.05):
        time.sleep(0.2)
    assert re.match(r"(  \.\.\. \d s\n)+$", capsys.readouterr().out)
    with heartbeat(print, silence=0.05):
        sys.stdout.write("half a line")
        time.sleep(0.2)
    assert capsys.readouterr().out == "half a line"


def test_a_fit_with_room_has_the_sizes_of_the_later_one():
    compiled = pytest.importorskip("skbseq._training._compiled")

    def sizes(n_users):
        lengths = np.full(n_users, 30)
        codes, starts = np.zeros((30 * n_users, 1), np.int32), 30 * np.arange(n_users)
        nothing = np.zeros((30 * n_users, 0), np.float32), np.zeros((n_users, 0), np.float32)
        data = _sequences.Sequences(codes, *nothing, starts, lengths)
        flat = compiled.FlatData(data, *np.zeros((2, n_users), np.float32))
        batches = np.array_split(np.arange(n_users), -(-n_users // 64))
        plan, _ = compiled.plan_array(batches, 64, flat.filler)
        return {name: t.shape for name, t in flat.tensors.items()} | {"plan": plan.shape}

    few, many = sizes(700), sizes(1300)
    assert few != many
    with _sequences.room_for(np.full(1300, 30)):
        assert sizes(700) == many
    assert sizes(700) == few
