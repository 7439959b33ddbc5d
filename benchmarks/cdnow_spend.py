"""How much do customers spend in the second 39 weeks? A real log, five folds, side by side.

    python -m benchmarks.cdnow_spend --data ../shared/data

The customary split of the CDNOW log (Fader and Hardie): 23,570 customers who first bought in the
first quarter of 1997, known for 39 weeks, and their spend in the 39 weeks that follow. Folds go by
customer, shuffled with seed 0; a model learns from other customers' second half. Told are the mean
absolute error in dollars and, for each rival, the difference to the LSTM with a 95% interval from
2,000 resamples of the customers. The median is zero, as most customers never come back: an
absolute error rewards those who say so, a squared one those who tell how much on average; so both
are there.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, LSTMBehaviorRegressor, SequenceEncoder

CUTOFF, WEEKS = "1997-09-30", "39W"
NUMBERS = ["cds", "amount"]


class SameAsBefore(RegressorMixin, BaseEstimator):
    """The spend of the first 39 weeks again."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X["amount"].to_numpy()


def task(data):
    """Sequence frame and spend."""
    orders = pd.read_parquet(Path(data) / "cdnow.parquet")
    # Orders of one day are one event.
    orders = orders.groupby(["customer_id", "date"], as_index=False)[NUMBERS].sum()
    orders = orders.astype(dict.fromkeys(NUMBERS, "float64"))
    log = EventLog(orders, user="customer_id", time="date").clean()
    samples = log.samples(at=CUTOFF)
    return log.histories(samples), log.label_sum(samples, "amount", horizon=WEEKS)


def aggregates(X):
    """Recency, tenure, frequency and value of each history, in days, orders, discs and dollars."""
    flat = X[["date", *NUMBERS]].explode(["date", *NUMBERS]).reset_index()
    flat["days"] = (
        pd.Timestamp(CUTOFF) - pd.to_datetime(flat["date"])
    ).dt.total_seconds() / 86_400
    flat = flat.astype(dict.fromkeys(NUMBERS, float))
    groups = flat.groupby("index")
    table = pd.DataFrame(
        {
            "recency": groups["days"].min(),
            "tenure": groups["days"].max(),
            "orders": groups.size(),
            "cds": groups["cds"].sum(),
            "amount": groups["amount"].sum(),
            "largest": groups["amount"].max(),
            "last": groups["amount"].last(),
        }
    )
    return table.loc[X.index]


def models(seed, epochs):
    """Ways by name; True for those that see aggregates."""
    found = {"same as the first 39 weeks": (True, SameAsBefore())}
    for loss in ("absolute_error", "squared_error"):
        boosting = HistGradientBoostingRegressor(loss=loss, random_state=seed)
        found[f"aggregates + gradient boosting, {loss}"] = True, boosting
        encoder = SequenceEncoder(numeric=NUMBERS, time_features=("gap", "age"))
        network = LSTMBehaviorRegressor(loss=loss, epochs=epochs, random_state=seed)
        found[f"encoder + LSTM, {loss}"] = False, make_pipeline(encoder, network)
    return found


def interval(difference, rng):
    """Mean, and the 95% interval of it over resamples."""
    n = len(difference)
    means = [difference[rng.integers(0, n, n)].mean() for _ in range(2_000)]
    return difference.mean(), *np.percentile(means, [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with cdnow.parquet")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    X, y = task(arguments.data)
    print(f"{len(y):,} customers; {(y > 0).mean():.1%} spend again, {y.mean():.2f} on average")
    folds, table = KFold(5, shuffle=True, random_state=0), aggregates(X)
    found = {}
    for name, (flat, model) in models(arguments.seed, arguments.epochs).items():
        begin = time.perf_counter()
        found[name] = cross_val_predict(model, table if flat else X, y, cv=folds)
        error, seconds = found[name] - y, time.perf_counter() - begin
        print(
            f"{name:<48} absolute {np.abs(error).mean():7.3f}  root of squared "
            f"{np.sqrt((error**2).mean()):7.2f}  {seconds:5.1f} s",
            flush=True,
        )
    rng = np.random.default_rng(0)
    ours = "encoder + LSTM, absolute_error"
    for name, prediction in found.items():
        if name != ours:
            difference = np.abs(prediction - y) - np.abs(found[ours] - y)
            mean, low, high = interval(difference, rng)
            print(f"{name:<48} {mean:+.3f} against ours ({low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    main()
