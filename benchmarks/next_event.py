"""What comes next? Baselines and a network on three public logs, over the full catalogue.

    python -m benchmarks.next_event --data ../shared/data
    python -m benchmarks.next_event --data ../shared/data --only shop --network
    python -m benchmarks.next_event --data ../shared/data --only shop --network --validation
    python -m benchmarks.next_event --data ../shared/data --only shop --default
    python -m benchmarks.next_event --data ../shared/data --only msnbc --default --sessions 40000
    python -m benchmarks.next_event --data ../shared/data --only toys --network
    python -m benchmarks.next_event --data ../shared/data --only toys --torch
    python -m benchmarks.next_event --data ../shared/data --only toys --networks sasrec,hstu,gru

MSNBC: sessions of at least two pages of 17. Of 100,000 sessions the last page is held out and
predicted from those before it; the models learn from all other sessions, whole. Accuracy.

Clothing shop: 217 products, sessions in the order in which they began. Of the last fifth of them
every product from the second on is predicted from those before it; the models learn from the
first four fifths. Recall and reciprocal rank at 20, among all products. The network, which
`--network` adds, also sees what the log says of each product: category, colour, page and so on.

Toys: reviews of 19,412 users of 11,924 products. The models learn from all but the last two of
each user, and the last is predicted from those before it, among the products not yet seen. Hit
rate (as recall) and NDCG at 10. The networks are the default calls of the package. `--networks`
trains others, each for at most `--seconds`: mixed with counting, and the same network alone. There
are no times in this log, so HSTU has its distances alone. `--torch` adds SASRec and GRU4Rec in
plain PyTorch, with the same time.

Any model with ``fit(X)`` that `skbseq.metrics.ranking_scorer` takes can be one more row: add it to
`models`.

What was tried on the clothing shop (recall@20 / MRR@20), and on MSNBC (accuracy of order 3):

- co-occurrence in a session (window=None), by cosine, with votes that count alike: 0.446 / 0.121.
  Their weight falling by rank r of recency as 1/r: 0.598 / 0.183; 1/r^2: 0.641 / 0.206; 0.5^r:
  0.634 / 0.201; 0.25^r: 0.645 / 0.206; 0.1^r: 0.644 / 0.204. The last event alone: 0.640 / 0.200.
  With ordered pairs, distance and the decay chosen at fit, as it is now: 0.703 / 0.248.
- the network on the products alone, embedding 64, Adam 0.003, 12 to 14 epochs, nothing held out,
  one seed: with the bypass 0.707 / 0.251; and the weights averaged (EMA of 0.995) 0.710 / 0.259;
  and newer sessions weighing more (half as much 45 days before) 0.711 / 0.259; and the last two
  events in the bypass 0.706 / 0.257; 64 units for 128 0.710 / 0.253. Without bypass and average,
  0.001 and 40 epochs 0.716 / 0.258, 0.003 and 20 epochs 0.715 / 0.253, tied 0.708 / 0.247.
- the network with bypass, average and category, colour, page and price as channels: 0.714 / 0.262;
  location and photography too, all embeddings 64, 192 units, dropout 0.5: 0.714 / 0.262;
  embeddings 32, newer sessions weighing more (60 days): 0.713 / 0.264; embeddings 48, tied: 0.708
  / 0.252. The mean of these last three: 0.719 / 0.266. As it stands below: 0.713 / 0.261.
- all of these with a loss in which each batch weighed the same, whatever its events. With every
  event weighing the same, as it stands below: 0.721 / 0.277.
- the network on MSNBC, batches of 512: dropout 0.1, the last 40 pages, 3 epochs: 0.6889; no
  dropout, the last 60 pages, the weights averaged (EMA of 0.998), 4 epochs of 40 s: 0.6918.
- the network of the shop mixed with counting, a tenth of the sessions held out, stopped by
  recall@20 and trained again on all (refit): 0.722 / 0.278 with weights 0.86 for the network and
  0.14 for co-occurrence; the network alone 0.721 / 0.277. On MSNBC, mixed by likelihood after 2
  epochs: 0.6880; the network alone 0.6878.
- weights averaged (average_weights) or those of the last step, the default call: shop, seed 0
  0.7217 / 0.2773 and 0.7206 / 0.2765 (network alone 0.7190 / 0.2762 and 0.7187 / 0.2748), seed 1
  0.7216 / 0.2742 and 0.7199 / 0.2736 (alone 0.7201 / 0.2753 and 0.7177 / 0.2739); toys, seed 0
  0.0985 / 0.0636 and 0.0973 / 0.0632 (alone 0.0378 / 0.0256 and 0.0325 / 0.0209); 40,000 sessions
  of MSNBC 0.6885 and 0.6887 (val_loss 1.3335 and 1.3342).
- the shop, `--validation`, channels of SHOP, 20 epochs, 0.003, mixed, weights averaged: 0.7014 /
  0.2484, val_loss 3.934; EMA of 0.995 in place of the average 0.7017 / 0.2489, 3.936; embedding
  dropout 0.15 0.7011 / 0.2483, 3.935; GRU 0.7000 / 0.2492, 3.934; all channels and the country
  0.7016 / 0.2497, 3.924; 256 units and dropout 0.5 0.7047 / 0.2513, 3.916; both 0.7025 / 0.2515,
  3.916. Of the test, 256 units: 0.7243 / 0.2788, the network alone 0.7227 / 0.2797.
- the last page of MSNBC, by chains with a constant of 20, 100,000 sessions held out of training:
  of all pages, orders 1 to 5: 0.658, 0.671, 0.682, 0.686, 0.687; with the number of pages so far
  0.688 of order 5; of last pages alone: 0.658, 0.679, 0.687, 0.691, 0.692. What a session ends
  with is not what follows within one. An LSTM of last pages alone (`LastPage`), learning from all
  but 50,000 sessions: 0.6919 of these, and 0.6967 of the test; from all sessions 0.6973, 100 s.
- the same question asked of the network that predicts every page, with end=True, 2 epochs, weights
  averaged, the last 40 pages: the page of the highest probability 0.6837 of those 50,000 and
  0.6886 of the test; times the probability that the session ends after it 0.6886 and 0.6944.
- toys, HR@10 / NDCG@10 of the event before the last, 4,000 users: LSTM of 64 units, dropout 0.4,
  0.005, embeddings of deviation 0.1, full softmax replaced by 2,000 negatives: 0.054 / 0.037 at
  the lowest loss (3 epochs), 0.083 / 0.056 after 8; dropout 0.5, 0.003: 0.083 / 0.057 after 12
  and 0.084 / 0.059 after 16 epochs, while the loss rose from 8.9 to 11.6. Transformer of 64
  units, dropout 0.6: 0.045 / 0.030 after 5; bag: 0.027 / 0.017 after 2. Co-occurrence: 0.116 /
  0.078, and no mixture of it with one of these by powers, shares or tempered shares: above 0.117
  / 0.079.
- toys, the event before the last of the 3,000 longest histories, LSTM of 64 units alone, 0.005, 4
  epochs, one seed: softmax with 2,000 negatives 0.017 / 0.009; temperature 0.1 0.024 / 0.014;
  label smoothing 0.1 0.020 / 0.010; embedding dropout 0.2 0.014 / 0.007; negatives of the batch
  0.015 / 0.008, by popularity 0.012 / 0.006, uniform 0.008 / 0.005; gbce with 256 negatives
  0.014 / 0.008, with 2,000 0.015 / 0.008, with t of 0 0.014 / 0.007.
  Tied, after 3 epochs, by held-out loss:
  divided by the root of the size 8.92, and from a deviation of 1 9.25; undivided 8.64, from 0.125
  8.70, with uniform negatives 8.74; not tied 8.71.
- toys, the last event, controls in PyTorch, 318 s each (the fit of the network with
  monitor="ndcg@10"): SASRec 0.0703 / 0.0448, GRU4Rec 0.0385 / 0.0235. That network mixed with
  counting: 0.1061 / 0.0686, the default call 0.0973 / 0.0632, co-occurrence 0.1060 / 0.0683.
- co-occurrence with indirect votes (weight 0.3), all users: by the 20 strongest ids 0.120 /
  0.079, by 10 0.121 / 0.079; without 0.116 / 0.077. With weight 0.5: 0.121 / 0.079 and 0.121 /
  0.078. Votes of similar users added: 0.124 / 0.081 at best on 5,000 users, where indirect votes
  have 0.122 / 0.082.
- the chain of order 3, plain absolute discounting: 0.689 / 0.262, 0.6817; modified: 0.689 / 0.263,
  0.6819; Witten-Bell: 0.679 / 0.250, 0.6819, with the number of distinct ids taken four times:
  0.677 / 0.255, 0.6822; a constant of 20 in its place: 0.679 / 0.264, 0.6820, of 50: 0.685 /
  0.270, 0.6822. Of order 1 all are alike: 0.699 to 0.701 / 0.257.
"""

import argparse
import copy
import time
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skbseq import (
    ItemCooccurrence,
    LastEvent,
    LSTMBehaviorClassifier,
    MarkovChain,
    MostFrequent,
    NextBehaviorPredictor,
    SequenceEncoder,
)
from skbseq.metrics import hold_out_last, ranking_scorer

N_TEST = 100_000
CHANNELS = ["category", "colour", "location", "photography", "page", "price"]
# Few sessions, so the mean of the weights of the last steps is better than the last of them.
FOUR = SequenceEncoder(
    categorical=["product", "category", "colour", "page"], numeric=["price"], time_features=()
)
SHOP = {"epochs": 14, "batch_size": 128, "dropout": 0.4, "encoder": FOUR}
SHOP |= {"optimizer__use_ema": True, "optimizer__ema_momentum": 0.995}
# The other network of the mean: it sees all channels.
WIDE = {"units": 192, "embedding_dim": 48, "dropout": 0.5, "encoder": None}
# A few sessions have thousands of pages, and a batch is as long as its longest.
PAGES = {"epochs": 4, "batch_size": 512, "dropout": 0.0, "encoder": SequenceEncoder(max_length=60)}
PAGES |= {"optimizer__use_ema": True, "optimizer__ema_momentum": 0.998}


def network(target, seed, **changes):
    """The network; all sessions are learnt from."""
    options = (SHOP if target == "product" else PAGES) | changes
    return NextBehaviorPredictor(
        target, learning_rate=0.003, validation_split=0.0, random_state=seed, **options
    )


class ConstantChain(MarkovChain):
    """A chain that takes the shorter context for a constant number of events.

    Witten and Bell count the distinct ids that followed in its place.
    """

    constant = 100

    def _learn(self, histories):
        super()._learn(histories)
        for table in self._tables:
            kinds = np.diff(table.offsets)
            times_and_kinds = kinds / table.back
            total = times_and_kinds - kinds + self.constant
            table.shares = table.shares * np.repeat(times_and_kinds / total, kinds)
            table.back = self.constant / total


class MeanOf:
    """The mean of the probabilities of some models, of which some may be fitted before."""

    def __init__(self, models):
        self.models = models

    def set_params(self, target):
        for model in self.models:
            model.set_params(target=target)
        return self

    def fit(self, X):
        for model in self.models:
            if not hasattr(model, "classes_"):
                model.fit(X)
        self.classes_, self.target_ = self.models[0].classes_, self.models[0].target_
        return self

    def predict_proba(self, X):
        return np.mean([model.predict_proba(X) for model in self.models], axis=0)


class LastPage:
    """A classifier of the last page of a session by those before it.

    Last pages are not drawn as the pages within a session are, so a model that learns from them
    alone knows more of the question: that the page is the last.
    """

    def __init__(self, seed):
        self.classifier = LSTMBehaviorClassifier(
            units=128,
            embedding_dim=17,
            learning_rate=0.003,
            batch_size=512,
            epochs=4,
            validation_split=0.0,
            random_state=seed,
        )

    def set_params(self, target):
        return self

    def fit(self, X):
        before, last = hold_out_last(X)
        self.encoder = SequenceEncoder(max_length=40).fit(before)
        self.classifier.fit(self.encoder.transform(before), last)
        return self

    def score(self, X, y):
        return self.classifier.score(self.encoder.transform(X), y)


class Alone:
    """The network of a mixture that was fitted before, without what counts."""

    def __init__(self, mixture):
        self.mixture = mixture

    def set_params(self, target):
        return self

    def fit(self, X):
        self.network = copy.copy(self.mixture)
        self.network._mixture = None
        self.target_ = self.network.target_
        return self

    def true_ranks(self, X, y, exclude_seen):
        return self.network.true_ranks(X, y, exclude_seen)


def stop_after(seconds):
    """A Keras callback that ends training with the first epoch after so many seconds."""
    import keras

    class StopAfter(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.end = time.perf_counter() + seconds

        def on_epoch_end(self, epoch, logs=None):
            if time.perf_counter() > self.end:
                self.model.stop_training = True

    return StopAfter()


def compared_networks(target, arguments):
    """Each network mixed with counting, and alone."""
    rows, seed, seconds = {}, arguments.seed, arguments.seconds
    for name in arguments.networks.split(","):
        mixed = NextBehaviorPredictor(
            target,
            network=name,
            n_layers=None,
            epochs=1000,
            monitor="ndcg@10",
            callbacks=[stop_after(seconds)],
            random_state=seed,
        )
        rows |= {f"{name}, mixed": mixed, f"{name}, alone": Alone(mixed)}
    return rows


def default_calls(target, arguments):
    """The default call, with the average of the weights and with those of the last step."""
    # A few sessions have thousands of pages.
    given = {"encoder": PAGES["encoder"]} if target == "page" else {}
    return {
        f"default call, average_weights={on}": NextBehaviorPredictor(
            target, average_weights=on, random_state=arguments.seed, **given
        )
        for on in (True, False)
    }


def torch_controls(target, arguments):
    """SASRec and GRU4Rec in PyTorch."""
    from benchmarks.torch_recommenders import GRU4Rec, SASRec, TorchRecommender

    return {
        f"{network.__name__} in PyTorch": TorchRecommender(
            network, arguments.seconds, arguments.seed
        ).set_params(target)
        for network in (SASRec, GRU4Rec)
    }


def models():
    """Baselines by name."""
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
    rows["the same, constant, of order 3"] = ConstantChain(order=3, smoothing="witten-bell")
    return rows


def msnbc(data):
    """Training sessions, test sessions without their last page, and that page."""
    table = pq.read_table(Path(data) / "msnbc_1999.parquet")
    lengths = pc.list_value_length(table["page"]).to_numpy()
    table = table.filter(pa.array(lengths >= 2))
    is_test = np.zeros(len(table), bool)
    is_test[np.random.default_rng(0).choice(len(table), N_TEST, replace=False)] = True
    return table.filter(pa.array(~is_test)), *hold_out_last(table.filter(pa.array(is_test)))


def clothing(data, validation=False):
    """Training sessions, every prefix of the test sessions, and the product after each.

    For validation the last fifth of the training sessions is in the place of the test.
    """
    columns = ["session_id", "click", "date", "model", *CHANNELS]
    table = pq.read_table(Path(data) / "eshop_clothing_2008.parquet", columns=columns)
    # Sessions are numbered in the order in which they began.
    order = [("date", "ascending"), ("session_id", "ascending"), ("click", "ascending")]
    table = table.sort_by(order)
    sessions, products = table["session_id"].to_numpy(), table["model"].to_numpy()
    table = table.select(["model", *CHANNELS]).rename_columns(["product", *CHANNELS])
    table = table.set_column(table.num_columns - 1, "price", table["price"].cast(pa.float64()))
    starts = np.flatnonzero(np.append(True, np.diff(sessions) != 0))
    offsets = np.append(starts, len(sessions))
    shares = (0.64, 0.8) if validation else (0.8, 1)
    first_test, end = (offsets[int(share * len(starts))] for share in shares)
    train = as_frame(table.slice(0, first_test), offsets[offsets <= first_test])
    at = np.setdiff1d(np.arange(first_test, end), starts)
    begins = starts[np.searchsorted(starts, at, side="right") - 1]
    prefixes = np.concatenate([np.arange(a, b) for a, b in zip(begins, at, strict=True)])
    frame = as_frame(table.take(pa.array(prefixes)), np.append(0, np.cumsum(at - begins)))
    return train, frame, products[at]


def toys(data):
    """Histories without their last two products, without the last one, and the last one."""
    table = pq.read_table(Path(data) / "toys_sequences.parquet")
    table = table.sort_by([("user_id", "ascending"), ("position", "ascending")])
    users = table["user_id"].to_numpy()
    starts = np.append(np.flatnonzero(np.append(True, users[1:] != users[:-1])), len(users))
    frame = as_frame(table.select(["product_id"]).rename_columns(["product"]), starts)
    before, last = hold_out_last(frame)
    return hold_out_last(before)[0], before, last


def as_frame(events, offsets):
    offsets = pa.array(offsets, pa.int32())
    columns = zip(events.column_names, events.columns, strict=True)
    return pa.table(
        {name: pa.ListArray.from_arrays(offsets, c.combine_chunks()) for name, c in columns}
    )


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


def models_of(log, target, arguments):
    """Models by name, as far as they are asked for."""
    seed = arguments.seed
    if arguments.default:
        return default_calls(target, arguments)
    rows = {name: model.set_params(target=target) for name, model in models().items()}
    if log == "toys" and (arguments.networks or arguments.torch):
        rows = {"co-occurrence": rows["co-occurrence"]}
        rows |= compared_networks(target, arguments) if arguments.networks else {}
        return rows | (torch_controls(target, arguments) if arguments.torch else {})
    if not arguments.network:
        return rows
    if log == "toys":
        for_lists = NextBehaviorPredictor(target, monitor="ndcg@10", random_state=seed)
        one = NextBehaviorPredictor(target, random_state=seed)
        return rows | {"network": one, "network, monitor='ndcg@10'": for_lists}
    one = rows["network"] = network(target, seed)
    if log == "msnbc":
        return rows | {"LSTM classifier of the last page": LastPage(seed)}
    rows["network of 256 units, mixed"] = NextBehaviorPredictor(
        target, encoder=FOUR, units=256, dropout=0.5, learning_rate=0.003, random_state=seed
    )
    chain, other = rows["the same, constant, of order 3"], network(target, seed + 1, **WIDE)
    return rows | {"two networks and that chain, mean": MeanOf([one, other, chain])}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with the three Parquet files")
    parser.add_argument("--only", choices=["msnbc", "shop", "toys"], help="one of the logs")
    parser.add_argument("--network", action="store_true", help="the network too, some minutes")
    parser.add_argument(
        "--validation", action="store_true", help="the last fifth of the shop's training sessions"
    )
    parser.add_argument("--default", action="store_true", help="the default call, and no other")
    parser.add_argument("--sessions", type=int, help="learn from so many, drawn at random")
    parser.add_argument("--networks", help="for the toys: names, separated by commas")
    parser.add_argument("--torch", action="store_true", help="for the toys: controls in PyTorch")
    parser.add_argument("--seconds", type=float, default=300, help="to train each of these")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    arguments = read_arguments()
    shop = ranking_scorer(k=20, metrics=("recall", "mrr"))
    unseen = ranking_scorer(k=10, metrics=("recall", "ndcg"), exclude_seen=True)
    read_shop = partial(clothing, validation=arguments.validation)
    for log, read, target, names, scorer in (
        ("msnbc", msnbc, "page", ["accuracy"], accuracy),
        ("shop", read_shop, "product", ["recall@20", "MRR@20"], shop),
        ("toys", toys, "product", ["HR@10", "NDCG@10"], unseen),
    ):
        if arguments.only not in (None, log):
            continue
        train, X, y = read(arguments.data)
        if arguments.sessions:
            chosen = np.random.default_rng(1).choice(len(train), arguments.sessions, replace=False)
            train = train.take(chosen)
        print(f"{log}: {len(train):,} sessions to learn from, {len(y):,} next events")
        print(f"{'':<38}" + "".join(f"{name:>11}" for name in [*names, "fit s", "score s"]))
        for name, model in models_of(log, target, arguments).items():
            scores, *seconds = measure(model, train, X, y, scorer)
            figures = [f"{score:11.4f}" for score in scores] + [f"{s:11.2f}" for s in seconds]
            print(f"{name:<38}" + "".join(figures), flush=True)


if __name__ == "__main__":
    main()
