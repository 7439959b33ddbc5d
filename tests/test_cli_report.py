"""``skbseq report``: the page of a model file, its training part, and what it refuses."""

import re
import sys

import numpy as np
import pandas as pd
import pytest

from skbseq import EventLog, load, save
from skbseq.cli import main
from skbseq.persistence import read_metadata
from skbseq.report import make_report

FIT_AT, AT, LATE = "2026-02-01", "2026-02-10", "2026-02-13"
ROLES = ["--user", "who", "--time", "when", "--behavior", "what"]
EVIL = "<script>alert(1)</script>"


def make_log(n_users=60, seed=0, first=0):
    """Users who put something into the cart in January buy on 3 and 12 February, most of them."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(first, first + n_users):
        does = [*rng.choice(["view", "remove"], size=4), ["view", "cart"][user % 2]]
        days = np.sort(rng.choice(30, size=5, replace=False))
        rows += [(user, f"2026-01-{day + 1:02}", did) for day, did in zip(days, does, strict=True)]
        buys = (user % 2) ^ (user % 9 == 0)
        rows += [(user, f"2026-02-{day:02}", "buy" if buys else "view") for day in (3, 12)]
    rows.append((first, "2026-02-20", "view"))
    log = pd.DataFrame(rows, columns=["who", "when", "what"])
    log["when"] = pd.to_datetime(log["when"])
    return log


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a log and a model of it."""
    folder = tmp_path_factory.mktemp("report")
    make_log().to_parquet(folder / "log.parquet")
    fit = ["fit", str(folder / "log.parquet"), *ROLES, "--predict", "buy", "--horizon", "7D"]
    fit += ["--at", FIT_AT, "--model", "counts", "--holdout", "0", "--quiet"]
    assert main([*fit, "--out", str(folder / "model.skbseq")]) == 0
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def report(*more, at=AT, log="log.parquet", model="model.skbseq", out="page.html"):
    return main(["report", model, log, "--at", at, "--out", out, *more])


def test_the_page_is_that_of_make_report(here, capsys, monkeypatch):
    made = []

    def spy(*data, **options):
        made.append((data, options))
        found = make_report(*data, **options | {"n_bootstrap": 20})
        found.pictures.clear()  # tests/test_report.py looks at them
        return found

    monkeypatch.setattr("skbseq.cli._report_page.make_report", spy)
    assert report("--title", f"Buyers {EVIL}", "--seed", "3") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "Question: Predict what = buy within 7D after the cutoff.\n60 training" in said.out
    (model, X_train, y_train, X_test, y_test), options = made[0]
    log = EventLog(make_log(), user="who", time="when", behavior="what").clean()
    for at, X, y in ((FIT_AT, X_train, y_train), (AT, X_test, y_test)):
        samples = log.samples(at=at)
        np.testing.assert_array_equal(y, log.label_behavior(samples, behavior="buy", horizon="7D"))
        histories = log.histories(samples)[["who", "cutoff", "when", "what"]]
        expected = load("model.skbseq").predict_proba(histories)
        np.testing.assert_array_equal(model.predict_proba(X), expected)
        assert X["who"].to_pylist() == histories["who"].tolist()
    assert options["random_state"] == 3 and options["log"].until.day == 20
    yes = f"{np.mean(y_train):.1%}"
    note = (
        "The training samples were made from log.parquet at 2026-02-01, the moment of the fit: 60 "
        f"users, yes for {yes}. The baselines were fitted on them; the model was not fitted again."
    )
    page = (here / "page.html").read_text("utf-8")
    assert note in page and "within 7D after the cutoff" in page and EVIL not in page
    assert said.out.count("in log loss (") == 2


def test_several_moments_and_overlapping_labels_are_reported(here, capsys, monkeypatch):
    made = []
    monkeypatch.setattr(
        "skbseq.cli._report_page.make_report",
        lambda *data, **options: made.append((data, options)) or _Stub(),
    )
    assert report("--at", LATE, "2026-02-05", "2026-02-05", "--purpose", "Mails.", "--quiet") == 0
    (_, X_train, y_train, X_test, y_test), options = made[0]
    assert len(X_train) == len(y_train) == 60
    assert len(X_test) == len(y_test) == 180
    assert options["purpose"] == "Mails." and options["title"] == "model.skbseq"
    said = capsys.readouterr()
    assert said.err == "warning: Labels: they overlap.\n" and said.out == ""


class _Stub:
    content = {
        "checks": [{"check": "Labels", "status": "problem", "text": "they overlap."}],
        "data": {"test": {"samples": 180}},
        "scores": {"differences": []},
    }

    def to_html(self, path):
        pass


def test_another_log_is_compared_with_the_baselines_of_the_fit(here, capsys, monkeypatch):
    made = []
    monkeypatch.setattr(
        "skbseq.cli._report_page.make_report",
        lambda *data, **options: made.append((data, options)) or _Stub(),
    )
    make_log(40, 1, first=100).to_parquet("others.parquet")
    assert report("--fit-log", "log.parquet", "--quiet", log="others.parquet", at=FIT_AT) == 0
    (_, X_train, _, X_test, _), options = made[-1]
    assert len(X_train) == 60 and len(X_test) == 40
    assert options["notes"][0].startswith("The training samples were made from log.parquet at")
    assert len(options["notes"]) == 1
    assert report("--quiet", log="others.parquet") == 0
    assert re.match(
        r"The model was fitted on other samples \(60 users, yes for 5\d\.\d%\), so "
        r"others\.parquet is not the log of the fit",
        made[-1][1]["notes"][1],
    )


def refused(capsys, done, message):
    said = capsys.readouterr().err
    assert done == 1 and said.startswith("error: ") and said.count("\n") == 1
    assert re.search(message, said), said
    return True


def test_the_advice_for_moments_holds(here, capsys, monkeypatch):
    monkeypatch.setattr("skbseq.cli._report_page.make_report", lambda *a, **k: _Stub())
    message = r"--at 2026-02-01 is the moment of the fit.* --at 2026-02-08, or"
    assert refused(capsys, report(at=FIT_AT), message)
    message = (
        r"not known yet: 7D after --at 2026-02-15 .*--at 2026-02-13\. Or use a log that ends "
        "later, or pass --until"
    )
    assert refused(capsys, report("--at", "2026-02-15"), message)
    assert report("--at", "2026-02-08", at=LATE) == 0
    assert report("--until", "2026-02-22", at="2026-02-15") == 0


def test_a_log_without_the_moment_of_the_fit_is_refused(here, capsys):
    log = make_log()
    log[log["when"] > "2026-02-02"].to_parquet("late.parquet")
    message = (
        r"late\.parquet, from 2026-02-03 to 2026-02-20, has no users whose answer .* --fit-log"
    )
    assert refused(capsys, report(log="late.parquet"), message)
    log.assign(what=log["what"].where(log["when"] > "2026-02-10", "view")).to_parquet("no.parquet")
    assert refused(capsys, report(log="no.parquet"), "all 60 users .* have the answer no, so no")


def test_a_fit_log_that_ends_early_is_refused(here, capsys):
    log = make_log()
    log[log["when"] < "2026-02-02"].to_parquet("early.parquet")
    message = (
        r"early\.parquet, from .* within 7D after 2026-02-01, the moment of the fit, is known"
    )
    assert refused(capsys, report("--fit-log", "early.parquet"), message)


def test_a_model_that_fit_did_not_write_is_refused(here, capsys):
    save(load("model.skbseq"), "other.skbseq")
    assert refused(capsys, report(model="other.skbseq"), "not its task.* written by `skbseq fit`")


def test_a_file_of_an_earlier_version_is_read(here, capsys, monkeypatch):
    made = []
    monkeypatch.setattr(
        "skbseq.cli._report_page.make_report", lambda *a, **k: made.append(k) or _Stub()
    )
    metadata = read_metadata("model.skbseq")["metadata"]
    assert metadata.pop("n_users") == 60
    save(load("model.skbseq"), "old.skbseq", metadata=metadata)
    assert report("--quiet", model="old.skbseq") == 0
    assert len(made[0]["notes"]) == 1


@pytest.mark.parametrize(
    ("out", "more", "message"),
    [
        ("log.html", ["log.html"], r"--out would overwrite the LOG"),
        ("nowhere/page.html", [], "nowhere"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_first(here, capsys, out, more, message):
    log = more[0] if more else "log.parquet"
    assert refused(capsys, report(log=log, out=out), message)


def test_neither_the_model_nor_the_log_of_the_fit_is_overwritten(here, capsys):
    done = report("--fit-log", "fit.html", out="fit.html")
    assert refused(capsys, done, "would overwrite 'fit.html'")


def test_the_page_ends_in_html(here, capsys):
    with pytest.raises(SystemExit) as stop:
        report(out="page.pdf")
    assert stop.value.code == 2
    assert "'page.pdf' must end in .html" in capsys.readouterr().err


def test_without_jinja2_the_extra_is_named_before_the_work(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = report(log="there is none.csv")
    assert refused(capsys, done, r"jinja2 is needed .*pip install 'skbseq\[report\]'")
