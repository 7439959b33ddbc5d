"""The directive ``network-table``: the networks that exist, and their options, as a table."""

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


class NetworkTable(Directive):
    """Insert the table."""

    def run(self):
        node = nodes.Element()
        self.state.nested_parse(StringList(list(table_lines()), "network-table"), 0, node)
        return node.children


def setup(app):
    app.add_directive("network-table", NetworkTable)
    return {"parallel_read_safe": True}
