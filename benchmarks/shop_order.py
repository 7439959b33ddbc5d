"""Does the network find what the order of events says? A generated shop whose truth is known.

    python -m benchmarks.shop_order

On ``make_shop_log`` with 20,000 users the probability of buying is known exactly, so the AUC that
no model can pass is known too. A fifth of the users is held out. Beside the AUC against what the
3,600 held-out users did stands the AUC expected under the true probabilities, which is free of the
luck of those labels.

What was tried for the network (distance to the truth in expected AUC, shops of two seeds):

- embeddings drawn within 0.05, as Keras does: 0.02 to 0.05 on harder versions of the shop; from a
  standard normal: half of that. The behaviours then weigh as much as the scaled numbers.
- embeddings of up to 50 dimensions: 0.002 to 0.01 worse than 2 n^(1/3), mostly by the products,
  which carry nothing here but their price.
- dropout of 0.1 to 0.4, weight decay, L2, averaged weights, 64 units, other rates, batches: none
  better than the default on all seeds.
"""

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder
from skbseq.datasets import make_shop_log


def bag_of_events(X):
    """How often each user showed each behaviour."""
    behaviors = X["behavior_type"].explode()
    return pd.crosstab(behaviors.index, behaviors.to_numpy()).reindex(X.index, fill_value=0)


def aggregates(X):
    """Counts, and days since the first and the last event."""
    times = X["timestamp"].explode()
    days = (X["cutoff"].iloc[0] - pd.to_datetime(times)).dt.total_seconds() / 86_400
    spans = days.groupby(level=0).agg(["min", "max"]).reindex(X.index)
    return bag_of_events(X).assign(recency=spans["min"], tenure=spans["max"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3, help="shops and fits (default 3)")
    arguments = parser.parse_args()
    np.set_printoptions(precision=4, suppress=True)
    print(f"{'test AUC':<42}" + "".join(f"  seed {seed}" for seed in range(arguments.seeds)))
    rows = {}
    for seed in range(arguments.seeds):
        for name, auc in compare(arguments.users, seed).items():
            rows.setdefault(name, []).append(auc)
    for name, aucs in rows.items():
        print(f"{name:<42}" + "".join(f"  {auc:.4f}" for auc in aucs))
    for kind in ("", ", expected"):
        truth, bag, network = (
            np.array(rows[name + kind])
            for name in ("true probability", "bag of events + logistic", "encoder + LSTM")
        )
        print(f"network{kind}: below the truth {truth - network}, above the bag {network - bag}")


def compare(n_users, seed):
    """Test AUC by model on one shop."""
    shop = make_shop_log(n_users=n_users, random_state=seed)
    log = EventLog(shop.events, **shop.roles).clean()
    X = log.histories(shop.samples, max_events=100)
    y = log.label_behavior(shop.samples, behavior="buy", horizon=shop.horizon)
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
    truth = shop.probability[test]
    scores = {"true probability": truth}
    models = {
        "bag of events + logistic": (
            bag_of_events(X),
            make_pipeline(StandardScaler(), LogisticRegression()),
        ),
        "aggregates + gradient boosting": (
            aggregates(X),
            HistGradientBoostingClassifier(random_state=seed),
        ),
        "encoder + LSTM": (
            X,
            make_pipeline(SequenceEncoder(), LSTMBehaviorClassifier(random_state=seed)),
        ),
    }
    for name, (table, model) in models.items():
        begin = time.perf_counter()
        model.fit(table.iloc[train], y[train])
        scores[name] = model.predict_proba(table.iloc[test])[:, 1]
        print(f"  {name}: {time.perf_counter() - begin:.1f} s", flush=True)
    result = {name: roc_auc_score(y[test], score) for name, score in scores.items()}
    for name, score in scores.items():
        result[f"{name}, expected"] = expected_auc(truth, score)
    return result


def expected_auc(probability, score):
    """AUC of a score, each sample counting as a yes and as a no by its true probability."""
    outcome = np.repeat([1, 0], len(score))
    weight = np.concatenate([probability, 1 - probability])
    return roc_auc_score(outcome, np.tile(score, 2), sample_weight=weight)


if __name__ == "__main__":
    main()
