"""Words that readers stumble over stay out: the list stands in docs/contributing.rst."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRIBUTING = ROOT / "docs" / "contributing.rst"


def words_to_avoid():
    """The left column of the list in docs/contributing.rst."""
    table = CONTRIBUTING.read_text(encoding="utf-8").split(":name: words-to-avoid")[1]
    entries = re.findall(r"^    \* - (.+)\n      - ", table, re.MULTILINE)[1:]
    return [word.strip() for entry in entries for word in entry.split(",")]


def texts_in(path):
    """What a user can read of a file, as (line, text): the whole of a page, strings of code."""
    text = path.read_text(encoding="utf-8")
    if path == CONTRIBUTING:
        text = text.split(":name: words-to-avoid")[0]
    if path.suffix == ".py":
        constants = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
        strings = [(node.lineno, node.value) for node in constants if isinstance(node.value, str)]
        return [(line, string) for line, string in strings if " " in string] + _comments(text)
    if path.suffix == ".md":  # code may be the name that something had before
        text = re.sub(r"`[^`\n]+`", "", text)
    return list(enumerate(text.splitlines(), start=1))


def _comments(text):
    lines = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in lines if line.lstrip().startswith("#")]


def pages():
    """Every file with words for users, relative to the root."""
    docs = [
        *ROOT.glob("docs/*.rst"),
        *ROOT.glob("docs/user_guide/*"),
        *ROOT.glob("docs/gallery/*"),
    ]
    files = [*docs, *ROOT.glob("skbseq/**/*.py"), ROOT / "README.md", ROOT / "CHANGELOG.md"]
    return sorted(str(file.relative_to(ROOT)) for file in files if file.is_file())


def found_in(texts):
    """Each word to avoid in these texts, with its line."""
    words = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in words_to_avoid())
    pattern = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    return [f"line {line}: {match[0]}" for line, text in texts for match in pattern.finditer(text)]


def test_the_list_is_read():
    assert {"by heart", "foretell", "anew", "mend", "told", "beside"} <= set(words_to_avoid())


def test_a_word_of_the_list_is_found_across_lines_and_in_capitals():
    assert found_in([(3, "Learn it by\n  heart."), (7, "Anew")]) == [
        "line 3: by\n  heart",
        "line 7: Anew",
    ]
    assert found_in([(1, "mending, promising, besides")]) == []


@pytest.mark.parametrize("page", pages())
def test_no_page_uses_a_word_to_avoid(page):
    assert found_in(texts_in(ROOT / page)) == []
