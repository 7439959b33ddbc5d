"""Lists that are not all alike: maximal marginal relevance by the categories of ids."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._checks import is_real, shown
from skbseq._next_event._ranked_lists import top_k
from skbseq._targets import index_in_classes

# Ids of each row that a list is chosen from: so many, or so many times the length of the list.
_N_CHOSEN_FROM, _TIMES = 200, 5
_KINDS = ("string", "integer", "boolean", "null")


@dataclass(frozen=True)
class Diversity:
    """What makes the ids of a list differ.

    Parameters
    ----------
    weight : float
        Of the likeness to ids higher up in the list, between 0 and 1.
    categories : ndarray of int64 of shape (n_classes, n_columns)
        Codes of the categories of each id of the catalogue, -1 for none.
    """

    weight: float
    categories: np.ndarray

    def rank(self, scores, codes, k):
        """Lists of k, chosen one by one among the best; see :func:`rank` for the arguments."""
        n_rows, size = len(scores), min(scores.shape[1], max(_N_CHOSEN_FROM, _TIMES * k))
        if not size or not n_rows:
            return np.zeros(n_rows, np.int64), np.zeros(0, np.int64), np.zeros(0)
        rows, places, best = top_k(scores, size)
        chosen = (codes[places] if codes.ndim == 1 else codes[rows, places]).reshape(n_rows, size)
        best = best.reshape(n_rows, size)
        order, found = self._select(best, self.categories[chosen], min(k, size))
        chosen = np.take_along_axis(chosen, order, axis=1)[found]
        return found.sum(axis=1), chosen, np.take_along_axis(best, order, axis=1)[found]

    def _select(self, best, own, k):
        """Places in the order of choice, of shape (n_rows, k), and whether there was one."""
        rows = np.arange(len(best))
        relevance = best / np.maximum(best[:, :1], np.finfo(float).tiny)
        left, likeness = best >= 0, np.zeros_like(best)
        order, found = np.zeros((len(best), k), np.int64), np.zeros((len(best), k), bool)
        for i in range(k):
            gain = (1 - self.weight) * relevance - self.weight * likeness
            place = np.where(left, gain, -np.inf).argmax(axis=1)  # of equal ones, the best
            order[:, i], found[:, i] = place, left[rows, place]
            left[rows, place] = False
            last = own[rows, place][:, None]
            likeness = np.maximum(likeness, ((own == last) & (last >= 0)).mean(axis=2))
        return order, found


def read_diversity(diversity, categories, target, catalogue):
    """How lists are made to differ; None if they are not.

    Parameters
    ----------
    diversity : float
    categories : Mapping, Series, table or None
        Of a user, from ids to categories.
    target : str
    catalogue : ndarray
        Ids that lists may hold.

    Raises
    ------
    ValueError
        If diversity is not between 0 and 1, or the categories do not fit it or the ids.
    """
    if not is_real(diversity) or not 0 <= diversity <= 1:
        raise ValueError(f"diversity must be a number from 0 to 1; got {shown(diversity)}.")
    if categories is None:
        if diversity:
            raise ValueError(
                f"diversity={diversity} needs categories, by which ids are alike. Pass a dict "
                f"from ids to categories, or a table with a column {target!r} of ids and one or "
                "more columns of categories."
            )
        return None
    ids, columns = _read_categories(categories, target)
    _check_once(ids)
    found = index_in_classes(ids, catalogue, "categories")
    if not (found >= 0).any():
        raise ValueError(
            f"None of the {len(ids):,} ids of categories was seen at fit. Give categories of ids "
            f"such as {catalogue.tolist()[0]!r}."
        )
    codes = np.full((len(catalogue), len(columns)), -1, np.int64)
    for i, (name, values) in enumerate(columns.items()):
        codes[found[found >= 0], i] = _codes(values, name)[found >= 0]
    return Diversity(float(diversity), codes) if diversity else None


def _read_categories(categories, target):
    """Ids and their columns of categories, as Arrow arrays."""
    if not isinstance(categories, Mapping) and hasattr(categories, "to_dict"):
        if getattr(categories, "ndim", 2) == 1 and hasattr(categories, "index"):
            # A Series of pandas, whose index holds the ids.
            pairs = list(categories.items())
            return _of_pairs(*map(list, zip(*pairs, strict=True))) if pairs else _of_pairs([], [])
    if isinstance(categories, Mapping):
        return _of_pairs(list(categories), list(categories.values()))
    if not _frames.is_frame(categories):
        raise ValueError(
            "categories must be a dict from ids to categories, a pandas Series with ids as index, "
            f"or a table with a column {target!r} of ids; got {shown(categories)}."
        )
    table = _frames.to_arrow(categories)
    names = [name for name in table.column_names if name != target]
    if target not in table.column_names or not names:
        lacks = "column of categories" if names == [] else f"column {target!r} of ids"
        raise ValueError(
            f"categories has no {lacks}; it has {', '.join(map(repr, table.column_names))}. Ids "
            "that are the index of a pandas table become a column by reset_index()."
        )
    return _frames.as_array(table[target]), {n: _frames.as_array(table[n]) for n in names}


def _of_pairs(ids, values):
    if not ids:
        raise ValueError("categories is empty. Give the category of each id.")
    return (
        _frames.read_column(ids, "categories"),
        {"categories": _frames.read_column(values, "categories")},
    )


def _check_once(ids):
    codes, distinct = _frames.encode(_frames.nan_to_null(ids))
    counts = np.bincount(codes[codes >= 0], minlength=1)
    if (counts > 1).any():
        twice = distinct[int(counts.argmax())].as_py()
        raise ValueError(
            f"categories names {twice!r} {counts.max():,} times. Keep one row for each id; an id "
            "of several categories has a column for each."
        )


def _codes(values, name):
    kind = _frames.kind_of(values.type)
    if kind not in _KINDS:
        raise ValueError(
            f"Column {name!r} of categories holds {kind} values; categories are strings, integers "
            "or booleans. Drop the column, or cut its values into ranges."
        )
    return _frames.encode(_frames.decode_strings(values))[0]
