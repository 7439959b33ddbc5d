"""Prediction: one row at a time, and a million rows at once.

A figure of one row is the median of many calls, each with another row of 20 events, which lies
cut out of its table already. In bulk Keras predicts what was padded before, in batches of 1,024,
with a mask; skbseq gets the frame.

What was tried for one row, on two slow cores where NumPy adds two numbers in 2.3 microseconds. Of
630 microseconds TensorFlow took 270 (a compiled function of one addition 125, twenty steps 120),
the frame 130. Kept, in microseconds before and after:

- a compiled function called without matching its arguments with its signature anew: 230, 125
- one array for all arguments, filled in place, in the stead of five padded and joined: 50, 9
- the columns of a frame of pandas walked once, its names read once: 230, 105
- offsets and values of lists without nulls as they lie in Arrow: 31, 10
- two comparisons of codes in the place of six: 11, 7
- places of values kept in a dict, for up to 4,096 categories: 130, 22; among a million, values
  found by their hashes compared in a dict too: 480, 300
- a table of pandas of three list columns, made of arrays and of an index kept: 690, 120

Not kept: ``tf.raw_ops.StatefulPartitionedCall`` in the place of the function (170 for 140, and two
switches of threads), eight weights as arguments in the place of variables (470 for 280), no
``tf.device`` where there is but one (9 of 630).
"""

import time

from benchmarks.speed import _data
from benchmarks.speed._matmul import matmul
from benchmarks.speed._runs import Check, Question

UNITS = 32


def _median_ms(predict, rows, n_calls):
    """Milliseconds of the median call."""
    import numpy as np

    def run():
        seconds = []
        for i in range(n_calls):
            row = rows[i % len(rows)]
            begin = time.perf_counter()
            predict(row)
            seconds.append(time.perf_counter() - begin)
        return 1e3 * float(np.median(seconds))

    run()
    return run


def _few(size):
    return _data.random_sequences(size["n"], vocabulary=1_000)


def _cut(X):
    return [X.iloc[i : i + 1] for i in range(200)]


def _skbseq_row(size):
    from benchmarks.speed import _ours

    data = _few(size)
    X = _ours.frame(data)
    model = _ours.classifier(units=UNITS, epochs=1).fit(X, data.labels)
    return _median_ms(model.predict_proba, _cut(X), size["calls"])


def _skbseq_table_row(size):
    import pyarrow as pa

    from benchmarks.speed import _ours

    data = _few(size)
    X = pa.Table.from_pandas(_ours.frame(data))
    model = _ours.classifier(units=UNITS, epochs=1).fit(X, data.labels)
    rows = [X.slice(i, 1) for i in range(200)]
    return _median_ms(model.predict_proba, rows, size["calls"])


def _skbseq_pipeline_row(size):
    return _pipeline_row(_few(size), size)


def _skbseq_shop_row(size):
    return _pipeline_row(_data.every_product(size["products"]), size)


def _pipeline_row(data, size):
    from sklearn.pipeline import make_pipeline

    from benchmarks.speed import _ours
    from skbseq import SequenceEncoder

    X = _ours.text_frame(data)
    model = make_pipeline(SequenceEncoder(), _ours.classifier(units=UNITS, epochs=1))
    model.fit(X, data.labels)
    return _median_ms(model.predict_proba, _cut(X), size["calls"])


def _scikeras_row(size):
    from benchmarks.speed import _keras_peers

    data = _few(size)
    X = _data.padded(data)
    model = _keras_peers.scikeras_classifier(data.n_codes, units=UNITS, epochs=1)
    model.fit(X, data.labels)
    rows = [X[i : i + 1] for i in range(200)]
    return _median_ms(model.predict_proba, rows, max(size["calls"] // 20, 5))


def _skorch_row(size):
    import numpy as np

    from benchmarks.speed import _torch_peers

    data = _few(size)
    X = _data.padded(data).astype(np.int64)
    model = _torch_peers.skorch_classifier(data.n_codes, units=UNITS, epochs=1, batch_size=128)
    model.fit(X, data.labels.astype(np.float32))
    rows = [X[i : i + 1] for i in range(200)]
    return _median_ms(model.predict_proba, rows, size["calls"])


def _skbseq_bulk(size):
    from benchmarks.speed import _ours

    data = _data.skewed_sequences(size["n"])
    X, some = _ours.frame(data), slice(0, 2_000)
    model = _ours.classifier(units=UNITS, epochs=1).fit(X[some], data.labels[some])
    model.predict_proba(X)  # as with the peers, what is compiled is compiled before

    def run():
        model.predict_proba(X)

    return run


def _keras_bulk(size):
    from benchmarks.speed import _keras_peers

    X = _data.padded(_data.skewed_sequences(size["n"]))
    model = _keras_peers.compiled(int(X.max()) + 1, UNITS, mask=True)
    model.predict(X[:2_048], batch_size=1_024, verbose=0)

    def run():
        model.predict(X, batch_size=1_024, verbose=0)

    return run


def _bulk_flops(size):
    n_events = len(_data.skewed_sequences(size["n"]).codes)
    return _data.flops(n_events, UNITS, training=False)


def _itself(name):
    return lambda f: f[name]


def _ratio(other):
    return lambda f: f[other] / f["skbseq"]


QUESTIONS = {
    "one_row": Question(
        title="predict_proba of one row of 20 events, median call",
        cases={
            "skbseq": _skbseq_row,
            "skbseq, pyarrow table": _skbseq_table_row,
            "skbseq, SequenceEncoder in front": _skbseq_pipeline_row,
            "skbseq, encoder of a million products": _skbseq_shop_row,
            "skorch": _skorch_row,
            "scikeras": _scikeras_row,
        },
        checks=[
            Check("an encoded row, ms", ("skbseq",), _itself("skbseq"), 0.5, 0.2, False),
            Check(
                "a row through the pipeline, ms",
                ("skbseq, SequenceEncoder in front",),
                _itself("skbseq, SequenceEncoder in front"),
                3,
                1,
                False,
            ),
            Check(
                "a million products, times a thousand's row",
                ("skbseq, SequenceEncoder in front", "skbseq, encoder of a million products"),
                lambda f: (
                    f["skbseq, encoder of a million products"]
                    / f["skbseq, SequenceEncoder in front"]
                ),
                more_is_better=False,
            ),
            Check("times as fast as scikeras", ("skbseq", "scikeras"), _ratio("scikeras")),
            Check("times as fast as skorch", ("skbseq", "skorch"), _ratio("skorch")),
        ],
        full={"n": 2_000, "calls": 1_000, "products": 1_000_000},
        quick={"n": 400, "calls": 50, "products": 10_000},
        unit="ms",
    ),
    "bulk": Question(
        title="predict_proba of a million sequences, mean length 13, at most 100",
        cases={"skbseq": _skbseq_bulk, "Keras padded": _keras_bulk, "matmul": matmul},
        checks=[
            Check(
                "times as fast as Keras padded",
                ("skbseq", "Keras padded"),
                _ratio("Keras padded"),
                6,
                12,
            )
        ],
        full={"n": 1_000_000},
        quick={"n": 5_000},
        rounds=3,
        flops={"skbseq": _bulk_flops, "Keras padded": _bulk_flops},
    ),
}
