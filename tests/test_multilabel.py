"""Several labels at once: forms of y, probabilities, going on, scikit-learn's scores, errors."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder, load, save
from skbseq.datasets import make_shop_log
from skbseq.exceptions import SequenceFrameError

QUICK = dict(units=4, epochs=2, batch_size=16, device="/CPU:0", random_state=0)
NAMES = ["buys", "returns", "writes"]
# The chance of each label after each kind of history.
CHANCES = np.array([[0.9, 0.1, 0.5], [0.2, 0.6, 0.3], [0.5, 0.3, 0.02]])


@pytest.fixture(scope="module")
def data():
    """Three kinds of histories, and labels drawn by the chances of each, independently."""
    X = pd.DataFrame({"what": [[2, 3], [3, 2], [2, 2]] * 200})
    kind = np.arange(600) % 3
    y = (np.random.default_rng(0).random((600, 3)) < CHANCES[kind]).astype(int)
    return X, y, kind


@pytest.fixture(scope="module")
def fitted(data):
    return LSTMBehaviorClassifier(**QUICK).fit(data[0], pd.DataFrame(data[1], columns=NAMES))


# ---------------------------------------------------------------- forms of y


def test_every_form_of_y_gives_the_same_network(data, fitted, frame_lib):
    X, y, _ = data
    expected = fitted.predict_proba(X)
    table = {name: y[:, i].astype(bool).tolist() for i, name in enumerate(NAMES)}
    named = clone(fitted).fit(X, frame_lib.make(table))
    np.testing.assert_array_equal(named.predict_proba(X), expected)
    assert named.classes_.tolist() == NAMES and named.multilabel_


@pytest.mark.parametrize(
    "form",
    [
        lambda y: y,
        lambda y: y.astype(bool),
        lambda y: y.astype(float),
        lambda y: y.tolist(),
        lambda y: [tuple(row) for row in y.astype(bool)],
        lambda y: y.astype(object),
    ],
    ids=["int", "bool", "float", "lists", "tuples", "object"],
)
def test_labels_without_names_are_numbered(data, fitted, form):
    X, y, _ = data
    model = clone(fitted).fit(X, form(y))
    np.testing.assert_array_equal(model.predict_proba(X), fitted.predict_proba(X))
    assert model.classes_.tolist() == [0, 1, 2]


def test_one_column_is_labels_of_one_class_each(data):
    X, y, _ = data
    model = LSTMBehaviorClassifier(**QUICK).fit(X, y[:, 0])
    assert not model.multilabel_ and not hasattr(model, "decision_function")
    with pytest.warns(UserWarning, match="column-vector"):
        table = LSTMBehaviorClassifier(**QUICK).fit(X, pd.DataFrame(y[:, :1]))
    np.testing.assert_array_equal(table.predict_proba(X), model.predict_proba(X))


# ---------------------------------------------------------------- what is learned


def test_each_label_has_a_probability_of_its_own(data):
    X, y, kind = data
    # Steps of all samples, so that what is found is the minimum of the loss: the shares.
    model = LSTMBehaviorClassifier(
        units=8,
        epochs=200,
        batch_size=1000,
        learning_rate=0.02,
        validation_split=0,
        random_state=0,
    ).fit(X, y)
    shares = np.array([y[kind == k].mean(axis=0) for k in range(3)])
    proba = model.predict_proba(X)
    assert proba.shape == (600, 3)
    np.testing.assert_allclose(proba[:3], shares, atol=0.02)
    np.testing.assert_allclose(proba[:3], CHANCES, atol=0.1)
    assert (np.abs(proba.sum(axis=1) - 1) > 0.1).any()
    np.testing.assert_array_equal(model.predict(X), (proba > 0.5).astype(int))
    logits = model.decision_function(X)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), proba, rtol=1e-12)


def test_the_loss_is_the_mean_of_the_cross_entropies(data):
    X, y, _ = data
    weights = np.random.default_rng(1).integers(0, 3, 600).astype(float)
    model = LSTMBehaviorClassifier(
        units=4, epochs=1, batch_size=1000, validation_split=0, random_state=0
    ).set_params(optimizer="sgd", learning_rate=1e-12)
    model.fit(X, y, sample_weight=weights)
    proba = model.predict_proba(X)
    expected = np.mean(
        [log_loss(y[:, i], proba[:, i], sample_weight=weights) for i in range(y.shape[1])]
    )
    assert model.history_["loss"][0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_that_never_or_always_holds_is_learnt_as_such(data, value):
    X, y, _ = data
    y = y.copy()
    y[:, 1] = value
    model = LSTMBehaviorClassifier(**{**QUICK, "epochs": 10, "learning_rate": 0.02}).fit(X, y)
    proba = model.predict_proba(X)
    assert np.isfinite(proba).all() and (np.abs(proba[:, 1] - value) < 0.05).all()
    assert (model.predict(X)[:, 1] == value).all()


def test_samples_of_weight_zero_are_left_out(data):
    X, y, _ = data
    model = LSTMBehaviorClassifier(**QUICK)
    weights = (np.arange(600) < 300).astype(float)
    a = clone(model).fit(X, y, sample_weight=weights).predict_proba(X)
    np.testing.assert_array_equal(a, clone(model).fit(X[:300], y[:300]).predict_proba(X))


# ---------------------------------------------------------------- going on


def test_going_on_keeps_the_names(data):
    X, y, _ = data
    table = pd.DataFrame(y, columns=NAMES)
    model = LSTMBehaviorClassifier(**QUICK).partial_fit(X[:300], table[:300])
    model.partial_fit(X[300:], y[300:])  # an array has no names to contradict
    assert model.classes_.tolist() == NAMES and model.n_iter_ == 2
    model.partial_fit(X, table, classes=NAMES)
    warm = LSTMBehaviorClassifier(**QUICK, warm_start=True).fit(X, table)
    before = warm.history_["loss"]
    assert warm.fit(X, table).history_["loss"][0] < before[0]
    assert warm.classes_.tolist() == NAMES
    for learn in model.partial_fit, warm.fit:
        with pytest.raises(ValueError, match=r"The labels are .'writes', 'returns', 'buys'.; exp"):
            learn(X, table[NAMES[::-1]])
        with pytest.raises(ValueError, match="y has 2 columns; expected 3, for the labels"):
            learn(X, y[:, :2])
        with pytest.raises(ValueError, match="y has one column where it had several"):
            learn(X, y[:, 0])
    with pytest.raises(SequenceFrameError, match="Column names must be strings; got 0"):
        model.partial_fit(X, pd.DataFrame(y))
    assert model.classes_.tolist() == warm.classes_.tolist() == NAMES


def test_classes_must_be_the_columns(data):
    X, y, _ = data
    table = pd.DataFrame(y, columns=NAMES)
    with pytest.raises(ValueError, match=r"The labels are \['a', 'b', 'c'\]; expected .*'buys'"):
        LSTMBehaviorClassifier(**QUICK).partial_fit(X, table, classes=["a", "b", "c"])


def test_one_class_cannot_become_several_labels(data):
    X, y, _ = data
    model = LSTMBehaviorClassifier(**QUICK, warm_start=True).fit(X, y[:, 0])
    with pytest.raises(ValueError, match="or the other way round"):
        model.fit(X, y)


def test_a_kept_model_keeps_names_and_goes_on(data, fitted, tmp_path):
    X, y, _ = data
    save(fitted, tmp_path / "model.skbseq")
    goes_on = pickle.loads(pickle.dumps(fitted)).partial_fit(X, y)
    other = load(tmp_path / "model.skbseq")
    assert other.classes_.tolist() == NAMES
    np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
    expected = goes_on.predict_proba(X)
    np.testing.assert_array_equal(other.partial_fit(X, y).predict_proba(X), expected)


# ---------------------------------------------------------------- scikit-learn's scores


@pytest.mark.parametrize(
    ("scoring", "n_labels"),
    [("roc_auc", 2), ("average_precision", 2), ("f1_macro", 2), ("accuracy", 2), ("roc_auc", 3)],
)
def test_scores_of_several_labels(data, n_labels, scoring):
    """Two labels are not two classes, which scikit-learn tells by their number alone."""
    X, y, _ = data
    scores = cross_val_score(
        LSTMBehaviorClassifier(**QUICK),
        X,
        y[:, :n_labels],
        cv=2,
        scoring=scoring,
        error_score="raise",
    )
    assert np.isfinite(scores).all()


def test_accuracy_asks_for_the_names_of_the_fit(data, fitted):
    X, y, _ = data
    table = pd.DataFrame(y, columns=NAMES)
    expected = (fitted.predict(X) == y).all(axis=1).mean()
    assert fitted.score(X, table) == fitted.score(X, y) == pytest.approx(expected)
    with pytest.raises(ValueError, match="a column each"):
        fitted.score(X, table[NAMES[::-1]])


def test_roc_auc_is_the_mean_over_labels(data):
    X, y, _ = data
    model = LSTMBehaviorClassifier(**QUICK)
    proba = cross_val_predict(model, X, y, cv=2, method="predict_proba")
    each = [roc_auc_score(y[:, i], proba[:, i]) for i in range(3)]
    assert roc_auc_score(y, proba) == pytest.approx(np.mean(each))
    assert model.fit(X, y).score(X, y) == (model.predict(X) == y).all(axis=1).mean()


def test_a_search_in_a_pipeline():
    X = pd.DataFrame({"what": [["view", "cart"], ["cart", "view"], ["view"]] * 30})
    y = np.array([[1, 1], [0, 1], [1, 0]] * 30)
    model = make_pipeline(SequenceEncoder(), LSTMBehaviorClassifier(**QUICK))
    grid = {"lstmbehaviorclassifier__learning_rate": [0.003, 0.03]}
    search = GridSearchCV(model, grid, cv=2, scoring="roc_auc", error_score="raise").fit(X, y)
    assert search.predict_proba(X).shape == (90, 2)


@pytest.mark.steps("eager")  # a step of a network that no other test builds
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_labels_of_a_log_fit_directly(library):
    shop = make_shop_log(n_users=120, random_state=0)
    events = shop.events
    if library == "polars":
        events = pytest.importorskip("polars").from_pandas(events)
    log = EventLog(events, **shop.roles).clean()
    samples = log.samples(at=shop.at)
    X = SequenceEncoder(numeric=[]).fit_transform(log.histories(samples, max_events=10))
    horizons = log.label_behavior(samples, behavior="buy", horizon=["1D", "3D", "7D"])
    steps = {"epochs": 1, "batch_size": 200, "validation_split": 0}
    model = LSTMBehaviorClassifier(**{**QUICK, **steps}).fit(X, horizons)
    assert model.classes_.tolist() == ["1D", "3D", "7D"]
    assert model.predict_proba(X).shape == (len(samples), 3)

    several = {
        behavior: log.label_behavior(samples, behavior=behavior, horizon="7D")
        for behavior in ("view", "cart", "buy")
    }
    table = pd.DataFrame(several) if library == "pandas" else pa.table(several)
    assert clone(model).fit(X, table).classes_.tolist() == ["view", "cart", "buy"]


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("value", "shown"), [(2, "2"), (0.5, "0.5"), (np.nan, "nan"), (-1, "-1"), ("yes", "'yes'")]
)
def test_bad_labels_are_named(data, value, shown):
    X, y, _ = data
    bad = pd.DataFrame(y, columns=NAMES).astype(object)
    bad.loc[5, "returns"] = value
    message = f"row 5 of column {{}} holds {shown}. Use 0 and 1"
    with pytest.raises(ValueError, match=message.format("'returns'")):
        LSTMBehaviorClassifier(**QUICK).fit(X, bad)
    with pytest.raises(ValueError, match=message.format(1)):
        LSTMBehaviorClassifier(**QUICK).fit(X, bad.to_numpy())


def test_missing_labels_and_digits_in_strings_are_named(data, frame_lib):
    X, y, _ = data
    columns = {"a": [True, None] * 300, "b": [True, False] * 300}
    with pytest.raises(ValueError, match=r"row 1 of column 'a' holds (None|nan)"):
        LSTMBehaviorClassifier(**QUICK).fit(X, frame_lib.make(columns))
    with pytest.raises(ValueError, match=r"row 0 of column 0 holds '[01]'"):
        LSTMBehaviorClassifier(**QUICK).fit(X, y.astype(str))


def test_class_weight_is_refused(data):
    X, y, _ = data
    for weight in ("balanced", {0: 1.0, 1: 2.0}):
        model = LSTMBehaviorClassifier(**QUICK, class_weight=weight)
        with pytest.raises(ValueError, match=r"y has 3 columns\. Give sample_weight"):
            model.fit(X, y)


def test_other_shapes_are_refused(data):
    X, y, _ = data
    model = LSTMBehaviorClassifier(**QUICK)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    with pytest.raises(ValueError, match=r"inhomogeneous|1d array"):
        model.fit(X, [[0, 1]] * 599 + [[1]])
    with pytest.raises(ValueError, match="Found array with dim 3"):
        model.fit(X, np.stack([y, y], axis=2))
