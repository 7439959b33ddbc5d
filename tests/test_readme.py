"""The README keeps its promises: its example runs and scores what it says, its links lead on."""

import re
import shlex
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV

from skbseq.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(mark):
    """The fenced block right below the comment with this mark."""
    found = re.findall(rf"^<!-- {mark} -->\n```\w+\n(.*?)^```$", README, re.M | re.S)
    assert len(found) == 1, f"README.md has {len(found)} blocks below <!-- {mark} -->"
    return found[0]


@pytest.mark.steps("compiled")  # as for users, and for so many steps cheaper
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


def console_commands():
    """The commands of the console blocks, in order, as lists of words."""
    blocks = re.findall(r"^```console\n(.*?)^```$", README, re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(command) for line in lines for command in line.split("&&")]


def test_commands_run_as_printed_where_nothing_is_activated():
    for program, *arguments in console_commands():
        new_environment = [program, *arguments] == ["python3", "-m", "venv", ".venv"]
        assert new_environment or program.startswith(".venv/bin/"), program


def test_the_commands_work_in_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    smaller = {"demo": ["--users", "300"], "fit": ["--epochs", "1", "--units", "4", "--quiet"]}
    ours = [words for program, *words in console_commands() if program.endswith("/skbseq")]
    assert [name for name, *_ in ours] == ["demo", "fit", "predict"]
    for name, *words in ours:
        assert main([name, *words, *smaller.get(name, [])]) == 0
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    report = {"buyers.scores.csv", "buyers.calibration.png"}
    assert {path.name for path in tmp_path.iterdir()} == {"skbseq-demo", "buyers.skbseq", *report}
    assert {"skbseq-demo/", "*.skbseq", "*.scores.csv", "*.calibration.png"} <= set(ignored)


def test_the_test_command_is_one_line_that_installs_and_tests():
    assert re.fullmatch(
        r"python3 -m venv \.venv && .*pip install .*pytest -n 2\n", block("test-command")
    )


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target).is_file()
