"""The table of networks in the user guide is that of the code."""

import importlib
import re
from pathlib import Path

import pytest
from docutils.core import publish_doctree
from docutils.parsers.rst import directives, roles

from skbseq import networks
from skbseq.networks import NETWORKS, Network
from skbseq.networks._network import UNITS

DOCS = Path(__file__).parents[1] / "docs"
# Networks that classes are named after; those of the LSTM are written by hand.
NAMED = {"lstm", *(name for name, network in NETWORKS.items() if network.texts)}


@pytest.fixture
def render(monkeypatch):
    """What the directive makes, without Sphinx: rows of texts."""
    monkeypatch.syspath_prepend(DOCS / "_ext")
    extension = importlib.import_module("network_table")
    monkeypatch.setitem(directives._directives, "network-table", extension.NetworkTable)
    plain = roles.CustomRole("class", roles.generic_custom_role)
    monkeypatch.setitem(roles._roles, "class", plain)

    monkeypatch.setitem(directives._directives, "network-options", extension.NetworkOptions)

    def read():
        rows = publish_doctree(".. network-table::\n").findall(lambda node: node.tagname == "row")
        return [[entry.astext() for entry in row.children] for row in rows]

    return read


def test_the_table_has_every_network_and_its_options(render):
    header, *rows = render()
    assert header[0] == "network="
    assert [row[0] for row in rows] == [f'"{name}"' for name in NETWORKS]
    for row, network in zip(rows, NETWORKS.values(), strict=True):
        assert row[1] == network.reads
        assert row[2].split(", ") == list(network.options)
        if network.name in NAMED:
            assert row[3].count(", ") == 1, "a classifier and a regressor"
        else:
            assert row[3] == "none"


def test_the_options_of_a_network_are_listed_with_their_texts(render):
    assert callable(render)
    options = NETWORKS["sasrec"].options
    document = publish_doctree(".. network-options:: sasrec\n")
    terms = [node.astext() for node in document.findall(lambda node: node.tagname == "term")]
    assert terms == [f"{name}={option.default!r}" for name, option in options.items()]
    assert "Later events share the last vector." in " ".join(document.astext().split())


def test_a_network_that_is_added_appears(render, monkeypatch):
    def follow(events, lengths, *, units):
        return events

    added = Network("follow", follow, "in steps of two", {"units": UNITS})
    monkeypatch.setitem(networks.NETWORKS, "follow", added)
    assert render()[-1] == ['"follow"', "in steps of two", "units", "none"]


def test_the_guide_uses_the_table_and_has_a_section_of_each_network_with_classes():
    page = (DOCS / "user_guide" / "networks.rst").read_text(encoding="utf-8")
    assert ".. network-table::" in page
    for name in NETWORKS:
        assert name in NAMED or f".. network-options:: {name}\n" in page
        assert re.search(rf"^{name}\b.*\n-+\n", page, re.I | re.M), name
