"""Double quotes in text files: what is read, and what is refused with the line that begins it."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_files import columns_of, save

from skbseq._frames._read import _quotes
from skbseq._frames._read._dialects import Dialect
from skbseq.exceptions import InvalidLogError

HEADER = "who,when,note,n\n"


def rows(n, start=0):
    return "".join(f"u{i},2026-05-{i % 28 + 1:02d},view,{i}\n" for i in range(start, start + n))


# By name: the text, the line in which the quote opens, and what the message says of it.
BROKEN = {
    "closed by the next quoted cell": (
        HEADER + rows(3) + 'x,2026-05-01,"view,1\n' + rows(9) + 'y,2026-05-02,"buy",2\n',
        5,
        "line 15, where the next quote is followed by text",
    ),
    "closed by a stray quote at the end of a cell": (
        HEADER + rows(2) + 'x,2026-05-01,"view,1\n' + rows(9) + 'y,2026-05-02,buy",2\n',
        4,
        "closed only in line 14, but the lines between look like rows: 'u0,2026-05-01",
    ),
    "in the first row of many": (
        HEADER + 'x,2026-05-01,"view,1\n' + rows(40_000),
        2,
        "reaches to the end of the file",
    ),
    "in the header": ('who,when,"note,n\n' + rows(5), 1, "reaches to the end of the file"),
    "in the last cell": (
        "who,when,note\n" + 'a,2026-05-01,x\nb,2026-05-02,"y\nc,2026-05-03,z\n',
        3,
        "reaches to the end of the file",
    ),
    "cut within a cell": (HEADER + rows(3) + 'x,2026-05-01,"vi', 5, "copy or download it again"),
    "cut at a quote": (HEADER + rows(3) + 'x,2026-05-01,"', 5, "copy or download it again"),
    "cut after a doubled quote": (HEADER + 'x,2026-05-01,"a""', 2, "copy or download it again"),
    "semicolons and windows lines": (
        HEADER.replace(",", ";").replace("\n", "\r\n") + 'x;2026-05-01;"view;1\r\n',
        2,
        "reaches to the end of the file: '\"view;1'",
    ),
    "after blank lines": ("\n\n" + HEADER + 'x,2026-05-01,"view,1\n', 4, "reaches to the end"),
    "old mac lines": (HEADER[:-1] + '\rx,2026-05-01,a,1\rx,2026-05-01,"a,1\r', 3, "reaches to"),
    "inches": (HEADER + rows(3) + 'x,2026-05-01,"3" pipe",1\n', 5, "text after a quoted cell"),
    "without typed columns": (
        "a,b,c\n" + 'p,q,"r\n' + "s,t,u\n" * 6 + 'v,w,x"\n' + "s,t,u\n" * 3,
        2,
        "closed only in line 9",
    ),
}


@pytest.mark.parametrize("form", BROKEN)
def test_a_quote_that_is_not_closed_is_refused_with_its_line(tmp_path, form):
    text, line, message = BROKEN[form]
    path = save(tmp_path, "a.csv", text)
    with pytest.raises(InvalidLogError, match=re.escape(message)) as caught:
        columns_of(path)
    assert f"line {line} " in str(caught.value)
    if form.startswith("cut"):
        return
    # The advice: without that quote the rest of the file can be read.
    pieces = re.split("(\r\n|\n|\r)", text)
    pieces[2 * (line - 1)] = pieces[2 * (line - 1)].replace('"', "")
    columns_of(save(tmp_path, "b.csv", "".join(pieces)))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"two\nlines"', "two\nlines"),
        ('"more, and\nmore, still\nyes"', "more, and\nmore, still\nyes"),
        ('"a ""b"" c"', 'a "b" c'),
        ('""""', '"'),
        ('""', None),
        ('5" disk', '5" disk'),
        (r'"a \"b\" c"', 'a "b" c'),
        (r'"a \"b\", c"', 'a "b", c'),
        (r'"\"\\\""', '"\\"'),
        ('"one\\\ntwo \\"x\\""', 'one\ntwo "x"'),
        (r'"C:\logs\"', "C:\\logs\\"),
        (r"C:\logs", r"C:\logs"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_quotes_that_are_closed_are_read(tmp_path, cell, value, separator):
    text = HEADER.replace(",", separator) + separator.join(["x", "2026-05-01", cell, "1"]) + "\n"
    text += rows(3).replace(",", separator)
    found = columns_of(save(tmp_path, "a.csv", text))
    assert (found["note"], found["n"]) == ([value, "view", "view", "view"], [1, 0, 1, 2])


def test_stray_quotes_in_one_cell_hide_no_open_quote_in_another(tmp_path):
    text = HEADER + 'x,2026-05-01,3" pipe,1\ny,2026-05-01,"a\nb",2\n' + rows(3)
    assert columns_of(save(tmp_path, "a.csv", text))["note"][:2] == ['3" pipe', "a\nb"]
    text = HEADER + 'x,2026-05-01,3" pipe,1\ny,2026-05-01,"a,2\n' + rows(3)
    with pytest.raises(InvalidLogError, match="opens in line 3 "):
        columns_of(save(tmp_path, "a.csv", text))
    text = HEADER + 'x,2026-05-01,3" pipe,1\ny,2026-05-01,"a,2\n' + rows(3) + 'z,2026-05-09,b",1\n'
    with pytest.raises(InvalidLogError, match="opens in line 3 is closed only in line 7"):
        columns_of(save(tmp_path, "a.csv", text))


def test_a_cell_longer_than_a_block_is_read(tmp_path):
    note = "line\n" * 300_000
    text = HEADER + rows(2) + f'x,2026-05-01,"{note}",1\n' + rows(2)
    assert columns_of(save(tmp_path, "a.csv", text))["note"][2] == note


def test_lines_are_counted_across_parts_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_quotes, "_CHUNK", 64)
    quoted = rows(20).replace("view", '"two\nlines"')
    found = columns_of(save(tmp_path, "a.csv", HEADER + quoted))
    assert set(found["note"]) == {"two\nlines"}
    text = HEADER + quoted + 'x,2026-05-01,"view,1\n' + rows(9) + 'y,2026-05-02,buy",2\n'
    with pytest.raises(InvalidLogError, match="opens in line 42 is closed only in line 52"):
        columns_of(save(tmp_path, "a.csv", text))


def states(text):
    """Whether all quoted cells are closed and end where cells do, and one holds a line end."""
    within, lines, at, begins = False, False, 0, True
    while at < len(text):
        letter, after = text[at], text[at + 1 : at + 2]
        if within and letter == '"' and after == '"':
            at += 1
        elif within and letter == '"':
            within = False
            if after not in ("", ",", "\n"):
                return False, lines
        elif letter == '"' and begins:
            within = True
        lines |= within and letter == "\n"
        begins = not within and letter in ",\n"
        at += 1
    return not within, lines


@given(st.text('a,"\n', max_size=25))
def test_quotes_are_followed_as_a_reader_does_letter_by_letter(text):
    good, lines = states(text)
    dialect = Dialect(",", [], 0, 99, [])
    data, chunk = pa.py_buffer(text.encode()), _quotes._CHUNK
    for _quotes._CHUNK in (3, chunk):  # the last one is that of the module
        if good:
            assert _quotes.check_quotes(data, dialect, [], "a.csv") == lines
        else:
            with pytest.raises(InvalidLogError, match="quote"):
                _quotes.check_quotes(data, dialect, [], "a.csv")
