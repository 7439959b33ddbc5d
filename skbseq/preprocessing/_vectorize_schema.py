"""The columns that the vectorizer uses, their types, and what it learns about each."""

from functools import cache

import numpy as np

from skbseq import _frames
from skbseq._checks import as_names
from skbseq._time import to_timedelta
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._choice import BY_TYPE
from skbseq.preprocessing._evidence import (
    Facts,
    Owners,
    code,
    warn_if_empty,
    warn_of_choices,
)
from skbseq.preprocessing._place import RowPlace, read_numbers
from skbseq.preprocessing._vectorize_events import (
    Categories,
    Clock,
    Cutoffs,
    EventPlace,
    Events,
)
from skbseq.preprocessing._vectorize_groups import GROUPS, Grams


class Schema:
    """The state learned at fit: channels by type, vocabularies, the groups of features.

    Call :meth:`learn_events` next.

    Parameters
    ----------
    columns : SequenceColumns
        The columns of the frame given to fit.
    estimator : SequenceVectorizer
        Its parameters are the options.
    """

    def __init__(self, columns, estimator):
        options = estimator.get_params(deep=False)
        chosen = choose_channels(columns, estimator)
        self.numeric = chosen["numeric"]
        place = EventPlace(first_offsets(columns))
        self.categories = {
            name: Categories(name, columns.lists[name].values, options)
            for name in chosen["categorical"]
        }
        self.clock = None
        if chosen["time"]:
            name = chosen["time"][0]
            self.clock = Clock(name, columns.lists[name].values, place)
        # Without times, a cutoff gives no feature.
        found = options["cutoff"] in columns.ordinary and self.clock is not None
        self.cutoff = options["cutoff"] if found else None
        self.windows = read_windows(options["windows"])
        self.behavior = self._choose_behavior(columns, options["behavior"])
        self._fit_context(columns, options)
        self.groups = self._choose_groups(options)

    @classmethod
    def of_array(cls, names, options):
        """The schema of an array: only numeric channels."""
        schema = cls.__new__(cls)  # `__init__` reads the columns of a frame
        schema.numeric, schema.categories, schema.clock = list(names), {}, None
        schema.cutoff, schema.windows, schema.behavior = None, {}, None
        schema.context, schema.context_categories = [], {}
        schema.groups = schema._choose_groups(options)
        return schema

    def _choose_behavior(self, columns, specified):
        if specified is None:
            sizes = {n: len(c.vocabulary.values) for n, c in self.categories.items()}
            return min(sizes, key=sizes.get, default=None)
        if specified not in self.categories:
            raise SequenceFrameError(
                f"behavior={specified!r} is not one of the categorical channels, which are "
                f"{listed(self.categories)}."
            )
        return specified

    def _fit_context(self, columns, options):
        self.context = as_names("context", options["context"] or (), empty=True)
        self.context_categories = {}
        for name in self.context:
            check_column(name, columns.ordinary, "context=", "ordinary")
            kind = _frames.kind_of(columns.ordinary[name].type)
            if kind in ("string", "boolean", "null"):
                self.context_categories[name] = Categories(name, columns.ordinary[name], options)
            elif kind not in ("integer", "float"):
                raise SequenceFrameError(
                    f"Context column {name!r} holds {kind} values. Give numbers, strings or "
                    "booleans."
                )

    def _choose_groups(self, options):
        """Names of the groups for which the frame has the required columns."""
        there = {
            "time": self.clock is not None,
            "cutoff": self.cutoff is not None,
            "numeric": bool(self.numeric),
            "categorical": bool(self.categories),
            "windows": bool(self.windows),
        }
        wanted = options["groups"]
        if isinstance(wanted, str):
            return [n for n, (_, needs) in GROUPS.items() if all(there[need] for need in needs)]
        for name in wanted:
            lacks = [need for need in GROUPS[name][1] if not there[need]]
            if lacks:
                raise SequenceFrameError(
                    f"The group {name!r} needs {_NEEDS[lacks[0]].format(**options)}, and there is "
                    "none. Add it, or leave the group out."
                )
        return [name for name in GROUPS if name in wanted]

    def learn_events(self, events, options):
        """Learn from the events which channels have missing numbers, and the n-grams."""
        # The number of missing values is a feature only of channels that had some at fit.
        self.with_missing = [n for n, v in events.numbers.items() if np.isnan(v).any()]
        self.ngrams = []
        if "ngrams" in self.groups:
            least, most = options["ngram_range"]
            codes, _, _ = events.categories[self.behavior]
            names = self.categories[self.behavior].names
            self.ngrams = [Grams(n, codes, events, names, options) for n in range(least, most + 1)]

    def channels(self):
        """Names of the list columns that are read."""
        clock = [self.clock.name] if self.clock is not None else []
        return [*self.categories, *self.numeric, *clock]

    def read(self, columns):
        """The events of the columns of a frame, which may be in any order."""
        for name in self.channels():
            check_column(name, columns.lists, "the vectorizer", "list")
        for name in [*self.context, *([self.cutoff] if self.cutoff else [])]:
            check_column(name, columns.ordinary, "the vectorizer", "ordinary")
        offsets = first_offsets(columns)
        place = EventPlace(offsets)
        values = {name: columns.lists[name].values for name in self.channels()}
        numbers = {name: read_numbers(values[name], name, place) for name in self.numeric}
        categories = {n: c.read(values[n], place) for n, c in self.categories.items()}
        moments = None
        if self.clock is not None:
            cutoff = self.cutoff and Cutoffs(self.cutoff, columns.ordinary[self.cutoff])
            moments = self.clock.read(values[self.clock.name], place, cutoff)
        return Events(
            offsets,
            numbers=numbers,
            categories=categories,
            moments=moments,
            context=self._read_context(columns),
        )

    def _read_context(self, columns):
        values = {}
        for name in self.context:
            column = columns.ordinary[name]
            if name in self.context_categories:
                values[name] = self.context_categories[name].read(column, RowPlace())[0]
            else:
                values[name] = read_numbers(column, name, RowPlace())
        return values


_NEEDS = {
    "time": "a channel of times",
    "cutoff": "an ordinary column {cutoff!r} in addition to a channel of times",
    "numeric": "a numeric channel",
    "categorical": "a categorical channel",
    "windows": "windows=",
}


def choose_channels(columns, estimator):
    """Names of the channels by type, in the order of the columns."""
    options = estimator.get_params(deep=False)
    specified = specified_channels(options)
    for name, kind in specified.items():
        check_column(name, columns.lists, f"{kind}=", "list")
    chosen = {"categorical": [], "numeric": [], "time": []}
    odd = []
    for name, column in columns.lists.items():
        kind = BY_TYPE.get(_frames.kind_of(column.values.type))
        if name in specified:
            chosen[specified[name]].append(name)
        elif kind is None:
            odd.append(name)
        elif options[kind] is None:
            chosen[kind].append(name)
    if odd and (options["categorical"] is None or options["numeric"] is None):
        _refuse(estimator, {n: columns.lists[n].values.type for n in odd}, chosen)
    if not any(chosen.values()):
        raise SequenceFrameError(
            "No channel is left: categorical, numeric and time name none of "
            f"{listed(columns.lists)}."
        )
    if len(chosen["time"]) > 1:
        raise SequenceFrameError(
            f"The frame has several channels of times, {listed(chosen['time'])}. Name the one "
            "with the times of the events in time=."
        )
    return chosen


def specified_channels(options):
    """The channels named by parameters, and the type given to each."""
    specified = {}
    for kind in ("categorical", "numeric", "time"):
        for name in as_names(kind, options[kind] or (), empty=True):
            if name in specified:
                raise ValueError(
                    f"Column {name!r} is named twice: in {specified[name]}= and in {kind}=."
                )
            specified[name] = kind
    return specified


def _refuse(estimator, odd, chosen):
    held = "; ".join(f"Column {n!r} holds lists of {_frames.kind_of(t)}" for n, t in odd.items())
    leave = code(estimator, {use: chosen[use] for use in ("categorical", "numeric")})
    raise SequenceFrameError(
        f"{held} values, which have no features. Convert them to numbers or strings. To leave "
        f"{'it' if len(odd) == 1 else 'them'} out: {leave}."
    )


def warn_of_doubts(estimator, columns, schema):
    """Warn of channels whose values contradict their use, and of a fit without events."""
    offsets = first_offsets(columns)

    @cache
    def facts(name):
        return Facts(columns.lists[name].values)

    options = estimator.get_params(deep=False)
    chosen = dict.fromkeys(schema.categories, "categorical") | dict.fromkeys(
        schema.numeric, "numeric"
    )
    chosen = {name: chosen[name] for name in columns.lists if name in chosen}
    warn_if_empty(estimator, columns.n_rows, offsets[-1])
    clocks = [] if schema.clock is None else [schema.clock.name]
    owners = Owners(columns, offsets, {n: columns.lists[n].values for n in clocks})
    settled = {*specified_channels(options), options["behavior"]}
    warn_of_choices(estimator, chosen, settled, facts, owners)


def read_windows(windows):
    """Spans by name, as the user wrote them."""
    spans = {}
    for window in windows:
        span = to_timedelta(window, name="windows")
        name = window.strip() if isinstance(window, str) else f"{span.astype(float) / 864e8:g}D"
        if span in spans.values():
            raise ValueError(f"windows={windows!r} holds the span {name!r} twice.")
        spans[name] = span
    return spans


def first_offsets(columns):
    """Offsets of the rows, which all channels share."""
    return next(iter(columns.lists.values())).offsets


def check_column(name, columns, wanted_by, kind):
    """Refuse a frame without a column."""
    if name not in columns:
        raise SequenceFrameError(
            f"There is no {kind} column {name!r}, which {wanted_by} needs; the {kind} columns "
            f"are {listed(columns)}."
        )


def listed(names):
    """Names for a message."""
    return ", ".join(map(repr, names)) or "none"
