"""All networks side by side, on a generated shop and on a real log.

    python -m benchmarks.networks --data ../shared/data

Each classifier with its defaults. The shop is that of ``benchmarks.shop_order``: its expected AUC
is taken under the true probabilities, which no model can pass. Online Retail, with ``--data``, is
that of ``benchmarks.online_retail``: five folds, and the epochs and the rate that stand there.
Beside them stands gradient boosting on aggregates; the bag of events is the control that sees no
order.

What was tried on the shop (expected AUC; mean of the shops of seeds 0 and 1 unless one is named):

- transformer: learned waves of standard normal frequencies 0.777; slow ones alone 0.790 and scores
  that fade with the distance alone 0.790 (seed 1); both 0.793, and with dropout of 0.1 0.794. One
  block in the place of two 0.792. Pooling by the mean, or both ways with it, cost 0.05 and 0.02
  (seed 1, before the mends).
- convolutions: without dropout 0.792; with 0.1 0.796; with 0.2 0.797, but slower. Three blocks
  0.796 (seed 1). Largest values 0.765 and attention 0.781 (seed 1, without dropout).
- a tenth of the embeddings dropped: LSTM 0.7972 for 0.7968, GRU 0.7976 for 0.7969 (seed 0).
- GRU with attention 0.794, both ways 0.797 (seed 0).

The epochs and the rate on Online Retail are those that suit the LSTM; others may gain by theirs.
"""

import argparse
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from benchmarks import online_retail, shop_order
from skbseq import EventLog, SequenceEncoder, estimators
from skbseq.datasets import make_shop_log

NETWORKS = {
    name.removesuffix("BehaviorClassifier"): getattr(estimators, name)
    for name in estimators.__all__
    if name.endswith("BehaviorClassifier")
}
BOOSTING = "aggregates + boosting"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=20_000, help="of the shop (default 20000)")
    parser.add_argument("--seeds", type=int, default=1, help="shops and fits (default 1)")
    parser.add_argument("--data", help="folder with online_retail.parquet; default: shop alone")
    arguments = parser.parse_args()
    columns = {"shop": [on_shop(arguments.users, seed) for seed in range(arguments.seeds)]}
    if arguments.data:
        X, y = online_retail.task(arguments.data)
        columns["online retail"] = [on_invoices(X, y, seed) for seed in range(arguments.seeds)]
    print(f"{'AUC (seconds to fit)':<24}" + "".join(f"{name:>20}" for name in columns))
    for name in columns["shop"][0]:
        cells = [_cell([run[name] for run in runs if name in run]) for runs in columns.values()]
        print(f"{name:<24}" + "".join(f"{cell:>20}" for cell in cells))


def _cell(runs):
    if not runs:
        return "-"
    auc, seconds = np.mean(runs, axis=0)
    return f"{auc:.4f} ({seconds:.1f})"


def on_shop(n_users, seed):
    """Expected AUC and seconds to fit by model, on one shop."""
    shop = make_shop_log(n_users=n_users, random_state=seed)
    log = EventLog(shop.events, **shop.roles).clean()
    X = log.histories(shop.samples, max_events=100)
    y = log.label_behavior(shop.samples, behavior="buy", horizon=shop.horizon)
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
    truth = shop.probability[test]
    result = {"true probability": (shop_order.expected_auc(truth, truth), 0.0)}
    tables = {BOOSTING: shop_order.aggregates(X)}
    for name, model in models(SequenceEncoder(), seed).items():
        table, begin = tables.get(name, X), time.perf_counter()
        model.fit(table.iloc[train], y[train])
        seconds = time.perf_counter() - begin
        score = model.predict_proba(table.iloc[test])[:, 1]
        result[name] = shop_order.expected_auc(truth, score), seconds
        print(f"  shop, {name}: {result[name][0]:.4f}, {seconds:.1f} s", flush=True)
    return result


def on_invoices(X, y, seed):
    """Mean AUC of five folds and seconds for all of them by model, on Online Retail."""
    encoder = SequenceEncoder(numeric=online_retail.NUMBERS, time_features=("gap", "age"))
    known = {"epochs": 8, "validation_split": 0, "learning_rate": 0.002}
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    tables, result = {BOOSTING: online_retail.aggregates(X)}, {}
    for name, model in models(encoder, seed, **known).items():
        begin = time.perf_counter()
        aucs = cross_val_score(model, tables.get(name, X), y, cv=folds, scoring="roc_auc")
        result[name] = aucs.mean(), time.perf_counter() - begin
        print(f"  online retail, {name}: {result[name][0]:.4f}", flush=True)
    return result


def models(encoder, seed, **parameters):
    """Every network behind the encoder, and boosting."""
    networks = {
        name: make_pipeline(encoder, kind(random_state=seed, **parameters))
        for name, kind in NETWORKS.items()
    }
    return {BOOSTING: HistGradientBoostingClassifier(random_state=seed), **networks}


if __name__ == "__main__":
    main()
