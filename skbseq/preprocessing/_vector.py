"""Vector channels: one scale for all components, which keeps the directions."""

import numpy as np

from skbseq import _frames
from skbseq.exceptions import SequenceFrameError

# The square of this number is still finite.
_LARGEST = 1e150
# Events scaled at a time, which bounds the memory for wide vectors.
_BLOCK = 65_536


class VectorScale:
    """One scale for all components of a vector, which keeps its direction.

    With the median length :math:`m` at fit (without zero vectors) and :math:`d` components,

    .. math:: x' = \\sqrt{d} \\, \\operatorname{arsinh}(|x| / m) \\, x / |x|

    so that a component is of the order of 1 and outliers do not dominate. Vectors of equal
    length, as most embeddings are, are only multiplied by a constant. A zero vector stays zero.
    """

    def __init__(self, vectors):
        lengths = _lengths(vectors)
        lengths = lengths[lengths > 0]
        self.length = float(np.median(lengths)) if lengths.size else 1.0

    def __call__(self, vectors):
        """Scaled components, as float32 of shape (n_components, n_vectors)."""
        # Transposed, because each component becomes a channel of its own.
        scaled = np.empty(vectors.shape[::-1], np.float32)
        for start in range(0, len(vectors), _BLOCK):
            block = vectors[start : start + _BLOCK]
            scaled[:, start : start + _BLOCK] = (block * self._factors(block)[:, None]).T
        return scaled

    def _factors(self, vectors):
        lengths = _lengths(vectors)
        with np.errstate(over="ignore"):
            ratios = np.minimum(lengths / self.length, _LARGEST**2)
        factors = np.sqrt(vectors.shape[1]) * np.arcsinh(ratios)
        return np.divide(factors, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def _lengths(vectors):
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))


def _shrink(vectors):
    """The same vectors, shortened where the square of their length might overflow."""
    peaks = np.maximum(vectors.max(axis=1, initial=0), -vectors.min(axis=1, initial=0))
    if (peaks > _LARGEST).any():
        vectors = vectors / np.maximum(peaks / _LARGEST, 1)[:, None]
    return vectors


class VectorChannel:
    """Turns a vector channel into one channel per component, and flags missing vectors.

    A vector that lacks a component counts as missing.
    """

    def __init__(self, name, values, options, place):
        self.name = name
        lists, missing = self._read(place.cut(values))
        sizes = lists.lengths[~missing]
        self.size = int(sizes[0]) if sizes.size else 0
        vectors, missing = self._vectors(lists, missing, place)
        self.scale = VectorScale(vectors)
        self.flagged = bool(missing.any())
        self.names = [f"{name}_{i}" for i in range(self.size)]
        if self.flagged:
            self.names.append(f"{name}_missing")

    def _read(self, values):
        """The components end to end, and a mask of the null vectors."""
        kind = _frames.kind_of(values.type)
        inner = _frames.kind_of(values.type.value_type) if kind == "list" else kind
        if kind not in ("list", "null") or inner not in ("float", "integer", "boolean", "null"):
            held = f"lists of {inner} values" if kind == "list" else f"{kind} values"
            raise SequenceFrameError(
                f"{self.name!r} holds {held}, but each event must have a vector, a list of "
                "numbers. Convert them, or leave the column out of vector=."
            )
        return _frames.to_lists(values, self.name), _frames.is_missing(values)

    def _vectors(self, lists, missing, place):
        """Vectors of shape (n_events, size), zeros for missing ones, and a mask of these."""
        self._check_sizes(lists.lengths, missing, place)
        there = np.flatnonzero(~missing)
        found = _frames.numbers(lists.values).reshape(len(there), self.size)
        infinite = np.isinf(found).any(axis=1)
        if infinite.any():
            row = place.row_of(there[_frames.first_row(infinite)])
            raise SequenceFrameError(
                f"Row {row} of {self.name!r} holds a vector with an infinite component. Replace "
                "it by a number, or the vector by null if it is unknown."
            )
        lacking = np.isnan(found).any(axis=1)
        found = _shrink(found)
        if not missing.any() and not lacking.any():
            return found, missing
        missing = missing.copy()
        missing[there[lacking]] = True
        vectors = np.zeros((len(missing), self.size))
        vectors[~missing] = found[~lacking]
        return vectors, missing

    def _check_sizes(self, sizes, missing, place):
        wrong = ~missing & ((sizes != self.size) | (sizes == 0))
        if wrong.any():
            at = _frames.first_row(wrong)
            before = f"the first one at fit had {self.size}" if self.size else "fit saw none"
            raise SequenceFrameError(
                f"Row {place.row_of(at)} of {self.name!r} holds a vector of {sizes[at]} numbers; "
                f"{before}. Give vectors of one size, and null for an unknown vector."
            )

    def learned(self):
        """Everything that determines the scaled components."""
        return [self.size, self.scale.length]

    def transform(self, values, place):
        """Scaled components by output name; a missing vector becomes zeros and is flagged."""
        lists, missing = self._read(place.cut(values))
        vectors, missing = self._vectors(lists, missing, place)
        result = dict(zip(self.names[: self.size], self.scale(vectors), strict=True))
        if self.flagged:
            result[f"{self.name}_missing"] = missing.astype(np.float32)
        elif missing.any():
            place.warn_of_missing(self.name, missing, taken_as="zeros")
        return result
