"""Print how readable the pages are: ``python docs/readability.py [FILE ...]``.

Prose is counted, not code, tables' rules, headings or directives. The guide aims at 18 words a
sentence on average and at most 5 sentences a paragraph.
"""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')*`]*\s+(?=[\"'(*`:]*[A-Z0-9])")
NO_SENTENCE_END = re.compile(r"\b(e\.g|i\.e|etc|cf|vs|approx)\.", re.IGNORECASE)
MARKUP = re.compile(
    r":[\w:+-]+:`~?([^`<]*?)(?:\s*<[^>]*>)?`|``([^`]*)``|`([^`<]*?)(?:\s*<[^>]*>)?`_{0,2}"
)


def paragraphs(text):
    """Each paragraph of prose in reStructuredText as one line, without markup."""
    for block in re.split(r"\n\s*\n", text):
        prose = _prose(block)
        if prose:
            yield prose


def _prose(block):
    lines = [line.strip() for line in block.strip().splitlines()]
    first = lines[0] if lines else ""
    code = ("..", ">>>", "$ ", "+-", "|", "===", "---", "* -", "- :", ":")
    underlined = len(lines) > 1 and re.fullmatch(r"([=\-~^])\1{2,}", lines[1])
    if not first or first.startswith(code) or underlined or _is_code(block, first):
        return ""
    line = " ".join(lines).removesuffix("::")
    return re.sub(MARKUP, lambda match: _one_word(next(g for g in match.groups() if g)), line)


def _is_code(block, first):
    # A block of prose holds at least one lower-case word followed by another.
    indented = block.lstrip("\n").startswith("        ")
    return indented or not re.search(r"[a-z]{2,},? [a-z]", first + " " + block)


def _one_word(marked):
    return marked if " " in marked and re.fullmatch(r"[\w ,'-]+", marked) else "Name"


def sentences(paragraph):
    """The sentences of a paragraph."""
    guarded = NO_SENTENCE_END.sub(lambda match: match[0].replace(".", ""), paragraph)
    return [part for part in SENTENCE_END.split(guarded) if re.search(r"[A-Za-z]", part)]


def measure(text):
    """Words, sentences, and the paragraphs with more than five sentences."""
    split = [sentences(paragraph) for paragraph in paragraphs(text)]
    words = sum(len(sentence.split()) for paragraph in split for sentence in paragraph)
    long = [paragraph[0] for paragraph in split if len(paragraph) > 5]
    return words, sum(map(len, split)), long


def main(paths):
    """Print a line per page, its long paragraphs, and the average of all pages."""
    pages = [Path(path) for path in paths] or [*DOCS.glob("*.rst"), *DOCS.glob("user_guide/*.rst")]
    measured = {page: measure(page.read_text(encoding="utf-8")) for page in sorted(pages)}
    for page, (words, count, long) in measured.items():
        print(f"{words / max(count, 1):5.1f} words a sentence, {words:5d} words  {page}")
        for start in long:
            print(f"      over 5 sentences: {start[:90]}")
    words = sum(words for words, _, _ in measured.values())
    count = sum(count for _, count, _ in measured.values())
    print(f"{words / max(count, 1):5.1f} words a sentence, {words:5d} words  in all")


if __name__ == "__main__":
    main(sys.argv[1:])
