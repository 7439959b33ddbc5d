"""Words in times: months and days of the week of several languages, and what a text lacks."""

import re

__all__ = ["MONTH", "MONTH_NUMBERS", "USUAL_OFFSETS", "WEEKDAY", "missing_part"]

_MONTHS = (
    "jan january janvier janv januar jänner jän enero ene janeiro gennaio gen januari января янв",
    "feb february février fevrier févr fevr fév fev februar feber febrero fevereiro febbraio "
    "februari февраля фев",
    "mar march mars märz maerz mär mrz marzo março marco maart mrt marts марта март мар",
    "apr april avril avr abril abr aprile апреля апр",
    "may mai mayo maio maggio mag mei maj мая май",
    "jun june juin juni junio junho giugno giu июня июн",
    "jul july juillet juil juli julio julho luglio lug июля июл",
    "aug august août aout aoû agosto ago augustus augusti августа авг",
    "sep sept september septembre septiembre setiembre set setembro settembre sett сентября сент "
    "сен",
    "oct october octobre oktober okt octubre outubro out ottobre ott октября окт",
    "nov november novembre noviembre novembro ноября нояб ноя",
    "dec december décembre decembre déc dezember dez diciembre dic dezembro dicembre desember des "
    "декабря дек",
)
_WEEKDAYS = (
    "lundi mardi mercredi jeudi vendredi samedi dimanche montag dienstag mittwoch donnerstag "
    "freitag samstag sonnabend sonntag lunes martes miércoles jueves viernes sábado domingo "
    "lunedì martedì mercoledì giovedì venerdì sabato domenica segunda-feira terça-feira "
    "quarta-feira quinta-feira sexta-feira maandag dinsdag woensdag donderdag vrijdag zaterdag "
    "zondag"
)
# Only for advice: some of these names have other meanings elsewhere.
USUAL_OFFSETS = {
    **{"EST": "-05:00", "EDT": "-04:00", "CST": "-06:00", "CDT": "-05:00", "MST": "-07:00"},
    **{"MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "WET": "+00:00", "WEST": "+01:00"},
    **{"CET": "+01:00", "CEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "BST": "+01:00"},
    **{"JST": "+09:00", "MSK": "+03:00"},
}


def _cases(word):
    # Patterns of times ignore the case of ASCII letters only.
    return [word] if word.isascii() else [word, word.capitalize(), word.upper()]


def _any_of(words):
    # The longest first, so that "mars" is not read as "mar".
    return "|".join(sorted({case for word in words for case in _cases(word)}, key=len)[::-1])


MONTH_NUMBERS = {
    case: number
    for number, words in enumerate(_MONTHS, start=1)
    for word in words.split()
    for case in _cases(word)
}
MONTH = rf"(?P<b>{_any_of(MONTH_NUMBERS)})"
WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?|"
    rf"{_any_of(_WEEKDAYS.split())})"
)
_YEAR = r"(?:1[89]|20|21)\d\d"
_INCOMPLETE = (
    (_YEAR, "a year without a day"),
    (rf"{_YEAR}[-/. ]?q[1-4]|q[1-4][-/. ]?{_YEAR}", "a quarter without a day"),
    (
        rf"{_YEAR}[-/. ]?(?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-/. ]{_YEAR}|{_YEAR} ?年 ?\d+ ?月",
        "a month without a day",
    ),
    (rf"(?:{MONTH}\.?[-/ ]?{_YEAR})", "a month without a day"),
    (r"\d{1,2}[-/.]\d{1,2}\.?|\d{1,2} ?月 ?\d{1,2} ?日", "a day without a year"),
    (rf"\d{{1,2}}\.?[-/ ]?{MONTH}\.?", "a day without a year"),
    (r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[ap]m)?", "a time of day without a day"),
)
_INCOMPLETE = [(re.compile(form, re.IGNORECASE | re.ASCII), what) for form, what in _INCOMPLETE]


def missing_part(text):
    """What a text names that is only a part of a time, such as "a month without a day"; or None.

    Parameters
    ----------
    text : str
        Normalized.
    """
    return next((what for form, what in _INCOMPLETE if form.fullmatch(text)), None)
