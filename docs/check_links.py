"""Check the built pages: ``python docs/check_links.py [FOLDER]``, by default docs/_build/html.

It finds links to pages, files and anchors that do not exist, cross references that Sphinx left
without a link, pictures without a text for those who do not see them, anything that a page loads
from a network, and public names whose page leads neither to an example nor to the user guide.
"""

import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

BUILT = Path(__file__).parent / "_build" / "html"
LOADED = {("img", "src"), ("script", "src"), ("source", "srcset"), ("iframe", "src")}
LEADS_ON = ("In the user guide", "Examples using")


class Page(HTMLParser):
    """What one page refers to, and what others may refer to."""

    def __init__(self, html):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), [], []
        self.without_text, self.unresolved, self.headings = [], [], []
        self._open, self._reading = Counter(), None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        self.loaded += [value for key, value in attributes.items() if (tag, key) in LOADED]
        if tag == "link" and attributes.get("rel") == "stylesheet":
            self.loaded.append(attributes["href"])
        if tag == "img" and not (attributes.get("alt") or "").strip():
            self.without_text.append(attributes.get("src"))
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        self._open[tag] += 1
        self._start_reading(tag, (attributes.get("class") or "").split())

    def _start_reading(self, tag, classes):
        # Single backquotes have the role py-obj in docstrings, where most are plain words.
        is_reference = tag == "code" and "xref" in classes and "py-obj" not in classes
        if is_reference and not self._open["a"] and not self._open["nav"]:
            self._reading = tag, self.unresolved
        elif tag in {"h2", "h3"}:
            self._reading = tag, self.headings
        else:
            return
        self._reading[1].append("")

    def handle_data(self, data):
        if self._reading:
            self._reading[1][-1] += data

    def handle_endtag(self, tag):
        self._open[tag] -= 1
        if self._reading and tag == self._reading[0]:
            self._reading = None


def read_pages(folder):
    """Every page of a folder as {path: Page}."""
    paths = sorted(path for path in folder.rglob("*.html") if "_static" not in path.parts)
    return {path: Page(path.read_text(encoding="utf-8")) for path in paths}


def dead_links(pages):
    """Links within the pages that lead nowhere, as (path, fault)."""
    by_path = {path.resolve(): page for path, page in pages.items()}
    for path, page in pages.items():
        for link in dict.fromkeys([*page.links, *page.loaded]):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (
                (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            )
            anchor = unquote(parts.fragment)
            if not target.exists():
                yield path, f"link to a file that does not exist: {link}"
            elif anchor and target in by_path and anchor not in by_path[target].anchors:
                yield path, f"link to an anchor that does not exist: {link}"


def other_faults(pages):
    """What is wrong with each page alone, as (path, fault)."""
    for path, page in pages.items():
        yield from ((path, f"reference without a link: {name}") for name in page.unresolved)
        yield from ((path, f"picture without a text: {source}") for source in page.without_text)
        for source in page.loaded:
            if urlsplit(source).netloc:
                yield path, f"loaded from a network: {source}"
        leads_on = any(heading.startswith(LEADS_ON) for heading in page.headings)
        if path.parent.name == "generated" and not leads_on:
            yield path, "neither an example nor a page of the user guide names it"


def faults(folder):
    """Everything that is wrong with the pages of a folder, as lines of text."""
    pages = read_pages(folder)
    if not pages:
        yield f"{folder} holds no pages; build them first"
    found = dict.fromkeys([*dead_links(pages), *other_faults(pages)])
    yield from (f"{path.relative_to(folder)}: {fault}" for path, fault in found)


def main(arguments):
    """Print the faults; the exit status is 1 if there are any."""
    folder = Path(arguments[0]) if arguments else BUILT
    found = list(faults(folder))
    print(*found, f"{len(found)} faults in {folder}", sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
