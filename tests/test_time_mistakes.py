"""Times that are wrong, partial or numbers of something else: errors whose advice works."""

import datetime as dt
import re

import pandas as pd
import pyarrow as pa
import pytest
from log_files import advice, save

from skbseq import EventLog
from skbseq._time import parse_moment
from skbseq.exceptions import InvalidLogError

GOOD = ["2011-02-01 10:00", "2011-02-02 11:00", "2011-02-05 12:00"]


def make_log(when, **options):
    events = pa.table({"who": pa.array([1] * len(when)), "when": pa.array(when)})
    return EventLog(events, user="who", time="when", **options)


def refused(when, **options):
    with pytest.raises(InvalidLogError) as error:
        make_log(when, **options)
    return str(error.value)


# ------------------------------------------------------------------ no such day, part of a time


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2011-02-30 10:00", "there is no such day"),
        ("2011-02-30", "there is no such day"),
        ("2011-04-31 00:00", "there is no such day"),
        ("2011-02-01 10:61", "there is no such day or time of day"),
        ("0000-00-00 00:00", "databases write the year 0000 for a missing one"),
        ("0000-00-00", "databases write the year 0000"),
        ("2011-02", "which names a month without a day"),
        ("02/2011", "which names a month without a day"),
        ("Feb. 2011", "which names a month without a day"),
        ("mars 2011", "which names a month without a day"),
        ("2011年2月", "which names a month without a day"),
        ("2011-Q1", "which names a quarter without a day"),
        ("18/02", "which names a day without a year"),
        ("18. Februar", "which names a day without a year"),
        ("14:54", "which names a time of day without a day"),
        ("2:54 PM", "which names a time of day without a day"),
    ],
)
def test_wrong_and_partial_dates_say_what_is_wrong(text, reason):
    message = refused([*GOOD, text])
    assert f"Row 3 of column 'when' holds {text!r}" in message and reason in message
    # No format helps, so none is suggested; the other advice does.
    assert "time_format" not in message
    (options,) = advice(message.replace("pass ", "Pass "))
    assert make_log([*GOOD, text], **options).clean().report.dropped["missing when"] == 1
    message = refused([text, text])
    assert f"holds {text!r} in row 0, " in message and reason in message
    assert re.search("Correct the times|Write (a )?whole date", message)
    assert "time_format" not in message


@pytest.mark.parametrize("month", ["2011-02", "2012-12"])
def test_a_whole_date_for_a_month_is_read(month):
    example = re.findall("such as '(.*?)'", refused([month]))[0]
    assert make_log([month + example[-3:]]).start == dt.datetime.fromisoformat(month + "-01")


# ------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("18 février 2011", 18),
        ("18 FÉVRIER 2011", 18),
        ("1er févr. 2011", 1),
        ("vendredi 18 février 2011", 18),
        ("18. Februar 2011", 18),
        ("Freitag, 18. Feb. 2011", 18),
        ("18 de febrero de 2011", 18),
        ("18 feb. 2011", 18),
        ("18 de fevereiro de 2011", 18),
        ("18 fev 2011", 18),
        ("18 febbraio 2011", 18),
        ("vrijdag 18 februari 2011", 18),
        ("18 февраля 2011", 18),
        ("18 фев 2011 г.", 18),
        ("18. 2. 2011", 18),
    ],
)
def test_months_of_several_languages(text, day):
    moment = dt.datetime(2011, 2, day)
    assert make_log([text, text]).start == parse_moment(text) == moment
    assert make_log([text.replace("2011", "2012")]).start == moment.replace(year=2012)


MONTHS = [
    ("janvier", "januar", "enero", "января"),
    ("mars", "märz", "marzo", "марта"),
    ("mai", "Mai", "mayo", "мая"),
    ("juin", "juni", "junio", "июня"),
    ("juillet", "juli", "julio", "июля"),
    ("août", "august", "agosto", "августа"),
    ("décembre", "dezember", "diciembre", "декабря"),
]


@pytest.mark.parametrize(
    ("number", "names"), list(zip([1, 3, 5, 6, 7, 8, 12], MONTHS, strict=True))
)
def test_a_column_of_several_months_has_one_form(number, names):
    for name in names:
        when = [f"3 {each[names.index(name)]} 2011" for each in MONTHS]
        log = make_log([f"3 {name} 2011", *when])
        assert log.to_frame()["when"].to_pylist().count(dt.datetime(2011, number, 3)) == 2
        assert len(log.to_frame()["when"].to_pylist()) == 8


@pytest.mark.parametrize(
    "text", ["18 Feb 2011 14h54", "18.02.2011 um 14:54 Uhr", "18/02/2011 14:54"]
)
def test_times_of_day_with_words(text):
    assert make_log([text]).start == dt.datetime(2011, 2, 18, 14, 54)


# ------------------------------------------------------------------ numbers


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("numbers", "looks", "fixed"),
    [
        ([2011, 2013, 2012], "look like years", [20110101, 20130101, 20120101]),
        ([201102, 201112], "look like months", [20110201, 20111201]),
    ],
)
def test_years_and_months_are_refused_with_whole_dates(numbers, looks, fixed, as_text):
    message = refused([str(n) for n in numbers] if as_text else numbers)
    assert looks in message and "such as 20110201" in message
    assert make_log(fixed).until == dt.datetime.strptime(str(max(fixed)), "%Y%m%d")


def test_years_kept_as_moments_of_1970_are_said():
    with pytest.warns(UserWarning, match="read as epoch seconds.*look like years, such as 2011"):
        log = make_log([2011, 2012], time_unit="s", invalid_times="keep")
    assert log.start.year == 1970
    assert make_log([1, 2], time_unit="s", invalid_times="keep").start.second == 1


@pytest.mark.parametrize("numbers", [[40592.5, 40593.25], [40592, 40595], ["40592.5", "40600"]])
def test_day_numbers_of_excel_are_refused_with_their_conversion(numbers):
    message = refused(numbers)
    assert "look like day numbers of Excel, of which 40592" in message and "2011-02-18" in message
    call = re.search(r"pandas\.to_datetime\(.*?'\)", message)[0]
    when = eval(call, {"pandas": pd, "values": pd.Series(numbers)})
    assert when.dt.date[0] == dt.date(2011, 2, 18)


@pytest.mark.parametrize(
    "when", [[21000101, 21510203], ["21000101120000"] * 2, [210001011200, 210001011300]]
)
def test_digits_of_later_centuries_name_their_format(when):
    message = refused(when)
    assert "2099" in message
    (options,) = [each for each in advice(message.partition(" if ")[0]) if "time_format" in each]
    assert make_log(when, **options).start == dt.datetime(2100, 1, 1, 12 * (len(str(when[0])) > 8))


def test_a_unit_is_not_suggested_for_text():
    assert "time_unit" not in refused(["20110218", "22990218"])
    assert "time_unit" in refused([0, 1_298_000_000, 1_298_000_001])


EPOCH = [1_298_000_000, 1_298_003_600]


@pytest.mark.parametrize(
    ("texts", "unit"),
    [
        ([str(e) for e in EPOCH], None),
        ([f"{e}.5" for e in EPOCH], None),
        ([f" {e}000" for e in EPOCH], None),
        ([f"{e}000000000" for e in EPOCH], None),
        ([str(e) for e in EPOCH], "s"),
        ([None, *map(str, EPOCH)], None),
    ],
)
def test_epoch_numbers_as_text_are_times(texts, unit, frame_lib):
    events = frame_lib.make({"who": [1] * len(texts), "when": pa.array(texts, pa.string())})
    log = EventLog(events, user="who", time="when", time_unit=unit)
    assert log.start.replace(microsecond=0) == dt.datetime(2011, 2, 18, 3, 33, 20)
    assert "epoch" in repr(log)


def test_epoch_numbers_as_text_in_json_lines(tmp_path):
    lines = "".join(f'{{"who": "a", "when": "{e}"}}\n' for e in EPOCH)
    log = EventLog(save(tmp_path, "a.jsonl", lines), user="who", time="when")
    assert log.until == dt.datetime(2011, 2, 18, 4, 33, 20)


def test_dates_as_text_are_no_epoch_numbers():
    assert make_log(["20110218", "20110219"]).start == dt.datetime(2011, 2, 18)
    assert make_log(["20110218145403"]).start == dt.datetime(2011, 2, 18, 14, 54, 3)
    with pytest.raises(InvalidLogError, match=r"time_unit='s' was given but .* strings"):
        make_log(["2011-02-18"], time_unit="s")


# ------------------------------------------------------------------ zones


def test_several_names_of_zones_are_replaced_by_offsets():
    when = ["2011-02-18 10:00 EST", "2011-07-18 10:00 EDT"]
    message = refused(when)
    assert "time_format" not in message
    for name, offset in re.findall(r"'(\w+)' by '(.*?)'", message):
        when = [text.replace(name, offset) for text in when]
    log = make_log(when)
    assert (log.start.hour, log.until.hour) == (15, 14)
    message = refused(["2011-02-18 10:00 NZDT", "2011-07-18 10:00 NZST"])
    assert "by offsets, such as -05:00" in message
