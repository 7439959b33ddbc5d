"""A day of page views at msnbc.com."""

import numpy as np

from skbseq import _frames
from skbseq._sequences import offsets_of
from skbseq.datasets._fetch import CC_BY, Source, fetch
from skbseq.exceptions import InvalidLogError

__all__ = ["fetch_msnbc"]

_PAGES = (
    "frontpage news tech local opinion on-air misc weather msn-news health living business "
    "msn-sports sports summary bbs travel"
).split()
_BEFORE_SESSIONS = b"% Sequences:"
_NEWLINE, _BLANKS = ord("\n"), [ord(blank) for blank in "\t\n\r "]


def _parse(data, name):
    """One session per line, as numbers of page categories.

    Nearly five million page views are parsed as one array of bytes; numbers have one or two
    digits.
    """
    head, found, body = data.partition(_BEFORE_SESSIONS)
    if not found:
        raise InvalidLogError(f"{name} has no line that begins with '% Sequences:'.")
    # Two more bytes, so that the two bytes after a number always exist.
    text = np.frombuffer(body + b"\n\n", np.uint8)
    digit = (text >= ord("0")) & (text <= ord("9"))
    starts = np.flatnonzero(digit & ~np.append(False, digit[:-1]))
    code = _read_numbers(text, digit, starts)
    line = np.cumsum(text == _NEWLINE)
    odd = ~digit & ~np.isin(text, _BLANKS)
    odd[starts[(code < 1) | (code > len(_PAGES))]] = True
    if odd.any():
        number = head.count(b"\n") + int(line[odd.argmax()]) + 1
        raise InvalidLogError(
            f"Line {number} of {name} holds something other than page categories from 1 to "
            f"{len(_PAGES)}, separated by blanks."
        )
    lengths = np.bincount(line[starts])
    pages = _frames.take(_frames.make_array(_PAGES), code - 1)
    lists = _frames.Lists(pages, offsets_of(lengths[lengths > 0]))
    return {"page": lists.to_arrow()}


def _read_numbers(text, digit, starts):
    """The numbers that begin at these bytes, 0 for one of more than two digits."""
    values = text.astype(np.int64) - ord("0")
    two = digit[starts + 1]
    number = np.where(two, 10 * values[starts] + values[starts + 1], values[starts])
    return np.where(two & digit[starts + 2], 0, number)


def _to_events(table):
    pages = _frames.to_lists(table["page"], "page")
    lengths = pages.lengths
    session = np.repeat(np.arange(1, len(lengths) + 1, dtype=np.int32), lengths)
    step = np.arange(1, len(session) + 1) - np.repeat(pages.offsets[:-1], lengths)
    midnight = np.datetime64("1999-09-28", "us").astype(np.int64)
    return {
        "session_id": session,
        "step": step.astype(np.int32),
        "time": _frames.time_array(midnight + 1_000_000 * step, unit="us"),
        "page": pages.values,
    }


_DESCR = """\
MSNBC.com Anonymous Web Data
----------------------------

:Events: 4,698,794 page views on 28 September 1999
:Users: 989,818 sessions, half of them of one or two views, some of thousands
:Columns: session_id, step (1, 2, ... in the session), time, page (one of 17 categories)
:Source: {source.url}
:Licence: {source.licence}
:Cite: {source.citation}

The source has the order of the views but no times. `time` is made up: midnight, and one second per
view. It only represents the order within a session. All sessions begin at the same time, so do not
split by time, and do not use gaps or hours as features.

See also I. Cadez, D. Heckerman, C. Meek, P. Smyth and S. White, Model-based clustering and
visualization of navigation patterns on a web site, Data Mining and Knowledge Discovery 7, 2003,
399-424.
"""

_SOURCE = Source(
    name="msnbc",
    title="MSNBC.com Anonymous Web Data",
    licence=CC_BY,
    citation="D. Heckerman, MSNBC.com Anonymous Web Data [data set], UCI Machine Learning "
    "Repository, https://doi.org/10.24432/C5390X",
    url="https://archive.ics.uci.edu/static/public/133/msnbc+com+anonymous+web+data.zip",
    filename="msnbc_com_anonymous_web_data.zip",
    member=r".*\.(seq|parquet)",
    parse=_parse,
    types={"page": "list"},
    n_rows=989_818,
    roles={"user": "session_id", "time": "time", "behavior": "page"},
    descr=_DESCR,
    to_events=_to_events,
)


def fetch_msnbc(
    *,
    data_home=None,
    path=None,
    output="pandas",
    download_if_missing=True,
    n_retries=3,
    delay=1.0,
    checksum=None,
    verbose=1,
):
    """Load a day of msnbc.com: the pages viewed in a million sessions, in order.

    The first call downloads the data (a few MB); later calls read them from `data_home`.
    Typical tasks: next page, end of a session, and benchmarks with realistic lengths.

    Parameters
    ----------
    data_home : str or os.PathLike, default=None
        Folder for data sets. None: the environment variable ``SKBSEQ_DATA`` if it is set, else
        ``~/skbseq_data``.
    path : str or os.PathLike, default=None
        A local copy to read instead: the zip of the repository, the file `msnbc990928.seq` in
        it, packed by gzip or not, or Parquet with a list column `page`, one row per session.
        `data_home` is then ignored.
    output : {"pandas", "polars", "pyarrow"}, default="pandas"
        Library of the table.
    download_if_missing : bool, default=True
        False raises an OSError instead of going online.
    n_retries : int, default=3
        Number of retries after a temporary failure.
    delay : float, default=1.0
        Seconds between two attempts.
    checksum : str, default=None
        Required SHA-256 of the zip. None: the one stored at the first download. See Notes.
    verbose : int, default=1
        0: silent. 1: a notice with the licence at the download and, on a terminal, a progress
        bar. 2: the bar always.

    Returns
    -------
    msnbc : :class:`~sklearn.utils.Bunch`
        events : pandas, polars or pyarrow table
            One row per page view: `session_id`, `step`, `time` (made up: midnight, and one
            second per view) and `page`.
        roles : dict
            The columns for :class:`skbseq.EventLog`, by role.
        DESCR : str
            A description, with source, licence and citation.
        url : str
            The source.
        path : str
            The file that was read, or the original of the file that was read.

    Raises
    ------
    OSError
        If the download fails or has unexpected contents; the message says what to do.
    InvalidLogError
        If the file at `path` cannot be read.
    ValueError
        If a parameter has an invalid value.

    Notes
    -----
    No digest of this file has been published. The first download is trusted if it has all 989,818
    sessions. Its SHA-256 is stored and checked at each later call. Pass `checksum` to require a
    certain file, or to accept a new edition.

    Examples
    --------
    A local copy, here of two sessions:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skbseq.datasets import fetch_msnbc
    >>> with TemporaryDirectory() as folder:
    ...     copy = Path(folder, "msnbc.seq")
    ...     _ = copy.write_text("% Sequences:\\n\\n1 1 14\\n2\\n")
    ...     msnbc = fetch_msnbc(path=copy)
    >>> msnbc.events
       session_id  step                time       page
    0           1     1 1999-09-28 00:00:01  frontpage
    1           1     2 1999-09-28 00:00:02  frontpage
    2           1     3 1999-09-28 00:00:03     sports
    3           2     1 1999-09-28 00:00:01       news
    >>> msnbc.roles
    {'user': 'session_id', 'time': 'time', 'behavior': 'page'}
    """
    return fetch(
        _SOURCE,
        data_home=data_home,
        path=path,
        output=output,
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
        checksum=checksum,
        verbose=verbose,
    )
