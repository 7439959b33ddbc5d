"""``skbseq explain``: which events decided the probability of single users."""

import numpy as np

from skbseq import _frames
from skbseq.cli import _arguments as arguments
from skbseq.cli._apply import open_inputs, reasons
from skbseq.cli._job import few_threads, speaker

_DESCRIPTION = """\
Explain the probability of single users, with a model written by `skbseq fit`.

For each event of the user's history up to DATE the model predicts once more without it. The events
that make the largest difference are printed, with the difference in log-odds: +0.69 doubles the
odds, −0.69 halves them.
"""
_EPILOG = """\
example:
  skbseq explain model.skbseq shop.csv --at 2026-06-08 --user 1042 1043

For the reasons of all users, as columns of a table, use skbseq predict --reasons 3.
"""


def add_command(commands):
    """Add ``explain`` to the parser."""
    parser = arguments.add_command(
        commands,
        "explain",
        run=run,
        summary="explain the probability of single users",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", help="file written by `skbseq fit`")
    arguments.add_log(parser)
    arguments.add_at(parser, "the moment to predict from, such as 2026-06-08 (needed)")
    parser.add_argument(
        "--user", required=True, nargs="+", metavar="ID", help="users to explain (needed)"
    )
    parser.add_argument(
        "--top",
        metavar="N",
        type=arguments.count,
        default=5,
        help="events to print per user (default: %(default)s)",
    )
    arguments.add_reading(parser)


def run(args):
    """Explain and print."""
    task, model, samples, X = open_inputs(args, speaker(args.quiet))
    rows = _rows_of(args.user, samples[task.roles["user"]], args.at)
    X = _frames.take_rows(X, rows)
    with few_threads(model, len(rows)):
        probability = model.predict_proba(X)[:, 1]
        sentences = reasons(model, X, task, args.top)
    for user, p, lines in zip(args.user, probability, sentences, strict=True):
        print(f"{user}: probability {p:.3f}")
        for line in lines or ["no event makes a difference"]:
            print(f"  {line}")


def _rows_of(users, column, at):
    """Row of each user.

    Raises
    ------
    ValueError
        If a user has no sample.
    """
    row_of = {str(user): row for row, user in enumerate(_frames.to_objects(column))}
    lost = [user for user in users if user not in row_of]
    if lost:
        known = ", ".join(list(row_of)[:3])
        raise ValueError(
            f"--user {lost[0]}: this user has no event at or before {at} in the log, which has "
            f"{len(row_of):,} users, such as {known}."
        )
    return np.array([row_of[user] for user in users])
