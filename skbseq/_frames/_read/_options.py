"""The options that describe how a log file was written."""

import codecs
from dataclasses import dataclass, fields, replace

from skbseq._checks import check_choice
from skbseq.exceptions import InvalidLogError

DECIMALS = (".", ",")
THOUSANDS = (",", ".", " ", "'", "_")
# Text before it is decoded, and cells before they are typed.
TEXT_OPTIONS = ("encoding", "separator", "decimal", "thousands", "na_values", "names")


@dataclass(frozen=True)
class ReadOptions:
    """How a log file was written. None: recognised from the file.

    Parameters
    ----------
    encoding : str, default=None
        Encoding of the text.
    separator : str, default=None
        What stands between two cells of a line. A space stands for runs of spaces.
    decimal : {".", ","}, default=None
        Decimal mark of numbers.
    thousands : {",", ".", " ", "'", "_"}, default=None
        Mark between groups of three digits.
    na_values : list of str or dict of str to list of str, default=None
        Cells that are missing besides empty ones, in all columns or by column.
    names : list of str, default=None
        Names of the columns of a file without a header line.
    stored : tuple of str, default=()
        Options that come from a saved model. They are ignored by formats without such an option.

    Raises
    ------
    ValueError
        If an option is invalid.
    TypeError
        If ``na_values`` or ``names`` has the wrong type.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    na_values: list | dict | None = None
    names: list | None = None
    stored: tuple = ()

    def __post_init__(self):
        _check_encoding(self.encoding)
        _check_separator(self.separator)
        for name, choices in (("decimal", DECIMALS), ("thousands", THOUSANDS)):
            if getattr(self, name) is not None:
                check_choice(name, getattr(self, name), choices)
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(
                f"decimal and thousands are both {self.decimal!r}. Pass different marks."
            )
        _check_na_values(self.na_values)
        _check_names(self.names)

    @property
    def given(self):
        """Names of the options that are set."""
        return [
            f.name
            for f in fields(self)
            if f.name != "stored" and getattr(self, f.name) is not None
        ]

    def to_dict(self):
        """The options that are set, by name."""
        return {name: getattr(self, name) for name in self.given}

    def only(self, allowed, what):
        """These options for a source that has only some of them.

        Raises
        ------
        InvalidLogError
            If another one was given, rather than stored.
        """
        extra = [name for name in self.given if name not in allowed]
        wrong = [name for name in extra if name not in self.stored]
        if wrong:
            raise InvalidLogError(
                f"{wrong[0]}={getattr(self, wrong[0])!r} describes a text file, but {what}. "
                f"Leave {wrong[0]} out."
            )
        return replace(self, **dict.fromkeys(extra))

    def missing_in(self, column):
        """Cells of a column that are missing, and whether only these and empty ones are."""
        given = self.na_values
        if isinstance(given, dict):
            given = given.get(column)
        return tuple(given or ()), given is not None and len(given) == 0


def _check_encoding(encoding):
    if encoding is None:
        return
    try:
        codecs.lookup(encoding)
        "".encode(encoding)  # refuses codecs of bytes, such as hex
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"encoding={encoding!r} is not an encoding that Python knows. Pass one such as "
            "'utf-8', 'gb18030', 'cp1252' or 'utf-16'."
        ) from error


def _check_separator(separator):
    if separator is None:
        return
    odd = not isinstance(separator, str) or not separator
    if odd or any(c.isalnum() or c in '"\r\n' for c in separator):
        raise ValueError(
            f"separator must be a string such as ',', ';', '\\t' or '|'; got {separator!r}."
        )


def _check_na_values(given):
    lists = list(given.values()) if isinstance(given, dict) else [given]
    for each in [] if given is None else lists:
        whole = isinstance(each, (list, tuple)) and all(isinstance(cell, str) for cell in each)
        if not whole:
            raise TypeError(
                "na_values must be a list of strings, such as ['NA'], or a dict with such a list "
                f"by column; got {given!r}."
            )


def _check_names(names):
    if names is None:
        return
    whole = isinstance(names, (list, tuple)) and all(isinstance(n, str) and n for n in names)
    if not whole or not names:
        raise TypeError(f"names must be a list of strings, one per column; got {names!r}.")
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise ValueError(f"names holds {twice[0]!r} twice. Give each column its own name.")
