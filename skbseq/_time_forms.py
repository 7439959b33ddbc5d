"""The forms in which times are written, and the strftime formats that say the same.

A layout says where the fields of a string lie. It depends only on the shape of the string, in
which every digit is replaced by 0, so that a column of a million times needs few layouts.
"""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field, replace

import numpy as np

from skbseq._time_words import MONTH, MONTH_NUMBERS, WEEKDAY

__all__ = [
    "Layout",
    "check_time_format",
    "find_layout",
    "format_of",
    "layout_by_format",
    "normalize",
    "read_layout",
    "read_text",
]

ISO = "ISO 8601"
_MICROSECONDS = 10**6
_DATE_FIELDS = ("Y", "y", "m", "d", "b", "one", "two", "W", "D", "j", "A")
_CJK_WEEKDAY = (
    r"\(?(?:(?:星期|周|週)[一二三四五六日天]|[日月火水木金土월화수목금토일](?:曜日|요일)?)\)?"
)
_LATER = ("下午", "午後", "오후")
_CLOCK_WORD = r"(?: ?(?:Uhr|h)\b)?"
_FRACTION = r"(?:[.,](?P<f>\d+))?"


def _compile(pattern):
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


# Forms of the date. A numeric date with the year last has the fields `one` and `two`, whose order
# only the column can tell. `y` is a year of two digits.
_DATES = [
    ("{sep}", _compile(r"(?P<Y>\d{4})(?P<sep>[-/._ ])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?!\d)")),
    (". ", _compile(r"(?P<Y>\d{4})\. (?P<m>\d{1,2})\. (?P<d>\d{1,2})\.?(?!\d)")),
    ("年", _compile(r"(?P<Y>\d{4}) ?[年년] ?(?P<m>\d{1,2}) ?[月월] ?(?P<d>\d{1,2}) ?[日号號일]")),
    (ISO, _compile(r"(?P<Y>\d{4})(?P<m>\d\d)(?P<d>\d\d)")),
    (ISO, _compile(r"(?P<Y>\d{4})-W(?P<W>\d\d)(?:-(?P<D>\d))?(?!\d)")),
    (ISO, _compile(r"(?P<Y>\d{4})W(?P<W>\d\d)(?P<D>\d)?(?!\d)")),
    ("Y b d", _compile(rf"(?P<Y>\d{{4}})(?P<sep>[-/. ]?){MONTH}(?P=sep)(?P<d>\d{{1,2}})(?!\d)")),
    (
        "d b Y",
        _compile(
            rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|o)?(?: of| de)?[-/. ]{{0,2}}{MONTH}"
            r"(?:[-/., ]{0,2}| del? )(?P<Y>\d{4})(?!\d)(?: г\.?)?"
        ),
    ),
    (
        "b d Y",
        _compile(
            rf"{MONTH}\.?[-/ ]?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?"
            r"(?:, ?|[-/ ])(?P<Y>\d{4})(?![\d:])"
        ),
    ),
    (
        "numeric {sep}",
        _compile(r"(?P<one>\d{1,2})(?P<sep>[-/.])(?P<two>\d{1,2})(?P=sep)(?P<Y>\d{4})(?!\d)"),
    ),
    (
        "numeric . ",
        _compile(r"(?P<one>\d{1,2})\. (?P<two>\d{1,2})\. (?P<Y>\d{4})(?!\d)"),
    ),
    (
        "short {sep}",
        _compile(r"(?P<one>\d{1,2})(?P<sep>[-/.])(?P<two>\d{1,2})(?P=sep)(?P<y>\d\d)(?!\d)"),
    ),
    ("short b", _compile(rf"(?P<d>\d{{1,2}})[-/. ]?{MONTH}[-/., ]{{0,2}}(?P<y>\d\d)(?![\d:])")),
]
# `date` of Unix and C's ctime: the year comes last, after the time.
_MONTH_DAY = _compile(rf"{MONTH} +(?P<d>\d{{1,2}}) +")
_YEAR_LAST = _compile(r" +(?P<Y>\d{4})")
_COLONS = _compile(
    r"(?P<H>\d{1,2}):(?P<M>\d{1,2})"
    r"(?::(?P<S>\d{1,2})(?:(?:[.,]|:(?=\d{3}(?!\d)))(?P<f>\d+))?)?(?![\d:])" + _CLOCK_WORD
)
_DOTS = _compile(
    r"(?P<H>\d{1,2})\.(?P<M>\d\d)(?:\.(?P<S>\d\d)" + _FRACTION + r")?(?!\d)" + _CLOCK_WORD
)
_FRENCH = _compile(r"(?P<H>\d{1,2}) ?h ?(?P<M>\d\d)(?![\d:])")
_CJK = _compile(
    r"(?P<H>\d{1,2}) ?[時时点點시](?: ?(?P<M>\d{1,2}) ?[分분]"
    r"(?: ?(?P<S>\d{1,2})" + _FRACTION + r" ?[秒초])?)?"
)
_COMPACT = _compile(r"(?P<H>\d\d)(?P<M>\d\d)(?:(?P<S>\d\d)" + _FRACTION + r")?(?![\d:])")
_JOINED = _compile(r"(?P<H>\d\d)(?P<M>\d\d)(?:(?P<S>\d\d)(?:[.,]?(?P<f>\d{3,9}))?)?(?![\d:])")
_STAMP = _compile(r"(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d)(?![\d:])")
_HOUR = _compile(r"(?P<H>\d{1,2})(?![\d:])" + _CLOCK_WORD)
_BEFORE = _compile(r"(?P<p>上午|下午|午前|午後|오전|오후|[ap]m) ?")
_AFTER = _compile(r" ?(?P<p>[ap]\.?m)\b\.?")
_ZONES = (
    _compile(r" ?(?P<z>Z|UTC|GMT|UT)(?![a-z+\-])(?! [+\-]\d)"),
    _compile(
        r" ?(?P<offset>(?:UTC|GMT) ?(?P<sign>[+-])(?P<zh>\d{1,2})(?::?(?P<zm>\d\d))?)"
        r"(?: ?\([^)]*\))?"
    ),
    _compile(
        r" ?(?P<offset>(?P<sign>[+-])(?P<zh>\d\d)(?::?(?P<zm>\d\d)(?::?(?P<zs>\d\d))?)?)"
        r"(?: ?\([^)]*\)|\[[^\]]*\]| [A-Z]{2,5}\b)?"
    ),
    _compile(r" ?(?P<zone>(?:[A-Z][A-Z_]+(?:/[A-Z][A-Z_]+)+|[A-Z]{1,5}\b))"),
)
_BETWEEN = _compile(r"(?:T|,? +(?:at|um|à|kl\.?|alle|a las) +|,? +|,)")
_LEAD = _compile(rf"\[?(?:(?P<A>{WEEKDAY})[.,]* *)?")
_DAY_AFTER = re.compile(rf" ?(?:{_CJK_WEEKDAY}|,? ?(?P<A>{WEEKDAY})\b[.,]?)", re.IGNORECASE)

# Directives of a time format, as fields.
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "e": r" ?(?P<d>\d{1,2})",
    "j": r"(?P<j>\d{1,3})",
    "b": MONTH + r"\.?",
    "B": MONTH + r"\.?",
    "a": rf"(?:{WEEKDAY})",
    "A": rf"(?:{WEEKDAY})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[ap]\.?m\b\.?|上午|下午|午前|午後|오전|오후)",
    "z": r"(?:(?P<zulu>Z)|(?:UTC|GMT)? ?(?P<sign>[+-])(?P<zh>\d{1,2})"
    r"(?::?(?P<zm>\d\d)(?::?(?P<zs>\d\d))?)?)",
    "Z": r"(?P<z>Z|UTC|GMT|UT)",
    "%": "%",
}
_SHORTHANDS = {"T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "F": "%Y-%m-%d"}


@dataclass(frozen=True)
class Layout:
    """Where the fields of a string lie, in bytes, and what its letters say.

    ``form`` names the form of the date, ``month``, ``later`` (PM) and ``sign`` (of an offset) are
    None where the string does not say so, and ``zone`` is the name of a zone that has no single
    reading. ``fixed`` holds digits that a time format demands, by position.
    """

    form: str
    spans: dict
    month: int | None = None
    later: bool | None = None
    sign: int | None = None
    zoned: bool = False
    zone: str | None = None
    fixed: dict = field(default_factory=dict)

    @property
    def two_readings(self):
        """Whether the order of day and month is open."""
        return "one" in self.spans and "Y" in self.spans

    @property
    def date_end(self):
        """Position after the last field of the date."""
        return max(self.spans[name][1] for name in self.spans if name in _DATE_FIELDS)

    @property
    def compact(self):
        """Whether date and time are digits without anything between them."""
        joined = self.form == ISO and {"H", "d"} <= self.spans.keys()
        return joined and self.spans["H"][0] == self.spans["d"][1]

    @property
    def short_year(self):
        """Whether the year has two digits and its place is a guess."""
        return self.form.startswith("short")


def normalize(text):
    """A string with plain digits, spaces and colons, as full-width characters are written too."""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def find_layout(text):
    """The layout of a normalized string; None if it is not a time in a known form."""
    found = _find(text)
    return None if found is None else _layout(text, *found)


def _find(text):
    """The form of a string, and the matches that hold its fields."""
    if len(text) > 80:
        return None
    lead = _LEAD.match(text)
    for form, pattern in _DATES:
        date = pattern.match(text, lead.end())
        if date is None:
            continue
        form = form.format(**date.groupdict())
        rest = _find_time(text, date, form)
        if rest is not None:
            return _name(form), [lead, date, *rest]
    return _find_year_last(text, lead) or _find_time_first(text, lead)


def _name(form):
    return ISO if form == "-" else form


def _find_time(text, date, form):
    """The matches after the date: day of the week, time and zone. None if something else is."""
    at, matches = date.end(), []
    day = _DAY_AFTER.match(text, at)
    if day is not None:
        at, matches = day.end(), [day]
    for start, patterns in _time_places(text, at, form, date):
        rest = _clock(text, start, patterns)
        if rest is not None:
            return matches + rest
    zone = _ZONES[0].match(text, at)
    named = zone is not None and text[at : at + 1] == " "
    end = zone.end() if named else at
    return matches + ([zone] if named else []) if _is_end(text, end) else None


def _time_places(text, at, form, date):
    """Positions at which a time may begin, and the patterns that it may have there."""
    between = _BETWEEN.match(text, at)
    usual = (_COLONS, _CJK, _DOTS, _COMPACT, _FRENCH, _HOUR)
    if between is not None:
        yield between.end(), usual
    digits = form == ISO and date.group().isdigit()
    if digits:
        yield at, (_JOINED,)
    if digits and text[at : at + 1] in ("-", "_"):
        yield at + 1, (_STAMP,)
    if form == "年":
        yield at, (_CJK, _COLONS)
    if "b" in form and text[at : at + 1] == ":":
        yield at + 1, (_COLONS,)
    if form == "-" and text[at : at + 1] == "-":
        yield at + 1, (_DOTS,)


def _clock(text, at, patterns, ends=True):
    """Matches of a time of day and its zone, up to the end of the string."""
    before = _BEFORE.match(text, at)
    start = at if before is None else before.end()
    for pattern in patterns:
        time = pattern.match(text, start)
        if time is None:
            continue
        after = None if before is not None else _AFTER.match(text, time.end())
        half = before or after
        if pattern is _HOUR and half is None and len(time.group()) < 2:
            continue
        end = time.end() if after is None else after.end()
        matches = [time] if half is None else [time, half]
        if not ends:
            return matches, end
        zone = _find_zone(text, end)
        if zone is not None:
            return matches + zone
    return None


def _find_zone(text, at):
    if _is_end(text, at):
        return []
    for pattern in _ZONES:
        zone = pattern.match(text, at)
        if zone is not None and _is_end(text, zone.end()):
            return [zone]
    return None


def _is_end(text, at):
    return text[at:] in ("", "]")


def _find_year_last(text, lead):
    date = _MONTH_DAY.match(text, lead.end())
    clock = None if date is None else _clock(text, date.end(), (_COLONS,), ends=False)
    if clock is None:
        return None
    matches, at = clock
    for pattern in (None, *_ZONES):
        zone = None if pattern is None else pattern.match(text, at)
        year = _YEAR_LAST.match(text, at if zone is None else zone.end())
        if year is not None and _is_end(text, year.end()):
            return "b d Y", [lead, date, *matches, year, *([] if zone is None else [zone])]
    return None


def _find_time_first(text, lead):
    clock = _clock(text, lead.end(), (_COLONS,), ends=False)
    between = None if clock is None else _BETWEEN.match(text, clock[1])
    if between is None:
        return None
    for form, pattern in _DATES:
        date = pattern.match(text, between.end())
        if date is not None and _is_end(text, date.end()):
            return _name(form.format(**date.groupdict())), [lead, date, *clock[0]]
    return None


def _layout(text, form, matches, fixed=None):
    spans, words = {}, {}
    for match in matches:
        for name, value in match.groupdict().items():
            if value is None or name == "sep":
                continue
            spans[name], words[name] = match.span(name), value
    if not text.isascii():
        spans = {name: _in_bytes(text, span) for name, span in spans.items()}
    half = words.get("p", "").lower()
    return Layout(
        form=form,
        spans=spans,
        month=_month_number(words["b"]) if "b" in words else None,
        later=(half in _LATER or half.startswith("p")) if half else None,
        sign={"+": 1, "-": -1}.get(words.get("sign")),
        zoned=not {"z", "zulu", "sign"}.isdisjoint(words),
        zone=words.get("zone"),
        fixed=fixed or {},
    )


def _month_number(word):
    return MONTH_NUMBERS.get(word) or MONTH_NUMBERS[word.lower()]


def _in_bytes(text, span):
    return tuple(len(text[:at].encode()) for at in span)


# ------------------------------------------------------------------ numbers


def read_layout(layout, byte_at, *, day_first=True):
    """Moments of strings of one layout.

    Parameters
    ----------
    layout : Layout
    byte_at : callable
        Maps a position to an ndarray of uint8 of shape (n_strings,).
    day_first : bool, default=True
        Order of day and month where the layout leaves it open.

    Returns
    -------
    ticks : ndarray of int64 of shape (n_strings,)
        Microseconds since 1970, in UTC if the layout has a zone.
    nanoseconds : ndarray of int64 of shape (n_strings,)
        What microseconds cannot hold, 0 to 999.
    valid : ndarray of bool of shape (n_strings,)
        False where there is no such day or time of day.
    """

    def number(name, default=0):
        start, stop = layout.spans.get(name, (0, 0))
        value = np.int64(default if start == stop else 0)
        for at in range(start, stop):
            value = value * 10 + (byte_at(at).astype(np.int64) - 48)
        return value

    days, valid = _read_days(layout, number, day_first)
    seconds, in_day = _read_clock(layout, number)
    fraction = _read_fraction(layout, byte_at)
    valid = valid & in_day & ((seconds < 86_400) | (fraction == 0))
    if layout.sign is not None:
        minutes, rest = number("zm"), number("zs")
        valid = valid & (number("zh") < 24) & (minutes < 60) & (rest < 60)
        seconds = seconds - layout.sign * (number("zh") * 3600 + minutes * 60 + rest)
    for at, digit in layout.fixed.items():
        valid = valid & (byte_at(at) == digit)
    ticks = (days * 86_400 + seconds) * _MICROSECONDS + fraction // 1000
    return ticks, fraction % 1000 + np.zeros_like(ticks), valid & np.ones_like(ticks, bool)


def _read_days(layout, number, day_first):
    """Days since 1970, and whether there is such a day."""
    year = number("Y") if "Y" in layout.spans else number("y")
    if "Y" not in layout.spans:  # as in POSIX: 69 is 1969, 68 is 2068
        year = year + np.where(year < 69, 2000, 1900)
    if "W" in layout.spans:
        return _week_days(year, number("W"), number("D", default=1))
    if "j" in layout.spans:
        first, after = (_month_start(year + shift, 1) for shift in (0, 1))
        return first + number("j") - 1, (number("j") >= 1) & (number("j") <= after - first)
    month, day = layout.month, number("d")
    if month is None:
        month = number("m")
    if "one" in layout.spans:
        day, month = number("one"), number("two")
        day, month = (day, month) if day_first else (month, day)
    in_year = (month >= 1) & (month <= 12)
    month = np.where(in_year, month, 1)
    first = _month_start(year, month)
    n_days = _month_start(year + month // 12, month % 12 + 1) - first
    valid = in_year & (day >= 1) & (day <= n_days)
    if layout.compact:  # digits alone may be epoch numbers too
        valid = valid & (year >= 1900) & (year < 2100)
    return first + day - 1, valid


def _month_start(year, month):
    months = np.asarray((year - 1970) * 12 + month - 1, np.int64)
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _week_days(year, week, day):
    def monday(year):  # of week 1, which holds 4 January; day 0 of 1970 was a Thursday
        fourth = _month_start(year, 1) + 3
        return fourth - (fourth + 3) % 7

    first, n_weeks = monday(year), (monday(year + 1) - monday(year)) // 7
    valid = (week >= 1) & (week <= n_weeks) & (day >= 1) & (day <= 7)
    return first + (week - 1) * 7 + day - 1, valid


def _read_clock(layout, number):
    """Seconds since midnight, and whether there is such a time of day."""
    hour, minute, second = number("H"), number("M"), number("S")
    valid = (minute < 60) & (second < 60)
    if layout.later is not None:
        valid = valid & (hour <= 12)
        hour = hour % 12 + 12 * layout.later
    seconds = hour * 3600 + minute * 60 + second
    return seconds, valid & (seconds <= 86_400)  # 24:00 is the end of the day


def _read_fraction(layout, byte_at):
    """Nanoseconds."""
    start, stop = layout.spans.get("f", (0, 0))
    value = np.int64(0)
    for place, at in enumerate(range(start, min(stop, start + 9))):
        value = value + (byte_at(at).astype(np.int64) - 48) * 10 ** (8 - place)
    return value


def read_text(text):
    """A datetime from a string that has one reading, otherwise None."""
    text = normalize(text)
    layout = find_layout(text)
    if layout is None or layout.zone is not None or layout.short_year:
        return None
    data = np.frombuffer(text.encode(), np.uint8)
    orders = (True, False) if layout.two_readings else (True,)
    read = [read_layout(layout, lambda at: data[at : at + 1], day_first=first) for first in orders]
    moments = {int(ticks[0]) for ticks, _, valid in read if valid[0]}
    if len(moments) != 1:
        return None
    try:
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=moments.pop())
    except OverflowError:  # outside Python's calendar
        return None
    return moment.replace(tzinfo=dt.UTC) if layout.zoned else moment


# ------------------------------------------------------------------ formats

_FIELDS = {"Y": "%Y", "y": "%y", "m": "%m", "d": "%d", "H": "%H", "M": "%M", "S": "%S"}
_FIELDS |= {"f": "%f", "offset": "%z", "z": "%Z", "p": "%p"}


def format_of(text, layout, order="dmy"):
    """The strftime format that reads a normalized string of a layout; None if there is none.

    ``order`` places day, month and year where the layout leaves them open. The string may be cut
    off after the date.
    """
    if "W" in layout.spans:
        return None
    fields = dict(_FIELDS)
    if layout.later is not None:
        fields["H"] = "%I"
    year = "Y" if "Y" in layout.spans else "y"
    names = [f"%{year if letter == 'y' else letter}" for letter in order]
    fields |= dict(zip(("one", "two", year), names, strict=True)) if "one" in layout.spans else {}
    data = text.encode()
    spans = {name: span for name, span in layout.spans.items() if span[1] <= len(data)}
    for name, words in (("b", "%b %B"), ("A", "%a %A")):
        start, stop = spans.get(name, (0, 0))
        fields[name] = words.split()[stop - start > 3]
    if "b" in layout.spans and order == "ymd" and layout.short_year:
        fields |= {"d": "%y", "y": "%d"}
    pieces, at = [], 0
    for name, (start, stop) in sorted(spans.items(), key=lambda item: item[1]):
        if name not in fields:
            continue
        pieces += [data[at:start].decode().replace("%", "%%"), fields[name]]
        at = stop
    return "".join(pieces) + data[at:].decode().replace("%", "%%")


def check_time_format(time_format):
    """Refuse a value that is neither None, "mixed" nor a format with a date.

    Raises
    ------
    ValueError
    TypeError
    """
    if time_format is None or time_format == "mixed":
        return
    if not isinstance(time_format, str):
        raise TypeError(
            f"time_format must be a string such as '%d/%m/%Y %H:%M', or 'mixed'; got "
            f"{time_format!r}."
        )
    _pattern(time_format)


def _pattern(time_format):
    """A format as a regular expression, its literal digits by group, and whether it has a time."""
    expanded = re.sub(r"%([TRDF])", lambda m: _SHORTHANDS[m[1]], time_format.strip())
    expanded = re.sub(" +", " ", expanded)  # one or more, as `ctime` pads days with a space
    said, pieces, digits, at = set(), [], {}, 0
    while at < len(expanded):
        letter = expanded[at]
        if letter == "%":
            name = expanded[at + 1 : at + 2]
            pieces.append(_directive(time_format, name, said))
            said.add({"B": "b", "e": "d", "I": "H", "A": "a"}.get(name, name))
        elif letter.isascii() and letter.isdigit():
            pieces.append(rf"(?P<fixed{len(digits)}>\d)")
            digits[f"fixed{len(digits)}"] = ord(letter)
        else:
            pieces.append(" +" if letter == " " else re.escape(letter))
        at += 1 + (letter == "%")
    date = ({"j"} <= said or ({"d"} <= said and said & {"m", "b"})) and said & {"Y", "y"}
    if not date or ("p" in said and "H" not in said):
        raise ValueError(
            f"time_format={time_format!r} does not name a day: it needs %Y or %y, %m or %b, and "
            "%d, or %Y and %j; %p needs %I. Such as '%d/%m/%Y %H:%M'."
        )
    return _compile("".join(pieces)), digits, "H" in said or "I" in said


def _directive(time_format, name, said):
    if name not in _DIRECTIVES:
        known = " ".join(f"%{letter}" for letter in (*_DIRECTIVES, *_SHORTHANDS))
        raise ValueError(
            f"time_format={time_format!r} holds {'%' + name!r}, which is not supported. "
            f"Supported: {known}."
        )
    key = {"B": "b", "e": "d", "I": "H", "A": "a"}.get(name, name)
    if key in said and key != "%":
        raise ValueError(f"time_format={time_format!r} names {'%' + name!r} twice.")
    return _DIRECTIVES[name]


def layout_by_format(time_format):
    """A function that finds the layout of a normalized string by a strftime format."""
    pattern, digits, has_time = _pattern(time_format)

    def find(text):
        matches = [pattern.match(text)]
        if matches[0] is None:
            return None
        if matches[0].end() < len(text):
            # A format of the date alone also reads the time of day after it.
            full = pattern.fullmatch(text)
            rest = [] if full is not None else has_time or _find_time(text, matches[0], "")
            if rest is None or rest is True:
                return None
            matches = [full] if full is not None else matches + rest
        match = matches[0]
        fixed = {match.start(name): digit for name, digit in digits.items()}
        if not text.isascii():
            fixed = {_in_bytes(text, (at, at))[0]: digit for at, digit in fixed.items()}
        return replace(_layout(text, time_format, matches, fixed), form=time_format)

    return find
