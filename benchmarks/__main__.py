"""Speed against peers: one table per question, everything measured in the same run.

    python -m benchmarks --data ../shared/data --out speed.json
    python -m benchmarks --only one_row --only bulk
    python -m benchmarks --quick

Each peer is a process of its own, prepared and warmed up; then all take turns, so that a busy
moment hits all alike, and a check is the median of its ratio in each round. Told besides: the
least and the most of the rounds, and, where the operations of the real events are known (the
LSTM's matrix products, nothing else, no padding), what share they are of those that TensorFlow's
product of 1024 x 1024 float32 numbers would have done in that time, measured in the same rounds.

All have the same model (an embedding of 16, one LSTM, one output), Adam, batches and epochs, all
cores, and no GPU. The peers come with ``pip install 'skbseq[bench]'``; what is not installed is
left out, and said. ``--quick`` proves that all runs; its figures mean nothing.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.speed import (
    _association,
    _cold_start,
    _epochs,
    _first_fit,
    _growth,
    _predictions,
    _report,
    _runs,
    _search,
)

QUESTIONS = (
    _search.QUESTIONS
    | _epochs.QUESTIONS
    | _predictions.QUESTIONS
    | _first_fit.QUESTIONS
    | _growth.QUESTIONS
    | _cold_start.QUESTIONS
    | _association.QUESTIONS
)
# Those that read real logs.
NEED_DATA = ("epoch_real", "epoch_layers", "association")


def ask(name, arguments):
    """Measure one question and print its table; its plain data."""
    question = QUESTIONS[name]
    size = dict(question.quick if arguments.quick else question.full)
    size["data"] = arguments.data
    rounds = arguments.rounds or (1 if arguments.quick else question.rounds)

    def report(line):
        print(f"{name}: {line}", file=sys.stderr, flush=True)

    figures = _runs.measure(question, size, rounds, report)
    result = _report.summary(question, figures, size)
    _report.print_table(question, result)
    return result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", action="append", choices=QUESTIONS, help="a question; may be given repeatedly"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=int, help="rounds instead of each question's own number")
    parser.add_argument(
        "--data", help=f"folder of real logs, which {' and '.join(NEED_DATA)} need"
    )
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    _runs.quieten()
    names = arguments.only or list(QUESTIONS)
    for name in NEED_DATA if arguments.data is None else ():
        if name not in names:
            continue
        if arguments.only:
            parser.error(f"{name} needs --data")
        names.remove(name)
        print(f"{name} is left out: it needs --data.", file=sys.stderr)
    results = {"machine": _report.machine(), "quick": arguments.quick, "questions": {}}
    print(json.dumps(results["machine"]), flush=True)
    for name in names:
        results["questions"][name] = ask(name, arguments)
        if arguments.out:  # after each, so that what is stopped leaves what it has
            arguments.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
