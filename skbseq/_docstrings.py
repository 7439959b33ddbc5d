"""Docstrings of estimators, completed from the texts that they share."""

import inspect
import re

from skbseq._parameters import PARAMETERS

_SECTION = r"\n\n(?=\w[\w ]*\n-{3,}\n)"


def document(cls, options, sections):
    """Complete the docstring of a class that documents only what is specific to it.

    Its section of parameters gets every parameter of the signature, in order and with its
    default. The class's own text of a parameter takes precedence over that of its network, and
    this over the text that all estimators share.

    Parameters
    ----------
    cls : type
    options : dict of str to Option
        Parameters of the class's network.
    sections : dict of str to str
        Further sections, by title, that follow the parameters.
    """
    if cls.__doc__ is None:  # python -OO
        return
    head, own, tail = _split(inspect.cleandoc(cls.__doc__))
    parts = [
        head,
        _section("Parameters", "\n".join(_parameters(cls, options, own))),
        *(_section(title, text) for title, text in sections.items()),
        tail,
    ]
    cls.__doc__ = "\n\n".join(filter(None, parts)) + "\n"


def entries(described):
    """Entries of a section from types and texts by name."""
    return "\n".join(_entry(name, *parts) for name, parts in described.items())


def _split(doc):
    """What precedes the parameters, type and text of each that is documented, and the rest."""
    head, underline, rest = doc.partition("Parameters\n----------\n")
    if not underline:
        parts = re.split(_SECTION, doc, maxsplit=1)
        return parts[0], {}, parts[1] if len(parts) > 1 else ""
    own, *tail = re.split(_SECTION, rest, maxsplit=1)
    found = re.findall(r"^(\S+) : (.+)\n((?:(?: .*)?\n)+)", own + "\n", re.M)
    return head.rstrip(), {name: parts for name, *parts in found}, "".join(tail)


def _parameters(cls, options, own):
    unknown, signature = set(own), inspect.signature(cls).parameters
    for name, parameter in signature.items():
        name = f"**{name}" if parameter.kind is parameter.VAR_KEYWORD else name
        unknown.discard(name)
        if name in own:
            kind, text = own[name]
        else:
            option = options[name] if name in options else PARAMETERS[name]
            kind, text = option.kind, option.text
        if name == "**routed":
            text = text.replace("{network}", "``network__``, " * ("network" in signature))
        if parameter.default is not parameter.empty:
            # A default in the text of the class itself would have to be kept in step by hand.
            kind = f"{kind}, default={_as_code(parameter.default)}"
        yield _entry(name, kind, text)
    if unknown:
        raise TypeError(f"{cls.__name__} documents {sorted(unknown)}, which it does not take.")


def _as_code(value):
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _entry(name, kind, text):
    lines = inspect.cleandoc(text).splitlines()
    return "\n".join([f"{name} : {kind}", *(f"    {line}" for line in lines)])


def _section(title, text):
    return f"{title}\n{'-' * len(title)}\n{text}"
