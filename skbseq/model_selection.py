"""Splitters for samples of an event log: by time, with a gap of one horizon, and by user.

Both read the cutoffs or users from columns of the sequence frame, so that only ``cv=`` of
scikit-learn's searches and cross-validations has to be set.
"""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import BaseCrossValidator, GroupKFold, StratifiedGroupKFold
from sklearn.utils.multiclass import type_of_target

from skbseq import _frames
from skbseq._checks import Interval, to_array, validate_parameter_constraints
from skbseq._labels import read_labels
from skbseq._time import format_instant, shift_ticks, to_timedelta
from skbseq.exceptions import SequenceFrameError

__all__ = ["CutoffSplit", "UserKFold"]

_MAX_TICK = np.iinfo(np.int64).max


class _FrameSplitter(BaseCrossValidator):
    """Base class of both splitters: parameter checks and the number of folds."""

    def get_n_splits(self, X=None, y=None, groups=None):
        """Number of folds.

        Parameters
        ----------
        X : None
            Ignored.
        y : None
            Ignored.
        groups : None
            Ignored.

        Returns
        -------
        int
            ``n_splits``.
        """
        return self.n_splits

    def _check(self, groups):
        name = type(self).__name__
        validate_parameter_constraints(self._parameter_constraints, vars(self), caller_name=name)
        if groups is not None:
            warnings.warn(f"The groups parameter is ignored by {name}", UserWarning, stacklevel=3)


class CutoffSplit(_FrameSplitter):
    """Split samples by time: train only on labels that were known when the test begins.

    The cutoffs are split into ``n_splits + 1`` consecutive blocks with about equal numbers of
    samples; samples with the same cutoff stay together. Each block except the first is the test
    set of one fold. Its training set consists of the samples whose labels were known by then:
    their horizon ends at or before the first cutoff of the test. Samples in between are in neither
    set.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 1. Needs at least ``n_splits + 1`` distinct cutoffs.
    horizon : str, datetime.timedelta or numpy.timedelta64
        The horizon of the labels, such as "30D"; the longest, if there are several.
    gap : str, datetime.timedelta or numpy.timedelta64, default=None
        Span between the cutoff and the begin of the horizon, if the labels have one. None: the
        horizon begins at the cutoff.
    max_train_span : str, datetime.timedelta or numpy.timedelta64, default=None
        Train only on cutoffs at most this long before the first cutoff of the test. None: on all.
    min_train_size : int, default=1
        Minimum number of training samples of a fold; fewer are an error.
    cutoff : str, default="cutoff"
        Ordinary column with the moment of prediction.
    new_users : str, default=None
        Ordinary column of the users. If given, each fold is tested only on users without a
        training sample. None: on all users.

    Raises
    ------
    SequenceFrameError
        If a column does not exist or holds a missing value, the cutoffs are not times or too few,
        or a fold has no sample to train or test on.
    ValueError
        If a parameter is out of range or a span cannot be read.
    TypeError
        If ``X`` is not a table, or a span is a bare number.

    See Also
    --------
    UserKFold : Keeps all samples of a user on one side.
    sklearn.model_selection.TimeSeriesSplit : Counts rows instead of reading times.

    Notes
    -----
    Sample :math:`i` is in the training set for the test samples :math:`J` if

    .. math:: t_i + \\mathrm{gap} + \\mathrm{horizon} \\le \\min_{j \\in J} t_j

    with cutoffs :math:`t`. So each training label was known when the first prediction of the test
    was made. The label windows of training and test never overlap, neither for one user nor
    between users. Leaving out the samples whose windows reach into the test is the *purging* of
    [1]_. Its *embargo*, a pause after the test, is not needed, because no training sample is later
    than the test. Histories in the test may contain events that were labels in training. This is
    not a leak: they were known by then.

    The test sets do not cover all samples. So `cross_val_predict` and the tools based on it
    (`StackingClassifier`, `CalibratedClassifierCV` with ``ensemble=False``) refuse this splitter.

    References
    ----------
    .. [1] López de Prado, M. (2018). *Advances in Financial Machine Learning*, chapter 7. Wiley.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq.model_selection import CutoffSplit
    >>> months = pd.date_range("2026-01-01", periods=5, freq="MS")
    >>> X = pd.DataFrame({"user_id": ["ann", "bob"] * 5, "cutoff": months.repeat(2)})
    >>> for train, test in CutoffSplit(3, horizon="31D").split(X):
    ...     print(X["cutoff"][train].dt.month.unique(), X["cutoff"][test].dt.month.unique())
    [1] [3]
    [1 2 3] [4]
    [1 2 3] [5]

    February is not in the training set for March, nor April for May: their horizon of 31 days is
    not over yet.
    """

    _parameter_constraints = {
        "n_splits": [Interval(Integral, 1, None, closed="left")],
        "horizon": "no_validation",  # to_timedelta gives a better message
        "gap": "no_validation",
        "max_train_span": "no_validation",
        "min_train_size": [Interval(Integral, 1, None, closed="left")],
        "cutoff": [str],
        "new_users": [str, None],
    }

    def __init__(
        self,
        n_splits=5,
        *,
        horizon,
        gap=None,
        max_train_span=None,
        min_train_size=1,
        cutoff="cutoff",
        new_users=None,
    ):
        self.n_splits = n_splits
        self.horizon = horizon
        self.gap = gap
        self.max_train_span = max_train_span
        self.min_train_size = min_train_size
        self.cutoff = cutoff
        self.new_users = new_users

    def split(self, X, y=None, groups=None):
        """Rows of each fold, earliest first.

        Parameters
        ----------
        X : table of shape (n_samples, n_columns)
            A sequence frame, or samples without histories. Only the column of the cutoffs is
            read, and that of the users if ``new_users`` names one.
        y : None
            Ignored.
        groups : None
            Ignored, with a warning.

        Yields
        ------
        train : ndarray of int of shape (n_train,)
            Positions of the training samples, ascending.
        test : ndarray of int of shape (n_test,)
            Positions of the test samples, ascending.
        """
        self._check(groups)
        known_after, span = self._spans()
        cutoffs = _Cutoffs(X, self.cutoff, type(self).__name__)
        users = None
        if self.new_users is not None:
            users = _read_users(X, self.new_users, type(self).__name__)
        blocks = self._blocks(cutoffs)
        # Make all folds before yielding the first: an error in the last one must not come after
        # hours of training on the others.
        folds = []
        for fold in range(1, self.n_splits + 1):
            test = np.flatnonzero(blocks == fold)
            first = cutoffs.ticks[test].min()
            latest = cutoffs.before(first, known_after)
            earliest = None if span is None else cutoffs.before(first, span)
            train = cutoffs.rows_within(earliest, latest)
            if len(train) < self.min_train_size:
                self._raise_small(fold, len(train), cutoffs, (first, earliest, latest))
            if users is not None:
                test = self._only_new(users, train, test, fold)
            folds.append((train, test))
        yield from folds

    def _spans(self):
        """Microseconds from a cutoff until its label is known, and the maximum training span."""
        known_after = _microseconds(self.horizon, "horizon")
        if self.gap is not None:
            known_after += _microseconds(self.gap, "gap")
        if self.max_train_span is None:
            return known_after, None
        span = _microseconds(self.max_train_span, "max_train_span")
        if span < known_after:
            raise ValueError(
                f"max_train_span={self.max_train_span!r} is shorter than {self._format_wait()}, "
                "so no sample could be used for training: the labels within this span are not yet "
                "known when the test begins. Make it longer."
            )
        return known_after, span

    def _blocks(self, cutoffs):
        """Number of the block of each sample."""
        moments, moment_of, counts = np.unique(
            cutoffs.ticks, return_inverse=True, return_counts=True
        )
        if len(moments) <= self.n_splits:
            fewer = (
                f"lower n_splits to at most {len(moments) - 1}, or " if moments[1:].size else ""
            )
            raise SequenceFrameError(
                f"n_splits={self.n_splits} needs at least {self.n_splits + 1} distinct cutoffs, "
                f"because the first is only for training; {self.cutoff!r} holds {len(moments)}. "
                f"Take samples at more cutoffs, such as EventLog.samples(every=...), {fewer}"
                "split by user with UserKFold."
            )
        starts = _block_starts(counts, self.n_splits + 1)
        return np.searchsorted(starts, moment_of, side="right")

    def _only_new(self, users, train, test, fold):
        seen = np.zeros(users.max() + 1, bool)
        seen[users[train]] = True
        new = test[~seen[users[test]]]
        if new.size == 0:
            raise SequenceFrameError(
                f"Fold {fold} of {self.n_splits} has no test sample: each {self.new_users!r} of "
                "its test also has a training sample. Lower n_splits, which makes the tests "
                "longer, limit training by max_train_span, or leave new_users out."
            )
        return new

    def _raise_small(self, fold, n_train, cutoffs, moments):
        first, earliest, latest = moments
        text = cutoffs.format
        within = "at or before" if earliest is None else f"from {text(earliest)} to"
        found = "no training sample"
        if n_train:
            some = "1 training sample" if n_train == 1 else f"{n_train:,} training samples"
            found = f"{some}, fewer than min_train_size={self.min_train_size}"
        raise SequenceFrameError(
            f"Fold {fold} of {self.n_splits} has {found}: its test begins at {text(first)}, so "
            f"with {self._format_wait()} training needs cutoffs {within} {text(latest)}; the "
            f"first cutoff of all is {text(cutoffs.ticks.min())}. Take samples at earlier cutoffs "
            "too, such as EventLog.samples(every=...), lower n_splits, or shorten the horizon."
        )

    def _format_wait(self):
        gap = "" if self.gap is None else f" and gap={self.gap!r}"
        return f"horizon={self.horizon!r}{gap}"


class UserKFold(_FrameSplitter):
    """Split samples by user: all samples of a user are in the same set.

    This is scikit-learn's `GroupKFold` or `StratifiedGroupKFold`, but it reads the groups from a
    column of the frame. So no groups have to be passed through searches and pipelines.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    user : str
        Ordinary column of the users.
    stratify : bool, default=False
        Whether to give each fold about the same share of each class of ``y``. With tens of
        thousands of users it takes some seconds.
    shuffle : bool, default=False
        Whether to distribute the users at random. If False, the folds depend on the users and
        their numbers of samples, but not on the order of the rows.
    random_state : int, numpy.random.RandomState or None, default=None
        Pass an int for the same folds on every call. Only with ``shuffle=True``.

    Raises
    ------
    SequenceFrameError
        If the column does not exist or holds a missing value, or there are fewer users than folds.
    ValueError
        If a parameter is out of range, ``stratify=True`` and ``y`` holds no classes, or a
        ``random_state`` is given without ``shuffle=True``.
    TypeError
        If ``X`` is not a table.

    See Also
    --------
    CutoffSplit : Splits by time.
    sklearn.model_selection.GroupKFold : Takes the groups as an argument.

    Notes
    -----
    Each sample is tested once, so `cross_val_predict` works. But the training set covers the same
    time as the test set. Use this splitter to choose among models, or to measure performance on
    unseen users. To estimate performance in the future, use `CutoffSplit`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq.model_selection import UserKFold
    >>> X = pd.DataFrame({"user_id": ["ann", "bob", "ann", "cid", "bob", "ann"]})
    >>> for train, test in UserKFold(3, user="user_id").split(X):
    ...     print(X["user_id"][train].unique().tolist(), X["user_id"][test].unique().tolist())
    ['bob', 'cid'] ['ann']
    ['ann', 'cid'] ['bob']
    ['ann', 'bob'] ['cid']
    """

    _parameter_constraints = {
        "n_splits": [Interval(Integral, 2, None, closed="left")],
        "user": [str],
        "stratify": ["boolean"],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(self, n_splits=5, *, user, stratify=False, shuffle=False, random_state=None):
        self.n_splits = n_splits
        self.user = user
        self.stratify = stratify
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X, y=None, groups=None):
        """Rows of each fold.

        Parameters
        ----------
        X : table of shape (n_samples, n_columns)
            A sequence frame, or samples without histories. Only the column of the users is read.
        y : array-like of shape (n_samples,), default=None
            Classes, for ``stratify=True``; otherwise ignored.
        groups : None
            Ignored, with a warning.

        Yields
        ------
        train : ndarray of int of shape (n_train,)
            Positions of the training samples, ascending.
        test : ndarray of int of shape (n_test,)
            Positions of the test samples, ascending.
        """
        self._check(groups)
        users = _read_users(X, self.user, type(self).__name__)
        n_users = len(np.unique(users))
        if n_users < self.n_splits:
            raise SequenceFrameError(
                f"n_splits={self.n_splits} needs at least {self.n_splits} users; {self.user!r} "
                f"holds {n_users}. Lower n_splits or take samples of more users."
            )
        if self.stratify and y is None:
            raise ValueError("stratify=True needs y, the classes; got None.")
        if self.stratify:
            y = self._read_classes(y, len(users))
        if self.random_state is not None and not self.shuffle:
            raise ValueError(
                "random_state has no effect since shuffle is False. Set shuffle=True, or leave it "
                f"out; got random_state={self.random_state!r}."
            )
        splitter = StratifiedGroupKFold if self.stratify else GroupKFold
        folds = splitter(self.n_splits, shuffle=self.shuffle, random_state=self.random_state)
        # Both use only the number of rows of X.
        yield from folds.split(np.zeros(len(users)), y, users)

    def _read_classes(self, y, n_rows):
        y = to_array("y", read_labels(y))
        if y.shape != (n_rows,) or type_of_target(y) not in ("binary", "multiclass"):
            raise ValueError(
                f"stratify=True needs y, a class for each of the {n_rows:,} rows of X; got "
                f"{type(y).__name__} of shape {y.shape} and type {y.dtype}."
            )
        return y


# ------------------------------------------------------------------ columns


class _Cutoffs:
    """The cutoffs of a frame as ticks, with their unit and zone."""

    def __init__(self, X, name, owner):
        moments = _frames.read_moments(_read_column(X, name, owner), name)
        self.ticks, missing, self.unit, self.zone = _frames.time_ticks(moments)
        _refuse_missing(missing, name, owner)

    def before(self, tick, microseconds):
        """A moment earlier by a span, clipped to 64 bits."""
        span = min(microseconds * (1000 if self.unit == "ns" else 1), _MAX_TICK)
        return shift_ticks(tick, -span)

    def rows_within(self, earliest, latest):
        """Rows with a cutoff from ``earliest`` (None: no bound) to ``latest``."""
        within = self.ticks <= latest
        if earliest is not None:
            within &= self.ticks >= earliest
        return np.flatnonzero(within)

    def format(self, tick):
        """A moment as text, for messages."""
        return format_instant(tick, unit=self.unit, zone=self.zone)


def _read_users(X, name, owner):
    """Number of the user of each sample, in the order of the users."""
    column = _read_column(X, name, owner)
    if _frames.kind_of(column.type) == "list":
        raise SequenceFrameError(
            f"{name!r} is a channel: it holds lists. Name the ordinary column of the users."
        )
    _refuse_missing(_frames.is_missing(column), name, owner)
    codes, values = _frames.encode(column)
    # By rank, so that the folds do not depend on the order of the rows.
    return _frames.sorted_rank(values)[0][codes]


def _read_column(X, name, owner):
    if not _frames.is_frame(X):
        raise TypeError(
            f"{owner} reads the column {name!r} of a pandas, polars or pyarrow table; got "
            f"{type(X).__name__}."
        )
    names = _frames.column_names(X)
    if name not in names:
        raise SequenceFrameError(
            f"The frame has no column {name!r}, which {owner} needs to split; it has "
            f"{', '.join(map(repr, names))}. Keep that column, as EventLog.samples and "
            "EventLog.histories do, or name another."
        )
    if _frames.n_rows(X) == 0:
        raise SequenceFrameError(f"The frame has no rows; {owner} has nothing to split.")
    return _frames.as_array(_frames.to_arrow(_frames.select_columns(X, [name]))[name])


def _refuse_missing(missing, name, owner):
    if missing.any():
        raise SequenceFrameError(
            f"Row {_frames.first_row(missing)} of {name!r} is missing ({int(missing.sum()):,} "
            f"such rows), so {owner} cannot assign it to a fold. Fill or drop them."
        )


# ------------------------------------------------------------------ numbers


def _microseconds(value, name):
    return int(to_timedelta(value, name=name).astype(np.int64))


def _block_starts(counts, n_blocks):
    """Start of each block but the first, among moments with these numbers of samples.

    Blocks are formed from the end. Each takes the moments whose samples come nearest to its share
    of the remaining ones. So the test sets are as equal as whole moments allow, and the remainder
    goes to training.
    """
    before = np.concatenate([[0], np.cumsum(counts)])
    starts, stop = [], len(counts)
    for block in range(n_blocks - 1, 0, -1):
        wanted = before[stop] * block / (block + 1)
        right = int(np.searchsorted(before, wanted))
        start = right - int(wanted - before[right - 1] < before[right] - wanted)
        stop = min(max(start, block), stop - 1)  # no block is empty, however uneven the moments
        starts.append(stop)
    return starts[::-1]
