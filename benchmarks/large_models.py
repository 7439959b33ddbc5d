"""Does size pay? A transformer of 10,000 to 10 million weights on a real log, and its memory.

    python -m benchmarks.large_models --data ../shared/data
    python -m benchmarks.large_models --memory

The first pretrains by next event (`BehaviorEmbedder(objective="next", network="transformer")`) on
sessions of the clothing shop, with the product and its category as channels. Networks of several
sizes read a tenth of the sessions, and all of them. Told of each:

- the held-out loss: that of a tenth of the sessions given, in the best of the epochs;
- the AUC of a linear model on the embeddings of the first half of each of 4,000 other sessions,
  which no embedder has seen, for the question whether the second half looks at the category
  "skirts"; cross-validated;
- events a second of training, validation included;
- the share of the machine's matrix products: six operations for each weight in a matrix product
  and event, and those of attention, over what a product of two 1024 x 1024 float32 matrices does
  in the same seconds.

Sizes with ``--at-most`` or more weights are calculated: their seconds follow from the operations
and the share of the largest size that ran, and their loss is unknown.

``--memory`` trains one step of a deep network in processes of their own, with and without
``checkpoint``, and tells the most memory that each held beyond that of the imported libraries.
Then it repeats both under a limit that lies between the two.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import BehaviorEmbedder, TransformerBehaviorClassifier

# Units and layers: about 1e4, 1e5, 1e6, 1e7, 1e8 weights in the blocks.
SIZES = {"1e4": (24, 2), "1e5": (64, 3), "1e6": (144, 6), "1e7": (324, 12), "1e8": (840, 18)}
# Larger networks need a smaller rate.
RATES = {"1e4": 0.005, "1e5": 0.003, "1e6": 0.001, "1e7": 0.0005, "1e8": 0.0003}
HELD_OUT, MOST_EVENTS = 4_000, 64


def sessions(data):
    """Sessions of the clothing shop as a sequence frame, in random order."""
    log = pd.read_parquet(f"{data}/eshop_clothing_2008.parquet")
    log = log.sort_values(["session_id", "click"])
    log["model"], log["category"] = log["model"].astype(str), log["category"].astype(str)
    frame = log.groupby("session_id")[["model", "category"]].agg(list)
    frame = frame.map(lambda row: row[:MOST_EVENTS])
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


def question(frame):
    """First halves of sessions, and whether the rest looks at skirts."""
    frame = frame[frame["model"].map(len) >= 4]
    half = frame["model"].map(len) // 2
    X = frame.apply(lambda column: [row[:n] for row, n in zip(column, half, strict=True)])
    rest = zip(frame["category"], half, strict=True)
    return X, np.array(["skirts" in row[n:] for row, n in rest])


def matmul_rate(seconds=1.0):
    """Operations a second of a product of 1024 x 1024 float32 matrices; the best of several."""
    import tensorflow as tf

    x, best, end = tf.random.stateless_normal((1024, 1024), (0, 0)), 0.0, time.time() + seconds
    while time.time() < end:
        begin = time.perf_counter()
        for _ in range(5):
            y = x @ x
        y.numpy()
        best = max(best, 5 * 2 * 1024**3 / (time.perf_counter() - begin))
    return best


def operations_per_event(units, n_layers, n_outputs, width, length):
    """Of a training step: twice those of the forward pass backwards, none for padding."""
    weights = n_layers * (4 * units**2 + 2 * units * 2 * units) + width * units + units * width
    logits = n_outputs * width / 2
    attention = n_layers * 2 * units * length
    return 6 * (weights + logits + attention)


def make(size, epochs, checkpoint):
    units, n_layers = SIZES[size]
    return BehaviorEmbedder(
        network="transformer",
        units=units,
        n_layers=n_layers,
        learning_rate=RATES[size],
        optimizer__clipnorm=1.0,
        network__checkpoint=checkpoint,
        early_stopping=2,
        epochs=epochs,
        random_state=0,
    )


def n_blocks(embedder):
    """Weights of all but the embeddings of codes."""
    names = zip(embedder._sequence_model.weight_names, embedder.weights_, strict=True)
    return sum(w.size for name, w in names if not name.startswith("embedding_"))


def measure(size, frame, held_out, epochs):
    """A row of the table."""
    import keras

    class Losses(keras.callbacks.Callback):
        """Seconds of the epochs after the first, which also traces the step."""

        def on_epoch_begin(self, epoch, logs=None):
            self.begin = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            seconds.append(time.perf_counter() - self.begin)

    seconds = []
    embedder = make(size, epochs, checkpoint=False).set_params(callbacks=[Losses()]).fit(frame)
    X, y = question(held_out)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = cross_val_predict(model, embedder.transform(X), y, cv=folds, method="predict_proba")
    n_events = frame["model"].map(len).sum()
    steady = min(seconds[1:] or seconds)
    spec = embedder.spec_
    length = float((frame["model"].map(len) ** 2).sum() / n_events)
    operations = operations_per_event(
        spec.units,
        spec.n_layers,
        sum(spec.vocabulary_sizes),
        sum(spec.embedding_dims),
        length,
    )
    return {
        "weights": sum(w.size for w in embedder.weights_),
        "events": int(n_events),
        "epochs": len(embedder.history_["loss"]),
        "loss": min(embedder.history_["val_loss"]),
        "auc": roc_auc_score(y, found[:, 1]),
        "rate": n_events / steady,
        "share": n_events / steady * operations / matmul_rate(),
        "operations": operations,
    }


def scaling(data, at_most, quick):
    frame, n = sessions(data), HELD_OUT
    if quick:
        frame, n = frame[:2_400], 1_200
    held_out, train = frame[:n], frame[n:]
    names = [name for name in SIZES if float(name) <= at_most]
    print(f"{'weights':>12} {'events':>9} {'epochs':>6} {'held-out loss':>13} {'AUC':>7}", end="")
    print(f" {'events/s':>9} {'of matmul':>9}")
    for part, epochs in ((0.1, 6), (1.0, 4)):
        some = train[: round(part * len(train))]
        for name in names if part < 1 else [n for n in names if float(n) < 1e7]:
            row = measure(name, some, held_out, 1 if quick else epochs)
            counts = f"{row['weights']:>12,} {row['events']:>9,} {row['epochs']:>6}"
            scores = f"{row['loss']:>13.4f} {row['auc']:>7.4f}"
            print(f"{counts} {scores} {row['rate']:>9,.0f} {row['share']:>9.1%}", flush=True)
    calculated(row, at_most)


def calculated(last, at_most):
    """Seconds a million events of sizes that did not run."""
    per_second = last["operations"] * last["rate"]
    for name, (units, n_layers) in SIZES.items():
        if float(name) > at_most:
            operations = operations_per_event(units, n_layers, 250, 19, 20)
            seconds = 1e6 * operations / per_second
            print(f"{name:>12}  calculated: {seconds:,.0f} s for a million events, one epoch")


# ------------------------------------------------------------------ memory


def one_step(checkpoint, units, n_layers, n_rows, n_steps, limit):
    """Train one step; prints the most bytes held, beyond those before it, as JSON."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"what": rng.integers(2, 20, (n_rows, n_steps)).tolist()})
    y = np.arange(n_rows) % 2
    options = {"epochs": 1, "batch_size": n_rows, "validation_split": 0, "checkpoint": checkpoint}
    options |= {"device": "cpu", "random_state": 0}
    # A tiny network first, so that libraries are loaded before the measurement.
    TransformerBehaviorClassifier(units=8, n_layers=1, **options).fit(X, y)
    before = _peak()
    if limit:
        # Of data, not of addresses: TensorFlow reserves more addresses than it ever uses.
        room = int(_data() + limit)
        resource.setrlimit(resource.RLIMIT_DATA, (room, room))
    begin = time.perf_counter()
    model = TransformerBehaviorClassifier(units=units, n_layers=n_layers, **options).fit(X, y)
    found = {"bytes": _peak() - before, "seconds": time.perf_counter() - begin}
    print(json.dumps(found | {"loss": model.history_["loss"][0]}))


# What Python, TensorFlow and the C++ library print.
_MEMORY_ENDED = ("MemoryError", "ResourceExhausted", "bad_alloc", "out of memory")


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _data():
    """Bytes of private memory; Linux counts them for the limit."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmData"))
    return int(line.split()[1]) * 1024


def memory(sizes):
    print(f"{'checkpoint':<12} {'limit':>8} {'most memory':>12} {'seconds':>8} {'loss':>9}")
    found = [_tell_step(checkpoint, sizes, 0) for checkpoint in (False, True)]
    for checkpoint in (False, True):
        _tell_step(checkpoint, sizes, sum(found) / 2)


def _tell_step(checkpoint, sizes, limit):
    """Print a row; the most bytes held, None if they did not fit."""
    result = _in_process(checkpoint, sizes, limit)
    print(f"{checkpoint!s:<12} {f'{limit / 1e9:.2f} GB' if limit else 'none':>8}", end=" ")
    if result is None:
        print("does not fit", flush=True)
        return None
    cells = f"{result['bytes'] / 1e9:>9.2f} GB {result['seconds']:>8.1f}"
    print(f"{cells} {result['loss']:>9.6f}", flush=True)
    return result["bytes"]


def _in_process(checkpoint, sizes, limit):
    """What a step in a process of its own tells; None if memory ended."""
    given = json.dumps([checkpoint, *sizes, limit])
    command = [sys.executable, "-m", "benchmarks.large_models", "--one-step", given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    if limit and any(sign in done.stderr for sign in _MEMORY_ENDED):
        return None
    raise RuntimeError(done.stderr[-2000:])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder with eshop_clothing_2008.parquet")
    parser.add_argument("--at-most", type=float, default=1e6, help="weights of the largest run")
    parser.add_argument("--quick", action="store_true", help="proves that all runs")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one-step", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one_step:
        one_step(*json.loads(arguments.one_step))
        return
    if not (arguments.memory or arguments.data):
        parser.error("give --data, --memory, or both")
    if arguments.memory:
        memory((256, 6, 16, 128) if arguments.quick else (512, 12, 32, 256))
    if arguments.data:
        scaling(arguments.data, arguments.at_most, arguments.quick)


if __name__ == "__main__":
    main()
