"""The READMEs, in English and Chinese: their code runs and scores what they say, links lead on."""

import re
import shlex
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV

from skbseq import EventLog
from skbseq.cli import main

ROOT = Path(__file__).parents[1]
NAMES = ("README.md", "README_zh.md")
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}
TEST_COMMAND = (
    "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/python -m pytest -n 2\n"
)


def block(mark, name="README.md"):
    """The fenced block right below the comment with this mark."""
    found = re.findall(rf"^<!-- {mark} -->\n```\w+\n(.*?)^```$", TEXTS[name], re.M | re.S)
    assert len(found) == 1, f"{name} has {len(found)} blocks below <!-- {mark} -->"
    return found[0]


def blocks(name, language):
    """All fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXTS[name], re.M | re.S)


def run(mark, name, namespace):
    exec(compile(block(mark, name), f"{name}, {mark}", "exec"), namespace)


@pytest.mark.steps("compiled")  # as for users, and for so many steps cheaper
@pytest.mark.parametrize("name", NAMES)
def test_the_examples_run_and_score_what_they_say(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    run("example", name, namespace)
    said = float(re.search(r"# (?:about|约) (0\.\d\d)$", block("example", name), re.M)[1])
    scored = float(re.fullmatch(r"ROC AUC (0\.\d\d)\n", capsys.readouterr().out)[1])
    assert scored == pytest.approx(said, abs=0.02)

    first, n_buyers = namespace["log"], namespace["y"].sum()
    run("own-log", name, namespace)
    assert namespace["log"] is not first and len(namespace["log"]) == len(first)
    assert namespace["y"].sum() == pytest.approx(n_buyers, rel=0.1)  # the cutoff may move

    if name != "README.md":  # its search is the same block on the same names
        assert namespace.keys() >= {"model", "X", "y"}
        return
    run("search", name, namespace)
    assert isinstance(namespace["search"], GridSearchCV)
    for parameter, values in namespace["grid"].items():
        namespace["model"].set_params(**{parameter: values[0]})


def test_the_chinese_example_has_the_layout_of_taobao(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head, _, _ = block("example", "README_zh.md").partition("names = [")
    exec(compile(head, "README_zh.md", "exec"), {})
    fields = rows_of(tmp_path / "UserBehavior_demo.csv")
    assert {len(row) for row in fields} == {5} and all(all(row) for row in fields)
    assert {row[3] for row in fields} == {"pv", "cart", "fav", "buy"}
    assert all(re.fullmatch(r"17\d{8}", row[4]) for row in fields)


def test_the_chinese_block_for_taobao_reads_its_days_and_drops_wrong_dates(tmp_path, monkeypatch):
    """The nine days from 2017-11-25 in Beijing, with a few wrong dates, as in the real file."""
    monkeypatch.chdir(tmp_path)
    begin, end = 1511539200, 1512316800  # 2017-11-24 16:00 and 2017-12-03 16:00 in UTC
    times = [*range(begin + 60, end, 600), 0, 31536000, 2**31 - 1, end + 5 * 86400]
    kinds = ["pv", "cart", "fav", "buy"]
    lines = [f"{i % 40},{i % 7},{i % 3},{kinds[i % 4]},{at}" for i, at in enumerate(times)]
    (tmp_path / "UserBehavior.csv").write_text("\n".join(lines) + "\n")
    head, _, _ = block("example", "README_zh.md").partition("log = EventLog(")
    namespace = {"EventLog": EventLog}
    exec(compile(head[head.index("names = [") :], "README_zh.md", "exec"), namespace)
    run("taobao", "README_zh.md", namespace)
    log, y = namespace["log"], namespace["y"]
    assert len(log) == len(times) - 4
    assert len(namespace["X"]) == len(y) == 40 and y.any()


def rows_of(path):
    return [line.split(",") for line in path.read_text().splitlines()]


def structure(name):
    """Levels of headings, marks, languages of blocks and targets of links, in their order."""
    # Only readers of Chinese are likely to have Taobao's file.
    text = re.sub(r"^<!-- taobao -->\n.*?^```\n", "", TEXTS[name], flags=re.M | re.S)
    marks = re.findall(r"^(##?) |^<!-- (.+) -->$|^```(\w+)$", text, re.M)
    links = re.findall(r"\]\(([^)#]+)\)", text)
    rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    return marks, [link for link in links if link not in NAMES], rows


def test_both_have_the_same_sections_blocks_and_links():
    assert structure("README.md") == structure("README_zh.md")
    assert blocks("README.md", "console") == blocks("README_zh.md", "console")
    assert block("search") == block("search", "README_zh.md")


def test_each_links_to_the_other():
    assert "](README_zh.md)" in TEXTS["README.md"] and "](README.md)" in TEXTS["README_zh.md"]


@pytest.mark.parametrize(("name", "n_blocks"), [("README.md", 3), ("README_zh.md", 4)])
def test_no_python_is_left_out(name, n_blocks):
    assert len(blocks(name, "python")) == n_blocks


def test_the_result_is_on_the_first_screen():
    for text in TEXTS.values():
        before = text[: text.index("print(f")]
        assert before.count("\n") < 70


def console_commands():
    """The commands of the console blocks, in order, as lists of words."""
    lines = "".join(blocks("README.md", "console")).replace("\\\n", " ").splitlines()
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


@pytest.mark.parametrize("name", NAMES)
def test_the_test_command_is_one_line_that_installs_and_tests(name):
    assert block("test-command", name) == TEST_COMMAND


def test_links_lead_somewhere():
    targets = set(re.findall(r"\]\(([^)#]+)\)", "".join(TEXTS.values())))
    assert len(targets) > 10
    assert [target for target in targets if not (ROOT / target).is_file()] == []
