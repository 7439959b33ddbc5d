"""Rewrite errors and warnings of the library for the command line, on one line each."""

import re

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
    (r", or read it with pandas\.read_csv\(sep=\.\.\.\) and give the table", ""),
    (r"\bpass trusted=.*", "load it from Python, with skbseq.load."),
    (
        r"Lower learning_rate, .*",
        "Check the scale of the numeric columns, and leave out extreme ones with --exclude.",
    ),
]


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
    return text


def on_one_line(message):
    """A message without its line breaks."""
    return " ".join(str(message).split())
