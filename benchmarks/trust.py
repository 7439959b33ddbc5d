"""Are the probabilities true, do the sets hold what they promise, and how early is it known?

    python -m benchmarks.trust

On ``make_shop_log`` with 20,000 users, two fifths of the users held out from training: half of
them calibrate, and on the others everything is measured. Four tables:

- calibration error by labels, and against the true probabilities, which the shop knows. By labels
  even the truth has an error, from the luck of the labels; it stands in the first line.
- coverage and mean size of sets at 90%, over random halves of the held-out users.
- the early decision curve: expected AUC under the true probabilities of the whole history, of the
  first so many events and of the first share of them. The encoder without age does not know the
  time from each event to the cutoff, which tells how much is still to come.

What comes out (shops and fits of seeds 0, 1, 2): the network is too sure, with errors of 0.038,
0.040 and 0.042 by labels; sigmoid calibration brings them to 0.033, 0.028 and 0.037, isotonic to
0.012, 0.017 and 0.010, where the truth has 0.010, 0.013 and 0.016.
"""

import argparse
import time

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from benchmarks.shop_order import expected_auc
from skbseq import ConformalClassifier, EventLog, LSTMBehaviorClassifier, SequenceEncoder
from skbseq.datasets import make_shop_log
from skbseq.inspection import EarlyDecisionDisplay, expected_calibration_error

BEHAVIORS = ["view", "search", "cart", "remove", "buy"]
N_EVENTS = (1, 2, 3, 5, 10, 20, 40)
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)


def bag_of_events(X):
    """How often each user showed each behaviour."""
    rows = [list(row) for row in X["behavior_type"]]
    return np.array([[row.count(behavior) for behavior in BEHAVIORS] for row in rows])


def bag():
    """The baseline: counts and a logistic regression."""
    return make_pipeline(
        FunctionTransformer(bag_of_events), StandardScaler(), LogisticRegression()
    )


def network(seed, **encoding):
    return make_pipeline(SequenceEncoder(**encoding), LSTMBehaviorClassifier(random_state=seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="of the shop and the fits (default 0)")
    parser.add_argument("--splits", type=int, default=20, help="for the coverage (default 20)")
    arguments = parser.parse_args()
    shop = make_shop_log(n_users=arguments.users, random_state=arguments.seed)
    log = EventLog(shop.events, **shop.roles).clean()
    X = log.histories(shop.samples, max_events=100)
    y = log.label_behavior(shop.samples, behavior="buy", horizon=shop.horizon)
    train, held_out = train_test_split(
        np.arange(len(y)), test_size=0.4, random_state=0, stratify=y
    )
    models = {
        "bag + logistic": bag(),
        "encoder + LSTM": network(arguments.seed),
        "encoder without age + LSTM": network(
            arguments.seed, time_features=("gap", "hour", "weekday")
        ),
    }
    for name, model in models.items():
        begin = time.perf_counter()
        model.fit(X.iloc[train], y[train])
        print(f"{name}: {time.perf_counter() - begin:.1f} s", flush=True)
    held = X.iloc[held_out], y[held_out], shop.probability[held_out]
    two = {name: models[name] for name in ("bag + logistic", "encoder + LSTM")}
    print_calibration(two, *held)
    print_coverage(two, *held[:2], arguments.splits)
    print_early(models, *held)


def print_calibration(models, X, y, truth):
    """Errors on one half of the held-out users, the other half having mended."""
    mend, test = halves(y, 0)
    print(f"\ncalibration error, 10 bins, {len(test):,} users      by labels  against the truth")
    print_error("the true probability", y[test], truth[test], truth[test])
    for name, model in models.items():
        kinds = {name: model}
        for method in ("sigmoid", "isotonic"):
            mended = CalibratedClassifierCV(FrozenEstimator(model), method=method)
            kinds[f"{name}, {method}"] = mended.fit(X.iloc[mend], y[mend])
        for what, kind in kinds.items():
            print_error(what, y[test], kind.predict_proba(X.iloc[test])[:, 1], truth[test])


def print_error(name, y, p, truth):
    by_labels = expected_calibration_error(y, p)
    # Each user as a buyer and as none, by the true probability: free of the luck of the labels.
    bins = np.searchsorted(np.quantile(p, np.linspace(0, 1, 11)[1:-1]), p)
    against = np.abs(np.bincount(bins, weights=truth - p)).sum() / len(p)
    print(f"{name:<44}  {by_labels:9.4f}  {against:17.4f}")


def halves(y, seed):
    return train_test_split(np.arange(len(y)), test_size=0.5, random_state=seed, stratify=y)


def print_coverage(models, X, y, n_splits):
    """Coverage at 90% on one half of the held-out users, calibrated on the other."""
    print(f"\nsets at 90%, {n_splits} splits       coverage: mean    min    max   size   empty")
    for name, model in models.items():
        for method, by_class in (("lac", False), ("aps", False), ("lac", True)):
            results = [covered(model, X, y, method, by_class, seed) for seed in range(n_splits)]
            coverage, size, empty = np.array(results).T
            print(
                f"{name}, {method}{' by class' * by_class}".ljust(40)
                + f"{coverage.mean():.4f} {coverage.min():.4f} {coverage.max():.4f}"
                f"  {size.mean():.3f}  {empty.mean():.3f}",
                flush=True,
            )


def covered(model, X, y, method, by_class, seed):
    calibration, test = halves(y, seed)
    frozen = FrozenEstimator(model)
    conformal = ConformalClassifier(frozen, method=method, by_class=by_class)
    sets = conformal.fit(X.iloc[calibration], y[calibration]).predict_set(X.iloc[test])
    true = np.searchsorted(conformal.classes_, y[test])
    return sets[np.arange(len(test)), true].mean(), sets.sum(1).mean(), 1 - sets.any(1).mean()


def print_early(models, X, y, truth):
    def scorer(model, X, y):
        return expected_auc(truth, model.predict_proba(X)[:, 1])

    begin = time.perf_counter()
    for title, points in (("first events", {"n_events": N_EVENTS}), ("share", {"shares": SHARES})):
        displays = {
            name: EarlyDecisionDisplay.from_estimator(
                model, X, y, scoring=scorer, time="timestamp", **points
            )
            for name, model in models.items()
        }
        some = next(iter(displays.values()))
        print_row(f"\nexpected AUC by {title} seen", some.seen, "g")
        for name, display in displays.items():
            print_row(name, display.scores, ".3f")
        print_row("the true probability (of all events)", [expected_auc(truth, truth)], ".3f")
        print_row(
            "median days left to the cutoff", some.lead_times / np.timedelta64(1, "D"), ".1f"
        )
        print_row("share of histories seen whole", some.seen_whole, ".2f")
    print(f"\n{time.perf_counter() - begin:.1f} s for the curves")


def print_row(name, values, form):
    print(f"{name:<38}" + "".join(f"{value:>8{form}}" for value in values), flush=True)


if __name__ == "__main__":
    main()
