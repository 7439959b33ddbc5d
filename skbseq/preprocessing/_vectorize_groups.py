"""The groups of features. Each is a function from events to blocks of columns."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from skbseq.preprocessing._vectorize_events import (
    count_rows,
    describe_rows,
    divide,
    keep_offsets,
    reduce_rows,
)

_PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Block:
    """Some columns: their names, their values, and whether they are unbounded.

    ``values`` is an ndarray of shape (n_samples, n_names), or a function that returns a CSR matrix
    of this shape without NaN. Fit needs only the names, so it does not call the function.
    The ``log`` option applies to unbounded values.
    """

    names: list
    values: object
    unbounded: bool = True


def _columns(features, *, unbounded=True):
    """A block of columns by name."""
    return Block(list(features), np.stack(list(features.values()), axis=1), unbounded)


# ------------------------------------------------------------------ when and how often


def recency(events, schema):
    """Days since the last event, and since the last one of each behavior."""
    yield _columns({"recency": events.last_ages})
    if schema.behavior is None:
        return
    names = schema.categories[schema.behavior].names
    days = events.moments.in_days(events.moments.ages)
    latest = np.full((events.n_samples, len(names)), np.nan)
    # NumPy keeps the last of several assignments to a cell, which is the latest event.
    latest[events.rows, events.categories[schema.behavior][0]] = days
    yield Block([f"{schema.behavior}_{n}_recency" for n in names], latest)


def frequency(events, schema):
    """Number of events, of days with events, and of events in each window."""
    features = {"frequency": events.lengths.astype(np.float64)}
    if events.moments is not None:
        days = events.moments.local_days()
        new = np.ones(len(days), bool)
        new[1:] = days[1:] != days[:-1]
        new[events.offsets[:-1][events.lengths > 0]] = True
        features["active_days"] = count_rows(new, events.offsets).astype(np.float64)
    for name, inside in _windows(events, schema):
        counts = count_rows(inside, events.offsets)
        features[f"frequency_{name}"] = counts.astype(np.float64)
    yield _columns(features)


def tenure(events, schema):
    """Days since the first event."""
    ages = events.moments.in_days(events.moments.ages)
    yield _columns({"tenure": reduce_rows(np.maximum, ages, events.offsets, np.nan)})


def gaps(events, schema):
    """Days between consecutive events, their regularity, and whether the next is overdue."""
    described = describe_rows(*events.gaps)
    mean = described["mean"]
    names = ("mean", "std", "min", "max", "last")
    features = {f"gap_{name}": described[name] for name in names}
    features["gap_variation"] = divide(described["std"], mean)
    features["gap_last_ratio"] = divide(described["last"], mean)
    if schema.cutoff is not None:
        features["gap_overdue"] = divide(events.last_ages, mean)
    yield _columns(features)


def trend(events, schema):
    """Log ratio of the number of events in each window and in the preceding window."""
    features = {}
    for name, span in schema.windows.items():
        recent = count_rows(events.moments.within(span), events.offsets)
        both = count_rows(events.moments.within(2 * span), events.offsets)
        features[f"trend_{name}"] = np.log1p(recent) - np.log1p(both - recent)
    yield _columns(features, unbounded=False)


def profile(events, schema):
    """Share of the events in each part of the day and on each day of the week."""
    parts = events.moments.local_hours() // 6
    # 1970-01-01 was a Thursday, so day -3 was a Monday.
    weekdays = (events.moments.local_days() + 3) % 7
    yield _shares(parts, [f"daytime_{n}" for n in _PARTS_OF_DAY], events)
    yield _shares(weekdays, [f"weekday_{n}" for n in _WEEKDAYS], events)


def _shares(codes, names, events):
    size = len(names)
    counts = np.bincount(events.rows * size + codes, minlength=events.n_samples * size)
    shares = divide(counts.reshape(-1, size), events.lengths[:, None])
    return Block(names, shares, unbounded=False)


def _windows(events, schema):
    """Name of each window, and a mask of its events."""
    if schema.cutoff is not None:
        for name, span in schema.windows.items():
            yield name, events.moments.within(span)


# ------------------------------------------------------------------ how much


def monetary(events, schema):
    """Statistics of each numeric channel: overall, by window and by behavior."""
    for name, values in events.numbers.items():
        missing = np.isnan(values)
        present = values[~missing]
        offsets = keep_offsets(~missing, events.offsets)
        described = describe_rows(present, offsets)
        features = {f"{name}_{what}": column for what, column in described.items()}
        for window, inside in _windows(events, schema):
            inside = inside[~missing]
            features[f"{name}_sum_{window}"] = reduce_rows(
                np.add, present[inside], keep_offsets(inside, offsets), 0.0
            )
        if name in schema.with_missing:
            features[f"{name}_missing"] = count_rows(missing, events.offsets).astype(float)
        yield _columns(features)
        if schema.behavior is not None:
            yield _sum_by_behavior(name, np.where(missing, 0, values), events, schema)


def _sum_by_behavior(name, values, events, schema):
    names = schema.categories[schema.behavior].names
    codes = events.categories[schema.behavior][0]
    sums = partial(_tally, values, codes, events.offsets, len(names))
    return Block([f"{name}_sum_{n}" for n in names], sums)


# ------------------------------------------------------------------ which categories


def counts(events, schema):
    """Number of events of each category, and of each behavior in each window."""
    for channel, categories in schema.categories.items():
        yield Block(
            [f"{channel}_{n}_count" for n in categories.names],
            partial(_count_categories, channel, events, schema),
        )
    if schema.behavior is None:
        return
    for window, inside in _windows(events, schema):
        yield Block(
            [f"{schema.behavior}_{n}_count_{window}" for n in _behaviors(schema)],
            partial(_count_categories, schema.behavior, events, schema, inside),
        )


def _behaviors(schema):
    return schema.categories[schema.behavior].names


def shares(events, schema):
    """Share of each category among the events."""
    for channel, categories in schema.categories.items():
        names = [f"{channel}_{n}_share" for n in categories.names]
        yield Block(names, partial(_share_categories, channel, events, schema), unbounded=False)


def _share_categories(channel, events, schema):
    result = _count_categories(channel, events, schema)
    result.data /= np.repeat(events.lengths, np.diff(result.indptr))
    return result


def entropy(events, schema):
    """Entropy of the values of a channel, number of distinct values, and share of repeats."""
    for channel in schema.categories:
        _, exact, size = events.categories[channel]
        found = _tally(np.ones(len(exact)), exact, events.offsets, size)
        offsets = found.indptr.astype(np.int64)
        distinct = np.diff(offsets).astype(np.float64)
        share = _sort_rows(found.data, offsets) / np.repeat(events.lengths, np.diff(offsets))
        mixed = reduce_rows(np.add, -share * np.log(share), offsets, np.nan)
        repeats = 1 - divide(distinct, events.lengths)
        # Adding 0.0 turns -0.0 into 0.0.
        features = {f"{channel}_entropy": mixed + 0.0, f"{channel}_repeat": repeats}
        yield _columns(features, unbounded=False)
        yield _columns({f"{channel}_distinct": distinct})


def _sort_rows(counts, offsets):
    """Counts of each row in ascending order.

    Their original order depends on other rows, and so would the rounding of their sums.
    """
    base = int(counts.max(initial=0)) + 1
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.sort(rows * base + counts.astype(np.int64)) % base


def last(events, schema):
    """Category of the last event, one-hot encoded."""
    filled = events.lengths > 0
    ends = events.offsets[1:][filled] - 1
    offsets = keep_offsets(filled, np.arange(events.n_samples + 1))
    for channel, categories in schema.categories.items():
        codes = events.categories[channel][0][ends]
        names = [f"{channel}_{n}_last" for n in categories.names]
        values = partial(_tally, np.ones(len(ends)), codes, offsets, len(names))
        yield Block(names, values, unbounded=False)


def ngrams(events, schema):
    """Number of occurrences of each n-gram of behaviors."""
    codes = events.categories[schema.behavior][0]
    for grams in schema.ngrams:
        names = [f"{schema.behavior}_{n}" for n in grams.names]
        yield Block(names, partial(grams.count, codes, events))


def context(events, schema):
    """Ordinary columns: numbers unchanged, other values as one column per category."""
    for name, values in events.context.items():
        if name not in schema.context_categories:
            yield _columns({name: values}, unbounded=False)
            continue
        names = schema.context_categories[name].names
        rows = np.arange(events.n_samples + 1)
        flags = partial(_tally, np.ones(events.n_samples), values, rows, len(names))
        yield Block([f"{name}_{n}" for n in names], flags, unbounded=False)


def _count_categories(channel, events, schema, weights=None):
    codes = events.categories[channel][0]
    weights = np.ones(len(codes)) if weights is None else weights
    return _tally(weights, codes, events.offsets, len(schema.categories[channel].names))


def _tally(weights, codes, offsets, size):
    """Sum of the weights by row and code, as a CSR matrix.

    Flat codes and offsets are already the arrays of a CSR matrix, with repeated entries.
    """
    result = sparse.csr_matrix(
        (np.array(weights, np.float64), codes.astype(np.int64), offsets),
        shape=(len(offsets) - 1, size),
    )
    result.sum_duplicates()
    result.eliminate_zeros()  # events outside a window have weight 0
    return result


class Grams:
    """The n-grams of behaviors that were most frequent at fit.

    An n-gram is stored as one integer with the behaviors as its digits.
    """

    def __init__(self, n, codes, events, names, options):
        self.n = n
        self.base = len(names)
        if self.base**n > 2**62:  # the integer would overflow
            raise ValueError(
                f"ngram_range reaches {n}, which is too long for {self.base} behaviors. Lower it, "
                "or max_categories."
            )
        _, keys = self._keys(codes, events)
        distinct, counts = np.unique(keys, return_counts=True)
        least = options["min_frequency"]
        least = least * len(keys) if isinstance(least, float) else least
        order = np.lexsort((distinct, -counts))
        order = order[counts[order] >= least][: options["max_ngrams"]]
        # Keys are sorted for the lookup; `columns` maps them back to the order of frequency.
        self.columns = np.argsort(distinct[order], kind="stable")
        self.keys = distinct[order][self.columns]
        self.names = [self._name(key, names) for key in distinct[order]]

    def _name(self, key, names):
        digits = []
        for _ in range(self.n):
            key, digit = divmod(int(key), self.base)
            digits.append(names[digit])
        return ">".join(reversed(digits))

    def _keys(self, codes, events):
        """Mask of the events where an n-gram begins, and the n-grams."""
        left = np.repeat(events.offsets[1:], events.lengths) - np.arange(len(codes))
        begins = left >= self.n
        starts = np.flatnonzero(begins)
        keys = np.zeros(len(starts), np.int64)
        for i in range(self.n):
            keys = keys * self.base + codes[starts + i]
        return begins, keys

    def count(self, codes, events):
        """Count of each known n-gram in each row, as a CSR matrix."""
        begins, keys = self._keys(codes, events)
        if not len(self.keys):
            return sparse.csr_matrix((events.n_samples, 0))
        at = np.searchsorted(self.keys, keys)
        known = self.keys[np.minimum(at, len(self.keys) - 1)] == keys
        offsets = keep_offsets(known, keep_offsets(begins, events.offsets))
        return _tally(np.ones(offsets[-1]), self.columns[at[known]], offsets, len(self.keys))


# Columns that each group needs; "all" leaves out groups without them.
GROUPS = {
    "recency": (recency, ("time", "cutoff")),
    "frequency": (frequency, ()),
    "tenure": (tenure, ("time", "cutoff")),
    "monetary": (monetary, ("numeric",)),
    "counts": (counts, ("categorical",)),
    "shares": (shares, ("categorical",)),
    "ngrams": (ngrams, ("categorical",)),
    "gaps": (gaps, ("time",)),
    "trend": (trend, ("time", "cutoff", "windows")),
    "entropy": (entropy, ("categorical",)),
    "profile": (profile, ("time",)),
    "last": (last, ("categorical",)),
}
