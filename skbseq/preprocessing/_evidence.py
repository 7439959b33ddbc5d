"""Evidence from the values of a column about its use, and a warning if it contradicts the type.

A type cannot tell an order number from a category, nor a quantity from an id. The rules below
compare counts only. On five public logs they find the order numbers, quantities and positions,
and leave products, countries and colours alone.
"""

import re
import sys
import warnings
from collections import Counter

import numpy as np

from skbseq import _frames
from skbseq.exceptions import SequenceFrameWarning

# Below so many distinct values a wrong choice costs little, and counts say little.
_FEW = 20
_UNIQUE_VALUES = 50
# A value is of no use to other histories if it occurs in one history, or at one moment, only.
_UNIQUE_SHARE = 0.9
_LEAST_ROWS, _LEAST_OWNERS = 20, 100
# Ids have counts that say nothing about those of their neighbours; quantities have a distribution.
_SMOOTH, _RATHER_SMOOTH = 0.9, 0.4
_SMALLEST, _HALF = 0.05, 0.5
_QUANTITY_WORDS = frozenset(
    "age amount cents cost count duration length minutes points price qty quantity score "
    "seconds sum total units weight".split()
)
_TEXT_SHARE = 0.5
# Chinese, Japanese, Thai, Lao, Burmese and Khmer, which put no spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff]"
)
# Spaces and punctuation. Not all that is no word character, for the vowels of Thai are none.
_BETWEEN = re.compile("[\\s!-/:-@\\[-`{-~\u3000-\u303f\uff01-\uff0f\uff1a-\uff20]+")


class Facts:
    """Distinct values of a channel, and how often each occurs among the events that are used.

    Parameters
    ----------
    values : pyarrow.Array
        One value per event.
    """

    def __init__(self, values):
        self.kind = _frames.kind_of(values.type)
        values = _frames.decode_strings(_frames.nan_to_null(values))
        self.codes, self.distinct = _frames.encode(values)
        self.n_missing = int((self.codes < 0).sum())
        self.counts = np.bincount(self.codes[self.codes >= 0], minlength=len(self.distinct))

    @property
    def n_events(self):
        """Number of events with a value."""
        return int(self.counts.sum())

    def numbers(self):
        """The distinct numbers as float64."""
        return _frames.numbers(self.distinct)


class Owners:
    """Which history, moment or user each event belongs to, to find values of one of them only.

    Parameters
    ----------
    columns : SequenceColumns
    offsets : ndarray of int64 of shape (n_rows + 1,)
        Where the rows begin among the events that are used.
    times : dict of str to pyarrow.Array
        Times of the events that are used, by channel.
    """

    def __init__(self, columns, offsets, times):
        rows = np.repeat(np.arange(columns.n_rows), np.diff(offsets))
        self._all = {"in one history": rows} if columns.n_rows >= _LEAST_ROWS else {}
        for name, moments in times.items():
            codes, distinct = _frames.encode(moments)
            if len(distinct) >= _LEAST_OWNERS:
                self._all[f"at one moment of {name!r}"] = codes
        # A user with several cutoffs has several histories, which share events.
        for name, column in columns.ordinary.items():
            if _frames.kind_of(column.type) in ("string", "integer"):
                codes, distinct = _frames.encode(column)
                if _LEAST_OWNERS <= len(distinct) < columns.n_rows:
                    self._all[f"with one {name!r}"] = codes[rows]

    def most_exclusive(self, facts):
        """Largest share of the events whose value has one owner, and the words for it."""
        present = facts.codes >= 0
        codes = facts.codes[present]
        best = 0.0, ""
        for words, owner in self._all.items():
            owner = owner[present]
            first = np.zeros(len(facts.distinct), owner.dtype)
            first[codes[::-1]] = owner[::-1]
            shared = np.bincount(codes, owner != first[codes], len(facts.distinct)) > 0
            best = max(best, (float(1 - shared[codes].mean()), words))
        return best


def why_unique(facts, owners):
    """Why the values are nearly unique and so no categories; None if they are not."""
    n_values = len(facts.distinct)
    if n_values < _UNIQUE_VALUES:
        return None
    found = f"{n_values:,} distinct values in {facts.n_events:,} events"
    if n_values >= _UNIQUE_SHARE * facts.n_events:
        return f"{found}, nearly unique"
    share, where = owners.most_exclusive(facts)
    if share >= _UNIQUE_SHARE:
        return f"{found}, {np.floor(100 * share):.0f}% of which have a value found {where} only"
    return None


def why_quantity(name, facts):
    """Why whole numbers are a quantity rather than ids; None if they seem to be ids."""
    if len(facts.distinct) <= _FEW:
        return None
    numbers = facts.numbers()
    span = f"{len(numbers):,} distinct values from {numbers.min():,.0f} to {numbers.max():,.0f}"
    words = set(re.split(r"[\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
    if words & _QUANTITY_WORDS:
        return f"{span}, and a name of quantities"
    _, at = np.unique(np.abs(numbers), return_inverse=True)
    counts = np.bincount(at, facts.counts)
    if len(counts) <= _FEW:  # numbers so large that floats cannot tell them apart are ids
        return None
    n_smallest = int(np.ceil(_SMALLEST * len(counts)))
    share = counts[:n_smallest].sum() / counts.sum()
    smooth = _neighbours_agree(counts)
    if smooth >= _SMOOTH:
        return f"{span}, and neighbouring values are about equally frequent ({smooth:.2f})"
    if share >= _HALF and smooth >= _RATHER_SMOOTH:
        return f"{span}, and the smallest {n_smallest} make up {100 * share:.0f}% of the events"
    return None


def _neighbours_agree(counts):
    """Correlation of the logarithms of the counts of neighbouring values."""
    logs = np.log(counts)
    one, other = logs[:-1] - logs[:-1].mean(), logs[1:] - logs[1:].mean()
    size = np.sqrt((one**2).sum() * (other**2).sum())
    # Equal counts differ by rounding alone.
    return float((one * other).sum() / size) if size > 1e-9 else 0.0


def why_float_ids(name, facts):
    """Why floats are ids that pandas converted because some are missing; None if they are not."""
    numbers = facts.numbers()
    if not facts.n_missing or len(numbers) <= _FEW or (numbers != np.floor(numbers)).any():
        return None
    if why_quantity(name, facts) is not None:
        return None
    return (
        f"{len(numbers):,} distinct values, all whole numbers, and {facts.n_missing:,} missing, "
        "for which pandas turns integers into floats"
    )


def is_text(facts):
    """Whether most of the distinct strings are several words, or in a script without spaces."""
    if facts.kind != "string" or not len(facts.distinct):
        return False
    texts = _frames.to_objects(_frames.take(facts.distinct, np.arange(len(facts.distinct))[:1000]))
    several = sum(len(text.split()) > 1 or is_unspaced(text) for text in texts)
    return several > _TEXT_SHARE * len(texts)


def is_unspaced(text):
    """Whether a text has two or more characters of a script without spaces."""
    return len(_UNSPACED.findall(text)) > 1


def count_uncut(texts):
    """How many texts are in a script without spaces, and those that share no word with others."""
    unspaced = [text for text in texts if is_unspaced(text)]
    if not unspaced:
        return 0, []
    words = Counter(word for text in texts for word in set(_BETWEEN.split(text)) if word)
    uncut = [t for t in unspaced if all(words[w] == 1 for w in set(_BETWEEN.split(t)) if w)]
    return len(unspaced), uncut


# ------------------------------------------------------------------ the warning


def warn_of_choices(estimator, chosen, specified, facts, owners):
    """Warn, once for all columns, of channels whose type suggests another use than their values.

    Parameters
    ----------
    estimator : SequenceEncoder or SequenceVectorizer
    chosen : dict of str to str
        Use of each channel.
    specified : collection of str
        The channels that parameters name, about which there is no doubt.
    facts : callable
        :class:`Facts` of a channel, by name.
    owners : Owners
    """
    able_to_read_text = "text" in estimator.get_params(deep=False)
    reasons, better = [], dict(chosen)
    for name, use in chosen.items():
        if name in specified or use not in ("categorical", "numeric"):
            continue
        found = _doubt(name, use, facts(name), owners, able_to_read_text)
        if found is not None:
            reason, better[name] = found
            reasons.append(f"- {name!r} ({facts(name).kind}) is taken as {use}: {reason}")
    if not reasons:
        return
    doubted = [name for name in chosen if better[name] != chosen[name]]
    uses = {chosen[name] for name in doubted}
    keep = {use: [n for n in chosen if chosen[n] == use] for use in uses}
    # A use that a column moves to must name all its columns; so must one that a column leaves.
    changed = {better[n] for n in doubted if better[n]}
    changed |= {chosen[n] for n in doubted if better[n] is None}
    change = {use: [n for n in chosen if better[n] == use] for use in sorted(changed)}
    warn(
        f"{type(estimator).__name__} chose the use of {len(doubted)} "
        f"column{'s' * (len(doubted) > 1)} by type, and the values suggest another:\n"
        + "\n".join(reasons)
        + f"\nTo follow the values: {code(estimator, change)}"
        + f"\nTo keep the choice: {code(estimator, keep)}"
    )


def _doubt(name, use, facts, owners, able_to_read_text):
    """The reason against a use, and the better use (None: leave the column out)."""
    if use == "numeric":
        reason = why_float_ids(name, facts) if facts.kind == "float" else None
        return None if reason is None else (f"{reason}. They look like ids.", "categorical")
    if facts.kind == "integer" and (reason := why_quantity(name, facts)) is not None:
        return f"{reason}. It looks like a quantity.", "numeric"
    if facts.kind not in ("string", "integer"):
        return None
    if (reason := why_unique(facts, owners)) is None:
        return None
    if able_to_read_text and is_text(facts):
        return f"{reason}. They look like texts.", "text"
    return f"{reason}. A model learns nothing from such values.", None


def code(estimator, changes):
    """The call that makes an estimator with these parameters and those that it has already."""
    kind = type(estimator)
    defaults = kind().get_params(deep=False)
    parameters = estimator.get_params(deep=False)
    given = {name: changes.get(name, value) for name, value in parameters.items()}
    own = {n: v for n, v in given.items() if n in changes or repr(v) != repr(defaults[n])}
    return f"{kind.__name__}({', '.join(f'{name}={value!r}' for name, value in own.items())})"


def warn_if_empty(estimator, n_rows, n_events):
    """Warn if no history holds an event."""
    if not n_events:
        warn(
            f"None of the {n_rows:,} histories holds an event, so {type(estimator).__name__} "
            "learns nothing and a model after it sees no history. Take later cutoffs or a longer "
            "lookback in EventLog.histories, or check that samples and log name the same users."
        )


def warn(message):
    """Warn at the line of the caller outside of skbseq and scikit-learn."""
    frame, level = sys._getframe(1), 2
    inner = ("skbseq", "sklearn", "contextlib", "joblib")
    while frame is not None and _library_of(frame) in inner:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, SequenceFrameWarning, stacklevel=level)


def _library_of(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
