"""Steps shared by fit and demo: make samples from a log, and score models on held-out users."""

import sys
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from skbseq import _frames
from skbseq._sequences import room_for
from skbseq.cli._models import is_network
from skbseq.cli._moments import describe_undecided
from skbseq.cli._scoring import MOST_FREQUENT, TRUTH, format_scores, losses, score
from skbseq.exceptions import CensoredLabelError, InvalidLogError

_FEWEST = 10
# For fewer users, one thread costs gradient boosting less than half a second: 20,000 users took
# 1.1 instead of 0.7 s on two idle cores. On busy cores several threads took up to 20 s.
_MANY = 20_000


def speaker(quiet):
    """A function that prints without buffering, so that a pipe gets each line at once."""

    def say(text):
        if not quiet:
            print(text, flush=True)

    return say


def prepare(log, table, task, say, *, left_out, advice):
    """Make samples and labels from a cleaned log, printing a report.

    Parameters
    ----------
    log : EventLog
    table : pyarrow.Table
        Its rows before cleaning.
    task : Task
    say : callable
    left_out : dict of str to str
        Reasons for columns that are not used.
    advice : str
        Advice for the error if too few users have one of the labels.

    Returns
    -------
    samples : pyarrow.Table of n_samples
    X : pyarrow.Table of n_samples
        Histories.
    y : ndarray of bool of shape (n_samples,)
    """
    say(f"{log}\n{log.report}\n\n{_describe_columns(task.uses, left_out, table)}")
    samples = log.samples(at=task.at)
    try:
        y = task.label(log, samples)
    except CensoredLabelError as error:
        raise CensoredLabelError(describe_undecided(log, task)) from error
    say(f"\nQuestion: {task.question}?\n{len(y):,} users, yes for {y.mean():.1%}.")
    _check_answers(y, task, advice)
    X = task.sequences(log, samples)
    if not _frames.split_sequences(X).lists[task.roles["time"]].lengths.any():
        raise InvalidLogError(
            f"No user has an event in the {task.lookback} before {task.at}. Use a longer "
            "--lookback."
        )
    return samples, X, y


def _describe_columns(uses, left_out, table):
    lines = ["Columns:"]
    width = max(map(len, [*uses, *left_out]))
    for name, use in uses.items():
        values = ""
        if use == "categories":
            values = f" ({len(_frames.count_values(table[name])[0]):,} values)"
        lines.append(f"  {name:<{width}}  {use}{values}")
    lines += [f"  {name:<{width}}  left out: {why}" for name, why in left_out.items()]
    return "\n".join(lines)


def _check_answers(y, task, advice):
    n_yes = int(y.sum())
    if min(n_yes, len(y) - n_yes) < _FEWEST:
        raise ValueError(
            f"Of {len(y):,} users {n_yes:,} {task.doing} within the horizon; a model needs at "
            f"least {_FEWEST} who do and {_FEWEST} who do not. {advice}"
        )


@dataclass(frozen=True)
class Scored:
    """Models that were fitted on some users and scored on the others.

    Parameters
    ----------
    models : dict of str to Pipeline
        Fitted.
    test : ndarray of int of shape (n_test,)
        Rows held out.
    y : ndarray of bool of shape (n_test,)
        Their answers.
    probabilities : dict of str to ndarray of shape (n_test,)
        Of each model, and of the most frequent answer.
    scores : list of dict
    """

    models: dict
    test: np.ndarray
    y: np.ndarray
    probabilities: dict
    scores: list

    @property
    def losses(self):
        """Log loss of each user held out, by model, from simple to complex."""
        return {name: losses(self.y, p) for name, p in self.probabilities.items()}


def train_and_score(models, X, y, say, *, holdout, seed, titles, truth=None):
    """Fit models on some users, and score them on the others.

    Parameters
    ----------
    models : dict of str to Pipeline
        Unfitted, from simple to complex; they are fitted here.
    X : pyarrow.Table of n_samples
    y : ndarray of bool of shape (n_samples,)
    say : callable
    holdout : float
        Share of the users to score on.
    seed : int
    titles : dict of str to str
        Names of the models in the table.
    truth : ndarray of shape (n_samples,), default=None
        True probabilities, if known.

    Returns
    -------
    Scored
    """
    train, test = _hold_out(y, holdout, seed)
    say(f"\nTraining on {len(train):,} users, {len(test):,} held out:")
    X_train, X_test = _frames.take_rows(X, train), _frames.take_rows(X, test)
    found = {MOST_FREQUENT: np.full(len(test), y[train].mean())}
    for name, model in models.items():
        announce(model, titles[name], say)
        with _room_for_all(model, X), few_threads(model, len(y)):
            model.fit(X_train, y[train])
            found[name] = model.predict_proba(X_test)[:, 1]
    scores = [
        {"name": name} | score(titles.get(name, name), y[test], p) for name, p in found.items()
    ]
    if truth is not None:
        scores.append({"name": "truth"} | score(TRUTH, y[test], truth[test]))
    say(f"\nOn the {len(test):,} users held out:\n{format_scores(scores)}")
    return Scored(models, test, y[test], found, scores)


def few_threads(model, n_users):
    """Context in which a model without a network uses one thread for a small table.

    On busy cores, the threads of gradient boosting may wait for each other longer than they work.
    """
    alone = n_users < _MANY and not is_network(model)
    return threadpool_limits(1, "openmp") if alone else nullcontext()


def announce(model, title, say):
    """Say what is trained, and that a network takes some time before its first epoch."""
    say(f"{title}:")
    if is_network(model):
        loading = "loading TensorFlow and " * ("tensorflow" not in sys.modules)
        say(f"  {loading}compiling the network; the first epoch takes the longest")


def _room_for_all(model, X):
    """Context in which a network compiles a program that the fit on all users can use again."""
    if not is_network(model):
        return nullcontext()
    lengths = next(iter(_frames.split_sequences(X).lists.values())).lengths
    return room_for(np.minimum(lengths, model[0].max_length))


def _hold_out(y, holdout, seed):
    """Rows to train on and rows to score on, each with both labels."""
    rows = np.arange(len(y))
    try:
        train, test = train_test_split(rows, test_size=holdout, stratify=y, random_state=seed)
    except ValueError:  # one set is too small for both labels
        train = test = rows[:0]
    if min((y[side] == answer).sum() for side in (train, test) for answer in (0, 1)) < 2:
        raise ValueError(
            f"--holdout {holdout:g} of {len(y):,} users, {int(y.sum()):,} with the answer yes, "
            "leaves too few to score or to train on. Use another share, or 0 for no scores."
        )
    return train, test
