"""Who buys again, told from 100 labels? Pretraining on unlabelled histories, beside the rest.

    python -m benchmarks.few_labels --data ../shared/data

The task is that of `benchmarks.online_retail`: 3,412 customers, "buys again within 90 days". Of
each draw 100 customers have labels, stratified, and the others are the test. An embedder learns
from all histories, and from the same customers' histories at earlier cutoffs, none of which
reaches behind the one of the task; it sees no label. With objective="future" it asks of earlier
moments how soon the next order came, which the histories themselves tell. Told are mean AUCs over
the draws, and the mean difference to training from scratch with its 95% interval (Student, paired
by draw).
"""

import argparse
import time

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.online_retail import AT, NUMBERS, aggregates, invoices, task
from skbseq import BehaviorEmbedder, EventLog, LSTMBehaviorClassifier, SequenceEncoder

# Ways to go on from an embedder, with the parameters that they change.
_TUNING = {
    "fine-tuned": {},
    "fine-tuned in small steps": {"learning_rate": 0.0005},
    "head alone": {"freeze": "network", "learning_rate": 0.005, "l2": 0.01},
}


def unlabelled(data, every="30D"):
    """Histories at earlier cutoffs, none of which reaches behind the one of the task."""
    log = EventLog(invoices(data), user="customer_id", time="time", behavior="kind").clean()
    samples = log.samples(every=every, end=AT)
    return log.histories(samples)


def embedders(X, epochs, seed):
    """Fitted embedders by name."""
    encoder = SequenceEncoder(numeric=NUMBERS, time_features=("gap", "age"))
    found = {}
    for objective in ("future", "next", "masked", "contrastive"):
        embedder = BehaviorEmbedder(
            encoder,
            objective=objective,
            bidirectional=objective == "masked",
            units=32,
            epochs=epochs,
            random_state=seed,
        )
        begin = time.perf_counter()
        found[objective] = embedder.fit(X)
        print(f"embedder, {objective}: {time.perf_counter() - begin:.1f} s", flush=True)
    return found


def models(pretrained, seed):
    """Ways by name, and whether each sees aggregates."""
    scratch = LSTMBehaviorClassifier(
        epochs=20, batch_size=16, validation_split=0, learning_rate=0.002, random_state=seed
    )
    encoder = SequenceEncoder(numeric=NUMBERS, time_features=("gap", "age"))
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    boosting = HistGradientBoostingClassifier(max_iter=50, min_samples_leaf=5, random_state=seed)
    found = {
        "LSTM from scratch": (False, make_pipeline(encoder, scratch)),
        "aggregates + logistic regression": (True, linear),
        "aggregates + gradient boosting": (True, boosting),
    }
    for name, embedder in pretrained.items():
        frozen = FrozenEstimator(embedder)
        for how, changes in _TUNING.items():
            given = {"init": frozen, "bidirectional": embedder.bidirectional}
            start = LSTMBehaviorClassifier(**scratch.get_params() | given | changes)
            tuned = make_pipeline(FrozenEstimator(embedder.encoder_), start)
            found[f"LSTM from {name}, {how}"] = False, tuned
        vectors = make_pipeline(frozen, StandardScaler(), LogisticRegression(C=0.01))
        found[f"vectors of {name} + logistic regression"] = False, vectors
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with online_retail.parquet")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=20, help="of pretraining")
    arguments = parser.parse_args()
    X, y = task(arguments.data)
    flat = aggregates(X)
    more = unlabelled(arguments.data)
    print(f"{len(y):,} customers; {len(more):,} unlabelled histories")
    pretrained = embedders(pd.concat([more, X]), arguments.epochs, seed=0)
    draws = StratifiedShuffleSplit(arguments.draws, train_size=arguments.labels, random_state=0)
    found = {}
    for seed, (train, test) in enumerate(draws.split(flat, y)):
        for name, (sees_flat, model) in models(pretrained, seed).items():
            table = flat if sees_flat else X
            model.fit(table.iloc[train], y[train])
            probability = model.predict_proba(table.iloc[test])[:, 1]
            found.setdefault(name, []).append(roc_auc_score(y[test], probability))
    scratch = np.array(found["LSTM from scratch"])
    print(f"{arguments.draws} draws of {arguments.labels} labels: mean AUC, against scratch")
    for name, aucs in found.items():
        gain = np.array(aucs) - scratch
        half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
        print(f"{name:<50} {np.mean(aucs):.4f}  {gain.mean():+.4f} +- {half:.4f}", flush=True)


if __name__ == "__main__":
    main()
