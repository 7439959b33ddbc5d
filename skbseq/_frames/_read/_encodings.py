"""Decode text files; without a known encoding, name the likely one."""

import codecs
import re
import warnings

from skbseq.exceptions import InvalidLogError

# The longest first, because that of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class TextEncodingError(InvalidLogError):
    """A file is not text in the encoding that it is read in."""


_UTF8 = {"utf-8", "ascii"}
_SAMPLE = 1 << 20
_PLAUSIBLE = 0.5
_ASCII, _FOREIGN = re.compile(rb"[\x00-\x7f]"), re.compile(rb"[\x80-\xff]")
_SYMBOLS = set("€£°’‘“”–—…«»•·§©®ºª¿¡")


def find_encoding(data, encoding, path):
    """The encoding of a text file, and the number of bytes before the text.

    Parameters
    ----------
    data : bytes
        The beginning of the file.
    encoding : str or None
        That given by the user.
    path : str

    Returns
    -------
    encoding : str
        "utf-8", or that of :func:`decode`.
    skip : int

    Raises
    ------
    InvalidLogError
        If the bytes look like UTF-16 but no encoding was given.
    """
    mark = find_mark(data)
    if encoding is not None:
        name = codecs.lookup(encoding).name
        _check_marks(data, mark, name, encoding, path)
        if name in _UTF8 | {"utf-8-sig"}:
            return "utf-8", len(codecs.BOM_UTF8) if mark == "utf-8-sig" else 0
        return name, 0
    if mark is not None:
        return ("utf-8", len(codecs.BOM_UTF8)) if mark == "utf-8-sig" else (mark, 0)
    wide = _wide_encoding(data)
    if wide is not None:
        raise TextEncodingError(_advice(path, wide, "every second byte is zero"))
    return "utf-8", 0


def find_mark(data):
    """The encoding that the byte order mark of some bytes names, or None."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), None)


def _check_marks(data, mark, name, encoding, path):
    """Refuse a given encoding that the first bytes contradict."""
    if mark is not None and name.split("-")[:2] != mark.split("-")[:2]:
        marked = "UTF-8" if mark == "utf-8-sig" else mark.upper()
        raise TextEncodingError(
            f"Cannot read {path!r}: encoding={encoding!r} was passed, but the file begins with "
            f"the mark of {marked}. Leave encoding out."
        )
    wide = None if mark is not None else _wide_encoding(data)
    is_wide = name.startswith(("utf-16", "utf-32"))
    if wide is not None and not is_wide:
        raise TextEncodingError(_advice(path, wide, "every second byte is zero"))
    # Lines end with ASCII characters, which hold zero bytes in these encodings.
    if is_wide and mark is None and data and b"\0" not in data:
        raise TextEncodingError(_given_advice(data, encoding, 1, path))


def read_head(data):
    """The first bytes of a file in UTF-8, if its mark or zero bytes show UTF-16 or UTF-32."""
    encoding = find_mark(data) or _wide_encoding(data)
    if encoding in (None, "utf-8-sig"):
        return data
    return data.decode(encoding, "ignore").removeprefix("\ufeff").encode()


def _wide_encoding(data):
    """UTF-16 without a byte order mark, by its zero bytes."""
    even, odd = data[:2000:2].count(0), data[1:2000:2].count(0)
    least = max(1, len(data[:2000]) // 5)
    if odd >= least and even < odd / 4:
        return "utf-16-le"
    return "utf-16-be" if even >= least and odd < even / 4 else None


def decode(data, encoding, path):
    """The text in bytes.

    Raises
    ------
    InvalidLogError
        If the encoding is not that of the bytes; the message names the line and a likely one.
    """
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        line = data.count(b"\n", 0, at) + 1
        raise TextEncodingError(_given_advice(data, encoding, line, path)) from error


def _given_advice(data, encoding, line, path):
    said = f"Cannot read {path!r}: line {line} is not text in encoding={encoding!r}."
    if is_utf8(data):
        return f"{said} The file is text in UTF-8: leave encoding out."
    likely = guess_encoding(data)
    if likely is None:
        return f"{said} Pass the encoding that the file was written in."
    return f"{said} Pass encoding={likely!r}, if the text is right then."


def warn_of_utf8(data, encoding, path):
    """Warn if a file in UTF-8 is read in another encoding, which makes other characters of it."""
    if encoding is None or codecs.lookup(encoding).name in _UTF8 | {"utf-8-sig"}:
        return
    lines = _foreign_lines(data)
    if lines and is_utf8(data) and is_utf8(b"\n".join(lines)):
        meant, read = (_excerpt(data, each) for each in ("utf-8", encoding))
        warnings.warn(
            f"{path!r} is text in UTF-8 too, in which it reads {meant!r}, but {read!r} in "
            f"encoding={encoding!r}. If the first is right, leave encoding out, and save files in "
            "other encodings as UTF-8.",
            UserWarning,
            stacklevel=2,
        )


def refuse_encoding(data, path):
    """Raise the error about a file that is not UTF-8."""
    lines = _foreign_lines(data)
    good = [line for line in lines if _decodes([line], "utf-8")]
    if len(good) * 2 > len(lines):
        bad = next((line for line in lines if not _decodes([line], "utf-8")), good[-1])
        number = data.count(b"\n", 0, data.find(bad)) + 1
        raise TextEncodingError(
            f"Cannot read {path!r}: line {number} is not text in UTF-8, but lines before or after "
            f"it are: {bad[:60]!r}. Correct that line, or export the log again in one encoding."
        )
    likely = guess_encoding(data)
    if likely is None:
        raise TextEncodingError(
            f"Cannot read {path!r}: it is not text in UTF-8. Pass the encoding that it was "
            "written in, or save it as UTF-8."
        )
    raise TextEncodingError(_advice(path, likely, f"it reads {_excerpt(data, likely)!r} then"))


def _advice(path, encoding, why):
    return (
        f"Cannot read {path!r}: it is not text in UTF-8. Its bytes look like encoding="
        f"{encoding!r} ({why}). Pass encoding={encoding!r}, or save the file as UTF-8."
    )


def _excerpt(data, encoding):
    """The first words that are not ASCII."""
    for line in _foreign_lines(data):
        words = re.findall(r"\w*[^\x00-\x7f]+\w*", line.decode(encoding, "ignore"))
        if words:
            return words[0][:20]
    return ""


def guess_encoding(data):
    """The most plausible of common encodings, or None."""
    lines = _foreign_lines(data)
    if not lines:
        return None
    scores = {name: rate(lines, name, rule) for name, (rate, rule) in _RATERS.items()}
    best = max(scores, key=scores.get)
    # Korean syllables are Chinese characters in GBK, but Chinese texts use many others as well.
    if scores["cp949"] > 0.95 and sum(len(_ASCII.sub(b"", line)) for line in lines) >= 16:
        best = "cp949"
    if scores[best] < _PLAUSIBLE:
        return None
    if best == "cp1252" and not _decodes(lines, "cp1252"):
        return "latin-1"
    return best


def _foreign_lines(data):
    """The first lines that are not ASCII; whole ones, because trail bytes may be ASCII."""
    first = _FOREIGN.search(data)
    if first is None:
        return []
    start = max(data.rfind(end, 0, first.start()) for end in (b"\n", b"\r")) + 1
    lines = data[start : start + _SAMPLE].splitlines()
    return [line for line in lines if _FOREIGN.search(line)][:2000]


def is_utf8(data):
    """Whether a buffer is UTF-8, without a copy of it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(view), _SAMPLE):
            decoder.decode(view[start : start + _SAMPLE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _decodes(lines, encoding):
    try:
        b"\n".join(lines).decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _rate_wide(lines, encoding, rate):
    """Mean plausibility of the characters beyond ASCII, 0 if the lines cannot be decoded."""
    try:
        # The last line of a sample may be cut within a character.
        text = b"\n".join(lines[:-1] or lines).decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    rates = [rate(char, char.encode(encoding)) for char in text if char > "\x7f"]
    return sum(rates) / len(rates) if rates else 0.0


def _rate_gb(char, code):
    # The frequent characters come first, and are in the order of their sound.
    if len(code) != 2 or code[1] < 0xA1:
        return 0.1
    if 0xB0 <= code[0] <= 0xD7:
        return 1.0
    return 0.7 if 0xA1 <= code[0] <= 0xA3 else 0.5 if 0xD8 <= code[0] <= 0xF7 else 0.1


def _rate_big5(char, code):
    if 0xA4 <= code[0] <= 0xC6:
        return 0.95
    return 0.7 if 0xA1 <= code[0] <= 0xA3 else 0.4


def _rate_japanese(char, code):
    if "\u3041" <= char <= "\u30ff":
        return 1.2
    if "\uff61" <= char <= "\uff9f":  # half-width kana: any byte from A1 to DF is one
        return 0.1
    return 0.8 if "\u4e00" <= char <= "\u9fff" or "\u3000" <= char <= "\u303f" else 0.3


def _rate_korean(char, code):
    # The two thousand common syllables; the others are pairs of any bytes.
    common = "\uac00" <= char <= "\ud7a3" and code[0] >= 0xB0 and code[1] >= 0xA1
    return 0.97 if common else 0.2


def _rate_single(lines, encoding, letter):
    """Share of the words beyond ASCII that are written like words, with at most one capital."""
    try:
        text = b"\n".join(lines).decode(encoding, "replace")
    except UnicodeDecodeError:
        return 0.0
    words = re.findall(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*|[^\x00-\x7f\w]", text)
    fit = [letter(word) for word in words]
    return sum(fit) / len(fit) if fit else 0.0


def _western(word):
    if len(word) == 1 and not word.isalpha():
        return 0.9 if word in _SYMBOLS else 0.0
    foreign = sum(char > "\x7f" for char in word)
    well = word[1:] == word[1:].lower() or word.isupper()
    return 0.9 if well and foreign <= max(1, len(word) / 2) else 0.1


def _cyrillic(word):
    if len(word) == 1 and not word.isalpha():
        return 0.7 if word in _SYMBOLS | set("№") else 0.0
    russian = all("\u0410" <= char <= "\u044f" or char in "ёЁ" for char in word)
    well = word[1:] == word[1:].lower() or word.isupper()
    return 0.92 if russian and well and len(word) > 1 else 0.1


# The function that rates the text, and the one that rates a character or a word.
_RATERS = {
    "cp1252": (_rate_single, _western),
    "gb18030": (_rate_wide, _rate_gb),
    "big5": (_rate_wide, _rate_big5),
    "cp932": (_rate_wide, _rate_japanese),
    "euc_jp": (_rate_wide, _rate_japanese),
    "cp949": (_rate_wide, _rate_korean),
    "cp1251": (_rate_single, _cyrillic),
}


# ------------------------------------------------------------------ several files


def describe_encoding(data):
    """The encoding of a file: "utf-8", that of its mark, a likely one, or "ascii" for any."""
    mark = find_mark(data[:4])
    if mark is not None:
        return "utf-8" if mark == "utf-8-sig" else mark
    wide = _wide_encoding(data[:4096])
    if wide is not None or _FOREIGN.search(data) is None:
        return wide or "ascii"
    return "utf-8" if is_utf8(data) else guess_encoding(data) or "an unknown encoding"


def refuse_mixture(error, encodings):
    """Raise the error about one of several files, which are not all in its encoding.

    Parameters
    ----------
    error : TextEncodingError
    encodings : dict of str to str
        By path.
    """
    # Those in any encoding, and those whose mark is followed.
    plain = {p: e for p, e in encodings.items() if e != "ascii" and e not in ("utf-16", "utf-32")}
    if len(set(plain.values())) < 2:
        raise InvalidLogError(str(error)) from error
    wrong = {path: e for path, e in plain.items() if e != "utf-8"}
    said = ", ".join(f"{path!r} ({e})" for path, e in list(wrong.items())[:5])
    more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    raise InvalidLogError(
        f"The files of the log are in several encodings, and one encoding= would not read them "
        f"all. Leave encoding out, and save these as UTF-8: {said}{more}."
    ) from error
