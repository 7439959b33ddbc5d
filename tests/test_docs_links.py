"""docs/check_links.py finds each kind of fault, and the first page says what its picture shows."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def check_links():
    spec = importlib.util.spec_from_file_location("check_links", DOCS / "check_links.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SOUND = """
<link rel="stylesheet" href="style.css"><script src="style.css"></script>
<h1 id="top">Title</h1> <a href="#top">up</a> <a href="style.css">file</a>
<a href="generated/name.html#name"><code class="xref py py-class">Name</code></a>
<a href="https://example.org/#x">elsewhere</a> <img src="style.css" alt="A picture.">
<nav><code class="xref py py-class">Title</code></nav><code class="xref py py-obj">word</code>
"""
NAMED = '<dt id="name">Name</dt><h2>In the user guide<a href="#name">#</a></h2>'

FAULTS = {
    '<a href="gone.html">x</a>': "link to a file that does not exist: gone.html",
    '<img src="gone.png" alt="x">': "link to a file that does not exist: gone.png",
    '<a href="#gone">x</a>': "link to an anchor that does not exist: #gone",
    '<a href="generated/name.html#gone">x</a>': "link to an anchor that does not exist: "
    "generated/name.html#gone",
    '<img src="style.css" alt=" ">': "picture without a text: style.css",
    '<img src="style.css">': "picture without a text: style.css",
    '<script src="https://example.org/a.js">': "loaded from a network: https://example.org/a.js",
    '<link rel="stylesheet" href="//example.org/a.css">': "loaded from a network: "
    "//example.org/a.css",
    '<code class="xref py py-func"><span>fit</span>()</code>': "reference without a link: fit()",
}


def build(folder, index, name=NAMED):
    (folder / "generated").mkdir()
    (folder / "style.css").touch()
    (folder / "index.html").write_text(index, encoding="utf-8")
    (folder / "generated" / "name.html").write_text(name, encoding="utf-8")
    return folder


def test_sound_pages_have_no_faults(check_links, tmp_path, capsys):
    assert check_links.main([str(build(tmp_path, SOUND))]) == 0
    assert capsys.readouterr().out == f"0 faults in {tmp_path}\n"


@pytest.mark.parametrize("html", FAULTS)
def test_a_fault_is_found(check_links, tmp_path, html):
    folder = build(tmp_path, SOUND + html)
    assert list(check_links.faults(folder)) == [f"index.html: {FAULTS[html]}"]


def test_a_name_that_nothing_explains_is_found(check_links, tmp_path):
    folder = build(tmp_path, SOUND, '<dt id="name">Name</dt><h2>Notes</h2>')
    (fault,) = check_links.faults(folder)
    assert fault.startswith("generated/name.html: neither an example nor a page of the user guide")


def test_no_pages_is_a_fault(check_links, tmp_path, capsys):
    assert check_links.main([str(tmp_path)]) == 1
    assert "holds no pages; build them first" in capsys.readouterr().out


def test_the_first_page_says_what_its_picture_shows():
    page = (DOCS / "index.rst").read_text(encoding="utf-8")
    said = re.search(r"results\.svg\n    :alt: (.*?)\n    :class:", page, re.S)[1]
    picture = (DOCS / "_static" / "results.svg").read_text(encoding="utf-8")
    bars = re.findall(r">(0\.\d\d)</text>", picture.split('id="matplotlib.axis_2"')[1])
    assert re.findall(r"0\.\d\d", said) == bars
    assert len(bars) == 4
