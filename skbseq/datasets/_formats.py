"""Helpers shared by the parsers of data sets: archives, columns, rows, dates."""

import gzip
import io
import re
import zipfile
import zlib

import numpy as np

from skbseq.exceptions import InvalidLogError


def unpack(data, name, wanted):
    """The data file inside archives, which may be nested.

    Parameters
    ----------
    data : bytes
    name : str
        Name of the file; its extension determines the format.
    wanted : str
        Pattern of the whole name, in lower case, of the file to extract from a zip archive.

    Returns
    -------
    data : bytes
    name : str
        Name of the extracted file, in lower case.
    """
    name = name.lower()
    try:
        while name.endswith((".zip", ".gz")):
            if name.endswith(".zip"):
                data, name = _unzip(data, name, wanted)
            else:
                data, name = gzip.decompress(data), name.removesuffix(".gz")
    except (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise InvalidLogError(f"{name} is not a complete archive ({error}).") from error
    return data, name


def _unzip(data, name, wanted):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: info.filename.lower() for info in archive.infolist()}
        for member, path in members.items():
            inner = path.rpartition("/")[2]
            if re.fullmatch(wanted, inner.removesuffix(".gz")):
                return archive.read(member), inner
    raise InvalidLogError(f"{name} holds no file such as {wanted!r}; found {', '.join(members)}.")


def rename_columns(table, names):
    """Columns by their new names.

    Parameters
    ----------
    table : pyarrow.Table
    names : dict of str to str
        Old name by new name.
    """
    missing = [old for old in names.values() if old not in table.column_names]
    if missing:
        found = ", ".join(map(repr, table.column_names))
        raise InvalidLogError(f"Column {missing[0]!r} is missing; found {found}.")
    return {new: table[old] for new, old in names.items()}


def check_rows(fits, values, name, rule):
    """Raise an error that names the first row that violates a rule."""
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        value = values[row].item() if isinstance(values, np.ndarray) else values[row].as_py()
        raise InvalidLogError(
            f"Column {name!r} holds {value!r} in row {row}; expected a value that {rule}."
        )


def to_dates(year, month, day):
    """Dates from years, months and days of the month."""
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    # A day such as February 30 gives a date in another month.
    true = (month >= 1) & (month <= 12) & (day >= 1) & (dates.astype("datetime64[M]") == months)
    check_rows(true, year * 10000 + month * 100 + day, "date", "is a day of the calendar")
    return dates.astype("datetime64[us]")
