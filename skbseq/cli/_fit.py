"""``skbseq fit``: from a log to a model file."""

import shlex
import time
from dataclasses import replace

from sklearn.base import clone

from skbseq.cli import _arguments as arguments
from skbseq.cli._job import few_threads, prepare, speaker, train_and_score
from skbseq.cli._models import (
    AUTO,
    DEFAULT,
    Settings,
    candidates,
    is_network,
    model_names,
    set_parameters,
    titles,
)
from skbseq.cli._process import command_name, heartbeat
from skbseq.cli._report import Report
from skbseq.cli._task import Task, choose_columns, read_log, read_values, save_model
from skbseq.cli._verdict import describe_choice, describe_rivals
from skbseq.persistence import check_writable

_DESCRIPTION = """\
Train a model on a log and write it to a file.

The question is: will this user do it within HORIZON after DATE? Every user with an event at or
before DATE is one sample. The model (an LSTM unless --model names another) reads the user's events
up to DATE. The label is what the user did after DATE. No event after DATE is ever used as a
feature.

  1. The log is read and cleaned; dropped rows are counted by reason.
  2. A share of the users is held out. The model and simpler ones are trained on the others and
     scored on the held-out users. If a simpler one is as good, the command to use it is printed.
  3. The model is trained again on all users, a network for the best number of epochs, and saved.
     The scores, and a plot of how well they are calibrated, are written next to it.
"""
_EPILOG = """\
example: who buys within a week?
  skbseq fit shop.csv --user user_id --time timestamp --behavior action --predict buy \\
      --product item --at 2026-06-01 --horizon 7D --out model.skbseq

Without --behavior and --predict the question is whether the user comes back at all; with --churn,
whether the user leaves:
  skbseq fit orders.parquet --user customer --time ordered_at --at 2026-06-01 --horizon 90D \\
      --churn --numeric quantity --exclude order_id comment --model auto --out model.skbseq

models, those without a network from simple to complex (--model):
{models}
  auto         train all of these without a network, and the LSTM; keep the simplest whose log loss
               on the held-out users is within one standard error of the lowest
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
        epilog=_EPILOG.format(models=_describe_models()),
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
    arguments.add_format(
        parser.add_argument_group("the file, if it is not recognised"), said="recognised"
    )


def _describe_models():
    return "\n".join(f"  {name:<11}  {title}" for name, title in titles().items())


def _add_question(group):
    group.add_argument(
        "--behavior",
        "--behaviour",
        metavar="COL",
        help="column of the behaviours (default: none)",
    )
    group.add_argument(
        "--predict",
        metavar="VALUE",
        nargs="+",
        action="extend",
        help="value of that column to predict; several: any of them (default: any event)",
    )
    group.add_argument(
        "--churn",
        action="store_true",
        help="predict who leaves: no event within the horizon, or none of --predict (default: "
        "predict who does it)",
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
        help="number of latest events per user that a network reads (default: %(default)s)",
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
        "--model",
        choices=model_names(),
        default=DEFAULT,
        metavar="NAME",
        help=f"the model: {', '.join(model_names())}; see below (default: %(default)s)",
    )
    group.add_argument(
        "--units",
        metavar="N",
        type=arguments.count,
        default=32,
        help="units of a network (default: %(default)s)",
    )
    group.add_argument(
        "--epochs",
        metavar="N",
        type=arguments.count,
        default=30,
        help="maximum number of epochs of a network; training stops early if more do not help "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--set",
        metavar="NAME=VALUE",
        nargs="+",
        action="extend",
        default=[],
        type=arguments.setting,
        help="parameters of the last step of the model, such as dropout=0.3, or of its network, "
        "such as network__n_heads=2 (default: none)",
    )
    group.add_argument(
        "--holdout",
        metavar="SHARE",
        type=arguments.share,
        default=0.2,
        help="share of the users held out for scoring; 0: no scores (default: %(default)s)",
    )
    group.add_argument(
        "--no-report",
        action="store_true",
        help="do not write the scores (.scores.csv) and the calibration plot (.calibration.png) "
        "next to the model (default: write them, unless --holdout is 0)",
    )
    arguments.add_seed(group)
    arguments.add_quiet(group)


def run(args):
    """Train and save."""
    if args.predict and args.behavior is None:
        args.parser.error("--predict needs --behavior, the column that holds the value")
    if args.model == AUTO and not args.holdout:
        args.parser.error(
            "--model auto chooses by the scores on held-out users, so --holdout 0 "
            "cannot be used with it"
        )
    if args.model == AUTO and args.set:
        args.parser.error("--set changes one model, so name it with --model instead of auto")
    began = time.perf_counter()
    say = speaker(args.quiet)
    # Before the log is read: a wrong --out must not be noticed only after the training.
    arguments.check_out(args)
    check_writable(args.out)
    report = _report(args)
    roles = {role: getattr(args, role) for role in ("user", "time", "behavior", "product")}
    options = arguments.read_options(args)
    table = read_log(args.log, roles, options=options, quiet=args.quiet)
    task, left_out = _read_task(args, table, roles)
    log = task.open_log(table, until=args.until, latest=args.latest)
    # The order of day and month that this log shows holds for the logs to score.
    task = replace(task, time_format=log.time_format)
    models = candidates(args.model, task, _settings(args))
    if args.set:
        set_parameters(models[args.model], dict(args.set), args.model)
    _, X, y = prepare(log, table, task, say, left_out=left_out, advice=_ADVICE)
    with heartbeat(say):
        name, model, scored = _choose(args, models, X, y, say)
        say(f"\nTraining on all {len(y):,} users, for the file:")
        with few_threads(model, len(y)):
            model.fit(X, y)
    scores = [] if scored is None else scored.scores
    metadata = {
        "task": task.to_metadata(),
        "base_rate": float(y.mean()),
        "n_users": len(y),
        "model": name,
        "scores": scores,
    }
    save_model(model, args.out, metadata)
    written = report.write(name, scored) if report is not None else []
    say(f"\nSaved {args.out} after {time.perf_counter() - began:.0f} s.")
    for line in written:
        say(line)
    say(
        "To score a log with it:\n"
        f"  {command_name()} predict {shlex.quote(args.out)} LOG --at DATE --out scores.csv"
    )


def _settings(args):
    return Settings(
        max_events=args.max_events,
        max_categories=args.max_categories,
        units=args.units,
        epochs=args.epochs,
        seed=args.seed,
        quiet=args.quiet,
    )


def _report(args):
    """The files to write next to the model; None if there are none."""
    if args.no_report or not args.holdout:
        return None
    report = Report(args.out)
    report.check(args.log)
    return report


def _choose(args, models, X, y, say):
    """The name of the model to save, the model, to be fitted on all users, and the scores."""
    if not args.holdout:
        return args.model, models[args.model], None
    scored = train_and_score(
        models, X, y, say, holdout=args.holdout, seed=args.seed, titles=titles()
    )
    name = args.model
    if name == AUTO:
        name, text = describe_choice(scored.losses, titles())
        say(text)
    else:
        text, advised = describe_rivals(name, scored.losses, titles())
        say(text)
        if advised is not None:
            say(f"  {_command_with(args, advised)}")
    return name, _for_all_users(scored.models[name]), scored


def _command_with(args, name):
    """The command that was given, with another model."""
    words = [word for word in args.words if not word.startswith("--model=")]
    while "--model" in words:
        at = words.index("--model")
        del words[at : at + 2]
    return f"{command_name()} {shlex.join([*_without_set(words), '--model', name])}"


def _without_set(words):
    """The words of a command without parameters, which another model does not have."""
    kept, skip = [], False
    for word in words:
        skip = word == "--set" or (skip and not word.startswith("--"))
        if not skip and not word.startswith("--set="):
            kept.append(word)
    return kept


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
        churn=args.churn,
        lookback=args.lookback,
        time_unit=args.time_unit,
        time_format=args.time_format,
        invalid_times=args.invalid_times,
        earliest=args.earliest,
        uses=uses,
        kinds=kinds,
        reading=arguments.read_options(args).to_dict(),
    )
    return task, left_out


def _for_all_users(model):
    """The same model, unfitted; a network is to be trained for the best number of epochs."""
    again = clone(model)
    if is_network(model):
        # Without a validation split: all users train, and the number of epochs is fixed.
        again[-1].set_params(epochs=model[-1].best_epoch_, validation_split=0.0)
    return again
