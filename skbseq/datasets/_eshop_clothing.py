"""The clickstream of a shop for maternity clothes."""

import numpy as np

from skbseq import _frames
from skbseq.datasets._fetch import CC_BY, Source, fetch
from skbseq.datasets._formats import check_rows, rename_columns, to_dates

__all__ = ["fetch_eshop_clothing"]

_NAMES = {
    "session_id": "session ID",
    "click": "order",
    "country": "country",
    "category": "page 1 (main category)",
    "model": "page 2 (clothing model)",
    "colour": "colour",
    "location": "location",
    "photography": "model photography",
    "price": "price",
    "price_above_category_mean": "price 2",
    "page": "page",
    "year": "year",
    "month": "month",
    "day": "day",
}
# Meaning of the codes 1, 2, ... of a column, from the description that comes with the file.
_CODES = {
    "category": ["trousers", "skirts", "blouses", "sale"],
    "colour": [
        *("beige", "black", "blue", "brown", "burgundy", "gray", "green", "navy blue"),
        *("of many colors", "olive", "pink", "red", "violet", "white"),
    ],
    "photography": ["en face", "profile"],
    "price_above_category_mean": [True, False],
}
# The catalogue has no B18. It is sorted as text, because Parquet copies number it in this order.
_MODELS = sorted(
    f"{letter}{number}"
    for letter, last in {"A": 43, "B": 34, "C": 59, "P": 82}.items()
    for number in range(1, last + 1)
    if (letter, number) != ("B", 18)
)


def _parse(data, name):
    """CSV with semicolons and codes in most columns."""
    columns = rename_columns(_frames.parse_csv(data, delimiter=";"), _NAMES)
    parts = [_whole_numbers(columns.pop(part), part) for part in ("year", "month", "day")]
    columns["date"] = to_dates(*parts)
    for column, meanings in _CODES.items():
        codes = _whole_numbers(columns[column], column) - 1
        columns[column] = _look_up(codes, meanings, column)
    model = _frames.index_in(columns["model"], _frames.make_array(_MODELS))
    check_rows(model >= 0, columns["model"], "model", "is in the catalogue, such as A13")
    return columns | {"model": model + 1}


def _whole_numbers(column, name):
    numbers = _frames.cast_columns({name: column}, {name: "int64"})[name]
    check_rows(~_frames.is_missing(numbers), column, name, "is a whole number")
    return numbers.to_numpy()


def _look_up(codes, meanings, name):
    inside = (codes >= 0) & (codes < len(meanings))
    check_rows(inside, codes + 1, name, f"is 1 to {len(meanings)}")
    return np.array(meanings, dtype=object)[codes]


def _to_events(table):
    columns = {name: table[name] for name in table.column_names}
    day = _frames.time_ticks(_frames.as_array(table["date"]))[0]
    click = table["click"].to_numpy().astype(np.int64)
    time = _frames.time_array(day + 1_000_000 * click, unit="us")
    rows = _numbers_of_models(table["model"]) - 1
    columns["model"] = _frames.take(_frames.make_array(_MODELS), rows)
    return {"session_id": columns.pop("session_id"), "time": time} | columns


def _numbers_of_models(column):
    number = _whole_numbers(column, "model")
    inside = (number >= 1) & (number <= len(_MODELS))
    check_rows(inside, number, "model", f"is 1 to {len(_MODELS)}")
    return number


_DESCR = """\
Clickstream Data for Online Shopping
------------------------------------

:Events: 165,474 clicks, April to August 2008
:Users: 24,026 sessions of a Polish shop for maternity clothes; sessions of a person are not linked
:Columns: session_id, time, date, click (1, 2, ... in the session), country (a code; 29 is
    Poland), category, model (of 217), colour, location (of the photo: a sixth of the page),
    photography, price (dollars), price_above_category_mean, page (of the shop)
:Source: {source.url}
:Licence: {source.licence}
:Cite: {source.citation}

The source has the day and the order of the clicks, but no time of day. `time` is made up: the day,
and one second per click. It only represents the day and the order within a session, so do not use
gaps or hours as features.
"""

_SOURCE = Source(
    name="eshop_clothing",
    title="Clickstream Data for Online Shopping",
    licence=CC_BY,
    citation="M. Łapczyński and S. Białowąs, Discovering patterns of users' behaviour in an "
    "e-shop, Studia Ekonomiczne 151, 2013, 144-153, https://doi.org/10.24432/C5QK7X",
    url="https://archive.ics.uci.edu/static/public/553/clickstream+data+for+online+shopping.zip",
    filename="clickstream_data_for_online_shopping.zip",
    member=r".*\.(csv|parquet)",
    parse=_parse,
    types={
        "session_id": "int32",
        "date": "time",
        "click": "int32",
        "country": "int32",
        "category": "string",
        "model": "int32",
        "colour": "string",
        "location": "int32",
        "photography": "string",
        "price": "double",
        "price_above_category_mean": "bool",
        "page": "int32",
    },
    n_rows=165_474,
    roles={"user": "session_id", "time": "time", "behavior": "category", "product": "model"},
    descr=_DESCR,
    to_events=_to_events,
    # Digest of `e-shop clothing 2008.csv`, rebuilt from a Parquet copy. Its size and MD5 match
    # those that others published (6,675,312 bytes, fd68cf573fa635e6b43302f794d837dc).
    sha256="fcc167bbd0badd4c9685bd8543097e318f8228e48075335db7cd781cee88115d",
)


def fetch_eshop_clothing(
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
    """Load the clickstream of a shop for maternity clothes, click by click.

    The first call downloads the data (about 1 MB); later calls read them from `data_home`.
    Typical tasks: next product or category, length of a session, country.

    Parameters
    ----------
    data_home : str or os.PathLike, default=None
        Folder for data sets. None: the environment variable ``SKBSEQ_DATA`` if it is set, else
        ``~/skbseq_data``.
    path : str or os.PathLike, default=None
        A local copy to read instead: the zip of the repository, the CSV in it, or Parquet with
        the columns below except `time`, with models as numbers. `data_home` is then ignored.
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
    clothing : :class:`~sklearn.utils.Bunch`
        events : pandas, polars or pyarrow table
            One row per click: `session_id`, `time` (made up: the day, and one second per
            click), `date`, `click`, `country`, `category`, `model`, `colour`, `location`,
            `photography`, `price`, `price_above_category_mean` and `page`.
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
    The CSV in the zip is checked against a known SHA-256. The repository may repack the zip, so
    its SHA-256 is stored at the first download and checked at each later call. Pass `checksum` to
    require a certain zip, or to accept a new edition.

    Examples
    --------
    A local copy, here of two clicks:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skbseq.datasets import fetch_eshop_clothing
    >>> text = (
    ...     "year;month;day;order;country;session ID;page 1 (main category);"
    ...     "page 2 (clothing model);colour;location;model photography;price;price 2;page\\n"
    ...     "2008;4;1;1;29;1;1;A13;1;5;1;28;2;1\\n"
    ...     "2008;4;1;2;29;1;1;A16;1;6;1;33;2;1\\n"
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     copy = Path(folder, "clothing.csv")
    ...     _ = copy.write_text(text)
    ...     clothing = fetch_eshop_clothing(path=copy)
    >>> clothing.events[["session_id", "time", "category", "model", "colour", "price"]]
       session_id                time  category model colour  price
    0           1 2008-04-01 00:00:01  trousers   A13  beige   28.0
    1           1 2008-04-01 00:00:02  trousers   A16  beige   33.0
    >>> clothing.roles
    {'user': 'session_id', 'time': 'time', 'behavior': 'category', 'product': 'model'}
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
