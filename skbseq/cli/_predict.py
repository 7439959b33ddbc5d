"""``skbseq predict``: from a model file and a log to scores."""

import sys
from dataclasses import replace

import numpy as np

from skbseq import _frames
from skbseq.cli import _arguments as arguments
from skbseq.cli._moments import say_beyond
from skbseq.cli._task import Task, read_log
from skbseq.persistence import check_writable, load, read_metadata, replacing

_DESCRIPTION = """\
Score the users of a log with a model that `skbseq fit` wrote.

Every user with an event at or before DATE gets the probability of doing, within the horizon that
the model was trained for, what it was trained to predict. Events after DATE are not read. Which
columns are the user, the time and so on, the model file knows; the log needs the same columns
that the model was trained on.
"""
_EPILOG = """\
example:
  skbseq predict model.skbseq shop.csv --at 2026-06-08 --out scores.parquet

It writes one row per user: the user, the column `cutoff` (DATE) and the column `probability`.
"""
_N_SHOWN = 5


def add_command(commands):
    """Add ``predict`` to the parser."""
    parser = arguments.add_command(
        commands,
        "predict",
        run=run,
        summary="score the users of a log with a model",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", help="file that `skbseq fit` wrote")
    arguments.add_log(parser)
    arguments.add_at(parser, "the moment to predict from, such as 2026-06-08 (needed)")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        type=arguments.table_path,
        help="table to write, as .csv or .parquet (needed)",
    )
    arguments.add_invalid_times(parser, default=None, said="as the model was trained")


def run(args):
    """Score and write."""
    metadata = read_metadata(args.model)["metadata"]
    task = Task.from_metadata(metadata, args.model)
    if args.invalid_times is not None:
        task = replace(task, invalid_times=args.invalid_times)
    model = load(args.model)
    arguments.check_out(args)
    check_writable(args.out)
    table = task.check_table(read_log(args.log, task.roles, task.kinds))
    log = task.open_log(table)
    print(f"{log.report}\n", flush=True)
    samples = log.samples(at=args.at)
    notice = say_beyond(log, args.at)
    if notice:
        print(f"notice: {notice}", file=sys.stderr)
    probability = model.predict_proba(task.sequences(log, samples))[:, 1]
    columns = {name: samples[name] for name in (task.roles["user"], "cutoff")}
    columns["probability"] = probability
    with replacing(args.out) as temporary:
        _frames.write_frame(_frames.frame_from_columns(columns, like="pyarrow"), temporary)
    print(_summary(args, task, columns))


def _summary(args, task, columns):
    probability = columns["probability"]
    top = np.argsort(-probability, kind="stable")[:_N_SHOWN]
    users = _frames.take(columns[task.roles["user"]], top).to_pylist()
    width = max(len(str(user)) for user in users)
    lines = [
        f"Wrote {args.out}: {len(probability):,} users, mean probability "
        f"{probability.mean():.3f}. The likeliest:"
    ]
    for user, row in zip(users, top, strict=True):
        lines.append(f"  {user!s:<{width}}  {probability[row]:.3f}")
    return "\n".join(lines)
