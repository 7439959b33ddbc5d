"""What fit and demo share: from a log to samples, and a model scored beside its rivals."""

import numpy as np
from sklearn.model_selection import train_test_split

from skbseq import _frames
from skbseq.cli._scoring import LSTM, TRUTH, compare, format_scores, score, score_baselines

_FEWEST = 10


def speaker(quiet):
    """A function that prints at once, so that lines do not wait in a pipe; or says nothing."""

    def say(text):
        if not quiet:
            print(text, flush=True)

    return say


def prepare(table, task, say, *, left_out, until=None):
    """Clean a log and take its samples, telling what becomes of it.

    Returns
    -------
    samples : pyarrow.Table of n_samples
    X : pyarrow.Table of n_samples
        Histories.
    y : ndarray of bool of shape (n_samples,)
    """
    log = task.open_log(table, until)
    say(f"{log}\n{log.report}\n\n{_describe_columns(task.uses, left_out, table)}")
    samples = log.samples(at=task.at)
    y = log.label_behavior(samples, behavior=task.predict, horizon=task.horizon)
    say(f"\nQuestion: {task.question}?\n{len(y):,} users, yes for {y.mean():.1%}.")
    _check_answers(y)
    return samples, task.sequences(log, samples), y


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


def _check_answers(y):
    n_yes = int(y.sum())
    if min(n_yes, len(y) - n_yes) < _FEWEST:
        raise ValueError(
            f"Of {len(y):,} users {n_yes:,} do it within the horizon; a model needs at least "
            f"{_FEWEST} who do and {_FEWEST} who do not. Take another horizon, cutoff or question."
        )


def train_and_score(model, X, y, say, *, holdout, seed, time, behavior=None, truth=None):
    """Fit a model on some users and score it on the others, beside baselines.

    Parameters
    ----------
    model : Pipeline
        Fitted here.
    X : pyarrow.Table of n_samples
    y : ndarray of bool of shape (n_samples,)
    say : callable
    holdout : float
        Share of the users to score on.
    seed : int
    time : str
        Channel of the times.
    behavior : str, default=None
        Channel whose values a baseline counts.
    truth : ndarray of shape (n_samples,), default=None
        True probabilities, where they are known.

    Returns
    -------
    scores : list of dict
    test : ndarray of int
        Rows held out.
    probability : ndarray of shape (n_test,)
    """
    rows = np.arange(len(y))
    train, test = train_test_split(rows, test_size=holdout, stratify=y, random_state=seed)
    say(f"\nTraining on {len(train):,} users, {len(test):,} held out:")
    model.fit(_frames.take_rows(X, train), y[train])
    probability = model.predict_proba(_frames.take_rows(X, test))[:, 1]
    scores = score_baselines(X, y, train, test, time=time, behavior=behavior, seed=seed)
    scores.append(score(LSTM, y[test], probability))
    if truth is not None:
        scores.append(score(TRUTH, y[test], truth[test]))
    say(f"\nOn the {len(test):,} users held out:\n{format_scores(scores)}\n{compare(scores)}")
    return scores, test, probability
