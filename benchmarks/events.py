"""The data room: a large log cleaned, sorted, sampled, and turned into histories and labels.

    python -m benchmarks.events --events 1e7 --users 200000

Five columns (user, time, behaviour, product, price), rows in random order. Every run is a process
of its own, so that its memory peak is its own; the peak counts what comes on top of the input,
whose size is that of its five columns in Arrow. Side by side, on the same table:

- skbseq: EventLog, clean, samples, histories, label_behavior;
- polars: unique, sort by user and time, group into lists (no samples, cutoffs or labels);
- pandas: drop_duplicates, sort_values, groupby.agg(list), on a tenth of the events, because it
  is that slow; its rate is what counts;
- pytorch-lifestream's PandasDataPreprocessor on a tenth of the events, where an environment with
  it is named by ``--lifestream-python`` (0.6.0 installs with ``pip install --no-deps``, beside
  torch, pandas < 3 and scikit-learn; 0.7.0 does not import).

A fifth of the events shows how the time grows. What was tried, in seconds for 5 million events:
sorting by time with NumPy's stable sort 1.3, with Arrow's 1.3, with NumPy's vectorised quicksort
0.3; so user and time become one number and are sorted by that, and ties are ordered afterwards.
Exact duplicates are sought among events of equal user and time alone, which is free where those
are few.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

SHARES = {"skbseq": 1.0, "polars": 1.0, "pandas": 0.1, "lifestream": 0.1}


def make_columns(n_events, n_users):
    """Columns of random events in 2026, in random order."""
    rng = np.random.default_rng(0)
    behaviors = np.array(["view", "search", "cart", "buy"], dtype=object)
    seconds = rng.integers(0, 180 * 86_400, n_events) + 1_767_225_600
    return {
        "user": rng.integers(0, n_users, n_events),
        "time": (seconds * 10**6).astype("M8[us]"),
        "behavior": rng.choice(behaviors, n_events),
        "product": rng.integers(0, 5_000, n_events),
        "price": rng.lognormal(3, 1, n_events),
    }


def run_skbseq(columns):
    import pyarrow as pa

    from skbseq import EventLog

    table = pa.table(columns)
    columns.clear()
    yield table.nbytes
    log = EventLog(table, user="user", time="time", behavior="behavior", product="product")
    log = log.clean()
    samples = log.samples(at="2026-05-01")
    log.histories(samples)
    log.label_behavior(samples, behavior="buy", horizon="30D")


def run_polars(columns):
    import polars as pl

    frame = pl.DataFrame(columns)
    columns.clear()
    yield frame.estimated_size()
    frame.unique().sort("user", "time").group_by("user", maintain_order=True).agg(pl.all())


def run_pandas(columns):
    import pandas as pd

    frame = pd.DataFrame(columns)
    columns.clear()
    yield int(frame.memory_usage().sum())
    frame.drop_duplicates().sort_values(["user", "time"]).groupby("user").agg(list)


def run_lifestream(columns):
    import pandas as pd
    from ptls.preprocessing import PandasDataPreprocessor

    frame = pd.DataFrame(columns)
    columns.clear()
    yield int(frame.memory_usage().sum())
    PandasDataPreprocessor(
        col_id="user",
        col_event_time="time",
        cols_category=["behavior", "product"],
        cols_numerical=["price"],
        return_records=False,
    ).fit_transform(frame)


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def run_once(way, n_events, n_users):
    """Seconds and peak memory over the input of one way."""
    run = globals()[f"run_{way}"]
    for _ in run(make_columns(1_000, 50)):  # imports are not what is measured
        pass
    steps = run(make_columns(n_events, n_users))
    size = next(steps) / 1e6
    before, begin = peak_mb(), time.perf_counter()
    next(steps, None)
    return {"seconds": time.perf_counter() - begin, "peak": (peak_mb() - before) / size}


def measure(way, python, n_events, n_users, repeat):
    """Medians of several processes."""
    command = [python, __file__, "--once", way, "--events", str(n_events), "--users", str(n_users)]
    runs = [json.loads(subprocess.check_output(command)) for _ in range(repeat)]
    return {name: float(np.median([run[name] for run in runs])) for name in runs[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=float, default=1e7)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--lifestream-python", help="a Python with pytorch-lifestream")
    parser.add_argument("--once", choices=list(SHARES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    n_events = int(arguments.events)
    if arguments.once:
        print(json.dumps(run_once(arguments.once, n_events, arguments.users)))
        return
    rates = {}
    for way, share in [("skbseq", 0.2), *SHARES.items()]:
        python = arguments.lifestream_python if way == "lifestream" else sys.executable
        if python is None:
            print("pytorch-lifestream: not measured, no --lifestream-python")
            continue
        n, users = int(n_events * share), max(int(arguments.users * share), 1)
        result = measure(way, python, n, users, arguments.repeat)
        rates[way, share] = n / result["seconds"]
        print(
            f"{way:<11} {n:>11,} events {result['seconds']:7.2f} s "
            f"{rates[way, share] / 1e6:6.2f} M/s  peak {result['peak']:4.1f} times the input"
        )
    ours = rates["skbseq", 1.0]
    growth = 5 * rates["skbseq", 0.2] / ours
    print(f"five times the events take {growth:.1f} times as long")
    for (way, _), rate in list(rates.items())[2:]:
        print(f"{ours / rate:5.1f} times as fast as {way}")


if __name__ == "__main__":
    main()
