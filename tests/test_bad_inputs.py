"""Bad inputs of logs, data sets, metrics, splitters and inspection: each error helps."""

import datetime as dt

import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from bad_inputs import PACKAGE, Target, check, raised_by, target
from sklearn.dummy import DummyClassifier
from sklearn.utils._param_validation import InvalidParameterError

from skbseq import EventLog, LastEvent, datasets, metrics
from skbseq.events import CleaningReport
from skbseq.exceptions import CensoredLabelError, InvalidLogError, SequenceFrameError
from skbseq.inspection import EarlyDecisionDisplay, expected_calibration_error
from skbseq.model_selection import CutoffSplit, UserKFold

matplotlib.use("Agg")
SURROGATE = "\ud800"
HUGE = 10**12
DAYS = ["2026-01-01", "2026-01-05", "2026-01-03", "2026-01-09", "2026-02-01"]
EVENTS = pd.DataFrame(
    {
        "u": ["a", "a", "b", "b", "b"],
        "t": pd.to_datetime(DAYS),
        "what": ["view", "buy", "view", "view", "buy"],
        "item": ["x", "y", "x", "x", "z"],
        "n": [1, 2, 3, -3, 5],
        "price": [1.0, 2.0, 3.0, 4.0, 5.0],
        "wide": np.array([1, 2, 3, 4, 2**64 - 1], dtype="uint64"),
    }
)
ROLES = {"user": "u", "time": "t", "behavior": "what", "product": "item"}
LOG = EventLog(EVENTS, **ROLES)
PLAIN = EventLog(EVENTS, user="u", time="t")
UNCLEAN = EventLog(EVENTS.assign(u=["a", None, "b", "b", "b"]), user="u", time="t")
SAMPLES = LOG.samples(at="2026-01-06")


def gen():
    """A generator of one number."""
    yield 1


def method(function, **given):
    """A method of a log with some parameters set."""
    name = f"{function.__qualname__}({','.join(given)})"
    return Target(name, lambda **more: function(**given | more), (function,))


def broken(column):
    raise KeyError("no such thing")


# ------------------------------------------------------------------ logs

new_log = Target("EventLog", lambda **p: EventLog(**{"events": EVENTS, **ROLES} | p), (EventLog,))
samples_of = method(LOG.samples)
behavior = method(LOG.label_behavior, samples=SAMPLES, behavior="buy", horizon="7D")
churn = method(LOG.label_churn, samples=SAMPLES, horizon="7D")
following = method(LOG.label_next, samples=SAMPLES, horizon="7D")
total = method(LOG.label_sum, samples=SAMPLES, column="price", horizon="7D")
histories = method(LOG.histories, samples=SAMPLES)
clean, collapse = method(LOG.clean), method(LOG.collapse, by="n")
NO_TABLE = "Expected a pandas, polars or pyarrow table"

OF_LOGS = [
    *new_log.rows(
        ({"events": None}, TypeError, f"{NO_TABLE}.*got NoneType"),
        ({"events": [1]}, TypeError, f"{NO_TABLE}.*got list"),
        ({"events": EVENTS.iloc[:0]}, InvalidLogError, "The log is empty"),
        ({"events": "x.csv"}, FileNotFoundError, "No file 'x.csv'"),
        ({"events": EVENTS.set_axis([*"uuabcde"], axis=1)}, InvalidLogError, "'u' occurs 2 times"),
        ({"events": EVENTS.set_axis([*range(7)], axis=1)}, InvalidLogError, "must be strings; go"),
        ({"events": EVENTS.rename(columns={"n": "cutoff"})}, InvalidLogError, "column 'cutoff'"),
        ({"events": EVENTS.assign(u=None)}, InvalidLogError, "'u' is missing in all 5 rows"),
        ({"events": EVENTS.assign(t=None)}, InvalidLogError, "'t' is missing in all 5 rows"),
        ({"events": EVENTS.assign(t="soon")}, InvalidLogError, "Column 't' holds 'soon' in row 0"),
        ({"events": EVENTS.assign(u=[[1]] * 5)}, InvalidLogError, "'u' holds list values"),
        ({"events": EVENTS.assign(n=[1, "a", 2, 3, 4])}, InvalidLogError, "'n' mixes.*row 1"),
        ({"user": 3}, InvalidLogError, "no column 3 for user="),
        ({"user": None}, InvalidLogError, "no column None for user="),
        ({"user": ["u"]}, InvalidLogError, r"no column \['u'\] for user="),
        ({"user": pd.NA}, InvalidLogError, "no column <NA> for user="),
        ({"time": np.array(["t", "u"])}, InvalidLogError, "no column .* for time="),
        ({"time": "u"}, InvalidLogError, "A column cannot have two roles"),
        ({"behavior": 0}, InvalidLogError, "no column 0 for behavior="),
        ({"product": SURROGATE}, InvalidLogError, "no column .* for product="),
        ({"time_unit": "D"}, ValueError, "time_unit must be one of .*; got 'D'"),
        ({"time_unit": pd.NA}, ValueError, "time_unit must be one of .*; got <NA>"),
        ({"time_unit": "s"}, InvalidLogError, "time_unit='s' was given but column 't'"),
        ({"invalid_times": "drop"}, ValueError, "invalid_times must be one of 'raise'"),
        ({"invalid_times": EVENTS}, ValueError, "invalid_times must be one of .*a DataFrame"),
        ({"until": "soon"}, ValueError, "until='soon' is not a moment"),
        ({"until": "2025-01-01"}, InvalidLogError, "until=2025-01-01 is before the first event"),
        ({"ties": 3}, ValueError, "ties must be the name of a column or a list.*got 3"),
        ({"ties": None}, ValueError, "ties must be the name of a column or a list.*got None"),
        ({"ties": "x"}, ValueError, "ties must be one of 'values', 'rows'; got 'x'"),
        ({"ties": ["x"]}, InvalidLogError, "no column 'x' for ties="),
        ({"ties": [1]}, ValueError, "ties .*holds 1 of type int"),
        ({"ties": {"n"}}, ValueError, "ties={'n'} is a set, which has no order"),
        ({"ties": {}}, ValueError, "ties must be the name of a column"),
    ),
    *clean.rows(
        ({"duplicates": 3}, ValueError, "duplicates must be the name .*got 3"),
        ({"duplicates": "all"}, ValueError, "duplicates must be 'exact', a list .*got 'all'"),
        ({"duplicates": []}, ValueError, "duplicates is an empty list"),
        ({"duplicates": ["x"]}, InvalidLogError, "no column 'x' for duplicates="),
        ({"duplicates": [pd.NA]}, ValueError, "duplicates .*holds <NA>"),
        ({"tolerance": "2s"}, ValueError, "tolerance needs duplicates="),
        ({"duplicates": ["n"], "tolerance": 3}, TypeError, "tolerance must be a string such as"),
        ({"behaviors": 3}, ValueError, "behaviors must be a list of values; got 3"),
        ({"behaviors": "buy"}, ValueError, "behaviors must be a list of values; got 'buy'"),
        ({"behaviors": [[1]]}, ValueError, r"behaviors must be a list of values.*\[\[1\]\]"),
        ({"behaviors": ["x"]}, InvalidLogError, "Nothing is left of the log"),
        ({"rules": [1]}, ValueError, r"rules must be a dict of columns .*got \[1\]"),
        ({"rules": "n >= 0"}, ValueError, "rules must be a dict of columns .*got 'n >= 0'"),
        ({"rules": 0}, ValueError, "rules must be a dict of columns .*got 0"),
        ({"rules": {"x": ">= 0"}}, InvalidLogError, "no column 'x' for rules="),
        ({"rules": {3: ">= 0"}}, InvalidLogError, "no column 3 for rules="),
        ({"rules": {"n": "big"}}, ValueError, r"rules\['n'\]='big' is not a rule"),
        ({"rules": {"n": None}}, ValueError, r"rules\['n'\]=None is not a rule"),
        ({"rules": {"n": "> x"}}, ValueError, r"rules\['n'\]='> x' compares numbers with 'x'"),
        ({"rules": {"what": "> 3"}}, ValueError, "does not apply to string values"),
        ({"rules": {"n": broken}}, ValueError, r"rules\['n'\] is a function that failed.*KeyErr"),
        ({"rules": {"n": len}}, InvalidLogError, r"rules\['n'\] returned 1 integer values"),
        ({"rules": {"wide": f"> {2**64}"}}, InvalidLogError, "dropped as 'wide not > 184"),
        ({"cancelled": "what"}, InvalidLogError, "cancelled='what' holds string values"),
        ({"cancelled": 3}, InvalidLogError, "no column 3 for cancelled="),
        ({"earliest": 3}, ValueError, "earliest=3 is not a moment"),
        ({"earliest": "2027-01-01"}, InvalidLogError, "dropped as 'before 2027"),
        ({"latest": pd.NaT}, ValueError, "latest=NaT is not a moment"),
        ({"received": "x"}, InvalidLogError, "no column 'x' for received="),
        ({"received": np.zeros(2)}, InvalidLogError, "no column .* for received="),
        ({"max_delay": "1D"}, ValueError, "max_delay needs received="),
        ({"received": "t", "max_delay": 3}, TypeError, "max_delay must be a string such as"),
        ({"max_rate": 3}, ValueError, "max_rate=3 is not a rate"),
        ({"max_rate": "0/h"}, ValueError, "max_rate='0/h' is not a rate"),
        ({"min_events": 0}, ValueError, "min_events must be a whole number of at least 1; got 0"),
        ({"min_events": True}, ValueError, "min_events must be a whole number .*got True"),
        ({"max_events": 1.5}, ValueError, "max_events must be a whole number .*got 1.5"),
        ({"max_events": 2**70}, ValueError, "max_events must be at most"),
    ),
    *method(PLAIN.clean).rows(
        ({"behaviors": ["x"]}, InvalidLogError, "behaviors= was given, but the log has no beha"),
    ),
    *method(PLAIN.label_behavior, samples=SAMPLES, horizon="1D").rows(
        ({"behavior": "buy"}, InvalidLogError, "behavior='buy' was given, but the log has no"),
    ),
    *collapse.rows(
        ({"by": None}, ValueError, "by must be the name of a column or a list.*got None"),
        ({"by": []}, ValueError, "by is an empty list"),
        ({"by": [None]}, ValueError, "by .*holds None of type NoneType"),
        ({"by": "x"}, InvalidLogError, "no column 'x' for by="),
        ({"by": gen()}, ValueError, "by must be the name of a column or a list.*generator"),
        ({"aggregate": [1]}, ValueError, r"aggregate must be a dict of columns.*got \[1\]"),
        ({"aggregate": 0}, ValueError, "aggregate must be a dict of columns.*got 0"),
        ({"aggregate": {"x": "sum"}}, InvalidLogError, "no column 'x' for aggregate="),
        ({"aggregate": {"price": "total"}}, ValueError, "{'price': 'total'} is unknown"),
        ({"aggregate": {"price": 3}}, ValueError, "{'price': 3} is unknown"),
        ({"aggregate": {"price": [None]}}, ValueError, r"{'price': \[None\]} is unknown"),
        ({"aggregate": {"price": []}}, ValueError, r"{'price': \[\]} names no aggregation"),
        ({"aggregate": {"what": "sum"}}, InvalidLogError, "'what' holds string values.*'sum'"),
        ({"aggregate": {"u": "count"}}, ValueError, "user and time cannot be changed"),
        ({"by": "what", "aggregate": {"wide": "sum"}}, InvalidLogError, "sums of column 'wide'"),
        ({"runs": "yes"}, ValueError, "runs must be True or False; got 'yes'"),
        ({"runs": pd.NA}, ValueError, "runs must be True or False; got <NA>"),
        ({"max_gap": "1D"}, ValueError, "max_gap needs runs=True"),
        ({"runs": True, "max_gap": 1.5}, TypeError, "max_gap must be a string such as"),
        ({"count": 3}, ValueError, "count must be a string, the name of a column; got 3"),
        ({"count": SURROGATE}, ValueError, "count must be a string, the name of a column"),
        ({"count": "what"}, ValueError, "count='what' is already the name of a column"),
    ),
    *method(LOG.sessions).rows(
        ({"gap": 30}, TypeError, "gap must be a string such as .*got 30"),
        ({"gap": "0min"}, ValueError, "gap must be longer than zero"),
        ({"name": 3}, ValueError, "name must be a string, the name of a column; got 3"),
        ({"name": None}, ValueError, "name must be a string.*got None"),
        ({"name": ["x"]}, ValueError, r"name must be a string.*got \['x'\]"),
        ({"name": SURROGATE}, ValueError, "name must be a string"),
        ({"name": "n"}, InvalidLogError, "already has a column 'n'"),
    ),
    *method(LOG.by).rows(
        ({"column": "x"}, InvalidLogError, "no column 'x' for user="),
        ({"column": None}, InvalidLogError, "no column None for user="),
        ({"column": pd.Series([1])}, InvalidLogError, "no column .* for user="),
        ({"column": "t"}, InvalidLogError, "A column cannot have two roles"),
    ),
    *method(UNCLEAN.samples).rows(({"at": "2026-01-06"}, InvalidLogError, "The log is not clean")),
    *method(UNCLEAN.sessions).rows(({}, InvalidLogError, "not clean: 1 row with missing u")),
    *method(UNCLEAN.collapse).rows(({"by": "n"}, InvalidLogError, "Call clean")),
]

# ------------------------------------------------------------------ samples, histories, labels

CENSORED = "censored must be one of 'raise', 'observed', 'nan'; got"
OF_SAMPLES = [
    *samples_of.rows(
        ({}, ValueError, "Pass exactly one of at, every, n_random"),
        ({"at": 3}, ValueError, "at=3 is not a moment"),
        ({"at": []}, ValueError, "at is an empty list"),
        ({"at": ["2026-01-01", None]}, ValueError, "at=None is not a moment"),
        ({"at": [["x"], "y"]}, ValueError, r"at=\['x'\] is not a moment"),
        ({"at": b"x"}, ValueError, "at=b'x' is not a moment"),
        ({"at": "2000-01-01"}, InvalidLogError, "at=2000-01-01 is before all events"),
        ({"at": pd.DataFrame({"u": ["a"]})}, InvalidLogError, "samples have no column 'cutoff'"),
        ({"every": 3}, TypeError, "every must be a string such as .*got 3"),
        ({"every": "1us"}, ValueError, "every='1us' makes [0-9,]+ cutoffs for each of 2 users"),
        ({"n_random": 0}, ValueError, "n_random must be a whole number of at least 1; got 0"),
        ({"n_random": "x"}, ValueError, "n_random must be a whole number .*got 'x'"),
        ({"n_random": HUGE}, ValueError, "n_random must be at most 500,000,000"),
        ({"n_random": 2**70}, ValueError, "n_random must be at most"),
        ({"after_first": -1}, TypeError, "after_first must be a string such as"),
        ({"after_first": "-1D"}, ValueError, "after_first must be of zero or more"),
        ({"before_last": {}}, TypeError, "before_last must be a string such as"),
        ({"at": "2026-01-06", "start": 3}, ValueError, "start=3 is not a moment"),
        ({"every": "1D", "end": object}, ValueError, "end=.* is not a moment"),
        ({"every": "1D", "start": "2030-01-01"}, ValueError, "start=2030-01-01 is after end="),
        ({"at": "2026-01-06", "min_events": 0}, ValueError, "min_events must be a whole number"),
        ({"at": "2026-01-06", "min_events": None}, ValueError, "min_events .*got None"),
        ({"at": "2026-01-06", "min_events": 99}, InvalidLogError, "No user can be sampled"),
        ({"at": "2026-01-06", "min_age": 7}, TypeError, "min_age must be a string such as"),
        ({"n_random": 1, "random_state": "x"}, InvalidParameterError, "'random_state' parameter"),
        ({"n_random": 1, "random_state": -1}, InvalidParameterError, "'random_state' parameter"),
        ({"at": "2026-01-06", "random_state": []}, InvalidParameterError, "'random_state' para"),
    ),
    *method(LOG.prefixes).rows(
        ({}, ValueError, "Give either n_events or share"),
        ({"n_events": 0}, ValueError, "n_events must be a whole number of at least 1; got 0"),
        ({"n_events": [1, "x"]}, ValueError, "n_events must be a whole number .*got 'x'"),
        ({"n_events": 2**70}, ValueError, "n_events must be at most"),
        ({"n_events": []}, ValueError, "Give at least one n_events or share"),
        ({"n_events": 99}, InvalidLogError, "No 'u' has 99 events; the longest has 3"),
        ({"share": 1.5}, ValueError, "share must be above 0 and at most 1; got 1.5"),
        ({"share": [None]}, ValueError, "share must be above 0 and at most 1; got None"),
        ({"share": "x"}, ValueError, "share must be above 0 and at most 1; got 'x'"),
        ({"share": pd.NA}, ValueError, "share must be above 0 and at most 1; got <NA>"),
        ({"share": float("nan")}, ValueError, "share must be above 0 and at most 1; got nan"),
    ),
    *histories.rows(
        ({"samples": None}, TypeError, f"{NO_TABLE}; got NoneType"),
        ({"samples": pd.DataFrame({"u": ["a"]})}, InvalidLogError, "no column 'cutoff'"),
        ({"samples": SAMPLES.assign(u=[1, 2])}, InvalidLogError, "'u' of the samples does not ma"),
        ({"samples": SAMPLES.assign(u=["a", None])}, InvalidLogError, "Row 1 of the samples has"),
        ({"samples": SAMPLES.assign(cutoff=True)}, InvalidLogError, "'cutoff' holds boolean val"),
        ({"samples": SAMPLES.assign(events_seen=-1)}, InvalidLogError, "'events_seen' of the sam"),
        ({"samples": SAMPLES.assign(events_seen="x")}, InvalidLogError, "got string values"),
        ({"samples": SAMPLES.assign(n=1)}, InvalidLogError, "samples and the log have a column"),
        ({"lookback": 90}, TypeError, "lookback must be a string such as"),
        ({"lookback": "90"}, ValueError, "lookback='90' is not a duration"),
        ({"max_events": 0}, ValueError, "max_events must be a whole number of at least 1"),
        ({"max_events": 2**70}, ValueError, "max_events must be at most"),
        ({"max_events": np.timedelta64(3, "D")}, ValueError, "max_events must be a whole number"),
    ),
    *behavior.rows(
        ({"samples": [1]}, TypeError, f"{NO_TABLE}; got list"),
        ({"behavior": "x"}, InvalidLogError, "No event has what = 'x'; the log holds 'view'"),
        ({"behavior": []}, ValueError, "behavior is an empty list"),
        ({"behavior": [["x"], 1]}, ValueError, r"behavior must be a value .*holds \['x'\]"),
        ({"behavior": [pd.NA]}, InvalidLogError, "No event has what = <NA>"),
        ({"behavior": np.array(3)}, ValueError, "behavior must be a value"),
        ({"horizon": 7}, TypeError, "horizon must be a string such as .*got 7"),
        ({"horizon": None}, ValueError, "horizon=None means to the end of the session"),
        ({"horizon": []}, ValueError, "horizon must name different spans"),
        ({"horizon": ["7D", "7D"]}, ValueError, "horizon must name different spans"),
        ({"horizon": "90D"}, CensoredLabelError, "The label of row 0 cannot be known"),
        ({"gap": 3}, TypeError, "gap must be a string such as"),
        ({"kind": "all"}, ValueError, "kind must be one of 'any', 'count', 'time'; got 'all'"),
        ({"kind": np.zeros(2)}, ValueError, "kind must be one of"),
        ({"censored": None}, ValueError, f"{CENSORED} None"),
    ),
    *churn.rows(
        ({"samples": 3}, TypeError, f"{NO_TABLE}; got int"),
        ({"behavior": 3}, InvalidLogError, "No event has what = 3"),
        ({"horizon": {}}, TypeError, "horizon must be a string such as"),
        ({"gap": "x"}, ValueError, "gap='x' is not a duration"),
        ({"censored": pd.NA}, ValueError, f"{CENSORED} <NA>"),
    ),
    *following.rows(
        ({"samples": gen()}, TypeError, f"{NO_TABLE}; got generator"),
        ({"column": "x"}, InvalidLogError, "no column 'x' for column="),
        ({"column": []}, InvalidLogError, r"no column \[\] for column="),
        ({"behavior": b"x"}, InvalidLogError, "No event has what = b'x'"),
        ({"horizon": -1}, TypeError, "horizon must be a string such as"),
        ({"horizon": "90D"}, CensoredLabelError, "The label of row 0 cannot be known"),
        ({"censored": "x"}, ValueError, f"{CENSORED} 'x'"),
    ),
    *method(PLAIN.label_next, samples=SAMPLES).rows(
        ({}, InvalidLogError, "no behaviour column to read the next event from"),
    ),
    *total.rows(
        ({"samples": "x"}, TypeError, f"{NO_TABLE}; got str"),
        ({"column": "what"}, InvalidLogError, "'what' holds string values; a sum needs numbers"),
        ({"column": None}, InvalidLogError, "no column None for column="),
        ({"horizon": dt.date(2026, 1, 1)}, TypeError, "horizon must be a string such as"),
        ({"behavior": [1]}, InvalidLogError, "No event has what = 1"),
        ({"gap": b"x"}, TypeError, "gap must be a string such as"),
        ({"censored": 0}, ValueError, f"{CENSORED} 0"),
    ),
    *target("CleaningReport", CleaningReport, CleaningReport).rows(
        ({"rows_in": None}, ValueError, "rows_in must be a whole number of at least 0; got None"),
        ({"rows_in": -1}, ValueError, "rows_in must be a whole number of at least 0; got -1"),
        ({"rows_in": 1, "dropped": [1]}, ValueError, r"dropped must be a dict .*got \[1\]"),
        ({"rows_in": 1, "dropped": {"x": "y"}}, ValueError, r"dropped\['x'\] must be a whole"),
        ({"rows_in": 1, "examples": 3}, ValueError, "examples must be a dict .*got 3"),
    ),
    *method(CleaningReport(3).to_frame).rows(
        ({"library": "numpy"}, ValueError, "library must be one of 'pandas', .*got 'numpy'"),
        ({"library": None}, ValueError, "library must be one of 'pandas', .*got None"),
        ({"library": EVENTS}, ValueError, "library must be one of 'pandas', .*a DataFrame"),
    ),
]

# ------------------------------------------------------------------ data sets

HEX = "checksum must be a SHA-256 of 64 hex digits; got"
OF_DATASETS = [
    row
    for name in datasets.__all__
    if name != "make_shop_log"
    for row in method(getattr(datasets, name), path=PACKAGE / "__init__.py").rows(
        ({}, InvalidLogError, "Cannot read '__init__.py' as "),
        ({"path": 3}, ValueError, "path must be a path, a string or os.PathLike; got 3"),
        ({"path": ""}, ValueError, "path must be a path, a string or os.PathLike; got ''"),
        ({"path": "a\0b"}, ValueError, "path must be a path, a string or os.PathLike"),
        ({"path": "no-such-file"}, FileNotFoundError, "No file 'no-such-file'"),
        ({"data_home": [1]}, ValueError, r"data_home must be a path.*got \[1\]"),
        ({"data_home": pd.NA}, ValueError, "data_home must be a path.*got <NA>"),
        ({"output": "numpy"}, ValueError, "output must be 'pandas', .*got 'numpy'"),
        ({"output": pd.NA}, ValueError, "output must be 'pandas', .*got <NA>"),
        ({"download_if_missing": 3}, ValueError, "download_if_missing must be True or False"),
        ({"n_retries": -1}, ValueError, "n_retries must be a whole number of at least 0; got -1"),
        ({"delay": float("inf")}, ValueError, "delay must be a number of seconds .*got inf"),
        ({"delay": True}, ValueError, "delay must be a number of seconds .*got True"),
        ({"checksum": "abc"}, ValueError, f"{HEX} 'abc'"),
        ({"checksum": 3}, ValueError, f"{HEX} 3"),
        ({"verbose": None}, ValueError, "verbose must be a whole number .*got None"),
    )
]
OF_DATASETS += [
    *method(datasets.make_shop_log).rows(
        ({"n_users": 0}, ValueError, "n_users must be a whole number of at least 1; got 0"),
        ({"n_users": 1.5}, ValueError, "n_users must be a whole number .*got 1.5"),
        ({"n_users": HUGE}, ValueError, "n_users must be at most 10,000,000"),
        ({"n_products": 9}, ValueError, "n_products must be a whole number of at least 10; got 9"),
        ({"n_products": 2**70}, ValueError, "n_products must be at most"),
        ({"history": 60}, TypeError, "history must be a string such as"),
        ({"history": "9999999D"}, ValueError, "history='9999999D' is too long"),
        ({"horizon": "x"}, ValueError, "horizon='x' is not a duration"),
        ({"random_state": "x"}, ValueError, "random_state must be None.*got 'x'"),
        ({"random_state": -1}, ValueError, "random_state must be None.*got -1"),
    ),
]

# ------------------------------------------------------------------ metrics

X = pd.DataFrame({"page": [["a", "b"], ["b", "a"]], "w": [[1.0, 2.0], [1.0, 2.0]]})
ranks = Target("true_ranks", metrics.true_ranks, (metrics.true_ranks,))
TWO_ITEMS = [[0.1, 0.9]]


def score(**given):
    """The scores that a ranking scorer gives a model."""
    given = {"estimator": LastEvent().fit(X), "X": X, "y": ["a", "b"]} | given
    return metrics.ranking_scorer(k=1)(**given)


OF_METRICS = [
    row
    for name in ("recall_at_k", "mrr_at_k", "ndcg_at_k")
    for row in method(getattr(metrics, name), ranks=[1, 2]).rows(
        ({"k": 0}, ValueError, "k must be an integer of at least 1; got 0"),
        ({"k": None}, ValueError, "k must be an integer of at least 1; got None"),
        ({"k": HUGE}, ValueError, "k must be at most 100,000,000; got 10+"),
        ({"ranks": []}, ValueError, "There is no row to score"),
        ({"ranks": [0]}, ValueError, "Row 0 of ranks is 0.0; ranks begin at 1"),
        ({"ranks": [1, "x"]}, ValueError, "ranks must hold numbers; row 0 holds '1'"),
        ({"ranks": [1, None]}, ValueError, "ranks must hold numbers; row 1 holds None"),
        ({"ranks": [1, [2]]}, ValueError, "ranks cannot be read as an array"),
        ({"ranks": np.zeros((1, 3))}, ValueError, "ranks must be of shape"),
    )
]
OF_METRICS += [
    *ranks.rows(
        ({"scores": [["x"]], "true_index": [0]}, ValueError, "scores must be numbers"),
        ({"scores": [[1], [1, 2]], "true_index": [0]}, ValueError, "scores cannot be read as an"),
        ({"scores": TWO_ITEMS, "true_index": 0}, ValueError, "true_index of shape"),
        ({"scores": TWO_ITEMS, "true_index": [2]}, ValueError, "Row 0 of true_index is 2"),
        ({"scores": TWO_ITEMS, "true_index": ["a"]}, ValueError, "true_index must hold integers"),
        ({"scores": [[np.nan]], "true_index": [0]}, ValueError, "Row 0 of scores holds NaN"),
    ),
    *method(metrics.hold_out_last, X=X).rows(
        ({"X": None}, SequenceFrameError, "Expected a sequence frame.*got NoneType"),
        ({"X": [["a"], {"b"}]}, SequenceFrameError, "Row 1 of X is a set, which has no order"),
        ({"X": [[]]}, SequenceFrameError, "None of the histories holds an event"),
        ({"X": pd.DataFrame({"page": [{"a"}]})}, SequenceFrameError, "Row 0 of column 'page' is"),
        ({"target": "x"}, SequenceFrameError, "target 'x' is not a list column"),
        ({"target": "w"}, SequenceFrameError, "target 'w' holds float values"),
        ({"target": []}, SequenceFrameError, r"target must be the name .*got \[\]"),
        ({"X": X[:0], "target": "page"}, ValueError, "No history in 'page' holds an event"),
    ),
    *method(metrics.ranking_scorer).rows(
        ({"k": 1.5}, ValueError, "k must be an integer of at least 1; got 1.5"),
        ({"metrics": None}, ValueError, "metrics must be the name .*got None"),
        ({"metrics": []}, ValueError, "metrics must name some of"),
        ({"metrics": ["auc"]}, ValueError, "metrics must name some of .*auc"),
        ({"metrics": [[1]]}, ValueError, "metrics .*holds"),
    ),
    *target("scorer", score, metrics.ranking_scorer).rows(
        ({"X": 3}, TypeError, "X must be a sequence frame or an array of numbers; got 3"),
        ({"estimator": object}, TypeError, "needs a fitted classifier with predict_proba"),
        ({"y": ["a"]}, ValueError, "X has 2 rows and y 1 values"),
        ({"y": ["a", None]}, ValueError, "Row 1 of y is missing"),
        ({"y": EventLog}, ValueError, "y must have one dimension"),
        ({"y": [1.5, 2.5]}, ValueError, "Row 0 of y holds 1.5; ids are strings"),
    ),
]

# ------------------------------------------------------------------ splitters

FOLDS = pd.DataFrame(
    {"who": ["a", "b", "c"] * 4, "cutoff": pd.date_range("2026-01-01", periods=12, freq="MS")}
)


def split(kind, **given):
    """A target that splits a frame."""

    def call(X=FOLDS, y=None, **parameters):
        return list(kind(**given | parameters).split(X, y))

    return target(kind.__name__, call, kind, kind.split)


OF_SPLITTERS = [
    *split(CutoffSplit, n_splits=3, horizon="31D").rows(
        ({"n_splits": 0}, InvalidParameterError, "'n_splits' parameter of CutoffSplit"),
        ({"n_splits": 99}, SequenceFrameError, "n_splits=99 needs at least 100 distinct"),
        ({"horizon": 31}, TypeError, "horizon must be a string such as"),
        ({"horizon": "999D"}, SequenceFrameError, "Fold 1 of 3 has no training sample"),
        ({"gap": "0D"}, ValueError, "gap must be longer than zero"),
        ({"max_train_span": []}, TypeError, "max_train_span must be a string such as"),
        ({"max_train_span": "1D"}, ValueError, "max_train_span='1D' is shorter than"),
        ({"min_train_size": -1}, InvalidParameterError, "'min_train_size' parameter"),
        ({"min_train_size": HUGE}, SequenceFrameError, "fewer than min_train_size"),
        ({"cutoff": 3}, InvalidParameterError, "'cutoff' parameter of CutoffSplit"),
        ({"cutoff": "x"}, SequenceFrameError, "no column 'x', which CutoffSplit needs"),
        ({"cutoff": "who"}, SequenceFrameError, "'who' holds"),
        ({"new_users": []}, InvalidParameterError, "'new_users' parameter of CutoffSplit"),
        ({"new_users": "x"}, SequenceFrameError, "no column 'x', which CutoffSplit needs"),
        ({"X": None}, TypeError, "CutoffSplit reads the column 'cutoff' of a pandas"),
        ({"X": FOLDS.to_numpy()}, TypeError, "CutoffSplit reads .*got ndarray"),
        ({"X": FOLDS[:0]}, SequenceFrameError, "The frame has no rows"),
        ({"X": FOLDS.assign(cutoff=pd.NaT)}, SequenceFrameError, "Row 0 of 'cutoff' is missing"),
        ({"X": FOLDS.assign(cutoff=3)}, SequenceFrameError, "'cutoff' holds integer values"),
    ),
    *split(UserKFold, n_splits=3, user="who").rows(
        ({"n_splits": 1}, InvalidParameterError, "'n_splits' parameter of UserKFold"),
        ({"n_splits": np.timedelta64(3, "D")}, InvalidParameterError, "'n_splits' parameter"),
        ({"n_splits": 4}, SequenceFrameError, "n_splits=4 needs at least 4 users"),
        ({"user": None}, InvalidParameterError, "'user' parameter of UserKFold"),
        ({"user": "x"}, SequenceFrameError, "no column 'x', which UserKFold needs"),
        ({"stratify": "yes"}, InvalidParameterError, "'stratify' parameter of UserKFold"),
        ({"stratify": True}, ValueError, "stratify=True needs y, the classes; got None"),
        ({"stratify": True, "y": 3}, ValueError, "stratify=True needs y, a class for each of"),
        ({"stratify": True, "y": [0.5] * 12}, ValueError, "stratify=True needs y, a class for"),
        ({"stratify": True, "y": [pd.NA] * 12}, ValueError, "Row 0 of y holds <NA>"),
        ({"shuffle": 3}, InvalidParameterError, "'shuffle' parameter of UserKFold"),
        ({"random_state": "x"}, InvalidParameterError, "'random_state' parameter of UserKFold"),
        ({"random_state": 0}, ValueError, "random_state has no effect since shuffle is False"),
        ({"X": [["a"]]}, TypeError, "UserKFold reads the column 'who'"),
        ({"X": FOLDS.assign(who=[["a"]] * 12)}, SequenceFrameError, "'who' is a channel"),
        ({"X": FOLDS.assign(who=None)}, SequenceFrameError, "Row 0 of 'who' is missing"),
    ),
]

# ------------------------------------------------------------------ inspection

ece = method(expected_calibration_error, y_true=[0, 1], y_prob=[0.1, 0.9])
display = {
    "seen": np.array([1.0, 2.0]),
    "scores": np.array([0.5, 1.0]),
    "seen_whole": np.array([0.0, 1.0]),
    "seen_by": "share",
}
drawn = target(
    "EarlyDecisionDisplay.plot",
    lambda ax=None, line=None, **p: EarlyDecisionDisplay(**display | p).plot(ax, **line or {}),
    EarlyDecisionDisplay.plot,
)
early = method(
    EarlyDecisionDisplay.from_estimator,
    estimator=DummyClassifier(strategy="prior").fit(np.zeros((2, 1)), [0, 1]),
    X=X,
    y=[0, 1],
    shares=[1.0],
)
AT = "must be above 0 and at most 1; got"
OF_INSPECTION = [
    *ece.rows(
        ({"y_true": 3}, ValueError, r"y_true must have one dimension.*got shape \(\)"),
        ({"y_true": [0]}, ValueError, "inconsistent numbers of samples"),
        ({"y_true": [0, None]}, ValueError, "labels of y_true cannot be compared"),
        ({"y_true": ["a", "b"]}, ValueError, "the positive class is ambiguous"),
        ({"y_prob": "x"}, ValueError, "y_prob must hold numbers; got 'x'"),
        ({"y_prob": [0.1, None]}, ValueError, "y_prob must hold numbers; row 1 holds None"),
        ({"y_prob": [0.1, 2]}, ValueError, "Row 1 of y_prob holds 2.0"),
        ({"y_prob": [[0.1, 0.1]] * 2}, ValueError, "Row 0 of y_prob sums to 0.200"),
        ({"n_bins": 0}, InvalidParameterError, "'n_bins' parameter of expected_calibration"),
        ({"n_bins": HUGE}, InvalidParameterError, "'n_bins' parameter of expected_calibration"),
        ({"strategy": 3}, InvalidParameterError, "'strategy' parameter of expected_calibra"),
        ({"pos_label": []}, ValueError, r"pos_label must be a label; got \[\]"),
        ({"pos_label": "x"}, ValueError, "pos_label='x' is not one of the labels"),
        ({"y_prob": [[0.1, 0.9]] * 2, "labels": 3}, ValueError, "labels must have one dimension"),
        ({"y_prob": [[0.1, 0.9]] * 2, "labels": [5, 6]}, ValueError, "y_true holds 0, which is"),
    ),
    *early.rows(
        ({"estimator": None}, TypeError, "estimator must be a fitted estimator; got None"),
        ({"X": [["a"]]}, TypeError, "X must be a sequence frame, a pandas.*got list"),
        ({"X": pd.DataFrame({"a": [1, 2]})}, SequenceFrameError, "has no channel"),
        ({"y": [0]}, ValueError, "inconsistent numbers of samples"),
        ({"shares": [0]}, ValueError, f"shares {AT} 0"),
        ({"shares": "x"}, ValueError, f"shares {AT} 'x'"),
        ({"shares": None, "n_events": [True]}, ValueError, "n_events must be whole .*got True"),
        ({"shares": None, "n_events": 2**70}, ValueError, "n_events must be whole numbers"),
        ({"n_events": [1]}, ValueError, "either shares or n_events, not both"),
        ({"scoring": 3}, ValueError, "scoring=3 must be one score"),
        ({"time": 3}, ValueError, "time must be a string or None; got 3"),
        ({"time": "x"}, SequenceFrameError, "time='x' is not one of the list columns"),
        ({"time": "page"}, SequenceFrameError, "until='cutoff' is not one of the ordinary"),
        ({"time": "w", "until": []}, ValueError, r"until must be a string or None; got \[\]"),
        ({"name": [1]}, ValueError, r"name must be a string or None; got \[1\]"),
        ({"ax": 3}, TypeError, "ax must be the axes of a figure of matplotlib; got 3"),
        ({"linewidth": "x"}, ValueError, "matplotlib cannot draw the line with .*linewidth"),
        ({"colour": "red"}, ValueError, "matplotlib cannot draw the line with .*colour"),
    ),
    *drawn.rows(
        ({"seen": None}, ValueError, "seen must hold numbers; got None"),
        ({"seen": np.zeros(3)}, ValueError, "Each point has a value in seen, scores"),
        ({"scores": ["a", "b"]}, ValueError, "scores must hold numbers; row 0 holds 'a'"),
        ({"seen_by": None}, ValueError, "seen_by must be one of 'share', 'n_events'; got None"),
        ({"lead_times": [1, 2]}, ValueError, "lead_times must be an array of timedelta64"),
        ({"score_name": 3}, ValueError, "score_name must be a string or None; got 3"),
        ({"ax": "x"}, TypeError, "ax must be the axes of a figure of matplotlib; got 'x'"),
        ({"line": {"color": 3}}, ValueError, "matplotlib cannot draw the line with"),
    ),
]

ROWS = [
    *OF_LOGS,
    *OF_SAMPLES,
    *OF_DATASETS,
    *OF_METRICS,
    *OF_SPLITTERS,
    *OF_INSPECTION,
]


@pytest.mark.parametrize(("target", "given", "error", "match"), ROWS)
def test_bad_input(target, given, error, match):
    check(target, given, error, match)


def test_an_error_from_the_depths_is_found():
    deep = target("deep", lambda: int("x"), EventLog)
    with pytest.raises(AssertionError, match="from the depths"):
        check(deep, {}, ValueError, "invalid literal")


def test_an_error_that_is_not_documented_is_found():
    undocumented = target("undocumented", lambda: EventLog(None, user="u", time="t"), LOG.by)
    with pytest.raises(AssertionError, match=r"TypeError: .*InvalidLogError"):
        check(undocumented, {}, TypeError, "Expected a pandas")
    assert raised_by(EventLog.clean) == ["InvalidLogError", "ValueError", "TypeError"]


def test_numbers_beyond_64_bits_are_compared_exactly():
    kept = LOG.clean(rules={"wide": f"> {2**63}"}).to_frame()
    assert kept["wide"].tolist() == [2**64 - 1]
    seen = pa.table({"u": ["a"], "cutoff": [dt.datetime(2026, 2, 1)]})
    seen = seen.append_column("events_seen", pa.array([2**64 - 1], pa.uint64()))
    assert LOG.histories(seen)["n"].to_pylist() == [[1, 2]]
