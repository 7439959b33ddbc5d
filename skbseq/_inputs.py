"""Read encoded frames and numeric arrays as flat sequences, checked column by column."""

from types import MappingProxyType

import numpy as np

from skbseq import _frames
from skbseq._sequences import UNKNOWN, Sequences, array_lengths, event_array, offsets_of
from skbseq.exceptions import SequenceFrameError

# Each code up to the largest has a row of weights: of 10 million they take 1.3 GB, and the
# optimizer twice as much again.
_MOST_CODES = 10_000_000
_FIX = "Put a SequenceEncoder before the estimator, which turns it into codes or floats."


class InputSchema:
    """Which columns an estimator was fitted on, and the sizes of their vocabularies.

    Parameters
    ----------
    vocabulary_sizes : dict of str to int
        Categorical channels: 1 + the largest code seen at fit.
    numbers : list of str
        Numeric channels.
    context : list of str
        Ordinary columns.
    array_ndim : int, default=None
        Dimensions of X where it was an array: then ``numbers`` counts its channels.
    fingerprints : dict of str to str, default=None
        Of the encoder that made a channel, by channel, where it is known.
    gap_scales : dict of str to tuple of (float, float), default=None
        Center and half width of each numeric channel that holds scaled gaps, where known.
    """

    # Of a schema in a file that has none.
    fingerprints = gap_scales = MappingProxyType({})

    def __init__(
        self,
        vocabulary_sizes,
        numbers,
        context,
        array_ndim=None,
        fingerprints=None,
        gap_scales=None,
    ):
        self.vocabulary_sizes = vocabulary_sizes
        self.numbers = numbers
        self.context = context
        self.array_ndim = array_ndim
        self.fingerprints = fingerprints or {}
        self.gap_scales = gap_scales or {}

    def __setstate__(self, state):
        # Files of version 0.1 call them marks.
        marks = state.pop("marks", None)
        vars(self).update(state if marks is None else state | {"fingerprints": marks})

    def __str__(self):
        if self.array_ndim is not None:
            return f"an array of {self.array_ndim} dimensions and {len(self.numbers)} channels"
        channels = ", ".join(map(repr, self.channels))
        context = ", ".join(map(repr, self.context)) or "none"
        return f"a sequence frame with the list columns {channels} and ordinary columns {context}"

    @property
    def channels(self):
        """Names of all list columns."""
        return [*self.vocabulary_sizes, *self.numbers]

    @classmethod
    def of_array(cls, X):
        """Learn the schema of an array of shape (n_samples, n_steps[, n_channels])."""
        n_channels = 1 if X.ndim == 2 else X.shape[2]
        return cls({}, [f"x{i}" for i in range(n_channels)], [], X.ndim)

    @classmethod
    def of_frame(cls, columns):
        """Learn the schema of a sequence frame that was taken apart."""
        sizes, numbers = {}, []
        for name, column in columns.lists.items():
            kind = _frames.kind_of(column.values.type)
            if kind == "integer":
                sizes[name] = _vocabulary_size(name, column)
            elif kind in ("float", "boolean", "null"):
                numbers.append(name)
            else:
                raise SequenceFrameError(
                    f"Channel {name!r} holds {kind} values; a network takes codes (integers) or "
                    f"floats. {_FIX}"
                )
        for name, values in columns.ordinary.items():
            kind = _frames.kind_of(values.type)
            if kind not in ("integer", "float", "boolean"):
                raise SequenceFrameError(
                    f"Ordinary column {name!r} holds {kind} values; context must be numbers. "
                    "Drop it, or put a SequenceEncoder before the estimator, which uses only the "
                    "ordinary columns that its context= names."
                )
        found = {name: column.fingerprint for name, column in columns.lists.items()}
        found = {name: fingerprint for name, fingerprint in found.items() if fingerprint}
        scales = {name: columns.lists[name].gap_scale for name in numbers}
        scales = {name: scale for name, scale in scales.items() if scale}
        return cls(sizes, numbers, list(columns.ordinary), fingerprints=found, gap_scales=scales)

    def read_frame(self, columns):
        """Sequences of a frame that was taken apart, its columns in any order."""
        self._check_names(columns)
        lists = columns.lists
        self._check_fingerprints(lists)
        offsets = next(iter(lists.values())).offsets
        sizes = self.vocabulary_sizes.items()
        codes = (self._codes(name, lists[name], size) for name, size in sizes)
        numbers = (_finite(name, lists[name].values, offsets) for name in self.numbers)
        context = (_finite(name, columns.ordinary[name], None) for name in self.context)
        n_events, n_rows, n_numbers = int(offsets[-1]), columns.n_rows, len(self.numbers)
        return Sequences(
            _side_by_side(codes, n_events, event_array((n_events, len(sizes)), np.int32)),
            _side_by_side(numbers, n_events, event_array((n_events, n_numbers), np.float32)),
            _side_by_side(context, n_rows, np.empty((n_rows, len(self.context)), np.float32)),
            offsets[:-1],
            np.diff(offsets),
        )

    def read_array(self, X):
        """Sequences of an array of shape (n_samples, n_steps[, n_channels])."""
        if X.ndim != self.array_ndim or (X.ndim == 3 and X.shape[2] != len(self.numbers)):
            raise ValueError(f"X has shape {X.shape}; the estimator was fitted on {self}.")
        lengths = array_lengths(X)
        values = X[..., None] if X.ndim == 2 else X
        offsets = offsets_of(lengths)
        numbers = event_array((offsets[-1], values.shape[2]), np.float32)
        with np.errstate(over="ignore"):
            numbers[: offsets[-1]] = values[np.arange(X.shape[1]) < lengths[:, None]]
        if not np.isfinite(numbers).all():
            row = _row_of(int(np.argwhere(~np.isfinite(numbers))[0][0]), offsets)
            raise SequenceFrameError(f"Row {row} holds a value that is infinite as float32.")
        no_codes = np.zeros((len(numbers), 0), np.int32)
        context = np.zeros((len(X), 0), np.float32)
        return Sequences(no_codes, numbers, context, offsets[:-1], lengths)

    def _check_names(self, columns):
        for wanted, there, kind in (
            (self.channels, columns.lists, "list"),
            (self.context, columns.ordinary, "ordinary"),
        ):
            lost = [name for name in wanted if name not in there]
            new = [name for name in there if name not in wanted]
            if lost or new:
                problem = f"lacks the {kind} column {lost[0]!r}" if lost else ""
                problem = problem or f"has the {kind} column {new[0]!r}, unknown at fit"
                raise SequenceFrameError(
                    f"The frame {problem}. The estimator was fitted on {self}."
                )

    def _check_fingerprints(self, lists):
        for name, fingerprint in self.fingerprints.items():
            if lists[name].contradicts(fingerprint, self.gap_scales.get(name)):
                raise SequenceFrameError(
                    f"Channel {name!r} was encoded by another SequenceEncoder than at the "
                    "estimator's fit, or by one fitted on other data, so its codes mean something "
                    "else. Encode with the one of the fit; a pipeline keeps both together. (An "
                    "estimator that continues training, as with warm_start, must keep its "
                    "encoder: put sklearn.frozen.FrozenEstimator(encoder) before it.)"
                )

    def _codes(self, name, column, size):
        if _frames.kind_of(column.values.type) not in ("integer", "null"):
            raise SequenceFrameError(
                f"Channel {name!r} held integer codes at fit; now it holds "
                f"{_frames.kind_of(column.values.type)} values. {_FIX}"
            )
        codes = _frames.integers(column.values, narrow=True)
        if column.values.null_count or codes.min(initial=0) < 0:
            missing = _frames.is_missing(column.values)
            bad = missing | (codes < 0)
            at = _frames.first_row(bad)
            what = "a missing code" if missing[at] else f"the negative code {codes[at]}"
            raise SequenceFrameError(
                f"Row {_row_of(at, column.offsets)} of channel {name!r} holds {what}. {_FIX}"
            )
        known = codes.max(initial=0) < size
        return codes if known else np.where(codes >= size, UNKNOWN, codes)


def _vocabulary_size(name, column):
    """1 + the largest code of a channel."""
    codes = _frames.integers(column.values, narrow=True)
    top = max(codes.max(initial=0), UNKNOWN)
    if top > _MOST_CODES:
        row = _row_of(_frames.first_row(codes > _MOST_CODES), column.offsets)
        raise SequenceFrameError(
            f"Row {row} of channel {name!r} holds a code above {_MOST_CODES:,}. Codes are not "
            "identifiers: a network has weights for each up to the largest. Put a "
            "SequenceEncoder before the estimator, with max_categories or min_frequency if the "
            "categories are many."
        )
    return int(top) + 1


def _finite(name, values, offsets):
    kind = _frames.kind_of(values.type)
    if kind not in ("integer", "float", "boolean", "null"):
        raise SequenceFrameError(f"Column {name!r} holds {kind} values, not numbers. {_FIX}")
    numbers = _frames.numbers(values, narrow=True)
    with np.errstate(over="ignore"):
        result = numbers.astype(np.float32, copy=False)
    if not np.isfinite(result).all():
        at = _frames.first_row(~np.isfinite(result))
        row = at if offsets is None else _row_of(at, offsets)
        what = "NaN" if np.isnan(numbers[at]) else f"{numbers[at]}, infinite as float32"
        raise SequenceFrameError(
            f"Row {row} of column {name!r} holds {what}. SequenceEncoder scales numbers and "
            "keeps missing ones visible; put it before the estimator, or fill them in."
        )
    return result


def _row_of(position, offsets):
    return int(np.searchsorted(offsets, position, side="right")) - 1


def _side_by_side(columns, n_rows, result):
    """Columns, made one after the other, in one array: never two copies of all of them."""
    for i, column in enumerate(columns):
        result[:n_rows, i] = column
    return result


def check_is_raw(columns, made=None):
    """Refuse the codes of an encoder where raw values are expected.

    Parameters
    ----------
    columns : SequenceColumns
    made : collection of str, default=None
        Encoder fingerprints to refuse. None: all.

    Raises
    ------
    SequenceFrameError
        If a list column carries such a fingerprint.
    """
    found = {name: column.fingerprint for name, column in columns.lists.items()}
    coded = [n for n, mark in found.items() if mark and (made is None or mark in made)]
    if coded:
        raise SequenceFrameError(
            f"{', '.join(map(repr, coded))} hold what a SequenceEncoder made of a sequence frame. "
            "Pass the frame with the raw values instead."
        )
