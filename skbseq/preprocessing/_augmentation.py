"""Augmentation: how histories are changed at random while a network learns from them."""

from numbers import Integral, Real

from sklearn.base import BaseEstimator

from skbseq._checks import Interval, StrOptions, validate_parameter_constraints
from skbseq._state import FillsParameters

_SHARE = Interval(Real, 0, 1, closed="left")


class Augmentation(FillsParameters, BaseEstimator):
    """Say how training histories are changed at random, differently in each epoch.

    The value of ``augment`` of a classifier or regressor. Histories that are held out,
    and those predicted, are never changed; nor is a history that holds events ever left empty.
    All channels of an event go together, so that what is at one place stays at one place.

    Parameters
    ----------
    crop : float, default=0.0
        Share of its events, at most, that a history loses at its end or ends: a share between
        none and this is drawn for each, and rounded up or down at random. At least one event
        stays.
    crop_from : {"oldest", "newest", "both"}, default="oldest"
        Which events are lost; "both" keeps a random part. What comes next mostly hangs on the
        newest.
    mask : float, default=0.0
        Share of the events that are hidden: their codes become that of the unknown, and their
        numbers 0, which to `SequenceEncoder` is the median.
    reorder : int, default=0
        Places by which events move, at most: neighbours are shuffled. An event keeps its
        numbers, those that tell of its time too, so that they no longer ascend.
    substitute : float or dict of str to float, default=0.0
        Share of the codes in each categorical channel, or in those that are named, that are
        replaced by one that stood between the same two neighbours in some training history, or,
        where there is none other, behind the same one. It may be the same code again. Numbers
        stay.

    See Also
    --------
    LSTMBehaviorClassifier : Takes it as ``augment``, as all classifiers and regressors of
        histories do.

    Notes
    -----
    For ``reorder=k`` the events are sorted by :math:`i + (k + 1) u_i`, with :math:`i` their place
    and :math:`u_i` uniform between 0 and 1 [1]_. Codes of the same place are alike as words are
    that fit into the same gap [2]_: their frequencies there are those with which they are drawn.

    It costs a few hundredths of an epoch; shapes stay, so that the candidates of a search share
    one compiled program. Whether it helps differs from log to log: reordering harms where the
    order decides, and so does losing the newest events.

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
