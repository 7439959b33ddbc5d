"""Does a million products cost more than ten thousand? Time and memory of learning the next one.

    python -m benchmarks.many_products

A made shop. Sessions of ten events: the next product is one of three companions of the last one,
or, as often, one drawn by Zipf's law from all. There are a million such events, whatever the
number of products; and that the catalogue may be as large as it is said to be, each product is
also seen once in sessions that leaf through it. Of each, 2,000 ids are drawn for a batch, as the
predictor by itself does for more than 10,000. Each shop has a process of its own, so that its
peak of memory, TensorFlow included, is its own too.

Printed for each: ids in the catalogue, events, seconds of the second epoch (the first is traced)
and for a million events, seconds of the whole fit of two epochs, peak memory, and milliseconds a
row for the best ten of 1,000 rows, and of one row.

Seen on two busy cores: 10,000 products 24 s an epoch of 1.01 million events and 1.1 GiB;
1,000,000 products 67 s an epoch of 2 million events (1.4 times as much an event) and 4.2 GiB.
With averages, which leave out the vectors of a million ids, and with counting: 10,000 products
29.5 s an epoch and 3.4 GiB; 1,000,000 products 70 s and 5.6 GiB, 261 s for the whole fit.
With vectors as long as the state and the embedding (160), and a copy of Adam's state at the end,
it was 87 s and 8.1 GiB.
"""

import argparse
import multiprocessing
import resource
import time

import keras
import numpy as np
import pyarrow as pa

from skbseq import NextBehaviorPredictor

LENGTH = 10


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch, validation among them."""

    seconds = ()

    def on_epoch_begin(self, epoch, logs=None):
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        Clock.seconds = (*Clock.seconds, time.perf_counter() - self._begin)


def made_shop(n_products, n_events, seed=0):
    """Sessions of products, of which each occurs at least once."""
    rng = np.random.default_rng(seed)
    n_sessions = n_events // LENGTH
    drawn = np.exp(rng.random((n_sessions, LENGTH)) * np.log(n_products + 1)).astype(np.int64) - 1
    follows = rng.random(drawn.shape) < 0.5
    step = rng.integers(1, 4, drawn.shape)
    for t in range(1, LENGTH):
        companion = (drawn[:, t - 1] * 7 + 13 * step[:, t]) % n_products
        drawn[:, t] = np.where(follows[:, t], companion, drawn[:, t])
    walk = rng.permutation(n_products)
    products = np.concatenate([drawn.ravel(), walk])
    offsets = np.append(np.arange(0, len(products), LENGTH), len(products)).astype(np.int32)
    return pa.table({"product": pa.ListArray.from_arrays(offsets, pa.array(products))})


def measure(n_products, n_events, options):
    """Print the figures of one shop."""
    shop = made_shop(n_products, n_events)
    model = NextBehaviorPredictor(epochs=2, callbacks=[Clock], random_state=0, **options)
    begin = time.perf_counter()
    model.fit(shop)
    fit = time.perf_counter() - begin
    marks = []
    for rows in (shop.slice(0, 1000), shop.slice(0, 1)):
        model.predict_top_k(rows, k=10)
        begin = time.perf_counter()
        model.predict_top_k(rows, k=10)
        marks.append(1000 * (time.perf_counter() - begin) / len(rows))
    n, epoch = n_events + n_products, Clock.seconds[-1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(model.classes_):>12,}{n:>12,}{epoch:>12.1f}{epoch * 1e6 / n:>12.1f}{fit:>12.1f}"
        f"{peak:>12.2f}{marks[0]:>12.2f}{marks[1]:>12.2f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--batch-size", type=int, default=256)
    arguments = parser.parse_args()
    heads = "products|events|epoch s|s/million|fit s|peak GiB|ms/row|ms of one"
    print("".join(f"{head:>12}" for head in heads.split("|")))
    spawn = multiprocessing.get_context("spawn")
    for n_products in arguments.products:
        options = {"batch_size": arguments.batch_size, "n_negatives": 2_000}
        process = spawn.Process(target=measure, args=(n_products, arguments.events, options))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"The shop of {n_products:,} products failed.")


if __name__ == "__main__":
    main()
