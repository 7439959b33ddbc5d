"""LSTMBehaviorClassifier: numbers, parameters that act, repeatability, errors."""

import copy
import pickle
import random
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils.class_weight import compute_sample_weight

from skbseq import LSTMBehaviorClassifier
from skbseq.exceptions import SequenceFrameError

QUICK = dict(units=4, epochs=2, batch_size=16, device="/CPU:0", random_state=0)
# Two steps of all samples. For what no other test builds: to trace it takes as long as 20 steps.
STEPS = {**QUICK, "batch_size": 64, "validation_split": 0}
eager = pytest.mark.steps("eager")
BALANCED = LSTMBehaviorClassifier(**QUICK, class_weight="balanced")


@pytest.fixture(scope="module")
def frame():
    """Encoded histories of 0 to 9 events; yes if the last code is 2."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 10, 200)
    codes = [rng.integers(1, 5, n).tolist() for n in lengths]
    X = pd.DataFrame(
        {
            "what": codes,
            "price": [rng.normal(size=n).round(3).tolist() for n in lengths],
            "age": rng.normal(size=200),
        }
    )
    y = np.array(["yes" if row and row[-1] == 2 else "no" for row in codes])
    return X, y


@pytest.fixture(scope="module")
def few(frame):
    """The first events of some of these histories."""
    X, y = frame
    short = {name: [row[:4] for row in X[name][:40]] for name in ("what", "price")}
    return X[:40].assign(**short), y[:40]


@pytest.fixture(scope="module")
def fitted(frame):
    return LSTMBehaviorClassifier(**QUICK).fit(*frame)


# ---------------------------------------------------------------- numbers


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(X, weights, reverse=False):
    """The gate equations, one sample and one step at a time."""
    kernel, recurrent, bias = weights
    units = len(recurrent)
    states = []
    for row in X:
        h, c = np.zeros(units), np.zeros(units)
        for x in row[::-1] if reverse else row:
            i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


@eager
@pytest.mark.parametrize("bidirectional", [False, True])
def test_probabilities_are_those_of_the_equations(frame, few, bidirectional):
    X, _ = frame
    model = LSTMBehaviorClassifier(bidirectional=bidirectional, **STEPS).fit(*few)
    weights = {w.path: np.asarray(w.value) for w in model.model_.weights}
    embedding = next(w for path, w in weights.items() if "embeddings" in path)
    rows = [
        np.column_stack([embedding[what], price])
        if what
        else np.zeros((0, embedding.shape[1] + 1))
        for what, price in zip(X["what"], X["price"], strict=True)
    ]
    layer = lambda name: [w for path, w in weights.items() if path.startswith(name + "/")]  # noqa: E731
    states = [lstm_by_hand(rows, layer("lstm_0"))]
    if bidirectional:
        states.append(lstm_by_hand(rows, layer("lstm_0_backward"), reverse=True))
    joined = np.column_stack([*states, X["age"]])
    kernel, bias = layer("context_dense")
    hidden = np.maximum(joined @ kernel + bias, 0)
    kernel, bias = layer("logits")
    expected = sigmoid(hidden @ kernel + bias)[:, 0]
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expected, atol=2e-6)


@eager
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling_is_over_real_steps_alone(frame, few, pooling):
    X, _ = frame
    model = LSTMBehaviorClassifier(pooling=pooling, **STEPS).fit(*few)
    alone = np.vstack([model.predict_proba(X.iloc[[i]]) for i in range(10)])
    np.testing.assert_allclose(alone, model.predict_proba(X)[:10], atol=1e-6)


def test_learns_order_and_not_counts():
    X = pd.DataFrame({"what": [[2, 3], [3, 2]] * 100})
    y = [0, 1] * 100
    model = LSTMBehaviorClassifier(units=8, epochs=30, learning_rate=0.02, random_state=0)
    assert model.fit(X, y).score(X, y) == 1.0


@eager
def test_three_classes_sum_to_one(few):
    X, _ = few
    y = np.array(["a", "b", "c", "c"] * 10)
    model = LSTMBehaviorClassifier(**STEPS).fit(X, y)
    proba = model.predict_proba(X)
    assert proba.shape == (40, 3) and model.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-12)
    assert set(model.predict(X)) <= {"a", "b", "c"}


# ---------------------------------------------------------------- scikit-learn's habits


def test_tags_and_one_row(frame, fitted):
    assert is_classifier(fitted)
    assert fitted.predict_proba(frame[0].iloc[:1]).shape == (1, 2)
    assert fitted.predict_proba(frame[0].iloc[:0]).shape == (0, 2)
    assert fitted.predict(frame[0]).dtype == frame[1].dtype


def test_labels_of_any_kind_come_back(frame):
    X, y = frame
    for labels in (y == "yes", np.where(y == "yes", 7, -1), pd.Series(y, dtype="category")):
        model = LSTMBehaviorClassifier(**QUICK).fit(X, labels)
        assert set(model.predict(X)) <= set(np.asarray(labels))


@eager
def test_same_seed_same_fit_bit_for_bit_and_no_global_state(few):
    X, y = few
    parameters = dict(QUICK, epochs=1, batch_size=20, dropout=0.3, recurrent_dropout=0.2)
    np.random.seed(5)
    random.seed(5)
    before = np.random.get_state()[1].copy(), random.getstate()
    first = LSTMBehaviorClassifier(**parameters).fit(X, y)
    assert (np.random.get_state()[1] == before[0]).all() and random.getstate() == before[1]
    LSTMBehaviorClassifier(**{**parameters, "random_state": 9}).fit(X, y)
    second = clone(first).fit(X, y)
    for a, b in zip(first.weights_, second.weights_, strict=True):
        assert (a == b).all()
    assert first.history_ == second.history_


def test_other_seed_other_fit(frame):
    X, y = frame
    a, b = (LSTMBehaviorClassifier(**{**QUICK, "random_state": s}).fit(X, y) for s in (0, 1))
    assert (a.predict_proba(X) != b.predict_proba(X)).any()


@pytest.fixture(scope="module")
def few_steps(few):
    """Fitted where a test asks first, for that test's way is eager and the file's is not."""
    fitted = []

    def fit():
        if not fitted:
            fitted.append(LSTMBehaviorClassifier(**STEPS).fit(*few))
        return fitted[0]

    return fit


@eager
@pytest.mark.parametrize(
    "change",
    [
        {"units": 5},
        {"n_layers": 2},
        {"bidirectional": True},
        {"embedding_dim": 7},
        {"dropout": 0.5},
        {"recurrent_dropout": 0.5},
        {"l1": 0.1},
        {"l2": 0.1},
        {"pooling": "mean"},
        {"optimizer": "sgd"},
        {"learning_rate": 0.1},
        {"batch_size": 25},
        {"epochs": 3},
        {"validation_split": 0.5},
        {"class_weight": "balanced"},
        {"class_weight": {"yes": 5.0, "no": 1.0}},
        {"precision": "mixed_bfloat16"},
        {"random_state": 1},
        {"optimizer__learning_rate": 0.1},
        {"optimizer__beta_1": 0.1},
        {"optimizer__clipnorm": 1e-3},
        {"optimizer__weight_decay": 0.5},
        {"optimizer__use_ema": True, "optimizer__ema_momentum": 0.5},
        {"fit__epochs": 3},
        {"fit__batch_size": 25},
    ],
)
def test_every_parameter_acts(few, few_steps, change):
    X, y = few
    fitted = few_steps()
    other = clone(fitted).set_params(**change)
    assert {**other.get_params(), **change} == other.get_params()
    other.fit(X, y)
    assert not np.array_equal(other.predict_proba(X), fitted.predict_proba(X))


def test_routed_parameters_survive_clone_and_search_names(fitted):
    model = LSTMBehaviorClassifier(optimizer__beta_1=0.5, callbacks__0__patience=3)
    assert clone(model).get_params()["optimizer__beta_1"] == 0.5
    assert "optimizer__beta_1" not in fitted.get_params()
    with pytest.raises(ValueError, match="Invalid parameter 'unit'"):
        model.set_params(unit=3)


def test_callbacks_act_and_let_go_of_the_model(frame):
    import keras

    X, y = frame
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10.0)
    model = LSTMBehaviorClassifier(**{**QUICK, "epochs": 9}, callbacks=[stop]).fit(X, y)
    assert model.n_iter_ == 2 and stop.model is None
    routed = LSTMBehaviorClassifier(
        **{**QUICK, "epochs": 9},
        callbacks=[keras.callbacks.EarlyStopping],
        callbacks__0__monitor="loss",
        callbacks__0__patience=0,
        callbacks__0__min_delta=10.0,
    ).fit(X, y)
    assert routed.n_iter_ == 2
    pickle.dumps(model)


def test_early_stopping_restores_the_best_epoch(frame):
    X, _ = frame
    y = np.random.default_rng(1).integers(0, 2, 200)  # nothing to learn but noise
    model = LSTMBehaviorClassifier(
        units=32, epochs=30, learning_rate=0.05, early_stopping=3, random_state=0
    ).fit(X, y)
    losses = model.history_["val_loss"]
    assert len(losses) == model.n_iter_ == np.argmin(losses) + 4
    through = clone(model).set_params(early_stopping=False).fit(X, y)
    assert through.n_iter_ == 30


def test_held_out_samples_are_stratified_and_not_the_tail(frame):
    from skbseq._training._hold_out import split_rows

    y = np.array([0] * 90 + [1] * 10)
    train, held_out = split_rows(y, 0.2, np.random.default_rng(0))
    assert np.bincount(y[held_out]).tolist() == [18, 2]
    assert sorted([*train, *held_out]) == list(range(100))
    assert held_out.max() - held_out.min() > 50


def test_a_class_keeps_a_sample_to_train_on():
    from skbseq._training._hold_out import split_rows

    y = np.array([0] * 10 + [1])
    train, held_out = split_rows(y, 0.95, np.random.default_rng(0))
    assert np.bincount(y[train]).tolist() == [1, 1] and len(held_out) == 9


def test_zero_weights_leave_samples_out_and_weights_are_not_changed(frame):
    X, y = frame
    weights = np.where(np.arange(200) < 150, 1.0, 0.0)
    kept = weights.copy()
    for model in LSTMBehaviorClassifier(**QUICK), BALANCED:
        a = clone(model).fit(X, y, sample_weight=weights).predict_proba(X)
        b = clone(model).fit(X[:150], y[:150]).predict_proba(X)
        np.testing.assert_array_equal(a, b)
        clone(model).fit(X, y, sample_weight=weights.astype(np.float32))
    assert (weights == kept).all()


def test_balanced_class_weight_is_the_sample_weight_of_its_formula(frame):
    X, y = frame
    a = LSTMBehaviorClassifier(**QUICK, class_weight="balanced").fit(X, y)
    weights = compute_sample_weight("balanced", y)
    b = LSTMBehaviorClassifier(**QUICK).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


def test_partial_fit_goes_on_and_knows_all_classes(frame):
    X, y = frame
    model = LSTMBehaviorClassifier(**QUICK)
    model.partial_fit(X[:20], ["yes"] * 20, classes=["no", "yes"])
    first = model.predict_proba(X)
    model.partial_fit(X, y)
    assert model.n_iter_ == len(model.history_["loss"]) == 2
    assert (model.predict_proba(X) != first).any()
    with pytest.raises(ValueError, match="'maybe', which is not among the classes"):
        model.partial_fit(X[:2], ["yes", "maybe"])
    with pytest.raises(ValueError, match="differ from those of the first call"):
        model.partial_fit(X[:2], ["a", "b"], classes=["a", "b"])
    codes_beyond = pd.DataFrame({"what": [[99]], "price": [[0.0]], "age": [0.0]})
    assert model.partial_fit(codes_beyond, ["no"]).predict_proba(codes_beyond).shape == (1, 2)


@pytest.mark.parametrize("by", ["sample_weight", "class_weight"])
def test_partial_fit_weighs_calls_of_one_class(frame, by):
    X, y = frame

    def trained(weight):
        factors = {"no": 1.0, "yes": weight}
        model = LSTMBehaviorClassifier(**QUICK, class_weight=None)
        if by == "class_weight":
            model.set_params(class_weight=factors)
        for label in ["no", "yes"] * 3:
            rows = y == label
            weights = np.full(rows.sum(), factors[label]) if by == "sample_weight" else None
            model.partial_fit(X[rows], y[rows], ["no", "yes"], sample_weight=weights)
        return model.predict_proba(X)[:, 1].mean()

    assert trained(1e-3) < trained(1.0) - 0.05


def test_partial_fit_cannot_balance_what_it_has_not_seen(frame):
    with pytest.raises(ValueError, match="which one call of partial_fit cannot know"):
        clone(BALANCED).partial_fit(*frame)


@eager
def test_a_fit_that_goes_on_takes_what_the_weights_allow(few):
    X, y = few
    model = LSTMBehaviorClassifier(**STEPS, warm_start=True).fit(X, y)
    kept = pickle.dumps(model)
    for change in {"units": 8}, {"n_layers": 2}, {"bidirectional": True}, {"embedding_dim": 9}:
        changed = pickle.loads(kept).set_params(**change)
        for go_on in changed.fit, changed.partial_fit:
            message = f"{next(iter(change))} was changed since .* sklearn.base.clone"
            with pytest.raises(ValueError, match=message):
                go_on(X, y)
    plain = pickle.loads(kept).fit(X, y).predict_proba(X)
    for change in {"dropout": 0.5}, {"pooling": "max"}, {"learning_rate": 0.1}:
        changed = pickle.loads(kept).set_params(**change).fit(X, y)
        assert (changed.predict_proba(X) != plain).any(), change


@eager
def test_another_optimizer_begins_with_its_own_state(few):
    X, y = few
    model = LSTMBehaviorClassifier(**STEPS, warm_start=True, optimizer="rmsprop").fit(X, y)
    alike = pickle.loads(pickle.dumps(model)).set_params(optimizer="sgd", optimizer__momentum=0.9)
    from_weights = pickle.loads(pickle.dumps(alike))
    model_ = from_weights._sequence_model
    from_weights._sequence_model = replace(model_, optimizer_state=None)
    a, b = (m.fit(X, y).predict_proba(X) for m in (alike, from_weights))
    np.testing.assert_array_equal(a, b)
    other_shapes = model.set_params(optimizer="adam").fit(X, y)
    assert np.isfinite(other_shapes.history_["loss"]).all()


@eager
def test_a_fit_that_goes_on_draws_other_dropout_and_batches(few):
    X, y = few
    model = LSTMBehaviorClassifier(**{**STEPS, "batch_size": 20}, dropout=0.5, warm_start=True)
    model.set_params(optimizer="sgd", learning_rate=1e-9).fit(X, y)
    first = model.history_["loss"]
    assert model.fit(X, y).history_["loss"] != first


def test_warm_start_goes_on_from_the_weights(frame):
    X, y = frame
    model = LSTMBehaviorClassifier(**QUICK, warm_start=True, validation_split=0).fit(X, y)
    loss = model.history_["loss"]
    model.fit(X, y)
    assert model.history_["loss"][0] < loss[0]
    assert clone(model).set_params(warm_start=False).fit(X, y).history_["loss"] == loss


def test_scikit_learns_callbacks_see_every_epoch(frame, capsys):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9 brings callbacks")
    X, y = frame
    begun, ended = [], []

    class Watch:
        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context):
            begun.append(context.task_name)

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            ended.append(context.task_name)
            if context.task_name == "epoch":
                assert fitted_estimator.predict_proba(X[:3]).shape == (3, 2)
                return len(ended) == 2
            return False

    model = LSTMBehaviorClassifier(**{**QUICK, "epochs": 5}).set_callbacks(Watch()).fit(X, y)
    assert begun == ["fit", "epoch", "epoch"] and ended == ["epoch", "epoch", "fit"]
    assert model.n_iter_ == 2
    bar = clone(model).set_callbacks(callback.ProgressBar()).fit(X, y)
    assert bar.n_iter_ == 5


# ---------------------------------------------------------------- shared graphs


def test_clones_of_one_architecture_do_not_disturb_each_other(frame):
    X, y = frame
    a = LSTMBehaviorClassifier(**QUICK).fit(X, y)
    before = a.predict_proba(X)
    b = LSTMBehaviorClassifier(**{**QUICK, "random_state": 3}).fit(X, y)
    assert (b.predict_proba(X) != before).any()
    np.testing.assert_array_equal(a.predict_proba(X), before)
    np.testing.assert_array_equal(copy.deepcopy(a).predict_proba(X), before)


def test_threads_fit_as_one_alone_does(frame):
    X, y = frame
    alone = [LSTMBehaviorClassifier(**{**QUICK, "random_state": s}).fit(X, y) for s in range(4)]
    together = [clone(model) for model in alone]
    threads = [threading.Thread(target=model.fit, args=(X, y)) for model in together]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@eager
def test_callbacks_may_predict_and_fit_others_of_the_architecture(few):
    import keras

    X, y = few
    other = LSTMBehaviorClassifier(**STEPS).fit(X, y)
    seen, expected = [], other.predict_proba(X)

    class Ask(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(other.predict_proba(X))
            seen.append(clone(other).fit(X, y).predict_proba(X))

    plain = LSTMBehaviorClassifier(**{**STEPS, "random_state": 7}).fit(X, y)
    asking = clone(plain).set_params(callbacks=[Ask()]).fit(X, y)
    assert len(seen) == 4
    for answer in seen:
        np.testing.assert_array_equal(answer, expected)
    np.testing.assert_array_equal(asking.predict_proba(X), plain.predict_proba(X))


def test_a_fit_that_fails_to_start_leaves_others_their_weights(frame, fitted, monkeypatch):
    from skbseq._training import _trainer

    def fail(*arguments):
        raise RuntimeError("no state")

    X, y = frame
    expected = fitted.predict_proba(X)
    with monkeypatch.context() as patch:
        patch.setattr(_trainer.Trainer, "start", fail)
        with pytest.raises(RuntimeError, match="no state"):
            LSTMBehaviorClassifier(**{**QUICK, "random_state": 7}).fit(X, y)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)


@eager
def test_callbacks_see_the_optimizer_of_their_own_fit(few):
    import keras

    X, y = few
    seen, begun, asked = [], threading.Event(), threading.Event()

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            begun.set()
            asked.wait(0.2)  # for the other fit, which must wait for this one

        def on_epoch_end(self, epoch, logs=None):
            seen.append(type(self.model.optimizer).__name__)

    first = LSTMBehaviorClassifier(**STEPS, callbacks=[Look()])
    second = LSTMBehaviorClassifier(**STEPS, callbacks=[Look()], optimizer="sgd")
    thread = threading.Thread(target=first.fit, args=(X, y))
    thread.start()
    assert begun.wait(60)
    second.fit(X, y)
    thread.join()
    assert seen == ["Adam", "Adam", "SGD", "SGD"]


def test_a_program_is_of_one_family_one_spec_and_one_device():
    from skbseq._training import borrow_program
    from skbseq.networks import NetworkSpec
    from skbseq.networks._graph import build_network

    def build_other(spec):
        return build_network(spec)

    spec = NetworkSpec((4,), (2,), 0, 0, 1, 3, 1, False, 0.0, 0.0, "last", "float32")
    with borrow_program(spec, "/CPU:0", build_network) as first:
        with borrow_program(spec, "/CPU:0", build_network) as again:
            assert again is first
        with borrow_program(spec, "/CPU:0", build_other) as other:
            assert other is not first
        first.training = True
        with borrow_program(spec, "/CPU:0", build_network) as private:
            assert private is not first
        first.training = False


def test_the_program_that_was_not_used_for_longest_is_dropped(monkeypatch):
    from skbseq._training import _program
    from skbseq.networks import NetworkSpec
    from skbseq.networks._graph import build_network

    def borrowed(units):
        spec = NetworkSpec((), (), 1, 0, 1, units, 1, False, 0.0, 0.0, "last", "float32", "bag")
        with _program.borrow_program(spec, "/CPU:0", build_network) as program:
            return program

    monkeypatch.setattr(_program, "_POOL", type(_program._POOL)())
    monkeypatch.setattr(_program, "_KEEP", 2)
    first, second = borrowed(1), borrowed(2)
    assert borrowed(1) is first
    borrowed(3)
    assert len(_program._POOL) == 2
    assert borrowed(1) is first and borrowed(2) is not second


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_fit_leaves_all_as_it_was(frame, fitted, error):
    import keras

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise error

    X, y = frame
    model = copy.deepcopy(fitted)
    before = model.predict_proba(X)
    model.set_params(callbacks=[Break()])
    with pytest.raises(error):
        model.fit(pd.DataFrame({"other": [[2], [3]] * 10}), [0, 1] * 10)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    again = clone(fitted).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


# ---------------------------------------------------------------- frames and arrays


def test_columns_are_found_by_name_and_strangers_refused(frame, fitted):
    X, _ = frame
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.predict_proba(X[["age", "price", "what"]]), expected)
    with pytest.raises(SequenceFrameError, match="lacks the list column 'price'"):
        fitted.predict(X[["what", "age"]])
    with pytest.raises(SequenceFrameError, match="has the ordinary column 'more', unknown at fit"):
        fitted.predict(X.assign(more=1.0))


def test_frames_of_all_libraries_predict_alike(frame, fitted, frame_lib):
    X, _ = frame
    other = frame_lib.make({name: X[name].tolist() for name in X})
    np.testing.assert_array_equal(fitted.predict_proba(other), fitted.predict_proba(X))


def test_row_order_padding_and_company_do_not_matter(frame, fitted):
    X, _ = frame
    expected = fitted.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(fitted.predict_proba(X.iloc[order]), expected[order], atol=1e-7)
    long = pd.DataFrame({"what": [[2] * 500], "price": [[0.0] * 500], "age": [0.0]})
    beside = fitted.predict_proba(pd.concat([X, long], ignore_index=True))[:-1]
    np.testing.assert_allclose(beside, expected, atol=1e-7)


def test_empty_histories_predict(fitted):
    empty = pd.DataFrame({"what": [[], []], "price": [[], []], "age": [0.0, 1.0]})
    assert np.isfinite(fitted.predict_proba(empty)).all()


@eager
def test_arrays_end_in_padding():
    X = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [1.0, 1.0, 1.0]] * 10)
    y = [0, 1, 0] * 10
    model = LSTMBehaviorClassifier(**STEPS).fit(X, y)
    assert model.predict_proba(X).shape == (30, 2)
    cube = np.stack([X, X], axis=2)
    assert LSTMBehaviorClassifier(**STEPS).fit(cube, y).predict_proba(cube).shape == (30, 2)
    with pytest.raises(ValueError, match="Row 1 holds NaN at step 0"):
        model.predict([[1.0, 2.0, 3.0], [np.nan, 1.0, 1.0]])
    with pytest.raises(ValueError, match="fitted on an array of 2 dimensions"):
        model.predict(pd.DataFrame({"a": [[1.0]]}))


@eager
def test_ragged_lists_are_one_channel():
    X = [[2, 3], [3], [2, 2, 2], [3, 3]] * 10
    model = LSTMBehaviorClassifier(**STEPS).fit(X, [0, 1, 0, 1] * 10)
    assert model.predict_proba([[2, 3]]).shape == (1, 2)


# ---------------------------------------------------------------- bad inputs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"what": [["view"]]}, "Channel 'what' holds string values.*SequenceEncoder"),
        ({"what": [[-1]]}, "Row 1 of channel 'what' holds the negative code -1"),
        ({"what": [[None]]}, "Row 1 of channel 'what' holds a missing code"),
        ({"price": [[float("nan")]]}, "Row 1 of column 'price' holds NaN"),
        ({"price": [[float("inf")]]}, "Row 1 of column 'price' holds inf"),
        ({"price": [[1e300]]}, "Row 1 of column 'price' holds 1e\\+300, infinite as float32"),
        ({"price": [[1.0, 2.0]]}, "Row 1 has 1 values in 'what' but 2 in 'price'"),
        ({"age": [float("nan")]}, "Row 1 of column 'age' holds NaN"),
        ({"age": ["old"]}, "Ordinary column 'age' holds string values"),
    ],
)
def test_bad_values_are_named(change, message):
    first = {"what": [[2]], "price": [[0.5]], "age": [0.5]}
    if "view" in str(change):
        first["what"] = [["buy"]]
    if "old" in str(change):
        first["age"] = ["young"]
    rows = {name: first[name] + change.get(name, first[name]) for name in first}
    with pytest.raises(SequenceFrameError, match=message):
        LSTMBehaviorClassifier(**QUICK).fit(pd.DataFrame(rows), [0, 1])


def test_bad_targets_are_named(frame):
    X, y = frame
    model = LSTMBehaviorClassifier(**QUICK)
    with pytest.raises(ValueError, match="one class only: \\['yes'\\]"):
        model.fit(X, ["yes"] * 200)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    with pytest.raises(ValueError, match=r"contains NaN|missing"):
        model.fit(X, np.where(y == "yes", 1.0, np.nan))
    with pytest.raises(ValueError, match="Unknown label type"):
        model.fit(X, np.linspace(0, 1, 200))
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"units": 0}, "'units' parameter"),
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"pooling": "first"}, "'pooling' parameter"),
        ({"optimizer": "adamm"}, "optimizer='adamm' is not an optimizer of Keras"),
        ({"optimizer__beta": 0.5}, "optimizer__beta is not a parameter of Adam"),
        ({"device": "/GPU:7"}, "device='/GPU:7' is not available"),
        ({"validation_split": 1.0}, "'validation_split' parameter"),
        ({"fit__epochs": 0}, "'fit__epochs' parameter"),
        ({"fit__batch_size": -5}, "'fit__batch_size' parameter"),
        ({"fit__batch_size": "a"}, "'fit__batch_size' parameter"),
        ({"fit__verbose": 3}, "'fit__verbose' parameter"),
    ],
)
def test_bad_parameters_are_named(frame, parameters, message):
    with pytest.raises(ValueError, match=message):
        LSTMBehaviorClassifier(**{**QUICK, **parameters}).fit(*frame)


@pytest.mark.parametrize(
    ("name", "message"),
    [("unit", "no parameter 'unit'"), ("fit__shufle", "'fit__shufle' is routed nowhere")],
)
def test_misspelt_names_are_refused_at_fit(frame, name, message):
    with pytest.raises(TypeError, match=message):
        LSTMBehaviorClassifier(**QUICK, **{name: 3}).fit(*frame)


@pytest.mark.parametrize("name", ["foo_", "_x", "_train", "fit", "classes_", "optimizer__"])
def test_names_of_state_and_methods_are_refused_at_once(name):
    with pytest.raises(
        TypeError, match=f"no parameter '{name}'. It takes augment, average_weights, "
    ):
        LSTMBehaviorClassifier(**{name: 3})


@pytest.mark.parametrize("optimizer", [None, 5, "", [], dict])
def test_what_is_no_optimizer_is_named(frame, optimizer):
    with pytest.raises(ValueError, match=r"optimizer=.* is not an optimizer of Keras. Use 'adam'"):
        LSTMBehaviorClassifier(**QUICK, optimizer=optimizer).fit(*frame)


@pytest.mark.parametrize("callbacks", [5, "x", [5], [None], [dict], {"a": [3]}, ()])
def test_what_is_no_callback_is_named(frame, callbacks):
    with pytest.raises(TypeError, match=r"callbacks holds .*, which is not a callback of Keras"):
        LSTMBehaviorClassifier(**QUICK, callbacks=callbacks).fit(*frame)


def test_parameters_of_callbacks_that_are_not_there_are_named(frame):
    from keras.callbacks import EarlyStopping

    for callbacks, name in (
        (None, "callbacks__0__patience"),
        ([], "callbacks__patience"),
        ([EarlyStopping], "callbacks__1__patience"),
        ({"stop": EarlyStopping}, "callbacks__0__patience"),
    ):
        model = LSTMBehaviorClassifier(**QUICK, callbacks=callbacks, **{name: 3})
        with pytest.raises(ValueError, match=f"{name} has nothing to act on: callbacks="):
            model.fit(*frame)


def test_callbacks_come_in_every_form_of_scikeras(frame):
    from keras.callbacks import EarlyStopping

    change = {"monitor": "loss", "patience": 0, "min_delta": 10.0}
    for callbacks, place in (
        (EarlyStopping, ""),
        (EarlyStopping(**change), None),
        ({"stop": EarlyStopping}, "stop__"),
        ([[EarlyStopping]], "0__0__"),
        ([EarlyStopping], ""),
    ):
        routed = {f"callbacks__{place}{n}": v for n, v in change.items() if place is not None}
        parameters = {**QUICK, "epochs": 9, "callbacks": callbacks, **routed}
        assert LSTMBehaviorClassifier(**parameters).fit(*frame).n_iter_ == 2


@pytest.mark.parametrize("weight", [0, 0.0, 1, np.float32(2)])
def test_class_weights_from_zero_on_are_taken(weight):
    from skbseq._labels import check_class_weight

    check_class_weight({"yes": weight, "no": 1})


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, 1e300, "a", None])
def test_weights_of_classes_are_checked_as_those_of_samples(frame, weight):
    model = LSTMBehaviorClassifier(**QUICK, class_weight={"yes": weight, "no": 1})
    for fit in model.fit, model.partial_fit:
        with pytest.raises(ValueError, match=r"class_weight gives the class 'yes' the weight "):
            fit(*frame)


def test_weights_of_unknown_classes_follow_scikit_learn(frame):
    X, y = frame
    plain = LSTMBehaviorClassifier(**QUICK).fit(X, y).predict_proba(X)
    weights = {"yes": 1, "no": 1, "maybe": 5}
    more = LSTMBehaviorClassifier(**QUICK, class_weight=weights).fit(X, y)
    np.testing.assert_array_equal(more.predict_proba(X), plain)
    with pytest.raises(ValueError, match=r"\['no', 'yes'\], are not in class_weight"):
        LSTMBehaviorClassifier(**QUICK, class_weight={"maybe": 5}).fit(X, y)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", None], "Row 1 of y holds None, a missing label"),
        (np.array([None, True]), "Row 0 of y holds None, a missing label"),
        (pd.Series(["a", None], dtype="string"), "Row 1 of y holds <NA>, a missing label"),
        (pd.Series(["a", np.nan], dtype=object), "Row 1 of y holds nan, a missing label"),
        # NumPy would make strings of them, and 1 would come back as "1".
        (["a", 1], "Row 1 of y holds 1, a number, where those before it are of the kind string"),
        (np.array([1, "a"], object), "Row 1 of y holds 'a', a string, .* of the kind number"),
    ],
)
def test_labels_that_cannot_be_compared_are_named(frame, labels, message):
    X, _ = frame
    with pytest.raises(ValueError, match=message):
        LSTMBehaviorClassifier(**QUICK).fit(X[:2], labels)
    with pytest.raises(ValueError, match=message.replace(" y ", " classes ")):
        LSTMBehaviorClassifier(**QUICK).partial_fit(X[:2], ["a", "a"], classes=labels)


def test_booleans_may_come_as_objects(frame):
    X, y = frame
    model = LSTMBehaviorClassifier(**QUICK).fit(X, (y == "yes").astype(object))
    assert model.classes_.dtype == bool


@eager
@pytest.mark.parametrize("code", [10_000_001, 2**31 - 2, 2**40, 2**64 - 1])
def test_codes_that_are_identifiers_are_refused_at_fit_and_unknown_later(code):
    codes = pa.array([[2, 3], [3, code]] * 10, pa.list_(pa.uint64()))
    model = LSTMBehaviorClassifier(**STEPS)
    message = "Row 1 of channel 'who' holds a code above 10,000,000.* max_categories"
    with pytest.raises(SequenceFrameError, match=message):
        model.fit(pa.table({"who": codes}), [0, 1] * 10)
    model.fit(pd.DataFrame({"who": [[2, 3], [3, 1]] * 10}), [0, 1] * 10)
    known = model.predict_proba(pd.DataFrame({"who": [[2, 3], [3, 1]]}))
    np.testing.assert_array_equal(model.predict_proba(pa.table({"who": codes[:2]})), known)


class LazyFrame:
    """Stands for the one of polars, which need not be installed."""


@pytest.mark.parametrize(
    ("X", "advice"),
    [
        (LazyFrame(), r"got LazyFrame\. Call collect\(\) first"),
        (None, r"got NoneType\. Give the samples themselves"),
        ("what", r"got str\. Give the samples themselves"),
        ({"what": [[2]]}, r"got dict\. Make a table of it, such as pandas\.DataFrame\(X\)"),
        (iter([[2]]), r"got list_iterator\. Make a list of it"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_is_refused(fitted, X, advice):
    from skbseq import SequenceEncoder

    message = f"X must be a sequence frame or an array of numbers; {advice}"
    for ask in LSTMBehaviorClassifier().fit, fitted.partial_fit, SequenceEncoder().fit:
        with pytest.raises(TypeError, match=message):
            ask(X, [0])
    for ask in fitted.predict, fitted.predict_proba:
        with pytest.raises(TypeError, match=message):
            ask(X)


@eager
def test_a_diverging_loss_is_an_error(few):
    X, y = few
    huge = X.assign(price=[[3e38 for _ in row] for row in X["price"]])
    with pytest.raises(FloatingPointError, match="Lower learning_rate"):
        LSTMBehaviorClassifier(**STEPS, pooling="mean").fit(huge.assign(age=1e38), y)


def test_a_held_out_loss_that_diverges_is_an_error(frame, monkeypatch):
    from skbseq._training import _trainer

    monkeypatch.setattr(_trainer.Trainer, "held_out_loss", lambda *arguments: float("nan"))
    with pytest.raises(FloatingPointError, match="loss of the held-out samples became nan"):
        LSTMBehaviorClassifier(**{**QUICK, "validation_split": 0.5}).fit(*frame)


def test_initial_weights_are_shaped_as_documented(frame):
    from skbseq.networks import NetworkSpec
    from skbseq.networks._graph import build_network, initial_weights

    spec = NetworkSpec((50,), (8,), 2, 0, 1, 16, 1, False, 0.0, 0.0, "last", "float32")
    model = build_network(spec)
    drawn = initial_weights(model, np.random.default_rng(0))
    named = {w.path.rsplit("/", 1)[-1]: v for w, v in zip(model.weights, drawn, strict=True)}
    assert [v.shape for v in drawn] == [tuple(w.shape) for w in model.weights]
    recurrent = named["recurrent_kernel"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(16), atol=1e-5)
    lstm_bias = next(v for w, v in zip(model.weights, drawn, strict=True) if v.shape == (64,))
    assert lstm_bias.tolist() == [0] * 16 + [1] * 16 + [0] * 32
    assert abs(named["embeddings"].std() - 1) < 0.1


def test_every_sample_is_in_one_batch_of_like_length():
    from skbseq._training._batches import batch_plan

    lengths = np.random.default_rng(0).geometric(0.08, 5000)
    plan = batch_plan(lengths, 64, np.random.default_rng(1))
    assert sorted(np.concatenate(plan)) == list(range(5000))
    padded = sum(len(rows) * lengths[rows].max() for rows in plan)
    assert padded < 1.15 * lengths.sum()
    other = batch_plan(lengths, 64, np.random.default_rng(2))
    assert any((a != b).any() for a, b in zip(plan, other, strict=True) if len(a) == len(b))
