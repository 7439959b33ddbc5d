"""Save fitted estimators to files."""

import inspect
import io
import json
import warnings
import zipfile

from skbseq._files import check_writable, replacing
from skbseq.persistence._archive import SCHEMA, write
from skbseq.persistence._arguments import check_metadata, check_path, received
from skbseq.persistence._skops import skops
from skbseq.persistence._versions import FORMAT, versions

__all__ = ["save"]


def save(estimator, path, *, metadata=None):
    """Save an estimator to a file.

    The file is written completely or not at all. It is written to a temporary file and then
    renamed, so that an error or interruption leaves an existing file unchanged. A temporary file
    that a killed process left is removed by the next save to the same path.

    The file has a digest of each of its parts, so that :func:`load` detects damage.

    Parameters
    ----------
    estimator : estimator
        An estimator of skbseq or scikit-learn, or a pipeline of them. For a search, pass its
        ``best_estimator_``.
    path : str or os.PathLike
        File to write, by convention with the extension ``.skbseq``. An existing file is replaced.
    metadata : dict, default=None
        Notes to save with the model: strings, numbers, bools, None, and lists and dicts of them;
        the keys of dicts are strings. :func:`read_metadata` returns them, tuples as lists.

    Raises
    ------
    TypeError
        If something in the estimator cannot be saved, such as a function or an instance of a
        Keras optimizer; if the metadata are not valid JSON or have keys that are not strings; or
        if ``path`` is not a path.
    ValueError
        If the metadata hold invalid Unicode or are nested too deep, or no file can have this
        name.
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
    _check_estimator(estimator)
    path = check_path(path)
    record = _make_record(metadata)
    _check_functions(estimator)
    check_writable(path)  # fails before the estimator is packed
    content = _pack(estimator, record)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _check_estimator(estimator):
    if isinstance(estimator, type):
        name = estimator.__name__
        raise TypeError(
            f"estimator must be an instance; got the class {name}. Save a fitted {name}, such as "
            f"{name}().fit(X)."
        )
    if not hasattr(estimator, "get_params"):
        raise TypeError(
            f"estimator must be an estimator of skbseq or scikit-learn; got {received(estimator)}."
            " Call save(estimator, path)."
        )


def _make_record(metadata):
    metadata = {} if metadata is None else metadata
    if not isinstance(metadata, dict):
        raise TypeError(
            f"metadata must be a dict, such as {{'horizon': '7D'}}; got {received(metadata)}."
        )
    check_metadata(metadata)
    try:
        json.dumps(metadata)
    except ValueError as error:  # an integer with too many digits
        raise ValueError(f"metadata cannot be written as JSON: {error}.") from error
    return {"format": FORMAT, "versions": versions(), "metadata": metadata}


def _pack(estimator, record):
    """The content of a model file, after a test that it can be loaded."""
    try:
        dumped = skops.io.dumps(estimator)
        with zipfile.ZipFile(io.BytesIO(dumped)) as archive:
            schema = _without_bool_keys(json.loads(archive.read(SCHEMA)))
        content = write(dumped, schema, record)
        # skops also writes some objects that it cannot read; better to fail now.
        skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    except RecursionError as error:
        raise _too_deep(estimator) from error
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
    try:
        found = list(_functions_in(estimator))
    except RecursionError as error:
        raise _too_deep(estimator) from error
    for name, value in found:
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


def _too_deep(estimator):
    return TypeError(
        f"This {type(estimator).__name__} cannot be saved: a parameter or attribute contains "
        "itself or is nested too deep. Flatten it."
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


def _without_bool_keys(node):
    """A schema whose boolean keys of dicts are 0 and 1.

    skops writes keys as strings and restores them by calling their type. But ``bool("False")`` is
    True, so ``class_weight={False: 1, True: 9}`` would become ``{True: 9}``. In Python, 0 and
    False are the same key.
    """
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
