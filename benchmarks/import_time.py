"""What ``import skbseq`` costs beyond the libraries that a user has loaded anyway.

python -m benchmarks.import_time
"""

import argparse
import statistics
import subprocess
import sys
import time

BASE = "import sklearn, pandas, pyarrow"
CASES = {
    BASE: BASE,
    "and skbseq": f"{BASE}, skbseq",
    "and EventLog, SequenceEncoder, LSTMBehaviorClassifier": (
        f"{BASE}; from skbseq import EventLog, SequenceEncoder, LSTMBehaviorClassifier"
    ),
}


def seconds(code):
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=9)
    repeat = parser.parse_args().repeat
    times = {name: [] for name in CASES}
    for _ in range(repeat):  # in turns, so that a busy moment hits all alike
        for name, code in CASES.items():
            times[name].append(seconds(code))
    base = statistics.median(times[BASE])
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name:<55} {middle:.2f} s  (+{middle - base:.2f})")


if __name__ == "__main__":
    main()
