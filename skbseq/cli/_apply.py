"""Apply a model file to a log: what ``predict`` and ``explain`` have in common."""

import sys

from skbseq.cli import _arguments as arguments
from skbseq.cli._moments import describe_beyond
from skbseq.cli._task import Task, read_log
from skbseq.inspection import explain_events
from skbseq.persistence import load, read_metadata


def open_model(args):
    """Read the model of the command line.

    Returns
    -------
    task : Task
    model : Pipeline
    metadata : dict
        What else the file stores.
    """
    metadata = read_metadata(args.model)["metadata"]
    return Task.from_metadata(metadata, args.model), load(args.model), metadata


def open_log(args, path, task, model, say, *, until=None):
    """Read a log as the model was trained, or as the command line says.

    Returns
    -------
    task : Task
        With the options of the command line.
    log : EventLog
    """
    options = arguments.read_options(args, task.reading)
    table = read_log(path, task.roles, task.kinds, options=options, quiet=args.quiet)
    table = task.check_table(table, model[0].categories_)
    given = {name: getattr(args, name) for name in ("time_format", "invalid_times", "earliest")}
    task = task.with_options(table, given)
    log = task.open_log(table, latest=args.latest, until=until)
    say(f"{log.report}\n")
    return task, log


def open_inputs(args, say):
    """Read the model and the log of the command line.

    Returns
    -------
    task : Task
    model : Pipeline
    samples, X : pyarrow.Table
        Users with an event until the cutoff, and their histories.
    """
    task, model, _ = open_model(args)
    task, log = open_log(args, args.log, task, model, say)
    samples = log.samples(at=args.at)
    notice = describe_beyond(log, args.at)
    if notice:
        print(f"notice: {notice}", file=sys.stderr)
    return task, model, samples, task.sequences(log, samples)


def reasons(model, X, task, n):
    """The events that count most for each probability, in words.

    Returns
    -------
    list of list of str
    """
    named = [task.roles[role] for role in ("behavior", "product")]
    named = [name for name in named if name in task.uses]
    explanation = explain_events(model, X)
    return explanation.top(n, columns=named or None, time=task.roles["time"])
