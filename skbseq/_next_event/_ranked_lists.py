"""Ranked lists of ids: what each row may choose from, the best of it, and the table of lists."""

import warnings
from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._checks import is_whole, shown
from skbseq._sequences import offsets_of
from skbseq._targets import index_in_classes, read_ids

SCORE = "score"


@dataclass(frozen=True)
class Choice:
    """The ids that rows may choose from.

    Parameters
    ----------
    codes : ndarray of int64 or None, default=None
        Positions in the catalogue, ascending within each list. None: all of it.
    offsets : ndarray of int64 of shape (n_samples + 1,), default=None
        Where the list of each row begins in ``codes``. None: all rows have the same list.
    n_given : int or None, default=None
        Number of distinct ids of the common list, with the unknown ones.
    """

    codes: np.ndarray | None = None
    offsets: np.ndarray | None = None
    n_given: int | None = None

    def check_k(self, k, n_classes):
        """The length of the lists, at most that of the longest list to choose from.

        Raises
        ------
        ValueError
            If ``k`` is no integer of at least 1, or more than the number of ids. Lists of rows
            are data, as the rows are: they may all be shorter.
        """
        if not is_whole(k) or k < 1:
            raise ValueError(f"k must be an integer of at least 1; got {shown(k)}.")
        if self.offsets is not None:
            return min(k, int(np.diff(self.offsets).max(initial=0)))
        n_choices = n_classes if self.codes is None else self.n_given
        if k > n_choices:
            given = (
                "ids were seen at fit" if self.codes is None else "distinct candidates were given"
            )
            raise ValueError(
                f"k={k} is too large: only {n_choices:,} {given}. Ask for at most so many."
            )
        return k if self.codes is None else min(k, len(self.codes))

    def narrow(self, scores, start):
        """Scores of the ids to choose from, and their codes; -1 where a row has fewer.

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_classes)
        start : int
            Number of the first of these rows.

        Returns
        -------
        scores : ndarray of shape (n_rows, n_choices)
        codes : ndarray of int64 of shape (n_choices,) or (n_rows, n_choices)
        """
        if self.codes is None:
            return scores, np.arange(scores.shape[1])
        if self.offsets is None:
            return scores[:, self.codes], self.codes
        offsets = self.offsets[start : start + len(scores) + 1]
        lengths, codes = np.diff(offsets), self.codes[offsets[0] : offsets[-1]]
        rows = np.repeat(np.arange(len(scores)), lengths)
        places = np.arange(len(codes)) - np.repeat(offsets[:-1] - offsets[0], lengths)
        shape = len(scores), int(lengths.max(initial=0))
        chosen, own = np.full(shape, -1.0), np.zeros(shape, np.int64)
        chosen[rows, places], own[rows, places] = scores[rows, codes], codes
        return chosen, own


def read_choice(values, catalogue, n_rows, unknown, n_seen):
    """What the candidates of a user allow.

    Parameters
    ----------
    values : pyarrow.Array or None
        Made by :func:`read_candidates`.
    catalogue : ndarray
        All ids that have scores.
    n_rows : int
        Number of rows that lists are made for.
    unknown : {"warn", "error"}
        How to handle ids that are not in the catalogue.
    n_seen : int
        Number of ids with events, for messages.

    Returns
    -------
    Choice
    """
    if unknown not in ("warn", "error"):
        raise ValueError(f"unknown_candidates must be 'warn' or 'error'; got {unknown!r}.")
    if values is None:
        return Choice()
    if _frames.kind_of(values.type) != "list":
        if not len(values):
            raise ValueError("candidates is empty. Name at least one id, or None for all.")
        found, n_unknown = _find(values, catalogue, unknown, n_seen)
        known = np.unique(found[found >= 0])
        return Choice(known, n_given=len(known) + n_unknown)
    lists = _lists_of_rows(values, n_rows)
    found, _ = _find(lists.values, catalogue, unknown, n_seen)
    rows, size = np.repeat(np.arange(n_rows), lists.lengths), len(catalogue)
    keys = np.unique((rows * size + found)[found >= 0])
    return Choice(keys % size, offsets_of(np.bincount(keys // size, minlength=n_rows)))


def read_candidates(candidates):
    """Candidates as an Arrow array, of ids for all rows or of a list of ids for each row."""
    if getattr(candidates, "ndim", 1) == 2 and not _frames.is_frame(candidates):
        candidates = list(candidates)  # an array with a row of ids for each row
    if not _frames.is_frame(candidates):
        return read_ids(candidates, "candidates")
    table = _frames.to_arrow(candidates)
    lists = [n for n in table.column_names if _frames.kind_of(table[n].type) == "list"]
    if len(lists) != 1:
        raise ValueError(
            "candidates must be a list of ids, or a table with one list column, the ids of each "
            f"row; got a table with the list columns {', '.join(map(repr, lists)) or 'none'}. "
            "Give one column, candidates=table[...]. For a table of features, its column of ids "
            "must be named after the target."
        )
    return _frames.as_array(table[lists[0]])


def _lists_of_rows(values, n_rows):
    if len(values) != n_rows:
        raise ValueError(
            f"candidates has {len(values):,} lists of ids and X {n_rows:,} rows; expected one "
            "list for each row, or one list of ids for all rows."
        )
    missing = _frames.is_missing(values)
    if missing.any():
        raise ValueError(
            f"Row {_frames.first_row(missing)} of candidates is missing. Give an empty list for "
            "no candidates, or the ids of classes_ for all."
        )
    lists = _frames.to_lists(values, "candidates", nested=True)
    if _frames.kind_of(lists.values.type) == "list":
        raise ValueError("candidates holds lists of lists. Give one list of ids for each row.")
    return lists


def _find(values, catalogue, unknown, n_seen):
    """Positions in the catalogue, -1 for none, and how many distinct ids are not in it."""
    if not len(values):
        return np.zeros(0, np.int64), 0
    found = index_in_classes(values, catalogue, "candidates")
    unseen = found < 0
    return found, _leave_out(values, unseen, unknown, n_seen) if unseen.any() else 0


def _leave_out(values, unseen, unknown, n_seen):
    """Warn of candidates that were never seen, or refuse them; how many distinct ones."""
    _, distinct = _frames.encode(_frames.take(values, np.flatnonzero(unseen)))
    has_null = bool(_frames.is_missing(values)[unseen].any())
    unknown_ids = [None] * has_null + distinct.to_pylist()
    named = ", ".join(map(repr, unknown_ids[:5]))
    if len(unknown_ids) > 5:
        named += f" and {len(unknown_ids) - 5:,} more"
    said = (
        f"{len(unknown_ids):,} of the candidates {'was' if len(unknown_ids) == 1 else 'were'} "
        f"never seen at fit: {named}."
    )
    if unseen.all():
        raise ValueError(
            f"{said} No candidate is left. Give ids of classes_, which holds the {n_seen:,} "
            "ids that were seen, or fit on histories that hold the candidates."
        )
    if unknown == "error":
        raise ValueError(
            f"{said} Leave them out (classes_ holds the {n_seen:,} ids that were seen), or "
            "pass unknown_candidates='warn'."
        )
    warnings.warn(
        f"{said} They are left out, because nothing is known of them. Fit on histories that "
        "hold them, or pass unknown_candidates='error' to refuse them.",
        UserWarning,
        stacklevel=5,  # the caller of predict_top_k
    )
    return len(unknown_ids)


def rank(scores, codes, k):
    """The best k of each row.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_choices)
        Negative for what must not be chosen.
    codes : ndarray of int64 of shape (n_choices,) or (n_rows, n_choices)
        Of each score.
    k : int

    Returns
    -------
    lengths : ndarray of int64 of shape (n_rows,)
    codes : ndarray of int64
        The lists, end to end.
    best : ndarray of float64
        Their scores.
    """
    k = min(k, scores.shape[1])
    if not k or not len(scores):
        return np.zeros(len(scores), np.int64), np.zeros(0, np.int64), np.zeros(0)
    rows, places, best = top_k(scores, k)
    chosen = codes[places] if codes.ndim == 1 else codes[rows, places]
    allowed = best >= 0
    lengths = np.bincount(rows[allowed], minlength=len(scores))
    return lengths, chosen[allowed], best[allowed]


def table_of_lists(parts, target, catalogue, like):
    """A table with the lists of all rows, and their scores.

    Parameters
    ----------
    parts : list of tuple
        What :func:`rank` has returned for some rows at a time.
    target : str
        Name of the column of ids.
    catalogue : ndarray
    like : sequence frame
        Whose library the table is of.
    """
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    lengths, codes, best = map(np.concatenate, zip(nothing, *parts, strict=True))
    offsets = offsets_of(lengths)
    lists = {
        target: _frames.Lists(_frames.make_array(catalogue[codes]), offsets),
        SCORE: _frames.Lists(_frames.make_array(best), offsets),
    }
    return _frames.build_frame(lists, like=like)


def top_k(scores, k):
    """The k largest of each row, the first of equal ones.

    Returns
    -------
    rows, columns : ndarray of int64 of shape (n_samples * k,)
    best : ndarray of shape (n_samples * k,)
        Descending within each row.
    """
    least = np.partition(scores, scores.shape[1] - k, axis=1)[:, -k, None]
    rows, columns = np.nonzero(scores >= least)
    best = scores[rows, columns]
    # Stable, so that of equal scores the first column stays first.
    order = np.lexsort((-best, rows))
    begins = np.searchsorted(rows, np.arange(len(scores)))  # rows ascend before and after
    order = order[(begins[:, None] + np.arange(k)).ravel()]
    return rows[order], columns[order], best[order]
