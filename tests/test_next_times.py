"""When the next event comes: log-normal waits against SciPy, survival, and what is learned."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.metrics import mean_pinball_loss

from skbseq import MarkovChain, MostFrequent, NextBehaviorPredictor, SequenceEncoder
from skbseq._next_event import LogNormals
from skbseq.exceptions import SequenceFrameError

pytestmark = pytest.mark.steps("eager")
START = dt.datetime(2026, 1, 5)
SMALL = {"network": "bag", "units": 8, "counting": None, "random_state": 0, "time": "when"}


def frame(rows, *, waited=3600):
    """Rows of pairs of an id and the seconds since the start; the cutoff is a while later."""
    moments = [[START + dt.timedelta(seconds=float(s)) for _, s in row] for row in rows]
    ends = [(row[-1] if row else START) + dt.timedelta(seconds=waited) for row in moments]
    return pa.table(
        {
            "page": pa.array([[page for page, _ in row] for row in rows], pa.list_(pa.string())),
            "when": pa.array(moments, pa.list_(pa.timestamp("us"))),
            "cutoff": pa.array(ends, pa.timestamp("us")),
        }
    )


def visits(n, seed=0):
    """After "fast" the next event comes within seconds, after "slow" within hours."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(n):
        names = rng.choice(["fast", "slow"], rng.integers(2, 7))
        waits = np.exp(rng.normal(np.where(names == "fast", 2, 8), 0.5))
        rows.append(list(zip(names.tolist(), np.cumsum(waits) - waits, strict=True)))
    return frame(rows)


def waits_of(X):
    return np.concatenate([np.diff(np.array(r, "M8[us]")).astype(float) for r in lists(X)]) / 1e6


def lists(X):
    return X["when"].to_pylist()


def seconds(table, name="0.5"):
    return np.array([value.total_seconds() for value in table[name].to_pylist()])


# ------------------------------------------------------------ distributions


def mixture(n=3):
    weights = np.tile([0.3, 0.7], (n, 1))
    return LogNormals(np.log(weights), np.tile([0.0, 5.0], (n, 1)), np.tile([0.5, 1.5], (n, 1)))


def test_density_and_survival_are_those_of_scipy():
    waits = np.array([0.1, 2.0, 500.0])
    parts = [stats.lognorm(0.5, scale=1), stats.lognorm(1.5, scale=np.exp(5))]
    density = 0.3 * parts[0].pdf(waits) + 0.7 * parts[1].pdf(waits)
    np.testing.assert_allclose(mixture().log_density(waits), np.log(density))
    survival = 0.3 * parts[0].sf(waits) + 0.7 * parts[1].sf(waits)
    np.testing.assert_allclose(mixture().log_survival(np.log(waits)), np.log(survival))


@pytest.mark.parametrize("elapsed", [0.0, 3.0, 1e4, 1e9, 1e30])
def test_quantiles_invert_the_survival_that_is_left(elapsed):
    passed, some = np.full(3, elapsed), mixture()
    for share in (0.1, 0.5, 0.9):
        found = some.quantiles(share, passed)
        assert (found >= 0).all() and np.isfinite(found).all()
        if elapsed < 1e9:
            with np.errstate(divide="ignore"):
                left = some.log_survival(np.log(found + elapsed)) - some.log_survival(
                    np.log(passed)
                )
            np.testing.assert_allclose(np.exp(left), 1 - share, rtol=1e-6)


# ------------------------------------------------------------ counting models


def test_waits_of_all_and_by_id(frame_lib):
    X = visits(60)
    made = frame_lib.make({name: X[name] for name in X.column_names})
    everyone, chain = MostFrequent("page", time="when"), MarkovChain("page", time="when")
    waits = waits_of(X)
    z = np.log(waits)
    plain = stats.lognorm(z.std(), scale=np.exp(z.mean()))
    everyone.fit(made)
    assert everyone.score_when(made) == pytest.approx(plain.logpdf(waits).mean(), rel=1e-6)
    assert chain.fit(made).score_when(made) > everyone.score_when(made) + 1
    rows = frame_lib.to_pylist(everyone.predict_when(made, [0.25, 0.9]))
    assert rows[0]["0.25"].total_seconds() == pytest.approx(plain.ppf(0.25), rel=1e-6)
    assert list(rows[0]) == ["0.25", "0.9"] and len(rows) == 60
    asked = frame([[("slow", 0), ("fast", 5)], [("slow", 0)], [("new", 0)], []])
    fast, slow, new, _ = chain.predict_when(asked, 0.5)["0.5"].to_pylist()
    assert fast.total_seconds() < 20 and 1000 < slow.total_seconds()
    assert new.total_seconds() == pytest.approx(np.exp(z.mean()), rel=1e-6)
    assert chain.predict_when(asked, 0.5)["0.5"].to_pylist()[3] is None


def test_what_has_passed_until_the_cutoff_counts():
    X = visits(60)
    model = MostFrequent("page", time="when").fit(X)
    z = np.log(waits_of(X))
    plain = stats.lognorm(z.std(), scale=np.exp(z.mean()))
    found = seconds(model.predict_when(X, 0.5, at="cutoff"))
    expected = plain.isf(0.5 * plain.sf(3600)) - 3600
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_equal_times_are_waits_of_the_shortest_one():
    X = frame([[("a", 0), ("a", 0), ("a", 2), ("a", 6)]] * 3)
    model = MostFrequent("page", time="when").fit(X)
    z = np.log([2, 2, 4])
    expected = stats.lognorm(z.std(), scale=np.exp(z.mean())).logpdf([2, 2, 4]).mean()
    assert model.score_when(X) == pytest.approx(expected, rel=1e-6)
    same = frame([[("a", 0), ("a", 2)], [("a", 0), ("a", 2)]])
    assert np.isfinite(model.fit(same).score_when(same))  # all waits are equal


def test_bad_times_are_refused():
    model, X = MarkovChain("page", time="when"), visits(9)
    with pytest.raises(SequenceFrameError, match="time='at' is not a list column"):
        MarkovChain("page", time="at").fit(X)
    with pytest.raises(SequenceFrameError, match="Row 1 of 'when' goes back in time"):
        model.fit(frame([[("a", 1)], [("a", 5), ("b", 1)]]))
    with pytest.raises(ValueError, match="No history holds two events of different times"):
        model.fit(frame([[("a", 1)], [("b", 3), ("b", 3)]]))
    assert not hasattr(model, "classes_")  # a failed fit leaves nothing behind
    model.fit(X)
    with pytest.raises(ValueError, match=r"between 0 and 1; got \[0\.5, 1\]"):
        model.predict_when(X, [0.5, 1])
    with pytest.raises(SequenceFrameError, match="at='now' is not an ordinary column"):
        model.predict_when(X, at="now")
    with pytest.raises(SequenceFrameError, match="Row 0 holds an event after its moment"):
        model.predict_when(frame([[("a", 5)]], waited=-1), at="cutoff")
    with pytest.raises(ValueError, match="no wait to score"):
        model.score_when(frame([[("fast", 1)]]))
    with pytest.raises(ValueError, match="Fit it with the name of the list column of times"):
        MarkovChain("page").fit(X).predict_when(X)


# ------------------------------------------------------------ network


@pytest.fixture(scope="module")
def timed():
    X = visits(110).drop_columns("cutoff")
    options = SMALL | {"learning_rate": 0.05, "epochs": 12, "dropout": 0}
    # Of so few steps an average would lag behind.
    return NextBehaviorPredictor("page", average_weights=False, **options).fit(X)


def test_a_network_learns_waits_as_well_as_counting(timed):
    X = visits(60, seed=1)
    everyone = MostFrequent("page", time="when").fit(visits(150))
    chain = MarkovChain("page", time="when").fit(visits(150))
    assert timed.score_when(X) > everyone.score_when(X) + 1
    assert timed.score_when(X) > chain.score_when(X) - 0.2
    last = pa.table({n: [row[:-1] for row in X[n].to_pylist()] for n in ("page", "when")})
    truth = [(row[-1] - row[-2]).total_seconds() for row in lists(X)]
    loss = [
        mean_pinball_loss(truth, seconds(m.predict_when(last, 0.5))) for m in (timed, everyone)
    ]
    assert loss[0] < loss[1]
    np.testing.assert_allclose(timed.predict_proba(X).sum(axis=1), 1)
    assert timed.predict_when(frame([[]]), 0.5)["0.5"].to_pylist() == [None]
    with pytest.raises(ValueError, match="has not learned when histories end"):
        timed.predict_end_proba(X)


def test_loss_of_plain_numpy():
    """Ids, waits that ended, and waits that were open at the cutoff: the mean of each kind."""
    X = frame([[("a", 0), ("b", 4)], [("b", 0)], [("a", 0), ("a", 1), ("b", 9)], []], waited=20)
    options = SMALL | {"batch_size": 4, "optimizer": "sgd", "learning_rate": 1e-9}
    model = NextBehaviorPredictor("page", epochs=1, dropout=0, validation_split=0, **options)
    encoder = SequenceEncoder(categorical=["page"], time_features=("gap",))
    y = [None, None, "a", None]  # who is followed is not open
    model.set_params(encoder=encoder).fit(X, y)
    ids = np.concatenate(model.score_each(X)["score"].to_pylist()).astype(float)
    ids = np.append(ids, model.predict_proba(X)[2, 0])
    waits, spread = model._waits_of_each(X), model._wait_spread
    # Densities of the scaled logarithms, so that the loss does not depend on the unit of time.
    came = waits.take([0, 3, 4]).log_density(np.array([4.0, 1, 8])) + np.log([4, 1, 8])
    still = waits.take([1, 2]).log_survival(np.log([20.0, 20]))
    expected = -np.log(ids).mean() - (np.sum(came + np.log(spread)) + still.sum()) / 5
    assert model.history_["loss"] == pytest.approx([expected], rel=1e-4)


def test_tails_of_the_normal_distribution_have_finite_gradients():
    import tensorflow as tf

    from skbseq._training._event_ends import wait_likelihoods

    waits = tf.constant([[-30.0, 0.0, 5.1, 40.0]])
    outputs = tf.constant([[[0.0, 0.0, 0.0]] * 4])
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        _, survival = wait_likelihoods(outputs, waits)
    np.testing.assert_allclose(survival, stats.norm.logsf(waits), rtol=1e-4, atol=1e-6)
    assert np.isfinite(tape.gradient(survival, outputs)).all()


def test_waits_with_ends_and_an_encoder_that_cuts():
    X = visits(40)
    encoder = SequenceEncoder(time_features=("gap",), max_length=2)
    options = SMALL | {"encoder": encoder, "end": True, "epochs": 1}
    model = NextBehaviorPredictor("page", **options).fit(X)
    of_last = model._last_waits(X, None)
    ends = np.cumsum([len(row) for row in lists(X)]) - 1
    np.testing.assert_allclose(model._waits_of_each(X).take(ends).means, of_last.means, rtol=1e-4)
    assert np.isfinite(model.score_when(X))
    each = model.predict_end_proba_each(X)["end"].to_pylist()
    np.testing.assert_allclose(model.predict_end_proba(X), [row[-1] for row in each], rtol=1e-4)
