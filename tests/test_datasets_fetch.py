"""Fetching real logs: every format, and all that can go wrong between a server and a reader.

The server is a thread of this process on 127.0.0.1; nothing here goes out.
"""

import ast
import datetime as dt
import gzip
import hashlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.datasets import (
    _cdnow,
    _eshop_clothing,
    _fetch,
    _formats,
    _msnbc,
    _online_retail,
    fetch_cdnow,
    fetch_eshop_clothing,
    fetch_msnbc,
    fetch_online_retail,
)
from skbseq.exceptions import InvalidLogError

ROOT = Path(__file__).parents[1]
FETCHERS = [fetch_cdnow, fetch_eshop_clothing, fetch_msnbc, fetch_online_retail]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def pack(**members):
    """A zip archive; two underscores in a name stand for a dot."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return sink.getvalue()


# ---------------------------------------------------------------- files as the sources have them

RETAIL_CSV = """\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,"HEART, WHITE",6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,71053,,6,12/1/2010 8:26,3.39,17850,United Kingdom
C536379,D,Discount,-1,12/9/2011 12:50,27.5,,EIRE
"""
RETAIL = {
    "invoice": ["536365", "536365", "C536379"],
    "stock_code": ["85123A", "71053", "D"],
    "description": ["HEART, WHITE", None, "Discount"],
    "quantity": pa.array([6, 6, -1], pa.int32()),
    "invoice_time": [
        dt.datetime(2010, 12, 1, 8, 26),
        dt.datetime(2010, 12, 1, 8, 26),
        dt.datetime(2011, 12, 9, 12, 50),
    ],
    "unit_price": [2.55, 3.39, 27.5],
    "customer_id": pa.array([17850, 17850, None], pa.int32()),
    "country": ["United Kingdom", "United Kingdom", "EIRE"],
}
CLOTHING_CSV = """\
year;month;day;order;country;session ID;page 1 (main category);page 2 (clothing model);\
colour;location;model photography;price;price 2;page\r
2008;4;1;1;29;1;1;A13;1;5;1;28;2;1\r
2008;4;1;2;29;1;2;B4;10;2;1;52;1;1\r
2008;8;13;1;9;2;4;P82;14;6;2;33;1;5\r
"""
CLOTHING = {
    "session_id": pa.array([1, 1, 2], pa.int32()),
    "date": [dt.datetime(2008, 4, 1), dt.datetime(2008, 4, 1), dt.datetime(2008, 8, 13)],
    "click": pa.array([1, 2, 1], pa.int32()),
    "country": pa.array([29, 29, 9], pa.int32()),
    "category": ["trousers", "skirts", "sale"],
    "model": pa.array([5, 71, 216], pa.int32()),
    "colour": ["beige", "olive", "white"],
    "location": pa.array([5, 2, 6], pa.int32()),
    "photography": ["en face", "en face", "profile"],
    "price": [28.0, 52.0, 33.0],
    "price_above_category_mean": [False, True, True],
    "page": pa.array([1, 1, 5], pa.int32()),
}
MSNBC_SEQ = """\
% Different categories found in input file:

frontpage news tech local opinion on-air misc weather msn-news health living business \
msn-sports sports summary bbs travel


% Sequences:

1 1 \n17 2 13 \n6 \n"""
MSNBC = {"page": [["frontpage", "frontpage"], ["travel", "news", "msn-sports"], ["on-air"]]}
CDNOW_TXT = (
    " 00001 19970101  1   11.77\r\n 00002 19970112  5   77.00\r\n 00002 19980630 10 1286.01\r\n"
)
CDNOW = {
    "customer_id": pa.array([1, 2, 2], pa.int32()),
    "date": [dt.datetime(1997, 1, 1), dt.datetime(1997, 1, 12), dt.datetime(1998, 6, 30)],
    "cds": pa.array([1, 5, 10], pa.int32()),
    "amount": [11.77, 77.0, 1286.01],
}
CDNOW_ZIP = pack(read_me_CDNOW_master__txt="Read me.", CDNOW_master__txt=CDNOW_TXT)

# fetcher, name of the file, its bytes
ORIGINALS = [
    (fetch_online_retail, "data.csv", RETAIL_CSV.encode()),
    (fetch_online_retail, "bom.csv", RETAIL_CSV.encode("utf-8-sig")),
    (fetch_online_retail, "crlf.CSV", RETAIL_CSV.replace("\n", "\r\n").encode()),
    (fetch_online_retail, "data.csv.gz", gzip.compress(RETAIL_CSV.encode())),
    (fetch_eshop_clothing, "e-shop clothing 2008.csv", CLOTHING_CSV.encode()),
    (fetch_eshop_clothing, "e.zip", pack(description__txt="x", shop__csv=CLOTHING_CSV)),
    (fetch_msnbc, "msnbc990928.seq", MSNBC_SEQ.encode()),
    (fetch_msnbc, "msnbc990928.seq.gz", gzip.compress(MSNBC_SEQ.encode())),
    (fetch_msnbc, "msnbc990928.zip", pack(msnbc990928__seq=MSNBC_SEQ)),
    (
        fetch_msnbc,
        "uci.zip",
        pack(msnbc__data__html="x", msnbc990928__seq__gz=gzip.compress(MSNBC_SEQ.encode())),
    ),
    (fetch_cdnow, "CDNOW_master.txt", CDNOW_TXT.encode()),
    (fetch_cdnow, "CDNOW_master.zip", CDNOW_ZIP),
]
PARQUET = {
    fetch_online_retail: RETAIL,
    fetch_eshop_clothing: CLOTHING,
    fetch_msnbc: MSNBC,
    fetch_cdnow: CDNOW,
}


@pytest.fixture
def copies(tmp_path):
    """Path of a Parquet copy of each data set."""
    paths = {fetch: tmp_path / f"{fetch.__name__}.parquet" for fetch in PARQUET}
    for fetch, columns in PARQUET.items():
        pq.write_table(pa.table(columns), paths[fetch])
    return paths


@pytest.mark.parametrize(
    ("fetch", "name", "data"), ORIGINALS, ids=[name for _, name, _ in ORIGINALS]
)
def test_original_and_parquet_give_the_same(tmp_path, copies, fetch, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    original = fetch(path=path, output="pyarrow")
    assert original.path == str(path)
    assert original.events.equals(fetch(path=copies[fetch], output="pyarrow").events)


def test_events_of_online_retail(copies):
    events = fetch_online_retail(path=copies[fetch_online_retail], output="pyarrow").events
    expected = RETAIL | {"customer_id": ["17850", "17850", None]}
    assert events.to_pydict() == pa.table(expected).to_pydict()


def test_events_of_eshop_clothing(copies):
    events = fetch_eshop_clothing(path=copies[fetch_eshop_clothing], output="pyarrow").events
    assert events.column_names[:3] == ["session_id", "time", "date"]
    assert events["time"].to_pylist() == [
        dt.datetime(2008, 4, 1, 0, 0, 1),
        dt.datetime(2008, 4, 1, 0, 0, 2),
        dt.datetime(2008, 8, 13, 0, 0, 1),
    ]
    assert events["model"].to_pylist() == ["A13", "B4", "P82"]
    same = [name for name in CLOTHING if name != "model"]
    assert events.select(same).to_pydict() == pa.table(CLOTHING).select(same).to_pydict()


def test_events_of_msnbc(copies):
    events = fetch_msnbc(path=copies[fetch_msnbc], output="pyarrow").events
    assert events.to_pydict() == {
        "session_id": [1, 1, 2, 2, 2, 3],
        "step": [1, 2, 1, 2, 3, 1],
        "time": [dt.datetime(1999, 9, 28, 0, 0, second) for second in (1, 2, 1, 2, 3, 1)],
        "page": ["frontpage", "frontpage", "travel", "news", "msn-sports", "on-air"],
    }


def test_events_of_cdnow(copies):
    events = fetch_cdnow(path=copies[fetch_cdnow], output="pyarrow").events
    assert events.to_pydict() == pa.table(CDNOW).to_pydict()


@pytest.mark.parametrize("fetch", FETCHERS)
def test_a_log_can_be_made_in_any_library(frame_lib, copies, fetch):
    bunch = fetch(path=copies[fetch], output=frame_lib.name)
    n_users = {fetch_online_retail: 1, fetch_msnbc: 3}.get(fetch, 2)
    log = EventLog(bunch.events, **bunch.roles).clean()
    samples = log.samples(at="2020-01-01")
    assert len(frame_lib.to_pylist(samples)) == n_users
    reference = fetch(path=copies[fetch], output="pyarrow").events
    assert frame_lib.to_pylist(bunch.events) == reference.to_pylist()


@pytest.mark.parametrize("fetch", FETCHERS)
def test_description_says_where_from_and_on_what_terms(copies, fetch):
    bunch = fetch(path=copies[fetch])
    for part in (bunch.url, ":Licence:", ":Cite:", ":Users:"):
        assert part in bunch.DESCR
    assert "{" not in bunch.DESCR
    assert set(bunch.roles.values()) <= set(bunch.events.columns)
    if fetch in (fetch_msnbc, fetch_eshop_clothing):
        assert "`time` is made up" in bunch.DESCR


def test_workbook(tmp_path, copies):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl reads Excel workbooks")
    sheet = openpyxl.Workbook()
    header, *_ = RETAIL_CSV.splitlines()
    sheet.active.append(header.split(","))
    for row in pa.table(RETAIL).to_pylist():
        invoice = row["invoice"]
        cells = row | {"invoice": int(invoice) if invoice.isdigit() else invoice}
        sheet.active.append(list(cells.values()))
    sheet.save(tmp_path / "Online Retail.xlsx")
    inside = pack(Online_Retail__xlsx=(tmp_path / "Online Retail.xlsx").read_bytes())
    (tmp_path / "online+retail.zip").write_bytes(inside)
    expected = fetch_online_retail(path=copies[fetch_online_retail], output="pyarrow").events
    for name in ("Online Retail.xlsx", "online+retail.zip"):
        assert fetch_online_retail(path=tmp_path / name, output="pyarrow").events.equals(expected)


def test_workbook_without_openpyxl(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "r.xlsx").write_bytes(b"PK")
    with pytest.raises(ImportError, match=r"openpyxl is needed .* pip install 'skbseq\[excel\]'"):
        fetch_online_retail(path=tmp_path / "r.xlsx")


@pytest.mark.parametrize("content", [b"", b"PK"])
def test_a_damaged_workbook(tmp_path, content):
    pytest.importorskip("openpyxl", reason="openpyxl reads Excel workbooks")
    (tmp_path / "r.xlsx").write_bytes(content)
    with pytest.raises(InvalidLogError, match=r"r\.xlsx is not a complete Excel workbook"):
        fetch_online_retail(path=tmp_path / "r.xlsx")


def test_an_empty_text(tmp_path):
    (tmp_path / "CDNOW_master.txt").write_bytes(b" \n")
    with pytest.raises(InvalidLogError, match=r"cdnow_master\.txt is empty"):
        fetch_cdnow(path=tmp_path / "CDNOW_master.txt")


def test_latin_1_and_other_clocks(tmp_path):
    text = RETAIL_CSV.replace("Discount", "Caf\xe9").replace(
        "12/9/2011 12:50", "2011-12-09 12:50:00"
    )
    (tmp_path / "r.csv").write_bytes(text.encode("latin-1"))
    events = fetch_online_retail(path=tmp_path / "r.csv", output="pyarrow").events
    assert events["description"][2].as_py() == "Caf\xe9"
    assert events["invoice_time"].to_pylist() == RETAIL["invoice_time"]


def test_customers_as_floats_are_the_same_customers(tmp_path):
    (tmp_path / "r.csv").write_text(RETAIL_CSV.replace(",17850,", ",17850.0,"))
    events = fetch_online_retail(path=tmp_path / "r.csv", output="pyarrow").events
    assert events["customer_id"].to_pylist() == ["17850", "17850", None]


sessions = st.lists(st.lists(st.integers(1, 17), min_size=1, max_size=5), max_size=6)


@given(
    sessions=sessions,
    blank=st.sampled_from([" ", "  ", "\t"]),
    end=st.sampled_from(["\n", " \r\n"]),
)
def test_msnbc_parser_reads_what_plain_python_wrote(sessions, blank, end):
    lines = [blank.join(map(str, session)) for session in sessions]
    text = "x y\n% Sequences:\n\n" + end.join(lines)
    pages = _msnbc._parse(text.encode(), "a.seq")["page"].to_pylist()
    assert pages == [[_msnbc._PAGES[code - 1] for code in session] for session in sessions]


def test_catalogue_has_the_217_models():
    assert len(_eshop_clothing._MODELS) == 217
    assert _eshop_clothing._MODELS[4] == "A13"
    assert "B18" not in _eshop_clothing._MODELS


# ---------------------------------------------------------------- copies that are none


@pytest.mark.parametrize(
    ("fetch", "name", "data", "message"),
    [
        (fetch_cdnow, "c.txt", b"1 2 3", r"'c\.txt' as CDNOW: c\.txt cannot be read as four col"),
        (
            fetch_cdnow,
            "c.txt",
            b" 1 19970230 1 1.0",
            r"'date' holds 19970230 in row 0; .*calendar",
        ),
        (fetch_cdnow, "c.txt", b" 1 19971301 1 1.0", r"'date' holds 19971301 in row 0"),
        (fetch_cdnow, "c.zip", b"no zip", r"c\.zip is not a complete archive"),
        (fetch_cdnow, "c.zip", pack(a__txt="x"), r"c\.zip holds no file such as .*; found a\.txt"),
        (fetch_cdnow, "c.parquet", b"PAR1", r"Cannot read 'c\.parquet' as CDNOW: "),
        (fetch_msnbc, "m.seq.gz", b"\x1f\x8b\x08", r"m\.seq\.gz is not a complete archive"),
        (fetch_msnbc, "m.seq", b"1 2\n", r"no line that begins with '% Sequences:'"),
        (
            fetch_msnbc,
            "m.seq",
            b"%\n% Sequences:\n\n1\n2 18\n",
            r"Line 5 of m\.seq .* from 1 to 17",
        ),
        (fetch_msnbc, "m.seq", b"% Sequences:\n0\n", r"Line 2 of"),
        (fetch_msnbc, "m.seq", b"% Sequences:\n1\n123\n", r"Line 3 of"),
        (fetch_msnbc, "m.seq", b"% Sequences:\n1\n2 x\n", r"Line 3 of"),
        (fetch_online_retail, "r.csv", b"a,b\n1,2\n", r"Column 'InvoiceNo' is missing; found 'a'"),
        (
            fetch_online_retail,
            "r.csv",
            RETAIL_CSV.replace(",-1,", ",few,").encode(),
            r"Column 'quantity' holds 'few' in row 2, which is not a valid int32",
        ),
        (
            fetch_online_retail,
            "r.csv",
            RETAIL_CSV.replace("12/9/2011", "then").encode(),
            r"Column 'invoice_time' holds 'then 12:50' in row 2, which is not a valid time",
        ),
        (
            fetch_eshop_clothing,
            "e.csv",
            CLOTHING_CSV.replace("B4", "B18").encode(),
            r"Column 'model' holds 'B18' in row 1; expected a value that is in the cat",
        ),
        (
            fetch_eshop_clothing,
            "e.csv",
            CLOTHING_CSV.replace(";14;", ";15;").encode(),
            r"Column 'colour' holds 15 in row 2; expected a value that is 1 to 14",
        ),
        (
            fetch_eshop_clothing,
            "e.csv",
            CLOTHING_CSV.replace("2008;8;", "2008;;").encode(),
            r"Column 'month' holds None in row 2; expected a value that is a whole",
        ),
    ],
)
def test_unreadable_copies_are_named(tmp_path, fetch, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidLogError, match=message):
        fetch(path=tmp_path / name)


def test_parquet_of_something_else(tmp_path):
    pq.write_table(pa.table(CDNOW | {"amount": ["a", "b", "c"]}), tmp_path / "c.parquet")
    with pytest.raises(
        InvalidLogError, match=r"Column 'amount' holds 'a' in row 0.* valid double"
    ):
        fetch_cdnow(path=tmp_path / "c.parquet")
    pq.write_table(pa.table(MSNBC), tmp_path / "c.parquet")
    with pytest.raises(InvalidLogError, match=r"Column 'customer_id' is missing; found 'page'"):
        fetch_cdnow(path=tmp_path / "c.parquet")


def test_parquet_with_a_model_out_of_the_catalogue(tmp_path):
    wrong = CLOTHING | {"model": pa.array([5, 218, 1], pa.int32())}
    pq.write_table(pa.table(wrong), tmp_path / "e.parquet")
    with pytest.raises(InvalidLogError, match=r"Column 'model' holds 218 in row 1; .* 1 to 217"):
        fetch_eshop_clothing(path=tmp_path / "e.parquet")


def test_no_copy_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"No file '.*c\.zip'\. path= must be a local copy"
    ):
        fetch_cdnow(path=tmp_path / "c.zip")


def test_copy_with_checksum(tmp_path):
    (tmp_path / "c.zip").write_bytes(CDNOW_ZIP)
    assert (
        len(fetch_cdnow(path=tmp_path / "c.zip", checksum=sha256(CDNOW_ZIP).upper()).events) == 3
    )
    with pytest.raises(OSError, match=rf"has the SHA-256 {sha256(CDNOW_ZIP)}, not {'0' * 64}"):
        fetch_cdnow(path=tmp_path / "c.zip", checksum="0" * 64)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"output": "numpy"}, r"output must be 'pandas', 'polars' or 'pyarrow'; got 'numpy'"),
        ({"n_retries": -1}, r"n_retries must be a whole number of at least 0; got -1"),
        ({"n_retries": 1.5}, r"n_retries must be a whole number of at least 0; got 1\.5"),
        ({"delay": float("nan")}, r"delay must be a number of seconds of at least 0; got nan"),
        ({"checksum": "abc"}, r"checksum must be a SHA-256 of 64 hex digits; got 'abc'"),
    ],
)
def test_bad_parameters_are_named(tmp_path, parameters, message):
    with pytest.raises(ValueError, match=message):
        fetch_cdnow(data_home=tmp_path, download_if_missing=False, **parameters)


# ---------------------------------------------------------------- the server


class Server:
    """Answers each request with the next of its scripted answers, the last one for ever."""

    def __init__(self):
        self.answers, self.requests = [(200, CDNOW_ZIP, {})], []
        self.meeting = None  # a barrier: nobody is answered before all have asked
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._http.server_port}/CDNOW_master.zip"

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def _make_handler(server):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.headers["User-Agent"])
                if server.meeting:
                    server.meeting.wait(timeout=30)
                number = min(len(server.requests), len(server.answers)) - 1
                code, body, headers = server.answers[number]
                self.send_response(code)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    if value is not None:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        return Handler


@pytest.fixture
def server(monkeypatch):
    """A server of a small CDNOW, which stands for the true one."""
    server = Server()
    source = replace(_cdnow._SOURCE, url=server.url, n_rows=3, sha256=sha256(CDNOW_TXT.encode()))
    monkeypatch.setattr(_cdnow, "_SOURCE", source)
    yield server
    server.close()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder for data sets, and none other by accident."""
    monkeypatch.setenv("SKBSEQ_DATA", str(tmp_path / "elsewhere"))
    return tmp_path / "home"


def fetch(home, **parameters):
    return fetch_cdnow(data_home=home, **{"delay": 0, "output": "pyarrow"} | parameters)


def left_in(home):
    return sorted(path.name for path in (home / "cdnow").iterdir())


ALL_FILES = ["CDNOW_master.zip", "cdnow.parquet", "download.json"]


def test_first_call_downloads_and_later_ones_do_not(server, home):
    first = fetch(home)
    assert first.events.to_pydict() == pa.table(CDNOW).to_pydict()
    assert first.url == server.url
    assert Path(first.path).read_bytes() == CDNOW_ZIP
    assert left_in(home) == ALL_FILES
    note = json.loads((home / "cdnow" / "download.json").read_text())
    assert note["sha256"] == sha256(CDNOW_ZIP)
    assert note["fetched"] == dt.date.today().isoformat()
    again = fetch(home, download_if_missing=False)
    assert again.events.equals(first.events)
    assert again.path == first.path
    assert server.requests == ["skbseq"]


def test_folder_comes_from_the_environment(server, home, tmp_path):
    bunch = fetch_cdnow()
    assert Path(bunch.path) == tmp_path / "elsewhere" / "cdnow" / "CDNOW_master.zip"


def test_folder_is_in_the_home_by_default(server, tmp_path, monkeypatch):
    monkeypatch.delenv("SKBSEQ_DATA", raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    assert Path(fetch_cdnow().path) == tmp_path / "skbseq_data" / "cdnow" / "CDNOW_master.zip"
    assert len(fetch_cdnow(data_home="~/skbseq_data").events) == 3
    assert len(server.requests) == 1


def test_notice_tells_licence_once_and_only_at_the_download(server, home, capsys):
    server.answers.insert(0, (503, b"", {}))
    fetch(home)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("Licence: none stated by the source; made public for research") == 1
    assert err.count("Please cite: P. S. Fader") == 1
    assert "The server answered 503 Service Unavailable. Trying again (3 left)." in err
    assert "━" not in err
    fetch(home)
    assert capsys.readouterr() == ("", "")


def test_silence(server, home, capsys):
    fetch(home, verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("terminal", [True, False])
def test_bar_on_a_terminal_or_on_request(server, home, capsys, monkeypatch, terminal):
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    fetch(home, verbose=1 if terminal else 2)
    assert re.search(r"CDNOW_master\.zip.*━.*bytes", capsys.readouterr().err)


def test_without_a_content_length(server, home):
    server.answers = [(200, CDNOW_ZIP, {"Content-Length": None})]
    assert len(fetch(home).events) == 3


def test_passing_failures_are_tried_again(server, home):
    cut = (200, CDNOW_ZIP[:50], {"Content-Length": str(len(CDNOW_ZIP))})
    server.answers = [(500, b"", {}), cut, (429, b"", {}), (200, CDNOW_ZIP, {})]
    assert len(fetch(home, verbose=0).events) == 3
    assert len(server.requests) == 4
    assert left_in(home) == ALL_FILES


def test_tries_and_delays_are_counted(server, home, monkeypatch):
    slept = []
    monkeypatch.setattr(_fetch.time, "sleep", slept.append)
    server.answers = [(500, b"", {})]
    with pytest.raises(OSError, match=r"The server answered 500"):
        fetch(home, n_retries=2, delay=1.5, verbose=0)
    assert len(server.requests) == 3
    assert slept == [1.5, 1.5]


@pytest.mark.parametrize(
    ("answer", "message", "n_requests"),
    [
        (
            (404, b"gone", {}),
            r"from http://127.*: The server answered 404 Not Found\. Without a",
            1,
        ),
        ((403, b"", {}), r"The server answered 403 Forbidden\.", 1),
        ((500, b"", {}), r"The server answered 500", 2),
        (
            (200, CDNOW_ZIP[:50], {"Content-Length": str(len(CDNOW_ZIP))}),
            rf"Only 50 of {len(CDNOW_ZIP)} bytes were received|IncompleteRead",
            2,
        ),
        (
            (200, b"<html>", {}),
            r"has unexpected contents, and was not kept\..*not a complete archive",
            1,
        ),
        ((200, CDNOW_ZIP[:-20], {"Content-Length": None}), r"is not a complete archive", 1),
        (
            (200, pack(CDNOW_master__txt=CDNOW_TXT.replace("11.77", "11.78")), {}),
            r"data in CDNOW_master\.zip have the SHA-256 \w{64}, not \w{64} as published",
            1,
        ),
    ],
    ids=["404", "403", "500", "truncated", "page", "cut-archive", "changed"],
)
def test_what_fails_leaves_nothing(server, home, answer, message, n_requests):
    server.answers = [answer]
    with pytest.raises(OSError, match=message):
        fetch(home, n_retries=1, verbose=0)
    assert len(server.requests) == n_requests
    assert left_in(home) == []


def test_offline(home, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/CDNOW_master.zip"
    monkeypatch.setattr(_cdnow, "_SOURCE", replace(_cdnow._SOURCE, url=url))
    place = re.escape(str(home / "cdnow" / "CDNOW_master.zip"))
    message = (
        rf"Cannot download CDNOW from {url}: No answer \(.*\)\. Without a network: download {url} "
        rf"on another machine and save it as {place}, or pass its path as path=; data_home="
    )
    with pytest.raises(OSError, match=message):
        fetch(home, n_retries=1, verbose=0)
    assert left_in(home) == []


def test_no_download_unless_allowed(server, home):
    with pytest.raises(
        OSError, match=r"CDNOW is not in .*cdnow, and download_if_missing=False\. "
    ):
        fetch(home, download_if_missing=False)
    assert server.requests == []
    assert not home.exists()


def test_interrupt_leaves_nothing(server, home, monkeypatch):
    def interrupt(*args, **kwargs):
        assert [path.name for path in (home / "cdnow").rglob("*.zip")] == ["CDNOW_master.zip"]
        raise KeyboardInterrupt

    monkeypatch.setattr(_fetch.Progress, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(home, verbose=0)
    assert left_in(home) == []


def test_full_disk_is_not_called_a_network_failure(server, home, monkeypatch):
    def fill(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_fetch, "open", fill, raising=False)
    with pytest.raises(OSError, match=r"No space left on device"):
        fetch(home, verbose=0)
    assert len(server.requests) == 1
    assert left_in(home) == []


# ---------------------------------------------------------------- trust on first use


@pytest.fixture
def unpublished(server, monkeypatch):
    """The same server, of a data set whose digest nobody has published."""
    monkeypatch.setattr(_cdnow, "_SOURCE", replace(_cdnow._SOURCE, sha256=None))
    return server


OTHER_ZIP = pack(CDNOW_master__txt=CDNOW_TXT.replace("11.77", "11.78"))


def test_first_download_is_trusted_if_it_has_all_rows(unpublished, home):
    unpublished.answers = [(200, pack(CDNOW_master__txt=CDNOW_TXT[:28]), {}), (200, OTHER_ZIP, {})]
    with pytest.raises(OSError, match=r"holds 1 rows, not 3 as CDNOW has\. It is cut off or a ne"):
        fetch(home, verbose=0)
    assert left_in(home) == []
    assert fetch(home, verbose=0).events["amount"][0].as_py() == 11.78


def test_a_later_download_must_be_the_same(unpublished, home):
    fetch(home)
    for name in ("CDNOW_master.zip", "cdnow.parquet"):
        (home / "cdnow" / name).unlink()
    unpublished.answers = [(200, OTHER_ZIP, {})]
    message = rf"SHA-256 {sha256(OTHER_ZIP)}, not {sha256(CDNOW_ZIP)} as at the first down"
    with pytest.raises(OSError, match=message):
        fetch(home, verbose=0)
    accepted = fetch(home, checksum=sha256(OTHER_ZIP), verbose=0)
    assert accepted.events["amount"][0].as_py() == 11.78
    assert fetch(home, download_if_missing=False).events.equals(accepted.events)


def test_checksum_pins_the_file(server, home):
    with pytest.raises(OSError, match=rf"not {'0' * 64} as checksum= requires\. .* was not kept"):
        fetch(home, checksum="0" * 64, verbose=0)
    assert left_in(home) == []
    assert len(fetch(home, checksum=sha256(CDNOW_ZIP).upper(), verbose=0).events) == 3


def test_checksum_accepts_a_new_edition_for_good(server, home):
    new = pack(CDNOW_master__txt=CDNOW_TXT[:56])
    server.answers = [(200, new, {})]
    with pytest.raises(OSError, match=rf"pass checksum='{sha256(new)}'"):
        fetch(home, verbose=0)
    assert fetch(home, checksum=sha256(new), verbose=0).events.num_rows == 2
    (home / "cdnow" / "cdnow.parquet").unlink()
    assert fetch(home, download_if_missing=False).events.num_rows == 2


# ---------------------------------------------------------------- what happens to the folder


def test_damaged_parquet_is_made_anew_from_the_file(server, home):
    first = fetch(home)
    parsed = home / "cdnow" / "cdnow.parquet"
    parsed.write_bytes(parsed.read_bytes()[:-4])
    assert fetch(home, download_if_missing=False).events.equals(first.events)
    assert fetch(home).events.equals(first.events)
    assert (
        sha256(parsed.read_bytes())
        == json.loads((home / "cdnow/download.json").read_text())["parsed_sha256"]
    )
    assert len(server.requests) == 1


def test_damaged_file_and_parquet_are_downloaded_again(server, home, capsys):
    first = fetch(home)
    for name in ("CDNOW_master.zip", "cdnow.parquet"):
        (home / "cdnow" / name).write_bytes(b"damaged")
    with pytest.raises(OSError, match=r"is damaged or another edition\. Delete it, or allow"):
        fetch(home, download_if_missing=False)
    capsys.readouterr()
    assert fetch(home).events.equals(first.events)
    assert "is damaged or another edition; it is downloaded again." in capsys.readouterr().err
    assert left_in(home) == ALL_FILES
    assert len(server.requests) == 2


@pytest.mark.parametrize("note", [b"", b"[1]", b"{}", b'{"reader": 0}'])
def test_a_lost_or_foreign_note_is_written_anew(server, home, note):
    first = fetch(home)
    (home / "cdnow" / "download.json").write_bytes(note)
    assert fetch(home, download_if_missing=False).events.equals(first.events)
    assert json.loads((home / "cdnow" / "download.json").read_text())["reader"] == _fetch._READER


def test_what_an_older_reader_made_is_read_anew(server, home, monkeypatch):
    fetch(home)
    folder = home / "cdnow"
    parsed = _fetch._frames.format_parquet(pa.table(CDNOW | {"cds": pa.array([7, 7, 7])}))
    (folder / "cdnow.parquet").write_bytes(parsed)
    note = json.loads((folder / "download.json").read_text()) | {"parsed_sha256": sha256(parsed)}
    (folder / "download.json").write_text(json.dumps(note))
    assert fetch(home).events["cds"].to_pylist() == [7, 7, 7]
    monkeypatch.setattr(_fetch, "_READER", _fetch._READER + 1)
    assert fetch(home, download_if_missing=False).events["cds"].to_pylist() == [1, 5, 10]


def test_checksum_is_asked_of_what_is_here_too(server, home):
    fetch(home)
    with pytest.raises(OSError, match=rf"SHA-256 {sha256(CDNOW_ZIP)}, not {'0' * 64}: it is dam"):
        fetch(home, checksum="0" * 64, download_if_missing=False)


def test_a_file_put_there_by_hand(server, home):
    (home / "cdnow").mkdir(parents=True)
    (home / "cdnow" / "CDNOW_master.zip").write_bytes(CDNOW_ZIP)
    assert len(fetch(home).events) == 3
    assert left_in(home) == ALL_FILES
    assert server.requests == []


def test_a_wrong_file_put_there_by_hand_is_kept(server, home):
    (home / "cdnow").mkdir(parents=True)
    (home / "cdnow" / "CDNOW_master.zip").write_bytes(OTHER_ZIP)
    with pytest.raises(OSError, match=r"not \w{64} as published"):
        fetch(home)
    assert left_in(home) == ["CDNOW_master.zip"]


def test_read_only_folder_is_read(server, home, monkeypatch):
    first = fetch(home)
    (home / "cdnow" / "cdnow.parquet").unlink()

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_fetch, "_put", refuse)
    assert fetch(home, download_if_missing=False).events.equals(first.events)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of files")
def test_a_shared_folder_is_for_all(server, home):
    fetch(home)
    expected = 0o666 & ~(mask := os.umask(0))
    os.umask(mask)
    assert {path.stat().st_mode & 0o777 for path in (home / "cdnow").iterdir()} == {expected}


def test_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").touch()
    message = r"Cannot write to .*file.sub.cdnow \(.*\)\. Choose another folder by data_home= or"
    with pytest.raises(OSError, match=message):
        fetch(tmp_path / "file" / "sub", verbose=0)
    assert server.requests == []


CONCURRENT = """
import sys
from dataclasses import replace
from skbseq.datasets import _cdnow, fetch_cdnow
url, home, digest = sys.argv[1:]
_cdnow._SOURCE = replace(_cdnow._SOURCE, url=url, n_rows=3, sha256=digest)
for _ in range(3):
    print(len(fetch_cdnow(data_home=home, verbose=0).events))
"""


def test_two_processes_at_once(server, home):
    server.meeting = threading.Barrier(2)
    arguments = [server.url, str(home), sha256(CDNOW_TXT.encode())]
    command = [sys.executable, "-c", textwrap.dedent(CONCURRENT), *arguments]
    both = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    # What they printed, and not how they ended: seen once on a busy machine with pyarrow 26, a
    # thread of a library's own aborts a process that is done ("terminate called without an active
    # exception").
    told = [process.communicate(timeout=60) for process in both]
    assert [out.split() for out, _ in told] == [["3"] * 3] * 2, told
    assert len(server.requests) == 2
    assert left_in(home) == ALL_FILES


# ---------------------------------------------------------------- nothing else goes online


def test_only_one_file_can_open_a_url():
    online = {"ftplib", "http", "httpx", "pooch", "requests", "socket", "urllib", "urllib3"}
    users = set()
    for path in (ROOT / "skbseq").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            opening = [name for name in names if name != "urllib.parse"]  # only reads text
            if online & {name.partition(".")[0] for name in opening}:
                users.add(path.name)
    assert users == {"_fetch.py"}


@pytest.mark.parametrize("module", [_cdnow, _eshop_clothing, _msnbc, _online_retail])
def test_sources_are_complete(module):
    source = module._SOURCE
    assert source.url.startswith(("https://archive.ics.uci.edu/", "http://www.brucehardie.com/"))
    # What comes unencrypted must have a digest known beforehand.
    assert source.url.startswith("https://") or re.fullmatch(r"[0-9a-f]{64}", source.sha256)
    assert set(source.roles.values()) <= {*source.types, "time", "session_id"}


def test_archives_within_archives():
    inner = gzip.compress(pack(a__csv="x,y"))
    assert _formats.unpack(pack(B__ZIP__GZ=inner), "c.zip", r".*\.(zip|csv)") == (b"x,y", "a.csv")
