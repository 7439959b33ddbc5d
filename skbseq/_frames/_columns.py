"""Columns as Arrow arrays: their types, their distinct values, and their numbers."""

from functools import lru_cache
from itertools import repeat

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from skbseq._sequences import ranges

MAX_OFFSET = 2**31 - 1
# Arbitrary, as long as no common value has this hash.
_HASH_OF_NULL = np.uint64(0x9E3779B97F4A7C15)

# An integer written without leading zeros; 18 digits always fit into 64 bits.
INTEGER_ID = r"^(?:0|-?[1-9][0-9]{0,17})$"

# `ValueIndex` uses hashes only if it holds at least _MANY values, and at most one in _ONE_IN of
# them is looked up. Otherwise reading all values is as fast.
_MANY, _ONE_IN = 4096, 16
# For up to _FEW looked-up values a dict is faster; one of _MOST_IN_DICT values takes some 10 MB.
_FEW, _MOST_IN_DICT = 64, 2**16

# Libraries differ in the Arrow types of their decimals, categoricals and strings.
_KINDS = (
    ("boolean", pa.types.is_boolean),
    ("integer", pa.types.is_integer),
    ("float", pa.types.is_floating),
    ("float", pa.types.is_decimal),
    ("timestamp", pa.types.is_timestamp),
    ("timestamp", pa.types.is_date),
    ("string", pa.types.is_dictionary),
    ("string", pa.types.is_string),
    ("string", pa.types.is_large_string),
    ("string", pa.types.is_string_view),
    ("duration", pa.types.is_duration),
    ("null", pa.types.is_null),
    ("list", pa.types.is_list),
    ("list", pa.types.is_large_list),
    ("list", pa.types.is_fixed_size_list),
    ("list", pa.types.is_list_view),
    ("list", pa.types.is_large_list_view),
)


@lru_cache(maxsize=256)  # each prediction calls this several times
def kind_of(dtype):
    """General name of an Arrow type: integer, float, boolean, string, timestamp, list and so on.

    A categorical counts as a string.
    """
    return next((name for name, test in _KINDS if test(dtype)), str(dtype))


def as_array(column):
    """A column as one contiguous Arrow array, however it is chunked."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_string(column.type) and column.nbytes > MAX_OFFSET:
        column = column.cast(pa.large_string())  # 32-bit offsets would overflow
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def take(column, rows):
    """Some rows of a column, in the given order."""
    column = as_array(column)
    if pa.types.is_string_view(column.type):  # Arrow takes no rows of them
        column = _read_views(column)
    return column.take(rows if isinstance(rows, pa.Array) else pa.array(rows))


def make_array(values):
    """Make an Arrow array from Python or NumPy values; NaN becomes null."""
    return pa.array(values, from_pandas=True)


def string_array(texts):
    """An Arrow array of strings, also of none."""
    return pa.array(texts, pa.string())


def is_missing(column):
    """Mask of the values that are null or NaN."""
    array = as_array(column)
    if pa.types.is_integer(array.type) and not array.null_count:
        return np.zeros(len(array), bool)
    # In a categorical, the category itself may be null.
    if pa.types.is_dictionary(array.type) and array.dictionary.null_count:
        array = array.dictionary_decode()
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())
    return array.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)


def nan_to_null(array):
    """The same values, with null instead of NaN."""
    array = as_array(array)
    if not pa.types.is_floating(array.type):
        return array
    array = _comparable(array)
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def whole_to_integers(array):
    """Floats that are all whole numbers as int64, null for NaN; other arrays are unchanged.

    From 2**53 on, floats cannot represent every integer, so such arrays are unchanged too.
    """
    if not pa.types.is_floating(array.type):
        return array
    values = nan_to_null(array).cast(pa.float64())
    exact = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), 2.0**53))
    return values.cast(pa.int64()) if pc.all(exact).as_py() is not False else array


def mantissa_bits(float_type):
    """Bits of a float type's mantissa: up to 2 to this power it represents every integer."""
    return {16: 11, 32: 24, 64: 53}[float_type.bit_width]


def join_strings(left, right, between):
    """Two columns as strings, joined row by row."""
    left, right = (as_array(side).cast(pa.large_string()) for side in (left, right))
    return pc.binary_join_element_wise(left, right, pa.scalar(between, pa.large_string()))


def join_arrays(first, second):
    """Concatenate two arrays of the same kind; different widths are cast to a common type."""
    types = first.type, second.type
    if types[0] != types[1]:
        common = pa.uint64() if pa.uint64() in types else _common_type(*types)
        first, second = first.cast(common), second.cast(common)
    return pa.concat_arrays([first, second])


def append_null(array):
    """The same values and a null at the end."""
    return pa.concat_arrays([array, pa.nulls(1, array.type)])


def pack_array(array):
    """An Arrow array as bytes, in Arrow's stream format."""
    sink = pa.BufferOutputStream()
    batch = pa.record_batch({"values": decode_strings(array)})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return np.frombuffer(sink.getvalue(), np.uint8).copy()


def unpack_array(data):
    """The array packed by :func:`pack_array`, fully validated: the file may be untrusted."""
    array = as_array(pa.ipc.open_stream(pa.py_buffer(data)).read_all()["values"])
    array.validate(full=True)
    return array


def decode_strings(array):
    """The plain values of a categorical or of string views; other arrays are unchanged."""
    if pa.types.is_dictionary(array.type):
        array = as_array(array).dictionary_decode()
    return _read_views(as_array(array)) if pa.types.is_string_view(array.type) else array


# ------------------------------------------------------------------ distinct values


def encode(array):
    """Codes of the values in order of first appearance, -1 for null, and the distinct values.

    Equal values get the same code; 0.0 equals -0.0, and NaN equals NaN. A categorical keeps the
    order of its categories, and also its unused categories.
    """
    array = as_array(array)
    if pa.types.is_dictionary(array.type):
        return _encode_dictionary(array)
    if pa.types.is_nested(array.type):  # Arrow hashes no lists and structs
        array = pa.array([None if v is None else repr(v) for v in array.to_pylist()], pa.string())
    array = _comparable(array).dictionary_encode()
    return _codes(array.indices), array.dictionary


def encode_sorted(array):
    """Codes of the values in ascending order, and the distinct values; nulls are not allowed."""
    array = as_array(array)
    if pa.types.is_integer(array.type) and len(array):
        dense = _encode_dense(array)
        if dense is not None:
            return dense
    codes, values = encode(array)
    rank, values = sorted_rank(values)
    codes = rank[codes]
    present = np.bincount(codes, minlength=len(values)) > 0
    if not present.all():  # a categorical may have unused categories
        values = values.take(pa.array(np.flatnonzero(present)))
        codes = (np.cumsum(present, dtype=np.int32) - 1)[codes]
    return codes, values


def _encode_dense(array):
    """The same by counting, if the integers are dense; twice as fast as hashing."""
    bounds = pc.min_max(array).as_py()
    span = bounds["max"] - bounds["min"] + 1
    # Counting takes memory for the whole span, and works in int64.
    if span > max(4 * len(array), 2**16) or bounds["max"] > np.iinfo(np.int64).max:
        return None
    shifted = array.to_numpy().astype(np.int64, copy=False) - bounds["min"]
    present = np.bincount(shifted, minlength=span) > 0
    codes = (np.cumsum(present, dtype=np.int32) - 1)[shifted]
    values = pa.array(np.flatnonzero(present) + bounds["min"]).cast(array.type)
    return codes, values


def _encode_dictionary(array):
    # An Arrow dictionary may hold a value twice, and may hold null.
    inner = _comparable(array.dictionary).dictionary_encode()
    return _codes(inner.indices.take(array.indices)), inner.dictionary


def _comparable(array):
    """The same values in a type that Arrow can hash and sort; equal values have equal bits."""
    if pa.types.is_string_view(array.type):
        return _read_views(array)
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())
    if pa.types.is_floating(array.type):
        return pc.add(array, pa.scalar(0, array.type))  # -0.0 + 0.0 = 0.0
    return array


def _read_views(array):
    try:
        return array.cast(pa.large_string())
    except pa.ArrowNotImplementedError:  # before Arrow 18
        return pa.array(array.to_pylist(), pa.large_string())


def _codes(indices):
    return pc.fill_null(indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)


def count_values(array):
    """Distinct values without null, as objects, and the count of each."""
    codes, values = encode(array)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    seen = counts > 0
    return to_objects(values)[seen], counts[seen]


def to_objects(array):
    """The values as a NumPy array of Python objects, None for null."""
    result = np.empty(len(array), dtype=object)
    result[:] = array.to_pylist()
    return result


def hash_values(values):
    """64-bit hashes that do not depend on bit width, time unit, library or machine.

    Returns
    -------
    ndarray of uint64 of shape (n_values,)
        Null also has a hash.
    """
    values = decode_strings(as_array(values))
    kind = kind_of(values.type)
    if kind in ("timestamp", "duration"):
        keys = _nanoseconds(values)
    elif kind in ("integer", "float"):
        keys = _number_keys(values)
    elif kind in ("boolean", "null"):
        keys = pc.fill_null(values.cast(pa.bool_()), False).to_numpy(zero_copy_only=False)
    elif kind == "string":  # bytes take half the time, and invalid UTF-8 has a hash too
        keys = _as_bytes(values).to_numpy(zero_copy_only=False)
    else:
        keys = np.array([str(value) for value in values.to_pylist()], dtype=object)
    # pandas guarantees the same result in every process. categorize= only searches for repeats.
    hashes = pd.util.hash_array(keys, categorize=False)
    if values.null_count or kind == "float":  # a float may be NaN
        hashes[is_missing(values)] = _HASH_OF_NULL
    return hashes


def _number_keys(values):
    """Keys of 64 bits: whole numbers by value, other floats by their bits."""
    if pa.types.is_uint64(values.type):
        return pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    if kind_of(values.type) == "integer":
        return integers(values).view(np.uint64)
    floats = numbers(values)
    floats = np.where(np.isnan(floats), 0, floats)
    keys = floats.view(np.uint64).copy()
    # A whole float must get the key of the equal integer; int64 and uint64 differ in range.
    whole = floats == np.floor(floats)
    low = whole & (floats >= -(2.0**63)) & (floats < 2.0**63)
    keys[low] = floats[low].astype(np.int64).view(np.uint64)
    high = whole & (floats >= 2.0**63) & (floats < 2.0**64)
    keys[high] = floats[high].astype(np.uint64)
    return keys


def _nanoseconds(values):
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("s" if pa.types.is_date32(values.type) else "ms"))
    ticks = integers(values)
    # The product may overflow, but equal moments still give equal results.
    return ticks * np.int64({"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[values.type.unit])


def sorted_rank(values):
    """Rank of each value in ascending order, and the values in that order."""
    order = pc.sort_indices(values).to_numpy()
    rank = np.empty(len(values), np.int32)
    rank[order] = np.arange(len(values), dtype=np.int32)
    return rank, values.take(pa.array(order))


def index_in(values, among, *, match_null=False):
    """Position of each value among others, -1 if it is not one of them.

    Integers are found among strings and the reverse, by :func:`in_kind_of`.

    Raises
    ------
    TypeError
        If the types cannot be compared, such as words and integers.
    """
    values, among = (decode_strings(as_array(a)) for a in (values, among))
    values, among = _comparable(in_kind_of(values, among)), _comparable(among)
    if len(values) == 0:  # an empty column may have any type
        return np.zeros(0, np.int64)
    if values.type != among.type:
        common = _common_type(values.type, among.type)
        try:
            values, among = values.cast(common), among.cast(common)
        except pa.ArrowInvalid as error:
            raise TypeError(
                f"{values.type} and {among.type} values cannot be compared exactly ({error})"
            ) from error
    found = pc.index_in(values, value_set=among, skip_nulls=not match_null)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def as_written(values, kind):
    """Integers as the strings that they are written as, or such strings as integers.

    Files of one log may differ in this: a column of ids is text if one id has a letter, and floats
    if one is missing.

    Parameters
    ----------
    values : pyarrow.Array
    kind : str
        Wanted kind, by :func:`kind_of`.

    Returns
    -------
    pyarrow.Array or None
        None if this is no such conversion, or would lose something.
    """
    values = decode_strings(as_array(values))
    found = kind_of(values.type)
    if kind == "string" and found in ("integer", "float"):
        whole = whole_to_integers(values)
        return whole.cast(pa.large_string()) if kind_of(whole.type) == "integer" else None
    if kind in ("integer", "float") and found == "string":
        plain = pc.match_substring_regex(values, INTEGER_ID)
        return values.cast(pa.int64()) if pc.all(plain, min_count=0).as_py() else None
    return None


def in_kind_of(values, among):
    """Integers as strings, or strings as integers, if the values that they are compared with are.

    Returns
    -------
    pyarrow.Array
        The values as they are if their kinds agree or are other ones, if the conversion would lose
        something, or if all strings that they are compared with are words.

    Raises
    ------
    TypeError
        If the strings to compare with have leading zeros, which integers have lost.
    """
    kind, found = kind_of(among.type), kind_of(values.type)
    if kind == found or (written := as_written(values, kind)) is None:
        return values
    if kind == "string":
        padded = among.filter(pc.match_substring_regex(among, "^-?0[0-9]+$"))
        if len(padded):
            raise TypeError(
                f"{found} values have lost leading zeros, such as those of {padded[0].as_py()!r}"
            )
        if not pc.any(pc.match_substring_regex(among, "^-?[0-9]+$"), min_count=0).as_py():
            return values
    return written


class ValueIndex:
    """Index of distinct values, which finds a few of them quickly.

    Arrow's ``index_in`` reads all distinct values at each call. That takes 0.1 ms for a thousand
    and 150 to 250 ms for a million, while a prediction takes 0.5 ms. So the first lookup of a few
    values stores the positions of all: in a dict, or, if a dict would take much memory, as sorted
    hashes. Sorting them takes twice as long as reading the values.

    Parameters
    ----------
    among : pyarrow.Array
        Distinct values.
    """

    def __init__(self, among):
        self._among = decode_strings(as_array(among))
        self._places, self._sorted = None, None

    def __reduce__(self):
        # Without the stored positions: the first lookup makes them again.
        return type(self), (self._among,)

    def find(self, values, *, match_null=False):
        """Position of each value; the result is that of :func:`index_in`."""
        values = in_kind_of(decode_strings(as_array(values)), self._among)
        kinds = {kind_of(values.type), kind_of(self._among.type)}
        by_dict = len(values) <= _FEW and kinds in ({"integer"}, {"string"})
        if by_dict and len(self._among) <= _MOST_IN_DICT:
            if self._places is None:
                self._places = _places_of(self._among)
            return _look_up(values, self._places, match_null)
        many = len(self._among) >= max(len(values) * _ONE_IN, _MANY)
        if not many or kinds not in ({"integer"}, {"float"}, {"string"}):
            return index_in(values, self._among, match_null=match_null)
        likely = self._likely(values)
        some = take(self._among, likely)
        if by_dict:
            found = _look_up(values, _places_of(some), match_null)
        else:
            found = index_in(values, some, match_null=match_null)
        return np.where(found < 0, -1, np.append(likely, -1)[found])

    def _likely(self, values):
        """Positions of all values whose hash is that of a wanted one."""
        if self._sorted is None:
            hashes = hash_values(self._among)
            order = np.argsort(hashes)
            self._sorted = hashes[order], order
        hashes, order = self._sorted
        wanted = np.unique(hash_values(values))
        begins, ends = (np.searchsorted(hashes, wanted, side) for side in ("left", "right"))
        # Equal values have equal hashes, so none is missed. Different values may collide, so
        # `find` compares them.
        return order[ranges(begins, ends)[0]]


def _places_of(array):
    """Position of each integer or string of an array; the first one of a repeated value."""
    keys = _keys(array)
    # In reverse, because the last entry of a key wins.
    return dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))


def _look_up(values, places, match_null):
    found = np.fromiter(map(places.get, _keys(values), repeat(-1)), np.int64, len(values))
    if values.null_count and not match_null:
        found[is_missing(values)] = -1
    return found


def _keys(array):
    """Integers, or strings as bytes, as Python objects."""
    return (_as_bytes(array) if kind_of(array.type) == "string" else array).to_pylist()


def _as_bytes(strings):
    """View strings as bytes, which need not be valid UTF-8."""
    return strings.view(
        pa.large_binary() if pa.types.is_large_string(strings.type) else pa.binary()
    )


def _common_type(one, other):
    """A type to which both types can be cast; the cast fails if it would not be exact."""
    kinds = {kind_of(one), kind_of(other)}
    if kinds == {"integer"}:
        # No integer type covers both int64 and uint64.
        wide = pa.uint64() in (one, other)
        return pa.decimal128(20) if wide else pa.int64()
    if kinds <= {"integer", "float"}:
        return pa.float64()
    if kinds == {"string"}:
        return pa.large_string()
    if "null" in kinds:
        return other if pa.types.is_null(one) else one
    if len(kinds) > 1:
        raise TypeError(f"{kind_of(one)} values cannot be found among {kind_of(other)} values")
    return other


# ------------------------------------------------------------------ numbers


def numbers(array, *, narrow=False):
    """Values as float64, with NaN for null.

    With ``narrow``, float32 values keep their type, and are not copied if there is no null.
    """
    array = as_array(array)
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    if not (pa.types.is_float64(array.type) or (narrow and pa.types.is_float32(array.type))):
        array = array.cast(pa.float64(), safe=False)
    return array.to_numpy(zero_copy_only=False)


_LARGEST = 2**63 - 1


def integers(array, *, but=None, narrow=False, unsigned=False):
    """Values as int64, with zero for null and where the mask ``but`` is True.

    With ``narrow``, int32 values keep their type, and are not copied if there is no null.
    Unsigned values beyond int64 become its largest; with ``unsigned`` the result is uint64 then.
    """
    array = as_array(array)
    if but is not None:
        array = pc.if_else(pa.array(but), pa.scalar(None, array.type), array)
    beyond = pa.types.is_uint64(array.type) and (pc.max(array).as_py() or 0) > _LARGEST
    if beyond and not unsigned:
        array = pc.min_element_wise(array, pa.scalar(_LARGEST, pa.uint64()), skip_nulls=False)
    if not (beyond and unsigned) and not (narrow and pa.types.is_int32(array.type)):
        array = array.cast(pa.int64())
    if array.null_count:
        array = pc.fill_null(array, 0)
    return array.to_numpy(zero_copy_only=False)


def number_strings(column):
    """Numbers as strings, without a decimal point where all of them are whole."""
    array = nan_to_null(as_array(column))
    try:
        array = array.cast(pa.int64())
    except pa.ArrowInvalid:
        pass
    return array.cast(pa.large_string())


def first_row(mask):
    """First row where a boolean mask is True."""
    return int(np.flatnonzero(mask)[0])
