"""List columns as flat values and offsets."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skbseq._frames._columns import MAX_OFFSET, as_array, kind_of
from skbseq._sequences import offsets_of, ranges
from skbseq.exceptions import SequenceFrameError


@dataclass(frozen=True)
class Lists:
    """A list column: the values of all rows end to end, and where each row begins.

    Row ``i`` holds ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: pa.Array
    offsets: np.ndarray

    @property
    def lengths(self):
        """Number of values of each row."""
        return np.diff(self.offsets)

    def to_arrow(self):
        """An Arrow list array that shares these values."""
        if len(self.values) > MAX_OFFSET:
            return pa.LargeListArray.from_arrays(pa.array(self.offsets, pa.int64()), self.values)
        return pa.ListArray.from_arrays(pa.array(self.offsets, pa.int32()), self.values)


def is_list(dtype):
    """Whether an Arrow type is one of its list types."""
    return kind_of(dtype) == "list"


def to_lists(column, name):
    """The values of a list column, end to end; null rows become empty lists.

    Raises
    ------
    SequenceFrameError
        If it holds lists of lists.
    """
    array = as_array(column)
    if pa.types.is_null(array.type):
        return Lists(pa.nulls(0), np.zeros(len(array) + 1, np.int64))
    if is_list(array.type.value_type):
        raise SequenceFrameError(
            f"Column {name!r} holds lists of lists; a channel has one value per event. "
            "Split the vectors into one column per component."
        )
    if pa.types.is_list_view(array.type) or pa.types.is_large_list_view(array.type):
        return _read_views(array)
    if pa.types.is_fixed_size_list(array.type):
        array = array.cast(pa.large_list(array.type.value_type))
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    return Lists(array.flatten(), offsets_of(lengths))


def _read_views(array):
    # Arrow 26 makes invalid lists of views that have a null or empty row (seen in cast and
    # flatten), which abort the process when read.
    starts = array.offsets.to_numpy().astype(np.int64)
    present = array.is_valid().to_numpy(zero_copy_only=False)
    lengths = np.where(present, array.sizes.to_numpy(), 0)
    positions, offsets = ranges(starts, starts + lengths)
    return Lists(array.values.take(pa.array(positions)), offsets)
