"""Directives of the networks: a table of all, and a list of the options of one."""

import inspect

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

import skbseq
from skbseq.networks import NETWORKS, describe_networks

HEADER = ("``network=``", "How it reads a history", "Options", "Classes")


def table_lines():
    """The table in reStructuredText."""
    options = ("class: networks", "header-rows: 1", "widths: 16 29 28 27")
    yield from (".. list-table::", *(f"    :{option}" for option in options), "")
    for row in [HEADER, *_rows()]:
        yield from (f"    {'  ' if i else '* '}- {cell}" for i, cell in enumerate(row))


def _rows():
    for described, name in zip(describe_networks(), NETWORKS, strict=True):
        named = [kind for kind in skbseq.__all__ if _network_of(kind) == name]
        links = [f":class:`~skbseq.{kind}`" for kind in named]
        yield *described, ", ".join(links) or "none"


def _network_of(kind):
    """The only network of a class, if there is one."""
    return getattr(getattr(skbseq, kind), "network", None)


def option_lines(name):
    """The options of a network, with their defaults, in reStructuredText."""
    for option, described in NETWORKS[name].options.items():
        yield f"``{option}={described.default!r}``"
        yield from (f"    {line}" for line in inspect.cleandoc(described.text).splitlines())


class _Parsed(Directive):
    """Insert lines of reStructuredText."""

    def run(self):
        node = nodes.Element()
        self.state.nested_parse(StringList(list(self.lines()), self.name), 0, node)
        return node.children


class NetworkTable(_Parsed):
    """Insert the table: ``.. network-table::``."""

    def lines(self):
        return table_lines()


class NetworkOptions(_Parsed):
    """Insert the options of a network: ``.. network-options:: sasrec``."""

    required_arguments = 1

    def lines(self):
        return option_lines(self.arguments[0])


def setup(app):
    app.add_directive("network-table", NetworkTable)
    app.add_directive("network-options", NetworkOptions)
    return {"parallel_read_safe": True}
