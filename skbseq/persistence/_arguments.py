"""Checks of what the user passes: paths and metadata."""

import os
from pathlib import Path

from skbseq._checks import is_text

__all__ = ["check_metadata", "check_path", "received"]

_SHOWN = 60


def received(value):
    """A value and its type as an error message shows them."""
    try:
        text = repr(value)
    except Exception:  # a type of the user, whose own error would hide ours
        text = "an object that cannot be shown"
    text = text.encode("ascii", "backslashreplace").decode() if not text.isprintable() else text
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f"{text} ({type(value).__name__})"


def check_path(path):
    """A path of the user as a `Path`.

    Raises
    ------
    TypeError
        If it is not a str or os.PathLike.
    ValueError
        If no file can have this name.
    """
    text = path if isinstance(path, str) else None
    if isinstance(path, os.PathLike):
        text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(
            f"path must be a str or os.PathLike, such as 'model.skbseq'; got {received(path)}."
        )
    if not text:
        raise ValueError("path is empty. Give the name of a file, such as 'model.skbseq'.")
    try:
        possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ValueError(
            f"path={text!a} cannot be the name of a file: it holds a null character or one "
            "half of a surrogate pair. Remove that character."
        )
    return Path(text)


def check_metadata(metadata, where="metadata", inside=()):
    """Refuse metadata that a file would not give back: JSON has only strings as keys.

    Parameters
    ----------
    metadata : object
    where : str
        Its place, for messages.
    inside : tuple of int
        Ids of the containers around it.
    """
    if isinstance(metadata, str):
        _check_text(metadata, where)
    elif isinstance(metadata, dict | list | tuple):
        if id(metadata) in inside or len(inside) > 100:
            raise ValueError(
                f"metadata hold themselves or are nested more than 100 deep, at {where[:_SHOWN]}. "
                "Save them without that part."
            )
        inside = (*inside, id(metadata))
        for key, value in _items(metadata, where):
            check_metadata(value, f"{where}[{key!r}]", inside)
    elif not (metadata is None or isinstance(metadata, bool | int | float)):
        raise TypeError(
            f"{where} must be valid JSON: a dict, list, string, number, bool or None; "
            f"got {received(metadata)}. Convert it, for example to a string."
        )


def _items(container, where):
    if not isinstance(container, dict):
        yield from enumerate(container)
        return
    for key, value in container.items():
        if not isinstance(key, str):
            raise TypeError(
                f"The keys of {where} must be strings, because JSON has no others; got the key "
                f"{received(key)}. Write it as a string."
            )
        _check_text(key, f"a key of {where}")
        yield key, value


def _check_text(text, where):
    if not is_text(text):
        raise ValueError(
            f"{where} must be valid Unicode; got {ascii(text)[:_SHOWN]}, which holds one half of "
            "a surrogate pair. Replace it, for example by "
            "text.encode('utf-8', 'replace').decode()."
        )
