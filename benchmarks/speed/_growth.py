"""What grows, and with what: step time with the vocabulary, fits with the samples, memory.

A step's time is the difference of a long and a short fit of the same samples, over the steps
between them, so that the reading of a frame and new weights are out of it. The new weights of a
million rows take a second, and not always the same: with 250 steps between the two fits, their
noise decided (0.80 to 1.68 times as long in five rounds), so there are 1,000; Keras, which takes
0.2 s a step, makes 250.

Tried for a step with a large table (6,400 x 20, batch 128): a step is as long within the program
as one of a swept table of 8,000 rows (3.0 ms both; of it the rows' Adam 0.15 ms, 0.38 where the
table has a million rows). The plan of an epoch was not: which rows each batch touches was found
by sorting, 14 ms (0.3 ms a step); looking up each code's place takes 5 (kept). Table and moments
side by side, to be gathered and scattered in one go: 0.59 ms in the place of 0.15 (not kept).
"""

import ctypes
import gc
import threading
import time
from contextlib import suppress
from functools import partial

from benchmarks.speed import _data
from benchmarks.speed._matmul import matmul
from benchmarks.speed._runs import Check, Question

BATCH = 128


def _per_step(fit, n_samples, n_epochs):
    """Milliseconds of a step; ``fit`` gets a number of epochs."""
    n_steps = -(-n_samples // BATCH) * n_epochs

    def run():
        marks = [time.perf_counter()]
        for epochs in (1, 1 + n_epochs):
            fit(epochs)
            marks.append(time.perf_counter())
        return 1e3 * (marks[2] - 2 * marks[1] + marks[0]) / n_steps

    run()
    return run


def _skbseq_steps(size, vocabulary):
    from benchmarks.speed import _ours

    data = _data.random_sequences(size["n"], vocabulary=size[vocabulary])
    X, model = _ours.frame(data), _ours.classifier(batch_size=BATCH)
    return _per_step(
        lambda epochs: model.set_params(epochs=epochs).fit(X, data.labels),
        size["n"],
        size["epochs"],
    )


def _keras_steps(size, vocabulary):
    from benchmarks.speed import _keras_peers

    data = _data.random_sequences(size["n"], vocabulary=size[vocabulary])
    X, model = _data.padded(data), _keras_peers.compiled(data.n_codes)
    return _per_step(
        lambda epochs: model.fit(X, data.labels, batch_size=BATCH, epochs=epochs, verbose=0),
        size["n"],
        size["peer_epochs"],
    )


def _skbseq_fit(size, times):
    from benchmarks.speed import _ours

    data = _data.random_sequences(times * size["n"])
    X, model = _ours.frame(data), _ours.classifier(epochs=size["epochs"])
    return _warmed_up(lambda: model.fit(X, data.labels))


def _skbseq_predict(size, times):
    from benchmarks.speed import _ours

    data = _data.random_sequences(times * size["n"])
    X, some = _ours.frame(data), slice(0, size["n"])
    model = _ours.classifier(epochs=1).fit(X[some], data.labels[some])
    return _warmed_up(lambda: model.predict_proba(X))


def _warmed_up(call):
    """Seconds, per call, of as many calls as take half a second."""
    call()
    begin = time.perf_counter()
    call()
    n = 1 + int(0.5 / (time.perf_counter() - begin))

    def run():
        begin = time.perf_counter()
        for _ in range(n):
            call()
        return (time.perf_counter() - begin) / n

    return run


def _skbseq_memory(size):
    """Megabytes that a process holds after many fits of clones beyond those after the 10th."""
    import psutil
    from sklearn.base import clone

    from benchmarks.speed import _ours

    data = _data.random_sequences(200, length=10)
    X, process = _ours.frame(data), psutil.Process()
    model = _ours.classifier(epochs=1)

    def run():
        for i in range(size["fits"]):
            clone(model).fit(X, data.labels)
            if i == 9:
                before = process.memory_info().rss
        return (process.memory_info().rss - before) / 1e6

    return run


def _skbseq_peak(size):
    """Peak of memory of a fit above that before, in times the encoded frame.

    Two channels of codes and two of numbers, as SequenceEncoder makes them. What belongs to the
    architecture, TensorFlow and the program, is there before, from another fit.
    """
    import psutil

    from benchmarks.speed import _ours

    data = _data.skewed_sequences(size["n"])
    X, process = _ours.frame_of_four(data), psutil.Process()
    model = _ours.classifier(epochs=2, batch_size=BATCH).fit(X, data.labels)
    encoded = sum(X[name].array.nbytes for name in X)

    def run():
        _give_back_free_memory()
        before = process.memory_info().rss
        with _Peak(process) as peak:
            model.fit(X, data.labels)
        return (peak.rss - before) / encoded

    return run


def _give_back_free_memory():
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library keeps what it wants
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class _Peak(threading.Thread):
    """The most memory that a process holds meanwhile, looked at every 2 ms."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.rss, self._process, self._over = 0, process, threading.Event()

    def run(self):
        while not self._over.wait(0.002):
            self.rss = max(self.rss, self._process.memory_info().rss)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()


def _step_flops(size):
    return 1e3 * _data.flops(BATCH * 20, 32, training=True)  # the figures are milliseconds


def _fit_flops(size, times):
    return _data.flops(times * size["n"] * 20 * size["epochs"], 32, training=True)


_VOCABULARIES = {"10,000": "few", "1,000,000": "many"}

QUESTIONS = {
    "vocabulary": Question(
        title="A training step with 10,000 products and with 1,000,000 (6,400 x 20, batch 128)",
        cases={
            f"{name}, {products}": partial(make, vocabulary=vocabulary)
            for name, make in {"skbseq": _skbseq_steps, "Keras": _keras_steps}.items()
            for products, vocabulary in _VOCABULARIES.items()
        }
        | {"matmul": matmul},
        checks=[
            Check(
                "times as long with 100 times the products",
                ("skbseq, 10,000", "skbseq, 1,000,000"),
                lambda f: f["skbseq, 1,000,000"] / f["skbseq, 10,000"],
                1.3,
                1.05,
                False,
            ),
            Check(
                "the same of Keras",
                ("Keras, 10,000", "Keras, 1,000,000"),
                lambda f: f["Keras, 1,000,000"] / f["Keras, 10,000"],
            ),
        ],
        full={"n": 6_400, "epochs": 20, "peer_epochs": 5, "few": 10_000, "many": 1_000_000},
        quick={"n": 640, "epochs": 1, "peer_epochs": 1, "few": 1_000, "many": 10_000},
        unit="ms",
        flops={
            f"{name}, {products}": _step_flops
            for name in ("skbseq", "Keras")
            for products in _VOCABULARIES
        },
    ),
    "growth": Question(
        title="Ten times the sequences (5,000 and 50,000 x 20), two epochs and predict_proba",
        cases={
            "skbseq, fit": partial(_skbseq_fit, times=1),
            "skbseq, fit, tenfold": partial(_skbseq_fit, times=10),
            "skbseq, predict_proba": partial(_skbseq_predict, times=1),
            "skbseq, predict_proba, tenfold": partial(_skbseq_predict, times=10),
            "matmul": matmul,
        },
        checks=[
            Check(
                "times the time of a fit",
                ("skbseq, fit", "skbseq, fit, tenfold"),
                lambda f: f["skbseq, fit, tenfold"] / f["skbseq, fit"],
                10.5,
                10.5,
                False,
            ),
            Check(
                "times the time of predict_proba",
                ("skbseq, predict_proba", "skbseq, predict_proba, tenfold"),
                lambda f: f["skbseq, predict_proba, tenfold"] / f["skbseq, predict_proba"],
                10.5,
                10.5,
                False,
            ),
        ],
        full={"n": 5_000, "epochs": 2},
        quick={"n": 500, "epochs": 1},
        flops={
            "skbseq, fit": partial(_fit_flops, times=1),
            "skbseq, fit, tenfold": partial(_fit_flops, times=10),
        },
    ),
    "memory": Question(
        title="Memory after 500 fits of clones above that after the 10th (200 x 10, one epoch)",
        cases={"skbseq": _skbseq_memory},
        checks=[
            Check("MB more", ("skbseq",), lambda f: f["skbseq"], 60, 60, False),
        ],
        full={"fits": 500},
        quick={"fits": 20},
        rounds=1,
        unit="MB",
    ),
    "peak": Question(
        title="Peak memory of a fit above that before (800,000 sequences, mean length 13)",
        cases={"skbseq": _skbseq_peak},
        checks=[
            Check("times the encoded frame", ("skbseq",), lambda f: f["skbseq"], 2, 2, False),
        ],
        full={"n": 800_000},
        quick={"n": 20_000},
        rounds=3,
        unit="times",
    ),
}
