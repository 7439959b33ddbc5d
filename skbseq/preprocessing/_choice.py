"""Which columns an encoder uses, as what, and with which limits."""

from skbseq import _frames
from skbseq._checks import validate_parameter_constraints
from skbseq.exceptions import SequenceFrameError

KINDS = ("categorical", "numeric", "time", "text", "vector")
# What a parameter that is given by column is for the columns that it does not name.
LIMITS = {"min_frequency": 1, "max_categories": None, "hash_buckets": None}

BY_TYPE = {
    "string": "categorical",
    "integer": "categorical",
    "boolean": "categorical",
    # Nothing is known of a channel without a value; as categories all are missing.
    "null": "categorical",
    "float": "numeric",
    "timestamp": "time",
}


def told_channels(parameters):
    """The channels that parameters name, and as what."""
    told = {}
    for kind in (*KINDS, "context"):
        for name in parameters[kind] or ():
            if name in told:
                raise ValueError(
                    f"Column {name!r} is named twice: in {told[name]}= and in {kind}=."
                )
            told[name] = kind
    return {name: kind for name, kind in told.items() if kind != "context"}


def choose_channels(parameters, columns, told):
    """Which channels to use, and as what, in the order of the columns."""
    for name, kind in told.items():
        check_column(name, columns.lists, f"{kind}=", "list")
    for name in parameters["context"] or ():
        check_column(name, columns.ordinary, "context=", "ordinary")
    chosen = {}
    for name, column in columns.lists.items():
        kind = told.get(name) or _automatic(parameters, name, column.values.type)
        if kind is not None:
            chosen[name] = kind
    if not chosen:
        raise SequenceFrameError(
            f"No channel is left to encode: {', '.join(KINDS[:-1])} and {KINDS[-1]} name none of "
            f"{', '.join(map(repr, columns.lists))}."
        )
    return chosen


def _automatic(parameters, name, dtype):
    kind = _frames.kind_of(dtype)
    if kind == "list":
        return _automatic_vector(parameters, name, _frames.kind_of(dtype.value_type))
    if kind not in BY_TYPE:
        if any(parameters[told] is None for told in ("categorical", "numeric", "time")):
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
    # Integers may be the products of a basket as well.
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
            f"There is no {kind} column {name!r}, which {wanted_by} asks for; the {kind} columns "
            f"are {', '.join(map(repr, columns)) or 'none'}."
        )


def check_limits(parameters, constraints, chosen):
    """Raise an error for limits by column that name an unlimited column, or are out of range."""
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
                    f"{limit}= names {name!r}, which is no categorical column; those are "
                    f"{', '.join(map(repr, allowed)) or 'none'}."
                )
            key = f"{limit}[{name!r}]"
            single = [c for c in constraints[limit] if c is not dict]
            validate_parameter_constraints({key: single}, {key: value}, "SequenceEncoder")


def with_limits(parameters, name):
    """The parameters as they are for one column."""
    return parameters | {
        limit: parameters[limit].get(name, default)
        for limit, default in LIMITS.items()
        if isinstance(parameters[limit], dict)
    }
