"""List columns as flat values and offsets."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from skbseq._frames._columns import MAX_OFFSET, as_array, kind_of
from skbseq._sequences import offsets_of, ranges
from skbseq.exceptions import SequenceFrameError

_MARK = b"skbseq.mark"


@dataclass(frozen=True)
class Lists:
    """A list column: the values of all rows end to end, and where each row begins.

    Row ``i`` holds ``values[offsets[i]:offsets[i + 1]]``.

    The column's Arrow type may carry a mark: a word that says what made the values. Arrow and
    pandas keep it through selections of rows, pickles and Parquet; polars does not.
    """

    values: pa.Array
    offsets: np.ndarray
    dtype: pa.DataType | None = None

    @property
    def lengths(self):
        """Number of values of each row."""
        return np.diff(self.offsets)

    @property
    def mark(self):
        """What made the values, None where nothing is known of it."""
        return None if self.dtype is None else _read_mark(self.dtype)

    def contradicts(self, mark):
        """Whether the values are known to be made by something else."""
        # To compare whole types takes a tenth of the time of reading what one carries.
        if self.dtype is None or self.dtype.equals(
            marked_list(self.values.type, mark), check_metadata=True
        ):
            return False
        return self.mark not in (None, mark)

    def to_arrow(self):
        """An Arrow list array that shares these values."""
        if len(self.values) > MAX_OFFSET:
            return pa.LargeListArray.from_arrays(pa.array(self.offsets, pa.int64()), self.values)
        # Read ones may be of other list types than the one made here.
        dtype = self.dtype if isinstance(self.dtype, pa.ListType) else None
        offsets = pa.array(self.offsets.astype(np.int32))  # Arrow's own cast takes a row longer
        return pa.ListArray.from_arrays(offsets, self.values, dtype)


@lru_cache(maxsize=1024)
def marked_list(dtype, mark):
    """The type of lists of values of a type, with a mark; None for the mark None."""
    return None if mark is None else pa.list_(pa.field("item", dtype, metadata={_MARK: mark}))


def _read_mark(dtype):
    if not is_list(dtype):
        return None
    mark = (dtype.value_field.metadata or {}).get(_MARK)
    return None if mark is None else mark.decode()


def is_list(dtype):
    """Whether an Arrow type is one of its list types."""
    return kind_of(dtype) == "list"


def to_lists(column, name, *, nested=False):
    """The values of a list column, end to end; null rows become empty lists.

    Raises
    ------
    SequenceFrameError
        If it holds lists of lists, unless ``nested`` says that they are welcome.
    """
    array = as_array(column)
    if pa.types.is_null(array.type):
        return Lists(pa.nulls(0), np.zeros(len(array) + 1, np.int64))
    if is_list(array.type.value_type) and not nested:
        raise SequenceFrameError(
            f"Column {name!r} holds lists of lists; a channel has one value per event. Of vectors "
            "of numbers SequenceEncoder makes one column per component."
        )
    if pa.types.is_list_view(array.type) or pa.types.is_large_list_view(array.type):
        return _read_views(array)
    if pa.types.is_fixed_size_list(array.type):
        array = array.cast(pa.large_list(array.type.value_type))
    if not array.null_count:
        offsets = array.offsets.to_numpy().astype(np.int64)
        values = array.values.slice(offsets[0], offsets[-1] - offsets[0])
        return Lists(values, offsets - offsets[0], array.type)
    lengths = pc.list_value_length(array)
    if lengths.null_count:
        lengths = pc.fill_null(lengths, 0)
    lengths = lengths.to_numpy(zero_copy_only=False)
    return Lists(array.flatten(), offsets_of(lengths), array.type)


def _read_views(array):
    # Arrow 26 makes invalid lists of views that have a null or empty row (seen in cast and
    # flatten), which abort the process when read.
    starts = array.offsets.to_numpy().astype(np.int64)
    present = array.is_valid().to_numpy(zero_copy_only=False)
    lengths = np.where(present, array.sizes.to_numpy(), 0)
    positions, offsets = ranges(starts, starts + lengths)
    return Lists(array.values.take(pa.array(positions)), offsets)


def stack_matrices(cells):
    """Lists of vectors of two-dimensional arrays, one array per row and one vector per event.

    Arrow takes arrays of one dimension only. Rows may also be missing or empty.

    Returns
    -------
    pyarrow.Array or list
        A list where the arrays are not all of numbers and of one width: the same cells, each
        array as a list of its rows.
    """
    filled = [cell for cell in cells if _is_listlike(cell) and len(cell)]
    alike = {
        (cell.shape[1], cell.dtype.kind in "biuf") if _is_matrix(cell) else None for cell in filled
    }
    if len(alike) == 1 and None not in alike:
        width, numeric = alike.pop()
        if width > 0 and numeric and all(_is_listlike(c) or _is_missing(c) for c in cells):
            flat = pa.array(np.concatenate(filled).ravel())
            vectors = pa.FixedSizeListArray.from_arrays(flat, width)
            lengths = [len(cell) if _is_listlike(cell) else 0 for cell in cells]
            return Lists(vectors, offsets_of(lengths)).to_arrow()
    return [list(cell) if _is_matrix(cell) else cell for cell in cells]


def holds_matrices(cells):
    """Whether some of the cells are two-dimensional arrays."""
    first = next((cell for cell in cells if not _is_missing(cell)), None)
    # Columns of strings and the like are told from one cell.
    return _is_listlike(first) and any(map(_is_matrix, cells))


def _is_listlike(cell):
    return isinstance(cell, (list, tuple, np.ndarray))


def _is_matrix(cell):
    return isinstance(cell, np.ndarray) and cell.ndim == 2


def _is_missing(cell):
    return pd.api.types.is_scalar(cell) and pd.isna(cell)
