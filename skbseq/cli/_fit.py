"""``skbseq fit``: from a log to a model file."""

import shlex
import time
from dataclasses import replace

from sklearn.base import clone

from skbseq.cli import _arguments as arguments
from skbseq.cli._job import best_epoch, prepare, speaker, train_and_score
from skbseq.cli._process import command_name
from skbseq.cli._task import Task, choose_columns, read_log, read_values, save_model
from skbseq.persistence import check_writable

_DESCRIPTION = """\
Train a model on a log and write it to a file.

The question is: will this user do it within HORIZON after DATE? Every user with an event at or
before DATE is one sample. The model, an LSTM, reads the user's events up to DATE, oldest first.
The label is what the user did after DATE. No event after DATE is ever used as a feature.

  1. The log is read and cleaned; dropped rows are counted by reason.
  2. A share of the users is held out, and a model is trained on the others. Its scores on the
     held-out users are compared with baselines that ignore the order of events. If a baseline is
     as good, use it instead.
  3. The model is trained again on all users, for the best number of epochs, and saved.
"""
_EPILOG = """\
example: who buys within a week?
  skbseq fit shop.csv --user user_id --time timestamp --behavior action --predict buy \\
      --product item --at 2026-06-01 --horizon 7D --out model.skbseq

Without --behavior and --predict the question is whether the user comes back at all:
  skbseq fit orders.parquet --user customer --time ordered_at --at 2026-06-01 --horizon 90D \\
      --numeric quantity --exclude order_id comment --out model.skbseq
"""
_ADVICE = "Use another --horizon, --at or --predict, or a log with more users."


def add_command(commands):
    """Add ``fit`` to the parser."""
    parser = arguments.add_command(
        commands,
        "fit",
        run=run,
        summary="train a model on a log",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    arguments.add_log(parser)
    needed = parser.add_argument_group("needed")
    needed.add_argument("--user", required=True, metavar="COL", help="column of the users")
    needed.add_argument(
        "--time",
        required=True,
        metavar="COL",
        help="column of the times: dates, text in a form of one reading, or epoch numbers",
    )
    arguments.add_at(
        needed, "the cutoff, such as 2026-06-01: features end here, labels begin here"
    )
    needed.add_argument(
        "--horizon",
        required=True,
        metavar="SPAN",
        type=arguments.duration,
        help="span after the cutoff to predict, such as 7D, 12h or 30min; the log must cover it",
    )
    needed.add_argument("--out", required=True, metavar="FILE", help="model file to write")
    _add_question(parser.add_argument_group("the question"))
    _add_features(parser.add_argument_group("the features"))
    _add_training(parser.add_argument_group("the training"))


def _add_question(group):
    group.add_argument(
        "--behavior", metavar="COL", help="column of the behaviours (default: none)"
    )
    group.add_argument(
        "--predict",
        metavar="VALUE",
        nargs="+",
        action="extend",
        help="value of that column to predict; several: any of them (default: any event)",
    )
    group.add_argument(
        "--until",
        metavar="DATE",
        type=arguments.moment,
        help="moment up to which the log is complete; events after it are cut (default: its last "
        "event)",
    )


def _add_features(group):
    group.add_argument("--product", metavar="COL", help="column of the products (default: none)")
    group.add_argument(
        "--numeric",
        metavar="COL",
        nargs="+",
        action="extend",
        default=[],
        help="columns of whole numbers that are quantities (default: whole numbers are treated "
        "as categories, like strings; decimal numbers are always quantities)",
    )
    group.add_argument(
        "--exclude",
        metavar="COL",
        nargs="+",
        action="extend",
        default=[],
        help="columns not to use, such as order numbers or free text (default: none)",
    )
    group.add_argument(
        "--time-unit",
        choices=["s", "ms", "us", "ns"],
        help="unit of epoch numbers (default: recognised from their size)",
    )
    arguments.add_time_format(group, said="found from the values")
    arguments.add_invalid_times(group, default="raise", said="%(default)s")
    arguments.add_bounds(group, earliest="only a few events far before all others")
    group.add_argument(
        "--lookback",
        metavar="SPAN",
        type=arguments.duration,
        help="span before the cutoff to use, such as 90D (default: all events)",
    )
    group.add_argument(
        "--max-events",
        metavar="N",
        type=arguments.count,
        default=100,
        help="number of latest events used per user (default: %(default)s)",
    )
    group.add_argument(
        "--max-categories",
        metavar="N",
        type=arguments.count,
        default=100,
        help="number of most frequent values distinguished per column (default: %(default)s)",
    )


def _add_training(group):
    group.add_argument(
        "--units",
        metavar="N",
        type=arguments.count,
        default=32,
        help="units of the LSTM (default: %(default)s)",
    )
    group.add_argument(
        "--epochs",
        metavar="N",
        type=arguments.count,
        default=30,
        help="maximum number of epochs; training stops early if more do not help "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--holdout",
        metavar="SHARE",
        type=arguments.share,
        default=0.2,
        help="share of the users held out for scoring; 0: no scores (default: %(default)s)",
    )
    arguments.add_seed(group)
    group.add_argument(
        "--quiet", action="store_true", help="print errors only (default: print progress)"
    )


def run(args):
    """Train and save."""
    if args.predict and args.behavior is None:
        args.parser.error("--predict needs --behavior, the column that holds the value")
    began = time.perf_counter()
    say = speaker(args.quiet)
    # Before the log is read: a wrong --out must not be noticed only after the training.
    arguments.check_out(args)
    check_writable(args.out)
    roles = {role: getattr(args, role) for role in ("user", "time", "behavior", "product")}
    table = read_log(args.log, roles)
    task, left_out = _read_task(args, table, roles)
    log = task.open_log(table, until=args.until, latest=args.latest)
    # The order of day and month that this log shows holds for the logs to score.
    task = replace(task, time_format=log.time_format)
    _, X, y = prepare(log, table, task, say, left_out=left_out, advice=_ADVICE)
    model = task.make_model(
        max_events=args.max_events,
        max_categories=args.max_categories,
        units=args.units,
        epochs=args.epochs,
        seed=args.seed,
        quiet=args.quiet,
    )
    scores = []
    if args.holdout:
        scores, _, _ = train_and_score(
            model, X, y, say, task=task, holdout=args.holdout, seed=args.seed
        )
        model = _for_all_users(model)
    say(f"\nTraining on all {len(y):,} users, for the file:")
    model.fit(X, y)
    metadata = {"task": task.to_metadata(), "base_rate": float(y.mean()), "scores": scores}
    save_model(model, args.out, metadata)
    say(
        f"\nSaved {args.out} after {time.perf_counter() - began:.0f} s. To score a log with it:\n"
        f"  {command_name()} predict {shlex.quote(args.out)} LOG --at DATE --out scores.csv"
    )


def _read_task(args, table, roles):
    uses, kinds, left_out = choose_columns(
        table, roles, numeric=args.numeric, exclude=args.exclude
    )
    predict = args.predict
    if predict is not None:
        predict = read_values(table, args.behavior, predict)
    task = Task(
        roles=roles,
        at=args.at,
        horizon=args.horizon,
        predict=predict,
        lookback=args.lookback,
        time_unit=args.time_unit,
        time_format=args.time_format,
        invalid_times=args.invalid_times,
        earliest=args.earliest,
        uses=uses,
        kinds=kinds,
    )
    return task, left_out


def _for_all_users(model):
    """The same model, unfitted, to be trained on all users for the best number of epochs."""
    # Without a validation split: all users train, and the number of epochs is fixed.
    return clone(model).set_params(
        lstmbehaviorclassifier__epochs=best_epoch(model[-1].history_),
        lstmbehaviorclassifier__validation_split=0.0,
    )
