"""Encodings that contradict a file or differ between files, and files that are cut off."""

import io
import json
import re

import pyarrow as pa
import pyarrow.parquet
import pytest
from log_files import advice, columns_of, parquet, save, shop_rows, workbook, zipped

from skbseq.exceptions import InvalidLogError

TEXT = "who,when,n\nJosé,2026-05-01,1\nMüller,2026-05-02,2\n"
PLAIN = "who,when,n\nann,2026-05-01,1\nbob,2026-05-02,2\n"
CHINESE = "who,when,n\n张三,2026-05-01,1\n李四,2026-05-02,2\n"
WHO = ["José", "Müller"]


def refused(source, **options):
    with pytest.raises(InvalidLogError) as caught:
        columns_of(source, **options)
    return str(caught.value)


def save_folder(folder, *contents):
    for i, content in enumerate(contents):
        save(folder, f"{i}.csv", content)
    return folder


# ------------------------------------------------------------------ one file


@pytest.mark.parametrize(
    ("content", "given"),
    [
        (TEXT.encode("utf-16"), "utf-8"),
        (TEXT.encode("utf-16"), "cp1252"),
        (TEXT.encode("utf-32"), "utf-8"),
        (TEXT.encode("utf-32"), "utf-16"),
        (TEXT.encode("utf-8-sig"), "cp1252"),
        (TEXT.encode("utf-8-sig"), "utf-16"),
        (TEXT.encode(), "utf-16"),
        (TEXT.encode(), "utf-16-be"),
        (PLAIN.encode(), "utf-16-le"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.zip"])
def test_an_encoding_that_the_file_contradicts_is_refused(tmp_path, content, given, name):
    if name.endswith("zip"):
        content = zipped({"a.csv": content})
    path = save(tmp_path, name, content)
    message = refused(path, encoding=given)
    assert f"encoding={given!r}" in message and "eave encoding out" in message
    assert columns_of(path)["n"] == [1, 2]


@pytest.mark.parametrize("wide", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("given", [None, "utf-8", "cp1252"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_utf_16_without_a_mark_is_named(tmp_path, wide, given, ending):
    text = TEXT if ending == "csv" else "".join(f'{{"who": "{who}"}}\n' for who in WHO)
    path = save(tmp_path, f"a.{ending}", text.encode(wide))
    (options,) = {tuple(each.items()) for each in advice(refused(path, encoding=given))}
    assert columns_of(path, **dict(options))["who"] == WHO


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("as_list", [False, True])
def test_json_with_a_mark_is_read(tmp_path, encoding, as_list):
    rows = [{"who": who} for who in WHO]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path = save(tmp_path, "a.json", (json.dumps(rows) if as_list else text).encode(encoding))
    assert columns_of(path)["who"] == WHO
    message = refused(save(tmp_path, "a.csv", path.read_bytes()))
    assert "it holds JSON lines, not text as its ending says. Rename it to 'a.jsonl'" in message


@pytest.mark.parametrize("given", ["cp1252", "latin-1", "gb18030"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_utf_8_in_another_encoding_is_said(tmp_path, given, ending):
    text = TEXT if ending == "csv" else "".join(f'{{"who": "{who}"}}\n' for who in WHO)
    path = save(tmp_path, f"a.{ending}", text)
    with pytest.warns(UserWarning, match=r"text in UTF-8 too, in which it reads 'José', but "):
        columns_of(path, encoding=given)
    assert columns_of(path)["who"] == WHO  # as it says


def test_ascii_is_text_in_any_encoding(tmp_path):
    assert columns_of(save(tmp_path, "a.csv", PLAIN), encoding="cp1252")["who"] == ["ann", "bob"]


# ------------------------------------------------------------------ several files


@pytest.mark.parametrize(
    ("contents", "wrong"),
    [
        ([TEXT, TEXT.encode("cp1252"), PLAIN], [1]),
        ([TEXT.encode("cp1252"), TEXT, TEXT.encode("cp1252")], [0, 2]),
        ([TEXT.encode("utf-16"), TEXT.encode("cp1252"), TEXT], [1]),
        ([PLAIN, TEXT.encode("utf-16-le"), TEXT], [1]),
        ([CHINESE.encode("gbk"), TEXT.encode("cp1252")], [0, 1]),
    ],
)
def test_files_of_several_encodings_name_those_to_save_again(tmp_path, contents, wrong):
    folder = save_folder(tmp_path, *contents)
    message = refused(folder)
    assert "several encodings" in message
    named = re.findall(r"'([^']*\.csv)' \(([\w-]+)\)", message)
    assert [path for path, _ in named] == [str(tmp_path / f"{i}.csv") for i in wrong]
    for path, encoding in named:  # the advice
        save(tmp_path, path, (tmp_path / path).read_bytes().decode(encoding))
    found = columns_of(folder)
    assert set(found["who"]) <= {*WHO, "张三", "李四", "ann", "bob"}


def test_files_of_one_other_encoding_name_it(tmp_path):
    folder = save_folder(tmp_path, PLAIN, TEXT.encode("cp1252"), TEXT.encode("cp1252"))
    (options,) = {tuple(each.items()) for each in advice(refused(folder))}
    assert columns_of(folder, **dict(options))["who"] == ["ann", "bob", *WHO, *WHO]


def test_the_file_that_an_encoding_would_spoil_is_said(tmp_path):
    folder = save_folder(tmp_path, TEXT.encode("cp1252"), TEXT)
    with pytest.warns(UserWarning, match=r"1.csv' is text in UTF-8 too, .* save files in other"):
        columns_of(folder, encoding="cp1252")


# ------------------------------------------------------------------ files that are cut off


def _parquet_of_many():
    sink = io.BytesIO()
    pa.parquet.write_table(pa.table({"who": ["a", "b"] * 500}), sink)
    return sink.getvalue()


@pytest.mark.parametrize("size", [40, 2000, -10])
def test_a_workbook_that_is_cut_off(tmp_path, size):
    whole = workbook(shop_rows())
    assert len(whole) > 4000
    message = refused(save(tmp_path, "a.xlsx", whole[:size]))
    assert "workbook is damaged or incomplete. Copy or download it again." in message


def test_a_workbook_with_damaged_content(tmp_path):
    pytest.importorskip("openpyxl")
    content = zipped({"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "no"})
    message = refused(save(tmp_path, "a.xlsx", content))
    assert "damaged or of a kind that is not supported" in message and "as CSV" in message


@pytest.mark.parametrize("content", [_parquet_of_many()[:-10], _parquet_of_many()[:60]])
def test_parquet_that_is_cut_off(tmp_path, content):
    assert refused(save(tmp_path, "a.parquet", content)).endswith("copy or download it again.")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(600), "save it as .xlsx or CSV"),
        ("a.xls", b"<html><table><tr><td>who</td></tr></table>", "save it as .xlsx or CSV"),
        ("a.xlsb", b"PK\x03\x04", "save it as .xlsx or CSV"),
        ("a.ods", zipped({"content.xml": "<x/>"}), "save it as .xlsx or CSV"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(600), "save it as .xlsx or CSV"),
        ("a.xls", PLAIN.encode(), "it holds text, not an old workbook .* Rename it to 'a.csv'"),
        ("a.xls", parquet(), "it holds Parquet, .* Rename it to 'a.parquet'"),
    ],
)
def test_other_spreadsheets(tmp_path, name, content, message):
    path = save(tmp_path, name, content)
    said = refused(path)
    assert re.search(message, said)
    for renamed in re.findall("Rename it to '(.*)'", said):
        columns_of(path.rename(tmp_path / renamed))


def test_a_workbook_with_an_old_ending_is_read_when_renamed(tmp_path):
    path = save(tmp_path, "a.xls", workbook(shop_rows()))
    assert "Rename it to 'a.xlsx'" in refused(path)
    assert columns_of(path.rename(tmp_path / "a.xlsx"))["who"][0] == "ann"
