"""A table of products as one dense matrix: numbers, categories, texts, tags and vectors."""

import numpy as np
from scipy import sparse
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from skbseq import _frames
from skbseq.preprocessing._channels import SmoothScale, Vocabulary
from skbseq.preprocessing._evidence import is_unspaced
from skbseq.preprocessing._place import RowPlace, read_moments, read_numbers
from skbseq.preprocessing._vector import VectorChannel

# A value of one product says nothing of any other.
_LEAST_FREQUENCY = 2
# More categories share so many random columns, in which they are nearly orthogonal.
_MOST_COLUMNS = 64
# Integers with more distinct values may be amounts, so they are also read as numbers.
_FEW_INTEGERS = 20
_TEXT_SIZE = 32
_N_BUCKETS = 2**15
_TEXT_WORDS, _MANY_TEXTS = 3, 200
_LEAST_STRENGTH = 1e-6
_WORD = r"(?u)\b\w+\b"


class NumberPart:
    """A number: one scaled column, and whether it is missing."""

    def __init__(self, name, values, rng):
        self.name = name
        self.scale = SmoothScale(self._read(values))

    def _read(self, values):
        if _frames.kind_of(values.type) == "timestamp":
            ticks, missing, *_ = _frames.time_ticks(read_moments(values, self.name, RowPlace()))
            return np.where(missing, np.nan, ticks.astype(np.float64))
        return read_numbers(values, self.name, RowPlace())

    def columns(self, values):
        """The matrix of shape (n_items, 2)."""
        scaled = self.scale(self._read(values))
        missing = np.isnan(scaled)
        return np.column_stack([np.where(missing, 0, scaled), missing])


class CategoryPart:
    """A category: one column for each that is not rare, and one for the others."""

    def __init__(self, name, values, rng):
        self.name = name
        limits = {"min_frequency": _LEAST_FREQUENCY, "max_categories": None}
        self.vocabulary = Vocabulary(self._read(values), **limits)
        n_codes = len(self.vocabulary.values) + 1
        self.projection = None
        if n_codes > _MOST_COLUMNS:
            projection = rng.standard_normal((n_codes, _MOST_COLUMNS))
            self.projection = (projection / np.sqrt(_MOST_COLUMNS)).astype(np.float32)

    def _read(self, values):
        return _frames.whole_to_integers(values)

    def columns(self, values):
        """The matrix of shape (n_items, n_categories)."""
        codes = self.codes(values)
        n_codes = len(self.vocabulary.values) + 1
        if self.projection is not None:
            return self.projection[codes]
        return np.eye(n_codes, dtype=np.float32)[codes]

    def codes(self, values):
        """Number of the category of each value, from 1 on; 0 is for the others."""
        try:
            return self.vocabulary.codes(self._read(values)) - 1
        except TypeError as error:
            raise ValueError(
                f"Column {self.name!r} of item_features holds values of another type than at "
                f"fit: {error}."
            ) from error


class TextCounts:
    """Texts, or lists of tags: TF-IDF of hashed word n-grams.

    Texts in scripts without spaces are read as n-grams of characters. Words of a single product
    are left out.
    """

    def __init__(self, name, values, rng):
        self.name = name
        self.tags = _frames.kind_of(values.type) == "list"
        texts, present = self._read(values)
        unspaced = not self.tags and sum(map(is_unspaced, texts)) > present.sum() / 2
        self.analyzer, self.ngram_range = ("char", (1, 3)) if unspaced else ("word", (1, 2))
        counts = self._count(texts)
        found = np.bincount(counts.indices, minlength=_N_BUCKETS)
        self.buckets = np.flatnonzero(found >= _LEAST_FREQUENCY)
        self.idf = np.log((1 + present.sum()) / (1 + found[self.buckets])) + 1
        self._learn(counts, rng)

    def _learn(self, counts, rng):
        """What more is learned of the counts of the words of each text."""

    def _read(self, values):
        """Texts or lists of tags, empty where missing, and a mask of those present."""
        if self.tags:
            lists = _frames.to_lists(values, self.name)
            tags = _frames.to_objects(lists.values)
            tags[_frames.is_missing(lists.values)] = ""
            rows = np.split(tags, lists.offsets[1:-1]) if len(values) else []
            return rows, lists.lengths > 0
        present = ~_frames.is_missing(values)
        texts = _frames.to_objects(_frames.decode_strings(values))
        texts[~present] = ""
        return texts, present

    def _count(self, texts):
        if self.tags:
            hasher = FeatureHasher(_N_BUCKETS, input_type="string", alternate_sign=False)
            return hasher.transform(list(map(str, row)) for row in texts).tocsr()
        pattern = _WORD if self.analyzer == "word" else None
        reader = HashingVectorizer(
            n_features=_N_BUCKETS,
            analyzer=self.analyzer,
            ngram_range=self.ngram_range,
            token_pattern=pattern,
            alternate_sign=False,
            norm=None,
        )
        return reader.transform(texts)

    def _weigh(self, counts):
        weights = counts[:, self.buckets] @ sparse.diags_array(self.idf)
        return normalize(sparse.csr_array(weights))

    def weights(self, values):
        """Sparse TF-IDF of shape (n_items, n_buckets), in rows of length 1 or 0."""
        return self._weigh(self._count(self._read(values)[0]))


class TextPart(TextCounts):
    """Texts, or lists of tags: the first singular vectors of their TF-IDF."""

    def _learn(self, counts, rng):
        weights = self._weigh(counts)
        self.components = np.zeros((len(self.buckets), 0), np.float32)
        if not weights.nnz:
            return
        size = min(_TEXT_SIZE, *weights.shape)
        # With random_state, for the sketch of the decomposition is random.
        seed = int(rng.integers(2**31 - 1))
        _, strengths, components = randomized_svd(weights, size, random_state=seed)
        kept = strengths > _LEAST_STRENGTH * strengths[0]
        self.components = np.ascontiguousarray(components[kept].T, np.float32)

    def columns(self, values):
        """The matrix of shape (n_items, n_components + 1)."""
        texts, present = self._read(values)
        return np.column_stack([self._weigh(self._count(texts)) @ self.components, ~present])


class VectorPart:
    """A vector of numbers: its scaled components, and whether it is missing."""

    def __init__(self, name, values, rng):
        self.name = name
        self.channel = VectorChannel(name, values, None, _QuietPlace())
        self.projection = None
        if self.channel.size > 2 * _MOST_COLUMNS:
            projection = rng.standard_normal((self.channel.size, _MOST_COLUMNS))
            self.projection = (projection / np.sqrt(_MOST_COLUMNS)).astype(np.float32)

    def columns(self, values):
        """The matrix of shape (n_items, size + 1)."""
        found = self.channel.transform(values, _QuietPlace())
        missing = _frames.is_missing(values)
        names = self.channel.names[: self.channel.size]
        vectors = np.column_stack([found[name] for name in names]) if names else missing[:, None]
        if self.projection is not None:
            vectors = vectors @ self.projection
        return np.column_stack([vectors, missing])


class _QuietPlace(RowPlace):
    """A missing value has a column of its own in every part, so there is nothing to warn of."""

    def warn_of_missing(self, name, missing, *, taken_as):
        """Nothing."""


class ItemEncoder:
    """Encodes a table of products as a dense matrix.

    Strings that mostly repeat, categoricals and booleans are categories; other strings are texts.
    Integers are categories and, if they have many values, numbers too. Floats and times are
    numbers. Lists of numbers are vectors, and lists of strings tags. The columns made of one
    column of the table are centred and have a total variance of 1, so that all columns of the
    table weigh the same; then all are scaled to a mean square of 1.

    Parameters
    ----------
    table : pyarrow.Table
        One row per product.
    key : str
        Its column of ids.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If no column tells products apart, or one has a type that has no use here.
    """

    def __init__(self, table, key, rng):
        self.key, self.names = key, names_of(table, key)
        self.parts, self._means, self._scales = [], [], []
        for name in self.names:
            values = _frames.as_array(table[name])
            for kind in kinds_of(name, values):
                self._add(kind(name, values, rng), values)
        if not self.parts:
            raise nothing_told(self.names)
        self.n_features = sum(map(len, self._means))
        factor = np.sqrt(self.n_features / len(self.parts))
        self._scales = [scale * factor for scale in self._scales]

    def _add(self, part, values):
        columns = part.columns(values).astype(np.float64)
        variance = float(columns.var(axis=0).sum())
        if variance > 1e-12:  # a column of one value says nothing
            self.parts.append(part)
            self._means.append(columns.mean(axis=0))
            self._scales.append(1 / np.sqrt(variance))

    def transform(self, table):
        """The matrix of a table.

        Parameters
        ----------
        table : pyarrow.Table
            With the columns of fit.

        Returns
        -------
        ndarray of float32 of shape (n_items, n_features)
        """
        check_has(table, self.parts)
        blocks = [np.zeros((table.num_rows, 0), np.float32)]
        for part, mean, scale in zip(self.parts, self._means, self._scales, strict=True):
            columns = part.columns(_frames.as_array(table[part.name]))
            blocks.append(((columns - mean) * scale).astype(np.float32))
        return np.concatenate(blocks, axis=1)


def names_of(table, key):
    """The columns of a table other than the ids, of which there must be one."""
    names = [name for name in table.column_names if name != key]
    if not names:
        raise ValueError(
            f"item_features has no column but the ids, {key!r}. Add columns that describe the "
            "products, such as a category, a price or a text."
        )
    return names


def nothing_told(names):
    """The error of columns that do not tell products apart."""
    return ValueError(
        "No column of item_features tells products apart. The same value throughout, or only "
        f"values that occur once, are in {', '.join(map(repr, names))}. Add columns that differ "
        "between products, and that some share."
    )


def check_has(table, parts):
    """Refuse a table without one of the columns of fit."""
    lost = [part.name for part in parts if part.name not in table.column_names]
    if lost:
        raise ValueError(
            f"The table of products lacks the column {lost[0]!r}, which item_features had at "
            f"fit. Add it; it may hold missing values. The table has "
            f"{', '.join(map(repr, table.column_names))}."
        )


def kinds_of(name, values):
    """What a column is used as."""
    kind = _frames.kind_of(values.type)
    if kind == "list":
        inner = _frames.kind_of(values.type.value_type)
        if inner in ("float", "integer", "boolean"):
            return (VectorPart,)
        if inner == "string":
            return (TextPart,)
        kind = f"list of {inner}"
    if kind == "null":
        return ()
    if kind == "integer":
        n_distinct = len(_frames.encode(values)[1])
        return (CategoryPart, NumberPart) if n_distinct > _FEW_INTEGERS else (CategoryPart,)
    if kind == "boolean":
        return (CategoryPart,)
    if kind in ("float", "timestamp"):
        return (NumberPart,)
    if kind == "string":
        return (TextPart,) if _is_text(values) else (CategoryPart,)
    raise ValueError(
        f"Column {name!r} of item_features holds {kind} values. Features are strings, booleans, "
        "numbers, times, and lists of numbers or of strings. Convert the column, or drop it."
    )


def _is_text(values):
    """Whether strings are texts: most are of one product, or they are many and long."""
    if _frames.decode_strings(values) is not values:  # a categorical
        return False
    codes, texts = _frames.encode(values)
    present = codes[codes >= 0]
    if not len(present):
        return False
    shared = (np.bincount(present)[present] > 1).mean()
    if shared < 0.5:
        return True
    words = np.mean([len(text.split()) for text in _frames.to_objects(texts.drop_null())])
    return len(texts) > _MANY_TEXTS and words >= _TEXT_WORDS
