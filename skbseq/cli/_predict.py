"""``skbseq predict``: score the users of a log with a model file."""

import sys

import numpy as np

from skbseq import _frames
from skbseq.cli import _arguments as arguments
from skbseq.cli._job import few_threads, speaker
from skbseq.cli._moments import describe_beyond
from skbseq.cli._task import Task, read_log
from skbseq.persistence import check_writable, load, read_metadata, replacing

_DESCRIPTION = """\
Score the users of a log with a model written by `skbseq fit`.

The model predicts for every user with an event at or before DATE the probability of the behaviour
it was trained for, within its horizon. Events after DATE are not read. The model file stores the
names of the user column, the time column and so on. The log needs the columns that the model was
trained on.
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
    parser.add_argument("model", metavar="MODEL", help="file written by `skbseq fit`")
    arguments.add_log(parser)
    arguments.add_at(parser, "the moment to predict from, such as 2026-06-08 (needed)")
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        type=arguments.table_path,
        help="table to write, as .csv or .parquet (needed)",
    )
    arguments.add_time_format(parser, said="as the model was trained")
    arguments.add_invalid_times(parser, default=None, said="as the model was trained")
    arguments.add_quiet(parser)
    arguments.add_bounds(parser, earliest="as the model was trained")
    arguments.add_format(parser, said="as at fit, else recognised")


def run(args):
    """Score and write."""
    metadata = read_metadata(args.model)["metadata"]
    task = Task.from_metadata(metadata, args.model)
    model = load(args.model)
    arguments.check_out(args)
    check_writable(args.out)
    options = arguments.read_options(args, task.reading)
    table = read_log(args.log, task.roles, task.kinds, options=options, quiet=args.quiet)
    table = task.check_table(table, model[0].categories_)
    given = {name: getattr(args, name) for name in ("time_format", "invalid_times", "earliest")}
    task = task.with_options(table, given)
    log = task.open_log(table, latest=args.latest)
    say = speaker(args.quiet)
    say(f"{log.report}\n")
    samples = log.samples(at=args.at)
    notice = describe_beyond(log, args.at)
    if notice:
        print(f"notice: {notice}", file=sys.stderr)
    X = task.sequences(log, samples)
    with few_threads(model, len(X)):
        probability = model.predict_proba(X)[:, 1]
    columns = {name: samples[name] for name in (task.roles["user"], "cutoff")}
    columns["probability"] = probability
    with replacing(args.out) as temporary:
        _frames.write_frame(_frames.frame_from_columns(columns, like="pyarrow"), temporary)
    say(_summary(args, task, columns))


def _summary(args, task, columns):
    probability = columns["probability"]
    top = np.argsort(-probability, kind="stable")[:_N_SHOWN]
    users = _frames.take(columns[task.roles["user"]], top).to_pylist()
    width = max(len(str(user)) for user in users)
    lines = [
        f"Wrote {args.out}: {len(probability):,} users, mean probability "
        f"{probability.mean():.3f}. The most likely:"
    ]
    for user, row in zip(users, top, strict=True):
        lines.append(f"  {user!s:<{width}}  {probability[row]:.3f}")
    return "\n".join(lines)
