"""The command line: what it teaches, what it refuses, and what it writes."""

import argparse
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer

from skbseq import EventLog, SequenceEncoder, _frames, load, save
from skbseq.cli import main
from skbseq.cli._main import make_parser
from skbseq.cli._models import titles
from skbseq.cli._process import command_name
from skbseq.cli._scoring import score
from skbseq.cli._task import Task, read_values
from skbseq.cli._wording import describe
from skbseq.exceptions import InvalidLogError
from skbseq.persistence import read_metadata

ROOT = Path(__file__).parents[1]
AT = "2026-02-01"


def make_log(n_users=60, seed=0):
    """Users who buy in February if the last thing they did in January was to fill the cart."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        does = list(rng.choice(["view", "remove"], size=4)) + [["view", "cart"][user % 2]]
        days = np.sort(rng.choice(30, size=5, replace=False))
        rows += [(user, f"2026-01-{day + 1:02}", did) for day, did in zip(days, does, strict=True)]
        rows.append((user, "2026-02-03", "buy" if user % 2 else "view"))
    rows.append((0, "2026-03-20", "view"))
    log = pd.DataFrame(rows, columns=["who", "when", "what"])
    log["when"] = pd.to_datetime(log["when"])
    log["price"] = rng.random(len(log)).round(3)
    log["amount"] = rng.integers(1, 9, size=len(log))
    log["note"] = [f"note {i}" for i in range(len(log))]
    return log


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder with the log in it, as CSV and as Parquet."""
    log = make_log()
    log.to_parquet(tmp_path / "log.parquet")
    log.to_csv(tmp_path / "log.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


ROLES = ["--user", "who", "--time", "when", "--behavior", "what"]
QUESTION = ["--predict", "buy", "--at", AT, "--horizon", "7D"]
SMALL = ["--units", "4", "--epochs", "2"]
# Tests that leave the channels alone have these, for each choice compiles a program of its own.
CHANNELS = ["--exclude", "note", "--numeric", "amount"]


def fit(*more, log="log.parquet", out="model.skbseq"):
    return main(["fit", log, *ROLES, *QUESTION, *SMALL, "--out", out, *more])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model file."""
    folder = tmp_path_factory.mktemp("fitted")
    make_log().to_parquet(folder / "log.parquet")
    out = str(folder / "model.skbseq")
    assert fit("--quiet", *CHANNELS, log=str(folder / "log.parquet"), out=out) == 0
    return out


# ------------------------------------------------------------------------ help


def commands():
    actions = make_parser()._actions
    return next(a for a in actions if isinstance(a, argparse._SubParsersAction)).choices


@pytest.mark.parametrize("command", [[], ["fit"], ["predict"], ["explain"], ["report"], ["demo"]])
def test_help_explains_and_shows_an_example(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert re.search(rf"example.*\n  skbseq {' '.join(command)}", said)
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize("command", ["fit", "predict", "explain", "report", "demo"])
def test_every_option_tells_its_default(command):
    for action in commands()[command]._actions:
        if action.option_strings and not action.required and action.dest != "help":
            assert "default" in action.help, action.option_strings
        assert action.help


@pytest.mark.parametrize("command", ["fit", "predict", "explain", "report"])
def test_examples_in_the_help_can_be_parsed(command):
    parser = commands()[command]
    text = parser.epilog.replace("\\\n", " ")
    examples = re.findall(r"^  skbseq (.*)", text, re.M)
    assert examples
    for example in examples:
        make_parser().parse_args(example.split())


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert re.fullmatch(r"skbseq \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_it_runs_as_a_module(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["skbseq", "predict", "none.skbseq", "log.csv"])
    monkeypatch.delitem(sys.modules, "skbseq.__main__", raising=False)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as stop:
            runpy.run_module("skbseq", run_name="__main__")
    finally:
        signal.signal(signal.SIGINT, handler)
    assert stop.value.code == 2
    required = "error: the following arguments are required: --at, --out."
    assert capsys.readouterr().err == f"{required} See skbseq predict --help.\n"


# ------------------------------------------------------------ wrong command lines


def is_one_line(said, *messages):
    """Whether this is an error in one line, without advice that only Python could follow."""
    assert re.fullmatch(r"error: .*\n", said), said
    assert not re.search(r"\w=|\w\(|EventLog|pandas|censored", said), said
    for message in messages:
        assert re.search(message, said), said
    return True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], r"required: COMMAND\. See skbseq --help\."),
        (["fly"], "invalid choice: 'fly'"),
        (["fit"], "required: LOG, --user, --time, --at, --horizon, --out"),
        (["predict", "m", "l", "--at", AT, "--out", "s.txt"], r"must end in \.csv or \.parquet"),
        (["predict", "m", "l", "--at", "soon", "--out", "s.csv"], "'soon' is not a date"),
        (["fit", "--predict", "buy", "log.csv"], "Put LOG first: skbseq fit LOG --user"),
        (["demo", "--users", "0"], "'0' is not a whole number of at least 1"),
        (["demo", "--users", "1e3"], "'1e3' is not a whole number"),
        (["demo", "--seed", "-1"], "'-1' is not a whole number of at least 0"),
    ],
)
def test_a_wrong_command_line_exits_with_2(capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert is_one_line(capsys.readouterr().err, message)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--horizon", "14"], "--horizon: '14' is not a duration.* us, ms, s, min, h, D or W"),
        (["--horizon", "9" * 15 + "D"], "--horizon: '9+D' is too long"),
        (["--lookback", "0D"], "--lookback: .*'0D'"),
        (["--at", "1.2.2026"], "'1.2.2026' is not a date; write it as 2026-06-01"),
        (["--at", "1612060712345"], "'1612060712345' is not a date"),
        (["--holdout", "1"], "'1' is not a number from 0 to below 1"),
        (["--holdout", "nan"], "'nan' is not a number"),
        (["--time-unit", "days"], "invalid choice: 'days'"),
        (["--max-events", "0"], "'0' is not a whole number of at least 1"),
        (["--hold", "0.5"], r"unrecognized arguments: --hold 0\.5\. See skbseq fit --help"),
        (["--invalid-times", "drop"], "invalid choice: 'drop'"),
        (["--time-format", "%H:%M"], "--time-format: '%H:%M' does not name a day"),
        (["--latest", "1.2.2026"], "--latest: '1.2.2026' is not a date"),
    ],
)
def test_fit_checks_its_options(here, capsys, more, message):
    with pytest.raises(SystemExit) as stop:
        fit(*more)
    assert stop.value.code == 2
    assert is_one_line(capsys.readouterr().err, message)


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_the_log_is_not_overwritten(here, fitted, capsys, command):
    before = Path("log.csv").read_bytes()
    Path("link.csv").symlink_to("log.csv")
    for out in ("log.csv", "link.csv", str(here / "log.csv")):
        done = (
            fit(log="log.csv", out=out)
            if command == "fit"
            else predict(fitted, out=out, log="log.csv")
        )
        assert refuses(capsys, done, "--out would overwrite the LOG")
    assert Path("log.csv").read_bytes() == before


def test_a_value_to_predict_needs_its_column(here, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "log.csv", "--user", "who", "--time", "when", *QUESTION, "--out", "m"])
    assert stop.value.code == 2
    assert is_one_line(capsys.readouterr().err, "--predict needs --behavior")


# ------------------------------------------------------------------ wrong data


def refuses(capsys, done, *messages):
    """Whether a command failed with 1, in words and before any training."""
    assert done == 1
    captured = capsys.readouterr()
    assert "Epoch" not in captured.out
    return is_one_line(captured.err, *messages)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--user", "nobody"], "no column 'nobody' for --user; it has 'who', 'when'"),
        (["--time", "amount"], "in column 'amount'.* Pass --time-unit s, ms, us or ns, and"),
        (["--time", "who"], "--user and --time both name 'who'"),
        (["--time-unit", "s"], "Leave --time-unit out"),
        (["--product", "thing"], "no column 'thing' for --product;"),
        (["--numeric", "thing"], "no column 'thing'; it has 'who'"),
        (["--exclude", "thing"], "no column 'thing'; it has 'who'"),
        (["--numeric", "note"], "--numeric note: the column holds string values"),
        (["--predict", "fly"], "No event has what = 'fly'; the log holds"),
        (["--numeric", "what"], "--numeric what: this is the column of --behavior"),
        (["--exclude", "when", "what", "price", "amount", "note"], "Remove one from --exclude"),
        (["--at", "2025-01-01"], "--at 2025-01-01 is before all events"),
        (["--at", f"{AT}T00:00+01:00"], f"--at '{AT}T00:00.* has a time zone but"),
        (["--horizon", "900D"], "ends at 2026-03-20. The log is shorter than this horizon: us"),
        (["--at", "2026-03-19"], "The latest usable cutoff is --at 2026-03-13. .* pass --until"),
        (["--until", "2025-12-31"], "--until 2025-12-31 is before the first event"),
        (["--until", "2026-02-05"], "7D after --at 2026-02-01 is 2026-02-08, but the log ends at"),
        (["--latest", "2026-02-05"], "the log ends at 2026-02-03. The latest usable cutoff"),
        (["--earliest", "2027-01-01"], "Nothing is left of the log: .*'before 2027-01-01'"),
        (["--time-format", "%d/%m/%Y"], "'when' holds timestamps.* Leave --time-format out"),
        (["--predict", "view", "cart", "buy"], "Of 60 users 60 do it .* another --horizon, --at"),
        (
            ["--holdout", "0.01"],
            "--holdout 0.01 of 60 users, 30 with the answer yes, leaves",
        ),
        (
            ["--holdout", "0.98"],
            "--holdout 0.98 of 60 users, 30 with the answer yes, leaves",
        ),
        (["--lookback", "1us"], "No user has an event in the 1us before .* a longer --lookback"),
        (["--out", "nowhere/model.skbseq"], "There is no such folder: nowhere"),
        (["--out", "."], r"This is a folder, not a file: \."),
        (["--behavior", "amount"], "holds integer values, but 'buy' is not one"),
    ],
)
def test_fit_refuses_before_it_trains(here, capsys, more, message):
    assert refuses(capsys, fit(*more), message)
    assert not Path("model.skbseq").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "No file 'none.csv'"),
        ("log.doc", "a,b\n1,2\n", "Cannot tell the format of 'log.doc'"),
        ("log.xls", "a,b\n1,2\n", "'log.xls': it holds text, .* Rename it to 'log.csv'"),
        ("log.csv", "", "Cannot read 'log.csv'"),
        ("bad.parquet", "PAR1", "Cannot read 'bad.parquet'"),
        ("odd.csv", "who^when\n1^2026-01-01\n", r"Pass --separator '\^' if that is it"),
    ],
)
def test_a_log_that_cannot_be_read_is_named(here, capsys, name, content, message):
    if content is not None:
        Path(name).write_text(content)
    assert refuses(capsys, fit(log=name), message)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("when", "tomorrow", "Row 5 of column 'when' .* pass --invalid-times null to treat"),
        (
            "when",
            "1970-01-01",
            "Fix the rows, pass --invalid-times null .* or --invalid-times keep if",
        ),
        ("price", "inf", "Row 5 of column 'price' holds an infinite value"),
    ],
)
def test_a_bad_value_is_found_in_the_log(here, capsys, column, value, message):
    spoil(column, value)
    assert refuses(capsys, fit(log="log.csv"), message)


def spoil(column, value, path="log.csv"):
    log = make_log().astype({column: str})
    log.loc[5, column] = value
    log.to_csv(path, index=False)


def test_the_latest_cutoff_of_a_short_log_is_told_to_the_second(here, capsys):
    log = make_log()
    log["when"] = log["when"].min() + (log["when"] - log["when"].min()) / 1000
    log.to_csv("log.csv", index=False)
    assert refuses(capsys, fit("--horizon", "20min", "--at", "2026-01-01 01:45", log="log.csv"))
    assert refuses(
        capsys,
        fit("--horizon", "20min", "--at", "2026-01-01 01:45", log="log.csv"),
        "but the log ends at 2026-01-01 01:52:19. The latest usable .* --at '2026-01-01 01:32:19'",
    )


def test_the_latest_cutoff_can_be_used(here, capsys):
    log = make_log()
    log["when"] = (log["when"] + pd.Timedelta("5h")).dt.tz_localize("Europe/Berlin")
    log.to_parquet("log.parquet")
    assert refuses(capsys, fit("--at", "2026-03-19"), "--at 2026-03-13")
    done = fit("--at", "2026-03-13")
    assert refuses(capsys, done, "Of 60 users 0 do it")  # the question can be asked now


def test_a_user_column_cannot_be_named_as_the_scores(here, capsys):
    make_log().rename(columns={"who": "probability"}).to_csv("log.csv", index=False)
    assert refuses(capsys, fit("--user", "probability", log="log.csv"), "Rename it")


def predict(model, *more, log="log.parquet", out="scores.csv"):
    return main(["predict", str(model), log, "--at", AT, "--out", out, *more])


TASK = {"roles": {"user": "who", "time": "when", "product": None}, "at": AT, "horizon": "7D"}


def test_a_log_without_a_needed_column_is_refused(here, fitted, capsys):
    make_log().drop(columns="price").to_csv("log.csv", index=False)
    assert refuses(capsys, predict(fitted, log="log.csv"), "no column 'price', which the model")
    assert not Path("scores.csv").exists()


def test_a_column_of_another_kind_is_refused(here, fitted, capsys):
    make_log().assign(what=7).to_csv("log.csv", index=False)
    message = "'what' holds integer values; the model was trained on string"
    assert refuses(capsys, predict(fitted, log="log.csv"), message)


def test_a_model_file_without_a_task_is_refused(here, capsys):
    save(SequenceEncoder(), "own.skbseq", metadata={"mine": 1})
    assert refuses(capsys, predict("own.skbseq"), "'own.skbseq' holds a model but not its task")


def test_what_is_no_model_file_is_refused(here, capsys):
    assert refuses(capsys, predict("log.csv"), "'log.csv' is damaged or not a model file")
    assert refuses(capsys, predict("none.skbseq"), r"No such file or directory: none\.skbseq")


def test_other_code_in_a_model_file_is_refused(here, capsys):
    save(FunctionTransformer(os.getcwd), "own.skbseq", metadata={"task": TASK})
    message = (
        "types that are not trusted: .*. If you know .* load it from Python, with skbseq.load"
    )
    assert refuses(capsys, predict("own.skbseq"), message)


def test_a_task_of_an_earlier_version_is_read():
    assert Task.from_metadata({"task": TASK}, "m").invalid_times == "raise"


def test_scores_need_a_folder(here, fitted, capsys):
    assert refuses(capsys, predict(fitted, out="nowhere/s.csv"), "no such folder: nowhere")


def test_a_traceback_is_shown_where_asked_for(here, capsys):
    assert main(["--traceback", "predict", "none.skbseq", "l", "--at", AT, "--out", "s.csv"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_warnings_are_one_line(here, fitted, capsys, monkeypatch):
    monkeypatch.setattr("skbseq.persistence._versions.__version__", "9.9.9")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert predict(fitted) == 0
    assert re.fullmatch(r"warning: '.*is loaded with 9\.9\.9: .*\n", capsys.readouterr().err)


# ----------------------------------------------------------------- fit, predict


def test_fit_tells_what_it_does(here, capsys):
    assert fit(*CHANNELS) == 0
    said = capsys.readouterr().out
    assert "Cleaning: 361 events in, 361 out, 0 dropped" in said
    assert re.search(r"  amount +numbers\n", said)
    assert re.search(r"  what +categories \(4 values\)\n", said)
    assert re.search(r"  note +left out: by --exclude\n", said)
    assert "Question: what = buy within 7D after 2026-02-01?\n60 users, yes for 50.0%." in said
    assert "Training on 48 users, 12 held out:\n" in said
    assert re.search(
        r"LSTM over the events:\n  .*compiling the network; .*\n(  ...|Epoch 1/2)", said
    )
    assert re.search(r"loss: \d\.\d+ - val_loss: \d", said)
    assert re.search(r"most frequent answer +0\.500 +0\.693\n", said)
    assert re.search(rf"{re.escape(titles()['counts'])} +\d\.\d{{3}} +\d\.\d{{3}}\n", said)
    assert re.search(r"LSTM over the events +\d\.\d{3} +\d\.\d{3}\n", said)
    assert "Training on all 60 users, for the file:" in said
    assert "skbseq predict model.skbseq LOG --at DATE --out scores.csv" in said


def test_the_file_knows_its_task_and_scores(fitted):
    metadata = read_metadata(fitted)["metadata"]
    assert metadata["task"]["roles"] == {
        "user": "who",
        "time": "when",
        "behavior": "what",
        "product": None,
    }
    assert metadata["task"]["predict"] == ["buy"]
    assert metadata["base_rate"] == 0.5
    assert metadata["scores"][0]["model"] == "most frequent answer"
    assert metadata["model"] == metadata["scores"][-1]["name"] == "lstm"
    assert load(fitted)[-1].verbose == 0


@pytest.mark.parametrize("log", ["log.csv", "log.parquet"])
@pytest.mark.parametrize("out", ["scores.csv", "scores.parquet"])
def test_predict_writes_what_the_library_predicts(here, fitted, capsys, log, out):
    assert predict(fitted, log=log, out=out) == 0
    read = pd.read_csv if out.endswith("csv") else pd.read_parquet
    scores = read(out)
    assert list(scores.columns) == ["who", "cutoff", "probability"]

    events = EventLog("log.parquet", user="who", time="when", behavior="what").clean()
    samples = events.samples(at=AT)
    expected = load(fitted).predict_proba(events.histories(samples))[:, 1]
    assert scores["who"].tolist() == samples["who"].tolist()
    np.testing.assert_allclose(scores["probability"], expected, rtol=1e-6)
    assert (pd.to_datetime(scores["cutoff"]) == pd.Timestamp(AT)).all()

    said = capsys.readouterr().out
    assert f"Wrote {out}: 60 users, mean probability" in said
    best = scores.sort_values("probability", ascending=False).iloc[0]
    assert re.search(rf"most likely:\n +{best['who']:.0f} +{best['probability']:.3f}\n", said)


def test_a_date_after_the_end_of_the_log_is_noticed(here, fitted, capsys):
    assert predict(fitted, "--at", "2026-03-20") == 0
    assert capsys.readouterr().err == ""
    assert predict(fitted, "--at", "2026-04-01") == 0
    notice = "notice: the log ends 12 days before --at 2026-04-01, at 2026-03-20. "
    err = capsys.readouterr().err
    assert err.startswith(notice) and err.count("\n") == 1
    assert predict(fitted, "--at", "2026-03-20 06:00") == 0
    assert "the log ends 6.0 hours before --at" in capsys.readouterr().err


def test_times_that_cannot_be_read_are_dropped_where_told(here, fitted, capsys):
    spoil("when", "tomorrow")
    assert predict(fitted, log="log.csv") == 1
    assert predict(fitted, "--invalid-times", "null", log="log.csv") == 0
    assert re.search(r"missing when +1 ", capsys.readouterr().out)

    more = ["--invalid-times", "null", "--quiet", "--holdout", "0", *CHANNELS]
    assert fit(*more, log="log.csv") == 0
    assert predict("model.skbseq", log="log.csv") == 0  # as the model was trained
    assert predict("model.skbseq", "--invalid-times", "raise", log="log.csv") == 1


def day_first(path, *more, until="2026-04-01"):
    """The log with times such as 28/01/2026, up to a moment, and further times of user 0."""
    log = make_log()
    log = log[log["when"] < until]
    rows = log.iloc[[0] * len(more)].assign(when=pd.to_datetime(list(more)))
    log = pd.concat([log, rows]).assign(note="n")
    log.assign(when=log["when"].dt.strftime("%d/%m/%Y")).to_csv(path, index=False)


@pytest.mark.filterwarnings("default:1 of 362 events lies far")
def test_the_form_of_times_is_remembered(here, capsys):
    day_first("days.csv", "2037-01-01")
    assert fit("--holdout", "0", "--earliest", "2026-01-03", *CHANNELS, log="days.csv") == 0
    captured = capsys.readouterr()
    assert "when (strings as %d/%m/%Y)" in captured.out
    assert re.search(r"before 2026-01-03 +\d", captured.out)
    assert re.search(r"far after the rest +1 ", captured.out)
    assert captured.err.startswith("warning: 1 of 362 events lies far after the rest of the log")
    assert "Pass --latest '2037-01-01' to keep such events, or --latest '2026-" in captured.err
    task = read_metadata("model.skbseq")["metadata"]["task"]
    assert (task["time_format"], task["earliest"]) == ("%d/%m/%Y", "2026-01-03")
    # Days up to the twelfth do not show the order; the model knows it.
    day_first("short.csv", until="2026-01-13")
    at = ["--at", "2026-01-12"]
    assert predict("model.skbseq", *at, log="short.csv") == 0
    assert re.search(r"before 2026-01-03 +\d", capsys.readouterr().out)
    scores = pd.read_csv("scores.csv")
    # Parquet keeps timestamps, which need no format.
    log = make_log()
    log[log["when"] < "2026-01-13"].assign(note="n").to_parquet("short.parquet")
    assert predict("model.skbseq", *at, log="short.parquet") == 0
    assert pd.read_csv("scores.csv").equals(scores)
    wrong = predict("model.skbseq", "--time-format", "%Y-%m-%d", *at, log="short.csv")
    assert wrong == 1
    assert "no value fits --time-format '%Y-%m-%d'" in capsys.readouterr().err
    assert predict("model.skbseq", *at, "--latest", "2026-01-10", log="short.csv") == 0
    assert re.search(r"after 2026-01-10 +[1-9]", capsys.readouterr().out)


def test_two_readings_are_told_with_options_to_paste(here, capsys):
    day_first("short.csv", until="2026-01-13")
    said = "Pass --time-format '%d/%m/%Y' or --time-format '%m/%d/%Y'"
    assert refuses(capsys, fit(log="short.csv"), r"holds '.*' in row \d, which may be day", said)
    Path("mixed.csv").write_text(Path("short.csv").read_text() + "0,2026-01-20,view,1,1,n\n")
    assert refuses(
        capsys, fit(log="mixed.csv"), r"in row \d, which may be day first or month first"
    )


def test_behaviours_and_products_are_categories_also_as_decimals(here, capsys):
    log = make_log()
    log["what"] = log["what"].map({"view": 1.0, "cart": 2.0, "remove": 3.0, "buy": 4.0})
    log["price"] = log["amount"] % 3 + 0.5
    log.to_parquet("log.parquet")
    roles = [*ROLES, "--product", "price", "--predict", "4", "--at", AT, "--horizon", "7D"]
    roles += ["--exclude", "note", "amount"]
    done = main(["fit", "log.parquet", *roles, *SMALL, "--holdout", "0", "--out", "m.skbseq"])
    assert done == 0
    said = capsys.readouterr().out
    assert re.search(r"  what +categories \(4 values\)\n", said)
    assert re.search(r"  price +categories \(", said)
    log.astype({"what": int}).to_csv("log.csv", index=False)
    assert predict("m.skbseq", log="log.csv") == 0


def test_identifiers_are_kept_as_they_are_written(here):
    log = make_log()
    log["who"] = log["who"].map("{:03}".format)
    log["product"] = log["amount"].map({1: "07", 2: "7"}).fillna("3")
    log.to_csv("log.csv", index=False)
    more = ["--product", "product", "--exclude", "note", "price", "amount"]
    more += ["--holdout", "0", "--quiet"]
    assert fit(*more, log="log.csv") == 0
    assert predict("model.skbseq", log="log.csv", out="a.csv") == 0
    assert Path("a.csv").read_text().splitlines()[1].startswith('"000",')

    few = log[log.groupby("who")["product"].transform(lambda p: (p != "07").all())]
    few.to_csv("few.csv", index=False)  # its products alone would be taken for numbers
    assert predict("model.skbseq", log="few.csv", out="b.csv") == 0
    a, b = (pd.read_csv(name, dtype={"who": str}).set_index("who") for name in ("a.csv", "b.csv"))
    np.testing.assert_allclose(b["probability"], a.loc[b.index, "probability"], rtol=1e-5)


def test_nothing_after_the_date_is_read(here, fitted):
    assert predict(fitted, out="before.csv") == 0
    log = make_log()
    log[log["when"] < AT].to_parquet("log.parquet")
    assert predict(fitted, out="after.csv") == 0
    assert Path("before.csv").read_text() == Path("after.csv").read_text()


def test_the_same_seed_gives_the_same_scores(here, fitted):
    assert fit("--quiet", *CHANNELS) == 0
    for model, out in ((fitted, "a.csv"), ("model.skbseq", "b.csv")):
        assert predict(model, out=out) == 0
    assert Path("a.csv").read_text() == Path("b.csv").read_text()


def test_quiet_says_nothing(here, capsys):
    assert fit("--quiet", "--holdout", "0", *CHANNELS, log="log.csv") == 0
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
    assert read_metadata("model.skbseq")["metadata"]["scores"] == []


def test_without_a_behaviour_any_event_counts(here, capsys):
    log = make_log()
    kept = (log["who"] % 3 > 0) | (log["when"] < AT) | (log["who"] == 0)
    log[kept].to_csv("log.csv", index=False)
    roles = ["--user", "who", "--time", "when", "--at", AT, "--horizon", "7D", "--lookback", "20D"]
    done = main(["fit", "log.csv", *roles, *SMALL, *CHANNELS, "--out", "model.skbseq"])
    assert done == 0
    assert "Question: any event within 7D after 2026-02-01?" in capsys.readouterr().out
    assert predict("model.skbseq", log="log.csv") == 0


def test_values_are_read_as_their_column_holds_them(here):
    log = make_log()
    codes = {"view": 1, "cart": 2, "remove": 3, "buy": 4}
    log.assign(what=log["what"].map(codes)).to_csv("log.csv", index=False)
    question = ["--predict", "4", "3", "--at", AT, "--horizon", "7D", *CHANNELS]
    done = main(["fit", "log.csv", *ROLES, *question, *SMALL, "--quiet", "--out", "model.skbseq"])
    assert done == 0
    assert read_metadata("model.skbseq")["metadata"]["task"]["predict"] == [4, 3]


@pytest.mark.parametrize(
    ("column", "texts", "values"),
    [
        ("yes", ["true", "false"], [True, False]),
        ("x", ["1", "0.5"], [1, 0.5]),
        ("s", ["1"], ["1"]),
    ],
)
def test_values_on_the_command_line(column, texts, values):
    table = _frames.to_arrow(pd.DataFrame({"yes": [True], "x": [0.5], "s": ["a"]}))
    assert read_values(table, column, texts) == values
    if column != "s":
        with pytest.raises(InvalidLogError, match=r"values, but 'what' is not one"):
            read_values(table, column, ["what"])


# ------------------------------------------------------------------------ pieces


def test_scores_of_known_probabilities():
    scores = score("x", np.array([False, True, True, False]), np.array([0.1, 0.9, 0.4, 0.5]))
    assert scores["auc"] == 0.75
    assert scores["log_loss"] == pytest.approx(-np.log([0.9, 0.9, 0.4, 0.5]).mean())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a\n  b"), "a b"),
        (OSError(2, "No such file", "x"), "No such file: x"),
        (
            ValueError("pass invalid_times='null', or invalid_times='keep'"),
            "pass --invalid-times null, or --invalid-times keep",
        ),
        (
            ValueError("Pass time_format='%d/%m/%Y', or clean(latest='2026-01-01 12:00')."),
            "Pass --time-format '%d/%m/%Y', or --latest '2026-01-01 12:00'.",
        ),
        (ValueError("at=2026-01-01 lies; x at=1"), "--at 2026-01-01 lies; x at=1"),
        (
            FloatingPointError("The loss became nan. Lower learning_rate, or set x=1."),
            "The loss became nan. Check the scale of the numeric columns, and leave out extreme "
            "ones with --exclude.",
        ),
    ],
)
def test_errors_speak_the_language_of_the_command_line(error, said):
    assert describe(error) == said


def test_the_program_is_named_as_it_can_be_called_again(tmp_path, monkeypatch):
    (tmp_path / ".venv").mkdir()
    program = tmp_path / ".venv" / "skbseq"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert command_name() == str(program)
    monkeypatch.setenv("PATH", str(program.parent))
    assert command_name() == "skbseq"
    monkeypatch.setattr(sys, "argv", ["/x/skbseq/__main__.py"])
    assert command_name() == f"{sys.executable} -m skbseq"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pytest"])
    assert command_name() == "skbseq"


# ------------------------------------------------------------------ interruption


def test_ctrl_c_leaves_nothing_behind(here):
    command = [sys.executable, "-u", "-m", "skbseq", "fit", "log.csv", *ROLES, *QUESTION]
    command += ["--exclude", "note", "price", "amount", "--holdout", "0", "--units", "4"]
    # As for users, whose log of TensorFlow is not silenced from outside.
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    running = subprocess.Popen(
        [*command, "--out", "model.skbseq", "--epochs", "100000"],
        env=quiet | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in running.stdout:
        if "loss:" in line:
            break
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert err == "interrupted; no file is left half-written\n"
    assert sorted(path.name for path in here.iterdir()) == ["log.csv", "log.parquet"]


def test_an_interrupt_that_became_another_error_is_still_one(here, monkeypatch, capsys):
    # TensorFlow does this while it traces a graph.
    def mangle(path, **options):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise SystemError("returned a result with an exception set") from None

    monkeypatch.setattr("skbseq._frames.read_table", mangle)
    handler = signal.getsignal(signal.SIGINT)
    assert fit() == 130
    assert capsys.readouterr().err == "interrupted; no file is left half-written\n"
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_while_it_starts_prints_nothing():
    code = """
import runpy, signal, sys

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "numpy":  # the first that takes its time
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
sys.meta_path.insert(0, Interrupt())
runpy.run_module("skbseq", run_name="__main__")
"""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "")


def test_ctrl_c_after_the_work_changes_nothing(here, fitted, monkeypatch, capsys):
    log = str(here / "log.parquet")
    monkeypatch.setattr(
        sys, "argv", ["skbseq", "predict", fitted, log, "--at", AT, "--out", "s.csv"]
    )
    handler = signal.getsignal(signal.SIGINT)
    try:
        assert main() == 0
        # Python is to take the process down undisturbed.
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, handler)
    assert capsys.readouterr().err == ""


def test_a_mistake_of_ours_is_not_hidden(here, monkeypatch):
    monkeypatch.setattr("skbseq._frames.read_table", lambda path, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit()


def test_an_interrupted_write_keeps_the_old_scores(here, fitted, monkeypatch):
    Path("scores.csv").write_text("old")

    def interrupt(frame, path):
        Path(path).write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("skbseq._frames.write_frame", interrupt)
    assert predict(fitted) == 130
    assert Path("scores.csv").read_text() == "old"
    assert len(list(here.glob("*scores*"))) == 1


def test_a_reader_who_leaves_does_not_stop_the_work(here):
    command = [sys.executable, "-m", "skbseq", "fit", "log.csv", *ROLES, *QUESTION, *CHANNELS]
    running = subprocess.Popen(  # a model without a network, which takes TensorFlow's import
        [*command, "--model", "counts", "--out", "model.skbseq"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.stdout.readline()
    running.stdout.close()
    err = running.stderr.read()
    running.stderr.close()
    assert running.wait(60) == 0
    assert err == ""
    assert predict("model.skbseq") == 0


def test_a_reader_of_the_help_may_leave():
    running = subprocess.Popen(
        [sys.executable, "-m", "skbseq", "--help"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    running.stdout.close()
    assert running.stderr.read() == b""
    running.stderr.close()
    assert running.wait(60) == 0


# -------------------------------------------------------------------------- demo


def test_demo_does_the_whole_job(tmp_path, capsys):
    folder = tmp_path / "shops" / "one"
    assert main(["demo", "--users", "300", "--out", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "true probability (best reachable)" in said
    assert "Try next:" in said

    scores = pd.read_csv(folder / "scores.csv")
    assert list(scores.columns) == [
        "user_id",
        "cutoff",
        "probability",
        "label",
        "true_probability",
    ]
    assert scores[["probability", "true_probability"]].stack().between(0, 1).all()
    comparison = json.loads((folder / "scores.json").read_text())
    assert comparison["held_out"] == len(scores)
    by_model = {each["model"]: each for each in comparison["scores"]}
    assert len(by_model) == 7
    again = score(titles()["lstm"], scores["label"], scores["probability"])
    assert by_model[titles()["lstm"]] == pytest.approx({"name": "lstm"} | again)

    picture = matplotlib.image.imread(folder / "learning_curves.png")
    assert picture.shape[0] > 500 and picture.shape[1] > 800
    assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 50  # lines, grid and letters

    proposed = re.findall(r"^    skbseq (.*)", said.replace("\\\n", " "), re.M)
    score_later, ask_again, _ = (shlex.split(command) for command in proposed)
    assert main(score_later) == 0
    again = make_parser().parse_args(ask_again)
    assert Path(again.log).is_file() and Path(again.out).parent == folder
    assert main(["demo", "--users", "1", "--out", str(folder)]) == 1  # but it may be run again
    assert "Of 1 users" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 6


def test_demo_needs_a_folder(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert refuses(capsys, main(["demo", "--out", str(tmp_path / "file")]), "File exists: .*file")


def test_demo_overwrites_nothing_of_others(tmp_path, capsys):
    (tmp_path / "scores.csv").write_text("mine")
    message = "holds scores.csv, which the demonstration would overwrite.* Pass another folder as"
    assert refuses(capsys, main(["demo", "--out", str(tmp_path)]), message)
    assert (tmp_path / "scores.csv").read_text() == "mine"


@pytest.mark.parametrize("users", ["1", "5"])
def test_demo_leaves_no_empty_folder_after_an_error(tmp_path, capsys, users):
    (tmp_path / "mine").mkdir()
    for folder in (tmp_path / "new" / "deep", tmp_path / "mine"):
        done = main(["demo", "--users", users, "--out", str(folder)])
        assert refuses(capsys, done, f"Of {users} users 0 do it .* Give more --users")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


# ----------------------------------------------------------------- reasons


def test_reasons_stand_in_columns_and_are_printed(here, fitted, capsys):
    assert predict(fitted, "--reasons", "2", "--quiet") == 0
    scores = pd.read_csv("scores.csv")
    assert list(scores) == ["who", "cutoff", "probability", "reason_1", "reason_2"]
    assert (
        scores["reason_1"].str.fullmatch(r"(view|cart|remove) \d+ \w+ before: [+−]\d\.\d\d").all()
    )
    capsys.readouterr()
    explain = ["explain", str(fitted), "log.parquet", "--at", AT, "--quiet", "--user"]
    assert main([*explain, "7", "3", "--top", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    for at, user in ((0, 7), (3, 3)):
        row = scores[scores["who"] == user].iloc[0]
        assert said[at] == f"{user}: probability {row['probability']:.3f}"
        assert said[at + 1 : at + 3] == [f"  {row['reason_1']}", f"  {row['reason_2']}"]
    assert main([*explain, "999"]) == 1
    assert "--user 999: this user has no event at or before" in capsys.readouterr().err
