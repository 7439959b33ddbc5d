"""Files of a log in every form: the right table, or an error whose advice works."""

import bz2
import datetime as dt
import gzip
import json
import lzma
import re

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from log_files import (
    GERMAN,
    HEADER,
    ITEM,
    LATIN,
    NAMES,
    ROWS,
    SHOP,
    TEXT,
    WHO,
    advice,
    arrow,
    columns_of,
    json_lines,
    objects,
    parquet,
    quoted,
    save,
    shop_rows,
    workbook,
    written,
    zipped,
    zstd,
)

from skbseq import EventLog, read_events
from skbseq.exceptions import InvalidLogError

# ------------------------------------------------------------------ what can be read

GOOD = {
    # separators
    "comma": ("a.csv", TEXT, {}),
    "semicolon": ("a.csv", written(separator=";"), {}),
    "tab in csv": ("a.csv", written(separator="\t"), {}),
    "tab in tsv": ("a.tsv", written(separator="\t"), {}),
    "comma in tsv": ("a.tsv", TEXT, {}),
    "pipe": ("a.txt", written(separator="|"), {}),
    "semicolon in dat": ("a.dat", written(separator=";"), {}),
    "named pipe": ("a.data", written(separator="|"), {"separator": "|"}),
    "caret": ("a.csv", written(separator="^"), {"separator": "^"}),
    "two colons": ("a.dat", written(separator="::"), {"separator": "::"}),
    "control character": ("a.txt", written(separator="\x01"), {"separator": "\x01"}),
    "excel's hint": ("a.csv", "sep=;\n" + written(separator=";"), {}),
    # quotes, line ends, blank lines
    "quoted": ("a.csv", written(quote=quoted), {}),
    "quoted semicolons": ("a.csv", written(separator=";", quote=quoted), {}),
    "windows line ends": ("a.csv", written(end="\r\n"), {}),
    "old mac line ends": ("a.csv", written(end="\r"), {}),
    "no last line end": ("a.csv", TEXT.rstrip("\n"), {}),
    "blank lines": ("a.csv", "\n\n" + TEXT + "\n\n", {}),
    "blank lines within": ("a.csv", TEXT.replace("\nbob", "\n\nbob"), {}),
    "blank windows lines": ("a.csv", "\r\n" + written(end="\r\n") + "\r\n", {}),
    "lines of spaces": ("a.csv", TEXT.replace("\nbob", "\n  \nbob") + "   \n   ", {}),
    "trailing separators": ("a.csv", TEXT.replace("\n", ",\n"), {}),
    "trailing in rows": ("a.csv", ",".join(HEADER) + "\n" + ROWS.replace("\n", ",\n"), {}),
    "trailing semicolons": ("a.csv", written(separator=";").replace("\n", ";\n"), {}),
    "padded header": ("a.csv", TEXT.replace("who,when,", "who, when ,"), {}),
    # numbers
    "decimal comma": ("a.csv", written(separator=";", decimal=","), {}),
    "german": ("a.csv", GERMAN, {}),
    "german tabs": ("a.tsv", written(separator="\t", decimal=",", thousands="."), {}),
    "english": ("a.csv", written(thousands=",", quote=quoted), {}),
    "french": ("a.csv", written(separator=";", decimal=",", thousands=" "), {}),
    "narrow spaces": ("a.csv", written(separator=";", decimal=",", thousands="\u202f"), {}),
    "swiss": ("a.csv", written(thousands="'"), {}),
    "underscores": ("a.csv", written(thousands="_"), {"thousands": "_"}),
    "named marks": ("a.csv", GERMAN, {"decimal": ",", "thousands": "."}),
    # encodings
    "utf-8 mark": ("a.csv", TEXT.encode("utf-8-sig"), {}),
    "utf-8 mark, named": ("a.csv", TEXT.encode("utf-8-sig"), {"encoding": "utf-8"}),
    "utf-16": ("a.csv", TEXT.encode("utf-16"), {}),
    "utf-16 big end": ("a.csv", b"\xfe\xff" + TEXT.encode("utf-16-be"), {}),
    "utf-16 without mark": ("a.csv", TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "utf-32": ("a.csv", TEXT.encode("utf-32"), {}),
    "gbk": ("a.csv", TEXT.encode("gbk"), {"encoding": "gbk"}),
    "gb18030 semicolons": ("a.csv", GERMAN.encode("gb18030"), {"encoding": "gb18030"}),
    "big5": ("a.csv", TEXT.encode("big5"), {"encoding": "big5"}),
    "shift-jis": ("a.csv", TEXT.encode("shift_jis"), {"encoding": "shift_jis"}),
    # without a header
    "names": ("a.csv", ROWS, NAMES),
    "names of a header": ("a.csv", TEXT, NAMES),
    "names, semicolons": ("a.data", GERMAN.partition("\n")[2], NAMES),
    # compression
    "gz": ("a.csv.gz", gzip.compress(TEXT.encode()), {}),
    "gz of two parts": (
        "a.csv.gz",
        gzip.compress(TEXT[:40].encode()) + gzip.compress(TEXT[40:].encode()),
        {},
    ),
    "only gz": ("a.gz", gzip.compress(TEXT.encode()), {}),
    "bz2": ("a.csv.bz2", bz2.compress(TEXT.encode()), {}),
    "xz": ("a.txt.xz", lzma.compress(TEXT.encode()), {}),
    "zst": ("a.tsv.zst", zstd(written(separator="\t").encode()), {}),
    "zip": ("a.zip", zipped({"a.csv": TEXT}), {}),
    "zip of a mac": ("a.csv.zip", zipped({"a.csv": TEXT, "__MACOSX/a.csv": "x"}), {}),
    "zip of parquet": ("a.zip", zipped({"a.parquet": parquet()}), {}),
    "gz of json": ("a.jsonl.gz", gzip.compress(json_lines().encode()), {}),
    # other formats
    "parquet": ("a.parquet", parquet(), {}),
    "pq": ("a.pq", parquet(), {}),
    "PARQUET": ("A.PARQUET", parquet(), {}),
    "CSV": ("A.CSV", TEXT, {}),
    "Csv.GZ": ("A.Csv.GZ", gzip.compress(TEXT.encode()), {}),
    "feather": ("a.feather", arrow(), {}),
    "arrow": ("a.arrow", arrow(), {}),
    "arrow stream": ("a.arrow", arrow(stream=True), {}),
    "jsonl": ("a.jsonl", json_lines(), {}),
    "ndjson": ("a.ndjson", json_lines() + "\n", {}),
    "json lines": ("a.json", json_lines(), {}),
    "json list": ("a.json", json.dumps(objects()), {}),
    "json in gbk": ("a.jsonl", json_lines().encode("gbk"), {"encoding": "gbk"}),
}


@pytest.mark.parametrize("form", GOOD)
def test_a_form_is_read(tmp_path, form):
    name, content, options = GOOD[form]
    found = columns_of(save(tmp_path, name, content), ids=["who", "item"], **options)
    found["when"] = [dt.datetime.fromisoformat(str(moment)) for moment in found["when"]]
    assert found == SHOP


def test_no_form_depends_on_the_ids(tmp_path):
    for form in ("comma", "quoted", "german", "jsonl"):
        found = columns_of(save(tmp_path, *GOOD[form][:2]))
        assert (found["who"], found["item"]) == (WHO, ITEM)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_files_are_read(tmp_path, encoding):
    path = save(tmp_path, "a.csv", written(LATIN).encode(encoding))
    assert columns_of(path, encoding=encoding)["who"] == LATIN["who"]


def test_line_breaks_in_quotes_are_kept(tmp_path):
    rows = "".join(f'{i},"line {i}\nand, another ""one"""\n' for i in range(60_000))
    found = columns_of(save(tmp_path, "a.csv", "n,note\n" + rows))
    assert found["n"] == list(range(60_000))
    assert found["note"][-1] == 'line 59999\nand, another "one"'


def test_the_separator_is_not_recognised_from_text(tmp_path):
    text = "who;note\n1;a, b, c\n2;d, e, f|g\n"
    assert columns_of(save(tmp_path, "a.csv", text))["note"] == ["a, b, c", "d, e, f|g"]
    text = 'who,note\n1,"a;b;c"\n2,"d;e;f"\n'
    assert columns_of(save(tmp_path, "b.csv", text))["note"] == ["a;b;c", "d;e;f"]


def test_long_integers_in_json_are_not_rounded(tmp_path):
    text = '{"a": 12345678901234567890, "b": "NA"}\n{"a": 7, "b": ""}\n'
    found = columns_of(save(tmp_path, "a.jsonl", text))
    assert found == {"a": ["12345678901234567890", "7"], "b": ["NA", ""]}
    found = columns_of(save(tmp_path, "b.jsonl", '{"a": 123456789012345678}\n{"a": null}\n'))
    assert found == {"a": [123456789012345678, None]}


def test_runs_of_spaces_separate(tmp_path):
    text = ' who   when  note\n  1  2026-01-01  "a  b"\n 2  2026-01-02 c  \n'
    found = columns_of(save(tmp_path, "a.txt", text), separator=" ")
    assert found["who"] == [1, 2] and found["note"] == ["a  b", "c"]


# ------------------------------------------------------------------ types of columns


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "20", "-3"], [1, 20, -3]),
        (["7", "007"], ["7", "007"]),
        (["00.5", "1.5"], ["00.5", "1.5"]),
        (["+4912", "+331"], ["+4912", "+331"]),
        (["+1.5", "-2.0"], [1.5, -2.0]),
        (["e5", "e6"], ["e5", "e6"]),
        (["1e5", ".5", "5."], [1e5, 0.5, 5.0]),
        (["inf", "1.5"], [float("inf"), 1.5]),
        (["123456789012345678", ""], [123456789012345678, None]),
        (["18446744073709551615", "1"], [2**64 - 1, 1]),
        (["99999999999999999999", "1"], ["99999999999999999999", "1"]),
        (["10.0.0.1", "192.168.100.100"], ["10.0.0.1", "192.168.100.100"]),
        (["192.168.100.100", "192.168.100.101"], ["192.168.100.100", "192.168.100.101"]),
        (["1.2.3", "1.2.4"], ["1.2.3", "1.2.4"]),
        (["01.02.2026", "11.12.2026"], ["01.02.2026", "11.12.2026"]),
        (["TRUE", "false"], [True, False]),
        (["NA", "null", "x"], ["NA", "null", "x"]),
        (["NA", "NA", "NA"], ["NA", "NA", "NA"]),
        (["12,34,567", "5"], [1234567, 5]),
        (["09:30", "10:00"], ["09:30", "10:00"]),
        ([" 5", "6 "], [5, 6]),
        ([" x", "y "], [" x", "y "]),
    ],
)
def test_a_column_has_the_type_of_all_of_its_cells(tmp_path, cells, values):
    text = "n;x\n" + "".join(f'{i};"{cell}"\n' for i, cell in enumerate(cells))
    assert columns_of(save(tmp_path, "a.csv", text))["x"] == values


WORDS = [
    (["1", "NA", "3"], [1, None, 3]),
    (["1.5", "NaN", "nan"], [1.5, None, None]),
    (["1,5", "NULL", "2,5"], [1.5, None, 2.5]),
    (["true", "None"], [True, None]),
    (["2026-01-01", "\\N"], [dt.date(2026, 1, 1), None]),
    (["#DIV/0!", "2"], [None, 2]),
    (["-", "2"], [None, 2]),
]


@pytest.mark.parametrize(("cells", "values"), WORDS)
def test_words_among_numbers_are_missing_and_counted(tmp_path, cells, values):
    text = "n;x\n" + "".join(f"{i};{cell}\n" for i, cell in enumerate(cells))
    path = save(tmp_path, "a.csv", text)
    with pytest.warns(UserWarning, match="read as missing: 'x' .* in [12] cell") as caught:
        assert columns_of(path)["x"] == values
    confirm, keep = advice(str(caught[0].message))
    assert columns_of(path, **confirm)["x"] == values
    assert columns_of(path, **keep)["x"] == cells
    assert columns_of(path, ids=["x"])["x"] == cells


def test_na_values_are_missing_everywhere_or_in_a_column(tmp_path):
    path = save(tmp_path, "a.csv", "who,x,y\nNA,unknown,1\nbob,b,NA\n")
    both = columns_of(path, na_values=["NA", "unknown"])
    assert both == {"who": [None, "bob"], "x": [None, "b"], "y": [1, None]}
    one = columns_of(path, na_values={"y": ["NA"]})
    assert one == {"who": ["NA", "bob"], "x": ["unknown", "b"], "y": [1, None]}


def test_missing_cells_are_counted_in_the_repr(tmp_path):
    log = EventLog(save(tmp_path, "a.csv", TEXT), user="who", time="when", product="item")
    assert "  missing   price 1" in repr(log).splitlines()


def test_numbers_of_two_kinds_are_text_and_said(tmp_path):
    path = save(tmp_path, "a.csv", "n;x\n1;1,5\n2;2.5\n")
    with pytest.warns(UserWarning, match=r"Column 'x' .* as text: .* '2\.5' and '1,5'"):
        assert columns_of(path)["x"] == ["1,5", "2.5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",x\n0,a\n1,b\n", "first column has no name and holds row numbers; it was left out"),
        (",x\n7,a\n3,b\n", "first column has no name and holds row numbers"),
        ('"x"\n"1","a"\n"2","b"\n', "first column has no name and holds row numbers"),
        ("Unnamed: 0,x\n0,a\n1,b\n", "first column has no name and holds row numbers"),
        ("x,z\na,1\nx,z\nb,2\n", "1 line that repeats the header line was left out"),
        ("x,,z\na,,1\nb,,2\n", "Column 2 has neither a name nor a value; it was left out"),
        ("x,,z\na,c,1\nb,d,2\n", "Column 2 has no name; it is called 'column_2'"),
    ],
)
def test_what_is_left_out_or_named_is_said(tmp_path, text, message):
    path = save(tmp_path, "a.csv", text)
    with pytest.warns(UserWarning, match=message):
        found = columns_of(path)
    assert found["x"] == ["a", "b"]
    assert set(found) <= {"x", "z", "column_2"}


def test_a_decimal_comma_without_quotes_shifts_no_column(tmp_path):
    lines = [f"{i},{i + 9},3,50,2020-01-0{i}" for i in (1, 2, 3)]
    path = save(tmp_path, "a.csv", "\n".join(["user,item,price,time", *lines]))
    with pytest.raises(InvalidLogError, match=r"line 2 has 5 cells, but .* have 4"):
        read_events(path)


# ------------------------------------------------------------------ workbooks


def test_a_workbook_is_read(tmp_path):
    found = columns_of(save(tmp_path, "a.xlsx", workbook(shop_rows())))
    assert found == SHOP


def test_cells_of_several_kinds_are_text(tmp_path):
    rows = [["id", "n"], ["A1", 1], [7, 2.5], [8.0, None], [None, 4], []]
    found = columns_of(save(tmp_path, "A.XLSX", workbook(rows)))
    assert found == {"id": ["A1", "7", "8", None], "n": [1, 2.5, None, 4]}


def test_numbers_stored_as_text_are_numbers(tmp_path):
    rows = [["id", "x"], ["007", "1,5"], ["008", "2,25"]]
    found = columns_of(save(tmp_path, "a.xlsx", workbook(rows)))
    assert found == {"id": ["007", "008"], "x": [1.5, 2.25]}


def test_only_one_sheet_is_read_and_said(tmp_path):
    path = save(tmp_path, "a.xlsx", workbook([], shop_rows(), shop_rows()))
    with pytest.warns(UserWarning, match="has 2 sheets; only the first, 'Sheet1', was read"):
        assert columns_of(path) == SHOP


# ------------------------------------------------------------------ errors with advice


CHINESE = "用户,时间,行为\n张三,2026-01-01,购买\n李四,2026-01-02,浏览\n"
JAPANESE = "ユーザー,日時\n田中,2026-01-01\nさくら,2026-01-02\n"
RUSSIAN = "пользователь,время\nИван,2026-01-01\nМария,2026-01-02\n"
KOREAN = "사용자,시간\n김철수,2026-01-01\n이영희,2026-01-02\n"
TAIWANESE = "用戶,時間,行為\n張三,2026-01-01,購買\n"
PASSED = {
    # name, content, match, position of the advice, expected first column and its values
    "gbk": ("a.csv", CHINESE.encode("gbk"), "looks? like", 0, "用户", ["张三", "李四"]),
    "gbk, semicolons": (
        "a.csv",
        CHINESE.replace(",", ";").encode("gbk"),
        "not text in UTF-8",
        0,
        "用户",
        ["张三", "李四"],
    ),
    "big5": ("a.csv", TAIWANESE.encode("big5"), "not text in UTF-8", 0, "用戶", ["張三"]),
    "shift-jis": (
        "a.txt",
        JAPANESE.encode("shift_jis"),
        "not text in UTF-8",
        0,
        "ユーザー",
        ["田中", "さくら"],
    ),
    "euc-jp": ("a.csv", JAPANESE.encode("euc_jp"), "UTF-8", 0, "ユーザー", ["田中", "さくら"]),
    "euc-kr": ("a.csv", KOREAN.encode("euc_kr"), "UTF-8", 0, "사용자", ["김철수", "이영희"]),
    "cp1251": ("a.csv", RUSSIAN.encode("cp1251"), "UTF-8", 0, "пользователь", ["Иван", "Мария"]),
    "latin-1": ("a.csv", b"who,x\nJos\xe9,1\n", "UTF-8", 0, "who", ["José"]),
    "latin-1, late": (
        "a.csv",
        b"who,x\n" + b"ann,1\n" * 300_000 + b"Jos\xe9,1\n",
        "UTF-8",
        0,
        "who",
        ["ann"] * 300_000 + ["José"],
    ),
    "windows-1252": ("a.csv", "who,x\nMüller,“5 €”\n".encode("cp1252"), "8", 0, "who", ["Müller"]),
    "utf-16-le": ("a.csv", "who,x\nann,1\n".encode("utf-16-le"), "UTF-8", 0, "who", ["ann"]),
    "utf-16-be": ("a.csv", "who,x\nann,1\n".encode("utf-16-be"), "UTF-8", 0, "who", ["ann"]),
    "json in gbk": (
        "a.jsonl",
        json.dumps({"who": "张三李四"}, ensure_ascii=False).encode("gbk"),
        "UTF-8",
        0,
        "who",
        ["张三李四"],
    ),
    "caret": ("a.csv", "who^x\n1^2\n3^4\n", "its separator is none of", 0, "who", [1, 3]),
    "two colons": ("a.dat", "who::x\n1::2\n3::4\n", "its separator is", 0, "who", [1, 3]),
    "colon": ("a.csv", "who:x\n1:2\n3:4\n", "its separator is none of", 0, "who", [1, 3]),
    "spaces": ("a.txt", "who   x\n1  2\n3  4\n", "its separator is none of", 0, "who", [1, 3]),
    "two separators": ("a.csv", "w;x,y\n1;2,3\n4;5,6\n", "Cannot tell the sep", 1, "w", [1, 4]),
    "no header": (
        "a.csv",
        "7,2026-01-01\n8,2026-01-02\n",
        "looks like data",
        0,
        "column_1",
        [7, 8],
    ),
    "no header, words": (
        "a.csv",
        "ann,view\nbob,buy\nann,buy\nbob,view\n",
        "looks like data",
        0,
        "column_1",
        ["ann", "bob", "ann", "bob"],
    ),
    "no header, one line": ("a.csv", "ann;2026-01-01\n", "looks like", 0, "column_1", ["ann"]),
    "a header like data": (
        "a.csv",
        "ann,view\nbob,buy\nann,buy\nbob,view\n",
        "like data",
        1,
        "ann",
        None,
    ),
    "years as header": ("a.csv", "2019,2020\n5,6\n", "looks like data", 1, "2019", [5]),
    "comma": ("a.csv", "n;x\n1;1,234\n2;2,345\n", "in two ways", 0, "x", [1.234, 2.345]),
    "comma, grouped": ("a.csv", "n;x\n1;1,234\n2;2,345\n", "in two ways", 1, "x", [1234, 2345]),
    "quoted comma": ("a.csv", 'n,x\n1,"1,234"\n', "in two ways: '1,234' is", 1, "x", [1234]),
    "point": ("a.csv", "n;x\n1;1.234\n2;2.345\n", "in two ways", 0, "x", [1.234, 2.345]),
    "point, grouped": ("a.csv", "n;x\n1;1.234\n2;5\n", "in two ways", 1, "x", [1234, 5]),
    "point among commas": ("a.tsv", "y\tx\n1,5\t1.234\n", "in two ways", 1, "x", [1234]),
    "wrong encoding": (
        "a.csv",
        CHINESE.encode("gbk"),
        "line . is not text in encoding='utf-16-le'",
        0,
        "用户",
        ["张三", "李四"],
    ),
}


@pytest.mark.parametrize("form", PASSED)
def test_the_option_of_an_error_reads_the_file(tmp_path, form):
    name, content, message, place, column, values = PASSED[form]
    path = save(tmp_path, name, content)
    wrong = {"encoding": "utf-16-le"} if form == "wrong encoding" else {}
    with pytest.raises(InvalidLogError, match=message) as caught:
        columns_of(path, **wrong)
    text = str(caught.value)
    options = advice(text)
    if "in two ways" in text:  # both are in the same sentence, before "Pass"
        options = advice("Pass " + text.partition("in two ways")[2].rpartition("Pass")[0])
    found = columns_of(path, **options[place])
    assert column in found
    if values is not None:
        assert found[column] == values


RENAMED = {
    "parquet in csv": ("a.csv", parquet(), "holds Parquet, not text"),
    "csv in parquet": ("a.parquet", TEXT, "holds text, not Parquet"),
    "json in csv": ("a.csv", json_lines(), "holds JSON lines, not text"),
    "csv in jsonl": ("a.jsonl", TEXT, "holds text, not JSON lines"),
    "csv in xlsx": ("a.xlsx", TEXT, "holds text, not Excel"),
    "arrow in csv": ("a.csv", arrow(), "holds Arrow, not text"),
    "gzip in csv": ("a.csv", gzip.compress(TEXT.encode()), "holds gzip-compressed data, not text"),
    "zip in csv": ("a.csv", zipped({"b.csv": TEXT}), "holds a zip archive, not text"),
    "csv in gz": ("a.csv.gz", TEXT, "holds text, not compressed data"),
}


@pytest.mark.parametrize("form", RENAMED)
def test_a_file_renamed_as_the_error_says_is_read(tmp_path, form):
    name, content, message = RENAMED[form]
    path = save(tmp_path, name, content)
    with pytest.raises(InvalidLogError, match=f"{message}.* as its ending says") as caught:
        columns_of(path)
    new = re.search(r"Rename it to '([^']+)'", str(caught.value))[1]
    found = columns_of(path.rename(tmp_path / new))
    assert found["who"] == WHO


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.parquet", b"", "the file is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "the file inside is empty"),
        ("a.csv", b"\n \n\n", "no line but blank ones"),
        ("a.csv", b"<!DOCTYPE html><html>404</html>", "holds an HTML page, not text"),
        ("a.csv", b"\n<html><body>Log in</body></html>", "holds an HTML page, not text"),
        ("a.parquet", b"<html>no</html>", "holds an HTML page, not Parquet"),
        ("a.csv", b"<?xml version='1.0'?><a/>", "holds XML, not text.*Save the log as CSV"),
        ("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "an Excel workbook of before 2007"),
        ("a.csv", b"%PDF-1.7", "holds PDF, not text"),
        ("a.csv.gz", gzip.compress(TEXT.encode(), mtime=0)[:-9], "damaged or incomplete"),
        ("a.csv.xz", lzma.compress(TEXT.encode())[:-9], "damaged or incomplete"),
        ("a.zip", zipped({"a.csv": TEXT})[:-9], "damaged or incomplete"),
        ("a.zip", zipped({"a.csv": TEXT, "b.csv": TEXT}), "holds 2 files: a.csv, b.csv"),
        ("a.parquet", b"PAR1 and nothing else", "Cannot read .*a.parquet"),
        ("a.xyz", b"x", "Cannot tell the format of .* from its ending. Rename it to end in"),
        ("a", b"x", "Cannot tell the format of"),
        ("a.csv", b"who,who\n1,2\n", "Column 'who' occurs 2 times in the first line of"),
        ("a.csv", b"a;b;a;c\n1;2;3;4\n", "Column 'a' occurs 2 times"),
        ("a.tsv", b"a\tb\tb \n1\t2\t3\n", "Column 'b' occurs 2 times"),
        ("a.csv", b"a,b\n1,2\n3,4,5\n", "line 3 has 3 cells, but the lines before it have 2: '3,"),
        ("a.csv", b'a,b\n1,"abc\n2,x\n', "line 2 is not closed, .* of the file: '\"abc'"),
        ("a.csv", b"a,b\n1,5,2\n2,5,3\n4,5,3\n", "line 2 has 3 cells"),
        ("a.csv", b'a,b\n1,"x\ny"\n3\n', "line 4 has 1 cell, but the lines before it have 2"),
        ("a.csv", b"\n\na;b\n1;2\n3;4\n5;6;7\n", "line 6 has 3 cells"),
        ("a.csv", b"a,b\n" + b"1,2\n" * 400_000 + b"3\n", "line 400002 has 1 cell"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "line 2 is not a JSON object"),
        ("a.json", b'[{"a": 1}, 5]', "entry 1 is a int, not an object"),
        ("a.json", b'[{"a": 1}, {"a": [}', "Cannot read .*Expecting value"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, name, content, message):
    path = save(tmp_path, name, content)
    with pytest.raises(InvalidLogError, match=message):
        columns_of(path)
    with pytest.raises(InvalidLogError, match=message):
        EventLog(path, user="who", time="when")


def test_names_must_fit_the_first_line(tmp_path):
    path = save(tmp_path, "a.csv", "1,2,3\n4,5,6\n")
    with pytest.raises(
        InvalidLogError, match=r"has 2 names, but the first line .* has 3 cells: '1"
    ):
        columns_of(path, names=["a", "b"])


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ({"encoding": "utf-9"}, ValueError, "encoding='utf-9' is not an encoding that Python"),
        ({"encoding": "hex"}, ValueError, "encoding='hex' is not an encoding"),
        ({"separator": ""}, ValueError, "separator must be a string such as"),
        ({"separator": "ab"}, ValueError, "separator must be .*; got 'ab'"),
        ({"decimal": ";"}, ValueError, "decimal must be one of '.', ','; got ';'"),
        ({"thousands": ";"}, ValueError, "thousands must be one of"),
        ({"decimal": ",", "thousands": ","}, ValueError, "decimal and thousands are both ','"),
        ({"na_values": "NA"}, TypeError, "na_values must be a list of strings"),
        ({"na_values": {"x": "NA"}}, TypeError, "na_values must be a list of strings"),
        ({"names": "who"}, TypeError, "names must be a list of strings"),
        ({"names": ["a", "a"]}, ValueError, "names holds 'a' twice"),
        ({"library": "dask"}, ValueError, "library must be one of 'pandas', 'polars'"),
    ],
)
def test_options_of_reading_are_checked(tmp_path, option, error, message):
    with pytest.raises(error, match=message):
        read_events(save(tmp_path, "a.csv", TEXT), **option)


@pytest.mark.parametrize(
    "option",
    [
        {"encoding": "gbk"},
        {"separator": ";"},
        {"decimal": ","},
        {"thousands": "."},
        {"na_values": []},
        {"names": ["a"]},
    ],
)
def test_options_without_effect_are_refused(tmp_path, option):
    (name,) = option
    with pytest.raises(InvalidLogError, match=f"{name}=.* a table, which is read .* {name} out"):
        EventLog(pa.table(SHOP), user="who", time="when", **option)
    with pytest.raises(InvalidLogError, match=f"{name}=.* is Parquet. Leave {name} out"):
        read_events(save(tmp_path, "a.parquet", parquet()), **option)


def test_what_is_no_file_is_refused():
    with pytest.raises(FileNotFoundError, match=r"No file 'nowhere\.csv'"):
        read_events("nowhere.csv")
    with pytest.raises(TypeError, match="or a list of paths; got list"):
        read_events([1, 2])
