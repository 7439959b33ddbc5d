"""Types that a model file may name, and the new names of those that have moved."""

import sys

from skbseq import _next_event, estimators, networks, preprocessing
from skbseq._inputs import InputSchema
from skbseq.persistence._arguments import received

__all__ = ["is_state", "read_trusted", "with_new_names"]

# Objects of Keras are rebuilt when needed and never saved.
_NO_STATE = ("skbseq.estimators._keras", "skbseq.networks._graph")
# Classes in the state of scikit-learn's estimators that skops does not know yet. Trees of gradient
# boosting are tables of numbers, as those of random forests are, which it knows.
_KNOWN = {"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"}
# Modules and classes that have moved since an earlier version: old to new name, for reading old
# files. The classes themselves fill in parameters and attributes that old files lack.
_MOVED = {
    "skbseq.estimators._augmentation": "skbseq.preprocessing._augmentation",
    "skbseq.estimators._inputs": "skbseq._inputs",
    "skbseq.estimators._markov_chain": "skbseq._next_event._markov_chain",
    "skbseq.estimators._next_baselines": "skbseq._next_event._baselines",
    **{
        f"skbseq.{home}.ItemCooccurrence": "skbseq._next_event._cooccurrence.ItemCooccurrence"
        for home in ("estimators._next_baselines", "_next_event._baselines")
    },
    **{
        f"skbseq.estimators._{prefix}_{kind}": f"skbseq.estimators.{home}"
        for kind in ("classifier", "regressor")
        for prefix, home in (
            ("lstm", "_lstm"),
            *((prefix, "_named") for prefix in ("bag", "cnn", "gru", "rnn", "transformer")),
        )
    },
}


def read_trusted(trusted):
    """Names of the types that a user trusts.

    Raises
    ------
    TypeError
        If it is not a list of types, functions or names.
    """
    if isinstance(trusted, str) or callable(trusted):
        trusted = [trusted]
    if isinstance(trusted, bool | bytes | dict) or not hasattr(trusted, "__iter__"):
        raise TypeError(
            f"trusted must be a list of types or of their names; got {received(trusted)}. A file "
            "cannot be trusted as a whole."
        )
    return {_type_name(kind, i) for i, kind in enumerate(trusted)}


def _type_name(kind, i):
    name = kind
    if not isinstance(kind, str):
        name = f"{getattr(kind, '__module__', '')}.{getattr(kind, '__name__', '')}"
    # A name without a module is of no type in any file.
    if not all(name.split(".")) or "." not in name:
        raise TypeError(
            f"trusted[{i}] must be a type, a function, or a name with its module such as "
            f"'shop.DropFirst'; got {received(kind)}. load lists the names that a file needs."
        )
    return name


def with_new_names(node):
    """A schema with the new names of classes that have moved; it is changed in place."""
    if isinstance(node, list | dict):
        for inner in node.values() if isinstance(node, dict) else node:
            with_new_names(inner)
    if isinstance(node, dict):
        module, name = node.get("__module__"), node.get("__class__")
        if (new := _MOVED.get(f"{module}.{name}")) is not None:
            node["__module__"], _, node["__class__"] = new.rpartition(".")
        elif module in _MOVED:
            node["__module__"] = _MOVED[module]
    return node


def is_state(name):
    """Whether a name is that of a class used in the state of skbseq's or known estimators.

    It is looked up among the loaded modules, so that no name in a file can import a module.
    """
    if name in _KNOWN:
        return True
    module, _, kind = name.rpartition(".")
    packages = (_next_event, estimators, preprocessing, networks)
    allowed = module.startswith(tuple(f"{package.__name__}." for package in packages))
    allowed = (allowed or module == InputSchema.__module__) and not module.startswith(_NO_STATE)
    if not allowed or module not in sys.modules:
        return False
    found = vars(sys.modules[module]).get(kind)
    # Not a class that the module only imports.
    return isinstance(found, type) and found.__module__ == module
