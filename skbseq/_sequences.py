"""Encoded sequences as flat arrays and offsets, without padding."""

import math
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from skbseq.exceptions import SequenceFrameError

# Code 0 is padding, code 1 any value without a code of its own; the vocabulary follows.
UNKNOWN = 1
FIRST_CATEGORY = 2
# Smallest event array of a compiled training program; smaller ones are padded to it.
FEWEST_EVENTS = 2048
# TensorFlow uses an array without a copy if its address is a multiple of this many bytes.
ALIGNMENT = 64


def offsets_of(lengths):
    """Start of each range if the ranges are laid end to end, and the end of the last one."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def ranges(starts, stops):
    """All positions of many ranges end to end, and the offset of each range among them."""
    lengths = stops - starts
    offsets = offsets_of(lengths)
    positions = np.arange(offsets[-1])
    positions += np.repeat(starts - offsets[:-1], lengths)
    return positions, offsets


def round_up(n, least=64):
    """Round up to one of eight sizes per power of two, so by at most an eighth.

    Sizes that differ a little, as in the folds of a cross-validation, become equal.
    """
    if n <= least:
        return least
    grain = 1 << max(int(n - 1).bit_length() - 4, 0)
    return -(-n // grain) * grain


def aligned_zeros(shape, dtype):
    """Zeros in memory that TensorFlow can use in place."""
    # NumPy does not guarantee the alignment, so take some more bytes and skip the first ones.
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(n_bytes + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + n_bytes].view(dtype).reshape(shape)


def aligned_copy(array):
    """A copy in memory that TensorFlow can use in place."""
    result = aligned_zeros(array.shape, array.dtype)
    result[...] = array
    return result


def event_array(shape, dtype):
    """Zeros with one row per event, and some unused rows after many events.

    A compiled training program needs that many rows. Adding them later would copy all events.
    """
    n_events, n_channels = shape
    if n_events < FEWEST_EVENTS:  # so few are copied quickly
        return np.zeros(shape, dtype)
    return aligned_zeros((round_up(n_events), n_channels), dtype)


def array_lengths(X):
    """Number of real steps of each row of an array; NaN at the end of a row is padding.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_steps) or (n_samples, n_steps, n_channels)

    Returns
    -------
    ndarray of int64 of shape (n_samples,)

    Raises
    ------
    SequenceFrameError
        If there is NaN before the last real step of a row.
    """
    missing = np.isnan(X)
    real = ~missing if X.ndim == 2 else ~missing.all(axis=2)
    lengths = np.where(real.any(axis=1), X.shape[1] - real[:, ::-1].argmax(axis=1), 0)
    inside = np.arange(X.shape[1]) < lengths[:, None]
    gaps = missing & (inside if X.ndim == 2 else inside[..., None])
    if gaps.any():
        row, step = (int(i) for i in np.argwhere(gaps)[0][:2])
        raise SequenceFrameError(
            f"Row {row} holds NaN at step {step}, before its last real step. In an array, NaN is "
            "padding and may only come at the end of a row. Give a sequence frame to "
            "SequenceEncoder, which keeps missing values visible, or impute the value."
        )
    return lengths.astype(np.int64)


@dataclass(frozen=True)
class Room:
    """Sizes that a compiled training program should have room for.

    Parameters
    ----------
    n_samples, n_events : int
    longest : int
        Length of the longest history.
    """

    n_samples: int = 0
    n_events: int = 0
    longest: int = 1


_NO_ROOM = Room()
_ROOM = ContextVar("room", default=_NO_ROOM)


@contextmanager
def room_for(lengths):
    """Context in which a fit compiles a program with room for these histories.

    The sizes of a compiled program are fixed. A fit on more samples would compile another one,
    unless the fit before it has made room for them.

    Parameters
    ----------
    lengths : ndarray of int of shape (n_samples,)
    """
    room = Room(len(lengths), int(lengths.sum()), int(lengths.max(initial=1)))
    token = _ROOM.set(room)
    try:
        yield
    finally:
        _ROOM.reset(token)


def current_room():
    """The sizes that `room_for` asks for; the smallest ones outside of it."""
    return _ROOM.get()


@dataclass(frozen=True)
class Sequences:
    """Encoded sequences of several channels, with their events end to end.

    Parameters
    ----------
    codes : ndarray of int32 of shape (n_events, n_categorical_channels)
    numbers : ndarray of float32 of shape (n_events, n_numeric_channels)
    context : ndarray of float32 of shape (n_samples, n_context_columns)
    starts, lengths : ndarray of int64 of shape (n_samples,)
        Sample ``i`` has the ``lengths[i]`` events from ``starts[i]`` on. Some events may belong
        to no sample.
    """

    codes: np.ndarray
    numbers: np.ndarray
    context: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    def __len__(self):
        return len(self.starts)

    def take(self, rows):
        """Some samples, in the given order; they share the event arrays."""
        return Sequences(
            self.codes, self.numbers, self.context[rows], self.starts[rows], self.lengths[rows]
        )


def join_sequences(parts):
    """Concatenate several :class:`Sequences` with the same channels."""
    # A part may have unused rows after its last event.
    sizes = [int((part.starts + part.lengths).max(initial=0)) for part in parts]
    first = offsets_of(sizes)
    return Sequences(
        _end_to_end([part.codes for part in parts], first),
        _end_to_end([part.numbers for part in parts], first),
        np.concatenate([part.context for part in parts]),
        np.concatenate([part.starts + at for part, at in zip(parts, first, strict=False)]),
        np.concatenate([part.lengths for part in parts]),
    )


def _end_to_end(arrays, offsets):
    result = event_array((offsets[-1], arrays[0].shape[1]), arrays[0].dtype)
    for array, start, stop in zip(arrays, offsets, offsets[1:], strict=False):
        result[start:stop] = array[: stop - start]
    return result
