"""How alike products are: sparse rows whose products are likenesses, column by column."""

import numpy as np
from scipy import sparse

from skbseq import _frames
from skbseq.preprocessing._item_features import (
    CategoryPart,
    NumberPart,
    TextCounts,
    TextPart,
    VectorPart,
    check_has,
    kinds_of,
    names_of,
)

_N_KNOTS = 9  # of a number: products in the same eighth by rank are alike


class TextMatch(TextCounts):
    """Texts and tags are alike by the words that they share, weighted by TF-IDF."""

    def rows(self, values):
        """Sparse rows of length 1, or 0 where no word is known."""
        return self.weights(values)


class CategoryMatch(CategoryPart):
    """Equal categories are alike; a missing one, or one of a single product, is like no other."""

    def rows(self, values):
        """Sparse rows of one 1, or of none."""
        codes = self.codes(values)
        at = np.flatnonzero(codes)
        shape = len(codes), len(self.vocabulary.values)
        return sparse.csr_array((np.ones(len(at)), (at, codes[at] - 1)), shape=shape)


class NumberMatch(NumberPart):
    """Numbers are the more alike the fewer products have one between them."""

    def __init__(self, name, values, rng):
        self.name = name
        numbers = self._read(values)
        present = numbers[~np.isnan(numbers)]
        shares = np.linspace(0, 1, _N_KNOTS)
        self.knots = np.unique(np.quantile(present, shares)) if len(present) else present

    def rows(self, values):
        """Sparse rows of the shares of the two nearest knots, of length 1, or 0 where missing."""
        numbers, n = self._read(values), len(self.knots)
        at = np.flatnonzero(~np.isnan(numbers)) if n else np.zeros(0, np.int64)
        place = np.interp(numbers[at], self.knots, np.arange(n)) if n else np.zeros(0)
        low = np.floor(place).astype(np.int64)
        pair = np.stack([1 - place + low, place - low])
        pair /= np.sqrt((pair**2).sum(axis=0))
        # The knot after the last gets nothing.
        coordinates = np.concatenate([at, at]), np.concatenate([low, low + 1])
        return sparse.csr_array((pair.ravel(), coordinates), shape=(len(numbers), n + 1))


class VectorMatch(VectorPart):
    """Vectors are alike by their cosine."""

    def rows(self, values):
        """Rows of length 1, or 0 where missing."""
        columns = self.columns(values).astype(np.float64)
        vectors = np.where(columns[:, -1:] > 0, 0.0, columns[:, :-1])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return sparse.csr_array(vectors / np.where(lengths > 0, lengths, 1))


_MATCH_OF = {
    TextPart: TextMatch,
    CategoryPart: CategoryMatch,
    NumberPart: NumberMatch,
    VectorPart: VectorMatch,
}


class ItemMatcher:
    """Encodes a table of products as sparse rows.

    The product of two rows, taken over the columns that are made of one column of the table, is
    how alike two products are in it: from 1 for equal values to 0, or -1 for opposite vectors.
    The kinds of columns are those of :class:`ItemEncoder`.

    Parameters
    ----------
    table : pyarrow.Table
        One row per product.
    key : str
        Its column of ids.

    Attributes
    ----------
    names : list of str
        The columns of the table without the ids.
    parts : list
        What reads them. A column of one value says nothing, and is left out.
    sizes : list of int
        Number of columns of each part.
    """

    def __init__(self, table, key):
        self.names, self.parts, self.sizes = names_of(table, key), [], []
        rng = np.random.default_rng(0)  # of projections that hardly change a likeness
        for name in self.names:
            values = _frames.as_array(table[name])
            for kind in kinds_of(name, values):
                self._add(_MATCH_OF[kind](name, values, rng), values)

    def _add(self, part, values):
        rows = part.rows(values)
        variance = rows.power(2).sum() / max(rows.shape[0], 1) - (rows.mean(axis=0) ** 2).sum()
        if variance > 1e-9:
            self.parts.append(part)
            self.sizes.append(rows.shape[1])

    def rows(self, table):
        """Sparse rows of all parts, an array of shape (n_items, sum of sizes)."""
        check_has(table, self.parts)
        blocks = [part.rows(_frames.as_array(table[part.name])) for part in self.parts]
        blocks.append(sparse.csr_array((table.num_rows, 0)))
        return sparse.hstack(blocks, format="csr")
