"""The README keeps its promises: its example runs and scores what it says, its links lead on."""

import re
import shlex
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV

from skbseq.cli._main import make_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(mark):
    """The fenced block right below the comment with this mark."""
    found = re.findall(rf"^<!-- {mark} -->\n```\w+\n(.*?)^```$", README, re.M | re.S)
    assert len(found) == 1, f"README.md has {len(found)} blocks below <!-- {mark} -->"
    return found[0]


def test_the_example_runs_and_scores_what_it_says(capsys):
    namespace = {}
    code = block("example")
    exec(compile(code, "README.md", "exec"), namespace)
    said = float(re.search(r"# about (0\.\d\d)$", code, re.M)[1])
    scored = float(re.fullmatch(r"ROC AUC (0\.\d\d)\n", capsys.readouterr().out)[1])
    assert scored == pytest.approx(said, abs=0.02)

    exec(compile(block("search"), "README.md", "exec"), namespace)
    assert isinstance(namespace["search"], GridSearchCV)
    for name in namespace["grid"]:
        namespace["model"].set_params(**{name: namespace["grid"][name][0]})


def test_no_python_is_left_out():
    assert len(re.findall(r"^```python$", README, re.M)) == 2


def test_the_commands_exist():
    commands = re.findall(r"^skbseq (?:fit|predict) (?:.*\\\n)*.*", README, re.M)
    assert len(commands) == 2
    for command in commands:
        make_parser().parse_args(shlex.split(command.replace("\\\n", " "))[1:])


def test_the_test_command_is_one_line_that_installs_and_tests():
    assert re.fullmatch(
        r"python3 -m venv \.venv && .*pip install .*pytest\n", block("test-command")
    )


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target).is_file()
