"""Find frequent sets of items: which occur together in enough groups."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from skbseq._sequences import ranges

# Cells of a block of a product of sparse matrices, and words of a block of bit sets.
_CELLS, _WORDS = 2**22, 2**19
# Groups whose bit sets are in memory at once.
_MOST_GROUPS = 2**16
_WORD = 64
_POPCOUNT = getattr(np, "bitwise_count", None)  # NumPy 2 and later


class TooManyError(Exception):
    """More candidates than allowed; ``args`` are their number and size."""


@dataclass(frozen=True)
class Incidence:
    """Which group has which item, in the order of groups; each pair occurs once."""

    groups: np.ndarray
    items: np.ndarray
    n_groups: int
    n_items: int

    @classmethod
    def of_events(cls, groups):
        """The distinct items of each group of :class:`ItemGroups`."""
        n_items = len(groups.values)
        keys = groups.group_of_event * np.int64(n_items) + groups.codes
        keys.sort()  # np.unique takes ten times as long
        keys = keys[np.diff(keys, prepend=-1) > 0]
        return cls(keys // n_items, keys % n_items, len(groups.offsets) - 1, n_items)

    def counts(self):
        """Number of groups of each item."""
        return np.bincount(self.items, minlength=self.n_items)

    def keep_items(self, kept):
        """The same with some items only, numbered in the given order."""
        rank = np.full(self.n_items, -1)
        rank[kept] = np.arange(len(kept))
        items = rank[self.items]
        present = items >= 0
        return Incidence(self.groups[present], items[present], self.n_groups, len(kept))

    def keep_groups(self, mask):
        """The same with the groups in a mask only."""
        number = np.cumsum(mask) - 1
        present = mask[self.groups]
        groups = number[self.groups[present]]
        return Incidence(groups, self.items[present], int(mask.sum()), self.n_items)

    def bit_sets(self):
        """For a part of the groups after another, the groups of each item as bits of words."""
        step = (2**26 // max(self.n_items, 1)) // _WORD * _WORD
        step = min(max(step, _WORD), _MOST_GROUPS)
        for start in range(0, self.n_groups, step):
            low, high = np.searchsorted(self.groups, [start, start + step])
            width = -(-min(step, self.n_groups - start) // _WORD) * _WORD
            table = np.zeros((self.n_items, width), bool)
            table[self.items[low:high], self.groups[low:high] - start] = True
            yield np.packbits(table, axis=1).view(np.uint64)


@dataclass(frozen=True)
class SetTree:
    """Sets of items as a prefix tree.

    A set of two or more items in ascending order is the number of its *parent*, the set without
    its last item, and that last item. ``keys[i]`` holds parent * n_items + item of each set of
    ``i + 2`` items, ascending. The number of a set is its position there, that of a single item
    the item.
    """

    n_items: int
    keys: list

    def members(self, size):
        """The sets of a size, an array of shape (n_sets, size)."""
        ids = np.arange(len(self.keys[size - 2]) if size > 1 else self.n_items)
        columns = []
        for keys in reversed(self.keys[: size - 1]):
            ids, item = np.divmod(keys[ids], self.n_items)
            columns.append(item)
        return np.column_stack([ids, *reversed(columns)])

    def find(self, sets):
        """Number of each set, -1 for one that is not in the tree.

        Parameters
        ----------
        sets : ndarray of shape (n_sets, size)
            Items in ascending order.
        """
        ids = sets[:, 0].astype(np.int64)
        for column, keys in zip(sets.T[1:], self.keys, strict=False):
            wanted = np.where(ids < 0, -1, ids * self.n_items + column)
            at = np.searchsorted(keys, wanted)
            found = np.append(keys, -2)[at] == wanted
            ids = np.where(found, at, -1)
        return ids if sets.shape[1] <= len(self.keys) + 1 else np.full(len(sets), -1)


def mine_sets(incidence, least, max_size, max_candidates):
    """All sets of items that occur in at least ``least`` groups.

    Levels of the Apriori algorithm: a set can only be frequent if all its subsets are. Pairs are
    counted by a product of sparse matrices, larger sets by bit sets. Items are numbered from the
    rarest on, so that few sets share a parent.

    Returns
    -------
    list of tuple of (ndarray of shape (n_sets, size), ndarray of shape (n_sets,))
        For each size, the sets with items in ascending order, and their counts.

    Raises
    ------
    TooManyError
        If a size has more candidates, or more frequent pairs, than ``max_candidates``.
    """
    counts = incidence.counts()
    frequent = np.flatnonzero(counts >= least)
    kept = frequent[np.argsort(counts[frequent], kind="stable")]
    found = [(kept[:, None], counts[kept])]
    incidence = incidence.keep_items(kept)
    tree = SetTree(len(kept), [])
    while len(tree.keys) + 2 <= max_size and len(found[-1][0]) > 1:
        size = len(tree.keys) + 2
        if size == 2:
            keys, counts = _count_pairs(incidence, least, max_candidates)
        else:
            keys = _join(tree, max_candidates)
            counts = count_sets(incidence, _members(tree, keys))
            keys, counts = keys[counts >= least], counts[counts >= least]
        if not len(keys):
            break
        tree.keys.append(keys)
        found.append((np.sort(kept[tree.members(size)], axis=1), counts))
    return found


def _members(tree, keys):
    return SetTree(tree.n_items, [*tree.keys, keys]).members(len(tree.keys) + 2)


def _count_pairs(incidence, least, max_candidates):
    """Keys and counts of the frequent pairs."""
    n_items, n_groups = incidence.n_items, incidence.n_groups
    sizes = np.bincount(incidence.groups, minlength=n_groups)
    n_pairs = n_items * (n_items - 1) // 2
    # In dense data, bit sets need fewer operations than the product.
    if n_pairs <= max_candidates and n_pairs * (n_groups // _WORD) * 8 < np.sum(sizes**2):
        pairs = np.column_stack(np.triu_indices(n_items, 1))
        counts = count_sets(incidence, pairs)
        keys = pairs[:, 0] * n_items + pairs[:, 1]
        return keys[counts >= least], counts[counts >= least]
    ones = np.ones(len(incidence.items), np.int32)
    shape = (n_groups, n_items)
    columns = csr_array((ones, (incidence.groups, incidence.items)), shape).tocsc()
    parts, n_found = [], 0
    step = max(1, _CELLS // n_items)
    for start in range(0, n_items, step):
        product = (columns[:, start : start + step].T @ columns[:, start:]).tocoo()
        rows, others = product.row.astype(np.int64), product.col
        good = (product.data >= least) & (others > rows)
        n_found += int(good.sum())
        if n_found <= max_candidates:
            keys = (rows[good] + start) * n_items + others[good] + start
            order = np.argsort(keys)
            parts.append((keys[order], product.data[good][order].astype(np.int64)))
    if n_found > max_candidates:
        raise TooManyError(n_found, 2)
    return tuple(map(np.concatenate, zip(*parts, strict=True)))


def _join(tree, max_candidates):
    """Keys of the candidates of the next size: all their subsets are frequent."""
    parents, last = np.divmod(tree.keys[-1], tree.n_items)
    rows = np.arange(len(parents))
    stops = np.searchsorted(parents, parents, side="right")
    n_candidates = int((stops - rows - 1).sum())
    if n_candidates > max_candidates:
        raise TooManyError(n_candidates, len(tree.keys) + 2)
    right, _ = ranges(rows + 1, stops)
    left = np.repeat(rows, stops - rows - 1)
    sets = np.column_stack([tree.members(len(tree.keys) + 1)[left], last[right]])
    kept = np.arange(len(sets))
    for position in range(sets.shape[1] - 2):  # without one of the last two: both are frequent
        subsets = np.delete(sets[kept], position, axis=1)
        kept = kept[tree.find(subsets) >= 0]
    return left[kept] * tree.n_items + last[right[kept]]


def count_sets(incidence, sets):
    """Number of groups that have all items of each set.

    Parameters
    ----------
    incidence : Incidence
    sets : ndarray of int of shape (n_sets, size)
        Sets with the same beginning should follow one another: it is looked up once.

    Returns
    -------
    ndarray of int64 of shape (n_sets,)
    """
    counts = np.zeros(len(sets), np.int64)
    if not len(sets):
        return counts
    new = np.ones(len(sets), bool)
    new[1:] = (sets[1:, :-1] != sets[:-1, :-1]).any(axis=1)
    for bits in incidence.bit_sets():
        step = max(1, _WORDS // bits.shape[1])
        for start in range(0, len(sets), step):
            block, begins = sets[start : start + step], new[start : start + step].copy()
            begins[0] = True
            prefixes = block[begins, :-1]
            shared = np.bitwise_and.reduce(bits[prefixes], axis=1)
            words = bits[block[:, -1]]
            words &= shared[np.cumsum(begins) - 1]
            counts[start : start + step] += _count_bits(words)
    return counts


def _count_bits(words):
    """Number of bits of each row."""
    if _POPCOUNT is not None:
        return _POPCOUNT(words).sum(axis=1, dtype=np.int64)
    return _BITS_OF[words.view(np.uint16)].sum(axis=1, dtype=np.int64)


def _bits_of_16():
    bits = np.unpackbits(np.arange(2**16, dtype=np.uint16)[:, None].view(np.uint8), axis=1)
    return bits.sum(axis=1, dtype=np.uint8)


_BITS_OF = _bits_of_16() if _POPCOUNT is None else None
