"""``skbseq report``: one page about a model file, measured on a log."""

import os
import sys
from dataclasses import replace

from skbseq.cli import _arguments as arguments
from skbseq.cli._apply import open_log, open_model
from skbseq.cli._job import few_threads, speaker
from skbseq.cli._models import Settings, make_model
from skbseq.cli._moments import after, describe_undecided, in_order, is_same
from skbseq.cli._process import heartbeat
from skbseq.exceptions import CensoredLabelError, InvalidLogError
from skbseq.persistence import check_writable
from skbseq.report import make_report
from skbseq.report._report import load_jinja2

_DESCRIPTION = """\
Write one HTML page about a model written by `skbseq fit`.

The page compares the model with baselines on the users of LOG at DATE, checks for leakage, and
explains single predictions. The labels lie after DATE, so the log must cover one horizon after it.
The model is not trained again.

The baselines need training samples. These are made from LOG at the moment of the fit, which the
model file stores, or from the log that --fit-log names. The page says so.
"""
_EPILOG = """\
example:
  skbseq report model.skbseq shop.csv --at 2026-06-08 --out report.html

The page needs jinja2: pip install 'skbseq[report]'.
"""


def add_command(commands):
    """Add ``report`` to the parser."""
    parser = arguments.add_command(
        commands,
        "report",
        run=run,
        summary="write one page about a model: scores, baselines, leakage checks",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("model", metavar="MODEL", help="file written by `skbseq fit`")
    arguments.add_log(parser)
    parser.add_argument(
        "--at",
        required=True,
        nargs="+",
        action="extend",
        metavar="DATE",
        type=arguments.moment,
        help="one or more moments to predict from, such as 2026-06-08, at least one horizon after "
        "that of the fit (needed)",
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        type=arguments.page_path,
        help="page to write, as .html (needed)",
    )
    parser.add_argument(
        "--fit-log",
        metavar="FILE",
        help="the log that the model was fitted on, for the training samples (default: LOG)",
    )
    parser.add_argument(
        "--until",
        metavar="DATE",
        type=arguments.moment,
        help="moment up to which LOG is complete; events after it are cut (default: its last "
        "event)",
    )
    parser.add_argument(
        "--title", metavar="TEXT", help="title of the page (default: the name of the model file)"
    )
    parser.add_argument(
        "--purpose",
        metavar="TEXT",
        help="what the model is for, for the model card (default: its question)",
    )
    arguments.add_seed(parser)
    arguments.add_reading(parser)


def run(args):
    """Measure and write."""
    load_jinja2()  # a missing library must not be noticed only after the work
    arguments.check_out(args)
    _check_out(args)
    say = speaker(args.quiet)
    task, model, metadata = open_model(args)
    task, log = open_log(args, args.log, task, model, say, until=args.until)
    X_test, y_test = _test_part(args, task, log)
    X_train, y_train, notes = _training_part(args, task, log, model, metadata, say)
    _check_apart(args, task, log, X_train, X_test)
    say(
        f"Question: {task.purpose}\n{len(y_train):,} training samples, {len(y_test):,} test "
        "samples. Measuring:"
    )
    with heartbeat(say), few_threads(model, len(y_train) + len(y_test)):
        report = make_report(
            *(model, X_train, y_train, X_test, y_test),
            baselines=_baselines(args, task),
            log=log,
            user=task.roles["user"],
            horizon=task.horizon,
            title=args.title or os.path.basename(args.model),
            purpose=args.purpose or task.purpose,
            notes=notes,
            random_state=args.seed,
        )
        report.to_html(args.out)
    _say_problems(report.content["checks"])
    say("\n".join(_summary(args, report.content)))


def _baselines(args, task):
    """The strongest model without a network of `skbseq fit`."""
    settings = Settings(max_events=100, max_categories=100, units=32, epochs=1, seed=args.seed)
    return {"Boosting": make_model("boosting", task, settings)}


def _check_out(args):
    for name in (args.model, args.fit_log):
        if name is not None and os.path.realpath(args.out) == os.path.realpath(name):
            raise ValueError(f"--out would overwrite {name!r}. Name another file.")
    check_writable(args.out)


def _test_part(args, task, log):
    dates = in_order(log, args.at)
    samples = log.samples(at=dates)
    try:
        y = task.label(log, samples)
    except CensoredLabelError as error:
        late = replace(task, at=dates[-1])
        raise CensoredLabelError(describe_undecided(log, late, shorter=False)) from error
    return task.sequences(log, samples, with_users=True), y


def _training_part(args, task, log, model, metadata, say):
    """Samples and labels at the moment of the fit, and a note on where they come from."""
    path = args.log
    if args.fit_log is not None:
        path = args.fit_log
        task, log = open_log(args, path, task, model, say)
    name = os.path.basename(path)
    advice = "Pass the log that the model was fitted on as --fit-log."
    try:
        samples = log.samples(at=task.at)
        y = task.label(log, samples)
    except (CensoredLabelError, InvalidLogError) as error:
        raise InvalidLogError(
            f"{name}, from {log.start:%Y-%m-%d} to {log.until:%Y-%m-%d}, has no users whose "
            f"answer within {task.horizon} after {task.at}, the moment of the fit, is known. So "
            f"there are no training samples. {advice}"
        ) from error
    if y.all() or not y.any():
        raise InvalidLogError(
            f"In {name}, all {len(y):,} users at {task.at}, the moment of the fit, have the "
            f"answer {'yes' if y.all() else 'no'}, so no baseline can be fitted. {advice}"
        )
    X = task.sequences(log, samples, with_users=True)
    return X, y, [_origin(name, task, y), *_differences(name, y, metadata)]


def _origin(name, task, y):
    return (
        f"The training samples were made from {name} at {task.at}, the moment of the fit: "
        f"{len(y):,} users, yes for {y.mean():.1%}. The baselines were fitted on them; the model "
        "was not fitted again."
    )


def _differences(name, y, metadata):
    """A note if the model was fitted on other samples than these."""
    n, rate = metadata.get("n_users"), metadata.get("base_rate")
    if n in (None, len(y)) and (rate is None or abs(rate - y.mean()) < 1e-9):
        return
    users = "" if n is None else f"{n:,} users, "
    yield (
        f"The model was fitted on other samples ({users}yes for {rate:.1%}), so {name} is not the "
        "log of the fit, or was read with other options. The leakage checks and the baselines "
        "refer to the samples of this page."
    )


def _check_apart(args, task, log, X_train, X_test):
    """Refuse the moment of the fit as a test, where its users are those of the fit."""
    same = [date for date in args.at if is_same(log, date, task.at)]
    user = task.roles["user"]
    known = {str(each) for each in X_train[user].to_pylist()}
    shared = known & {str(each) for each in X_test[user].to_pylist()}
    if same and shared:
        raise ValueError(
            f"--at {same[0]} is the moment of the fit, so the model has seen these labels. Name a "
            f"moment at least one horizon later: --at {after(log, task.at, task.horizon)}, or "
            "another log with --fit-log for that of the fit."
        )


def _say_problems(checks):
    for each in checks:
        if each["status"] == "problem":
            print(f"warning: {each['check']}: {each['text']}", file=sys.stderr)


def _summary(args, content):
    yield f"Wrote {args.out}, measured on {content['data']['test']['samples']:,} test samples."
    for each in content["scores"]["differences"]:
        yield f"  {each['sentence']}"
