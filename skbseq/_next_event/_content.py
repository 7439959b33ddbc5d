"""What a table says of products with and without events, as sparse rows."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from skbseq._next_event._item_table import (
    check_covers,
    join_ids,
    kept_ids,
    read_item_table,
    split_known,
)
from skbseq.preprocessing._item_match import ItemMatcher

_CELLS = 2**24  # likenesses in memory at a time


@dataclass(frozen=True)
class Content:
    """Rows of an `ItemMatcher` for the ids of a catalogue, and for ids without events.

    Parameters
    ----------
    matcher : ItemMatcher
    ids : ndarray
        The ids without events.
    known : tuple
        Arrays of the sparse rows of the catalogue; model files hold no sparse arrays.
    new : tuple
        Those of the ids without events.
    """

    matcher: ItemMatcher
    ids: np.ndarray
    known: tuple
    new: tuple

    @classmethod
    def of(cls, table, found, new_ids, n_classes, key):
        """Content of an Arrow table.

        Parameters
        ----------
        table : pyarrow.Table
        found : ndarray of int64
            Place of each of its ids in the catalogue, -1 for none.
        new_ids : ndarray
            The ids without a place.
        n_classes : int
        key : str
            The column of ids.
        """
        matcher = ItemMatcher(table, key)
        rows = matcher.rows(table)
        at = np.flatnonzero(found >= 0)
        place = sparse.csr_array(
            (np.ones(len(at)), (found[at], at)), shape=(n_classes, table.num_rows)
        )
        return cls(matcher, new_ids, pack(place @ rows), pack(rows[np.flatnonzero(found < 0)]))

    @classmethod
    def read(cls, table, target, catalogue):
        """Content of a table of any library, with a warning of ids that it lacks."""
        table, ids = read_item_table(table, target, "item_features")
        found, new = split_known(ids, catalogue, "item_features")
        check_covers(found, catalogue)
        return cls.of(table, found, new, len(catalogue), target)

    def with_table(self, table, ids, chosen):
        """The content with some rows of another table, which replace those of the same id."""
        kept = np.flatnonzero(kept_ids(self.ids, ids))
        rows = self.matcher.rows(table)[np.flatnonzero(chosen)]
        rows = sparse.vstack([unpack(self.new)[kept], rows], format="csr")
        return replace(self, ids=join_ids(self.ids[kept], ids), new=pack(rows))

    def rows(self, codes):
        """Sparse rows of some ids; those without events have codes after the catalogue's."""
        known = unpack(self.known)
        if not len(self.ids) or codes.max(initial=0) < known.shape[0]:
            return known[codes]
        return sparse.vstack([known, unpack(self.new)], format="csr")[codes]


def pack(rows):
    """The arrays and the width of sparse rows."""
    rows = sparse.csr_array(rows)
    return rows.data, rows.indices, rows.indptr, rows.shape[1]


def unpack(packed):
    """Sparse rows of their arrays."""
    data, indices, indptr, width = packed
    return sparse.csr_array((data, indices, indptr), shape=(len(indptr) - 1, width))


def add_votes(votes, voters, others, scales, power, same):
    """Sum of votes for others by how alike they are.

    Parameters
    ----------
    votes : sparse array of shape (n_rows, n_voters)
    voters, others : sparse array of shape (n_voters, size) and (n_others, size)
    scales : ndarray of shape (size,)
        Weight of each column.
    power : float
        Of the likenesses.
    same : tuple of ndarray or None
        Pairs of a voter and an other that get no vote.

    Returns
    -------
    ndarray of float64 of shape (n_rows, n_others)
    """
    voters = voters * scales[None, :]
    found = np.zeros((votes.shape[0], others.shape[0]))
    step = max(1, _CELLS // max(voters.shape[0], 1))
    for start in range(0, others.shape[0], step):
        alike = sharpen((voters @ others[start : start + step].T).toarray(), power)
        if same is not None:
            here = (same[1] >= start) & (same[1] < start + step)
            alike[same[0][here], same[1][here] - start] = 0
        found[:, start : start + step] = votes @ alike
    return found


def sharpen(alike, power):
    """Likenesses to a power; opposite products are as unlike as unrelated ones."""
    return np.maximum(alike, 0) ** float(power)
