"""Does pretraining pay with few labels? Four questions, on real logs.

    python -m benchmarks.pretraining --data ../shared/data
    python -m benchmarks.pretraining --data ../shared/data --transfer
    python -m benchmarks.pretraining --data ../shared/data --objectives
    python -m benchmarks.pretraining --data ../shared/data --token

**How to fine-tune** (the default). A transformer is pretrained by the next event, on the histories
of the training part, without labels. Then 100 and 1,000 of them have labels: which session of a
clothing shop reaches 10 clicks, from its first 5; which customer of Online Retail buys again
within 90 days. From scratch, all weights fine-tuned, the head alone, and adapters of rank 4 stand
beside a linear model of the vectors and gradient boosting on aggregates.

**History tokens** (``--token``). The same, without and with a token that sums up the history. Rows
with a token also tell the gain over the row without. The clothing sessions, of five events, with
``--share 2 --seeds 4`` (20 draws of 100 labels, 10 of 1,000), and Online Retail with the defaults:

==================  ============================  ============================
gain of the token   100 labels                    1,000 labels
==================  ============================  ============================
clothing, scratch   +0.0045 (-0.0043 to +0.0133)  +0.0039 (-0.0045 to +0.0123)
all weights         +0.0038 (-0.0042 to +0.0118)  +0.0079 (-0.0023 to +0.0180)
head alone          +0.0072 (-0.0004 to +0.0148)  +0.0026 (-0.0115 to +0.0168)
vectors, logistic   -0.0007 (-0.0077 to +0.0064)  +0.0008 (-0.0132 to +0.0148)
retail, scratch     +0.0167 (+0.0047 to +0.0287)  +0.0071 (+0.0029 to +0.0112)
all weights         +0.0026 (-0.0050 to +0.0103)  +0.0073 (+0.0016 to +0.0129)
head alone          +0.0002 (-0.0076 to +0.0080)  -0.0045 (-0.0112 to +0.0021)
vectors, logistic   +0.0268 (+0.0005 to +0.0532)  -0.0062 (-0.0218 to +0.0094)
==================  ============================  ============================

On the sessions no gain is significant. On Online Retail the token is a better vector also from
scratch, and pretraining adds nothing to it: 0.7396 pretrained, 0.7417 from scratch, 0.7588 and
0.7600 for 1,000 labels.

**From another shop** (``--transfer``). CDNOW sells CDs and Online Retail gifts: no product is in
both. Both logs have orders with a time, an amount and a number of items, and these are the
channels. Embedders are pretrained on either shop, or on both, and fine-tuned for the labels of
Online Retail. Amounts and numbers of items are divided by the median of their shop; one row shows
what happens without.

**Which objective** (``--objectives``): an LSTM, 100 labels of Online Retail, all objectives.

- "future" learns from the histories at this and at earlier cutoffs, 30 days apart, none of which
  reaches behind the one of the task. The others learn from one history a customer: the earlier
  ones are its beginnings, and "contrastive" would hold a customer's histories against each other.
  "masked" reads in both directions.
- With objective="future" an embedder asks of earlier moments how soon the next order came, which
  the histories themselves tell. The last row goes the whole way: at the cutoff 90 days before
  everyone's label is known by now, so that a model of them needs no label of today.

So that nothing is given to one way and not to another:

- Each way has the same draws of the labelled samples, stratified. The test part is fixed; for
  ``--objectives`` it is all customers without a label.
- Regularisation and learning rate of every way, scratch and aggregates too, come from a grid: what
  is best on average in other draws. All networks choose from one grid, all linear models from
  another. (To choose by cross-validation within 100 labels is noisier for all alike.)
- The network from scratch reads its input from the encoder of an embedder, which knows all
  unlabelled histories, and not from one that was fitted on 100. The rows differ in the weights
  alone.
- Embedders are fitted with several seeds, and the draws split among them.

Told are mean AUCs over the draws, and the mean gain over training from scratch with its 95%
interval (Student, paired by draw). With a fixed test part the intervals hold for other draws of
the labels, and not for another test part.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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

from benchmarks import seed_spread
from benchmarks.online_retail import AT, HORIZON, NUMBERS, aggregates, invoices
from benchmarks.online_retail import task as returns
from skbseq import (
    BehaviorClassifier,
    BehaviorEmbedder,
    EventLog,
    LSTMBehaviorClassifier,
    SequenceEncoder,
    SequenceVectorizer,
)

SEEDS = 3
LINEAR = list(ParameterGrid({"C": [0.0003, 0.001, 0.003, 0.01, 0.1, 1.0]}))
NETWORK = list(ParameterGrid({"learning_rate": [0.002, 0.005], "l2": [0.01, 0.03, 0.1]}))
BOOSTING = list(ParameterGrid({"learning_rate": [0.02, 0.1], "min_samples_leaf": [5, 20]}))
TRANSFORMER = {"network": "transformer", "units": 32, "n_layers": 1}
TRANSFORMER_GRID = [
    {"learning_rate": 0.001, "l2": 0.03},
    {"learning_rate": 0.005, "l2": 0.0},
    {"learning_rate": 0.02, "l2": 0.0},  # adapters take more than all weights
]
RANK = 4
N_TEST = 4_000
# Draws of the labelled samples by their number, and those in which the grid is tried.
DRAWS, TRIED = {100: 10, 1_000: 5}, 2
SHARED = ["amount", "items"]


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


def linear(seed, C):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1_000))


def boosting(seed, **parameters):
    return HistGradientBoostingClassifier(max_iter=50, random_state=seed, **parameters)


def against(aucs, base):
    """Mean gain with its 95% interval."""
    gain = aucs - base
    half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
    return f"{gain.mean():+.4f} ({gain.mean() - half:+.4f} to {gain.mean() + half:+.4f})"


def row(name, aucs, bases):
    return f"{name:<46} {aucs.mean():.4f}  " + "  ".join(against(aucs, base) for base in bases)


# ------------------------------------------------------------------ how to fine-tune


@dataclass(frozen=True)
class Task:
    """Histories with labels, of which a part is for training and another for tests."""

    X: pd.DataFrame
    y: np.ndarray
    encoder: SequenceEncoder
    pool: np.ndarray
    test: np.ndarray

    @classmethod
    def of(cls, X, y, encoder, n_train):
        """The parts are those of `benchmarks.seed_spread`."""
        order = np.random.default_rng(1).permutation(len(y))
        pool, test = order[:n_train], order[n_train:][:N_TEST]
        return cls(X.reset_index(drop=True), np.asarray(y), encoder, pool, test)

    def draws(self, n_labels, n_draws, seed):
        """Rows of labelled samples, and those of the test."""
        split = StratifiedShuffleSplit(n_draws, train_size=n_labels, random_state=seed)
        found = split.split(self.pool, self.y[self.pool])
        return [(self.pool[rows], self.test) for rows, _ in found]


def pretrain(encoder, X, arguments, name, **changes):
    """Transformers pretrained without labels, one for each seed."""
    begin, found = time.perf_counter(), []
    for seed in range(arguments.seeds):
        embedder = BehaviorEmbedder(
            encoder,
            objective=arguments.objective,
            epochs=arguments.epochs,
            random_state=seed,
            **TRANSFORMER | changes,
        )
        found.append(embedder.fit(X))
    seconds = time.perf_counter() - begin
    print(f"pretrained on {name}, {len(X):,} histories: {seconds:.0f} s", flush=True)
    return found


def transformer(n_labels, pretrained=None, n_layers=1, **changes):
    """Makes classifiers from the weights of the embedder of the draw's seed, or from scratch."""

    def make(seed, **parameters):
        if pretrained is not None:
            parameters |= {"init": FrozenEstimator(pretrained[seed % len(pretrained)])}
        return BehaviorClassifier(
            **TRANSFORMER | {"n_layers": n_layers},
            epochs=20 if n_labels < 500 else 10,
            batch_size=16 if n_labels < 500 else 64,
            validation_split=0,
            random_state=seed,
            **changes,
            **parameters,
        )

    return make


def encoded(pretrained, X):
    return [embedder.encoder_.transform(X) for embedder in pretrained]


def vectors_of(pretrained, X):
    return [pd.DataFrame(embedder.transform(X), index=X.index) for embedder in pretrained]


def ways_to_fine_tune(pretrained, codes, vectors, flat, n_labels):
    """Ways by name; the first is the base."""

    def way(*given, **changes):
        return Way(codes, transformer(n_labels, *given, **changes), TRANSFORMER_GRID)

    return {
        "from scratch": way(),
        "pretrained, all weights": way(pretrained),
        "pretrained, head alone": way(pretrained, freeze="network"),
        f"pretrained, adapters of rank {RANK}": way(pretrained, adapter_rank=RANK),
        "vectors, logistic": Way(vectors, linear, LINEAR),
        "aggregates, boosting": Way([flat], boosting, BOOSTING),
    }


def table_of(task):
    """Aggregates of the histories, as a user of `SequenceVectorizer` has them."""
    named = {"categorical": task.encoder.categorical, "numeric": task.encoder.numeric}
    named = {key: names for key, names in named.items() if isinstance(names, list)}
    vectorizer = SequenceVectorizer(**named).fit(task.X.iloc[task.pool])
    return pd.DataFrame(np.asarray(vectorizer.transform(task.X)), index=task.X.index)


def compare(task, ways, n_labels, n_draws):
    """Print a row for each way; the first is the base."""
    draws, others = task.draws(n_labels, n_draws, 0), task.draws(n_labels, TRIED, 1)
    print(f"{n_draws} draws of {n_labels:,} labels, {len(task.test):,} for the test", flush=True)
    bases = []
    for name, way in ways.items():
        parameters = way.best(task.y, others)
        aucs = way.aucs(task.y, draws, parameters)
        print(row(name, aucs, bases), parameters, flush=True)
        bases = bases or [aucs]


def fine_tuning(arguments):
    """How should a pretrained transformer be fine-tuned, and does it pay?"""
    for name in arguments.tasks.split(","):
        task = Task.of(*getattr(seed_spread, name)(arguments.data))
        print(f"\n{name}: {task.y.mean():.2f} positive")
        pretrained = pretrain(task.encoder, task.X.iloc[task.pool], arguments, name)
        codes, vectors = encoded(pretrained, task.X), vectors_of(pretrained, task.X)
        flat = table_of(task)
        for n_labels, n_draws in draws_of(arguments).items():
            ways = ways_to_fine_tune(pretrained, codes, vectors, flat, n_labels)
            compare(task, ways, n_labels, n_draws)


# ------------------------------------------------------------------ history tokens


def ways_with_token(task, arguments, name):
    """A function of the number of labels that gives ways by name, without and with a token."""
    found = {}
    for token in (False, True):
        changes = {"n_layers": arguments.layers, "network__history_token": token}
        pretrained = pretrain(task.encoder, task.X.iloc[task.pool], arguments, name, **changes)
        found[token] = changes, pretrained, vectors_of(pretrained, task.X)
    codes = encoded(pretrained, task.X)

    def ways(n_labels):
        def way(token, *given, **more):
            make = transformer(n_labels, *given, **found[token][0], **more)
            return Way(codes, make, TRANSFORMER_GRID)

        for token, (_, pretrained, vectors) in found.items():
            yield "from scratch", token, way(token)
            yield "pretrained, all weights", token, way(token, pretrained)
            yield "pretrained, head alone", token, way(token, pretrained, freeze="network")
            yield "vectors, logistic", token, Way(vectors, linear, LINEAR)

    return ways


def history_tokens(arguments):
    """Does a token that sums up the history make a better vector of it?"""
    for name in arguments.tasks.split(","):
        task = Task.of(*getattr(seed_spread, name)(arguments.data))
        print(f"\n{name}: {task.y.mean():.2f} positive, {arguments.layers} blocks")
        ways = ways_with_token(task, arguments, name)
        for n_labels, n_draws in draws_of(arguments).items():
            draws, others = task.draws(n_labels, n_draws, 0), task.draws(n_labels, TRIED, 1)
            print(f"{n_draws} draws of {n_labels:,} labels: gains over scratch, and of the token")
            without = {}
            for way_name, token, way in ways(n_labels):
                parameters = way.best(task.y, others)
                aucs = way.aucs(task.y, draws, parameters)
                scratch = [without["from scratch"]] if without else []
                bases = [*scratch, without[way_name]] if token else scratch
                without.setdefault(way_name, aucs)
                print(row(way_name + ", token" * token, aucs, bases), parameters, flush=True)


# ------------------------------------------------------------------ from another shop


def cd_orders(data):
    """Orders of CDNOW, in the columns that both shops have."""
    orders = pd.read_parquet(Path(data) / "cdnow.parquet").assign(kind="purchase")
    orders = orders.rename(columns={"date": "time", "cds": "items"})
    return orders.astype({"items": float})


def gift_orders(data):
    """Invoices of Online Retail, in the same columns."""
    orders = invoices(data).rename(columns={"quantity": "items"})
    return orders[["customer_id", "time", "kind", "amount", "items"]].astype({"items": float})


def on_common_scale(orders):
    """Amounts and items as multiples of what is usual in the shop."""
    return orders.assign(**{name: orders[name] / orders[name].median() for name in SHARED})


def shop(orders, at):
    """Histories up to a cutoff, and who buys within the horizon."""
    log = EventLog(orders, user="customer_id", time="time", behavior="kind").clean()
    samples = log.samples(at=at)
    y = log.label_behavior(samples, behavior="purchase", horizon=HORIZON)
    return log.histories(samples), y


def transfer(arguments):
    """Does another shop's log help with few labels?"""
    # Both shops have the same kinds, numbers and gaps. Ids would be unknown in the second shop.
    encoder = SequenceEncoder(categorical=["kind"], numeric=SHARED, time_features=("gap", "age"))
    first, second = cd_orders(arguments.data), gift_orders(arguments.data)
    task = Task.of(*shop(on_common_scale(second), AT), encoder, 2_300)
    raw = Task.of(*shop(second, AT), encoder, 2_300)
    cds, raw_cds = (
        shop(orders, "1997-09-30")[0].sample(arguments.histories, random_state=0)
        for orders in (on_common_scale(first), first)
    )
    own = task.X.iloc[task.pool]
    found = {
        name: (table, pretrain(encoder, X, arguments, name))
        for name, table, X in (
            ("the same shop", task.X, own),
            ("the other shop", task.X, cds),
            ("both shops", task.X, pd.concat([cds, own], ignore_index=True)),
            ("the other shop, as it is", raw.X, raw_cds),
        )
    }
    codes = {name: encoded(pretrained, X) for name, (X, pretrained) in found.items()}
    for n_labels, n_draws in draws_of(arguments).items():

        def way(name, *given, **changes):
            make = transformer(n_labels, *given, **changes)  # noqa: B023
            return Way(codes[name], make, TRANSFORMER_GRID)

        ways = {"from scratch": way("the same shop")}
        for name, (_, pretrained) in found.items():
            ways[f"{name}, all weights"] = way(name, pretrained)
            ways[f"{name}, adapters"] = way(name, pretrained, adapter_rank=RANK)
        compare(task, ways, n_labels, n_draws)


def draws_of(arguments):
    """Number of draws by number of labels."""
    return {n: max(2, round(draws * arguments.share)) for n, draws in DRAWS.items()}


# ------------------------------------------------------------------ which objective


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


def ways_by_objective(X, pretrained):
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


def objectives(arguments):
    """Which objective resembles the task?"""
    X, y = returns(arguments.data)
    more = unlabelled(arguments.data)
    print(f"{len(y):,} customers; {len(more):,} unlabelled histories")
    names = ("future", "next", "masked", "contrastive")
    pretrained = {name: embedders(X, more, name, arguments.epochs) for name in names}

    def splits(n, seed):
        split = StratifiedShuffleSplit(n, train_size=100, random_state=seed)
        return list(split.split(y, y))

    n_draws = max(2, round(20 * arguments.share))
    draws, others = splits(n_draws, 0), splits(5, 1)
    print(f"{n_draws} draws of 100 labels: mean AUC, and gains over scratch with no L2, and with")
    print("the best of the grid; then what the grid's best is")
    bases = []
    for name, way in ways_by_objective(X, pretrained).items():
        parameters = way.best(y, others)
        aucs = way.aucs(y, draws, parameters)
        bases = bases if len(bases) == 2 else [*bases, aucs]
        print(row(name, aucs, bases), parameters, flush=True)
    print(row("labels of 90 days before", without_labels(arguments.data, X, y, draws), bases))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with the logs")
    parser.add_argument("--transfer", action="store_true", help="pretrain on another shop")
    parser.add_argument("--objectives", action="store_true", help="compare objectives")
    parser.add_argument("--token", action="store_true", help="measure history tokens")
    parser.add_argument("--layers", type=int, default=1, help="blocks with --token")
    parser.add_argument("--tasks", default="clothing,retail", help="names of seed_spread's tasks")
    parser.add_argument("--objective", default="next", help="of the transformers")
    parser.add_argument("--epochs", type=int, default=20, help="of pretraining")
    parser.add_argument("--seeds", type=int, default=2, help="of the transformers' embedders")
    parser.add_argument("--histories", type=int, default=6_000, help="of CDNOW")
    parser.add_argument("--share", type=float, default=1.0, help="of all draws; a quick look: 0.2")
    arguments = parser.parse_args()
    if arguments.objectives:
        objectives(arguments)
    elif arguments.transfer:
        transfer(arguments)
    elif arguments.token:
        history_tokens(arguments)
    else:
        fine_tuning(arguments)


if __name__ == "__main__":
    main()
