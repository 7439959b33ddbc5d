"""Times as text: forms with one reading, forms with two, and formats that users give."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from skbseq import EventLog, SequenceEncoder, _frames
from skbseq._time import parse_moment, to_instant
from skbseq._time_forms import check_time_format, find_layout, format_of, layout_by_format
from skbseq.exceptions import InvalidLogError, SequenceFrameError

DAY = dt.datetime(2011, 2, 18)
MINUTE = dt.datetime(2011, 2, 18, 14, 54)
SECOND = dt.datetime(2011, 2, 18, 14, 54, 3)
MILLI = dt.datetime(2011, 2, 18, 14, 54, 3, 123_000)
UTC = SECOND.replace(tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)

FORMS = {
    "2019-10-01 00:13:38 UTC": dt.datetime(2019, 10, 1, 0, 13, 38, tzinfo=dt.UTC),
    "2011/02/18": DAY,
    "2011/2/18 14:54": MINUTE,
    "2011-2-8": dt.datetime(2011, 2, 8),
    "2011-2-8 4:05": dt.datetime(2011, 2, 8, 4, 5),
    "2011.02.18": DAY,
    "2011_02_18": DAY,
    "2011. 2. 18. 오후 2:54": MINUTE,
    "2011年2月18日": DAY,
    "2011年2月18日 14:54": MINUTE,
    "2011年02月18日14時54分03秒": SECOND,
    "2011年2月18日 下午2时54分": MINUTE,
    "2011年2月18日 上午2:54": dt.datetime(2011, 2, 18, 2, 54),
    "2011年2月18日星期五 14:54": MINUTE,
    "2011年2月18日(金) 午後2時54分": MINUTE,
    "２０１１年２月１８日　１４：５４": MINUTE,
    "2011-02-18 2:54 PM": MINUTE,
    "2011-02-18 02:54:03 pm": SECOND,
    "2011-02-18 2:54\u202fp.m.": MINUTE,
    "2011-02-18 12:00 AM": DAY,
    "2011-02-18 12:00 PM": DAY + 12 * HOUR,
    "2011-02-18 2PM": DAY + 14 * HOUR,
    "20110218": DAY,
    "201102181454": MINUTE,
    "20110218145403": SECOND,
    "20110218145403123": MILLI,
    "20110218_145403": SECOND,
    "20110218T145403Z": UTC,
    "2011-02-18T14:54:03,123": MILLI,
    "2011-02-18 14:54:03:123": MILLI,
    "2011-02-18-14.54.03.123000": MILLI,
    "2011-02-18 14:54:03 GMT": UTC,
    "2011-02-18 15:54:03 +0100": UTC,
    "2011-02-18 15:54:03 +01:00": UTC,
    "2011-02-18 15:54:03 +0100 CET": UTC,
    "2011-02-18 22:54:03 UTC+8": UTC,
    "2011-02-18T15:54:03+01:00[Europe/Berlin]": UTC,
    "2011-02-18 24:00": DAY + 24 * HOUR,
    "2011-W07-5": DAY,
    "18 Feb 2011": DAY,
    "18-Feb-2011": DAY,
    "18.feb.2011 14.54": MINUTE,
    "18th of February 2011": DAY,
    "2011-Feb-18": DAY,
    "Feb 18, 2011 2:54 PM": MINUTE,
    "Sept 8 2011": dt.datetime(2011, 9, 8),
    "Friday, February 18, 2011 at 2:54 PM": MINUTE,
    "Fri, 18 Feb 2011 14:54:03 GMT": UTC,
    "Fri Feb 18 14:54:03 2011": SECOND,
    "Fri Feb  8 14:54:03 UTC 2011": UTC - 240 * HOUR,
    "Fri Feb 18 2011 15:54:03 GMT+0100 (Central European Standard Time)": UTC,
    "18/Feb/2011:14:54:03 +0000": UTC,
    "[18/Feb/2011:14:54:03 +0000]": UTC,
    "18FEB2011:14:54:03": SECOND,
    "18/02/2011": DAY,
    "2/18/2011 2:54 PM": MINUTE,
    "18.02.2011, 14:54": MINUTE,
    "02-18-2011": DAY,
    "14:54:03 18/02/2011": SECOND,
    "2:54 PM Feb 18, 2011": MINUTE,
}
UNREADABLE = [
    "yesterday",
    "2011-02-30",
    "2011/13/01",
    "0000-00-00 00:00:00",
    "2011-02/18",
    "2011-02-18 25:00",
    "2011-02-18 14:60",
    "2011-02-18 14:54 PM",
    "32 Feb 2011",
    "18 Fvb 2011",
    "1297955640",
    "1612060712345",
    "2011-02-18-05:00",
    "14:54",
    "2011-02",
    "2011-02-18 14:54 EST",
    "2011-02-18 14:54 Europe/Berlin",
    "31/31/2011",
]


def make_log(when, **options):
    events = pa.table({"who": pa.array([1] * len(when)), "when": pa.array(when)})
    return EventLog(events, user="who", time="when", **options)


def times(log):
    return log.to_frame()["when"].to_pylist()


def refused(when, **options):
    """The message of the error."""
    with pytest.raises(InvalidLogError) as error:
        make_log(when, **options)
    return str(error.value)


# ------------------------------------------------------------------ one reading


@pytest.mark.parametrize(("text", "moment"), FORMS.items(), ids=list(FORMS))
def test_forms_of_one_reading(text, moment):
    log = make_log([text, None, f" {text} "])
    assert times(log) == [moment, moment]
    assert log.clean().report.dropped["missing when"] == 1
    assert parse_moment(text) == moment
    ticks = (moment.replace(tzinfo=None) - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    zone = None if moment.tzinfo is None else "UTC"
    assert to_instant(text, unit="us", zone=zone) == ticks


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_time_is_refused_and_can_be_missing(text):
    assert parse_moment(text) is None
    rest = ["2011-02-18", "2011-02-19"]
    assert f"Row 1 of column 'when' holds {text!r}, wh" in refused(["2011-02-18", text, *rest])
    clean = make_log([*rest, text], invalid_times="null").clean()
    assert clean.report.dropped["missing when"] == 1
    # A column of which nothing can be read does not become missing.
    if text.isdigit():  # alone they are epoch numbers
        return
    for choice in ("raise", "null", "keep"):
        message = refused([None, text], invalid_times=choice)
        assert f"Column 'when' holds {text!r} in row 1" in message
        assert re.search("time_format|Correct the times|Write .*whole date", message)


@pytest.mark.parametrize("text", ["2011-02-18 14:54:03 UTC", "18/02/2011", "2011年2月18日"])
def test_logs_of_every_library_and_columns_of_frames(frame_lib, text):
    log = EventLog(frame_lib.make({"who": [1], "when": [text]}), user="who", time="when")
    row = frame_lib.to_pylist(log.histories(log.samples(at="2012-01-01")))[0]
    assert row["when"] == [FORMS.get(text, UTC)]
    moments = _frames.read_moments(pa.array([text, text]), "when")
    assert moments.to_pylist() == [FORMS.get(text, UTC)] * 2


def test_the_encoder_reads_the_same_forms():
    frames = [
        pa.table({"when": [[day, "2011-02-19"]], "cutoff": ["2011-02-20"]})
        for day in ("2011-02-18", "2011-2-18")
    ]
    encoder = SequenceEncoder(categorical=[], numeric=[], time=["when"]).fit(frames[0])
    assert encoder.transform(frames[1]).equals(encoder.transform(frames[0]))
    frame = pa.table({"when": [["01/02/2011", "03/04/2011"]], "cutoff": ["2011-12-20"]})
    message = r"'when' holds '01/02/2011' in row 0, which may be day first .*%d/%m/%Y"
    with pytest.raises(SequenceFrameError, match=message):
        encoder.transform(frame)


def test_iso_8601_may_still_vary_within_a_column():
    when = ["2011-02-18", "20110218", "2011-02-18T00:00", "2011-W07-5", "2011-2-18 0:00:00"]
    assert times(make_log(when)) == [DAY] * 5
    zoned = ["2011-02-18 14:54:03 UTC", "2011-02-18T15:54:03+01:00", "2011-02-18T14:54:03Z"]
    assert times(make_log(zoned)) == [UTC] * 3


def test_nanoseconds_of_other_forms_are_kept():
    ticks = make_log(["2011/02/18 14:54:03.123456789", "2011/02/19"])._index.times
    assert ticks[0] % 10**9 == 123_456_789
    # Nanoseconds of 64 bits end in 2262; microseconds remain.
    far = make_log(["2300/01/01 00:00:00.123456789"], invalid_times="keep")
    assert times(far) == [dt.datetime(2300, 1, 1, 0, 0, 0, 123_456)]


def test_numbers_that_are_dates(frame_lib):
    for when, moment in [
        ([20110218, 20110218], DAY),
        ([20110218.0, None], DAY),
        ([201102181454, 201102181454], MINUTE),
        ([20110218145403, None], SECOND),
    ]:
        events = frame_lib.make({"who": [1, 1], "when": when})
        log = EventLog(events, user="who", time="when")
        assert log.start == moment and "when (numbers as %Y%m%d" in repr(log)
    assert "Row 1 of column 'when' holds '20110231'" in refused([20110218, 20110231])
    assert "Cannot recognise the unit" in refused([20110218, 20111301])
    assert times(make_log([20111302], time_format="%Y%d%m")) == [dt.datetime(2011, 2, 13)]
    assert make_log([1297955640]).start == dt.datetime(2011, 2, 17, 15, 14)


MOMENTS = st.datetimes(dt.datetime(1901, 1, 1), dt.datetime(2150, 1, 1))
STRFTIME = [
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y.%m.%d %I:%M:%S %p",
    "%Y年%m月%d日 %H時%M分%S秒",
    "%Y%m%d%H%M%S",
    "%d %b %Y %H:%M:%S",
    "%A, %d %B %Y %I:%M %p",
    "%b %d, %Y, %H:%M",
    "%d/%b/%Y:%H:%M:%S +0000",
    "%a %b %d %H:%M:%S %Y",
    "%d-%b-%Y %H.%M.%S",
    "%Y-%m-%d",
]


@settings(max_examples=60, deadline=None)
@given(moments=st.lists(MOMENTS, min_size=1, max_size=8), form=st.sampled_from(STRFTIME))
def test_formatted_moments_come_back(moments, form):
    # Digits without a mark are read as dates from 1900 to 2099 only; they might be numbers.
    assume(form != "%Y%m%d%H%M%S" or all(moment.year < 2100 for moment in moments))
    texts = [moment.strftime(form) for moment in moments]
    expected = [dt.datetime.strptime(text, form).replace(tzinfo=None) for text in texts]
    for options in ({}, {"time_format": form}, {"time_format": "mixed"}):
        found = times(make_log(texts, invalid_times="keep", **options))
        assert sorted(m.replace(tzinfo=None) for m in found) == sorted(expected)


@settings(max_examples=60, deadline=None)
@given(
    moments=st.lists(MOMENTS, min_size=1, max_size=8),
    day_first=st.booleans(),
    pad=st.booleans(),
    sep=st.sampled_from("/-."),
)
@example([dt.datetime(2011, 1, 2), dt.datetime(2011, 2, 18)], False, True, "/")
def test_a_column_shows_the_order_of_day_and_month_or_is_refused(moments, day_first, pad, sep):
    form = sep.join(("%d", "%m", "%Y") if day_first else ("%m", "%d", "%Y"))
    texts = [moment.strftime(form) for moment in moments]
    if not pad:
        texts = [re.sub(r"\b0", "", text) for text in texts]
    days = sorted(moment.replace(hour=0, minute=0, second=0, microsecond=0) for moment in moments)
    read = {"invalid_times": "keep"}
    assert times(make_log(texts, time_format=form, **read)) == days
    one_reading = any(m.day > 12 for m in moments) or all(m.day == m.month for m in moments)
    if one_reading:
        assert times(make_log(texts, **read)) == days
    else:
        message = refused(texts, **read)
        assert f"time_format={form!r}" in message
        for advice in re.findall("time_format='(.*?)'", message):
            make_log(texts, time_format=advice, **read)


@pytest.mark.parametrize("text", FORMS)
def test_the_format_of_a_form_reads_it(text):
    from_text = make_log([text])
    normal = _frames._time_strings.normalize(text)
    form = format_of(
        normal, find_layout(normal), "mdy" if text.startswith(("2/", "02-")) else "dmy"
    )
    if form is not None:  # weeks have none
        assert times(make_log([text], time_format=form)) == times(from_text)
        assert form in repr(make_log([text], time_format=form))


# ------------------------------------------------------------------ several readings


def test_two_readings_are_named_with_formats_to_paste():
    when = ["01/02/2011", "03/04/2011"]
    message = refused(when)
    assert "holds '01/02/2011' in row 0, which may be day first or month first" in message
    assert "Pass time_format='%d/%m/%Y' or time_format='%m/%d/%Y'." in message
    assert times(make_log(when, time_format="%d/%m/%Y"))[0] == dt.datetime(2011, 2, 1)
    assert times(make_log(when, time_format="%m/%d/%Y"))[0] == dt.datetime(2011, 1, 2)
    assert refused(when, invalid_times="null") == message
    # The date alone is the format where some have a time of day.
    when = ["01/02/2011 14:54", "03/04/2011"]
    assert "time_format='%d/%m/%Y' or" in refused(when)
    assert times(make_log(when, time_format="%d/%m/%Y"))[0] == dt.datetime(2011, 2, 1, 14, 54)


def test_a_format_is_known_only_where_the_column_shows_it():
    assert make_log(["01/02/2011", "18/02/2011"]).time_format == "%d/%m/%Y"
    assert make_log(["01/02/2011", "02/18/2011"]).time_format == "%m/%d/%Y"
    assert make_log(["01/01/2011", "02/02/2011"]).time_format is None  # both readings agree
    assert make_log(["2011-02-18"]).time_format is None
    assert make_log(["2011-02-18"], time_format="%Y-%m-%d").time_format == "%Y-%m-%d"


def test_contradicting_orders_are_refused():
    when = ["01/02/2011", "18/02/2011", "02/18/2011"]
    message = refused(when)
    assert "row 1 holds '18/02/2011', day first, and row 2 '02/18/2011', month first" in message
    assert "with invalid_times='null'" in message
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        assert form in message
        clean = make_log(when, time_format=form, invalid_times="null").clean()
        assert clean.report.dropped["missing when"] == 1


@pytest.mark.parametrize(
    ("when", "formats"),
    [
        (["01/02/11", "03/04/11"], ["%d/%m/%y", "%m/%d/%y", "%y/%m/%d"]),
        (["18/02/11", "01/02/11"], ["%d/%m/%y", "%y/%m/%d"]),
        (["02/18/99", "03/19/99"], ["%m/%d/%y"]),
        (["18-Feb-11"], ["%d-%b-%y", "%y-%b-%d"]),
        (["31.12.11 14:54"], ["%d.%m.%y %H:%M", "%y.%m.%d %H:%M"]),
    ],
)
def test_years_of_two_digits_need_a_format(when, formats):
    message = refused(when)
    assert "whose year has two digits" in message
    assert re.findall("time_format='(.*?)'", message) == formats
    for form in formats:
        expected = [dt.datetime.strptime(text, form) for text in when]
        assert times(make_log(when, time_format=form)) == sorted(expected)


def test_several_forms_need_mixed():
    when = ["2011-02-18", None, "2011/02/19", "20 Feb 2011"]
    message = refused(when)
    assert "row 0 holds '2011-02-18', but row 2 '2011/02/19'. Pass time_format='mixed'" in message
    assert refused(when, invalid_times="null") == message
    log = make_log(when, time_format="mixed")
    assert times(log) == [DAY, DAY + 24 * HOUR, DAY + 48 * HOUR]
    assert "when (strings in several forms)" in repr(log)
    message = refused(["2011-02-18", "01/02/2011"], time_format="mixed")
    assert "Row 1 of column 'when' holds '01/02/2011', which may be day first" in message


def test_a_few_dates_of_two_readings_among_others_are_not_a_second_form():
    when = ["2011-02-18", "01/01/2011", "02/01/2011"]
    assert "Row 1 of column 'when' holds '01/01/2011', which is not of the form of" in refused(
        when
    )
    assert times(make_log(when, invalid_times="null")) == [DAY]
    message = refused(["01/01/2011", "02/01/2011", "2011-02-18"], invalid_times="null")
    assert "holds '02/01/2011' in row 1, which may be day first or month first" in message
    assert "Row 2 of column 'when' holds '2011-02-18', which does not fit" in refused(
        ["01/01/2011", "02/01/2011", "2011-02-18"], time_format="%d/%m/%Y"
    )


def test_names_of_zones_are_refused_with_advice():
    when = ["2011-02-18 14:54:03 EST", "2011-02-19 14:54:03 EST"]
    message = refused(when)
    assert "time zone 'EST' has no single reading" in message and "such as -05:00" in message
    (advice,) = re.findall("time_format='(.*?)'", message)
    assert times(make_log(when, time_format=advice))[0] == SECOND
    assert "Row 1" in refused(
        ["2011-02-18 14:54:03 EST", "2011-02-18 14:54:03 EDT"], time_format=advice
    )


# ------------------------------------------------------------------ given formats


@pytest.mark.parametrize(
    ("text", "form", "moment"),
    [
        ("18/02/2011 14h54", "%d/%m/%Y %Hh%M", MINUTE),
        ("049 2011", "%j %Y", DAY),
        ("110218", "%y%m%d", DAY),
        ("2011-02-18 00:00 14%", "%Y-%m-%d 00:00 %H%%", DAY + 14 * HOUR),
        ("02/18/11", "%D", DAY),
        ("2011-02-18T14:54:03Z", "%FT%T%z", UTC),
        ("2011-02-18 15:54:03 UTC+1", "%F %T %z", UTC),
        ("Fri Feb 18 2011", "%a %b %d %Y", DAY),
        ("year 2011, 18 feb", "year %Y, %d %b", DAY),
    ],
)
def test_given_formats(text, form, moment):
    assert times(make_log([text], time_format=form)) == [moment]


def test_what_does_not_fit_a_format_is_named():
    when = ["18/02/2011", None, "2011-02-18"]
    message = (
        "Row 2 of column 'when' holds '2011-02-18', which does not fit time_format='%d/%m/%Y'"
    )
    assert message in refused(when, time_format="%d/%m/%Y")
    assert times(make_log(when, time_format="%d/%m/%Y", invalid_times="null")) == [DAY]
    message = refused(when[2:], time_format="%d/%m/%Y", invalid_times="null")
    assert "no value fits time_format='%d/%m/%Y'" in message
    literal = "Row 1 of column 'when' holds '2011-02-18 10', which does not fit"
    assert literal in refused(["2011-02-18 00", "2011-02-18 10"], time_format="%Y-%m-%d 00")
    assert layout_by_format("%d/%m/%Y")("18/02/2011 rest") is None


@pytest.mark.parametrize(
    ("form", "error", "message"),
    [
        ("%d/%m", ValueError, "'%d/%m' does not name a day"),
        ("%H:%M", ValueError, "does not name a day"),
        ("%Y-%m-%d %p", ValueError, "does not name a day"),
        ("%c", ValueError, "holds '%c', which is not supported. Supported: %Y"),
        ("%Y-%m-%d %Y", ValueError, "names '%Y' twice"),
        ("%Y-%m-%d %", ValueError, "not supported"),
        (5, TypeError, "time_format must be a string such as '%d/%m/%Y %H:%M', or 'mixed'; got 5"),
    ],
)
def test_formats_are_checked(form, error, message):
    with pytest.raises(error, match=re.escape(message)):
        check_time_format(form)
    with pytest.raises(error, match=re.escape(message)):
        make_log(["2011-02-18"], time_format=form)


def test_a_format_is_for_text():
    assert "holds timestamps, not strings" in refused([DAY], time_format="%Y-%m-%d")
    assert "holds integers, not strings" in refused([1297955640], time_format="mixed")
    message = refused(["20110218"], time_format="%Y%m%d", time_unit="s")
    assert "time_unit='s' is for epoch numbers and time_format='%Y%m%d' for strings" in message


# ------------------------------------------------------------------ sentinels


@pytest.mark.parametrize(
    "text",
    ["0001-01-01 00:00:00", "9999-12-31 00:00:00", "1900-01-01", "1753-01-01", "0000-01-01"],
)
def test_days_that_stand_for_a_missing_time(text):
    when = ["2011-02-18", text, "2011-02-19", "2011-02-20"]
    assert f"Row 1 of column 'when' holds '{text}', which reads as" in refused(when)
    assert len(make_log(when, invalid_times="null").clean()) == 3
    assert len(make_log(when, invalid_times="keep")) == 4


def test_old_logs_are_not_suspect():
    when = ["1888-01-01", "1890-05-05", "1899-12-31"]
    assert [moment.year for moment in times(make_log(when))] == [1888, 1890, 1899]


def test_many_rows_are_read_without_a_loop_over_them():
    moments = np.datetime64("2019-10-01", "s") + np.arange(20_000)
    texts = [f"{text.replace('T', ' ')} UTC" for text in np.datetime_as_string(moments)]
    column = _frames._time_strings._Column(pa.array(texts, pa.large_string()), None)
    assert len(column._layouts) == 1
    found = make_log(pd.Series(texts).to_list())._index.times
    assert (found == moments.astype("datetime64[us]").astype(np.int64)).all()
