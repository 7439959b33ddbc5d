"""explain_events: which events made a model predict what it predicts."""

import warnings

import numpy as np

from skbseq._checks import check_choice, check_count, check_random_state
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection._answers import Answers
from skbseq.inspection._explanation import EventExplanation
from skbseq.inspection._gradients import event_gradients
from skbseq.inspection._shapley import check_cost, shapley_values
from skbseq.inspection._subsets import Subsets, without_each

__all__ = ["explain_events"]

_METHODS = ("removal", "gradients", "shapley")
_EVALS_OF_SHAPLEY = 500
# Events that "removal" may read without a warning: a few minutes for a network.
_MANY_EVENTS = 10_000_000


def explain_events(
    model,
    X,
    *,
    method="removal",
    target=None,
    background=None,
    max_evals=None,
    random_state=None,
):
    r"""Explain predictions by the contributions of single events.

    Parameters
    ----------
    model : estimator
        A fitted classifier, regressor or next-event model that takes X: an estimator of skbseq, or
        any pipeline or search of scikit-learn over histories. "removal" and "shapley" only need
        its ``predict_proba``, ``decision_function`` or ``predict``, the first of these that it
        has. "gradients" needs one of skbseq's networks at its end, not mixed with counting models
        (``counting=None`` of next-event models).
    X : sequence frame of shape (n_samples, n_columns)
        The histories to explain, as the model takes them.
    method : {"removal", "gradients", "shapley"}, default="removal"
        "removal": what the prediction loses without the event; one prediction per event.
        "gradients": integrated gradients by the embedded events [1]_, also by channel; the
        fastest. "shapley": mean effect of adding the event, over random orders of the events [2]_
        [3]_; the slowest, and the only one that shares out what events do together.
    target : object, default=None
        Class to explain, or an array with one for each row; for several labels, a label; for a
        model of several numbers, such as quantiles, the number of the column. None: of two
        classes the second, of more the predicted class, and of next events the predicted id.
    background : sequence frame, default=None
        Histories whose mean event is the baseline of "gradients". None: X. The other methods do
        not use it.
    max_evals : int, default=None
        Most predictions per history for "removal", which takes one for each of n events, and for
        "shapley", which takes 2 (n - 1) for one order and its reverse. If a history needs more
        than this, the error names the cost before the first prediction. None: 500 for "shapley"
        and no limit for "removal", but a warning names the cost if more than 10 million events
        have to be read.
    random_state : int, RandomState instance or None, default=None
        Seed of the orders of "shapley". The other methods are not random.

    Returns
    -------
    EventExplanation
        Contributions in log-odds of the target, or in the unit of a regressor.

    Raises
    ------
    SequenceFrameError
        If X or the background is not a sequence frame or has no rows, or the background has no
        events, or a history is too long for ``max_evals``.
    TypeError
        If the model is not an estimator that predicts, or has no gradients.
    ValueError
        If a parameter is not valid, or the model does not predict the target. Also for
        "gradients" of a network that is mixed with counting models, or reads the codes itself.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    Warns
    -----
    UserWarning
        If the baseline of "gradients" rests on few histories, contributions do not add up, or
        "removal" takes long.

    See Also
    --------
    counterfactual_events : The smallest set of events without which the answer turns.
    deletion_insertion : Measures how faithful contributions are.
    channel_importance : Importance of channels for the score of a model.

    Notes
    -----
    Let :math:`f(S)` be the answer for a history of which only the events :math:`S` are left, in
    their order. Every history is encoded again, so that the gap before an event is that to the
    event that is left. The log-odds are :math:`\log p_k - \log \sum_{j \ne k} p_j`; sums below
    :math:`10^{-9}` count as this number, because forests give probabilities of 0.

    - "removal": :math:`c_t = f(\{1..n\}) - f(\{1..n\} \setminus t)`. If two events each suffice,
      neither gets a contribution. The contributions do not add up.
    - "shapley": the mean of :math:`f(S_t \cup t) - f(S_t)` over orders, where :math:`S_t` are the
      events before :math:`t` in that order. Each order is followed by its reverse (antithetic
      sampling). Contributions add up to ``values - baselines``.
    - "gradients": the integral of the gradient by the embedding and numbers :math:`x_t` of an
      event, on the line from the mean event :math:`\bar x`, times :math:`x_t - \bar x`.
      Contributions add up to ``values - baselines`` within 1% (of half the sum of their sizes,
      where they cancel), else a warning says how many do not. Context stays as it is. The unknown
      code is no baseline here, because it may never have been trained.

    A history without events has no contributions; its value is its baseline.

    Contributions describe the model and not the world: an event that the model does not use has
    none, even if it made the customer leave.

    References
    ----------
    .. [1] Sundararajan, M., Taly, A. and Yan, Q. (2017). Axiomatic attribution for deep networks.
       ICML.
    .. [2] Štrumbelj, E. and Kononenko, I. (2014). Explaining prediction models and individual
       predictions with feature contributions. Knowledge and Information Systems, 41(3).
    .. [3] Mitchell, R., Cooper, J., Frank, E. and Holmes, G. (2022). Sampling permutations for
       Shapley value estimation. Journal of Machine Learning Research, 23(43).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import SequenceVectorizer
    >>> from skbseq.inspection import explain_events
    >>> X = pd.DataFrame({"what": [["view", "cart"], ["view", "exit"]] * 20})
    >>> imputer = SimpleImputer(keep_empty_features=True)
    >>> model = make_pipeline(SequenceVectorizer(), imputer, LogisticRegression())
    >>> model = model.fit(X, [1, 0] * 20)
    >>> explanation = explain_events(model, X[:2])
    >>> explanation.top(1)
    [['cart (event 2 of 2): +3.02'], ['exit (event 2 of 2): −3.02']]
    """
    check_choice("method", method, _METHODS)
    if max_evals is not None:
        check_count("max_evals", max_evals, least=2)
    rng = check_random_state(random_state)
    subsets = Subsets(X)
    if method == "shapley":
        max_evals = _EVALS_OF_SHAPLEY if max_evals is None else max_evals
        check_cost(subsets.lengths, max_evals)
    elif method == "removal":
        _check_cost_of_removal(subsets.lengths, max_evals)
    answers = Answers(model, X, target)
    by_channel = None
    if method == "gradients":
        by_channel, baselines = event_gradients(model, X, background, subsets, answers)
        flat = np.sum([*by_channel.values()], axis=0)
    else:
        baselines = answers.of_nothing(subsets)
        if method == "removal":
            flat = _effects_of_removal(answers, subsets)
        else:
            flat = shapley_values(answers, subsets, baselines, max_evals=max_evals, rng=rng)
    return EventExplanation(
        X,
        flat,
        values=answers.values,
        baselines=baselines,
        targets=answers.targets,
        unit=answers.unit,
        method=method,
        by_channel=by_channel,
    )


def _check_cost_of_removal(lengths, max_evals):
    """Refuse histories that need more predictions than allowed, or say the cost of long ones."""
    longest, row = int(lengths.max(initial=0)), int(lengths.argmax())
    n_read = int((lengths.astype(np.float64) * (lengths - 1)).sum())
    instead = (
        "give shorter histories (max_events of EventLog.histories), or use method='gradients' "
        "for a network."
    )
    if max_evals is not None and longest > max_evals:
        raise SequenceFrameError(
            f"Row {row} has {longest:,} events. For it method='removal' needs {longest:,} "
            f"predictions, which read {longest * (longest - 1):,} events; max_evals allows "
            f"{max_evals:,} predictions. Pass max_evals={longest} if that is worth it, {instead}"
        )
    if max_evals is None and n_read > _MANY_EVENTS:
        warnings.warn(
            f"method='removal' needs {int(lengths.sum()):,} predictions, which read {n_read:,} "
            f"events; row {row} alone has {longest:,} events. If that takes too long, {instead} "
            "Pass max_evals to refuse long histories, or to allow these without this warning: "
            f"max_evals={longest}.",
            UserWarning,
            stacklevel=3,
        )


def _effects_of_removal(answers, subsets):
    rows, kept_of = without_each(subsets)
    return answers.values[rows] - answers.of_variants(subsets, rows, kept_of)
