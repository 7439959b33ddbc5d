"""CDNOW: the orders of a cohort of customers of a CD shop."""

import io

import numpy as np

from skbseq.datasets._fetch import Source, fetch
from skbseq.datasets._formats import to_dates
from skbseq.exceptions import InvalidLogError

__all__ = ["fetch_cdnow"]

_FIELDS = [("customer_id", "i8"), ("day", "i8"), ("cds", "i8"), ("amount", "f8")]


def _parse(data, name):
    """Columns separated by blanks: customer, day, number of CDs, dollars."""
    if not data.strip():
        raise InvalidLogError(f"{name} is empty.")
    try:
        rows = np.loadtxt(io.BytesIO(data), dtype=_FIELDS, ndmin=1)
    except ValueError as error:
        raise InvalidLogError(f"{name} cannot be read as four columns: {error}") from error
    day = rows["day"]
    date = to_dates(day // 10000, day // 100 % 100, day % 100)
    kept = ("customer_id", "cds", "amount")
    return {column: rows[column] for column in kept} | {"date": date}


_DESCR = """\
CDNOW
-----

:Events: 69,659 orders, 1997-01-01 to 1998-06-30
:Users: 23,570 customers of a CD shop, all with their first order in the first quarter of 1997
:Columns: customer_id, date, cds (number of CDs), amount (dollars)
:Source: {source.url}
:Licence: {source.licence}
:Cite: {source.citation}

The usual task is to train on the first 39 weeks and to predict orders or spend in the following 39
weeks. Dates have no time of day, and a customer may place two equal orders on a day. They look
like duplicates; ``EventLog.clean(duplicates=None)`` keeps these 255 orders.
"""

_SOURCE = Source(
    name="cdnow",
    title="CDNOW",
    licence="none stated by the source; made public for research",
    citation="P. S. Fader and B. G. S. Hardie, Forecasting repeat sales at CDNOW: a case study, "
    "Interfaces 31(3), part 2, 2001, S94-S107",
    url="http://www.brucehardie.com/datasets/CDNOW_master.zip",
    filename="CDNOW_master.zip",
    member=r"cdnow_master\.txt|.*\.parquet",
    parse=_parse,
    types={"customer_id": "int32", "date": "time", "cds": "int32", "amount": "double"},
    n_rows=69_659,
    roles={"user": "customer_id", "time": "date"},
    descr=_DESCR,
    # Digest of `CDNOW_master.txt`, as published by others and as rebuilt from a Parquet copy.
    sha256="61fd6f7bf3497187a7ec0d9ff6a99b7568f1fe911a9f3665e02efecd6b34ed07",
)


def fetch_cdnow(
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
    """Load CDNOW: the orders of a cohort of customers of a CD shop over a year and a half.

    The first call downloads the data (less than 1 MB); later calls read them from `data_home`.
    Typical tasks: repeat orders, and spend over the second 39 weeks.

    Parameters
    ----------
    data_home : str or os.PathLike, default=None
        Folder for data sets. None: the environment variable ``SKBSEQ_DATA`` if it is set, else
        ``~/skbseq_data``.
    path : str or os.PathLike, default=None
        A local copy to read instead: `CDNOW_master.zip`, the text in it, or Parquet with the
        columns below. `data_home` is then ignored.
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
    cdnow : :class:`~sklearn.utils.Bunch`
        events : pandas, polars or pyarrow table
            One row per order: `customer_id`, `date`, `cds` and `amount`.
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
    The download is not encrypted, so the text in the zip is checked against a known SHA-256. The
    SHA-256 of the zip is stored at the first download and checked at each later call. Pass
    `checksum` to require a certain zip, or to accept a new edition.

    Examples
    --------
    A local copy, here of two orders:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skbseq.datasets import fetch_cdnow
    >>> with TemporaryDirectory() as folder:
    ...     copy = Path(folder, "CDNOW_master.txt")
    ...     _ = copy.write_text(" 00001 19970101  1   11.77\\n 00002 19970112  5   77.00\\n")
    ...     cdnow = fetch_cdnow(path=copy)
    >>> cdnow.events
       customer_id       date  cds  amount
    0            1 1997-01-01    1   11.77
    1            2 1997-01-12    5   77.00
    >>> cdnow.roles
    {'user': 'customer_id', 'time': 'date'}
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
