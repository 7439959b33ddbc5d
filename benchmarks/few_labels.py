"""Who buys again, told from 100 labels? Pretraining on unlabelled histories, beside the rest.

    python -m benchmarks.few_labels --data ../shared/data

The task is that of `benchmarks.online_retail`: 3,412 customers, "buys again within 90 days". Of
each draw 100 customers have labels, stratified, and the others are the test. No embedder sees a
label.

So that nothing is given to one way and not to another:

- Regularisation and learning rate of every way, scratch and aggregates too, come from a grid: what
  is best on average in five other draws. All networks choose from one grid, all linear models from
  another. (To choose by cross-validation within 100 labels is noisier for all alike.)
- The network from scratch reads its input from the encoder of the embedder "future", which knows
  all histories, and not from one that was fitted on 100. The rows differ in the weights alone.
- Embedders are fitted with three seeds, and the draws split among them.
- "future" learns from the histories at this and at earlier cutoffs, 30 days apart, none of which
  reaches behind the one of the task. The others learn from one history a customer: the earlier
  ones are its beginnings, and "contrastive" would hold a customer's histories against each other.
  "masked" reads in both directions.

With objective="future" an embedder asks of earlier moments how soon the next order came, which the
histories themselves tell. The last row goes the whole way: at the cutoff 90 days before everyone's
label is known by now, so that a model of them needs no label of today.

Told are mean AUCs over the draws, and the mean gain over training from scratch with its 95%
interval (Student, paired by draw): over scratch with the grid's best, and over scratch as a user
would first have it.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ParameterGrid, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.online_retail import AT, HORIZON, NUMBERS, aggregates, invoices, task
from skbseq import BehaviorEmbedder, EventLog, LSTMBehaviorClassifier, SequenceEncoder

SEEDS = 3
LINEAR = list(ParameterGrid({"C": [0.0003, 0.001, 0.003, 0.01, 0.1, 1.0]}))
NETWORK = list(ParameterGrid({"learning_rate": [0.002, 0.005], "l2": [0.01, 0.03, 0.1]}))
BOOSTING = list(ParameterGrid({"learning_rate": [0.02, 0.1], "min_samples_leaf": [5, 20]}))


@dataclass(frozen=True)
class Way:
    """How to learn from few labels.

    Parameters
    ----------
    tables : list of DataFrame
        What is seen, for each seed of the embedders.
    make : callable
        A classifier, from the number of the draw and parameters of the grid.
    grid : list of dict
    """

    tables: list
    make: Callable
    grid: list

    def aucs(self, y, draws, parameters):
        """The AUC of each draw."""
        found = []
        for i, (train, test) in enumerate(draws):
            table = self.tables[i % len(self.tables)]
            model = self.make(i, **parameters).fit(table.iloc[train], y[train])
            probability = model.predict_proba(table.iloc[test])[:, 1]
            found.append(roc_auc_score(y[test], probability))
        return np.array(found)

    def best(self, y, draws):
        """The parameters of the best mean AUC."""
        if len(self.grid) == 1:
            return self.grid[0]
        return max(self.grid, key=lambda p: self.aucs(y, draws, p).mean())


def log_of(data):
    return EventLog(invoices(data), user="customer_id", time="time", behavior="kind").clean()


def unlabelled(data, every="30D"):
    """Histories at earlier cutoffs, none of which reaches behind the one of the task."""
    log = log_of(data)
    return log.histories(log.samples(every=every, end=AT))


def embedders(X, more, objective, epochs):
    """Fitted embedders of an objective, one for each seed."""
    encoder = SequenceEncoder(numeric=NUMBERS, time_features=("gap", "age"))
    begin, found = time.perf_counter(), []
    for seed in range(SEEDS):
        embedder = BehaviorEmbedder(
            encoder,
            objective=objective,
            units=32,
            bidirectional=objective == "masked",
            epochs=epochs,
            random_state=seed,
        )
        found.append(embedder.fit(pd.concat([more, X]) if objective == "future" else X))
    print(f"embedders, {objective}: {time.perf_counter() - begin:.1f} s", flush=True)
    return found


def linear(seed, C):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1_000))


def boosting(seed, **parameters):
    return HistGradientBoostingClassifier(max_iter=50, random_state=seed, **parameters)


def network(seed, **parameters):
    """A classifier for 100 labels: small batches, nothing held out."""
    return LSTMBehaviorClassifier(
        epochs=20, batch_size=16, validation_split=0, random_state=seed, **parameters
    )


def begun(pretrained, **changes):
    """Like `network`, but from the weights of the embedder of the draw's seed."""

    def make(seed, **parameters):
        embedder = pretrained[seed % len(pretrained)]
        start = {"init": FrozenEstimator(embedder), "bidirectional": embedder.bidirectional}
        return network(seed, **start, **changes, **parameters)

    return make


def ways(X, pretrained):
    """Ways by name."""
    flat = aggregates(X)
    codes = {
        name: [embedder.encoder_.transform(X) for embedder in found]
        for name, found in pretrained.items()
    }
    vectors = {
        name: [pd.DataFrame(embedder.transform(X), index=X.index) for embedder in found]
        for name, found in pretrained.items()
    }
    future = vectors["future"]
    beside = [pd.concat([v.add_prefix("v"), flat], axis=1) for v in future]
    together = pd.concat([v.add_prefix(f"v{i}_") for i, v in enumerate(future)], axis=1)
    found = {
        "LSTM from scratch, no L2": Way(codes["future"], network, [{"learning_rate": 0.002}]),
        "LSTM from scratch": Way(codes["future"], network, NETWORK),
        "eight aggregates, logistic": Way([flat], linear, LINEAR),
        "eight aggregates, boosting": Way([flat], boosting, BOOSTING),
    }
    for name in pretrained:
        found[f"{name}, vectors, logistic"] = Way(vectors[name], linear, LINEAR)
        if name == "future":
            head = begun(pretrained[name], freeze="network")
            found[f"{name}, head alone"] = Way(codes[name], head, NETWORK)
        tuned = begun(pretrained[name])
        found[f"{name}, all weights fine-tuned"] = Way(codes[name], tuned, NETWORK)
    found["future, vectors beside aggregates, logistic"] = Way(beside, linear, LINEAR)
    found["future, vectors of three seeds, logistic"] = Way([together], linear, LINEAR)
    return found


def without_labels(data, X, y, draws):
    """AUC of aggregates and a linear model, learnt from what is known of an earlier cutoff."""
    log = log_of(data)
    samples = log.samples(at=pd.Timestamp(AT) - pd.Timedelta(HORIZON))
    labels = log.label_behavior(samples, behavior="purchase", horizon=HORIZON)
    model = linear(0, C=1.0).fit(aggregates(log.histories(samples)), labels)
    probability = model.predict_proba(aggregates(X))[:, 1]
    return np.array([roc_auc_score(y[test], probability[test]) for _, test in draws])


def against(aucs, base):
    """Mean gain with its 95% interval."""
    gain = aucs - base
    half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
    return f"{gain.mean():+.4f} ({gain.mean() - half:+.4f} to {gain.mean() + half:+.4f})"


def row(name, aucs, bases):
    return f"{name:<46} {aucs.mean():.4f}  " + "  ".join(against(aucs, base) for base in bases)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with online_retail.parquet")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=20, help="of pretraining")
    arguments = parser.parse_args()
    X, y = task(arguments.data)
    more = unlabelled(arguments.data)
    print(f"{len(y):,} customers; {len(more):,} unlabelled histories")
    objectives = ("future", "next", "masked", "contrastive")
    pretrained = {name: embedders(X, more, name, arguments.epochs) for name in objectives}

    def splits(n, seed):
        split = StratifiedShuffleSplit(n, train_size=arguments.labels, random_state=seed)
        return list(split.split(y, y))

    draws, others = splits(arguments.draws, 0), splits(5, 1)
    print(
        f"{arguments.draws} draws of {arguments.labels} labels: mean AUC, and gains over scratch"
    )
    print("with no L2, and with the best of the grid; then what the grid's best is")
    bases = []
    for name, way in ways(X, pretrained).items():
        parameters = way.best(y, others)
        aucs = way.aucs(y, draws, parameters)
        bases = bases if len(bases) == 2 else [*bases, aucs]
        print(row(name, aucs, bases), parameters, flush=True)
    print(row("labels of 90 days before", without_labels(arguments.data, X, y, draws), bases))


if __name__ == "__main__":
    main()
