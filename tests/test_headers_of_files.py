"""The header line of text files and workbooks: what stands above it, and names that differ."""

import pytest
from log_files import advice, columns_of, save, shop_rows, workbook

from skbseq.exceptions import InvalidLogError

HEADER = "who,when,what,n\n"
ROWS = "".join(f"u{i},2026-05-{i + 1:02d},view,{i}\n" for i in range(5))
TEXT = HEADER + ROWS
NAMES = ["who", "when", "what", "n"]


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (TEXT, ["when", "who", "what", "n"]),
        (TEXT, ["WHO", "When", "what", "N"]),
        (TEXT, ["user", "time", "behavior", "count"]),
        (TEXT.replace("who,when", "Benutzer,Zeit"), NAMES),
        ("user,item\nann,tea\nbob,milk\n", ["item", "user"]),
    ],
)
def test_names_for_a_file_with_a_header_are_refused(tmp_path, text, names):
    path = save(tmp_path, "a.csv", text)
    with pytest.raises(InvalidLogError, match=r"looks like one.*leave names out") as caught:
        columns_of(path, names=names)
    (option,) = advice(str(caught.value))
    assert columns_of(path, **option) == columns_of(path)
    # If the line is a row: names above it.
    found = columns_of(save(tmp_path, "b.csv", ",".join(names) + "\n" + text))
    assert list(found) == names
    assert len(found[names[0]]) == text.count("\n")


@pytest.mark.parametrize("first", [",2026-05-09,view,7\n", "NA,2026-05-09,NA,NA\n", "x,,n,\n"])
def test_a_first_row_with_missing_cells_is_no_header(tmp_path, first):
    found = columns_of(save(tmp_path, "a.csv", first + ROWS), names=NAMES, na_values=["NA"])
    assert len(found["who"]) == 6


def test_text_alone_is_read_as_told(tmp_path):
    path = save(tmp_path, "a.csv", "ann,tea\nbob,milk\n")
    assert columns_of(path, names=["user", "item"])["user"] == ["ann", "bob"]


def test_names_for_a_workbook_with_a_header_are_refused(tmp_path):
    path = save(tmp_path, "a.xlsx", workbook(shop_rows()))
    with pytest.raises(InvalidLogError, match=r"names=.*looks like one: 'who', 'when'"):
        columns_of(path, names=["when", "who", "item", "price"])


# ------------------------------------------------------------------ lines above the header

ABOVE = {
    "a title": "Report of May 2026\n",
    "a title and a blank line": "Report of May 2026\n\n",
    "a title in quotes": '"Report, of May"\n',
    "titles of several cells": "Report of May\nExported by,Ann\n",
    "a padded title": "Report,May 2026,,\n",
    "comments": "# exported by a tool\n# on Monday, with care\n",
    "many comments": "# a comment\n" * 12,
}


@pytest.mark.parametrize("form", ABOVE)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_lines_above_the_header_are_left_out_and_said(tmp_path, form, separator):
    above = ABOVE[form] if "comments" in form else ABOVE[form].replace(",", separator)
    path = save(tmp_path, "a.csv", above + TEXT.replace(",", separator))
    with pytest.warns(UserWarning, match="above the header (was|were) left out: '.*'"):
        found = columns_of(path)
    assert found == columns_of(save(tmp_path, "b.csv", TEXT))


def test_comments_above_rows_without_a_header(tmp_path):
    path = save(tmp_path, "a.csv", "# a comment\n" + ROWS)
    with pytest.warns(UserWarning, match="1 line above the header was left out: '# a comment'"):
        found = columns_of(path, names=NAMES)
    assert found == columns_of(save(tmp_path, "b.csv", TEXT))


def test_titles_of_a_workbook_are_left_out_and_said(tmp_path):
    rows = [["Report of May"], [], ["by", "Ann"], *shop_rows()]
    path = save(tmp_path, "a.xlsx", workbook(rows))
    with pytest.warns(UserWarning, match="2 lines above the header .*'Report of May', 'by Ann'"):
        found = columns_of(path)
    assert found == columns_of(save(tmp_path, "b.xlsx", workbook(shop_rows())))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"x"\n"1",5\n"2",6\n', ["x"]),
        ("a,,,\n1,2,3,4\n5,6,7,8\n", ["a", "column_2", "column_3", "column_4"]),
        ("a,b,,\nk,l,m,n\no,p,q,r\n", ["a", "b", "column_3", "column_4"]),
        ("a,b,c,d\n1,,,\n2,,,\n3,4,5,6\n", ["a", "b", "c", "d"]),
        ("a,b\nx,y\nv,w\n", ["a", "b"]),
        ("#who,when\nann,2026-05-01\nbob,2026-05-02\n", ["#who", "when"]),
    ],
)
@pytest.mark.filterwarnings("ignore:.*has no name:UserWarning")
def test_a_short_header_is_no_title(tmp_path, text, names):
    found = columns_of(save(tmp_path, "a.csv", text))
    assert list(found) == names
    assert len(found[names[0]]) == text.count("\n") - 1


@pytest.mark.parametrize(
    "line", ["# a comment\n", "3 rows\n", "u,2026-05-09\n", "u,2026-05-09,two\nlines,3\n"]
)
def test_lines_of_too_few_cells_are_refused_with_what_to_do(tmp_path, line):
    text = HEADER + ROWS + line + ROWS
    with pytest.raises(InvalidLogError, match=r"line 7 has .* line break must be in .* comment"):
        columns_of(save(tmp_path, "a.csv", text))
    columns_of(save(tmp_path, "b.csv", text.replace(line, "")))  # the advice
