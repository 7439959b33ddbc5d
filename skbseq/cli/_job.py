"""Steps shared by fit and demo: make samples from a log, and score a model against baselines."""

import numpy as np
from sklearn.model_selection import train_test_split

from skbseq import _frames
from skbseq.cli._moments import describe_undecided
from skbseq.cli._scoring import LSTM, TRUTH, compare, format_scores, score, score_baselines
from skbseq.exceptions import CensoredLabelError, InvalidLogError

_FEWEST = 10


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
        y = log.label_behavior(samples, behavior=task.predict, horizon=task.horizon)
    except CensoredLabelError as error:
        raise CensoredLabelError(describe_undecided(log, task)) from error
    say(f"\nQuestion: {task.question}?\n{len(y):,} users, yes for {y.mean():.1%}.")
    _check_answers(y, advice)
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


def _check_answers(y, advice):
    n_yes = int(y.sum())
    if min(n_yes, len(y) - n_yes) < _FEWEST:
        raise ValueError(
            f"Of {len(y):,} users {n_yes:,} do it within the horizon; a model needs at least "
            f"{_FEWEST} who do and {_FEWEST} who do not. {advice}"
        )


def train_and_score(model, X, y, say, *, task, holdout, seed, truth=None):
    """Fit a model on some users, and score it and the baselines on the others.

    Parameters
    ----------
    model : Pipeline
        Fitted here.
    X : pyarrow.Table of n_samples
    y : ndarray of bool of shape (n_samples,)
    say : callable
    task : Task
        Names the channels of the time and of the behaviour, which the baselines use.
    holdout : float
        Share of the users to score on.
    seed : int
    truth : ndarray of shape (n_samples,), default=None
        True probabilities, if known.

    Returns
    -------
    scores : list of dict
    test : ndarray of int
        Rows held out.
    probability : ndarray of shape (n_test,)
    """
    train, test = _hold_out(y, holdout, seed)
    say(f"\nTraining on {len(train):,} users, {len(test):,} held out:")
    model.fit(_frames.take_rows(X, train), y[train])
    probability = model.predict_proba(_frames.take_rows(X, test))[:, 1]
    behavior = task.roles["behavior"]
    scores = score_baselines(
        X,
        y,
        train,
        test,
        time=task.roles["time"],
        behavior=behavior if behavior in task.uses else None,
        seed=seed,
    )
    scores.append(score(LSTM, y[test], probability))
    if truth is not None:
        scores.append(score(TRUTH, y[test], truth[test]))
    say(f"\nOn the {len(test):,} users held out:\n{format_scores(scores)}\n{compare(scores)}")
    return scores, test, probability


def _hold_out(y, holdout, seed):
    """Rows to train on and rows to score on, each with both labels."""
    rows = np.arange(len(y))
    try:
        train, test = train_test_split(rows, test_size=holdout, stratify=y, random_state=seed)
    except ValueError:  # one set is too small for both labels
        train = test = rows[:0]
    if min((y[side] == answer).sum() for side in (train, test) for answer in (0, 1)) < 2:
        raise ValueError(
            f"--holdout {holdout:g} of {len(y):,} users, {int(y.sum()):,} of whom do it, leaves "
            "too few to score or to train on. Use another share, or 0 for no scores."
        )
    return train, test


def best_epoch(history):
    """The best epoch, counted from 1."""
    return int(np.argmin(history.get("val_loss", history["loss"]))) + 1
