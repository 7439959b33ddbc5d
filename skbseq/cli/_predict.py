"""``skbseq predict``: score the users of a log with a model file."""

import numpy as np

from skbseq import _frames
from skbseq.cli import _arguments as arguments
from skbseq.cli._apply import open_inputs, reasons
from skbseq.cli._job import few_threads, speaker
from skbseq.persistence import check_writable, replacing

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

It writes one row per user: the user, the column `cutoff` (DATE) and the column `probability`. With
--reasons 3 there are the columns `reason_1` to `reason_3`: the events without which the
probability would differ most, and the difference in log-odds.
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
    parser.add_argument(
        "--reasons",
        metavar="N",
        type=arguments.count,
        help="name so many events per user, in columns of their own; takes one more prediction "
        "for each event (default: none)",
    )
    arguments.add_reading(parser)


def run(args):
    """Score and write."""
    arguments.check_out(args)
    check_writable(args.out)
    say = speaker(args.quiet)
    task, model, samples, X = open_inputs(args, say)
    with few_threads(model, len(X)):
        probability = model.predict_proba(X)[:, 1]
        columns = {name: samples[name] for name in (task.roles["user"], "cutoff")}
        columns["probability"] = probability
        if args.reasons:
            columns |= _reason_columns(reasons(model, X, task, args.reasons), args.reasons)
    with replacing(args.out) as temporary:
        _frames.write_frame(_frames.frame_from_columns(columns, like="pyarrow"), temporary)
    say(_summary(args, task, columns))


def _reason_columns(sentences, n):
    """One column per rank; empty where a user has fewer events that count."""
    return {
        f"reason_{i + 1}": _frames.string_array([s[i] if i < len(s) else None for s in sentences])
        for i in range(n)
    }


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
