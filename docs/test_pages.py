"""Every example on the documentation pages runs and prints what the page shows.

A page is run from top to bottom in a namespace and a folder of its own: first its Python, then
its ``skbseq`` commands, as far as the comment ``.. executed`` stands above them. Two flags may
stand behind an example; Sphinx does not show them:

- ``ABOUT``: numbers with a decimal point may differ by 0.1, or by a tenth of their size. For
  what training gives, which differs a little from processor to processor.
- ``SKLEARN_1_9``: the example needs scikit-learn 1.9.

Where a change alters many outputs on purpose, ``python docs/test_pages.py PAGE...`` writes
what the Python examples print now into the pages; read the difference before you keep it.
"""

import doctest
import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest

from skbseq.cli import main

DOCS = Path(__file__).parent
PAGES = sorted(
    str(path.relative_to(DOCS))
    for path in DOCS.rglob("*.rst")
    if path.relative_to(DOCS).parts[0] not in ("_build", "auto_gallery", "gallery", "generated")
)
ABOUT = doctest.register_optionflag("ABOUT")
SKLEARN_1_9 = doctest.register_optionflag("SKLEARN_1_9")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DECIMAL = r"-?\d+\.\d*(?:e-?\d+)?"
CONSOLE = re.compile(r"^\.\. executed\n\n\.\. code-block:: console\n\n((?: .*\n|\n)+)", re.M)


class Checker(doctest.OutputChecker):
    """doctest's own comparison, and one of numbers that are about the same."""

    def check_output(self, want, got, flags):
        if super().check_output(want, got, flags):
            return True
        return bool(flags & ABOUT) and about_the_same(want, got)


def about_the_same(want, got):
    """Whether two outputs are the same but for small differences of their decimal numbers."""
    parts = re.split(rf"(\s+|\.\.\.|{DECIMAL})", want.strip())
    found = re.fullmatch("".join(map(_as_pattern, parts)), got.strip(), re.DOTALL)
    if found is None:
        return False
    numbers = [float(part) for part in parts if re.fullmatch(DECIMAL, part)]
    pairs = zip(numbers, map(float, found.groups()), strict=True)
    return all(abs(a - b) <= max(0.1, 0.1 * abs(a)) for a, b in pairs)


def _as_pattern(part):
    if part.isspace():
        return r"\s+"
    if part == "...":
        return ".*?"
    return f"({DECIMAL})" if re.fullmatch(DECIMAL, part) else re.escape(part)


def read_examples(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    return doctest.DocTestParser().get_doctest(text, {"__name__": "page"}, page, str(page), 0)


def read_commands(page):
    """Commands and what they print, of each console block that is marked as executed."""
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in CONSOLE.findall(text):
        for part in re.split(r"^ +\$ ", block, flags=re.M)[1:]:
            command, _, output = re.sub(r"\\\n *", "", part).partition("\n")
            yield command, "\n".join(line.removeprefix("    ") for line in output.split("\n"))


# Pages that train for so many steps that XLA compiles the LSTM faster than it runs without.
LONG = ("getting_started.rst", "user_guide/command_line.rst", "user_guide/probabilities.rst")


def _has_examples(page):
    return bool(read_examples(page).examples)


def _as_parameter(page):
    marks = [pytest.mark.steps("compiled")] * (page in LONG)
    return pytest.param(page, marks=marks)


def test_there_are_pages():
    assert "getting_started.rst" in PAGES


@pytest.mark.parametrize("page", [_as_parameter(page) for page in PAGES if _has_examples(page)])
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend((DOCS / page).parent)  # files that the page shows and imports
    test = read_examples(page)
    kept = [example for example in test.examples if _can_run(example)]
    n_left_out, test.examples = len(test.examples) - len(kept), kept
    report = []
    runner = doctest.DocTestRunner(checker=Checker(), optionflags=FLAGS)
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "\n" + "".join(report)
    for command, want in read_commands(page):
        program, *arguments = shlex.split(command)
        assert program == "skbseq", f"only skbseq is run here: {command}"
        main(arguments)
        # How often a slow machine says that it is still at work is nothing that a page can show.
        said = re.sub(r"^  \.\.\. \d+ s\n", "", "".join(capsys.readouterr()), flags=re.M)
        assert Checker().check_output(want, said, FLAGS | ABOUT), f"{command}\n{said}"
    if n_left_out:
        pytest.skip(f"{n_left_out} examples need scikit-learn 1.9; the other {len(kept)} passed")


def _can_run(example):
    has_callbacks = importlib.util.find_spec("sklearn.callback") is not None  # 1.9's own mark
    return has_callbacks or not example.options.get(SKLEARN_1_9, False)


@pytest.mark.parametrize("page", PAGES)
def test_no_python_on_a_page_is_left_out(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    assert "+SKIP" not in text
    assert "code-block:: python" not in text, "write it as >>> examples, which are run"


def test_about_the_same():
    assert about_the_same("AUC 0.77 of 12", "AUC  0.74 of 12")
    assert about_the_same("[812.5, -3.]", "[790.1, -3.05]")
    assert about_the_same("AUC\n...\n0.77", "AUC\nEpoch 1.5\n0.74")
    assert not about_the_same("AUC 0.77 of 12", "AUC 0.77 of 13")
    assert not about_the_same("AUC 0.77", "AUC 0.62")
    assert not about_the_same("AUC 0.77", "AUC 0.77 0.77")


class _Recorder(doctest.DocTestRunner):
    """Keeps what differs, and stops at an error that the page does not show."""

    def __init__(self):
        super().__init__(optionflags=FLAGS)
        self.new_outputs = {}

    def report_failure(self, out, test, example, got):
        if example.exc_msg is not None:
            got = f"Traceback (most recent call last):\n    ...\n{got.splitlines()[-1]}"
        self.new_outputs[example.lineno] = example, got

    def report_unexpected_exception(self, out, test, example, exc_info):
        raise exc_info[1]


def _rewrite(page):
    recorder = _Recorder()
    sys.path.insert(0, str((DOCS / page).parent))
    recorder.run(read_examples(page), out=lambda text: None)
    lines = (DOCS / page).read_text(encoding="utf-8").split("\n")
    for lineno in sorted(recorder.new_outputs, reverse=True):
        example, got = recorder.new_outputs[lineno]
        begin = lineno + example.source.count("\n")
        output = [f"{' ' * example.indent}{line}".rstrip() for line in got.splitlines()]
        lines[begin : begin + example.want.count("\n")] = output
    (DOCS / page).write_text("\n".join(lines), encoding="utf-8")
    print(f"{page}: {len(recorder.new_outputs)} outputs written")


if __name__ == "__main__":
    for page in sys.argv[1:]:
        _rewrite(page)
