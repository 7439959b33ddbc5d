"""SequenceVectorizer: events per second, and what it is worth on a real log.

    python -m benchmarks.vectorizer --data ../shared/data

First a million events of 100,000 histories with 5 behaviours, 1,000 products and a price, all
groups on. Then, with ``--data``, the task of `benchmarks.online_retail`: who of 3,412 customers
buys again within 90 days, in the same five folds. The events are invoices here too, with two
numbers more: distinct products, and mean unit price.

What was tried (AUC of the five folds; GB: gradient boosting; the settings below unless it says
otherwise). Everything was compared on these folds, so differences under 0.002 mean nothing: the
standard deviation between folds is about 0.01.

- groups, events as in `online_retail`: all, GB 0.7528, logistic regression 0.7496; the six
  below, 0.7527 and 0.7516; recency, frequency and tenure alone, logistic regression 0.7371.
- a fifth of the features at each split (``max_features=0.2``): 0.7543 instead of 0.7527.
- two numbers more, as here: GB 0.7575, logistic regression 0.7529. Five further ones (largest
  and median price, quantity and amount): 0.7553 and 0.7519. Median quantity alone: 0.7573.
- country: 0.7557. Share of products bought before, popularity and age of the products,
  Christmas articles, eight components of the descriptions: 0.7548 to 0.7563, none better.
- windows of 30, 90 and 180 days: 0.7560. Smaller steps, smaller trees: 0.7571 to 0.7573.
- shares of 200 or 1,000 products, logistic regression: 0.61 to 0.62 alone, and 0.7578 to 0.7584
  in the mean with GB; counts of them: 0.72, and 0.7560 to 0.7565.
- random forest 0.7497, extra trees 0.7450, Nystroem kernel 0.7528, splines 0.7489.
- earlier cutoffs as more training samples: 0.7509 to 0.7551. Another season is another task.
- the network alone, with the two numbers more: 0.7547 (mean of five seeds); with GB, mean of both
  probabilities: 0.7579. Median quantity too: 0.7554, and 0.7585 with GB. 16 units: 0.7576 with
  GB, dropout of 0.3: 0.7581, the mean of five networks: 0.7580.
- a third voice beside GB and the network, logistic regression on logarithms of the counts of 300
  products (C of 0.001; 0.7317 alone): 0.7587, and 0.7595 at half weight. Its C of 0.0001 to 0.1,
  100 to 1,000 products, an SVD of them with boosting, and extra trees: 0.7546 to 0.7588.
- the features as context of the network: all six groups 0.74 to 0.75; recency, frequency and
  tenure 0.7535, and 0.7570 with GB. On 3,412 customers that is no gain.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from benchmarks.online_retail import AT, HORIZON, NUMBERS, invoices
from skbseq import EventLog, LSTMBehaviorClassifier, SequenceEncoder, SequenceVectorizer

GROUPS = ["recency", "frequency", "tenure", "monetary", "gaps", "trend"]
MORE = ["products", "price"]
_DAY = 86_400 * 10**6


def make_histories(n_events, n_samples):
    """Random histories of half a year, one cutoff for all."""
    rng = np.random.default_rng(0)
    sample = np.sort(rng.integers(0, n_samples, n_events))
    offsets = np.searchsorted(sample, np.arange(n_samples + 1))
    ticks = rng.integers(0, 180 * _DAY, n_events)
    ticks = ticks[np.lexsort((ticks, sample))]
    behaviors = np.array(["view", "search", "cart", "buy", "return"], dtype=object)
    channels = {
        "time": pa.array(ticks).cast(pa.timestamp("us")),
        "behavior": pa.array(rng.choice(behaviors, n_events)),
        "product": pa.array(rng.integers(0, 1_000, n_events)),
        "price": pa.array(rng.lognormal(3, 1, n_events)),
    }
    starts = pa.array(offsets, pa.int32())
    lists = {n: pa.ListArray.from_arrays(starts, values) for n, values in channels.items()}
    cutoff = pa.array(np.full(n_samples, 181 * _DAY)).cast(pa.timestamp("us"))
    return pa.table({"cutoff": cutoff} | lists)


def measure_speed(n_events, n_samples, sparse_output):
    """Median of three of events per second, of fit and transform and of transform alone."""
    X = make_histories(n_events, n_samples)
    both, alone = [], []
    for _ in range(3):
        vectorizer = SequenceVectorizer(sparse_output=sparse_output)
        marks = [time.perf_counter()]
        vectorizer.fit_transform(X)
        marks.append(time.perf_counter())
        vectorizer.transform(X)
        marks.append(time.perf_counter())
        both.append(n_events / (marks[1] - marks[0]))
        alone.append(n_events / (marks[2] - marks[1]))
    return np.median(both), np.median(alone), len(vectorizer.get_feature_names_out())


def task(data):
    """Sequence frame and labels, as in `online_retail`, with two more numbers per invoice."""
    lines = pd.read_parquet(Path(data) / "online_retail.parquet")
    lines = lines.dropna(subset="customer_id").drop_duplicates()
    groups = lines.groupby(["customer_id", "invoice"], sort=False)
    more = groups.agg(products=("stock_code", "nunique"), price=("unit_price", "mean"))
    # The same groups in the same order.
    events = invoices(data).assign(**{name: more[name].to_numpy(float) for name in MORE})
    log = EventLog(events, user="customer_id", time="time", behavior="kind").clean()
    samples = log.samples(at=AT)
    labels = log.label_behavior(samples, behavior="purchase", horizon=HORIZON)
    return log.histories(samples), labels


def boosting(seed):
    return make_pipeline(
        SequenceVectorizer(GROUPS, numeric=NUMBERS + MORE),
        HistGradientBoostingClassifier(
            learning_rate=0.03,
            max_iter=150,
            max_leaf_nodes=6,
            min_samples_leaf=60,
            l2_regularization=50,
            max_features=0.2,
            random_state=seed,
        ),
    )


def flat(groups):
    """Scaled logarithms, for linear models and networks."""
    vectorizer = SequenceVectorizer(groups, numeric=NUMBERS + MORE, log=True, fill_value=0.0)
    return make_pipeline(vectorizer, StandardScaler())


def encoder():
    return SequenceEncoder(numeric=NUMBERS + MORE, time_features=("gap", "age"))


def network(seed):
    return LSTMBehaviorClassifier(
        epochs=8, validation_split=0, learning_rate=0.002, random_state=seed
    )


def models(seed):
    """The ways by name."""
    beside = make_union(encoder(), flat(GROUPS[:3])).set_output(transform="pandas")
    alone = make_pipeline(encoder(), network(seed))
    both = [("network", alone), ("boosting", boosting(seed))]
    return {
        "vectorizer + logistic regression": make_pipeline(
            flat(GROUPS), LogisticRegression(C=0.01, max_iter=500)
        ),
        "vectorizer + gradient boosting": boosting(seed),
        "encoder + LSTM": alone,
        "encoder and vectorizer + LSTM": make_pipeline(beside, network(seed)),
        "LSTM and gradient boosting, mean": VotingClassifier(both, voting="soft"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with online_retail.parquet")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the models (default 3)")
    parser.add_argument("--events", type=float, default=1e6, help="events to time (default 1e6)")
    arguments = parser.parse_args()
    n = int(arguments.events)
    for sparse_output in (False, True):
        both, alone, width = measure_speed(n, max(n // 10, 1), sparse_output)
        kind = "sparse" if sparse_output else "dense"
        print(
            f"{n:,} events, {width} features, {kind}: fit and transform {both:,.0f} events/s, "
            f"transform {alone:,.0f} events/s"
        )
    if arguments.data is None:
        return
    X, y = task(arguments.data)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    print(f"{'5-fold AUC':<36}  mean of seeds  least   most")
    for name in models(0):
        means = [
            cross_val_score(models(seed)[name], X, y, cv=folds, scoring="roc_auc").mean()
            for seed in range(arguments.seeds)
        ]
        print(f"{name:<36}  {np.mean(means):.4f}         {min(means):.4f} {max(means):.4f}")


if __name__ == "__main__":
    main()
