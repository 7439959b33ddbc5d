"""The bytes of a file without its compression, and their format."""

import bz2
import gzip
import io
import lzma
import os
import zipfile
import zlib

import pyarrow as pa

from skbseq._frames._read._encodings import read_head
from skbseq.exceptions import InvalidLogError

TEXT, PARQUET, ARROW, EXCEL, JSON = "text", "Parquet", "Arrow", "Excel", "JSON lines"
_OLD_EXCEL = "an Excel workbook of before 2007"
_FORMATS = {
    **dict.fromkeys((".csv", ".tsv", ".dat", ".data", ".txt"), TEXT),
    **dict.fromkeys((".parquet", ".pq"), PARQUET),
    **dict.fromkeys((".feather", ".arrow"), ARROW),
    **dict.fromkeys((".xlsx", ".xlsm"), EXCEL),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), JSON),
}
_ENDING = {TEXT: ".csv", PARQUET: ".parquet", ARROW: ".arrow", EXCEL: ".xlsx", JSON: ".jsonl"}
_MAGIC = (
    (b"PAR1", PARQUET),
    (b"ARROW1", ARROW),
    (b"\xff\xff\xff\xff", ARROW),  # a stream
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"BZh", "bzip2-compressed data"),
    (b"\xfd7zXZ\x00", "xz-compressed data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard-compressed data"),
    (b"\xd0\xcf\x11\xe0", _OLD_EXCEL),
    (b"FEA1", "Feather of version 1"),
    (b"%PDF", "PDF"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x80\x05\x95", "a Python pickle"),
)
_JSON_BEGINS = (b'{"', b"{ ", b"{\n", b"{\r", b"{}", b"[{", b"[ ", b"[\n", b"[\r", b"[]")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_BY_MAGIC = {
    "gzip-compressed data": ".gz",
    "bzip2-compressed data": ".bz2",
    "xz-compressed data": ".xz",
    "Zstandard-compressed data": ".zst",
    "a zip archive": ".zip",
}
_SPREADSHEETS = (".xls", ".xlsb", ".ods")
_SAVE_AS = "Open it in a spreadsheet program, and save it as .xlsx or CSV."
ENDINGS = "'.csv', '.tsv', '.txt', '.parquet', '.xlsx', '.jsonl' or '.arrow'"


def is_log_name(path):
    """Whether a file name has one of the known endings."""
    _stem, ending = os.path.splitext(path.lower())
    return ending in _FORMATS or ending in _COMPRESSED


def open_file(path):
    """The content of a file without its compression.

    Returns
    -------
    data : bytes or pyarrow.Buffer
        Uncompressed files are mapped into memory.
    kind : str
        Format of the content: :data:`TEXT`, :data:`PARQUET` and so on.

    Raises
    ------
    InvalidLogError
        If the ending is unknown, or the content is not what it says.
    """
    if path.lower().endswith(_SPREADSHEETS):
        _refuse_spreadsheet(path)
    if not is_log_name(path):
        raise InvalidLogError(
            f"Cannot tell the format of {path!r} from its ending. Rename it to end in {ENDINGS}; "
            "these may also be compressed, as in '.csv.gz'."
        )
    if os.path.getsize(path) == 0:
        raise InvalidLogError(f"Cannot read {path!r}: the file is empty.")
    with pa.memory_map(path) as file:
        data = file.read_buffer()
    data, name = _unpack(data, path)
    stated = _FORMATS.get(os.path.splitext(name.lower())[1], TEXT)
    if len(data) == 0:
        raise InvalidLogError(f"Cannot read {path!r}: the file inside is empty.")
    found = sniff_format(data)
    if stated == EXCEL and found == "a zip archive" and not _is_zip(data):
        raise InvalidLogError(
            f"Cannot read {path!r}: the workbook is damaged or incomplete. Copy or download it "
            "again."
        )
    if found != stated:
        _refuse_format(path, stated, found)
    return data, found


def _is_zip(data):
    return zipfile.is_zipfile(pa.BufferReader(data))


def _refuse_spreadsheet(path):
    """Refuse a file of another spreadsheet format by its ending; some hold text or a workbook."""
    with pa.memory_map(path) as file:
        found = sniff_format(file.read_buffer())
    if found in _ENDING and path.lower().endswith(".xls"):
        _refuse_format(path, "an old workbook", found)
    raise InvalidLogError(
        f"Cannot read {path!r}: spreadsheets of this format are not supported. {_SAVE_AS}"
    )


def _unpack(data, path):
    """The bytes inside compressed files and archives, and the name without their endings."""
    name = path
    while name.lower().endswith(_COMPRESSED):
        name, ending = os.path.splitext(name)
        found = sniff_format(data)
        if _BY_MAGIC.get(found) != ending.lower():
            _refuse_format(path, f"compressed data ({ending})", found)
        try:
            if ending.lower() == ".zip":
                data, name = _unzip(data, path)
            else:
                data = pa.py_buffer(_DECOMPRESS[ending.lower()](data))
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
            raise InvalidLogError(
                f"Cannot read {path!r}: its compressed data is damaged or incomplete ({error}). "
                "Copy or download it again."
            ) from error
    return data, name


def _unzip(data, path):
    with zipfile.ZipFile(pa.BufferReader(data)) as archive:
        names = [
            info.filename
            for info in archive.infolist()
            if not info.is_dir() and not info.filename.startswith("__MACOSX/")
        ]
        if len(names) != 1:
            held = f"{len(names)} files: {', '.join(names[:5])}" if names else "no file"
            raise InvalidLogError(
                f"Cannot read {path!r}: the archive holds {held}. Extract the log from it."
            )
        return pa.py_buffer(archive.read(names[0])), names[0]


def _decompress_zst(data):
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return stream.read()


_DECOMPRESS = {
    ".gz": lambda data: gzip.GzipFile(fileobj=pa.BufferReader(data)).read(),
    ".bz2": lambda data: bz2.decompress(data),
    ".xz": lambda data: lzma.decompress(data),
    ".zst": _decompress_zst,
}


def sniff_format(data):
    """Format of some bytes."""
    head = read_head(bytes(memoryview(data)[:4096]))
    if head.startswith(b"PK\x03\x04"):
        return EXCEL if _is_workbook(data) else "a zip archive"
    found = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if found is not None:
        return found
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "an HTML page"
    if text.startswith((b"<?xml", b"<!doctype")):
        return "XML"
    return JSON if text.startswith(_JSON_BEGINS) else TEXT


def _is_workbook(data):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _refuse_format(path, stated, found):
    if found in _ENDING:
        base = os.path.basename(path).split(".")[0]
        advice = f"Rename it to {base + _ENDING[found]!r}."
    elif found in _BY_MAGIC:
        advice = f"Rename it to {os.path.basename(path) + _BY_MAGIC[found]!r}."
    elif found == _OLD_EXCEL:
        advice = _SAVE_AS
    elif found == "an HTML page":
        advice = (
            "A download gave a page, such as an error or a login, instead of the log. Open it "
        )
        advice += "in a browser to see which."
    else:
        advice = "Save the log as CSV or Parquet."
    held = "text" if found == TEXT else found
    raise InvalidLogError(
        f"Cannot read {path!r}: it holds {held}, not {stated} as its ending says. {advice}"
    )
