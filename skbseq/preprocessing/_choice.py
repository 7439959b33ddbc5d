"""Choice of the columns that an encoder uses, of their types and of their limits."""

from skbseq import _frames
from skbseq._checks import as_names, validate_parameter_constraints
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._evidence import code

CHANNEL_TYPES = ("categorical", "numeric", "time", "text", "vector")
# Parameters that may be a dict by column, and their values for columns that it does not name.
LIMITS = {"min_frequency": 1, "max_categories": None, "hash_buckets": None}

BY_TYPE = {
    "string": "categorical",
    "integer": "categorical",
    "boolean": "categorical",
    # The type of a channel without any value is unknown. As a category, every value is missing.
    "null": "categorical",
    "float": "numeric",
    "timestamp": "time",
}
_WHOLE = ("integer", "boolean")


def specified_channels(parameters):
    """The channels named by parameters, and the type given to each."""
    specified = {}
    for kind in (*CHANNEL_TYPES, "context"):
        for name in as_names(kind, parameters[kind] or (), empty=True):
            if name in specified:
                raise ValueError(
                    f"Column {name!r} is named twice: in {specified[name]}= and in {kind}=."
                )
            specified[name] = kind
    return {name: kind for name, kind in specified.items() if kind != "context"}


def choose_channels(estimator, columns, specified):
    """The channels to use and the type of each, in the order of the columns."""
    parameters = estimator.get_params(deep=False)
    for name, kind in specified.items():
        check_column(name, columns.lists, f"{kind}=", "list")
    for name in parameters["context"] or ():
        check_column(name, columns.ordinary, "context=", "ordinary")
    kinds = {name: _automatic(c.values.type) for name, c in columns.lists.items()}
    chosen = {}
    for name, kind in kinds.items():
        if name in specified:
            chosen[name] = specified[name]
        elif kind is not None and parameters[kind] is None:
            chosen[name] = kind
    odd = {name: columns.lists[name].values.type for name, kind in kinds.items() if kind is None}
    _refuse(estimator, {n: t for n, t in odd.items() if n not in specified}, chosen)
    if not chosen:
        raise SequenceFrameError(
            f"No channel is left to encode: {', '.join(CHANNEL_TYPES[:-1])} and "
            f"{CHANNEL_TYPES[-1]} name none of {', '.join(map(repr, columns.lists))}."
        )
    return chosen


def _automatic(dtype):
    """The use of a type, None for one that must be named."""
    kind = _frames.kind_of(dtype)
    if kind == "list":
        return "vector" if _frames.kind_of(dtype.value_type) in ("float", "null") else None
    return BY_TYPE.get(kind)


def _refuse(estimator, odd, chosen):
    """Raise an error about all columns that nobody named and no type decides about."""
    parameters = estimator.get_params(deep=False)
    by_type = any(parameters[use] is None for use in ("categorical", "numeric", "time"))
    lists = {n: t for n, t in odd.items() if _frames.kind_of(t) == "list"}
    nested = lists if parameters["vector"] is None else {}
    others = [n for n in odd if n not in lists and by_type]
    if not nested and not others:
        return
    uses = ("categorical", "numeric", "time") * bool(others) + ("vector",) * bool(nested)
    leave = code(estimator, {use: [n for n in chosen if chosen[n] == use] for use in uses})
    held = [f"Column {n!r} holds {_text_of(odd[n])}" for n in odd if n in nested or n in others]
    advice = [
        "Convert them to numbers or strings."
        if others and not nested
        else "If they are items of the event, say the products of a basket, make each an event of "
        "its own, or join them to one string and name the column in text=."
    ]
    # Lists of integers are ambiguous: they may be vectors, or the products of a basket.
    numbers = [n for n, t in nested.items() if _frames.kind_of(t.value_type) in _WHOLE]
    if numbers:
        vectors = [n for n in (*chosen, *numbers) if chosen.get(n, "vector") == "vector"]
        advice.insert(0, f"If each event has a vector of one size, pass vector={vectors!r}.")
    raise SequenceFrameError(
        f"{'; '.join(held)}, but a channel has one number, string, boolean or time per event. "
        f"{' '.join(advice)} To leave {'it' if len(held) == 1 else 'them'} out: {leave}."
    )


def _text_of(dtype):
    kind = _frames.kind_of(dtype)
    if kind == "list":
        return f"lists of lists of {_frames.kind_of(dtype.value_type)} values"
    return f"lists of {kind} values"


def check_column(name, columns, wanted_by, kind):
    """Raise an error if there is no such column."""
    if name not in columns:
        raise SequenceFrameError(
            f"There is no {kind} column {name!r}, which {wanted_by} needs; the {kind} columns "
            f"are {', '.join(map(repr, columns)) or 'none'}."
        )


def check_limits(parameters, constraints, chosen):
    """Raise an error if a limit by column names a column that has none, or is out of range."""
    coded = [name for name, kind in chosen.items() if kind == "categorical"]
    context = list(parameters["context"] or ())
    for limit in LIMITS:
        given = parameters[limit]
        if not isinstance(given, dict):
            continue
        allowed = coded if limit == "hash_buckets" else coded + context
        for name, value in given.items():
            if name not in allowed:
                raise SequenceFrameError(
                    f"{limit}= names {name!r}, which is not a categorical column; those are "
                    f"{', '.join(map(repr, allowed)) or 'none'}."
                )
            key = f"{limit}[{name!r}]"
            single = [c for c in constraints[limit] if c is not dict]
            validate_parameter_constraints({key: single}, {key: value}, "SequenceEncoder")


def with_limits(parameters, name):
    """The parameters for one column, with dicts by column replaced by its value."""
    return parameters | {
        limit: parameters[limit].get(name, default)
        for limit, default in LIMITS.items()
        if isinstance(parameters[limit], dict)
    }
