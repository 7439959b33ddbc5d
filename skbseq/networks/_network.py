"""The description of a network: a function, its options, and their texts."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from skbseq._parameters import ONE_OR_MORE, PARAMETERS, Option

# Arguments of a network that are parameters of the estimators, too. Their values come from there.
SHARED = ("units", "n_layers", "bidirectional", "dropout", "recurrent_dropout")
# Options of networks that are fields of a spec, and not among its options: with their defaults,
# specs of files from before there were these options are the same.
CHECKPOINT, HISTORY_TOKEN = "checkpoint", "history_token"
FIELDS = (CHECKPOINT, HISTORY_TOKEN)
# Arguments that a network receives if its function has them.
GIVEN = ("inputs", "mask", "gaps")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


UNITS = Option(32, ONE_OR_MORE, "int", "Size of the vector of each event.")


@dataclass(frozen=True)
class ClassTexts:
    """Docstring parts of the two estimator classes that are named after a network.

    Parameters
    ----------
    prefix : str
        First part of the class names: "GRU" for ``GRUBehaviorClassifier``.
    title : str
        Ends the sentence "Classify sequences with ...".
    description : str
        Paragraphs that follow it.
    notes, references : str
        Sections of the classifier's docstring.
    without : tuple of str
        Parameters of the estimators that the named classes leave out.
    """

    prefix: str
    title: str
    description: str
    notes: str
    references: str
    without: tuple = ()


@dataclass(frozen=True)
class Network:
    """A network that reads embedded events.

    Parameters
    ----------
    name : str
        Value of ``network=``.
    build : callable
        A function ``build(events, lengths, **arguments)`` of Keras tensors: the embedded events,
        of shape (batch, steps, features), padded on the right, and the number of events of each
        history, of shape (batch,). It returns one vector per event, of shape
        (batch, steps, width), or one per history, of shape (batch, width), or both as a tuple.
        It imports Keras when it is called. An argument called ``inputs`` receives all inputs of
        the model (`sequence_inputs`), one called ``mask`` a boolean tensor of shape
        (batch, steps), True at real events, and one called ``gaps`` the seconds since the previous
        event, of shape (batch, steps), or None where no channel has them.
    reads : str
        How it reads a history, in a few words, for tables in the documentation.
    options : dict of str to Option
        Its arguments. Names in ``SHARED`` take their value from the estimator.
    texts : ClassTexts, default=None
        Docstrings of the classes named after it. None: there are no such classes.
    least_weights : callable, default=None
        A function ``least_weights(width, **arguments)`` of the size of an embedded event that
        returns a lower bound of the number of weights. None: unknown.
    order_blind : bool, default=False
        Whether the order of events makes no difference to it.
    is_function : bool, default=False
        Whether ``build`` is a user's own function.
    positions : str, default=None
        The option that says how many positions it tells apart. None: it has no such limit.
    title : str, default=None
        Its name in titles. None: the prefix of its classes, or its name in capitals.
    check : callable, default=None
        A function ``check(arguments, pooling)`` that raises an error where values that are valid
        alone do not go together. None: all do.
    """

    name: str
    build: Callable
    reads: str
    options: Mapping = field(hash=False)
    texts: ClassTexts | None = field(default=None, hash=False)
    least_weights: Callable | None = None
    order_blind: bool = False
    is_function: bool = False
    positions: str | None = None
    title: str | None = None
    check: Callable | None = None

    @property
    def label(self):
        """Its name in messages, as users write it: quoted unless it is a function."""
        return self.name if self.is_function else repr(self.name)

    @property
    def two_way(self):
        """Whether it can read both ways. If not, it is causal; of a function that is unknown."""
        return "bidirectional" in self.options

    @property
    def own_options(self):
        """Options that are no parameters of the estimators: set as ``network__name``."""
        return {name: option for name, option in self.options.items() if name not in SHARED}

    @property
    def is_recurrent(self):
        """Whether it has a recurrent state; of a function that is unknown."""
        return self.takes("recurrent_dropout")

    def takes(self, name):
        """Whether the function has an argument of this name."""
        return name in self.options

    def wants(self, name):
        """Whether the function asks for one of ``GIVEN``."""
        return name in inspect.signature(self.build).parameters

    @property
    def takes_any(self):
        """Whether a user's function takes arguments of any name."""
        kinds = (p.kind for p in inspect.signature(self.build).parameters.values())
        return self.is_function and inspect.Parameter.VAR_KEYWORD in kinds

    @classmethod
    def of_function(cls, function):
        """Describe a user's function by its signature.

        Raises
        ------
        TypeError
            If it cannot take the events and their lengths.
        """
        name = function_name(function)
        try:
            hash(function)
        except TypeError:
            raise TypeError(
                f"network={name} cannot be hashed, and it is the key under which its compiled "
                "program is found again. Give a plain function."
            ) from None
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"network={name} has no signature that can be read: {error}."
            ) from None
        if isinstance(function, type) or len(parameters) < 2 or not _takes_two(parameters[:2]):
            raise TypeError(
                f"network={name} must be a function whose first two arguments are the events and "
                "their lengths, such as `def my_network(events, lengths, units=32)`. It takes "
                f"({', '.join(p.name for p in parameters)})."
            )
        # An argument that takes any name cannot be listed as an option.
        own = [p for p in parameters[2:] if p.name not in GIVEN and p.kind not in _VARIADIC]
        options = {
            p.name: Option(p.default, PARAMETERS[p.name].constraint)
            if p.name in SHARED
            else Option(p.default)
            for p in own
        }
        return cls(
            name=name,
            build=function,
            reads="as its function says",
            options=MappingProxyType(options),
            is_function=True,
        )


def _takes_two(parameters):
    positional = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return all(p.kind in positional for p in parameters)


def as_text(value):
    """A value in messages: functions by their name."""
    return function_name(value) if callable(value) else repr(value)


def function_name(function):
    """Name of a function in messages; `functools.partial` objects have none of their own."""
    return getattr(function, "__qualname__", None) or repr(function)


def hashable(name, value):
    """An option as a part of a spec, which is a key of compiled programs."""
    if isinstance(value, list):
        value = tuple(hashable(name, item) for item in value)
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"network__{name}={value!r} cannot be hashed, and it is part of the key under which "
            "a compiled network is found again. Give numbers, strings, or tuples of them."
        ) from None
    return value
