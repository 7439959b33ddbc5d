"""What comes next? Baselines on two public logs, over the full catalogue.

    python -m benchmarks.next_event --data ../shared/data

MSNBC: sessions of at least two pages of 17. Of 100,000 sessions the last page is held out and
predicted from those before it; the models learn from all other sessions, whole. Accuracy.

Clothing shop: 217 products, sessions in the order in which they began. Of the last fifth of them
every product from the second on is predicted from those before it; the models learn from the
first four fifths. Recall and reciprocal rank at 20, among all products.

Any model with ``fit(X)`` that `skbseq.metrics.ranking_scorer` takes can be one more row: add it to
`models`.

What was tried on the clothing shop (recall@20 / MRR@20), and on MSNBC (accuracy of order 3):

- co-occurrence by cosine with votes that count alike: 0.446 / 0.121. Their weight falling by rank
  r of recency as 1/r: 0.598 / 0.183; 1/r^2: 0.641 / 0.206; 0.5^r: 0.634 / 0.201; 0.25^r: 0.645 /
  0.206; 0.1^r: 0.644 / 0.204. The last event alone: 0.640 / 0.200.
- the chain of order 3, plain absolute discounting: 0.689 / 0.262, 0.6817; modified: 0.689 / 0.263,
  0.6819; Witten-Bell: 0.679 / 0.250, 0.6819, with the number of distinct ids taken four times:
  0.677 / 0.255, 0.6822; a constant of 20 in its place: 0.679 / 0.264, 0.6820, of 50: 0.685 /
  0.270, 0.6822. Of order 1 all are alike: 0.699 to 0.701 / 0.257.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skbseq import ItemCooccurrence, LastEvent, MarkovChain, MostFrequent
from skbseq.metrics import hold_out_last, ranking_scorer

N_TEST = 100_000


def models():
    """Models by name; each is fitted on a frame with one list column."""
    rows = {
        "most frequent": MostFrequent(),
        "last event": LastEvent(),
        "co-occurrence": ItemCooccurrence(),
        "co-occurrence, conditional": ItemCooccurrence(normalization="conditional"),
        "co-occurrence with the last event": ItemCooccurrence(n_last=1),
    }
    for order in (1, 2, 3):
        rows[f"Markov chain of order {order}"] = MarkovChain(order=order)
        rows[f"the same, Witten-Bell of order {order}"] = MarkovChain(
            order=order, smoothing="witten-bell"
        )
    return rows


def msnbc(data):
    """Training sessions, test sessions without their last page, and that page."""
    table = pq.read_table(Path(data) / "msnbc_1999.parquet")
    lengths = pc.list_value_length(table["page"]).to_numpy()
    table = table.filter(pa.array(lengths >= 2))
    is_test = np.zeros(len(table), bool)
    is_test[np.random.default_rng(0).choice(len(table), N_TEST, replace=False)] = True
    return table.filter(pa.array(~is_test)), *hold_out_last(table.filter(pa.array(is_test)))


def clothing(data):
    """Training sessions, every prefix of the test sessions, and the product after each."""
    columns = ["session_id", "click", "date", "model"]
    table = pq.read_table(Path(data) / "eshop_clothing_2008.parquet", columns=columns)
    # Sessions are numbered in the order in which they began.
    order = [("date", "ascending"), ("session_id", "ascending"), ("click", "ascending")]
    table = table.sort_by(order)
    sessions, products = table["session_id"].to_numpy(), table["model"].to_numpy()
    starts = np.flatnonzero(np.append(True, np.diff(sessions) != 0))
    offsets = np.append(starts, len(sessions))
    first_test = offsets[int(0.8 * len(starts))]
    train = as_frame(products[:first_test], offsets[offsets <= first_test])
    at = np.setdiff1d(np.arange(first_test, len(sessions)), starts)
    begins = starts[np.searchsorted(starts, at, side="right") - 1]
    prefixes = np.concatenate([products[a:b] for a, b in zip(begins, at, strict=True)])
    return train, as_frame(prefixes, np.append(0, np.cumsum(at - begins))), products[at]


def as_frame(products, offsets):
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(products))
    return pa.table({"product": lists})


def measure(model, train, X, y, scorer):
    """Scores of a model, and the seconds that fit and scoring took."""
    marks = [time.perf_counter()]
    model.fit(train)
    marks.append(time.perf_counter())
    scores = scorer(model, X, y)
    marks.append(time.perf_counter())
    return list(scores.values()), *np.diff(marks)


def accuracy(model, X, y):
    return {"accuracy": model.score(X, y)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with the two Parquet files")
    arguments = parser.parse_args()
    shop = ranking_scorer(k=20, metrics=("recall", "mrr"))
    for read, names, scorer in (
        (msnbc, ["accuracy"], accuracy),
        (clothing, ["recall@20", "MRR@20"], shop),
    ):
        train, X, y = read(arguments.data)
        print(f"{read.__name__}: {len(train):,} sessions to learn from, {len(y):,} next events")
        print(f"{'':<38}" + "".join(f"{name:>11}" for name in [*names, "fit s", "score s"]))
        for name, model in models().items():
            scores, *seconds = measure(model, train, X, y, scorer)
            figures = [f"{score:11.4f}" for score in scores] + [f"{s:11.2f}" for s in seconds]
            print(f"{name:<38}" + "".join(figures), flush=True)


if __name__ == "__main__":
    main()
