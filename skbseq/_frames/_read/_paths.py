"""The files that a path, a list, a folder or a pattern names."""

import glob
import os
from dataclasses import dataclass, field
from urllib.parse import unquote

from skbseq._frames._read._containers import is_log_name
from skbseq.exceptions import InvalidLogError

_MISSING_PART = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class LogFile:
    """A file of a log, and the values that the folders above it give to all of its rows."""

    path: str
    parts: dict = field(default_factory=dict)


def is_source(source):
    """Whether this names files: a path, or a list of paths."""
    if isinstance(source, (list, tuple)):
        return len(source) > 0 and all(isinstance(each, (str, os.PathLike)) for each in source)
    return isinstance(source, (str, os.PathLike))


def find_files(source):
    """The files of a source, in the order of the list or of their names.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or a pattern or folder has none.
    InvalidLogError
        If a folder holds a file that is no log.
    """
    if isinstance(source, (list, tuple)):
        return [file for each in source for file in find_files(each)]
    path = os.fspath(source)
    if os.path.isdir(path):
        return _in_folder(path)
    if os.path.exists(path):
        return [LogFile(path)]
    if glob.has_magic(path):
        found = sorted(glob.glob(path, recursive=True))
        if not found:
            raise FileNotFoundError(f"No file matches {path!r}. Give the path of a log file.")
        return [file for each in found for file in find_files(each)]
    raise FileNotFoundError(f"No file {path!r}. Give the path of a CSV or Parquet file.")


def _in_folder(folder):
    files = []
    for here, inner, names in os.walk(folder):
        # As Spark does: its own files begin with these.
        inner[:] = sorted(name for name in inner if not name.startswith((".", "_")))
        for name in sorted(n for n in names if not n.startswith((".", "_"))):
            path = os.path.join(here, name)
            if not is_log_name(path):
                ending = next((os.path.splitext(n)[1] for n in names if is_log_name(n)), ".csv")
                raise InvalidLogError(
                    f"{path!r} in the folder is no log by its ending. Take it out, or pass a "
                    f"pattern of the log's files, such as {os.path.join(folder, '*' + ending)!r}."
                )
            files.append(LogFile(path, _parts(os.path.relpath(here, folder))))
    if not files:
        raise FileNotFoundError(f"The folder {folder!r} holds no log file.")
    return files


def _parts(relative):
    """Values in the names of folders such as ``year=2026``."""
    pairs = [name.partition("=") for name in relative.split(os.sep)]
    return {
        unquote(key): None if value == _MISSING_PART else unquote(value)
        for key, mark, value in pairs
        if mark and key
    }
