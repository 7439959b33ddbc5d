"""Online Retail: the invoices of a British gift shop."""

import zipfile

from skbseq import _frames
from skbseq.datasets._fetch import CC_BY, Source, fetch
from skbseq.datasets._formats import rename_columns
from skbseq.exceptions import InvalidLogError

__all__ = ["fetch_online_retail"]

_NAMES = {
    "invoice": "InvoiceNo",
    "stock_code": "StockCode",
    "description": "Description",
    "quantity": "Quantity",
    "invoice_time": "InvoiceDate",
    "unit_price": "UnitPrice",
    "customer_id": "CustomerID",
    "country": "Country",
}


def _parse(data, name):
    """The workbook, or its contents as CSV."""
    try:
        table = _frames.parse_excel(data) if name.endswith(".xlsx") else _frames.parse_csv(data)
    except (zipfile.BadZipFile, KeyError) as error:  # a workbook is a zip of certain members
        raise InvalidLogError(f"{name} is not a complete Excel workbook ({error}).") from error
    return rename_columns(table, _NAMES)


_DESCR = """\
Online Retail
-------------

:Events: 541,909 lines of invoices, 2010-12-01 to 2011-12-09
:Users: 4,372 customers of a British shop for gifts, many of them wholesalers
:Columns: invoice, stock_code, description, quantity, invoice_time, unit_price (pounds),
    customer_id, country
:Source: {source.url}
:Licence: {source.licence}
:Cite: {source.citation}

135,080 lines have no customer_id; EventLog.clean drops and counts them. An invoice whose number
begins with C is a cancellation, and its quantities are negative. 5,268 lines are duplicates. Not
every line is a product: stock codes such as POST, D and M are postage, discounts and corrections.

First used in D. Chen, S. L. Sain and K. Guo, Data mining for the online retail industry: a case
study of RFM model-based customer segmentation using data mining, Journal of Database Marketing
and Customer Strategy Management 19(3), 2012, 197-208.
"""

# The repository's zip only holds an Excel workbook; this is its own CSV of the same data.
_SOURCE = Source(
    name="online_retail",
    title="Online Retail",
    licence=CC_BY,
    citation="D. Chen, Online Retail [data set], UCI Machine Learning Repository, 2015, "
    "https://doi.org/10.24432/C5BW33",
    url="https://archive.ics.uci.edu/static/public/352/data.csv",
    filename="online_retail.csv",
    member=r".*\.(csv|xlsx|parquet)",
    parse=_parse,
    types={
        "invoice": "string",
        "stock_code": "string",
        "description": "string",
        "quantity": "int32",
        "invoice_time": "time",
        "unit_price": "double",
        "customer_id": "id",
        "country": "string",
    },
    n_rows=541_909,
    roles={"user": "customer_id", "time": "invoice_time", "product": "stock_code"},
    descr=_DESCR,
)


def fetch_online_retail(
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
    """Load Online Retail: the invoices of a British gift shop, with its cancellations.

    The first call downloads the data (about 45 MB); later calls read them from `data_home`.
    Typical tasks: repeat purchase, next product, spend.

    Parameters
    ----------
    data_home : str or os.PathLike, default=None
        Folder for data sets. None: the environment variable ``SKBSEQ_DATA`` if it is set, else
        ``~/skbseq_data``.
    path : str or os.PathLike, default=None
        A local copy to read instead: the CSV, the workbook `Online Retail.xlsx` (which needs
        ``pip install 'skbseq[excel]'``), either of them in a zip, or Parquet with the columns
        below. `data_home` is then ignored.
    output : {"pandas", "polars", "pyarrow"}, default="pandas"
        Library of the table.
    download_if_missing : bool, default=True
        False raises an OSError instead of going online.
    n_retries : int, default=3
        Number of retries after a temporary failure.
    delay : float, default=1.0
        Seconds between two attempts.
    checksum : str, default=None
        Required SHA-256 of the file. None: the one stored at the first download. See Notes.
    verbose : int, default=1
        0: silent. 1: a notice with the licence at the download and, on a terminal, a progress
        bar. 2: the bar always.

    Returns
    -------
    retail : :class:`~sklearn.utils.Bunch`
        events : pandas, polars or pyarrow table
            One row per line of an invoice: `invoice`, `stock_code`, `description`, `quantity`,
            `invoice_time`, `unit_price`, `customer_id` (a string, missing in a quarter of the
            rows) and `country`.
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
    No digest of this file has been published. The first download is trusted if it has all 541,909
    rows. Its SHA-256 is stored and checked at each later call. Pass `checksum` to require a
    certain file, or to accept a new edition.

    Examples
    --------
    A local copy, here of two rows:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skbseq.datasets import fetch_online_retail
    >>> text = '''InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
    ... 536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
    ... C536379,D,Discount,-1,12/1/2010 9:41,27.5,14527,United Kingdom'''
    >>> with TemporaryDirectory() as folder:
    ...     copy = Path(folder, "retail.csv")
    ...     _ = copy.write_text(text)
    ...     retail = fetch_online_retail(path=copy)
    >>> retail.events[["invoice", "quantity", "invoice_time", "customer_id"]]
       invoice  quantity        invoice_time customer_id
    0   536365         6 2010-12-01 08:26:00       17850
    1  C536379        -1 2010-12-01 09:41:00       14527
    >>> retail.roles
    {'user': 'customer_id', 'time': 'invoice_time', 'product': 'stock_code'}
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
