"""Times of a log in every form that users write, and durations and moments beside them."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq._time import (
    convert_ticks,
    format_instant,
    parse_iso,
    shift_ticks,
    to_instant,
    to_timedelta,
)
from skbseq.exceptions import InvalidLogError

NOON = dt.datetime(2026, 3, 1, 12)
NOON_SECONDS = 1_772_366_400
EPOCH = dt.datetime(1970, 1, 1)
LAST_TICK = 2**63 - 1


def make_log(when, **options):
    """A log of one user with these times."""
    if isinstance(when, pa.Array):
        events = pa.table({"who": pa.array([1] * len(when)), "when": when})
    else:
        events = pd.DataFrame({"who": 1, "when": when})
    return EventLog(events, user="who", time="when", **options)


def moments(log):
    """The times that a log gives out up to the year 2200, as an Arrow array."""
    log = log.clean()
    histories = log.histories(log.samples(at="2200-01-01"))
    if not isinstance(histories, pa.Table):
        histories = pa.Table.from_pandas(histories, preserve_index=False)
    return histories["when"].combine_chunks().flatten()


def ticks(log):
    return moments(log).cast(pa.int64()).to_pylist()


# ------------------------------------------------------------------ datetimes


def test_naive_datetimes_stay_naive(frame_lib):
    events = frame_lib.make({"who": [1, 1], "when": [NOON, NOON - dt.timedelta(days=1)]})
    log = EventLog(events, user="who", time="when")
    assert "when (datetimes)" in repr(log)
    samples = log.samples(at=NOON)
    assert frame_lib.to_pylist(samples) == [{"who": 1, "cutoff": NOON}]
    rows = frame_lib.to_pylist(log.histories(samples))
    assert rows[0]["when"] == [NOON - dt.timedelta(days=1), NOON]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Asia/Kathmandu"])
def test_zoned_datetimes_keep_their_zone(frame_lib, zone):
    when = pa.array([NOON, NOON + dt.timedelta(hours=1)], pa.timestamp("us", tz=zone))
    log = EventLog(frame_lib.make({"who": [1, 1], "when": when}), user="who", time="when")
    assert f"when (datetimes, {zone})" in repr(log)
    # A cutoff without a zone is read in that of the log.
    local = NOON.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))
    for moment in (local, local.replace(tzinfo=None), local.replace(tzinfo=None).isoformat()):
        samples = log.samples(at=moment)
        row = frame_lib.to_pylist(log.histories(samples))[0]
        assert (row["cutoff"], row["when"]) == (local, [local])
        assert row["cutoff"].utcoffset() == row["when"][0].utcoffset() == local.utcoffset()


def test_fixed_offsets_are_zones():
    when = pa.array([NOON], pa.timestamp("us", tz="+05:30"))
    log = make_log(when)
    assert "2026-03-01 17:30:00" in repr(log)
    assert moments(log).type.tz == "+05:30"
    assert log.samples(at="2026-03-01 17:30")["cutoff"].to_pylist()[0] == NOON.replace(
        tzinfo=dt.UTC
    )


def test_both_passes_of_an_hour_are_told_apart():
    # On 2026-10-25 Berlin's clocks went from 03:00 back to 02:00.
    zone = ZoneInfo("Europe/Berlin")
    first = dt.datetime(2026, 10, 25, 2, 30, tzinfo=zone)
    second = first.replace(fold=1)
    log = make_log(pd.Series([second, first]).astype("datetime64[us, Europe/Berlin]"))
    found = moments(log)
    assert np.diff(found.cast(pa.int64()).to_numpy()).tolist() == [3600 * 10**6]
    samples = pd.DataFrame({"who": 1, "cutoff": pd.to_datetime([first, second])})
    assert [len(h) for h in log.histories(samples)["when"]] == [1, 2]
    assert len(log.histories(log.samples(at=dt.datetime(2026, 10, 25, 2, 30)))["when"][0]) == 1


def test_a_week_across_the_change_of_clocks_has_168_hours():
    before = dt.datetime(2026, 3, 26, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    after = dt.datetime(2026, 4, 2, 13, tzinfo=ZoneInfo("Europe/Berlin"))  # 168 hours later
    when = pd.Series([before, after]).astype("datetime64[us, Europe/Berlin]")
    log = make_log(when)
    assert log.label_behavior(log.samples(at=before), horizon="7D").tolist() == [True]
    assert log.label_behavior(log.samples(at=before), horizon="167h").tolist() == [False]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_of_datetimes(unit):
    log = make_log(pa.array([NOON], pa.timestamp(unit)))
    assert ticks(log) == [NOON_SECONDS * (10**9 if unit == "ns" else 10**6)]
    frame = pd.DataFrame({"who": [1], "when": np.array([NOON], f"datetime64[{unit}]")})
    assert ticks(EventLog(frame, user="who", time="when")) == ticks(log)


def test_nanoseconds_are_kept():
    odd = NOON_SECONDS * 10**9 + 1
    for when in (
        pa.array([odd, odd + 1], pa.timestamp("ns")),
        pa.array([odd, odd + 1], pa.timestamp("ns", tz="UTC")),
        pd.to_datetime([odd, odd + 1]),
        ["2026-03-01 12:00:00.000000001", "2026-03-01T12:00:00.000000002"],
        ["2026-03-01 12:00:00.000000001Z", "2026-03-01T14:00:00.000000002+02:00"],
        [" 2026-03-01 12:00:00.000000001", "2026-03-01T12:00:00.000000002"],
    ):
        assert ticks(make_log(when)) == [odd, odd + 1]


def test_a_cutoff_may_lie_between_nanoseconds():
    odd = NOON_SECONDS * 10**9
    log = make_log(pa.array([odd + 1, odd + 3], pa.timestamp("ns")))
    for moment in (
        "2026-03-01 12:00:00.000000002",
        pd.Timestamp(odd + 2),
        np.datetime64(odd + 2, "ns"),
    ):
        samples = log.samples(at=moment)
        assert samples["cutoff"].cast(pa.int64()).to_pylist() == [odd + 2]
        assert [len(h) for h in log.histories(samples)["when"]] == [1]


def test_a_log_of_microseconds_takes_cutoffs_of_nanoseconds():
    log = make_log(pa.array([NOON, NOON + dt.timedelta(microseconds=1)]))
    cutoffs = pa.array([NOON_SECONDS * 10**9 + 999, -(10**18)], pa.timestamp("ns"))
    histories = log.histories(pa.table({"who": [1, 1], "cutoff": cutoffs}))
    assert [len(h) for h in histories["when"]] == [1, 0]


def test_a_log_of_nanoseconds_takes_cutoffs_beyond_their_reach():
    log = make_log(pa.array([NOON], pa.timestamp("ns")))
    cutoffs = [dt.datetime(3000, 1, 1), dt.datetime(1500, 1, 1)]
    histories = log.histories(pa.table({"who": [1, 1], "cutoff": cutoffs}))
    assert [len(h) for h in histories["when"]] == [1, 0]
    with pytest.raises(ValueError, match=r"at='3000-01-01' is out of range.* 1677 to 2262"):
        log.samples(at="3000-01-01")


def test_dates_are_the_first_moment_of_the_day():
    for when in (
        [dt.date(2026, 3, 1)],
        pa.array([dt.date(2026, 3, 1)], pa.date32()),
        pa.array([dt.date(2026, 3, 1)], pa.date64()),
        ["2026-03-01"],
        ["20260301"],
    ):
        assert moments(make_log(when)).to_pylist() == [dt.datetime(2026, 3, 1)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            [NOON, None, NOON.replace(tzinfo=dt.UTC)],
            "Column 'when' mixes .* row 2 .* with a time zone, where those before it are a "
            "datetime without",
        ),
        ([NOON.replace(tzinfo=dt.UTC), NOON], "Column 'when' mixes .* row 1 .* without a time z"),
        ([dt.date(2026, 3, 1), NOON], "Column 'when' mixes .* row 1 holds .* a datetime"),
        ([NOON, dt.date(2026, 3, 1)], "Column 'when' mixes .* row 1 holds datetime.date"),
        ([NOON, "2026-03-01"], "Column 'when' mixes .* row 1 holds '2026-03-01' of type str"),
    ],
)
def test_objects_of_mixed_times_are_refused(values, message):
    with pytest.raises(InvalidLogError, match=message):
        make_log(pd.Series(values, dtype=object))


def test_objects_of_one_kind_of_time_are_read():
    zones = [dt.UTC, dt.timezone(dt.timedelta(hours=2)), ZoneInfo("Asia/Tokyo")]
    aware = [NOON.replace(tzinfo=dt.UTC).astimezone(zone) for zone in zones]
    log = make_log(pd.Series([*aware, None], dtype=object)).clean()
    assert log.report.dropped == {"missing who": 0, "missing when": 1, "exact duplicate": 2}


def test_missing_datetimes_wait_to_be_counted():
    log = make_log(pd.to_datetime(["2026-03-01", None, "2026-03-02"]))
    assert len(log) == 3 and "1 missing when: call clean()" in repr(log)
    assert log.clean().report.dropped["missing when"] == 1


def test_datetimes_beyond_reach_are_refused():
    with pytest.raises(InvalidLogError, match=r"Column 'when' cannot be read as times: .*bounds"):
        make_log(pa.array([2**62], pa.timestamp("s")))


# ------------------------------------------------------------------ strings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01 12:00", NOON),
        ("2026-03-01T12:00:00", NOON),
        ("2026-03-01 12:00:00.000", NOON),
        ("2026-03-01T12:00:00,000", NOON),
        ("20260301T120000", NOON),
        ("2026-W09-7T12:00", NOON),
        (" 2026-03-01T12:00:00 ", NOON),
        ("2026-03-01T12:00:00Z", NOON.replace(tzinfo=dt.UTC)),
        ("2026-03-01T14:00:00+02:00", NOON.replace(tzinfo=dt.UTC)),
        ("2026-03-01T17:30:00+0530", NOON.replace(tzinfo=dt.UTC)),
        ("2026-03-01 10:00-02", NOON.replace(tzinfo=dt.UTC)),
        ("1969-07-20 20:17:39.5", dt.datetime(1969, 7, 20, 20, 17, 39, 500_000)),
        ("1899-12-30", dt.datetime(1899, 12, 30)),
    ],
)
def test_strings_are_iso_8601(text, expected):
    for when in ([text, None], pa.array([text, None]).dictionary_encode()):
        log = make_log(when)
        assert moments(log).to_pylist() == [expected]
        assert "ISO 8601 strings" in repr(log)


def test_strings_come_in_every_library(frame_lib):
    events = frame_lib.make({"who": [1, 1], "when": ["2026-03-02", "2026-03-01T12:00:00"]})
    log = EventLog(events, user="who", time="when")
    row = frame_lib.to_pylist(log.histories(log.samples(at="2027-01-01")))[0]
    assert row["when"] == [NOON, dt.datetime(2026, 3, 2)]


def test_strings_of_mixed_offsets_are_one_clock():
    when = ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00+02:00", "2026-03-01T12:00:00-02:00"]
    log = make_log(when)
    assert [m.hour for m in moments(log).to_pylist()] == [10, 12, 14]
    assert "ISO 8601 strings, UTC" in repr(log)
    # One string that Arrow does not read sends all of them another way.
    slow = make_log([*when, "20260301T120000Z"])
    assert [m.hour for m in moments(slow).to_pylist()] == [10, 12, 12, 14]


@pytest.mark.parametrize(
    ("when", "row", "found", "kept"),
    [
        (["2026-03-01", "yesterday"], 1, "'yesterday', which is not a time in a known form", 2),
        (
            ["2026-03-01", None, "01/02/2026"],
            2,
            "'01/02/2026', which may be day first or month first",
            2,
        ),
        (["2026-03-01", ""], 1, "'', which is not a time", 2),
        (["2026-02-30"], 0, "'2026-02-30', which is not a time", 1),
        # Python takes any character for the one before the time of day.
        (["2026-03-01-05:00"], 0, "'2026-03-01-05:00', which is not a time", 1),
        (["2026-03-01", "2026-03-02/03"], 1, "'2026-03-02/03', which is not a time", 2),
        # Python reads these digits as 23:45 on 1612-06-07.
        (["1612060712345"] * 2, 0, "'1612060712345', which is not a time", 1),
        ([None, "2026-03-01", "x", "2026-03-01T12:00Z"], 2, "'x', which is not a time", 2),
        (["2026-03-01", "2026-03-01T12:00Z"], 1, "with a time zone unlike the times before", 2),
        (["2026-03-01T12:00Z", "2026-03-01"], 1, "without a time zone unlike the times bef", 1),
    ],
)
def test_strings_that_are_no_times_are_refused_or_missing(when, row, found, kept):
    when = [*when, "2026-03-05"]
    for choice in ("raise", "keep"):
        with pytest.raises(InvalidLogError, match=f"Row {row} of column 'when' holds .*{found}"):
            make_log(when, invalid_times=choice)
    log = make_log(when, invalid_times="null").clean()
    assert (len(log), log.report.dropped["missing when"]) == (kept, len(when) - kept)


def test_no_readable_string_at_all():
    message = "Column 'when' holds 'x' in row 0, which is not a time .* Pass time_format, such"
    with pytest.raises(InvalidLogError, match=message):
        make_log(["x", "y"], invalid_times="null")


# ------------------------------------------------------------------ epoch numbers

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


DTYPES = ["int64", "float64", "uint64", "Int64", "Float64"]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("unit", "dtype"),
    [("s", "int32"), *((unit, dtype) for unit in PER_SECOND for dtype in DTYPES)],
)
def test_epoch_numbers_of_every_unit_and_type(unit, dtype, told):
    values = [(NOON_SECONDS + i) * PER_SECOND[unit] for i in range(3)]
    log = make_log(pd.array(values, dtype), time_unit=unit if told else None)
    how = "as specified" if told else "recognised from their size"
    assert f"when (epoch {NAMES[unit]}, {how})" in repr(log)
    per_second = 10**9 if unit == "ns" else 10**6
    assert ticks(log) == [(NOON_SECONDS + i) * per_second for i in range(3)]


def test_epoch_numbers_come_in_every_library(frame_lib):
    events = frame_lib.make({"who": [1, 1, 1], "when": [NOON_SECONDS, None, NOON_SECONDS - 1]})
    log = EventLog(events, user="who", time="when").clean()
    assert log.report.dropped["missing when"] == 1
    row = frame_lib.to_pylist(log.histories(log.samples(at=NOON)))[0]
    assert row["when"] == [NOON - dt.timedelta(seconds=1), NOON]


@pytest.mark.parametrize("dtype", ["Int64", "float64", "Float64", "category"])
def test_missing_epoch_numbers_wait_to_be_counted(dtype):
    when = pd.Series([NOON_SECONDS, None, NOON_SECONDS + 1]).astype(dtype)
    log = make_log(when)
    assert log.clean().report.dropped["missing when"] == 1
    assert moments(log).to_pylist() == [NOON, NOON + dt.timedelta(seconds=1)]


def test_whole_nanoseconds_do_not_pass_through_floats():
    odd = NOON_SECONDS * 10**9 + 1  # needs 61 bits, a float has 53
    assert ticks(make_log(pd.array([odd, odd + 1, None], "Int64"))) == [odd, odd + 1]
    assert ticks(make_log(pd.Categorical([odd, odd + 1]))) == [odd, odd + 1]
    log = make_log(pd.array([odd, LAST_TICK], "Int64"), time_unit="ns", invalid_times="null")
    assert ticks(log) == [odd]


def test_fractions_of_a_second_are_kept():
    log = make_log([NOON_SECONDS + 0.25, NOON_SECONDS + 0.123456])
    assert ticks(log) == [NOON_SECONDS * 10**6 + 123_456, NOON_SECONDS * 10**6 + 250_000]


def test_times_before_1970():
    days = [dt.datetime(1969, 7, 20), dt.datetime(1950, 1, 1), dt.datetime(1969, 12, 31)]
    ordered = sorted(days)
    assert moments(make_log(days)).to_pylist() == ordered
    assert moments(make_log([day.isoformat() for day in days])).to_pylist() == ordered
    seconds = [(day - EPOCH).total_seconds() for day in days]
    assert moments(make_log(seconds, time_unit="s")).to_pylist() == ordered
    log = make_log(days)
    assert log.samples(at="1960-01-01")["cutoff"].tolist() == [dt.datetime(1960, 1, 1)]
    with pytest.raises(InvalidLogError, match=r"Cannot recognise the unit .* column 'when'"):
        make_log([int(second) for second in seconds])


def test_small_numbers_need_a_unit_and_a_word():
    with pytest.raises(
        InvalidLogError, match=r"column 'when': their median is 2, which is not be"
    ):
        make_log([1, 2, 3])
    with pytest.raises(
        InvalidLogError, match=r"Row 0 of column 'when' holds 1, .* wrong or mixed"
    ):
        make_log([1, 2, 3], time_unit="s")
    log = make_log([1, 2, 3], time_unit="s", invalid_times="keep")
    assert moments(log).to_pylist() == [EPOCH + dt.timedelta(seconds=i) for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("when", "unit", "row", "reading"),
    [
        # One row in seconds among milliseconds, and the other way round.
        ([NOON_SECONDS * 1000] * 3 + [NOON_SECONDS], None, 3, "1970-01-21 12:19:26"),
        ([NOON_SECONDS, NOON_SECONDS * 1000, NOON_SECONDS], None, 1, "the year 58,134"),
        ([NOON_SECONDS] * 3, "ms", 0, "1970-01-21"),
        ([NOON_SECONDS * 1000] * 3, "s", 0, "the year 58,134"),
        ([float(NOON_SECONDS), 0.0, np.nan], None, 1, "1970-01-01"),
        ([NOON, EPOCH, NOON], None, 1, "1970-01-01"),
        (["2026-03-01", "1970-01-01 00:00:01", "2026-03-02"], None, 1, "1970-01-01 00:00:01"),
        (["2026-03-01", "9999-12-31", "2026-03-02"], None, 1, "9999-12-31"),
        (pa.array([NOON_SECONDS, NOON_SECONDS * 1000], pa.timestamp("s")), None, 1, "year 58,134"),
    ],
)
def test_times_that_only_a_wrong_unit_explains(when, unit, row, reading):
    message = f"Row {row} of column 'when' holds .*{reading}.*: a sign of a wrong or mixed unit"
    with pytest.raises(InvalidLogError, match=message):
        make_log(when, time_unit=unit)
    kept = make_log(when, time_unit=unit, invalid_times="keep")
    missing = sum(pd.isna(value) for value in np.asarray(when))
    assert (
        len(kept.clean()) + kept.clean().report.dropped["exact duplicate"] == len(when) - missing
    )
    assert "1970" in repr(kept) or "the year" in repr(kept) or "9999" in repr(kept)


def test_strange_times_can_be_missing():
    when = [NOON_SECONDS, NOON_SECONDS * 1000, NOON_SECONDS + 1, 0]
    log = make_log(when, invalid_times="null")
    assert "2 missing when" in repr(log)
    clean = log.clean()
    assert clean.report.dropped["missing when"] == 2 and len(clean) == 2
    assert moments(log).to_pylist() == [NOON, NOON + dt.timedelta(seconds=1)]


def test_a_log_that_ends_far_away_can_be_kept():
    when = [NOON_SECONDS, NOON_SECONDS * 1000]
    log = make_log(when, invalid_times="keep", time_unit="s")
    assert repr(log).splitlines()[0].endswith("2026-03-01 12:00:00 to the year 58,134")
    with pytest.raises(InvalidLogError, match="the log runs from 2026-03-01 12:00:00 to the year"):
        log.samples(at="2025-01-01")
    assert log.label_behavior(log.samples(at=NOON), horizon="1D").tolist() == [False]


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ([NOON_SECONDS, np.inf], "inf"),
        ([NOON_SECONDS, -np.inf], "-inf"),
        ([NOON_SECONDS, 1e300], "1e.300"),
        ([NOON_SECONDS, -(2**63)], "-9223372036854775808"),
        (np.array([NOON_SECONDS, 2**64 - 1], np.uint64), "18446744073709551615"),
    ],
)
def test_numbers_beyond_any_year(when, found):
    message = f"Row 1 of column 'when' holds {found}, which is beyond any year .epoch seconds"
    for choice in ("raise", "keep"):
        with pytest.raises(InvalidLogError, match=message):
            make_log(when, time_unit="s", invalid_times=choice)
    assert moments(make_log(when, time_unit="s", invalid_times="null")).to_pylist() == [NOON]


@pytest.mark.parametrize("when", [[NOON], ["2026-03-01"], [dt.date(2026, 3, 1)]])
def test_a_unit_told_of_datetimes_is_refused(when):
    with pytest.raises(InvalidLogError, match="time_unit='ms' was given but column 'when' holds"):
        make_log(when, time_unit="ms")


# ------------------------------------------------------------------ durations


@pytest.mark.parametrize(
    ("value", "microseconds"),
    [
        ("7us", 7),
        ("7ms", 7_000),
        ("7s", 7_000_000),
        ("1.5min", 90_000_000),
        ("7h", 7 * 3600 * 10**6),
        ("7D", 7 * 86_400 * 10**6),
        (" 7 d ", 7 * 86_400 * 10**6),
        ("2W", 14 * 86_400 * 10**6),
        ("30MIN", 1800 * 10**6),
        (dt.timedelta(days=1, microseconds=1), 86_400 * 10**6 + 1),
        (pd.Timedelta("1h"), 3600 * 10**6),
        (np.timedelta64(3, "D"), 3 * 86_400 * 10**6),
        (np.timedelta64(3, "m"), 180 * 10**6),
        (np.timedelta64(2500, "ns"), 2),
        (np.timedelta64(5, "25s"), 125 * 10**6),
    ],
)
def test_durations_are_read(value, microseconds):
    found = to_timedelta(value)
    assert found.dtype == "timedelta64[us]"
    assert found.astype(int) == microseconds


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("0s", ValueError, "span must be longer than zero; got '0s'"),
        ("0.1us", ValueError, "span must be longer than zero"),
        ("-1D", ValueError, "span must be longer than zero; got '-1D'"),
        ("7", ValueError, "span='7' is not a duration. Write a number and a unit"),
        ("D", ValueError, "span='D' is not a duration"),
        ("1M", ValueError, "span='1M' is not a duration"),
        ("1D 3h", ValueError, "is not a duration"),
        ("9999999999D", ValueError, "span='9999999999D' is too long"),
        (dt.timedelta.max, ValueError, "is too long; the maximum is 292,000 years"),
        (np.timedelta64(10**15, "D"), ValueError, "is too long"),
        (dt.timedelta(0), ValueError, "span must be longer than zero"),
        (dt.timedelta(-1), ValueError, "span must be longer than zero"),
        (np.timedelta64("NaT", "s"), ValueError, "span must be longer than zero; got .*NaT"),
        (np.timedelta64(5), ValueError, "span=.* has no unit of fixed length"),
        (np.timedelta64(1, "M"), ValueError, "span=.* has no unit of fixed length"),
        (np.timedelta64(1, "Y"), ValueError, "span=.* has no unit of fixed length"),
        (7, TypeError, "span must be a string such as '90D' or a timedelta; got 7. A bare num"),
        (7.5, TypeError, "got 7.5"),
        (None, TypeError, "got None"),
        (pd.NaT, TypeError, "got NaT"),
    ],
)
def test_what_is_no_duration_is_refused(value, error, message):
    with pytest.raises(error, match=message):
        to_timedelta(value, name="span")


@given(ticks=st.integers(-(2**63) + 1, LAST_TICK), span=st.integers(-LAST_TICK, LAST_TICK))
def test_moved_moments_stop_at_the_end_of_time(ticks, span):
    found = shift_ticks(np.array([ticks]), span)
    assert found.dtype == np.int64
    assert found[0] == np.clip(ticks + span, -LAST_TICK, LAST_TICK)


def test_units_of_ticks_are_converted():
    assert convert_ticks(np.array([5, -1]), source="us", target="ns").tolist() == [5000, -1000]
    # What is cut off lies later, also before 1970: no event moves past a cutoff.
    assert convert_ticks(np.array([5999, -1]), source="ns", target="us").tolist() == [5, -1]
    far = convert_ticks(np.array([10**18, -(10**18)]), source="us", target="ns")
    assert far.tolist() == [LAST_TICK // 1000 * 1000, -(LAST_TICK // 1000) * 1000]


# ------------------------------------------------------------------ moments


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01-05:00",
        "2026-01-01+05:00",
        "2026-01-01/02",
        "2026-02-02x0530",
        "2026-01-01_05:00",
        "2026-01-01\t05:00",
        "20260101-05:00",
        "20260101105",
        "2026-W01-105:00",
        "2026W01105",
    ],
)
def test_date_and_time_are_parted_by_t_or_a_blank(text):
    assert parse_iso(text) is None
    assert len(make_log([text, "2026-01-01"], invalid_times="null").clean()) == 1


@pytest.mark.parametrize("text", ["2026-01-01", "20260101", "2026-W01-4", "2026W014"])
@pytest.mark.parametrize("time", ["", "T05:00", "t05", " 0530", " 05:30:00.25", "T05:00-05:00"])
def test_dates_come_with_and_without_a_time(text, time):
    assert parse_iso(f" {text}{time}\n") == dt.datetime.fromisoformat(f"2026-01-01{time}")


@pytest.mark.parametrize("value", ["x", "", "2026-02-30", 5, None, pd.NaT, np.datetime64("NaT")])
def test_what_is_no_moment_is_refused(value):
    with pytest.raises(ValueError, match=r"until=.* is not a moment. Write it in ISO 8601"):
        to_instant(value, unit="us", zone=None, name="until")


def test_moments_beyond_the_calendar_are_refused():
    with pytest.raises(ValueError, match="is not a moment"):
        to_instant(np.datetime64("20000-01-01"), unit="us", zone=None)


def test_moments_are_read_in_the_zone_of_the_log():
    assert to_instant("2026-03-01 14:00+02:00", unit="us", zone="UTC") == NOON_SECONDS * 10**6
    assert to_instant("2026-03-01 13:00", unit="us", zone="Europe/Berlin") == NOON_SECONDS * 10**6
    assert to_instant("2026-03-01 14:00", unit="us", zone="+02:00") == NOON_SECONDS * 10**6


@given(moment=st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)))
def test_a_moment_is_the_same_in_all_its_forms(moment):
    exact = (moment - EPOCH) // dt.timedelta(microseconds=1)
    for value in (moment, moment.isoformat(), np.datetime64(moment), pd.Timestamp(moment)):
        assert to_instant(value, unit="us", zone=None) == exact
        assert to_instant(value, unit="ns", zone=None) == exact * 1000
    assert parse_iso(moment.isoformat()) == moment
    written = format_instant(exact, unit="us")
    assert moment.isoformat(sep=" ", timespec="seconds").startswith(written)
    assert format_instant(exact * 1000, unit="ns") == written


def test_moments_are_written_in_the_zone_of_the_log():
    assert format_instant(NOON_SECONDS * 10**6, unit="us", zone="Asia/Tokyo") == (
        "2026-03-01 21:00:00+09:00"
    )
    assert format_instant(0, unit="ns") == "1970-01-01"
    assert format_instant(LAST_TICK, unit="us", zone="UTC") == "the year 294,247"
    assert format_instant(-LAST_TICK, unit="us") == "the year -290,307"
