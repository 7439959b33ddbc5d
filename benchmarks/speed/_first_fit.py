"""The first fit of a fresh process, from its start to its end, imports and compiling included.

2,000 sequences of 20 events, three epochs, batches of 32. Each case is a process that does this
and nothing else; it loads no library that it does not use.
"""

from benchmarks.speed import _data
from benchmarks.speed._runs import Check, Question


def skbseq(size):
    from benchmarks.speed import _ours

    data = _data.random_sequences(size["n"])
    model = _ours.classifier(epochs=size["epochs"], batch_size=32)
    model.fit(_ours.frame(data), data.labels)


def scikeras(size):
    from benchmarks.speed import _keras_peers

    data = _data.random_sequences(size["n"])
    model = _keras_peers.scikeras_classifier(data.n_codes, epochs=size["epochs"], batch_size=32)
    model.fit(_data.padded(data), data.labels)


def skorch(size):
    import numpy as np

    from benchmarks.speed import _torch_peers

    data = _data.random_sequences(size["n"])
    model = _torch_peers.skorch_classifier(data.n_codes, epochs=size["epochs"], batch_size=32)
    model.fit(_data.padded(data).astype(np.int64), data.labels.astype(np.float32))


QUESTIONS = {
    "first_fit": Question(
        title="The first fit of a fresh process, imports included (2,000 x 20, three epochs)",
        cases={"skbseq": skbseq, "scikeras": scikeras, "skorch": skorch},
        checks=[
            Check(
                "times as long as scikeras",
                ("skbseq", "scikeras"),
                lambda f: f["skbseq"] / f["scikeras"],
                1,
                0.5,
                False,
            ),
            Check(
                "times as long as skorch",
                ("skbseq", "skorch"),
                lambda f: f["skbseq"] / f["skorch"],
                more_is_better=False,
            ),
        ],
        full={"n": 2_000, "epochs": 3},
        quick={"n": 200, "epochs": 1},
        fresh=True,
    )
}
