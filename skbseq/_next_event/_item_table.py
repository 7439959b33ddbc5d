"""Tables that describe products: their ids, those with events, and how models keep them."""

import warnings

import numpy as np

from skbseq import _frames
from skbseq._checks import shown
from skbseq._targets import index_in_classes, to_ids


def read_item_table(table, target, name):
    """An Arrow table of products and its ids, which must be there once each.

    Raises
    ------
    ValueError
        If it is no table, has no column of ids, or an id is missing or there twice.
    """
    if not _frames.is_frame(table):
        raise ValueError(
            f"{name} must be a table with a row for each product: a column {target!r} "
            f"of ids, and columns that describe them; got {shown(table)}."
        )
    table = _frames.to_arrow(table)
    if target not in table.column_names:
        raise ValueError(
            f"{name} has no column {target!r}, the ids of the target. It has "
            f"{', '.join(map(repr, table.column_names))}. Rename the column of ids."
        )
    ids = _frames.decode_strings(_frames.as_array(table[target]))
    missing = _frames.is_missing(ids)
    if missing.any():
        raise ValueError(
            f"Row {_frames.first_row(missing)} of {name} has no id in {target!r}. Drop such rows."
        )
    codes, _ = _frames.encode(ids)
    _, first, again = np.unique(codes, return_index=True, return_inverse=True)
    if len(first) < len(codes):
        row = _frames.first_row(first[again] != np.arange(len(codes)))
        raise ValueError(
            f"{name} describes {ids[row].as_py()!r} twice, in rows {first[again[row]]} and "
            f"{row}. Keep one row for each product."
        )
    return table, ids


def describes_products(table, target):
    """Whether a table has a column of ids, and not of lists."""
    return target in _frames.column_names(table) and _frames.kind_of(
        _frames.to_arrow(_frames.select_columns(table, [target]))[target].type
    ) not in ("list", "null")


def split_known(ids, catalogue, name):
    """Place of each id of a table among those with events, -1 for none; and these others."""
    found = index_in_classes(ids, catalogue, name)
    among = _frames.make_array(catalogue)
    new = to_ids(_frames.in_kind_of(_frames.take(ids, np.flatnonzero(found < 0)), among))
    return found, new


def join_ids(first, second):
    """Two arrays of ids of the same kind as one."""
    if first.dtype != second.dtype and {first.dtype.kind, second.dtype.kind} == {"i", "u"}:
        first = first.astype(object)  # NumPy would make floats of them
    return np.concatenate([first, second])


def kept_ids(ids, replaced):
    """Which ids are not in another array."""
    return index_in_classes(_frames.make_array(ids), replaced, "candidates") < 0


def named_ids(values, ids):
    """Places of the ids that candidates name, ascending.

    Parameters
    ----------
    values : pyarrow.Array or None
        Ids, or lists of ids.
    ids : ndarray
    """
    if values is not None and _frames.kind_of(values.type) == "list":
        values = _frames.to_lists(values, "candidates", nested=True).values
    # Lists of lists are refused later.
    if values is None or not len(ids) or _frames.kind_of(values.type) == "list":
        return np.zeros(0, np.int64)
    found = index_in_classes(values, ids, "candidates")
    return np.unique(found[found >= 0])


def check_covers(found, catalogue):
    """Warn of ids with events that the table does not describe; refuse one that describes none."""
    lacking = np.ones(len(catalogue), bool)
    lacking[found[found >= 0]] = False
    if not lacking.any():
        return
    names = catalogue[lacking][:5].tolist()
    named = ", ".join(map(repr, names)) + (" and others" if lacking.sum() > 5 else "")
    said = f"{int(lacking.sum()):,} of the {len(catalogue):,} ids with events have no row"
    if lacking.all():
        raise ValueError(
            f"{said} in item_features, such as {named}. Give the table of the same products."
        )
    warnings.warn(
        f"{said} in item_features, the most frequent being {named}. Only their events "
        "say something of them. Add rows for them; their columns may hold missing values.",
        UserWarning,
        stacklevel=2,
    )


class KeepsItemTable:
    """State of an estimator with the parameter ``item_features``."""

    def __getstate__(self):
        state = super().__getstate__()
        if state.get("item_features") is not None and _frames.is_frame(state["item_features"]):
            # As bytes, which a model file can hold.
            table = state["item_features"]
            packed = _frames.pack_table(_frames.to_arrow(table)), _frames.library_of(table)
            state = state | {"item_features": packed}
        return state

    def __setstate__(self, state):
        if isinstance(packed := state.get("item_features"), tuple):
            table = _frames.unpack_table(packed[0])
            columns = {name: table[name] for name in table.column_names}
            table = _frames.frame_from_columns(columns, like=packed[1])
            state = state | {"item_features": table}
        super().__setstate__(state)


def shallow(model, **changed):
    """A model that shares all attributes but some with another."""
    copy = object.__new__(type(model))
    vars(copy).update(vars(model) | changed)
    return copy
