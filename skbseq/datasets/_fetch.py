"""Download data sets on request into a folder of the user; nothing else uses the network.

A file is stored only after it was received completely, checked and parsed. The folder of a data
set holds, in the order of writing: the original file, its contents as Parquet, and a note with the
digests of both. So a reader finds matching files at any moment, or downloads them again.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from skbseq import _frames
from skbseq._checks import check_count, check_flag, is_real, shown
from skbseq._files import replacing
from skbseq.datasets._bunch import LogBunch
from skbseq.datasets._formats import unpack
from skbseq.exceptions import InvalidLogError

CC_BY = "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/"

_TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 18
_NOTE = "download.json"
# Increase it when a parser changes its columns. Contents written by an older one are parsed again.
_READER = 1


def _unchanged(table):
    return {name: table[name] for name in table.column_names}


@dataclass(frozen=True)
class Source:
    """Source of a data set, and its expected contents.

    Parameters
    ----------
    name : str
        Name of its folder.
    title, licence, citation : str
        For the notice.
    url : str
    filename : str
        Name under which the file is stored.
    member : str
        Pattern of the name of the data file inside archives, in lower case.
    parse : callable
        Makes columns from the bytes and the name of the data file.
    types : dict of str to str
        Columns and types, see `_frames.cast_columns`.
    n_rows : int
        Number of rows of the complete data set.
    roles : dict of str to str
        For EventLog.
    descr : str
        Template of the description, with fields of the source.
    to_events : callable
        Makes the columns of the events from the table in these types.
    sha256 : str or None
        Digest of the data file inside archives, because repositories sometimes repack them. None
        if no trustworthy digest has been published.
    """

    name: str
    title: str
    licence: str
    citation: str
    url: str
    filename: str
    member: str
    parse: Callable
    types: dict
    n_rows: int
    roles: dict
    descr: str
    to_events: Callable = _unchanged
    sha256: str | None = None

    def read(self, data, name):
        """The table in a file of this data set, and the digest of the data file inside."""
        try:
            content, inner = unpack(data, name, self.member)
            digest = _sha256(content)
            parquet = inner.endswith((".parquet", ".pq"))
            columns = _frames.parse_parquet(content) if parquet else self.parse(content, inner)
            return _frames.cast_columns(columns, self.types), digest
        except ValueError as error:
            raise InvalidLogError(f"Cannot read {name!r} as {self.title}: {error}") from error


@dataclass(frozen=True)
class Options:
    """The common parameters of the fetch functions."""

    data_home: str | os.PathLike | None
    path: str | os.PathLike | None
    download_if_missing: bool
    n_retries: int
    delay: float
    checksum: str | None
    verbose: int

    def check(self):
        """Refuse invalid values."""
        _check_path("data_home", self.data_home)
        _check_path("path", self.path)
        check_flag("download_if_missing", self.download_if_missing)
        check_count("n_retries", self.n_retries, least=0)
        if not is_real(self.delay) or not 0 <= self.delay < float("inf"):
            raise ValueError(
                f"delay must be a number of seconds of at least 0; got {shown(self.delay)}."
            )
        checksum = self.checksum
        if checksum is not None and not (
            isinstance(checksum, str) and re.fullmatch(r"[0-9a-fA-F]{64}", checksum)
        ):
            raise ValueError(
                f"checksum must be a SHA-256 of 64 hex digits; got {shown(checksum)}."
            )
        if not isinstance(self.verbose, (bool, np.bool_)):
            check_count("verbose", self.verbose, least=0)

    def say(self, message):
        """Print a message, unless ``verbose`` is 0."""
        if self.verbose:  # to stderr, so that piped output stays clean
            print(message, file=sys.stderr)


def _check_path(name, path):
    if path is None:
        return
    try:
        text = os.fspath(path)
        right = isinstance(text, str) and "\0" not in text and bool(os.fsencode(text))
    except (TypeError, UnicodeEncodeError):
        right = False
    if not right:
        raise ValueError(f"{name} must be a path, a string or os.PathLike; got {shown(path)}.")


def fetch(source, *, output, **options):
    """A data set as the Bunch that the fetch functions return; see there for the parameters."""
    if not isinstance(output, str) or output not in ("pandas", "polars", "pyarrow"):
        raise ValueError(f"output must be 'pandas', 'polars' or 'pyarrow'; got {shown(output)}.")
    table, path = load(source, Options(**options))
    return LogBunch(
        events=_frames.frame_from_columns(source.to_events(table), like=output),
        roles=dict(source.roles),
        DESCR=source.descr.format(source=source),
        url=source.url,
        path=str(path),
    )


def load(source, options):
    """Load a data set from a local copy, from the folder of data sets, or from the network.

    Returns
    -------
    table : pyarrow.Table
    path : pathlib.Path
        The file that it came from.
    """
    options.check()
    if options.path is not None:
        return _load_copy(source, Path(options.path).expanduser(), options.checksum)
    folder = _data_home(options.data_home) / source.name
    path = folder / source.filename
    note = _read_note(folder)
    wanted = options.checksum.lower() if options.checksum else note.get("sha256")
    # From fast to slow: the parsed contents, the original file, the network.
    table = _load_parsed(source, folder, note, wanted)
    if table is None:
        table = _load_raw(source, path, note, wanted, options)
    if table is None:
        table = _download(source, path, wanted, options)
    return table, path


def _data_home(data_home):
    home = data_home or os.environ.get("SKBSEQ_DATA") or Path("~", "skbseq_data")
    return Path(home).expanduser()


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


# ------------------------------------------------------------------ local files


def _load_copy(source, path, checksum):
    if not path.is_file():
        raise FileNotFoundError(
            f"No file {str(path)!r}. path= must be a local copy of {source.title}: the file from "
            f"{source.url} or its contents as Parquet."
        )
    data = path.read_bytes()
    if checksum and _sha256(data) != checksum.lower():
        raise OSError(
            f"{path} has the SHA-256 {_sha256(data)}, not {checksum.lower()} as checksum= "
            "requires. It is another file or damaged."
        )
    return source.read(data, path.name)[0], path


def _read_note(folder):
    """The note stored at the download; empty if it does not exist or is invalid."""
    try:
        note = json.loads((folder / _NOTE).read_bytes())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _load_parsed(source, folder, note, wanted):
    """The contents as Parquet if they match the note, otherwise None."""
    if note.get("reader") != _READER or note.get("sha256") != wanted:
        return None
    try:
        data = (folder / f"{source.name}.parquet").read_bytes()
    except OSError:
        return None
    # Parse the checked bytes instead of reading the file again, which may be replaced meanwhile.
    return _frames.parse_parquet(data) if _sha256(data) == note.get("parsed_sha256") else None


def _load_raw(source, path, note, wanted, options):
    """The contents of the original file, also if the user put it there; None to download it."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if wanted is not None and _sha256(data) != wanted:
        if not options.download_if_missing:
            raise OSError(
                f"{path} has the SHA-256 {_sha256(data)}, not {wanted}: it is damaged or another "
                "edition. Delete it, or allow download_if_missing."
            )
        options.say(f"{path} is damaged or another edition; it is downloaded again.")
        return None
    table = _read_checked(source, data, path.name, wanted, options.checksum)
    try:
        _store(source, path, table, _sha256(data), fetched=note.get("fetched"))
    except OSError:
        pass  # the folder may be read-only; then the next call only takes longer
    return table


def _read_checked(source, data, name, wanted, checksum):
    """The table in a file, after a check that it is the complete data set."""
    digest = _sha256(data)
    if wanted is not None and digest != wanted:
        by = "as checksum= requires" if checksum else "as at the first download"
        raise OSError(
            f"{name} from {source.url} has the SHA-256 {digest}, not {wanted} {by}. It is "
            "damaged or a new edition, and was not kept. To accept it, pass "
            f"checksum='{digest}'."
        )
    try:
        table, inner = source.read(data, name)
    except InvalidLogError as error:
        raise OSError(
            f"{name} from {source.url} has unexpected contents, and was not kept. {error}"
        ) from error
    if wanted is not None:  # accepted before, or pinned
        return table
    advice = f"To accept it, pass checksum='{digest}'."
    if source.sha256 not in (None, inner):
        raise OSError(
            f"The data in {name} have the SHA-256 {inner}, not {source.sha256} as published. "
            f"They are damaged or a new edition. {advice}"
        )
    if table.num_rows != source.n_rows:
        raise OSError(
            f"{name} holds {table.num_rows:,} rows, not {source.n_rows:,} as {source.title} has. "
            f"It is cut off or a new edition. {advice}"
        )
    return table


def _store(source, path, table, digest, fetched):
    """Store the contents next to the file, and then the note about both."""
    # The note comes last: without it, a reader does not trust the other two files.
    parsed = _frames.format_parquet(table)
    _put(path.with_name(f"{source.name}.parquet"), parsed)
    note = {
        "url": source.url,
        "fetched": fetched,
        "sha256": digest,
        "parsed_sha256": _sha256(parsed),
        "reader": _READER,
    }
    _put(path.with_name(_NOTE), json.dumps(note, indent=1).encode())


def _put(path, data):
    with replacing(path) as temporary:
        temporary.write_bytes(data)


# ------------------------------------------------------------------ the network


class _NoAnswer(OSError):
    """The network or the server failed; `passing` is True if a retry may help."""

    def __init__(self, message, *, passing):
        super().__init__(message)
        self.passing = passing


def _download(source, path, wanted, options):
    if not options.download_if_missing:
        raise OSError(
            f"{source.title} is not in {path.parent}, and download_if_missing=False. "
            f"{_by_hand(source, path)}"
        )
    part_folder = _make_part_folder(path.parent)
    try:
        part = part_folder / path.name
        options.say(_NOTICE.format(source=source, folder=path.parent))
        _try_to_stream(source, part, path, options)
        data = part.read_bytes()
        table = _read_checked(source, data, path.name, wanted, options.checksum)
        os.replace(part, path)
        _store(source, path, table, _sha256(data), fetched=date.today().isoformat())
    finally:
        shutil.rmtree(part_folder, ignore_errors=True)
    return table


_NOTICE = """\
Downloading {source.title} from {source.url}
to {folder}.
Licence: {source.licence}
Please cite: {source.citation}"""


def _by_hand(source, path):
    return (
        f"Without a network: download {source.url} on another machine and save it as {path}, or "
        "pass its path as path=; data_home= and the environment variable SKBSEQ_DATA set "
        "another folder."
    )


def _make_part_folder(folder):
    """A folder for this download only, so that parallel downloads do not interfere."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # On the target's file system, where the final rename is atomic.
        return Path(tempfile.mkdtemp(dir=folder, prefix=".part-"))
    except OSError as error:
        raise OSError(
            f"Cannot write to {folder} ({error.strerror or error}). Choose another folder by "
            "data_home= or the environment variable SKBSEQ_DATA."
        ) from error


def _try_to_stream(source, part, path, options):
    for left in range(options.n_retries, -1, -1):
        try:
            return _stream(source, part, options)
        except _NoAnswer as error:
            if not error.passing or not left:
                raise OSError(
                    f"Cannot download {source.title} from {source.url}: {error} "
                    f"{_by_hand(source, path)}"
                ) from error
            options.say(f"{error} Trying again ({left} left).")
            time.sleep(options.delay)


def _stream(source, part, options):
    request = Request(source.url, headers={"User-Agent": "skbseq"})
    with _ask(urlopen, request, timeout=_TIMEOUT) as response, open(part, "wb") as file:
        length = response.headers.get("Content-Length")  # not every server sends it
        size = int(length) if length and length.isdigit() else None
        received = 0
        with _progress(options.verbose) as progress:
            task = progress.add_task(source.filename, total=size)
            while chunk := _ask(response.read, _CHUNK):
                file.write(chunk)
                received += len(chunk)
                progress.update(task, completed=received)
    if size is not None and received != size:
        raise _NoAnswer(f"Only {received:,} of {size:,} bytes were received.", passing=True)


def _ask(call, *args, **kwargs):
    """Call a network function, and turn its errors into `_NoAnswer`, unlike those of the disk."""
    try:
        return call(*args, **kwargs)
    except HTTPError as error:
        with error:
            # Server errors, a request timeout, and too many requests.
            passing = error.code >= 500 or error.code in (408, 429)
            raise _NoAnswer(
                f"The server answered {error.code} {error.reason}.", passing=passing
            ) from error
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
        raise _NoAnswer(f"No answer ({why or type(error).__name__}).", passing=True) from error


def _progress(verbose):
    """A progress bar on a terminal; elsewhere only on request, because it would fill a log."""
    console = Console(stderr=True)
    shown = verbose > 1 or (verbose and console.is_terminal)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not shown,
    )
