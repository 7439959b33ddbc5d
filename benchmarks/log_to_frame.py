"""From a raw log to an encoded sequence frame: seconds, and memory against the input's.

    python -m benchmarks.log_to_frame --events 1e6 --users 20000

A million events of 20,000 users with behaviour, product and price, in time order and shuffled.
Each run is a process of its own, so that the peak is that of the job alone. The peak counts
what comes on top of the input table, which is there before; its size is that of the input as
Arrow counts it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

STEPS = ("EventLog", "clean", "samples", "histories", "fit", "transform")


def make_events(n_events, n_users, shuffled):
    """A log of random events in 2026."""
    rng = np.random.default_rng(0)
    seconds = rng.integers(0, 180 * 86_400 * 10**6, n_events)
    if not shuffled:
        seconds.sort()
    behaviors = np.array(["view", "search", "cart", "buy"], dtype=object)
    return pd.DataFrame(
        {
            "user": rng.integers(0, n_users, n_events),
            "time": pd.to_datetime(seconds + 1_767_225_600 * 10**6, unit="us"),
            "behavior": rng.choice(behaviors, n_events),
            "product": rng.integers(0, 5_000, n_events),
            "price": rng.lognormal(3, 1, n_events),
        }
    )


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def run_once(n_events, n_users, shuffled):
    """Seconds of each step, and peak memory over the input."""
    from skbseq import EventLog, SequenceEncoder

    events = make_events(n_events, n_users, shuffled)
    small = EventLog(events.head(1000), user="user", time="time", behavior="behavior").clean()
    SequenceEncoder().fit_transform(small.histories(small.samples(at="2026-12-31")))
    before, marks = peak_mb(), [time.perf_counter()]
    log = EventLog(events, user="user", time="time", behavior="behavior", product="product")
    marks.append(time.perf_counter())
    log = log.clean()
    marks.append(time.perf_counter())
    samples = log.samples(at="2026-12-31")
    marks.append(time.perf_counter())
    X = log.histories(samples)
    marks.append(time.perf_counter())
    encoder = SequenceEncoder().fit(X)
    marks.append(time.perf_counter())
    encoder.transform(X)
    marks.append(time.perf_counter())
    seconds = dict(zip(STEPS, np.diff(marks).tolist(), strict=True))
    size = events.memory_usage(deep=True).sum() / 1e6
    return {"seconds": seconds, "peak_mb": peak_mb() - before, "input_mb": float(size)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=float, default=1e6)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--once", choices=["sorted", "shuffled"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        result = run_once(int(arguments.events), arguments.users, arguments.once == "shuffled")
        print(json.dumps(result))
        return
    for order in ("sorted", "shuffled"):
        command = [sys.executable, "-m", "benchmarks.log_to_frame", "--once", order]
        command += ["--events", str(arguments.events), "--users", str(arguments.users)]
        runs = [json.loads(subprocess.check_output(command)) for _ in range(arguments.repeat)]
        totals = sorted(sum(run["seconds"].values()) for run in runs)
        parts = {s: np.median([run["seconds"][s] for run in runs]) for s in STEPS}
        ratio = np.median([run["peak_mb"] / run["input_mb"] for run in runs])
        print(
            f"{order:<9} {np.median(totals):.2f} s ({totals[0]:.2f} to {totals[-1]:.2f}), "
            f"memory peak {ratio:.1f} times the input's {runs[0]['input_mb']:.0f} MB; "
            + ", ".join(f"{step} {seconds:.2f}" for step, seconds in parts.items())
        )


if __name__ == "__main__":
    main()
