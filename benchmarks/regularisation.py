"""Do changed histories and smoothed labels help where samples are few?

    python -m benchmarks.regularisation
    python -m benchmarks.regularisation --data ../shared/data

A generated shop of which few users have labels (``make_shop_log``): the LSTM classifier with its
defaults learns from them, once without anything, once with each means alone, and once with some
together. Told is the AUC expected under the true probabilities of all other users, mean of the
draws, and the mean difference to nothing with its 95% interval (Student, paired by draw). With
--data also the task of `benchmarks.online_retail`: five folds, by seed. Last the time of an epoch,
and what share of it goes into changing the histories.
"""

import argparse
import time

import numpy as np
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from benchmarks import online_retail
from benchmarks.shop_order import expected_auc
from skbseq import Augmentation, EventLog, LSTMBehaviorClassifier, SequenceEncoder
from skbseq.datasets import make_shop_log

# The parameters of the classifier by the names of the means.
MEANS = {
    "nothing": {},
    "label_smoothing=0.1": {"label_smoothing": 0.1},
    "crop=0.3, oldest": {"augment": Augmentation(crop=0.3)},
    "crop=0.3, newest": {"augment": Augmentation(crop=0.3, crop_from="newest")},
    "mask=0.1": {"augment": Augmentation(mask=0.1)},
    "reorder=1": {"augment": Augmentation(reorder=1)},
    "reorder=3": {"augment": Augmentation(reorder=3)},
    "substitute=0.1": {"augment": Augmentation(substitute=0.1)},
    "crop, mask, substitute, each 0.1": {
        "augment": Augmentation(crop=0.1, mask=0.1, substitute=0.1)
    },
    "dropout=0.2": {"dropout": 0.2},
}


def shop(n_users):
    """Histories, labels and true probabilities of buying."""
    data = make_shop_log(n_users=n_users, random_state=0)
    log = EventLog(data.events, **data.roles).clean()
    X = log.histories(data.samples, max_events=100)
    y = log.label_behavior(data.samples, behavior="buy", horizon=data.horizon)
    return X, y, data.probability


def on_shop(n_users, n_labels, n_draws):
    """Expected AUC of each means, by draw of the users with labels."""
    X, y, truth = shop(n_users)
    encoder = SequenceEncoder()
    found = {name: [] for name in MEANS}
    draws = ShuffleSplit(n_draws, train_size=n_labels, random_state=0)
    for seed, (train, test) in enumerate(draws.split(y)):
        histories = encoder.fit(X.iloc[train]).transform(X)
        for name, parameters in MEANS.items():
            model = LSTMBehaviorClassifier(random_state=seed, **parameters)
            model.fit(histories.iloc[train], y[train])
            score = model.predict_proba(histories.iloc[test])[:, 1]
            found[name].append(expected_auc(truth[test], score))
    return found


def on_online_retail(data, n_seeds):
    """Mean AUC of five folds of each means, by seed."""
    X, y = online_retail.task(data)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = {name: [] for name in MEANS}
    for seed in range(n_seeds):
        for name, parameters in MEANS.items():
            encoder, network = online_retail.models(seed)[
                "SequenceEncoder + LSTMBehaviorClassifier"
            ][1]
            model = make_pipeline(encoder, clone(network).set_params(**parameters))
            aucs = cross_val_score(model, X, y, cv=folds, scoring="roc_auc", error_score="raise")
            found[name].append(aucs.mean())
    return found


def tell(title, found):
    """Means, and differences to nothing with their intervals."""
    print(title)
    nothing = np.array(found["nothing"])
    for name, aucs in found.items():
        gain = np.array(aucs) - nothing
        half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
        print(f"{name:<36} {np.mean(aucs):.4f}  {gain.mean():+.4f} +- {half:.4f}", flush=True)


def shares_of_time(n_users):
    """Print the time of an epoch, and of changing its histories."""
    from skbseq._training._augment import AugmentationPlan, Augmenter

    X, y, _ = shop(n_users)
    histories = SequenceEncoder().fit_transform(X)
    epochs = {}
    for n in (2, 12):  # the difference is free of reading, tracing and compiling
        model = LSTMBehaviorClassifier(epochs=n, validation_split=0, random_state=0)
        model.fit(histories, y)
        begin = time.perf_counter()
        model.fit(histories, y)
        epochs[n] = time.perf_counter() - begin
    epoch = (epochs[12] - epochs[2]) / 10
    data = model._read(histories, reset=False)
    print(f"{len(data):,} histories of {int(data.lengths.sum()):,} events: {epoch:.3f} s an epoch")
    shares = (0.1,) * data.codes.shape[1]
    for change in ({"crop": 0.1}, {"mask": 0.1}, {"reorder": 3}, {"substitute": shares}):
        begin = time.perf_counter()
        augment = Augmenter(data, AugmentationPlan(**change), np.random.default_rng(0))
        ready = time.perf_counter()
        for _ in range(10):
            augment()
        each = (time.perf_counter() - ready) / 10
        print(
            f"{next(iter(change)):<12} {each * 1e3:6.1f} ms, {each / epoch:.1%} of an epoch; "
            f"{(ready - begin) * 1e3:.0f} ms once"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder with online_retail.parquet")
    parser.add_argument("--users", type=int, default=4_000)
    parser.add_argument("--labels", type=int, default=1_000, help="users with labels")
    parser.add_argument("--draws", type=int, default=8, help="0: no shop")
    parser.add_argument("--seeds", type=int, default=3, help="of Online Retail")
    arguments = parser.parse_args()
    if arguments.draws:
        found = on_shop(arguments.users, arguments.labels, arguments.draws)
        tell(f"shop, {arguments.labels} labels, {arguments.draws} draws: expected AUC", found)
    if arguments.data:
        found = on_online_retail(arguments.data, arguments.seeds)
        tell(f"Online Retail, five folds, {arguments.seeds} seeds: AUC", found)
    shares_of_time(n_users=20_000)


if __name__ == "__main__":
    main()
