"""Augmentation: random changes to the training histories of a network."""

from numbers import Integral, Real

from sklearn.base import BaseEstimator

from skbseq._checks import Interval, StrOptions, validate_parameter_constraints
from skbseq._state import FillsParameters

_SHARE = Interval(Real, 0, 1, closed="left")


class Augmentation(FillsParameters, BaseEstimator):
    """Random augmentation of training histories, different in each epoch.

    Pass it as ``augment`` of a classifier or regressor. Only training histories are changed, not
    those held out for validation and not those to predict. All channels of an event are changed
    together, so the channels stay aligned. A history with events never becomes empty.

    Parameters
    ----------
    crop : float, default=0.0
        Maximum share of the events to remove at one end or both ends of a history. For each
        history, a share between 0 and this is drawn; the number of events is rounded up or down
        at random. At least one event is kept.
    crop_from : {"oldest", "newest", "both"}, default="oldest"
        Which events to remove; "both" keeps a random part. The next event usually depends most
        on the newest ones.
    mask : float, default=0.0
        Share of the events to mask: their codes become that of unknown categories, and their
        numbers 0, which is the median after :class:`SequenceEncoder`.
    reorder : int, default=0
        Maximum number of positions by which an event moves when neighbours are shuffled. An
        event keeps its numbers, including time features, so these are no longer in order.
    substitute : float or dict of str to float, default=0.0
        Share of the codes to replace, in each categorical channel or in those that a dict names.
        The new code is one that occurred between the same two neighbours in a training history,
        or after the same predecessor if there is no other. It may be the same code. Numbers are
        unchanged.

    See Also
    --------
    LSTMBehaviorClassifier : Accepts it as ``augment``, like all classifiers and regressors of
        histories.

    Notes
    -----
    For ``reorder=k`` the events are sorted by :math:`i + (k + 1) u_i`, with their position
    :math:`i` and :math:`u_i` uniform between 0 and 1 [1]_. ``substitute`` assumes that codes in
    the same context are similar, as words that fit into the same gap are [2]_. Codes are drawn
    with their frequencies in that context.

    Augmentation takes a few hundredths of the time of an epoch. Shapes do not change, so the
    candidates of a search share one compiled model. Whether it helps depends on the log. If the
    order matters, reordering hurts, and so does removing the newest events.

    References
    ----------
    .. [1] Lample, Conneau, Denoyer, Ranzato (2018). Unsupervised machine translation using
       monolingual corpora only. ICLR.
    .. [2] Kobayashi (2018). Contextual augmentation: data augmentation by words with paradigmatic
       relations. NAACL.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import Augmentation, LSTMBehaviorClassifier
    >>> X = pd.DataFrame({"what": [[2, 3, 4], [4, 3, 2]] * 40})
    >>> y = ["leaves", "buys"] * 40
    >>> classifier = LSTMBehaviorClassifier(
    ...     epochs=30, learning_rate=0.02, augment=Augmentation(mask=0.1), random_state=0
    ... )
    >>> classifier.set_params(augment__mask=0.2).fit(X, y).predict(X[:2]).tolist()
    ['leaves', 'buys']
    """

    _parameter_constraints = {
        "crop": [_SHARE],
        "crop_from": [StrOptions({"oldest", "newest", "both"})],
        "mask": [_SHARE],
        "reorder": [Interval(Integral, 0, None, closed="left")],
        "substitute": [_SHARE, dict],
    }

    def __init__(self, *, crop=0.0, crop_from="oldest", mask=0.0, reorder=0, substitute=0.0):
        self.crop = crop
        self.crop_from = crop_from
        self.mask = mask
        self.reorder = reorder
        self.substitute = substitute


def augmentation_fields(augment, channels):
    """Fields of an augmentation for these categorical channels; none where there is none.

    Raises
    ------
    ValueError
        If a parameter is not valid, or codes are to be replaced where there are none.
    """
    if augment is None:
        return {}
    given = augment.get_params(deep=False)
    validate_parameter_constraints(augment._parameter_constraints, given, "Augmentation")
    return given | {"substitute": _shares(augment.substitute, channels)}


def _shares(substitute, channels):
    """Share of the codes to be replaced, channel by channel."""
    if not isinstance(substitute, dict):
        if substitute and not channels:
            raise ValueError(
                f"substitute={substitute!r} replaces codes, and there is no categorical channel."
            )
        return (substitute,) * len(channels)
    for name, share in substitute.items():
        if name not in channels:
            raise ValueError(
                f"substitute={substitute!r} names the channel {name!r}, which is no categorical "
                f"one; there are {', '.join(map(repr, channels)) or 'none'}."
            )
        validate_parameter_constraints({name: [_SHARE]}, {name: share}, "substitute")
    return tuple(substitute.get(name, 0.0) for name in channels)
