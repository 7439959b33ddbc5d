"""Read the files of a log into a table, before roles are known."""

from skbseq import _frames
from skbseq._checks import as_names, check_choice


def read_events(
    source,
    *,
    ids=(),
    encoding=None,
    separator=None,
    decimal=None,
    thousands=None,
    na_values=None,
    names=None,
    library="pandas",
):
    """Read the files of a log into a table, as :class:`EventLog` does.

    Use it to look at a log before the roles of its columns are known.

    Parameters
    ----------
    source : path, list of paths, or table
        A file, several, a folder, or a pattern such as ``logs/*.csv``. Several files must have the
        same columns; folders such as ``year=2026`` become a column. Formats, by ending:

        - text: ``.csv``, ``.tsv``, ``.txt``, ``.dat``, ``.data``
        - ``.parquet``, ``.pq``, ``.feather``, ``.arrow``
        - ``.xlsx``, ``.xlsm`` (first sheet; needs ``pip install skbseq[excel]``)
        - ``.jsonl``, ``.ndjson``, ``.json``: one object per line, or a list of objects

        Each may be compressed: ``.gz``, ``.bz2``, ``.xz``, ``.zst``, or ``.zip`` with one file.
    ids : str or list of str, default=()
        Columns that hold ids. They become integers only if every cell is written like one, and
        words such as NA are values in them. :class:`EventLog` reads users and products like this.
    encoding : str, default=None
        Encoding of the text, such as "gb18030" or "cp1252". None: that of the byte order mark, or
        UTF-8. For other text the error names the likely encoding.
    separator : str, default=None
        What stands between cells: ",", ";", a tab or "|", which are recognised if it is None, or
        any other string. " " stands for runs of spaces.
    decimal : {".", ","}, default=None
        Decimal mark of numbers. None: recognised from each column.
    thousands : {",", ".", " ", "'", "_"}, default=None
        Mark between groups of three digits. None: recognised from each column, except "_".
    na_values : list of str or dict of str to list of str, default=None
        Cells that are missing besides empty ones, in all columns or by column. None: NA, null,
        nan, None and the like are values in columns of text and in ids. In columns that otherwise
        hold numbers, times or booleans they are missing, and a warning counts them. An empty
        list: only empty cells are missing, so that such a column is text.
    names : list of str, default=None
        Names of the columns of a file without a header line. If the first line holds just these
        names, it is the header; a header of other names is an error.
    library : {"pandas", "polars", "pyarrow"}, default="pandas"
        Library of the result.

    Returns
    -------
    table of ``library``
        Digits with a leading zero and integers of more than 64 bits stay text.

    Raises
    ------
    InvalidLogError
        If a file cannot be read, its content is not what its ending says, the encoding, the
        separator or the numbers of a column are ambiguous, or files differ in their columns. The
        message names the option to pass.
    FileNotFoundError
        If there is no such file.

    Warns
    -----
    UserWarning
        If lines above the header or a nameless column of row numbers were left out, words were
        read as missing, a column that looks like numbers stayed text, or a file in UTF-8 is read
        in another encoding.

    Notes
    -----
    Reading that takes more than a second says so on standard error;
    ``logging.getLogger("skbseq").setLevel("WARNING")`` switches that off.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from skbseq import read_events
    >>> path = pathlib.Path(tempfile.mkdtemp(), "orders.csv")
    >>> _ = path.write_text("kunde;wann;betrag\\n007;2026-05-01;1.234,50\\nNA;2026-05-02;9,90\\n")
    >>> read_events(path, library="pyarrow").to_pydict()["betrag"]
    [1234.5, 9.9]
    >>> read_events(path)["kunde"].tolist()
    ['007', 'NA']
    """
    options = _frames.ReadOptions(encoding, separator, decimal, thousands, na_values, names)
    check_choice("library", library, ("pandas", "polars", "pyarrow"))
    table, _ = _frames.read_table(source, ids=as_names("ids", ids, empty=True), options=options)
    columns = {name: table[name] for name in table.column_names}
    return _frames.frame_from_columns(columns, like=library)
