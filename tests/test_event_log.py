"""EventLog in every library, cleaned, and on logs and samples that are odd or not fit."""

import copy
import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from event_logs import MINUTE, ROLES, START, TWO, at, make_log, make_samples
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.events import CleaningReport
from skbseq.exceptions import InvalidLogError

SHOP = {
    "who": ["bob", "ann", "bob", "cem", "ann", "bob", "ann"],
    "when": [at(m) for m in (1, 2, 3, 4, 5, 90, 95)],
    "what": ["view", "view", "buy", None, "cart", "buy", "view"],
    "product": [3, 1, 3, None, 2, 3, 1],
    "price": [1.5, 2.0, None, 4.0, 5.25, 6.0, 7.0],
    "mobile": [True, False, None, True, True, False, True],
    "tags": [["a", "b"], [], None, ["c"], ["a"], ["b"], []],
}
SHOP_ROLES = {**ROLES, "product": "product"}
CHANNELS = [name for name in SHOP if name != "who"]


def shop_history(who, cutoff):
    """The columns of a user's events up to a minute."""
    rows = [i for i in range(7) if SHOP["who"][i] == who and SHOP["when"][i] <= at(cutoff)]
    return {name: [SHOP[name][i] for i in rows] for name in CHANNELS}


# ------------------------------------------------------------------ libraries and files


def assert_answers(log, to_pylist, to_table):
    """Samples, histories and labels of the shop's log, against the plain ones."""
    samples = log.samples(at=at(60))
    assert to_pylist(samples) == [{"who": u, "cutoff": at(60)} for u in ("ann", "bob", "cem")]
    histories = log.histories(samples)
    assert type(histories) is type(samples) is to_table
    expected = [
        {"who": user, "cutoff": at(60), **shop_history(user, 60)} for user in ("ann", "bob", "cem")
    ]
    assert to_pylist(histories) == expected
    labels = log.label_behavior(samples, behavior="buy", horizon="35min")
    assert labels.dtype == bool
    assert labels.tolist() == [False, True, False]


def test_every_library_answers_alike_and_in_kind(frame_lib):
    events = frame_lib.make(SHOP)
    log = EventLog(events, **SHOP_ROLES).clean()
    assert log.report.rows_out == 7
    assert_answers(log, frame_lib.to_pylist, type(events))


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "CSV", "parquet", "pq"])
def test_files_answer_as_tables_do(tmp_path, ending):
    columns = {name: SHOP[name] for name in SHOP if name != "tags"}
    path = tmp_path / f"events.{ending}"
    table = pa.table(columns)
    if ending in ("parquet", "pq"):
        pa.parquet.write_table(table, path)
    else:
        delimiter = "\t" if ending == "tsv" else ","
        options = pa.csv.WriteOptions(delimiter=delimiter)
        with pa.output_stream(path, compression="gzip" if ending == "csv.gz" else None) as stream:
            pa.csv.write_csv(table, stream, options)
    from_path = EventLog(path, **SHOP_ROLES)
    from_table = EventLog(table, **SHOP_ROLES)
    assert repr(from_path) == repr(from_table)
    samples = from_path.samples(at=at(60))
    assert isinstance(samples, pd.DataFrame)
    histories = pa.Table.from_pandas(from_path.histories(samples), preserve_index=False)
    expected = from_table.histories(from_table.samples(at=at(60)))
    assert histories.to_pylist() == expected.to_pylist()
    assert EventLog(str(path), **SHOP_ROLES).clean().report == from_path.clean().report


def test_the_index_that_pandas_writes_into_parquet_is_no_channel(tmp_path):
    frame = pd.DataFrame({"who": [1, 1], "when": [at(0), at(0)]}, index=[7, 9])
    frame.to_parquet(tmp_path / "events.parquet")
    log = EventLog(tmp_path / "events.parquet", **TWO).clean()
    assert log.report.dropped["exact duplicate"] == 1
    assert list(log.histories(log.samples(at=at(1)))) == ["who", "cutoff", "when"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.doc", b"x", "Cannot tell the format of .*a.doc"),
        ("a.csv", b"", "Cannot read .*a.csv"),
        (
            "a.csv",
            b"who,when\n1,2026-01-01\n1,2,3\n",
            "Cannot read .*line 3 has 3 cells, but .* have 2: '1,2,3'",
        ),
        ("a.csv", b"who,who\n1,1\n", "Column 'who' occurs 2 times"),
        (
            "a.csv",
            b"who,when\nJos\xe9,2026-01-01\n",
            "Cannot read .*not text in UTF-8.*Pass encoding='cp1252'",
        ),
        ("a.csv", b"who,when\n", "The log is empty"),
        ("a.parquet", b"no parquet", "Cannot read .*a.parquet"),
    ],
)
def test_unreadable_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidLogError, match=message):
        EventLog(tmp_path / name, **TWO)


def test_a_path_that_is_not_there_is_told():
    with pytest.raises(FileNotFoundError, match=r"No file 'nowhere\.csv'"):
        EventLog("nowhere.csv", **TWO)


@pytest.mark.parametrize("thing", [[1, 2], np.ones((2, 2)), {"who": [1]}, pd.Series([1]), None])
def test_what_is_no_table_is_refused(thing):
    with pytest.raises(TypeError, match="Expected a pandas, polars or pyarrow table or the path"):
        EventLog(thing, **TWO)


def test_a_lazy_frame_is_told_to_collect():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"got LazyFrame: call collect\(\)"):
        EventLog(polars.LazyFrame({"who": [1]}), **TWO)


def test_a_log_is_pickled_and_copied():
    log = EventLog(pa.table(SHOP), **SHOP_ROLES)
    samples = log.samples(at=at(60))
    for other in (pickle.loads(pickle.dumps(log)), copy.deepcopy(log)):
        assert repr(other) == repr(log)
        assert other.histories(samples).equals(log.histories(samples))


# ------------------------------------------------------------------ logs that are not fit


def frame(**changes):
    columns = {"who": [1, 2, 1], "when": pd.to_datetime(["2026-01-01"] * 3), "what": ["a"] * 3}
    return pd.DataFrame(columns | changes)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (frame().drop(columns="who"), "no column 'who' for user=; it has 'when', 'what'"),
        (frame().drop(columns="when"), "no column 'when' for time="),
        (frame().drop(columns="what"), "no column 'what' for behavior="),
        (frame().set_axis(["who", "when", "who"], axis=1), "Column 'who' occurs 2 times"),
        (frame().set_axis(["who", "when", 3], axis=1), "Column names must be strings; got 3"),
        (frame().iloc[:0], "The log is empty.* pass until=, the moment"),
        (frame(who=[None] * 3), "Column 'who' is missing in all 3 rows, from row 0"),
        (frame(who=[np.nan] * 3), "Column 'who' is missing in all 3 rows, from row 0"),
        (frame(when=[None] * 3), "Column 'when' is missing in all 3 rows, from row 0"),
        (frame(when=pd.to_datetime([None] * 3)), "Column 'when' is missing in all 3 rows"),
        (frame(when=pd.array([None] * 3, "Int64")), "Column 'when' is missing in all 3 rows"),
        (frame(who=[None, 1, 1], when=[1767225600, None, None]), "No row has both 'who' and 'wh"),
        (frame(who=[1, "a", 2]), "Column 'who' mixes .* row 1 holds 'a' of type str .* number"),
        (
            frame(who=pd.Series([pd.NA, 1, "a"], dtype=object)),
            "Column 'who' mixes kinds of values: row 2 holds 'a'",
        ),
        (frame(what=["a", None, 1.5]), "Column 'what' mixes kinds of values: row 2 holds 1.5"),
        (frame(what=[[1], ["a"], None]), "Column 'what' mixes kinds of values: row 1 holds 'a'"),
        (frame(what=[2**70, 1, 2]), "Row 0 of column 'what' .* not fit into 64-bit integers"),
        (frame(what=[1j, 1j, 1j]), "Column 'what' holds complex128 values, for which"),
        (frame(what=pd.period_range("2026", periods=3, freq="D")), r"Column 'what' holds period"),
        (frame(who=[[1], [2], [1]]), "Column 'who' holds list values, which cannot identify use"),
        (frame(when=[dt.time(1)] * 3), "Column 'when' holds time64.* not times"),
        (frame(when=[True] * 3), "Column 'when' holds boolean values, which are not times"),
        (frame(cutoff=[1] * 3), "The log has a column 'cutoff'"),
    ],
)
def test_logs_that_are_not_fit_are_refused(events, message):
    with pytest.raises(InvalidLogError, match=message):
        EventLog(events, **ROLES)


def test_duplicate_names_are_refused_in_arrow_too():
    events = pa.table([pa.array([1]), pa.array([2]), pa.array([at(0)])], ["who", "who", "when"])
    with pytest.raises(InvalidLogError, match="Column 'who' occurs 2 times"):
        EventLog(events, **TWO)


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({**ROLES, "behavior": "who"}, "A column cannot have two roles"),
        ({**ROLES, "product": "what"}, "A column cannot have two roles"),
        ({**ROLES, "user": None}, "no column None for user="),
        ({**ROLES, "product": ["what"]}, r"no column \['what'\] for product="),
    ],
)
def test_roles_are_checked(roles, message):
    with pytest.raises(InvalidLogError, match=message):
        EventLog(frame(), **roles)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"time_unit": "h"}, "time_unit must be one of None, 's', 'ms', 'us', 'ns'; got 'h'"),
        ({"invalid_times": "drop"}, "invalid_times must be one of 'raise', 'null', 'keep'"),
        ({"until": "2025-12-31"}, "until=2025-12-31 is before the first event, 2026-01-01"),
        ({"until": "soon"}, "until='soon' is not a moment"),
        ({"until": 5}, "until=5 is not a moment"),
    ],
)
def test_options_are_checked(option, message):
    with pytest.raises(ValueError, match=message):
        EventLog(frame(), **TWO, **option)


# ------------------------------------------------------------------ logs that look odd and are fit


def channel_of(column):
    """What becomes of a column in the history of a single user."""
    log = EventLog(
        pd.DataFrame({"who": 1, "when": [START] * len(column), "x": column}), **TWO, ties="rows"
    )
    return log.histories(log.samples(at=START))["x"].tolist()[0]


def test_user_ids_that_became_floats():
    # What pandas makes of integers with a missing one among them.
    events = pd.DataFrame({"who": [17850.0, np.nan, 13047.0], "when": [at(0), at(1), at(2)]})
    log = EventLog(events, **TWO)
    with pytest.raises(InvalidLogError, match=r"not clean: 1 row with missing who.*clean\(\)"):
        log.samples(at=at(5))
    log = log.clean()
    assert log.report.dropped == {"missing who": 1, "missing when": 0, "exact duplicate": 0}
    assert log.samples(at=at(5))["who"].tolist() == [13047.0, 17850.0]
    whole = pd.DataFrame({"who": [17850, 1], "cutoff": [at(5)] * 2})
    assert [len(h) for h in log.histories(whole)["when"]] == [1, 0]


def test_large_ids_are_told_apart_across_integer_types():
    ids = np.array([2**53, 2**53 + 1, 2**64 - 1], np.uint64)
    log = EventLog(pd.DataFrame({"who": ids, "when": [at(0), at(1), at(2)]}), **TWO)
    samples = pd.DataFrame({"who": [2**53 + 1, -1], "cutoff": [at(5)] * 2})
    assert log.histories(samples)["when"].tolist() == [[at(1)], []]
    with pytest.raises(InvalidLogError, match=r"Column 'who' of the samples does not match"):
        log.histories(samples.astype({"who": float}))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.int64])
def test_users_are_numbers_of_any_width(dtype):
    ids = np.array([3, 100, 3], dtype)
    log = EventLog(pd.DataFrame({"who": ids, "when": [at(0), at(1), at(2)]}), **TWO)
    samples = log.samples(at=at(5))
    assert samples["who"].tolist() == [3, 100] and samples["who"].dtype == dtype
    assert [len(h) for h in log.histories(samples)["when"]] == [2, 1]


@pytest.mark.parametrize("names", [["x" * 10_000, "x" * 9_999 + "y"], ["Zoë 🛒", "李"], ["", " "]])
def test_strange_names_are_names(frame_lib, names):
    events = frame_lib.make({"who": [*names, names[0]], "when": [at(0), at(1), at(2)]})
    log = EventLog(events, **TWO)
    rows = frame_lib.to_pylist(log.histories(log.samples(at=at(5))))
    assert {row["who"]: row["when"] for row in rows} == {
        names[0]: [at(0), at(2)],
        names[1]: [at(1)],
    }


def test_categorical_columns_with_nulls(frame_lib):
    def categorical(values):
        return pa.array(values).dictionary_encode()

    columns = {
        "who": categorical(["b", None, "a", "b"]),
        "when": [at(i) for i in range(4)],
        "what": categorical(["view", "view", None, "buy"]),
    }
    log = EventLog(frame_lib.make(columns), **ROLES).clean()
    assert log.report.dropped["missing who"] == 1
    assert "2 users" in repr(log) and "what (view 1, buy 1)" in repr(log)
    rows = frame_lib.to_pylist(log.histories(log.samples(at=at(2))))
    assert [(row["who"], row["what"]) for row in rows] == [("a", [None]), ("b", ["view"])]
    samples = log.samples(at=at(2))
    assert log.label_behavior(samples, behavior="buy", horizon="1min").tolist() == [False, True]


def test_categories_without_events_are_no_users():
    who = pd.Categorical(["b", "a", "b"], categories=["z", "b", "y", "a"])
    log = EventLog(pd.DataFrame({"who": who, "when": [at(0), at(1), at(2)]}), **TWO)
    assert repr(log).startswith("EventLog: 3 events of 2 users")
    assert log.samples(at=at(5))["who"].tolist() == ["a", "b"]
    assert log.clean().samples(at=at(0))["who"].tolist() == ["b"]


def test_a_dictionary_may_hold_a_value_twice_and_null():
    who = pa.DictionaryArray.from_arrays([0, 1, 2, None], ["a", None, "a"])
    log = EventLog(pa.table({"who": who, "when": [at(i) for i in range(4)]}), **TWO).clean()
    assert log.report.dropped["missing who"] == 2
    assert log.histories(log.samples(at=at(5)))["when"].to_pylist() == [[at(0), at(2)]]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_strings_of_every_type_of_arrow(kind):
    columns = {
        "who": pa.array(["b", "a", "b", None], kind),
        "when": pa.array(["2026-01-01", "2026-01-02", "2026-01-03 ", None], kind),
        "what": pa.array(["view", None, "buy", "buy"], kind),
    }
    log = EventLog(pa.table(columns), **ROLES).clean()
    assert log.report.dropped["missing who"] == 1
    samples = log.samples(at="2026-01-02")
    assert log.histories(samples)["what"].to_pylist() == [[None], ["view"]]
    assert log.label_behavior(samples, behavior="buy", horizon="1D").tolist() == [False, True]


def test_columns_of_every_kind_become_channels():
    assert channel_of([True, None, False]) == [True, None, False]
    assert channel_of([[1, 2], None, []]) == [[1, 2], None, []]
    assert channel_of([{"a": 1}, None, {"a": 2}]) == [{"a": 1}, None, {"a": 2}]
    assert channel_of([None, None]) == [None, None]
    assert channel_of([b"x", None]) == [b"x", None]
    assert channel_of(pd.Categorical([3, None, 4])) == [3, None, 4]
    assert channel_of(pd.array([1, None], "Int64")) == [1, None]


def test_one_user_with_half_of_all_events_and_one_event_a_user(rng):
    n = 2000
    who = np.where(np.arange(n) % 2, -1, np.arange(n))
    when = pd.Timestamp(START) + pd.to_timedelta(rng.permutation(n), unit="min")
    log = EventLog(pd.DataFrame({"who": who, "when": when, "n": np.arange(n)}), **TWO).clean()
    histories = log.histories(log.samples(at=when.max()))
    assert len(histories) == n // 2 + 1
    assert [len(h) for h in histories["n"]] == [n // 2] + [1] * (n // 2)
    assert histories["n"].iloc[0] == [i for i in np.argsort(when) if i % 2]


def test_read_only_input_is_read_and_left_alone():
    who, price = np.array([2, 1, 2]), np.array([1.0, 2.0, 1.0])
    when = np.array(["2026-01-02", "2026-01-01", "2026-01-02"], "datetime64[us]")
    for array in (who, when, price):
        array.flags.writeable = False
    events = pd.DataFrame({"who": who, "when": when, "price": price}, copy=False)
    before = events.copy(deep=True)
    log = EventLog(events, **TWO).clean()
    samples = log.samples(at="2026-01-03")
    log.histories(samples)
    log.label_behavior(samples, horizon="1D", censored="observed")
    pd.testing.assert_frame_equal(events, before)
    assert list(samples) == ["who", "cutoff"]


def test_more_than_65536_users_are_sorted():
    # Beyond 16 bits users are sorted in two passes.
    n = 70_000
    who = np.arange(n)[::-1]
    log = EventLog(pd.DataFrame({"who": who, "when": [START] * n, "n": who}), **TWO)
    histories = log.histories(log.samples(at=START).iloc[[0, 1, -1]])
    assert histories["n"].tolist() == [[0], [1], [n - 1]]


# ------------------------------------------------------------------ cleaning


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from([0, 1, None]),
        st.sampled_from(["view", "", None]),
        st.sampled_from([0.0, -0.0, 1.0, float("nan"), None]),
    ),
    max_size=12,
)


def plain_clean(rows):
    """Rows kept in order of user and time, and rows dropped by reason; None for NaN."""
    kept, dropped = [], {"missing who": 0, "missing when": 0, "exact duplicate": 0}
    for row in rows:
        if row[0] is None:
            dropped["missing who"] += 1
        elif row[1] is None:
            dropped["missing when"] += 1
        elif row in kept:
            dropped["exact duplicate"] += 1
        else:
            kept.append(row)
    return sorted(kept, key=in_order), dropped


PRICES = [0.0, 1.0, None]


def in_order(row):
    """By user, time, behaviour and price; NaN after all numbers and None after everything."""
    what, price = row[2:]
    return row[:2], (what is None, what or ""), PRICES.index(price)


def one_nan(row):
    # As pandas does not tell them apart, nobody does.
    return tuple(None if value != value else value for value in row)


@given(rows=ROWS)
def test_cleaning_drops_what_a_plain_loop_drops(rows):
    rows = [("a", 0, "view", 0.0), *rows]
    who, when, what, price = zip(*rows, strict=True)
    when = pa.array([None if m is None else at(m) for m in when], pa.timestamp("us"))
    table = pa.table({"who": who, "when": when, "what": what, "price": price})
    log = EventLog(table, **ROLES)
    clean = log.clean()
    kept, dropped = plain_clean([one_nan(row) for row in rows])
    assert len(log) == len(rows)
    assert clean.report == CleaningReport(len(rows), dropped)
    assert len(clean) == clean.report.rows_out == len(kept)
    histories = clean.histories(clean.samples(at=at(1))).to_pylist()
    found = [
        one_nan((row["who"], int((t - START) / MINUTE), what, price))
        for row in histories
        for t, what, price in zip(row["when"], row["what"], row["price"], strict=True)
    ]
    assert found == kept
    again = clean.clean()
    assert again.report == CleaningReport(len(kept), dict.fromkeys(dropped, 0))
    assert repr(again.histories(again.samples(at=at(1))).to_pylist()) == repr(histories)


def test_the_first_of_several_duplicates_is_kept():
    # The second event repeats the first but for the text of its time: both stay, and the
    # order of the rows tells which of the three equal ones is left.
    when = ["2026-01-01", "2026-01-01 00:00", "2026-01-01", "2026-01-01"]
    events = pd.DataFrame({"who": 1, "when": when, "n": [1, 2, 1, 1]})
    log = EventLog(events, **TWO).clean()
    assert log.report.dropped["exact duplicate"] == 2
    assert log.histories(log.samples(at="2026-01-02"))["n"].tolist() == [[1, 2]]


def test_duplicates_are_told_by_every_column_also_by_lists():
    events = pd.DataFrame({"who": 1, "when": [START] * 4, "x": [[1, None], [1, None], [1], None]})
    assert EventLog(events, **TWO).clean().report.dropped["exact duplicate"] == 1


def test_cleaning_leaves_the_log_as_it_was():
    log = EventLog(frame(), **ROLES)
    before = repr(log)
    clean = log.clean()
    assert log.report is None and repr(log) == before and len(log) == 3
    assert clean.report.rows_in == 3 and len(clean) == 2


def test_a_report_prints_well():
    report = CleaningReport(1_200_000, {"missing who": 0, "exact duplicate": 1_234})
    assert (report.rows_out, report) == (1_198_766, CleaningReport(1_200_000, report.dropped))
    assert str(report).splitlines() == [
        "Cleaning: 1,200,000 events in, 1,198,766 out, 1,234 dropped",
        "  missing who            0  (0.0%)",
        "  exact duplicate    1,234  (0.1%)",
    ]
    assert str(CleaningReport(0)) == "Cleaning: 0 events in, 0 out, 0 dropped"


def test_the_repr_tells_roles_and_what_waits():
    table = pa.table({**SHOP, "who": [None, *SHOP["who"][1:]]})
    assert repr(EventLog(table, **SHOP_ROLES)).splitlines() == [
        "EventLog: 7 events of 3 users, 2026-01-01 00:02:00 to 2026-01-01 01:35:00",
        "  user      who",
        "  time      when (datetimes)",
        "  behavior  what (view 2, buy 2, cart 1)",
        "  product   product (1 2, 3 2, 2 1)",
        "  others    price, mobile, tags",
        "  missing   what 1, product 1, price 1, mobile 1, tags 1",
        "  unclean   1 missing who: call clean()",
    ]
    many = make_log([1] * 13, range(13), [str(i) for i in range(13)])
    assert "what (13 values)" in repr(many)


# ------------------------------------------------------------------ samples


def test_an_unknown_user_has_an_empty_history_and_no_label():
    log = make_log([1, 1], [5, 60], ["view", "buy"])
    samples = make_samples((7, 5), (1, 5))
    histories = log.histories(samples, lookback="1D", max_events=3)
    assert histories["what"].to_pylist() == [[], ["view"]]
    labels = log.label_behavior(samples, behavior="buy", horizon="55min")
    assert labels.tolist() == [False, True]


@pytest.mark.parametrize(
    "empty",
    [
        frame().iloc[:0],
        pd.DataFrame(columns=["who", "when", "what"]),  # of which no type is known
        frame(when=[1.0, 2.0, 3.0]).iloc[:0],
    ],
    ids=["typed", "untyped", "epoch"],
)
def test_a_log_without_events_gives_empty_histories(empty, frame_lib):
    empty = frame_lib.make(pa.Table.from_pandas(empty, preserve_index=False))
    roles = {"user": "who", "time": "when", "behavior": "what"}
    log = EventLog(empty, **roles, until="2026-02-01").clean()
    assert repr(log).startswith("EventLog: 0 events of 0 users, until 2026-02-01\n")
    assert log.start == log.until
    samples = pd.DataFrame({"who": [7], "cutoff": ["2026-01-31"]})
    history = log.histories(samples, lookback="1D", max_events=3)
    assert history[["when", "what"]].iloc[0].map(len).tolist() == [0, 0]
    assert log.label_churn(samples, horizon="1D").tolist() == [True]
    assert len(log.collapse("what")) == len(log.sessions(gap="1h")) == 0
    with pytest.raises(InvalidLogError, match="at=2026-01-31 is before all events; the log runs"):
        log.samples(at="2026-01-31")
    with pytest.raises(InvalidLogError, match="No user can be sampled with every='1D'"):
        log.samples(every="1D")
    with pytest.raises(InvalidLogError, match="the longest has 0"):
        log.prefixes(n_events=1)


def test_an_empty_log_takes_its_zone_from_the_moment_it_is_known_until():
    empty = pd.DataFrame(columns=["who", "when"])
    log = EventLog(empty, **TWO, until="2026-02-01T01:00+01:00")
    assert log.until == pd.Timestamp("2026-02-01T00:00Z")
    samples = pd.DataFrame({"who": ["a"], "cutoff": pd.to_datetime(["2026-01-31T00:00Z"])})
    assert log.histories(samples)["when"].tolist() == [[]]


def test_samples_may_repeat_and_come_in_any_order():
    log = make_log([2, 1, 1], [1, 2, 3], ["a", "b", "c"])
    histories = log.histories(make_samples((2, 9), (1, 2), (2, 9), (1, 9)))
    assert histories["what"].to_pylist() == [["a"], ["b"], ["a"], ["b", "c"]]


def test_samples_keep_their_columns_and_library(frame_lib):
    log = EventLog(pd.DataFrame(SHOP), **SHOP_ROLES)
    columns = {
        "country": ["DE", None],
        "cutoff": [at(4), at(90)],
        "who": ["bob", "ann"],
        "scores": [[1.0], []],
    }
    samples = frame_lib.make(columns)
    histories = log.histories(samples)
    assert type(histories) is type(samples)
    expected = [
        {name: columns[name][i] for name in columns} | shop_history(who, minute)
        for i, (who, minute) in enumerate([("bob", 4), ("ann", 90)])
    ]
    assert frame_lib.to_pylist(histories) == expected


@pytest.mark.parametrize(
    "index",
    [
        [5, 3],
        [7, 7],
        pd.Index(["x", "y"], name="key"),
        pd.MultiIndex.from_tuples([(1, 2), (1, 3)]),
    ],
)
def test_the_index_of_samples_is_kept(index):
    samples = pd.DataFrame({"who": ["bob", "ann"], "cutoff": [at(4), at(90)]}, index=index)
    histories = EventLog(pa.table(SHOP), **SHOP_ROLES).histories(samples)
    assert histories.index.equals(samples.index) and histories.index.names == samples.index.names
    assert histories["when"].tolist() == [
        shop_history("bob", 4)["when"],
        shop_history("ann", 90)["when"],
    ]


def test_no_samples_give_no_rows(frame_lib):
    log = EventLog(frame_lib.make(SHOP), **SHOP_ROLES)
    samples = frame_lib.make(
        {"who": pa.array([], pa.string()), "cutoff": pa.array([], pa.timestamp("us"))}
    )
    histories = log.histories(samples)
    assert type(histories) is type(samples)
    assert frame_lib.to_pylist(histories) == []
    assert log.label_behavior(samples, horizon="1h").tolist() == []
    assert len(log.histories(pd.DataFrame({"who": [], "cutoff": []}))) == 0


@pytest.mark.parametrize("cutoffs", [["2026-01-01 00:05"], [1767225900], [dt.date(2026, 1, 2)]])
def test_cutoffs_are_read_as_times_are(cutoffs):
    log = make_log([1, 1], [5, 3000])
    assert log.histories(pd.DataFrame({"who": 1, "cutoff": cutoffs}))["when"].tolist() == [[at(5)]]


@pytest.mark.parametrize("kind", ["Int64", "float64", "int8", "uint64", "category"])
def test_numeric_ids_of_another_type_are_the_same_users(kind):
    log = make_log([1, 2], [5, 6])
    samples = pd.DataFrame({"who": [2, 1, 3], "cutoff": [at(9)] * 3}).astype({"who": kind})
    assert log.histories(samples)["when"].tolist() == [[at(6)], [at(5)], []]


@pytest.mark.parametrize("who", [["a", "b"], [True, False], [START, START]])
def test_ids_of_another_kind_are_refused(who):
    log = make_log([1, 2], [5, 6])
    with pytest.raises(
        InvalidLogError, match=r"Column 'who' of the samples does not match .* integer values"
    ):
        log.histories(pd.DataFrame({"who": who, "cutoff": [at(9)] * 2}))
    strings = make_log(["a", "b"], [5, 6])
    with pytest.raises(InvalidLogError, match="integer values cannot be found among string"):
        strings.label_behavior(make_samples((1, 9)), horizon="1D")


ZONED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ({"who": [1]}, "The samples have no column 'cutoff'; they have 'who'"),
        ({"cutoff": [START]}, "The samples have no column 'who'"),
        ({"who": [1, None], "cutoff": [START] * 2}, "Row 1 of the samples has no 'who'"),
        ({"who": [1, 1], "cutoff": [START, None]}, "Row 1 of the samples has no 'cutoff'"),
        (
            {"who": [1], "cutoff": ["soon"]},
            "Column 'cutoff' holds 'soon' in row 0, which is not a time",
        ),
        (
            {"who": [1], "cutoff": [ZONED]},
            "times of 'cutoff' have a time zone and those of 'when'",
        ),
        (
            {"who": [1], "cutoff": [START], "what": [1]},
            "Both the samples and the log have .* 'what'",
        ),
    ],
)
def test_samples_that_are_not_fit_are_refused(samples, message):
    log = make_log([1, 2], [5, 6], ["a", "b"])
    with pytest.raises(InvalidLogError, match=message):
        log.histories(pd.DataFrame(samples))


@pytest.mark.parametrize("samples", [[[1, START]], pd.Series([1]), None])
def test_samples_that_are_no_table_are_refused(samples):
    with pytest.raises(TypeError, match="Expected a pandas, polars or pyarrow table; got"):
        make_log([1], [5]).histories(samples)


@pytest.mark.parametrize("max_events", [0, -1, 2.5, True, "3"])
def test_max_events_is_a_whole_number(max_events):
    with pytest.raises(ValueError, match="max_events must be a whole number of at least 1"):
        make_log([1], [5]).histories(make_samples((1, 5)), max_events=max_events)


@pytest.mark.parametrize("role", ["user", "product"])
@pytest.mark.parametrize(
    ("ids", "kind"), [([2**53, None], "f8"), ([2**60, 1], "f8"), ([2**24, 1], "f4")]
)
def test_ids_that_floats_have_rounded_are_refused(role, ids, kind):
    events = pd.DataFrame(
        {"a": np.array(ids, dtype=kind), "b": ["x", "y"], "when": [at(1), at(2)]}
    )
    roles = {"user": "b", "time": "when"} | {role: "a"}
    with pytest.raises(InvalidLogError, match=r"of column 'a' holds .* an id as a float"):
        EventLog(events, **roles)
    events["a"] = np.array([2.0**22, np.nan], dtype=kind)
    assert len(EventLog(events, **roles).clean()) in (1, 2)
