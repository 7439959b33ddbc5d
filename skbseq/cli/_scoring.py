"""Scores of a model compared with baselines."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import _frames
from skbseq._time import ticks_per_second

MOST_FREQUENT = "most frequent answer"
BAG = "counts of each behaviour + logistic regression"
AGGREGATES = "count, recency, tenure + gradient boosting"
LSTM = "LSTM over the events"
TRUTH = "true probability (best reachable)"


def score(name, y, probability):
    """Area under the ROC curve, and log loss in nats, of probabilities.

    Returns
    -------
    dict
        ``model``, ``auc`` and ``log_loss``.
    """
    return {
        "model": name,
        "auc": float(roc_auc_score(y, probability)),
        "log_loss": float(log_loss(y, np.clip(probability, 1e-7, 1 - 1e-7), labels=[False, True])),
    }


def score_baselines(X, y, train, test, *, time, behavior=None, seed=0):
    """Scores of baselines without a sequence model.

    Parameters
    ----------
    X : pyarrow.Table of n_samples
        Histories with the columns ``cutoff`` and time.
    y : ndarray of bool of shape (n_samples,)
    train, test : ndarray of int
        Rows to fit and to score.
    time : str
        Channel of the times.
    behavior : str, default=None
        Channel whose values are counted. None: no such baseline.
    seed : int, default=0

    Returns
    -------
    list of dict
    """
    # Small trees and a low learning rate: with three features the default settings overfit.
    boosting = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=200, max_leaf_nodes=8, early_stopping=True, random_state=seed
    )
    baselines = {AGGREGATES: (aggregates(X, time), boosting)}
    if behavior is not None:
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        baselines = {BAG: (np.log1p(count_each(X, behavior, train)), linear)} | baselines
    scores = [score(MOST_FREQUENT, y[test], np.full(len(test), y[train].mean()))]
    for name, (features, model) in baselines.items():
        model.fit(features[train], y[train])
        scores.append(score(name, y[test], model.predict_proba(features[test])[:, 1]))
    return scores


def aggregates(X, time):
    """Number of events, and days since the last and since the first; NaN without events.

    Returns
    -------
    ndarray of shape (n_samples, 3)
    """
    columns = _frames.split_sequences(X)
    channel = columns.lists[time]
    day = 86_400 * ticks_per_second(channel.values.type.unit)  # the cutoff has the same unit
    # NaN at the end, where index -1 points for an empty history.
    then = np.append(_frames.integers(channel.values) / day, np.nan)
    now = _frames.integers(columns.ordinary["cutoff"]) / day
    empty = channel.lengths == 0
    last = np.where(empty, -1, channel.offsets[1:] - 1)
    first = np.where(empty, -1, channel.offsets[:-1])
    return np.column_stack([channel.lengths, now - then[last], now - then[first]])


def count_each(X, behavior, train, most=100):
    """Count each value of a channel in each history.

    Parameters
    ----------
    X : pyarrow.Table of n_samples
    behavior : str
    train : ndarray of int
        Rows that determine the most frequent values.
    most : int, default=100
        Maximum number of values with a count of their own; all others, and missing ones, are
        counted together.

    Returns
    -------
    ndarray of shape (n_samples, n_values)
        The most frequent value first, the count of all others last.
    """
    channel = _frames.split_sequences(X).lists[behavior]
    codes, values = _frames.encode(channel.values)
    n_rows, n_values = len(channel.lengths), len(values) + 1  # the last one for missing values
    row = np.repeat(np.arange(n_rows), channel.lengths)
    seen = np.isin(row, train) & (codes >= 0)
    frequent = np.argsort(-np.bincount(codes[seen], minlength=n_values)[:-1], kind="stable")[:most]
    column = np.full(n_values, len(frequent))
    column[frequent] = np.arange(len(frequent))
    cell = row * (len(frequent) + 1) + column[codes % n_values]
    counts = np.bincount(cell, minlength=n_rows * (len(frequent) + 1))
    return counts.reshape(n_rows, -1)


def format_scores(scores):
    """A table of scores."""
    width = max(len(each["model"]) for each in scores)
    lines = [f"  {'':<{width}}    AUC  log loss"]
    for each in scores:
        numbers = f"{each['auc']:.3f}  {each['log_loss']:8.3f}"
        lines.append(f"  {each['model']:<{width}}  {numbers}")
    return "\n".join(lines)


def compare(scores):
    """A sentence on whether the sequence model is worth using."""
    auc = {each["model"]: each["auc"] for each in scores}
    best = max(auc.keys() - {LSTM, TRUTH}, key=lambda name: (auc[name], name))
    gain = round(round(auc[LSTM], 3) - round(auc[best], 3), 3)  # as the table shows them
    advice = "try more users, other columns, or another horizon or lookback."
    if gain > 0:
        return f"The LSTM gains {gain:.3f} of AUC over the best baseline ({best})."
    if round(auc[best], 3) <= 0.5:
        return f"Nothing beats guessing here. Do not use this model; {advice}"
    than = "is as good" if gain == 0 else f"has {-gain:.3f} more AUC"
    return f"The LSTM gains nothing here: the best baseline ({best}) {than}. Use that, or {advice}"
