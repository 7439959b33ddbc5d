"""Errors and warnings of the library in the words of the command line, on one line each."""

import re

# Advice that can be followed from Python only, and what to do here.
_RULES = [
    (r"time_unit='s', 'ms', 'us' or 'ns'", "--time-unit s, ms, us or ns"),
    (r"\btime_unit='(\w+)'", r"--time-unit \1"),
    (r"\btime_unit\b", "--time-unit"),
    (r"\binvalid_times='(\w+)'", r"--invalid-times \1"),
    (r"^(at|until|horizon|lookback)=", r"--\1 "),
    (r"\bfor (user|time|behavior|product)=;", r"for --\1;"),
    (r"holds (datetime\.\w+|Timestamp)\(.*?\), which reads as", "holds a time that reads as"),
    (r", or read it with pandas\.read_csv\(sep=\.\.\.\) and give the table", ""),
    (r"\bpass trusted=.*", "load it from Python, with skbseq.load."),
    (
        r"Lower learning_rate, .*",
        "Look at the scale of the columns of numbers, and leave out the wildest with --exclude.",
    ),
]


def describe(error):
    """One line on an error: what was wrong, and what to do on the command line."""
    if isinstance(error, OSError) and error.strerror:
        return on_one_line(f"{error.strerror}: {error.filename}")
    text = on_one_line(error)
    for pattern, here in _RULES:
        text = re.sub(pattern, here, text)
    return text


def on_one_line(message):
    """A message without its line breaks."""
    return " ".join(str(message).split())
