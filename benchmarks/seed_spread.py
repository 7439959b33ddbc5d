"""How much does a classifier hang on its seed, and what makes it hang less?

    python -m benchmarks.seed_spread --data ../shared/data
    python -m benchmarks.seed_spread --data ../shared/data --networks gru --recipes last,ema

Five tasks, each with fixed training and test samples: a generated shop (buys within a week,
3,000 for training), Online Retail (buys again, 2,300), CDNOW (orders within 180 days, 6,000), and
sessions of a clothing shop and of msnbc.com (10 events or more, from the first 5; 6,000 each).
Each recipe is fitted with every seed. The table holds mean and standard deviation of the test AUC
over seeds, and the mean log loss; gradient boosting on aggregates of the histories stands beside.

Of an LSTM with five seeds (mean, standard deviation; log loss):

========  =====================  =====================  =====================  ==============
task      last, lowest           average, lowest        default                boosting
========  =====================  =====================  =====================  ==============
shop      0.7836 0.0088; 0.4509  0.7867 0.0036; 0.4465  0.7876 0.0033; 0.4470  0.7735; 0.4555
retail    0.7654 0.0018; 0.5643  0.7646 0.0007; 0.5632  0.7657 0.0008; 0.5613  0.7414; 0.5916
cdnow     0.7747 0.0005; 0.4591  0.7751 0.0002; 0.4584  0.7750 0.0002; 0.4583  0.7590; 0.4716
clothing  0.6178 0.0064; 0.6706  0.6208 0.0054; 0.6688  0.6251 0.0050; 0.6688  0.6450; 0.6616
msnbc     0.5815 0.0043; 0.6652  0.5824 0.0054; 0.6643  0.5848 0.0020; 0.6636  0.5832; 0.6714
========  =====================  =====================  =====================  ==============

- last, average: the weights of the last step (``average_weights=False``), or their average over
  the last fifth of training, whose window grows with its length.
- lowest: the epoch with the lowest held-out loss is kept, as early stopping of Keras does.
  default: the latest as good as it. Of 600 held-out sessions, the lowest is often an early one by
  chance: on msnbc after 2, 3, 7, 8 or 20 epochs.
- A GRU with averages, lowest and default: shop 0.8016 0.0021 by default, retail 0.7604 0.0099 and
  0.7663 0.0016, cdnow 0.7750 0.0004 and 0.7749 0.0004, clothing 0.6180 0.0066 and 0.6190 0.0076
  (its log loss rises by 0.002), msnbc 0.5808 0.0037 and 0.5838 0.0019.
- A transformer, the latest as good, without averages and with them: shop 0.7593 0.0036 and 0.7599
  0.0066, retail 0.7570 0.0056 and 0.7576 0.0038, cdnow 0.7734 0.0016 and 0.7743 0.0007, clothing
  0.6195 0.0096 and 0.6194 0.0096, msnbc 0.5843 0.0040 and 0.5853 0.0035; log losses lower on all.
- On the sessions of the clothing shop, boosting on aggregates is better than any of these.

Other rules for the epoch, of an LSTM with averages (AUC, deviation), on clothing, msnbc, retail
and shop; cdnow is 0.775 with all:

- 0.5 standard errors: 0.6212 0.0058, 0.5825 0.0051, 0.7657 0.0009, 0.7873 0.0028; 1.5: 0.6246
  0.0037, 0.5851 0.0020, 0.7657 0.0008, 0.7876 0.0039, but a log loss higher by 0.004 on two.
- Lowest mean of three epochs: 0.6247 0.0043, 0.5827 0.0054, 0.7654 0.0009, 0.7879 0.0033, and
  0.0188 for a GRU on clothing. Two epochs after the lowest: 0.6247 0.0047, 0.5846 0.0025, 0.7652
  0.0005, 0.7881 0.0041. A patience of 10: as the lowest.
- Three tenths held out: 0.6120 0.0038 on clothing, 0.5859 0.0030 on msnbc.

The optimizer's averages, with the lowest loss:

- ema: a moving average over about two epochs: 0.7847 0.0036, 0.7648 0.0007, 0.7751 0.0003, 0.6210
  0.0056, 0.5842 0.0029. It needs the length of an epoch, and updates the whole of large embedding
  tables.

Also tried, each without other averages:

- An average over four epochs is worse on the shop (0.7812), as is a rate of 0.001 (0.7717): both
  are still on their way when patience ends. A patience of 10 changes nothing there.
- cosine, a warm-up of two epochs, then a cosine decay to 20: not narrower, not better (retail
  0.7643 0.0012, cdnow 0.7745 0.0007, clothing 0.6195 0.0096, msnbc 0.5810 0.0066).
- An average of the weights at the ends of epochs alone (each end counts 0.61 of the next):
  standard deviations of 0.0051, 0.0015, 0.0005, 0.0080, 0.0031.
- Windows of half the training (weights ~ k) in place of a fifth: 0.7852 0.0036, 0.7646 0.0012,
  0.7751 0.0002, 0.6195 0.0031, 0.5806 0.0084.
- Corrected moving averages over two and four epochs, updated 16 times an epoch: standard
  deviations of 0.0028 and 0.0044, 0.0007 and 0.0010, 0.0003 twice, 0.0048 and 0.0050, 0.0079 and
  0.0085.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks import online_retail
from skbseq import BehaviorClassifier, EventLog, SequenceEncoder, SequenceVectorizer
from skbseq.datasets import make_shop_log

BATCH = 64  # the default


def shop(data):
    """Who buys within a week?"""
    shop = make_shop_log(n_users=8_000, random_state=0)
    log = EventLog(shop.events, **shop.roles).clean()
    X = log.histories(shop.samples, max_events=100)
    y = log.label_behavior(shop.samples, behavior="buy", horizon=shop.horizon)
    return X, y, SequenceEncoder(), 3_000


def retail(data):
    """Who buys again within 90 days?"""
    X, y = online_retail.task(data)
    numbers = online_retail.NUMBERS
    return X, y, SequenceEncoder(numeric=numbers, time_features=("gap", "age")), 2_300


def cdnow(data):
    """Who orders again within 180 days?"""
    orders = pd.read_parquet(Path(data) / "cdnow.parquet").assign(kind="order")
    log = EventLog(orders, user="customer_id", time="date", behavior="kind").clean()
    samples = log.samples(at="1997-09-30")
    y = log.label_behavior(samples, behavior="order", horizon="180D")
    encoder = SequenceEncoder(numeric=["cds", "amount"], time_features=("gap", "age"))
    return log.histories(samples), y, encoder, 6_000


def clothing(data):
    """Which session reaches 10 clicks?"""
    clicks = pd.read_parquet(Path(data) / "eshop_clothing_2008.parquet")
    clicks = clicks.sort_values(["session_id", "click"])
    lengths = clicks.groupby("session_id")["click"].transform("size")
    clicks, lengths = clicks[lengths >= 5], lengths[lengths >= 5]
    long = lengths.groupby(clicks["session_id"]).first() >= 10
    names = ["category", "model", "colour", "location", "page"]
    first = clicks[clicks.groupby("session_id").cumcount() < 5]
    first = first.astype(dict.fromkeys(names, str))
    X = first.groupby("session_id")[[*names, "price"]].agg(list).reset_index(drop=True)
    return X, long.to_numpy(), SequenceEncoder(categorical=names, numeric=["price"]), 6_000


def msnbc(data):
    """Which session reaches 10 page views?"""
    sessions = pd.read_parquet(Path(data) / "msnbc_1999.parquet")
    sessions = sessions[sessions["page"].str.len() >= 5].sample(16_000, random_state=0)
    X = pd.DataFrame({"page": [list(map(str, pages[:5])) for pages in sessions["page"]]})
    return X, (sessions["page"].str.len() >= 10).to_numpy(), SequenceEncoder(), 6_000


TASKS = {task.__name__: task for task in (shop, retail, cdnow, clothing, msnbc)}


def recipes(n_train):
    """Parameters of the classifier by the name of the recipe."""
    import keras

    steps = round(0.9 * n_train / BATCH)  # of an epoch; a tenth is held out
    cosine = keras.optimizers.schedules.CosineDecay(
        0.0003, 18 * steps, warmup_target=0.003, warmup_steps=2 * steps
    )
    ema = {"optimizer__use_ema": True, "optimizer__ema_momentum": 1 - 1 / (2 * steps)}
    return {
        "default": {},
        "last": {"average_weights": False},
        "ema": ema,
        "ema_long": ema | {"optimizer__ema_momentum": 1 - 1 / (4 * steps)},
        "ema_patient": ema | {"early_stopping": 10, "epochs": 50},
        "ema_slow": ema | {"learning_rate": 0.001, "epochs": 50},
        "cosine": {"optimizer__learning_rate": cosine, "average_weights": False},
    }


def boosting(X, y, encoder, train, seed):
    """Probabilities of gradient boosting on aggregates."""
    named = {"categorical": encoder.categorical, "numeric": encoder.numeric}
    named = {key: names for key, names in named.items() if isinstance(names, list)}
    vectorizer = SequenceVectorizer(**named)
    table = np.asarray(vectorizer.fit(X.iloc[train]).transform(X))
    model = HistGradientBoostingClassifier(learning_rate=0.05, random_state=seed)
    return model.fit(table[train], y[train]).predict_proba(table)[:, 1]


def measure(task, data, networks, names, n_seeds):
    """Rows of the table of one task."""
    X, y, encoder, n_train = TASKS[task](data)
    y = np.asarray(y)
    order = np.random.default_rng(1).permutation(len(y))
    train, test = order[:n_train], order[n_train:]
    encoded = encoder.fit(X.iloc[train]).transform(X)

    def fitted(network, name, seed):
        parameters = recipes(n_train)[name]
        model = BehaviorClassifier(network=network, random_state=seed, **parameters)
        model.fit(encoded.iloc[train], y[train])
        return model.predict_proba(encoded)[:, 1]

    cases = [(network, name) for network in networks for name in names]
    for network, name in [*cases, ("boosting", "")]:
        found = [
            boosting(X, y, encoder, train, seed)
            if network == "boosting"
            else fitted(network, name, seed)
            for seed in range(n_seeds if network != "boosting" else 1)
        ]
        aucs = [roc_auc_score(y[test], p[test]) for p in found]
        losses = [log_loss(y[test], p[test]) for p in found]
        spread = np.std(aucs, ddof=1) if len(aucs) > 1 else np.nan
        print(
            f"{task:<9} {network:<12} {name:<12} {np.mean(aucs):.4f} {spread:.4f}  "
            f"{np.mean(losses):.4f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with the logs")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--networks", default="lstm")
    parser.add_argument("--recipes", default="last,default")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'task':<9} {'network':<12} {'recipe':<12} AUC    std     log loss")
    for task in arguments.tasks.split(","):
        networks, names = arguments.networks.split(","), arguments.recipes.split(",")
        measure(task, arguments.data, networks, names, arguments.seeds)


if __name__ == "__main__":
    main()
