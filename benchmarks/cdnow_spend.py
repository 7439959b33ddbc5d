"""How much do customers spend in the second 39 weeks? A real log, five folds, side by side.

    python -m benchmarks.cdnow_spend --data ../shared/data

The customary split of the CDNOW log (Fader and Hardie): 23,570 customers who first bought in the
first quarter of 1997, known for 39 weeks, and their spend in the 39 weeks that follow. Folds go by
customer, shuffled with seed 0; a model learns from other customers' second half. The median is
zero, as most customers never come back: an absolute error rewards those who say so, a squared one
those who tell how much on average; so both are told.

Each way that is asked for a median is fitted with three seeds on the same folds, and a customer's
error is the mean over the seeds. For each rival there is its difference to the LSTM of absolute
error, with a 95% interval from 2,000 resamples of the customers, paired: both lose or win on the
same customers.

The rivals see seven aggregates, and three of them are asked for a median. Gradient boosting with
loss="absolute_error" begins at the median, zero, where the gradients of all the zeros have one
sign, and so it stays there: 99% of its answers are zero. With the zeros moved by noise between -1
and 0 dollars it learns (noise of a cent or of ten dollars does as well). A median is also got from
the probabilities of bins of the spend, and from a small network on the logarithms.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skbseq import EventLog, LSTMBehaviorRegressor, SequenceEncoder

CUTOFF, WEEKS = "1997-09-30", "39W"
NUMBERS = ["cds", "amount"]


class SameAsBefore(RegressorMixin, BaseEstimator):
    """The spend of the first 39 weeks again."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X["amount"].to_numpy()


class NoisyZeros(RegressorMixin, BaseEstimator):
    """Gradient boosting by absolute error, zeros moved a little so that it does not stay there."""

    def __init__(self, noise=1.0, random_state=None):
        self.noise = noise
        self.random_state = random_state

    def fit(self, X, y):
        noise = np.random.default_rng(self.random_state).uniform(-self.noise, 0, len(y))
        boosting = HistGradientBoostingRegressor(
            loss="absolute_error", random_state=self.random_state
        )
        self.boosting_ = boosting.fit(X, np.where(y > 0, y, noise))
        return self

    def predict(self, X):
        return np.maximum(self.boosting_.predict(X), 0)


class MedianOfBins(RegressorMixin, BaseEstimator):
    """The median by the probabilities of bins: of zero, and of twelfths of what is spent."""

    def __init__(self, n_bins=12, random_state=None):
        self.n_bins = n_bins
        self.random_state = random_state

    def fit(self, X, y):
        edges = np.unique(np.quantile(y[y > 0], np.linspace(0, 1, self.n_bins + 1)))
        bins = np.where(y > 0, np.clip(np.searchsorted(edges, y), 1, len(edges) - 1), 0)
        self.boosting_ = HistGradientBoostingClassifier(
            max_iter=30, random_state=self.random_state
        ).fit(X, bins)
        self.medians_ = np.array([np.median(y[bins == k]) for k in self.boosting_.classes_])
        return self

    def predict(self, X):
        shares = self.boosting_.predict_proba(X).cumsum(axis=1)
        return self.medians_[(shares >= 0.5).argmax(axis=1)]


class SmallNetwork(RegressorMixin, BaseEstimator):
    """Two hidden layers of 32, by absolute error."""

    def __init__(self, epochs=20, random_state=None):
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X, y):
        keras.utils.set_random_seed(self.random_state)
        layers = [keras.layers.Dense(32, activation="relu") for _ in range(2)]
        self.model_ = keras.Sequential([*layers, keras.layers.Dense(1)])
        self.model_.compile(keras.optimizers.Adam(0.003), loss="mae")
        self.scale_ = y.std()
        self.model_.fit(X, y / self.scale_, batch_size=64, epochs=self.epochs, verbose=0)
        return self

    def predict(self, X):
        return self.model_.predict(X, batch_size=1024, verbose=0)[:, 0] * self.scale_


def logarithms(X):
    return np.log1p(np.maximum(X, 0))


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
    network = make_pipeline(
        FunctionTransformer(logarithms), StandardScaler(), SmallNetwork(random_state=seed)
    )
    found = {
        "same as the first 39 weeks": (True, SameAsBefore()),
        "zero for everyone": (True, DummyRegressor(strategy="constant", constant=0.0)),
    }
    for loss in ("squared_error", "absolute_error"):
        boosting = HistGradientBoostingRegressor(loss=loss, random_state=seed)
        found[f"aggregates + boosting, {loss}"] = True, boosting
    found |= {
        "aggregates + boosting, zeros moved": (True, NoisyZeros(random_state=seed)),
        "aggregates + boosting, median of bins": (True, MedianOfBins(random_state=seed)),
        "aggregates + small network, absolute_error": (True, network),
    }
    for loss in ("squared_error", "absolute_error"):
        encoder = SequenceEncoder(numeric=NUMBERS, time_features=("gap", "age"))
        network = LSTMBehaviorRegressor(loss=loss, epochs=epochs, random_state=seed)
        found[f"encoder + LSTM, {loss}"] = False, make_pipeline(encoder, network)
    return found


def is_median(name):
    """Whether a way is fitted to be near, rather than right on average."""
    return "squared" not in name and name.startswith(("aggregates", "encoder"))


def interval(difference, rng):
    """Mean, and the 95% interval of it over resamples."""
    n = len(difference)
    means = [difference[rng.integers(0, n, n)].mean() for _ in range(2_000)]
    return difference.mean(), *np.percentile(means, [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with cdnow.parquet")
    parser.add_argument("--epochs", type=int, default=20, help="of the LSTM")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    X, y = task(arguments.data)
    print(f"{len(y):,} customers; {(y > 0).mean():.1%} spend again, {y.mean():.2f} on average")
    folds, table = KFold(5, shuffle=True, random_state=0), aggregates(X)
    absolute = {}

    def errors_of(name, seed):
        flat, model = models(seed, arguments.epochs)[name]
        return cross_val_predict(model, table if flat else X, y, cv=folds) - y

    for name in models(0, arguments.epochs):
        begin = time.perf_counter()
        # Means and rules are no rivals here: once is enough.
        seeds = arguments.seeds if is_median(name) else 1
        errors = np.array([errors_of(name, seed) for seed in range(seeds)])
        seconds = time.perf_counter() - begin
        absolute[name] = np.abs(errors).mean(axis=0)
        by_seed = np.abs(errors).mean(axis=1)
        print(
            f"{name:<44} absolute {by_seed.mean():6.3f} ({by_seed.min():.3f} to "
            f"{by_seed.max():.3f})  root of squared {np.sqrt((errors**2).mean()):6.2f}  zero "
            f"{np.isclose(errors, -y, atol=1e-6).mean():4.0%}  {seconds:5.1f} s",
            flush=True,
        )
    rng = np.random.default_rng(0)
    ours = absolute["encoder + LSTM, absolute_error"]
    print("absolute error, less that of the LSTM, with 95% interval")
    for name, theirs in absolute.items():
        mean, low, high = interval(theirs - ours, rng)
        print(f"{name:<44} {mean:+.3f} ({low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    main()
