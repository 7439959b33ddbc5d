"""Whether a change to the code leaves every fit as it was, bit for bit.

    python -m benchmarks.same_predictions write before.json    # before the change
    python -m benchmarks.same_predictions compare before.json  # after it

Each case fits an estimator with a fixed seed on the CPU, and its predictions are hashed. Hashes
differ between processors and versions of TensorFlow, so they are not kept in the tree: both
commands must run on one machine, in one environment.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

import skbseq
from skbseq import Augmentation, BehaviorEmbedder, NextBehaviorPredictor

PREFIXES = ("LSTM", "GRU", "RNN", "CNN", "Transformer", "Bag")
NETWORKS = tuple(prefix.lower() for prefix in PREFIXES)
RECURRENT = ("LSTM", "GRU", "RNN")
QUICK = {"units": 8, "epochs": 2, "batch_size": 16, "random_state": 0, "device": "/CPU:0"}


def encoded(n=160):
    """Encoded histories of 0 to 9 events with a context, a class of three, and a number."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 10, n)
    codes = [rng.integers(1, 9, length).tolist() for length in lengths]
    prices = [rng.normal(size=length).round(3).tolist() for length in lengths]
    X = pd.DataFrame({"what": codes, "price": prices, "age": rng.normal(size=n)})
    y = np.array([row[-1] % 3 if row else 0 for row in codes])
    return X, y, 10.0 + 3 * y + rng.normal(size=n)


def raw(n=120):
    """Raw histories with times, as the embedder and the predictor read them."""
    rng = np.random.default_rng(1)
    first, lengths = pd.Timestamp("2026-01-01"), rng.integers(1, 9, n)
    times = [first + pd.to_timedelta(np.cumsum(rng.integers(1, 9, k)), unit="D") for k in lengths]
    return pd.DataFrame(
        {
            "what": [rng.choice(list("abcdef"), k).tolist() for k in lengths],
            "time": [list(moments) for moments in times],
            "cutoff": [moments[-1] + pd.Timedelta(days=5) for moments in times],
        }
    )


def classifier_options(prefix):
    """Options by a short name, of the classifier of a network."""
    yield "default", {}
    yield "dropout", {"dropout": 0.3, "embedding_dropout": 0.2, "l1": 1e-4, "l2": 1e-4}
    yield "augment", {"augment": Augmentation(crop=0.3, substitute=0.2, mask=0.1, reorder=1)}
    if prefix != "Bag":
        yield "layers", {"n_layers": 2, "pooling": "attention"}
        yield "mean", {"n_layers": 1, "pooling": "mean"}
    if prefix in (*RECURRENT, "Transformer"):
        yield "bidirectional", {"bidirectional": True, "pooling": "max"}
    if prefix in RECURRENT:
        yield "recurrent_dropout", {"recurrent_dropout": 0.3}


def of_classifier(prefix, options):
    X, y, _ = encoded()
    kind = getattr(skbseq, f"{prefix}BehaviorClassifier")
    return kind(**QUICK | options).fit(X, y).predict_proba(X)


def of_several_labels(prefix):
    X, y, _ = encoded()
    kind = getattr(skbseq, f"{prefix}BehaviorClassifier")
    model = kind(**QUICK, label_smoothing=0.1).fit(X, np.column_stack([y == 0, y > 1]))
    return model.partial_fit(X, np.column_stack([y == 0, y > 1])).predict_proba(X)


def of_regressor(prefix, options):
    X, _, y = encoded()
    kind = getattr(skbseq, f"{prefix}BehaviorRegressor")
    return kind(**QUICK | options).fit(X, y).predict(X)


def of_warm_start(prefix):
    X, _, y = encoded()
    model = getattr(skbseq, f"{prefix}BehaviorRegressor")(
        **QUICK, warm_start=True, optimizer="sgd"
    )
    return model.fit(X, y, np.linspace(0, 2, len(X))).fit(X, y).partial_fit(X, y).predict(X)


def of_array():
    X = np.random.default_rng(2).normal(size=(60, 5, 2))
    X[:9, 3:] = np.nan
    return skbseq.LSTMBehaviorClassifier(**QUICK).fit(X, np.arange(60) % 2).predict_proba(X)


def of_embedder(network, objective):
    X = raw()
    options = QUICK | {"bidirectional": objective == "masked"}
    model = BehaviorEmbedder(network=network, objective=objective, **options)
    return model.fit_transform(X)


def of_transfer():
    X, y = raw(), np.arange(120) % 2
    embedder = BehaviorEmbedder(network="gru", **QUICK).fit(X)
    encoded_frame = embedder.encoder_.transform(X)
    options = QUICK | {"init": embedder, "freeze": "embeddings"}
    return (
        skbseq.GRUBehaviorClassifier(**options).fit(encoded_frame, y).predict_proba(encoded_frame)
    )


def of_predictor(network, options):
    X = raw()
    model = NextBehaviorPredictor("what", network=network, **QUICK | options)
    if "counting" in model.get_params():  # earlier versions had the network alone
        model.set_params(counting=None)
    return model.fit(X).predict_proba(X)


def cases():
    """Pairs of a name and a function that gives an array."""
    for prefix in PREFIXES:
        for name, options in classifier_options(prefix):
            yield f"{prefix} classifier {name}", lambda p=prefix, o=options: of_classifier(p, o)
        yield f"{prefix} several labels", lambda p=prefix: of_several_labels(p)
        for loss in "squared_error", "poisson":
            options = {"loss": loss}
            yield f"{prefix} regressor {loss}", lambda p=prefix, o=options: of_regressor(p, o)
        yield f"{prefix} warm start", lambda p=prefix: of_warm_start(p)
    yield "array", of_array
    yield "transfer", of_transfer
    for network in NETWORKS:
        for objective in ("next", "masked", "contrastive", "future"):
            if objective != "masked" or network not in ("bag", "cnn"):
                name = f"{network} embedder {objective}"
                yield name, lambda n=network, o=objective: of_embedder(n, o)
        variants = {"default": {}, "tied": {"tied": True}, "drawn": {"n_negatives": 3}}
        for name, options in variants.items():
            name = f"{network} predictor {name}"
            yield name, lambda n=network, o=options: of_predictor(n, o)


def hashes(only):
    """Hashes of the predictions of all cases whose name holds a word, by their names."""
    found = {}
    for name, predict in cases():
        if only in name:
            values = np.ascontiguousarray(predict())
            found[name] = hashlib.sha256(values.tobytes()).hexdigest()[:16]
            print(name, found[name], flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("write", "compare"))
    parser.add_argument("file", type=Path, help="JSON file of hashes by case")
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    arguments = parser.parse_args()
    found = hashes(arguments.only)
    if arguments.action == "write":
        arguments.file.write_text(json.dumps(found, indent=1))
        return
    before = json.loads(arguments.file.read_text())
    changed = [name for name, value in found.items() if before.get(name) != value]
    missing = [name for name in before if arguments.only in name and name not in found]
    print(f"{len(found)} cases, {len(changed)} changed, {len(missing)} missing.")
    for name in changed + missing:
        print(f"  {name}")
    sys.exit(bool(changed or missing))


if __name__ == "__main__":
    main()
