"""Choice of the columns that an encoder uses, of their types and of their limits."""

from skbseq import _frames
from skbseq._checks import as_names, validate_parameter_constraints
from skbseq.exceptions import SequenceFrameError

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


def choose_channels(parameters, columns, specified):
    """The channels to use and the type of each, in the order of the columns."""
    for name, kind in specified.items():
        check_column(name, columns.lists, f"{kind}=", "list")
    for name in parameters["context"] or ():
        check_column(name, columns.ordinary, "context=", "ordinary")
    chosen = {}
    for name, column in columns.lists.items():
        kind = specified.get(name) or _automatic(parameters, name, column.values.type)
        if kind is not None:
            chosen[name] = kind
    if not chosen:
        raise SequenceFrameError(
            f"No channel is left to encode: {', '.join(CHANNEL_TYPES[:-1])} and "
            f"{CHANNEL_TYPES[-1]} name none of {', '.join(map(repr, columns.lists))}."
        )
    return chosen


def _automatic(parameters, name, dtype):
    kind = _frames.kind_of(dtype)
    if kind == "list":
        return _automatic_vector(parameters, name, _frames.kind_of(dtype.value_type))
    if kind not in BY_TYPE:
        if any(parameters[kind] is None for kind in ("categorical", "numeric", "time")):
            raise SequenceFrameError(
                f"Column {name!r} holds lists of {kind} values, which cannot be encoded. "
                "Convert them to numbers or strings, or drop the column."
            )
        return None
    return BY_TYPE[kind] if parameters[BY_TYPE[kind]] is None else None


def _automatic_vector(parameters, name, inner):
    if parameters["vector"] is not None:
        return None
    if inner in ("float", "null"):
        return "vector"
    # Lists of integers are ambiguous: they may be vectors, or the products of a basket.
    hint = f"If each event has a vector of one size, pass vector=[{name!r}]. "
    raise SequenceFrameError(
        f"Column {name!r} holds lists of lists of {inner} values, but a channel has one value per "
        f"event. {hint if inner in ('integer', 'boolean') else ''}If they are items of the event, "
        "say the products of a basket, make each an event of its own, or join them to one string "
        "and name the column in text=. vector=[] leaves the column out."
    )


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
