"""Files of a small shop in many forms, and the advice in messages about them."""

import ast
import datetime as dt
import io
import json
import re
import zipfile

import pyarrow as pa
import pyarrow.parquet
import pytest

from skbseq import read_events

# A user called NA, a product called null, an id with a leading zero, and an empty cell.
WHO = ["ann", "NA", "李四", "bob"]
ITEM = ["007", "null", "12", "nan"]
PRICE = [1.5, None, 1234.5, 20.25]
TIMES = [dt.datetime(2026, 5, day, 9, 30) for day in (1, 2, 3, 4)]
SHOP = {"who": WHO, "when": TIMES, "item": ITEM, "price": PRICE}
LATIN = SHOP | {"who": ["ann", "NA", "José", "Müller"]}
HEADER = list(SHOP)


def written(columns=None, separator=",", decimal=".", thousands="", quote=str, end="\n"):
    """A text file; numbers are grouped if ``thousands`` is given."""
    columns = columns or SHOP

    def number(value):
        if value is None:
            return ""
        text = f"{value:,.2f}".replace(",", "T").replace(".", decimal)
        return text.replace("T", thousands)

    texts = [number(p) if isinstance(p, (float, type(None))) else str(p) for p in columns["price"]]
    rows = zip(*({**columns, "price": texts}).values(), strict=True)
    lines = [separator.join(columns), *(separator.join(quote(str(c)) for c in r) for r in rows)]
    return end.join(lines) + end


def quoted(cell):
    return f'"{cell}"'


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zstd(content):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def parquet(columns=SHOP):
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def arrow(stream=False):
    table, sink = pa.table(SHOP), pa.BufferOutputStream()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def objects(columns=SHOP):
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{k: str(v) if isinstance(v, dt.datetime) else v for k, v in r.items()} for r in rows]


def json_lines(columns=SHOP):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects(columns))


def workbook(rows, *more):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for i, each in enumerate((rows, *more)):
        sheet = book.active if i == 0 else book.create_sheet()
        for row in each:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def shop_rows():
    return [HEADER, *map(list, zip(*SHOP.values(), strict=True))]


def save(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def columns_of(source, **options):
    return read_events(source, library="pyarrow", **options).to_pydict()


TEXT = written()
GERMAN = written(separator=";", decimal=",", thousands=".")
ROWS = "".join(line + "\n" for line in TEXT.splitlines()[1:])
NAMES = {"names": HEADER}


def advice(message):
    """Options that an error or warning says to pass, in the order of the text."""
    pattern = r"(\w+)=('[^']*'|\"[^\"]*\"|\[[^\]]*\]|\{.*?\})"
    passed = message[message.rindex("Pass ") :]
    return [{name: ast.literal_eval(value)} for name, value in re.findall(pattern, passed)]
