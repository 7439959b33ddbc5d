"""Scores of models on held-out users, and the choice among them."""

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

MOST_FREQUENT = "most frequent answer"
TRUTH = "true probability (best reachable)"
_CLIP = 1e-7


def score(title, y, probability):
    """Area under the ROC curve, and log loss in nats, of probabilities.

    Returns
    -------
    dict
        ``model``, ``auc`` and ``log_loss``.
    """
    clipped = np.clip(probability, _CLIP, 1 - _CLIP)
    return {
        "model": title,
        "auc": float(roc_auc_score(y, probability)),
        "log_loss": float(log_loss(y, clipped, labels=[False, True])),
    }


def format_scores(scores):
    """A table of scores."""
    width = max(len(each["model"]) for each in scores)
    lines = [f"  {'':<{width}}    AUC  log loss"]
    for each in scores:
        numbers = f"{each['auc']:.3f}  {each['log_loss']:8.3f}"
        lines.append(f"  {each['model']:<{width}}  {numbers}")
    return "\n".join(lines)


def losses(y, probability):
    """Log loss of each user, in nats."""
    clipped = np.clip(probability, _CLIP, 1 - _CLIP)
    return -np.log(np.where(y, clipped, 1 - clipped))


def choose(losses_of):
    """The simplest model that is as good as the best one.

    Models are as good as each other if the mean difference of their log losses, user by user, is
    at most its standard error.

    Parameters
    ----------
    losses_of : dict of str to ndarray of shape (n_users,)
        Log loss of each user, from the simplest to the most complex model.

    Returns
    -------
    chosen, best : str
        The chosen model, and the one with the lowest mean.
    """
    best = min(losses_of, key=lambda name: losses_of[name].mean())
    for name in losses_of:
        difference, error = compare(losses_of[name], losses_of[best])
        if difference <= error:
            return name, best
    raise AssertionError("the best model is as good as itself")


def compare(one, other):
    """Mean difference of two models' losses, user by user, and its standard error."""
    difference = one - other
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))
