"""make_report: leakage checks, paired intervals, the page, bad input."""

import base64
import html
import json
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skbseq import EventLog, SequenceEncoder, SequenceVectorizer
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection import EarlyDecisionDisplay
from skbseq.report import Report, make_report
from skbseq.report._card import model_card
from skbseq.report._early import early
from skbseq.report._leakage import check_leakage
from skbseq.report._report import _number
from skbseq.report._samples import Samples
from skbseq.report._scores import (
    MODEL,
    Task,
    bootstrap,
    difference_rows,
    make_baselines,
    score_rows,
    weighted_auc,
)
from skbseq.report._sections import drift

EVIL = "<script>alert(1)</script>"


def make_frame(n, seed=0, prefix="u", cutoff="2026-06-01"):
    """Histories of one to four events; who has a cart buys."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 5, n)
    what = [rng.choice(["view", "cart", EVIL], size).tolist() for size in lengths]
    cutoff = pd.Timestamp(cutoff)
    when = [[cutoff - pd.Timedelta(days=int(k) + 1) for k in range(s)][::-1] for s in lengths]
    columns = {"user_id": [f"{prefix}{i}" for i in range(n)], "cutoff": cutoff}
    X = pd.DataFrame(columns | {"what": what, "when": when})
    return X, np.array([("cart" in row) for row in what])


X_TRAIN, Y_TRAIN = make_frame(60, 1)
X_TEST, Y_TEST = make_frame(40, 2, prefix=EVIL)


def make_model():
    vectorizer = SequenceVectorizer(["counts"], windows=())
    return make_pipeline(vectorizer, SimpleImputer(), LogisticRegression())


@pytest.fixture(scope="module")
def model():
    return make_model().fit(X_TRAIN, Y_TRAIN)


@pytest.fixture(scope="module")
def log():
    events = X_TEST.explode(["what", "when"], ignore_index=True).drop(columns="cutoff")
    events["when"] = pd.to_datetime(events["when"])
    return EventLog(
        events, user="user_id", time="when", behavior="what", until="2026-07-01"
    ).clean()


@pytest.fixture(scope="module")
def report(model, log):
    return make_report(
        *(model, X_TRAIN, Y_TRAIN, X_TEST, Y_TEST),
        log=log,
        reference=log,
        horizon="7D",
        title=f"Buyers {EVIL}",
        purpose=f"To send mails. {EVIL}",
        n_bootstrap=50,
        random_state=0,
    )


@pytest.fixture(scope="module")
def path(report, tmp_path_factory):
    return report.to_html(tmp_path_factory.mktemp("report") / "report.html")


class _Page(HTMLParser):
    """Tags, and the values of attributes that load something."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loaded = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value for name, value in attrs if name in ("src", "href", "srcset")]


def test_page_loads_nothing_and_escapes_all_text(path):
    text = path.read_text(encoding="utf-8")
    page = _Page(text)
    assert "script" not in page.tags and EVIL not in text
    assert "&lt;script&gt;alert(1)" in text
    assert len(page.loaded) == 7  # calibration, lift, early, drift, three explanations
    assert all(value.startswith("data:image/svg+xml;base64,") for value in page.loaded)
    assert not re.search(r"url\(|@import", text)
    assert path.stat().st_size < 3e6


def test_pictures_fit_narrow_screens_and_paper(path):
    text = path.read_text(encoding="utf-8")
    kinds = re.findall(r'<div class="picture"><img class="(\w*)" src="([^"]+)"', text)
    assert [kind for kind, _ in kinds] == ["", "", "", *["wide"] * 3, ""]
    pictures = [base64.b64decode(uri.partition(",")[2]).decode() for kind, uri in kinds if kind]
    widths = [float(re.search(r'<svg .*?width="([\d.]+)pt"', each, re.S)[1]) for each in pictures]
    assert max(widths) < 72 * 4  # few events make no wide picture
    style = text[text.index("<style>") : text.index("</style>")]
    screen, paper = style.split("@media print")
    assert "div.picture { overflow-x: auto; }" in screen and "img.wide { max-width: none" in screen
    assert "img, img.wide { max-width: 100%; max-height" in paper
    assert not re.search(r"[^-]width: *\d+(px|rem|pt)", style)


def test_drift_of_logs_of_other_spans_is_said_on_the_page(log):
    roles = {"user": "user_id", "time": "when", "behavior": "what"}
    short = EventLog(log.to_frame(), **roles, until="2026-06-01").clean()
    with pytest.warns(UserWarning, match="Lengths and gaps differ"):
        content, _ = drift(short, log, np.random.RandomState(0))
    assert len(content["warnings"]) == 1 and "Lengths and gaps" in content["warnings"][0]


def test_same_seed_gives_the_same_bytes(report, path, model, log, tmp_path):
    arguments = {"log": log, "reference": log, "horizon": "7D", "n_bootstrap": 50}
    arguments |= {"title": report.content["title"], "random_state": 0}
    arguments["purpose"] = report.content["card"]["purpose"]
    again = make_report(model, X_TRAIN, Y_TRAIN, X_TEST, Y_TEST, **arguments)
    assert again.to_html(tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_dict_is_plain_data_and_a_copy(report):
    found = report.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["data"]["test"]["users"] == 40
    assert found["data"]["test"]["events"] == X_TEST["what"].map(len).sum()
    assert found["labels"]["test"] == {"False": int((~Y_TEST).sum()), "True": int(Y_TEST.sum())}
    found["checks"].clear()
    assert report.to_dict()["checks"]


def test_sections_show_what_the_model_uses(report):
    found = report.to_dict()
    first = found["importance"]["channels"][0]
    assert first["channel"] == "what" and first["importance"] > 0.2
    reasons = [each["reasons"] for each in found["explained"]["predictions"]]
    assert reasons[0][0].startswith("cart") and "+" in reasons[0][0]
    assert [each["user"].startswith(EVIL) for each in found["explained"]["predictions"]] == [
        True
    ] * 3
    assert found["card"]["purpose"].startswith("To send mails.")
    assert not any(each["beyond chance"] for each in found["drift"]["aspects"])
    assert found["lift"]["shares"][0]["lift"] == pytest.approx(1 / Y_TEST.mean())


def test_a_notebook_shows_the_page_in_a_frame(report, monkeypatch):
    plain = Report(report.content, {})
    frame = plain._repr_html_()
    (attributes,) = re.findall('<iframe title="([^"]*)" srcdoc="([^"]*)"', frame)
    assert html.unescape(attributes[0]) == report.content["title"]
    assert html.unescape(attributes[1]) == plain._page()
    assert EVIL not in frame
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    assert plain._repr_html_() is None


# ------------------------------------------------------------------ scores


def test_weighted_auc_equals_scikit_learn(rng):
    scores, positive = rng.integers(0, 6, 50) / 6, rng.random(50) < 0.4
    weights = rng.integers(0, 4, (5, 50))
    expected = [roc_auc_score(positive, scores, sample_weight=w) for w in weights]
    np.testing.assert_allclose(weighted_auc(positive, scores, weights), expected)
    assert np.isnan(weighted_auc(positive, scores, np.where(positive, 1, 0)[None]))[0]


def test_bootstrap_draws_whole_users():
    # Ten users with ten equal samples each vary like ten samples, not like a hundred.
    y = np.repeat(np.arange(10) % 2, 10)
    predicted = np.column_stack([1 - y * 0.8 - 0.1, y * 0.8 + 0.1])
    predicted[:50] = 0.5
    task, spread = Task("binary", [0, 1], y), {}
    for name, units in {"users": np.repeat(np.arange(10), 10), "samples": np.arange(100)}.items():
        found = bootstrap(task, {MODEL: predicted}, units, 300, np.random.RandomState(0))
        spread[name] = found[MODEL, "log loss"][1].std()
    assert 2.5 < spread["users"] / spread["samples"] < 4  # about the root of 10


def test_no_difference_is_said_if_the_interval_holds_0(rng):
    y = rng.integers(0, 2, 200)
    good = np.where(y, 0.7, 0.3) + rng.normal(0, 0.15, 200)
    noisy = np.clip(np.where(y, 0.7, 0.3) + rng.normal(0, 0.15, 200), 0.01, 0.99)
    good = np.clip(good, 0.01, 0.99)
    predicted = {
        name: np.column_stack([1 - p, p])
        for name, p in {MODEL: good, "Noisy": noisy, "Constant": np.full(200, 0.5)}.items()
    }
    task = Task("binary", [0, 1], y)
    found = bootstrap(task, predicted, np.arange(200), 200, np.random.RandomState(0))
    said = [row["sentence"] for row in difference_rows(found, 0.95)]
    assert said[0].startswith("No difference shown from Noisy in ROC AUC (")
    assert said[2].startswith("Better than Constant in ROC AUC (+0.")
    assert said[3].startswith("Better than Constant in log loss (-0.")
    value = next(r for r in score_rows(found, 0.95) if r["model"] == MODEL)
    assert value["value"] == pytest.approx(roc_auc_score(y, good))
    assert value["low"] < value["value"] < value["high"]


def test_a_worse_model_is_said_to_be_worse():
    y = np.tile([0, 1], 50)
    wrong = np.column_stack([np.where(y, 0.9, 0.1), np.where(y, 0.1, 0.9)])
    predicted = {MODEL: wrong, "Half": np.full((100, 2), 0.5)}
    found = bootstrap(
        Task("binary", [0, 1], y), predicted, np.arange(100), 50, np.random.RandomState(0)
    )
    assert all(r["sentence"].startswith("Worse than Half") for r in difference_rows(found, 0.9))


class _Constant(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_, self.n_ = np.unique(y), len(y)
        return self

    def predict_proba(self, X):
        return np.tile([0.3, 0.7], (len(X), 1))


def test_baselines_of_the_user_are_copied_and_fitted(model):
    own = _Constant()
    found = make_report(
        *(model, X_TRAIN, Y_TRAIN, X_TEST, Y_TEST),
        baselines={"Today": own},
        n_bootstrap=20,
        random_state=0,
    ).to_dict()["scores"]
    assert {row["model"] for row in found["rows"]} == {MODEL, "Most frequent", "Today"}
    loss = -np.log(np.where(Y_TEST, 0.7, 0.3)).mean()
    assert loss in [pytest.approx(row["value"]) for row in found["rows"]]
    assert not hasattr(own, "n_") and not found["failed"]


def test_boosting_takes_the_columns_that_the_model_names():
    encoder = SequenceEncoder(categorical=["what"], numeric=["n"])
    model = CalibratedClassifierCV(make_pipeline(encoder, LogisticRegression()))
    task = Task("binary", [False, True], np.array([0, 1]))
    vectorizer = make_baselines(task, model, None, "when", 0)["Boosting"][0]
    assert (vectorizer.categorical, vectorizer.numeric) == (["what"], ["n"])
    assert vectorizer.cutoff == "when"
    vectorizer = make_baselines(task, LogisticRegression(), None, "when", 0)["Boosting"][0]
    assert vectorizer.categorical is None and vectorizer.numeric is None


# ------------------------------------------------------------------ early decisions


def section(model, X=X_TEST, y=Y_TEST):
    task = Task("binary", [False, True], np.asarray(y, int))
    return early(model, X, task, Samples(X, "X", None, "cutoff"), "cutoff", FEW)


FEW = np.random.RandomState(0)


def test_early_decisions_are_those_of_the_display(report, model):
    found = report.to_dict()["early"]
    display = EarlyDecisionDisplay.from_estimator(model, X_TEST, Y_TEST, time="when")
    plt.close(display.figure_)
    assert found["score"] == "ROC AUC"
    assert [row["score"] for row in found["shares"]] == pytest.approx(display.scores)
    days = display.lead_times / np.timedelta64(1, "D")
    assert [row["days to the cutoff, median"] for row in found["shares"]] == days.tolist()
    assert found["shares"][-1]["whole histories"] == 1.0
    assert found["shares"][0]["score"] < found["shares"][-1]["score"] == 1.0


@pytest.mark.parametrize("as_text", [False, True])
def test_a_model_that_reads_the_cutoff_has_no_early_decisions(as_text):
    X = X_TRAIN.assign(cutoff=X_TRAIN["cutoff"].astype(str)) if as_text else X_TRAIN
    vectorizer = SequenceVectorizer(["recency", "counts"])
    reads = make_pipeline(vectorizer, SimpleImputer(), LogisticRegression()).fit(X, Y_TRAIN)
    content, picture = section(reads, X, Y_TRAIN)
    assert "reads the time to the cutoff" in content["note"] and picture is None


class _NeedsTwo(ClassifierMixin, BaseEstimator):
    """Takes only histories of two or more events."""

    classes_ = np.array([False, True])

    def predict_proba(self, X):
        if min(map(len, X["what"])) < 2:
            raise ValueError("too short")
        return np.full((len(X), 2), 0.5)


def test_early_decisions_that_cannot_be_measured_have_a_note(model):
    rows = X_TEST["what"].map(len) > 1
    assert section(_NeedsTwo(), X_TEST[rows], Y_TEST[rows])[0]["note"].endswith(": too short")
    short = X_TEST.assign(what=[["view"]] * 40, when=[[pd.Timestamp("2026-05-01")]] * 40)
    assert "more than one event" in section(model, short)[0]["note"]
    assert "All test labels are equal" in section(model, y=np.ones(40))[0]["note"]
    X = X_TEST[["what"]]  # without cutoffs there are no lead times
    content, picture = section(make_model().fit(X, Y_TEST), X)
    assert list(content["shares"][0]) == ["events seen", "score", "whole histories"]
    assert picture is not None


# ------------------------------------------------------------------ leakage


def statuses(train, test, horizon="7D", log=None):
    read = [Samples(X, "X", "user_id", "cutoff") for X in (train, test)]
    return [each["status"] for each in check_leakage(*read, horizon, log)]


def test_leakage_checks():
    early, same = make_frame(5, cutoff="2026-05-20")[0], make_frame(5)[0]
    others = make_frame(5, prefix="v")[0]
    assert statuses(early, same)[:4] == ["passed"] * 4
    assert statuses(early, same, "30D")[:3] == ["problem", "problem", "passed"]
    assert statuses(early, same, None)[:3] == ["not checked", "not checked", "passed"]
    assert statuses(others, same)[:3] == ["passed", "note", "passed"]
    assert statuses(same, same)[:3] == ["problem"] * 3
    future = same.assign(cutoff=same["cutoff"] - pd.Timedelta("3D"))
    assert statuses(early, future)[3] == "problem"


def test_labels_after_the_end_of_the_log_are_a_problem(log):
    frame = make_frame(5)[0]
    assert statuses(frame, frame, "30D", log)[4] == "passed"
    assert statuses(frame, frame, "31D", log)[4] == "problem"


# ------------------------------------------------------------------ other tasks and bad input


def test_ten_samples_are_reported_with_a_note(model):
    found = make_report(
        model, X_TRAIN, Y_TRAIN, X_TEST[:10], Y_TEST[:10], n_bootstrap=20, random_state=0
    ).to_dict()
    assert "only 10 samples" in found["notes"][0]
    assert "only 10 samples" in " ".join(found["card"]["limits"])


def test_one_class_in_the_test_set_is_reported_with_a_note(model, tmp_path):
    rows = np.flatnonzero(Y_TEST)
    report = make_report(
        *(model, X_TRAIN, Y_TRAIN, X_TEST.iloc[rows], Y_TEST[rows]),
        n_bootstrap=20,
        random_state=0,
    )
    found = report.to_dict()
    assert any("All test labels are True" in note for note in found["notes"])
    assert {row["score"] for row in found["scores"]["rows"]} == {"log loss"}
    assert "cannot be measured" in found["lift"]["note"] == found["importance"]["note"]
    assert "cannot be measured" in report.to_html(tmp_path / "r.html").read_text("utf-8")


def test_regressor_of_each_library(frame_lib, tmp_path):
    columns = {"n": [[1, 2], [3], [4, 5, 6], [7]] * 5, "user": [f"u{i}" for i in range(20)]}
    X, y = frame_lib.make(columns), np.arange(20.0)
    model = DummyRegressor().fit(X, y)
    report = make_report(model, X, y, X, y, user="user", n_bootstrap=20, random_state=0)
    found = report.to_dict()
    assert found["scores"]["rows"][0]["score"] == "mean absolute error"
    assert found["scores"]["drawn"] == "users"
    assert found["scores"]["differences"][0]["sentence"].startswith(
        "No difference shown from Mean"
    )
    assert found["data"]["train"]["events"] == 35
    assert report.to_html(tmp_path / "r.html").exists()


def test_classes_and_arrays_of_numbers(rng, tmp_path):
    X, y = rng.normal(size=(60, 3)), np.array(["a", "b", "c"] * 20)
    model = LogisticRegression().fit(X, y)
    report = make_report(model, X, y, X[:30], y[:30], n_bootstrap=20, random_state=0)
    found = report.to_dict()
    assert found["kind"] == "multiclass"
    assert {row["score"] for row in found["scores"]["rows"]} == {"accuracy", "log loss"}
    assert found["scores"]["rows"][0]["value"] == pytest.approx(model.score(X[:30], y[:30]))
    assert "not histories" in found["explained"]["note"]
    assert any("no user column" in note for note in found["notes"])
    assert report.to_html(tmp_path / "r.html").exists()


class _NotFinite(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


def test_several_numbers_per_sample_are_an_error():
    X, y = np.ones((6, 1)), np.arange(6.0)
    model = DummyRegressor().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match=r"shape \(6, 2\) .* one number for each sample"):
        make_report(model, X, y, X, y)


def test_card_has_no_addresses():
    model = LogisticRegression(C=object(), random_state=np.random.RandomState(0))
    data = {"train": {"samples": 3, "users": 2}}
    content = {"data": data, "checks": [], "notes": ["Few."], "scores": {"differences": []}}
    card = model_card(model, content, None)
    assert card["parameters"]["C"] == "<object object>"
    assert not any("0x" in value for value in card["parameters"].values())
    assert card["trained on"] == "3 samples of 2 users"
    assert card["limits"][0] == "Few."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (-0.0001, "0.000"), (12345, "12,345"), (np.nan, "not measured")]
    + [(True, "yes"), (False, "no"), ("<b>", "<b>"), (12345.6, "12,346")],
)
def test_numbers_on_the_page(value, text):
    assert _number(value) == text


GOOD = {"model": None, "X": X_TEST, "y": Y_TEST, "options": {}}
BAD = {
    "not fitted": ({"model": make_model()}, NotFittedError, "not fitted"),
    "class": ({"model": LogisticRegression}, TypeError, "must be a fitted estimator"),
    "no probabilities": (
        {"model": LinearSVC().fit([[0], [1]], [0, 1])},
        TypeError,
        "CalibratedClassifierCV",
    ),
    "NaN": ({"model": _NotFinite().fit(None, [False, True])}, ValueError, "not finite for row 0"),
    "lengths": ({"y": Y_TEST[1:]}, ValueError, "X_test has 40 rows, and y_test 39"),
    "shape": ({"y": np.ones((40, 2))}, ValueError, "one dimension"),
    "class of y": ({"y": ["x"] * 40}, ValueError, "Row 0 of y_test holds 'x', .* False, True"),
    "one user": ({"X": X_TEST[:1], "y": Y_TEST[:1]}, ValueError, "at least two users"),
    "no rows": ({"X": X_TEST[:0], "y": Y_TEST[:0]}, ValueError, "X_test has no rows"),
    "user": ({"options": {"user": "who"}}, SequenceFrameError, "user='who' is not .* 'user_id'"),
    "log": ({"options": {"log": X_TEST}}, TypeError, "log must be an EventLog"),
    "level": ({"options": {"level": 95}}, ValueError, "level must be between 0 and 1"),
    "draws": ({"options": {"n_bootstrap": 5}}, ValueError, "n_bootstrap .* at least 20"),
    "title": ({"options": {"title": 5}}, ValueError, "title must be a string"),
    "baselines": ({"options": {"baselines": [make_model()]}}, TypeError, "dict of unfitted"),
    "baseline": ({"options": {"baselines": {"x": 5}}}, TypeError, r"baselines\['x'\] must be an"),
    "its name": ({"options": {"baselines": {MODEL: make_model()}}}, ValueError, "another name"),
    "notes": ({"options": {"notes": "a text"}}, ValueError, "notes must be a list of texts"),
    "purpose": ({"options": {"purpose": 5}}, ValueError, "purpose must be a text"),
    "horizon": ({"options": {"horizon": "a week"}}, ValueError, "horizon"),
    "seed": ({"options": {"random_state": -1}}, ValueError, "random_state"),
}


@pytest.mark.parametrize(("change", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_input(model, change, kind, message):
    given = GOOD | {"model": model} | change
    with pytest.raises(kind, match=message):
        make_report(given["model"], X_TRAIN, Y_TRAIN, given["X"], given["y"], **given["options"])


def test_reference_needs_a_log(model, log):
    with pytest.raises(ValueError, match="pass log="):
        make_report(model, X_TRAIN, Y_TRAIN, X_TEST, Y_TEST, reference=log)


def test_one_class_in_training_is_an_error(model):
    with pytest.raises(ValueError, match="All labels of y_train are True"):
        make_report(model, X_TRAIN, np.ones(60, bool), X_TEST, Y_TEST)


def test_missing_user_is_an_error():
    frame = X_TEST.assign(user_id=[None, *X_TEST["user_id"][1:]])
    with pytest.raises(SequenceFrameError, match="Row 0 of 'user_id' in X_test is missing"):
        Samples(frame, "X_test", "user_id", "cutoff")


def test_html_without_jinja2_names_the_extra(report, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(ImportError, match=r"skbseq\[report\]"):
        report.to_html(tmp_path / "r.html")


def test_path_must_be_a_path(report):
    with pytest.raises(TypeError, match="path must be a path"):
        report.to_html(5)
