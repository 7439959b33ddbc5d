"""The options of the command line that describe a log file, without training."""

import re
import shlex

import pyarrow as pa
import pytest
from log_files import GERMAN, HEADER, ROWS, SHOP, TEXT, WHO, parquet, save, written

from skbseq import _frames
from skbseq.cli import _arguments as arguments
from skbseq.cli._main import make_parser
from skbseq.cli._task import Task, read_log
from skbseq.cli._wording import describe
from skbseq.exceptions import InvalidLogError

ROLES = {"user": "who", "time": "when", "behavior": None, "product": "item"}
FIT = "fit LOG --user who --time when --at 2026-06-01 --horizon 7D --out m.skbseq"
PREDICT = "predict m.skbseq LOG --at 2026-06-01 --out s.csv"


def options_of(text, command=FIT, stored=None):
    args = make_parser().parse_args(shlex.split(f"{command} {text}"))
    return arguments.read_options(args, stored)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (TEXT, ""),
        (GERMAN, ""),
        (GERMAN.encode("gb18030"), "--encoding gb18030"),
        (written(separator="^"), "--separator '^'"),
        (written(separator="\t"), r"--separator '\t'"),
        (written(separator="::"), "--separator ::"),
        (GERMAN, "--decimal , --thousands ."),
        (written(thousands="_"), "--thousands _"),
        (ROWS, "--names who when item price"),
        (TEXT.replace("20.25", "none"), "--na-values price=x price=none"),
    ],
)
def test_files_are_read_with_the_options_of_the_command_line(tmp_path, content, text):
    path = save(tmp_path, "a.csv", content)
    table = read_log(str(path), ROLES, options=options_of(text))
    assert table.column_names == HEADER
    assert table["who"].to_pylist() == WHO
    price = [None if "none" in text and p == 20.25 else p for p in SHOP["price"]]
    assert table["price"].to_pylist() == price


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (GERMAN.encode("gb18030"), 0),
        (written(separator="^"), 0),
        (ROWS, 0),
        ("who;when;item;price\nann;2026-05-01;7;1,234\n", 0),
        ("who;when;item;price\nann;2026-05-01;7;1,234\n", 1),
    ],
)
def test_the_advice_of_an_error_is_for_the_command_line(tmp_path, content, place):
    path = str(save(tmp_path, "a.csv", content))
    with pytest.raises(InvalidLogError) as caught:
        read_log(path, ROLES)
    said = describe(caught.value)
    if "in two ways" not in said:
        said = said[said.rindex("Pass ") :]
    name, values = re.findall(r"(--[a-z-]+)((?: (?:'[^']*'|\w+))+)", said)[place]
    n_values = 4 if name == "--names" else 1
    options = options_of(shlex.join([name, *shlex.split(values)[:n_values]]))
    assert read_log(path, ROLES | {"user": "who"}, options=options).num_rows > 0


def test_missing_cells_are_named_for_all_columns_or_for_one():
    assert options_of("--na-values NA null").na_values == ["NA", "null"]
    assert options_of("--na-values a=NA a=x b=").na_values == {"a": ["NA", "x"], "b": []}
    with pytest.raises(ValueError, match="--na-values NA is for all columns, but another"):
        options_of("--na-values NA b=x")


def test_options_of_fit_hold_at_predict_unless_given(tmp_path):
    stored = options_of("--separator ; --decimal , --names a b").to_dict()
    assert stored == {"separator": ";", "decimal": ",", "names": ["a", "b"]}
    options = options_of("--separator '|'", PREDICT, stored)
    assert (options.separator, options.decimal, options.names) == ("|", ",", ["a", "b"])
    path = str(save(tmp_path, "a.parquet", parquet()))
    # What was given for another file has no meaning here; what is given for this one is wrong.
    assert read_log(path, ROLES, options=options_of("", PREDICT, stored)).num_rows == 4
    with pytest.raises(InvalidLogError, match=r"separator='\|' describes a text file"):
        read_log(path, ROLES, options=options)


# ------------------------------------------------------------------ types as at fit

KINDS = {"when": "timestamp", "item": "string", "size": "integer", "price": "float"}
USES = {"when": "times", "item": "categories", "size": "categories", "price": "numbers"}
TASK = Task(roles=ROLES, at="2026-06-01", horizon="7D", uses=USES, kinds=KINDS)
KNOWN = {"item": ["7", "A8", None], "size": [1, 2]}


def checked(path):
    return TASK.check_table(read_log(str(path), ROLES, KINDS), KNOWN)


def test_what_was_text_is_read_as_text(tmp_path):
    text = "who,when,item,size,price\nann,2026-05-01,7,1,2\nbob,2026-05-02,012,2,NA\n"
    with pytest.warns(UserWarning, match="'price' .'NA' in 1 cell"):
        table = checked(save(tmp_path, "a.csv", text))
    assert table["item"].to_pylist() == ["7", "012"]
    assert table["size"].to_pylist() == [1, 2] and table["price"].to_pylist() == [2, None]


def test_parquet_files_may_hold_ids_in_another_type(tmp_path):
    columns = {"who": ["ann"], "when": SHOP["when"][:1]}
    for item in ([7], [7.0], ["7"]):
        for size, price in (([1], [2.5]), (["1"], [2]), ([1.0], ["2"])):
            path = tmp_path / "a.parquet"
            path.write_bytes(parquet(columns | {"item": item, "size": size, "price": price}))
            table = checked(path)
            assert _frames.kind_of(table["price"].type) in ("integer", "float")
            assert table["item"].to_pylist() == item  # the encoder compares it


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item": [7.5]}, "'item' holds float values; the model was trained on string"),
        ({"item": [True]}, "'item' holds boolean values; the model was trained on string"),
        ({"size": ["007"]}, "'size' holds string values; the model was trained on integer"),
        ({"price": ["2,5"]}, "'price' holds string values; the model was trained on float"),
    ],
)
def test_columns_that_would_lose_something_are_refused(tmp_path, changes, message):
    columns = {
        "who": ["ann"],
        "when": SHOP["when"][:1],
        "item": ["7"],
        "size": [1],
        "price": [2.5],
    }
    path = save(tmp_path, "a.parquet", parquet(columns | changes))
    with pytest.raises(InvalidLogError, match=message):
        checked(path)


def test_numbers_in_a_column_of_words_are_refused():
    columns = {
        "who": ["ann"],
        "when": SHOP["when"][:1],
        "item": ["7"],
        "size": [1],
        "price": [2.5],
    }
    table = pa.table(columns)
    with pytest.raises(InvalidLogError, match=r"'item' holds integer values; .* string"):
        TASK.check_table(table, {"item": ["view", "buy"]})
    assert TASK.check_table(table, {"item": []}).equals(table)
