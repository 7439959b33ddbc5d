"""The written-out steps against Keras' layers, and the programs that are made of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skbseq import LSTMBehaviorClassifier
from skbseq._sequences import Sequences, round_up

pytestmark = pytest.mark.steps("compiled")
# What is compared bit for bit, or counts programs, is about the CPU.
QUICK = dict(units=5, epochs=2, batch_size=16, device="/CPU:0", random_state=0)


def make_sequences(rng, n, n_codes=2, n_numbers=2, n_context=0):
    """Sequences of 0 to 9 events with holes between them."""
    lengths = rng.integers(0, 10, n)
    starts = np.concatenate([[0], np.cumsum(lengths + 2)])[:-1]
    n_events = int((lengths + 2).sum())
    return Sequences(
        rng.integers(0, 6, (n_events, n_codes)).astype(np.int32),
        rng.normal(size=(n_events, n_numbers)).astype(np.float32),
        rng.normal(size=(n, n_context)).astype(np.float32),
        starts,
        lengths,
    )


@pytest.fixture(scope="module")
def spec():
    from skbseq.networks import NetworkSpec

    return NetworkSpec((6, 6), (3, 4), 2, 0, 1, 5, 1, False, 0.0, 0.0, "last", "float32")


VARIANTS = [
    {},
    {"n_layers": 2},
    {"pooling": "mean"},
    {"pooling": "max", "n_layers": 2},
    {"n_context": 3},
    {"n_outputs": 3, "n_context": 2},
    {"vocabulary_sizes": (), "embedding_dims": ()},
    {"n_numbers": 0},
    {"units": 96, "n_layers": 2},  # so large that each gate has a product of its own
    {"network": "gru"},
    {"network": "gru", "units": 96, "n_layers": 2, "pooling": "mean"},
    {"network": "rnn", "n_layers": 2},
]


@pytest.mark.parametrize("change", VARIANTS)
def test_logits_and_gradients_are_those_of_the_layers(spec, change, rng):
    import tensorflow as tf

    from skbseq._training._batches import pad_batch
    from skbseq._training._compiled import FlatData
    from skbseq._training._losses import Loss
    from skbseq.networks._graph import FusedRecurrence, build_network, initial_weights

    spec = replace(spec, **change)
    data = make_sequences(rng, 12, len(spec.vocabulary_sizes), spec.n_numbers, spec.n_context)
    targets = rng.integers(0, max(spec.n_outputs, 2), 12).astype(np.float32)
    model = build_network(spec)
    model.set_weights(initial_weights(model, rng))
    rows = np.arange(12)
    with tf.GradientTape() as tape:
        logits = model(pad_batch(data, rows), training=True)
        loss = tf.reduce_mean(Loss("classes")(targets, logits))
    expected = [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]
    steps, flat = FusedRecurrence(spec, model), FlatData(data).tensors
    # Nothing is read that this batch did not write.
    buffers = [tf.fill(buffer.shape, np.nan) for buffer in steps.buffers(12, 9)]
    batch = flat, flat["starts"][:12], flat["lengths"][:12], flat["context"][:12]
    np.testing.assert_allclose(steps.predict(*batch), logits, atol=1e-5)
    found = steps.gradients(
        *batch,
        lambda logits: tf.reduce_mean(Loss("classes")(targets, logits)),
        buffers,
        None,
    )
    np.testing.assert_allclose(found[0], loss, atol=1e-6)
    for a, b in zip(found[1], expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_dropout_scales_what_it_keeps_and_is_alike_both_ways(spec):
    import tensorflow as tf

    from skbseq.networks._graph import FusedRecurrence, build_network

    noise = FusedRecurrence(spec, build_network(spec)).noise(
        tf.constant(0.25), tf.constant([3, 4])
    )
    masks = [np.asarray(noise.of_step(t, layer, (50, 40))) for t in range(2) for layer in range(2)]
    for mask in masks:
        np.testing.assert_allclose(np.unique(mask), [0, 4 / 3], rtol=1e-6)
        assert abs(mask.mean() - 1) < 0.1
    assert len({mask.tobytes() for mask in masks}) == 4
    np.testing.assert_array_equal(noise.of_step(1, 1, (50, 40)), masks[3])


# ---------------------------------------------------------------- programs


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 10, 200)
    what = [rng.integers(1, 5, n).tolist() for n in lengths]
    price = [rng.normal(size=n).round(3).tolist() for n in lengths]
    y = np.array([int(bool(row) and row[-1] == 2) for row in what])
    return pd.DataFrame({"what": what, "price": price}), y


@pytest.fixture(scope="module", autouse=True)
def traces():
    """Sizes of the plans for which this file's training programs were traced so far."""
    from skbseq._training import _compiled, _program

    found, batches = [], _compiled.CompiledTraining._batches

    def note(self, data, buffers, rows, *arguments, **options):
        found.append(rows.shape)
        return batches(self, data, buffers, rows, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        # Programs of before would not be noted.
        patch.setattr(_program, "_POOL", type(_program._POOL)())
        patch.setattr(_compiled.CompiledTraining, "_batches", note)
        yield found


def test_clones_and_folds_and_values_share_one_program(frame, traces):
    X, y = frame
    model = LSTMBehaviorClassifier(**QUICK).fit(X, y)
    n = len(traces)  # others of this file may have compiled it, which takes 2 s
    assert n >= 1
    grid = [{"learning_rate": [0.001], "l2": [0.0]}, {"learning_rate": [0.01], "l2": [0.001]}]
    GridSearchCV(clone(model), grid, cv=2).fit(X, y)
    assert len(traces) == n
    clone(model).set_params(dropout=0.1).fit(X, y)
    n = len(traces)
    clone(model).set_params(dropout=0.3).fit(X, y)
    assert len(traces) == n


def test_the_layers_give_the_same_figures(frame, monkeypatch):
    from skbseq.estimators import _keras

    X, y = frame
    compiled = LSTMBehaviorClassifier(**QUICK, l2=0.01).fit(X, y)
    monkeypatch.setattr(_keras.FusedRecurrence, "supports", staticmethod(lambda spec: False))
    plain = clone(compiled).fit(X, y)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(compiled.history_[name], plain.history_[name], rtol=1e-4)
    np.testing.assert_allclose(compiled.predict_proba(X), plain.predict_proba(X), atol=1e-4)


def test_sizes_of_calls_do_not_matter(frame, monkeypatch):
    from skbseq._training import _loop

    X, y = frame
    model = LSTMBehaviorClassifier(**QUICK, dropout=0.3)
    expected = clone(model).fit(X, y).predict_proba(X)
    monkeypatch.setattr(_loop, "_SECONDS_PER_CALL", 0.0)  # a batch a call
    np.testing.assert_array_equal(clone(model).fit(X, y).predict_proba(X), expected)


@pytest.fixture(scope="module")
def fitted(frame, traces):
    return LSTMBehaviorClassifier(**QUICK).fit(*frame)


@pytest.fixture
def buffers(monkeypatch):
    """The buffers of each epoch, filled with NaN before it."""
    import tensorflow as tf

    from skbseq._training import _loop

    found, epoch = [], _loop.CompiledEpochs.epoch

    def note(self, *arguments):
        found.append(self._buffers)
        for buffer in self._buffers:
            buffer.assign(tf.fill(buffer.shape, np.nan))
        return epoch(self, *arguments)

    monkeypatch.setattr(_loop.CompiledEpochs, "epoch", note)
    return found


def sizes_of(buffers):
    """How many numbers buffers hold, whatever was said of their shapes."""
    import tensorflow as tf

    return [tf.size(tf.raw_ops.ReadVariableOp(resource=b.handle, dtype=b.dtype)) for b in buffers]


def test_one_program_serves_the_buffers_of_every_fit(frame, fitted, traces, buffers, monkeypatch):
    X, y = frame
    model, n = clone(fitted), len(traces)
    found = [clone(model).fit(X, y).predict_proba(X) for _ in range(2)]
    one, same, two, _ = buffers
    assert one is same and one is not two and len(traces) == n
    # What stands in them before an epoch is not read.
    monkeypatch.undo()
    np.testing.assert_array_equal(found, [clone(model).fit(X, y).predict_proba(X)] * 2)


def test_no_fit_leaves_buffers_behind(frame, buffers):
    import keras

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    X, y = frame
    LSTMBehaviorClassifier(**QUICK).fit(X, y)
    with pytest.raises(KeyboardInterrupt):
        LSTMBehaviorClassifier(**QUICK, callbacks=[Stop()]).fit(X, y)
    assert len(buffers) == 3 and len(buffers[0]) == 6
    assert sizes_of([b for each in buffers for b in each]) == [1] * 18


def test_callbacks_of_batches_hear_of_each(frame):
    import keras

    class Count(keras.callbacks.Callback):
        seen = ()

        def on_train_batch_end(self, batch, logs=None):
            self.seen = [*self.seen, batch]

    X, y = frame
    count = Count()
    expected = LSTMBehaviorClassifier(**QUICK).fit(X, y)
    watched = LSTMBehaviorClassifier(**QUICK, callbacks=[count]).fit(X, y)
    assert list(count.seen) == list(range(12)) * 2
    np.testing.assert_array_equal(watched.predict_proba(X), expected.predict_proba(X))


def test_what_has_no_room_goes_through_the_layers(frame, monkeypatch):
    from skbseq._training import _compiled

    monkeypatch.setattr(_compiled, "_MOST_NUMBERS_KEPT", 10)
    monkeypatch.delattr(_compiled.CompiledTraining, "run")
    LSTMBehaviorClassifier(**QUICK).fit(*frame)


@pytest.mark.parametrize("n", [1, 31, 32, 33, 300, 2000])
def test_rows_predict_alike_in_any_company(frame, fitted, n):
    X, model = frame[0], fitted
    many = pd.concat([X] * 10, ignore_index=True)
    whole = np.tile(model.predict_proba(X), (10, 1))
    np.testing.assert_allclose(model.predict_proba(many[:n]), whole[:n], atol=1e-6)


@pytest.mark.parametrize("n_unused", [0, 10_000])
def test_a_few_samples_are_predicted_wherever_their_events_lie(spec, rng, n_unused):
    from skbseq._training import borrow_program, predict
    from skbseq.networks._graph import FusedRecurrence, build_network, initial_weights

    data = make_sequences(rng, 40)
    unused = make_sequences(rng, n_unused // 6)
    far = Sequences(
        np.concatenate([unused.codes, data.codes]),
        np.concatenate([unused.numbers, data.numbers]),
        data.context,
        data.starts + len(unused.codes),
        data.lengths,
    )
    with borrow_program(spec, "/CPU:0", build_network, FusedRecurrence) as program:
        program.load(initial_weights(program.model, rng))
        together = predict(program, data)
        alone = np.concatenate([predict(program, far.take([i])) for i in range(40)])
    np.testing.assert_allclose(alone, together, atol=1e-6)


def test_sizes_are_rounded_up_by_an_eighth_at_most():
    sizes = np.arange(65, 100_000)
    rounded = np.array([round_up(int(n)) for n in sizes])
    assert (rounded >= sizes).all() and (rounded <= sizes * 1.125 + 1).all()
    assert len(set(rounded.tolist())) < 8 * 12
    assert round_up(3) == 64 and round_up(3, 2) == 3


@pytest.mark.parametrize("n_events", [2048, 2049, 5000])
def test_events_are_trained_on_where_they_were_read(n_events):
    from skbseq import _frames
    from skbseq._inputs import InputSchema
    from skbseq._training._compiled import FlatData

    codes = np.arange(n_events, dtype=np.int32) % 7
    cells = pa.ListArray.from_arrays([0, 3, n_events], pa.array(codes))
    prices = pa.ListArray.from_arrays([0, 3, n_events], pa.array(codes / np.float32(2)))
    columns = _frames.split_sequences(pa.table({"item": cells, "price": prices}))
    data = InputSchema.of_frame(columns).read_frame(columns)
    flat = FlatData(data, np.zeros(2, np.float32), np.ones(2, np.float32)).tensors
    for name, expected in (("codes", codes), ("numbers", codes / 2)):
        found, read = flat[name].numpy(), getattr(data, name)
        assert found[:n_events, 0].tolist() == expected.tolist()
        assert not found[n_events:].any() and len(found) <= round(n_events * 1.125)
        read[0] += 1
        assert flat[name][0, 0].numpy() == read[0, 0]


# ---------------------------------------------------------------- large tables


@pytest.mark.parametrize("seed", range(5))
def test_local_rows_are_those_of_each_batch(seed):
    from skbseq._training._sparse_adam import local_rows

    rng = np.random.default_rng(seed)
    data = make_sequences(rng, 30, 1)
    batches = np.split(rng.permutation(30)[:25], [10, 20])
    local, rows = local_rows(data.codes[:, 0], data, batches, 6)
    for batch, places in zip(batches, rows, strict=True):
        found = set()
        for sample in batch:
            for at in range(data.starts[sample], data.starts[sample] + data.lengths[sample]):
                assert places[local[at]] == data.codes[at, 0]
                found.add(data.codes[at, 0])
        assert sorted(found) == sorted(row for row in places if row < 6)


def test_rows_in_every_batch_are_trained_as_by_adam(frame, monkeypatch):
    from skbseq._training import _program, _sparse_adam

    X, y = frame
    options = {**QUICK, "epochs": 6, "batch_size": 200, "learning_rate": 0.05}
    options["average_weights"] = False  # of large tables there is no average
    whole = LSTMBehaviorClassifier(**options).fit(X, y)
    monkeypatch.setattr(_sparse_adam, "_LARGE", 2)
    monkeypatch.setattr(_program, "_POOL", type(_program._POOL)())
    sparse = clone(whole).fit(X, y)
    for a, b in zip(whole.weights_, sparse.weights_, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-4)
    again = clone(whole).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), sparse.predict_proba(X))


def test_rows_of_no_batch_stay_as_they_were():
    from skbseq._training._sparse_adam import _LARGE as LARGE

    rng = np.random.default_rng(0)
    what = [[LARGE + 5], *(rng.integers(2, 60, 5).tolist() for _ in range(100))]
    X, y = pd.DataFrame({"what": what}), np.arange(101) % 2
    model = LSTMBehaviorClassifier(**QUICK, validation_split=0)
    one, two = (clone(model).set_params(epochs=n).fit(X, y).weights_[0] for n in (1, 4))
    moved = (one != two).any(axis=1)
    touched = sorted({code for row in what for code in row})
    assert np.flatnonzero(moved).tolist() == touched


@pytest.mark.steps("traced")  # only rows beyond the table need XLA, and these have none
@pytest.mark.parametrize("change", [{"optimizer__amsgrad": True}, {"optimizer": "sgd"}])
def test_other_optimizers_sweep_large_tables(change):
    from skbseq._training._sparse_adam import _LARGE as LARGE

    X = pd.DataFrame({"what": [[LARGE + 5], *([2, 3] for _ in range(50))]})
    model = LSTMBehaviorClassifier(**QUICK, **change).fit(X, np.arange(51) % 2)
    assert np.isfinite(model.history_["loss"]).all()
