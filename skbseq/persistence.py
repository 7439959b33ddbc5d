"""Save fitted models to files that hold data and no code, and load them.

A model file is a zip archive written by skops: numbers as NumPy arrays, the rest as JSON. Loading
one creates objects of known types only and runs no code from the file. So, unlike a pickle, an
untrusted file is refused and does no harm.
"""

import importlib.metadata
import inspect
import io
import json
import os
import sys
import warnings
import zipfile
from contextlib import contextmanager
from pathlib import Path

import skops.io
from sklearn.exceptions import InconsistentVersionWarning

from skbseq import __version__, _next_event, estimators, networks, preprocessing
from skbseq._files import check_writable, replacing
from skbseq._inputs import InputSchema
from skbseq.exceptions import ModelFileError

__all__ = ["load", "read_metadata", "save"]

_FORMAT = 1
_RECORD = "skbseq.json"
_SCHEMA = "schema.json"
_WATCHED = ("skbseq", "scikit-learn")
# Objects of Keras are rebuilt when needed and never saved.
_NO_STATE = ("skbseq.estimators._keras", "skbseq.networks._graph")
# Classes in the state of scikit-learn's estimators that skops does not know yet. Trees of gradient
# boosting are tables of numbers, as those of random forests are, which it knows.
_KNOWN = {"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"}
# Modules and classes that have moved since an earlier version: old to new name, for reading old
# files. The classes themselves fill in parameters and attributes that old files lack.
_MOVED = {
    "skbseq.estimators._augmentation": "skbseq.preprocessing._augmentation",
    "skbseq.estimators._inputs": "skbseq._inputs",
    "skbseq.estimators._markov_chain": "skbseq._next_event._markov_chain",
    "skbseq.estimators._next_baselines": "skbseq._next_event._baselines",
    **{
        f"skbseq.estimators._{prefix}_{kind}": f"skbseq.estimators.{home}"
        for kind in ("classifier", "regressor")
        for prefix, home in (
            ("lstm", "_lstm"),
            *((prefix, "_named") for prefix in ("bag", "cnn", "gru", "rnn", "transformer")),
        )
    },
}


def save(estimator, path, *, metadata=None):
    """Save an estimator to a file.

    The file is written completely or not at all. It is written to a temporary file and then
    renamed, so that an error or interruption leaves an existing file unchanged.

    Parameters
    ----------
    estimator : estimator
        An estimator of skbseq or scikit-learn, or a pipeline of them. For a search, pass its
        ``best_estimator_``.
    path : str or os.PathLike
        File to write, by convention with the extension ``.skbseq``. An existing file is replaced.
    metadata : dict, default=None
        Notes to save with the model, as far as JSON can represent them. :func:`read_metadata`
        returns them.

    Raises
    ------
    TypeError
        If something in the estimator cannot be saved, such as a function or an instance of a
        Keras optimizer, or if the metadata are not valid JSON.
    OSError
        If the file cannot be written, or the path is something other than a regular file.

    See Also
    --------
    load : Read the estimator back.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> from skbseq import SequenceEncoder, load, save
    >>> from skbseq.persistence import read_metadata
    >>> X = pd.DataFrame({"what": [["view", "buy"], ["view"]]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "encoder.skbseq"
    ...     save(SequenceEncoder().fit(X), path, metadata={"shop": "north"})
    ...     encoder = load(path)
    ...     notes = read_metadata(path)["metadata"]
    >>> encoder.transform(X)["what"].tolist()
    [[2, 3], [2]]
    >>> notes
    {'shop': 'north'}
    """
    if not hasattr(estimator, "get_params"):
        raise TypeError(
            f"The first argument must be an estimator; got {type(estimator).__name__}."
        )
    record = _encode_record(metadata)
    _check_functions(estimator)
    check_writable(path)  # fails before the estimator is packed
    content = _pack(estimator, record)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


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
        In the state in which it was saved.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ModelFileError
        If the file is damaged or not a model file, was written by a later version, or holds types
        that are not trusted; the message lists them.

    Warns
    -----
    UserWarning
        If the file was written with another version (major or minor) of skbseq or scikit-learn.

    See Also
    --------
    save : Save an estimator.

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
    trusted = {_type_name(kind) for kind in _as_list(trusted)}
    content = Path(path).read_bytes()
    record = _read_record(path, content)
    with _blaming_the_file(path):
        content = _rename_moved(content)
        found = skops.io.get_untrusted_types(data=content)
    untrusted = [name for name in found if name not in trusted and not _is_state(name)]
    if untrusted:
        raise ModelFileError(
            f"{os.fspath(path)!r} holds types that are not trusted: {', '.join(untrusted)}. "
            "Nothing was loaded. If you know them and where the file comes from, pass "
            f"trusted={untrusted}."
        )
    _warn_of_versions(path, record)
    with _blaming_the_file(path), warnings.catch_warnings():
        if record is not None:  # our own warning covers all parts of the model at once
            warnings.simplefilter("ignore", InconsistentVersionWarning)
        return skops.io.loads(content, trusted=found)


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
        If the file is damaged or was not written by :func:`save`.

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
    record = _read_record(path, Path(path).read_bytes())
    if record is None:
        raise ModelFileError(
            f"{os.fspath(path)!r} was not written by skbseq.save: it has no metadata."
        )
    return record


# ------------------------------------------------------------------ writing


def _encode_record(metadata):
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict):
        raise TypeError(f"metadata must be a dict; got {type(metadata).__name__}.")
    record = {"format": _FORMAT, "versions": _versions(), "metadata": metadata}
    try:
        return json.dumps(record, indent=2)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"metadata must be valid JSON: dicts, lists, strings, numbers. {error}."
        ) from error


def _versions():
    # Read from the installed packages, because importing keras loads TensorFlow.
    others = {name: importlib.metadata.version(name) for name in ("scikit-learn", "keras")}
    return {"skbseq": __version__} | others


def _pack(estimator, record):
    """The content of a model file, after a test that it can be loaded."""
    try:
        content = _fix_keys(skops.io.dumps(estimator), record)
        # skops also writes some objects that it cannot read; better to fail now.
        skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    except Exception as error:
        culprit = _unsavable_parameter(estimator)
        hint = f"The cause is its parameter {culprit}: set it to None or a name. " * bool(culprit)
        raise TypeError(
            f"This {type(estimator).__name__} cannot be saved. {hint}A file cannot hold lambdas, "
            "nor instances of Keras' classes such as optimizers and callbacks. "
            f"({type(error).__name__}: {error})"
        ) from error
    return content


def _check_functions(estimator):
    """Refuse functions that a file cannot name: it stores a function as the name to import."""
    for name, value in _functions_in(estimator):
        if "<" in value.__qualname__:
            raise TypeError(
                f"{name}={value.__qualname__} cannot be saved: a file stores the import name of a "
                "function, and a lambda, or a function inside another one, has none. Define it "
                "with `def` at the top level of a module, import it from there, and fit again."
            )
        if value.__module__ == "__main__":
            warnings.warn(
                f"{name}={value.__qualname__} is defined in __main__, so the file can only be "
                "loaded where __main__ defines it too. Move the function to a module of its own "
                "to load the file elsewhere.",
                UserWarning,
                stacklevel=3,
            )


def _functions_in(thing, name=""):
    """Functions among the parameters of an estimator, and of those within it, and their names."""
    if inspect.isfunction(thing):
        yield name, thing
    elif hasattr(thing, "get_params") and not isinstance(thing, type):
        # Not by get_params, because an estimator of an earlier version may lack a parameter.
        for parameter, value in vars(thing).items():
            if not parameter.startswith("_") and not parameter.endswith("_"):
                yield from _functions_in(value, parameter)
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from _functions_in(item, name)


def _unsavable_parameter(estimator):
    # Innermost first, because the parameters of a pipeline contain those of its steps.
    parameters = sorted(estimator.get_params().items(), key=lambda item: -item[0].count("__"))
    for name, value in parameters:
        if hasattr(value, "get_params"):
            continue
        try:
            content = skops.io.dumps(value)
            skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
        except Exception:
            return f"{name}={value!r}"
    return None


def _fix_keys(dumped, record):
    """The archive with its record added and its boolean keys replaced by 0 and 1.

    skops writes keys as strings and restores them by calling their type. But ``bool("False")`` is
    True, so ``class_weight={False: 1, True: 9}`` would become ``{True: 9}``. In Python, 0 and
    False are the same key.
    """
    return _rewrite(dumped, _without_bool_keys, {_RECORD: record})


def _rewrite(content, change, added):
    """A copy of an archive with its schema changed and members added."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            member = source.read(name)
            if name == _SCHEMA:
                member = json.dumps(change(json.loads(member)))
            target.writestr(name, member)
        for name, member in added.items():
            target.writestr(name, member)
    return result.getvalue()


def _without_bool_keys(node):
    if isinstance(node, list):
        return [_without_bool_keys(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {name: _without_bool_keys(item) for name, item in node.items()}
    if node.get("__loader__") == "DictNode":
        types = node["key_types"]["content"]
        keys = list(node["content"])
        for i, kind in enumerate(types):
            if kind["__class__"] in ("bool", "bool_"):
                # Without an id, by which skops would reuse the type bool.
                types[i] = {"__class__": "int", "__module__": "builtins", "__loader__": "TypeNode"}
                keys[i] = {"false": "0", "true": "1"}[keys[i]]
        node["content"] = dict(zip(keys, node["content"].values(), strict=True))
    return node


# ------------------------------------------------------------------ reading


def _read_record(path, content):
    """The metadata record of a file; None if it was not written by :func:`save`."""
    where = os.fspath(path)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, NotImplementedError) as error:  # or an unknown version of zip
        raise ModelFileError(
            f"{where!r} is damaged or not a model file: its {len(content):,} bytes are not a "
            "complete zip archive. If it was copied here, copy it again."
        ) from error
    with _blaming_the_file(path), archive:
        names = archive.namelist()
        if _SCHEMA not in names:
            raise ModelFileError(f"{where!r} is a zip archive, but it holds no model.")
        if _RECORD not in names:
            return None
        record = json.loads(archive.read(_RECORD))
        newer = record["format"] > _FORMAT
        record["versions"] = {name: str(v) for name, v in record["versions"].items()}
        writer, _ = (record["versions"][name] for name in _WATCHED)
    if newer:
        raise ModelFileError(
            f"{where!r} was written by skbseq {writer}, whose format is {record['format']}; "
            f"this is skbseq {__version__}, which reads formats up to {_FORMAT}. Update skbseq."
        )
    return record


def _rename_moved(content):
    """The same file with the new names of classes that have moved."""
    return _rewrite(content, _with_new_names, {}) if _MOVED else content


def _with_new_names(node):
    if isinstance(node, list):
        return [_with_new_names(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {name: _with_new_names(item) for name, item in node.items()}
    module, name = node.get("__module__"), node.get("__class__")
    if (new := _MOVED.get(f"{module}.{name}")) is not None:
        node["__module__"], _, node["__class__"] = new.rpartition(".")
    elif module in _MOVED:
        node["__module__"] = _MOVED[module]
    return node


@contextmanager
def _blaming_the_file(path):
    """Turn any error while reading an untrusted file into a `ModelFileError` that names it."""
    try:
        yield
    except (MemoryError, ModelFileError):
        raise
    except Exception as error:  # skops raises many types of errors on damaged files
        raise ModelFileError(
            f"{os.fspath(path)!r} is damaged or was not written by skbseq.save: it cannot be read "
            f"({type(error).__name__}: {error})."
        ) from error


def _warn_of_versions(path, record):
    if record is None:
        return
    here = _versions()
    for name in _WATCHED:
        then = record["versions"][name]
        if then.split(".")[:2] != here[name].split(".")[:2]:
            warnings.warn(
                f"{os.fspath(path)!r} was saved with {name} {then} and is loaded with "
                f"{here[name]}: it may fail or give different predictions. Compare some "
                "predictions, or train and save it again.",
                UserWarning,
                stacklevel=3,
            )


def _is_state(name):
    """Whether a name is that of a class used in the state of skbseq's or known estimators.

    It is looked up among the loaded modules, so that no name in a file can import a module.
    """
    if name in _KNOWN:
        return True
    module, _, kind = name.rpartition(".")
    packages = (_next_event, estimators, preprocessing, networks)
    allowed = module.startswith(tuple(f"{package.__name__}." for package in packages))
    allowed = (allowed or module == InputSchema.__module__) and not module.startswith(_NO_STATE)
    if not allowed or module not in sys.modules:
        return False
    found = vars(sys.modules[module]).get(kind)
    # Not a class that the module only imports.
    return isinstance(found, type) and found.__module__ == module


def _as_list(trusted):
    if isinstance(trusted, str) or callable(trusted):
        return [trusted]
    if isinstance(trusted, bool) or not hasattr(trusted, "__iter__"):
        raise TypeError(
            f"trusted must be a list of types or of their names; got {trusted!r}. A file cannot "
            "be trusted as a whole."
        )
    return list(trusted)


def _type_name(kind):
    return kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__name__}"
