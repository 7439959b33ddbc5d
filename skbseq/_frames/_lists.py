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

# Key in the metadata of an Arrow field. Parquet files of earlier versions hold it: do not change.
_FINGERPRINT = b"skbseq.mark"
# The same, for the scale of a channel of gaps.
_GAP_SCALE = b"skbseq.gap_scale"


@dataclass(frozen=True)
class Lists:
    """A list column: the values of all rows end to end, and the offset where each row begins.

    Row ``i`` holds ``values[offsets[i]:offsets[i + 1]]``.

    The column's Arrow type may carry an encoder fingerprint, which identifies the fitted encoder
    that made the values, and the scale of the gaps between events. Arrow and pandas keep both
    when rows are selected, in pickles and in Parquet files; polars does not.
    """

    values: pa.Array
    offsets: np.ndarray
    dtype: pa.DataType | None = None

    @property
    def lengths(self):
        """Number of values of each row."""
        return np.diff(self.offsets)

    @property
    def fingerprint(self):
        """Fingerprint of the encoder that made the values, None if unknown."""
        return None if self.dtype is None else _read_metadata(self.dtype, _FINGERPRINT)

    @property
    def gap_scale(self):
        """Center and half width of scaled gaps, None if the values are no gaps or unknown.

        A value ``x`` is a gap of ``exp(center + half_width * sinh(x)) - 1`` seconds.
        """
        text = None if self.dtype is None else _read_metadata(self.dtype, _GAP_SCALE)
        return None if text is None else tuple(float(number) for number in text.split())

    def contradicts(self, fingerprint, gap_scale=None):
        """Whether the values are known to come from another encoder."""
        # Comparing whole types takes a tenth of the time of reading the metadata of one.
        if self.dtype is None or self.dtype.equals(
            list_type(self.values.type, fingerprint, gap_scale), check_metadata=True
        ):
            return False
        return self.fingerprint not in (None, fingerprint)

    def to_arrow(self):
        """An Arrow list array that shares these values."""
        if len(self.values) > MAX_OFFSET:
            return pa.LargeListArray.from_arrays(pa.array(self.offsets, pa.int64()), self.values)
        # The column that was read may have had another of Arrow's list types.
        dtype = self.dtype if isinstance(self.dtype, pa.ListType) else None
        offsets = pa.array(self.offsets.astype(np.int32))  # faster than Arrow's cast for one row
        return pa.ListArray.from_arrays(offsets, self.values, dtype)


@lru_cache(maxsize=1024)  # each prediction needs it for each channel
def list_type(dtype, fingerprint, gap_scale=None):
    """Arrow type of lists of ``dtype`` with an encoder fingerprint; None without one.

    Parameters
    ----------
    dtype : pyarrow.DataType
    fingerprint : str or None
    gap_scale : tuple of (float, float), default=None
        Of `Lists.gap_scale`.
    """
    if fingerprint is None:
        return None
    metadata = {_FINGERPRINT: fingerprint}
    if gap_scale is not None:  # in full: a float is read from its text as it was
        metadata[_GAP_SCALE] = " ".join(map(repr, gap_scale))
    return pa.list_(pa.field("item", dtype, metadata=metadata))


def _read_metadata(dtype, key):
    if not is_list(dtype):
        return None
    found = (dtype.value_field.metadata or {}).get(key)
    return None if found is None else found.decode()


def is_list(dtype):
    """Whether an Arrow type is any of Arrow's list types."""
    return kind_of(dtype) == "list"


def to_lists(column, name, *, nested=False):
    """The values of a list column, end to end; null rows become empty lists.

    Raises
    ------
    SequenceFrameError
        If it holds lists of lists, unless ``nested`` allows them.
    """
    array = as_array(column)
    if pa.types.is_null(array.type):
        return Lists(pa.nulls(0), np.zeros(len(array) + 1, np.int64))
    if is_list(array.type.value_type) and not nested:
        raise SequenceFrameError(
            f"Column {name!r} holds lists of lists; a channel has one value per event. "
            "SequenceEncoder turns vectors of numbers into one column per component."
        )
    if pa.types.is_list_view(array.type) or pa.types.is_large_list_view(array.type):
        return _read_views(array)
    if pa.types.is_fixed_size_list(array.type):
        array = array.cast(pa.large_list(array.type.value_type))
    if not array.null_count:  # then nothing needs to be copied
        offsets = array.offsets.to_numpy().astype(np.int64)
        values = array.values.slice(offsets[0], offsets[-1] - offsets[0])
        return Lists(values, offsets - offsets[0], array.type)
    lengths = pc.list_value_length(array)
    if lengths.null_count:
        lengths = pc.fill_null(lengths, 0)
    lengths = lengths.to_numpy(zero_copy_only=False)
    return Lists(array.flatten(), offsets_of(lengths), array.type)


def _read_views(array):
    # Arrow 26 makes invalid lists from views with a null or empty row (seen in cast and flatten).
    # Reading such a list aborts the process.
    starts = array.offsets.to_numpy().astype(np.int64)
    present = array.is_valid().to_numpy(zero_copy_only=False)
    lengths = np.where(present, array.sizes.to_numpy(), 0)
    positions, offsets = ranges(starts, starts + lengths)
    return Lists(array.values.take(pa.array(positions)), offsets)


def stack_matrices(cells):
    """Convert two-dimensional arrays, one per row with one vector per event, to lists of vectors.

    Arrow accepts one-dimensional arrays only. Rows may also be missing or empty.

    Returns
    -------
    pyarrow.Array or list
        A list if the arrays do not all hold numbers or differ in width: the same cells, with
        each array as a list of its rows.
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
    # One cell is enough to recognise a column of strings or other scalars.
    return _is_listlike(first) and any(map(_is_matrix, cells))


def _is_listlike(cell):
    return isinstance(cell, (list, tuple, np.ndarray))


def _is_matrix(cell):
    return isinstance(cell, np.ndarray) and cell.ndim == 2


def _is_missing(cell):
    return pd.api.types.is_scalar(cell) and pd.isna(cell)
