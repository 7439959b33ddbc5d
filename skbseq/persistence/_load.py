"""Load estimators from model files."""

import errno
import io
import os
import warnings
import zipfile
from contextlib import contextmanager

from sklearn.exceptions import InconsistentVersionWarning

from skbseq import __version__
from skbseq.exceptions import ModelFileError
from skbseq.persistence._archive import SCHEMA, open_content, read_record
from skbseq.persistence._arguments import check_path
from skbseq.persistence._skops import skops
from skbseq.persistence._trust import is_state, read_trusted, with_new_names
from skbseq.persistence._versions import FORMAT, WATCHED, versions

__all__ = ["load", "read_metadata"]


def load(path, *, trusted=()):
    """Load an estimator from a file written by :func:`save`.

    TensorFlow is loaded only when the estimator makes its first prediction.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    trusted : list of str, type or function, default=()
        Types to allow in addition to those of skbseq, scikit-learn and NumPy. Name only types
        that you know, because creating an object can run code of its type.

    Returns
    -------
    estimator
        The estimator in the state in which it was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFileError
        If the file is damaged or not a model file, would unpack to more than 100 times its size,
        was written by a later version, or holds types that are not trusted; the message lists
        them.
    TypeError
        If ``path`` is not a path, or ``trusted`` holds something that is not a type or a name.

    Warns
    -----
    UserWarning
        If the file was written with another version (major or minor) of skbseq or scikit-learn.

    See Also
    --------
    save : Save an estimator.

    Notes
    -----
    Digests in the file detect damage. They are not a signature: somebody who changes a file on
    purpose can recompute them, and so make a model that predicts something else.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skbseq import load, save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.skbseq"
    ...     save(LogisticRegression(C=0.5), path)
    ...     load(path)
    LogisticRegression(C=0.5)
    """
    trusted = read_trusted(trusted)
    with _opened(path) as (archive, record, index):
        content = open_content(archive, record, index)
        unpacked = content.repacked(with_new_names(content.schema))
        found = skops.io.get_untrusted_types(data=unpacked)
    untrusted = [name for name in found if name not in trusted and not is_state(name)]
    if untrusted:
        raise ModelFileError(
            f"{os.fspath(path)!r} holds types that are not trusted: {', '.join(untrusted)}. "
            "Nothing was loaded. If you know them and where the file comes from, pass "
            f"trusted={untrusted}."
        )
    _warn_of_versions(path, record)
    with _blaming_the_file(path, intact=index is not None), warnings.catch_warnings():
        if record is not None:  # our own warning covers all parts of the model at once
            warnings.simplefilter("ignore", InconsistentVersionWarning)
        return skops.io.loads(unpacked, trusted=found)


def read_metadata(path):
    """Read the metadata of a model file without loading the model.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    dict
        ``format``, a number; ``versions``, of the skbseq, scikit-learn and keras that wrote the
        file; ``metadata``, as given to :func:`save`, or an empty dict.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFileError
        If the file is damaged or was not written by :func:`save`. The model itself is not read,
        and damage in it is not noticed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skbseq import SequenceEncoder, save
    >>> from skbseq.persistence import read_metadata
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "encoder.skbseq"
    ...     save(SequenceEncoder(), path, metadata={"shop": "north"})
    ...     read_metadata(path)["metadata"]
    {'shop': 'north'}
    """
    with _opened(path) as (_, record, _):
        pass
    if record is None:
        raise ModelFileError(
            f"{os.fspath(path)!r} was not written by skbseq.save: it has no metadata."
        )
    return record


@contextmanager
def _opened(path):
    """The archive of a file, its record and its index; errors name the file."""
    content = _read_bytes(check_path(path))
    where = os.fspath(path)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, NotImplementedError) as error:  # or an unknown version of zip
        raise ModelFileError(
            f"{where!r} is damaged or not a model file: its {len(content):,} bytes are not a "
            "complete zip archive. If it was copied here, copy it again."
        ) from error
    if SCHEMA not in archive.namelist():
        raise ModelFileError(f"{where!r} is a zip archive, but it holds no model.")
    with _blaming_the_file(path):
        record, index = read_record(archive, lambda record: _check_format(record, where))
        if record is not None:
            record["versions"] = {name: str(v) for name, v in record["versions"].items()}
            _ = [record["versions"][name] for name in WATCHED]
    with archive, _blaming_the_file(path, intact=index is not None):
        yield archive, record, index


def _read_bytes(path):
    if path.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, "This is a folder, not a model file", os.fspath(path)
        )
    return path.read_bytes()


def _check_format(record, where):
    if record["format"] > FORMAT:
        raise _LaterFormatError(
            f"{where!r} was written by skbseq {record['versions']['skbseq']}, whose format is "
            f"{record['format']}; this is skbseq {__version__}, which reads formats up to "
            f"{FORMAT}. Update skbseq."
        )


class _LaterFormatError(ModelFileError):
    """The file is sound, but of a later version."""


@contextmanager
def _blaming_the_file(path, *, intact=False):
    """Turn any error while reading an untrusted file into a `ModelFileError` that names it.

    Parameters
    ----------
    path : str or os.PathLike
    intact : bool, default=False
        Whether digests have shown that the file is as it was saved. Then a lack of memory is no
        fault of the file.
    """
    try:
        yield
    except Exception as error:  # skops raises many types of errors on damaged files
        if isinstance(error, _LaterFormatError) or (intact and isinstance(error, MemoryError)):
            raise
        kind = "" if isinstance(error, ModelFileError) else f"{type(error).__name__}: "
        raise ModelFileError(
            f"{os.fspath(path)!r} is damaged or was not written by skbseq.save: it cannot be read "
            f"({kind}{error}). Copy it again, or save the model again."
        ) from error


def _warn_of_versions(path, record):
    if record is None:
        return
    here = versions()
    for name in WATCHED:
        then = record["versions"][name]
        if then.split(".")[:2] != here[name].split(".")[:2]:
            warnings.warn(
                f"{os.fspath(path)!r} was saved with {name} {then} and is loaded with "
                f"{here[name]}: it may fail or give different predictions. Compare some "
                "predictions, or train and save it again.",
                UserWarning,
                stacklevel=3,
            )
