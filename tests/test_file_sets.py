"""Several files as one log, and the progress of reading."""

import logging
import re

import pytest
from log_files import ITEM, PRICE, SHOP, TEXT, WHO, columns_of, json_lines, parquet, save, written

from skbseq._frames._read import _progress, _source
from skbseq.exceptions import InvalidLogError

# ------------------------------------------------------------------ several files


def half(first, name="a.csv"):
    """Half of the shop as a file."""
    columns = {n: values[:2] if first else values[2:] for n, values in SHOP.items()}
    if name.endswith(".parquet"):
        return parquet(columns)
    return json_lines(columns) if name.endswith(".jsonl") else written(columns)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("how", ["list", "folder", "pattern"])
def test_several_files_are_one_log(tmp_path, ending, how):
    paths = [save(tmp_path, f"logs/{n}.{ending}", half(n == 1, f"x.{ending}")) for n in (1, 2)]
    save(tmp_path, "logs/_SUCCESS", "")
    source = {"list": paths, "folder": tmp_path / "logs", "pattern": str(tmp_path / "l*/*")}[how]
    if how == "pattern":
        source += f".{ending}"
    found = columns_of(source, ids=["item"])
    assert found["who"] == WHO and found["item"] == ITEM and found["price"] == PRICE


def test_columns_of_several_files_have_one_type(tmp_path):
    save(tmp_path, "1.csv", "id,x\n7,1\n")
    save(tmp_path, "2.csv", "x,id\n2.5,A8\n")
    assert columns_of(tmp_path) == {"id": ["7", "A8"], "x": [1.0, 2.5]}
    parts = [{"id": [2**53 + 1], "x": [1]}, {"id": [None], "x": [None]}]
    paths = [save(tmp_path, f"{i}.parquet", parquet(part)) for i, part in enumerate(parts)]
    assert columns_of(paths) == {"id": [2**53 + 1, None], "x": [1, None]}


def test_names_of_folders_are_columns(tmp_path):
    for year, part in ((2025, True), (2026, False)):
        name = f"logs/year={year}/shop=a%20b/1.csv"
        save(tmp_path, name, half(part))
    found = columns_of(tmp_path / "logs")
    assert found["year"] == [2025, 2025, 2026, 2026] and found["shop"] == ["a b"] * 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("2.csv", "who,x\n1,2\n", "2.csv' lacks the column 'when', unlike .*1.csv'"),
        ("2.csv", TEXT.replace("price", "preis"), "2.csv' lacks the column 'price'"),
        ("2.parquet", parquet(SHOP | {"new": WHO}), "2.parquet' has the column 'new', unlike"),
        ("2.parquet", parquet(SHOP | {"price": WHO}), "'price' holds string .*, but float"),
        ("readme.md", "x", "readme.md' in the folder is no log by its ending. .*pattern .*.csv'"),
        ("year=1/2.csv", "year,x\n1,2\n", "Column 'year' is in .* and also in the name of its"),
    ],
)
def test_files_of_different_columns_are_refused(tmp_path, name, content, message):
    save(tmp_path, "1.csv", TEXT)
    save(tmp_path, name, content)
    with pytest.raises(InvalidLogError, match=message):
        columns_of(tmp_path)


def test_a_pattern_or_folder_without_files_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="No file matches"):
        columns_of(str(tmp_path / "*.csv"))
    with pytest.raises(FileNotFoundError, match="holds no log file"):
        columns_of(tmp_path)


def test_reading_is_silent_unless_it_takes_long(tmp_path, monkeypatch, capsys):
    path = save(tmp_path, "a.csv", TEXT)
    open_file = _source.containers.open_file
    columns_of(path)
    assert capsys.readouterr().err == ""
    started = _progress.threading.Event()

    class Logger:
        def info(self, text, *values):
            _progress.logging.getLogger("skbseq").info(text, *values)
            started.set()

    def slowly(path):
        assert started.wait(10)
        return open_file(path)

    monkeypatch.setattr(_progress, "_FIRST", 0.01)
    monkeypatch.setattr(_progress, "_logger", Logger())
    monkeypatch.setattr(_source.containers, "open_file", slowly)
    columns_of(path)
    assert re.match(r"Reading '.*a\.csv' \(\d+ bytes\) \.\.\.\n", capsys.readouterr().err)
    started.clear()
    quiet = logging.getLogger("skbseq")
    quiet.setLevel(logging.WARNING)
    try:
        columns_of(path)
    finally:
        quiet.setLevel(logging.INFO)
    assert capsys.readouterr().err == ""
