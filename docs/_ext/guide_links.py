"""The directive ``guide-links``: the guide's pages that explain a public name, as a list.

A page explains a name if it links to it, or imports it in an example. The pages that say most of
it come first.
"""

import re
from functools import cache
from pathlib import Path

from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from network_table import table_lines

DOCS = Path(__file__).parents[1]
N_PAGES = 4
HEADING = "In the user guide"
IMPORTED = r"from skbseq[\w.]* import (?:\([^)]*|.*)\b{}\b"


@cache
def pages():
    """The text of each page that explains, with the table of networks written out."""
    paths = [*DOCS.glob("user_guide/*.rst"), DOCS / "getting_started.rst", DOCS / "pitfalls.rst"]
    table = "\n".join(table_lines())
    texts = {
        str(path.relative_to(DOCS).with_suffix("")): path.read_text("utf-8") for path in paths
    }
    return {page: text.replace(".. network-table::", table) for page, text in texts.items()}


def guide_pages(full_name):
    """The pages that explain a name, at most four."""
    name = full_name.rpartition(".")[2]
    link = re.compile(rf":\w+:`~?(?:skbseq\.)?(?:[a-z_.]+\.)?{name}(?:\.\w+)?`")
    imported = re.compile(IMPORTED.format(name))
    counts = {page: len(re.findall(rf"\b{name}\b", text)) for page, text in pages().items()}
    found = [page for page, text in pages().items() if link.search(text) or imported.search(text)]
    return sorted(found, key=lambda page: (-counts[page], page))[:N_PAGES]


class GuideLinks(Directive):
    """Insert a heading and the list, or nothing."""

    required_arguments = 1

    def run(self):
        found = guide_pages(self.arguments[0])
        environment = self.state.document.settings.env
        for page in pages():
            environment.note_dependency(f"{page}.rst")
        lines = [HEADING, "-" * len(HEADING), "", *(f"- :doc:`/{page}`" for page in found), ""]
        if found:
            self.state_machine.insert_input(StringList(lines, "guide-links"), "guide-links")
        return []


def setup(app):
    app.add_directive("guide-links", GuideLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
