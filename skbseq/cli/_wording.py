"""Rewrite errors and warnings of the library for the command line, on one line each."""

import ast
import re
import shlex

# Advice that only applies to Python, and the replacement for the command line.
_RULES = [
    (r"time_unit='s', 'ms', 'us' or 'ns'", "--time-unit s, ms, us or ns"),
    (r"\btime_unit='(\w+)'", r"--time-unit \1"),
    (r"\btime_unit\b", "--time-unit"),
    (r"\btime_format=('[^']*')", r"--time-format \1"),
    (r"\btime_format=\.\.\.", "--time-format"),
    (r"\btime_format\b", "--time-format"),
    (r"\bclean\((earliest|latest)=('[^']*')\)", r"--\1 \2"),
    (r"\binvalid_times='(\w+)'", r"--invalid-times \1"),
    (r"^(at|until|earliest|latest|horizon|lookback)=", r"--\1 "),
    (r"\bfor (user|time|behavior|product)=;", r"for --\1;"),
    (r"holds (datetime\.\w+|Timestamp)\(.*?\), which reads as", "holds a time that reads as"),
    (r" If nothing has happened yet, pass until=.*", ""),
    (r"\bpass trusted=.*", "load it from Python, with skbseq.load."),
    (
        r"Lower learning_rate, .*",
        "Check the scale of the numeric columns, and leave out extreme ones with --exclude.",
    ),
]
# Options of reading, followed by a string, a list or a dict of lists.
_CELL = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_LIST = rf"\[(?:{_CELL}(?:, )?)*\]"
_OPTION = re.compile(
    r"\b(encoding|separator|decimal|thousands|na_values|names)="
    rf"({_CELL}|{_LIST}|\{{(?:{_CELL}: {_LIST}(?:, )?)*\}})"
)


def describe(error):
    """One line about an error: what was wrong, and what to do on the command line."""
    if isinstance(error, OSError) and error.strerror:
        return on_one_line(f"{error.strerror}: {error.filename}")
    return reword(error)


def reword(message):
    """A message of the library on one line, with the advice for the command line."""
    text = on_one_line(message)
    for pattern, here in _RULES:
        text = re.sub(pattern, here, text)
    return _OPTION.sub(_as_argument, text)


def _as_argument(match):
    """An option of reading as on the command line."""
    name, value = match[1].replace("_", "-"), ast.literal_eval(match[2])
    if isinstance(value, dict):
        value = [f"{key}={each}" for key, cells in value.items() for each in cells or [""]]
    words = [value.replace("\t", "\\t")] if isinstance(value, str) else value
    return f"--{name} {' '.join(map(_quote, words))}"


def _quote(word):
    """A word for the shell; marks are quoted too, which it does not need but readers do."""
    safe = shlex.quote(word)
    return f"'{word}'" if safe == word and not re.search(r"\w", word) else safe


def on_one_line(message):
    """A message without its line breaks."""
    return " ".join(str(message).split())
