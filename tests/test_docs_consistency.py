"""The docs say what the code does: each public name once, documented, with its true defaults.

Names are found from `__all__`, so what is new is checked without being added here.
"""

import ast
import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from functools import cached_property
from pathlib import Path

import numpydoc.docscrape
import pytest
from numpydoc.validate import validate
from sklearn.base import BaseEstimator

import skbseq
from skbseq import _checks

ROOT = Path(__file__).parents[1]

# The command line is public, but its functions are no API; networks are for the estimators.
NOT_API = {"skbseq.__main__", "skbseq.cli", "skbseq.networks"}

# Of numpydoc's codes those that a reader misses; the taste in the others is ruff's.
EVERYWHERE = {
    "GL05",  # tabs
    "GL06",  # unknown section
    "GL07",  # sections out of order
    "GL08",  # no docstring
    "GL10",  # directive with one colon
    "PR01",  # a parameter is not documented
    "PR02",  # a documented parameter does not exist
    "PR03",  # parameters in another order
    "PR04",  # a parameter without a type
    "PR07",  # a parameter without a description
    "PR10",  # no space before the colon
    "RT01",  # something is returned and not documented
    "RT03",  # a return value without a description
    "SS01",  # no summary
    "SS03",  # the summary has no period
    "YD01",  # something is yielded and not documented
}
EXAMPLE = "EX01"  # asked of classes and functions, not of each method


# -------------------------------------------------------------- public names


def public_modules():
    """skbseq and its rooms without an underscore."""
    rooms = (f"skbseq.{info.name}" for info in pkgutil.iter_modules(skbseq.__path__))
    public = [name for name in rooms if not name.startswith("skbseq._") and name not in NOT_API]
    return ["skbseq", *public]


def public_objects():
    """Public names as {where it is defined: every public path to it}; modules are left out."""
    paths = {}
    for module in map(importlib.import_module, public_modules()):
        for name in getattr(module, "__all__", ()):
            if _is_there(module, name) and not inspect.ismodule(thing := getattr(module, name)):
                paths.setdefault(_identity(thing, name), []).append(f"{module.__name__}.{name}")
    return paths


def _is_there(module, name):
    # A promised name that is missing fails the test of its module, and only that.
    try:
        return hasattr(module, name)
    except ImportError:
        return False


def _identity(thing, name):
    if inspect.isclass(thing) or inspect.isfunction(thing):
        return f"{thing.__module__}.{thing.__qualname__}"
    return name  # a constant has no home of its own


def _load(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _own_methods(cls):
    """Public methods and properties that skbseq, not a library below it, has written."""
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] != "skbseq":
            continue
        for name, member in vars(base).items():
            if not name.startswith("_") and _is_written_here(member):
                yield name


def _is_written_here(member):
    # `available_if` wraps the function as `fn`; scikit-learn's generated `set_..._request`
    # is none of these.
    function = getattr(member, "fn", getattr(member, "__func__", member))
    return inspect.isfunction(function) or isinstance(function, property | cached_property)


OBJECTS = public_objects()
CALLABLES = sorted(paths[0] for paths in OBJECTS.values() if callable(_load(paths[0])))
METHODS = sorted(
    {
        f"{path}.{name}"
        for path in CALLABLES
        if inspect.isclass(_load(path)) and not issubclass(_load(path), enum.Enum)
        for name in _own_methods(_load(path))
    }
)


@pytest.mark.parametrize("module", public_modules())
def test_public_modules_name_what_is_public(module):
    module = importlib.import_module(module)
    assert module.__doc__, f"{module.__name__} has no docstring"
    names = getattr(module, "__all__", None)
    assert names, f"{module.__name__} has no __all__; if it is not public, give it an underscore"
    assert len(set(names)) == len(names)
    missing = [name for name in names if not _is_there(module, name)]
    assert not missing, f"{module.__name__}.__all__ names what is not there: {missing}"


# ---------------------------------------------------------------- the API page


def documented_names(page):
    """Full names in the autosummary and auto... directives of an rst page, in order."""
    names, current, in_summary = [], "skbseq", False
    for line in page.splitlines():
        directive = re.match(r"\.\. (\w+):: *(\S*)", line)
        if directive:
            kind, argument = directive.groups()
            in_summary = kind == "autosummary"
            if kind == "currentmodule":
                current = argument
            elif kind.startswith("auto") and argument and kind != "automodule":
                names.append(_full(argument, current))
        elif line.strip() and not line.startswith(" "):
            in_summary = False
        elif in_summary and re.match(r" +~?[\w.]+$", line):
            names.append(_full(line.strip().lstrip("~"), current))
    return names


def _full(name, current):
    return name if name.split(".")[0] == "skbseq" else f"{current}.{name}"


def api_page_faults(page, objects):
    """What is missing on the page, there twice, or there but not public."""
    listed = Counter(documented_names(page))
    for paths in objects.values():
        times = sum(listed.pop(path, 0) for path in paths)
        if times != 1:
            yield f"{paths[0]} stands {times} times on the API page"
    for path in listed:
        yield f"{path} stands on the API page but in no __all__"


def test_the_api_page_lists_every_public_name_once():
    page = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    faults = list(api_page_faults(page, OBJECTS))
    assert not faults, "\n".join(faults)


def test_estimators_link_to_their_page_once_the_docs_have_an_address(monkeypatch):
    pages = set(documented_names((ROOT / "docs" / "api.rst").read_text(encoding="utf-8")))
    classes = filter(inspect.isclass, map(_load, CALLABLES))
    estimators = [cls.__new__(cls) for cls in classes if issubclass(cls, BaseEstimator)]
    assert len(estimators) > 20
    assert {estimator._get_doc_link() for estimator in estimators} == {""}
    monkeypatch.setattr(_checks, "DOCUMENTATION", "https://docs.example")
    for estimator in estimators:
        page = f"skbseq.{type(estimator).__name__}"
        assert estimator._get_doc_link() == f"https://docs.example/generated/{page}.html"
        assert page in pages
    assert (
        "docs.example/generated/skbseq.SequenceEncoder.html"
        in skbseq.SequenceEncoder()._repr_html_()
    )

    class Mine(skbseq.SequenceEncoder):
        pass

    assert Mine()._get_doc_link() == ""


def test_a_faulty_api_page_is_noticed():
    page = """
.. currentmodule:: skbseq.events

.. autosummary::
    :toctree: generated/

    EventLog
    Stranger

Twice, by its other path:

.. autofunction:: skbseq.save
.. autofunction:: skbseq.persistence.save
"""
    objects = {
        "log": ["skbseq.EventLog", "skbseq.events.EventLog"],
        "save": ["skbseq.save", "skbseq.persistence.save"],
        "load": ["skbseq.load"],
    }
    assert list(api_page_faults(page, objects)) == [
        "skbseq.save stands 2 times on the API page",
        "skbseq.load stands 0 times on the API page",
        "skbseq.events.Stranger stands on the API page but in no __all__",
    ]


# ------------------------------------------------------------------ docstrings


def _is_error(thing):
    return inspect.isclass(thing) and issubclass(thing, Exception)


@pytest.mark.parametrize("path", CALLABLES)
def test_public_names_are_documented(path):
    wanted = EVERYWHERE if _is_error(_load(path)) else EVERYWHERE | {EXAMPLE}
    faults = [f"{code} {text}" for code, text in validate(path)["errors"] if code in wanted]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("path", METHODS)
def test_public_methods_are_documented(path):
    faults = [f"{code} {text}" for code, text in validate(path)["errors"] if code in EVERYWHERE]
    assert not faults, "\n".join(faults)


def default_faults(function, docstring):
    """Where `default=...` in a numpydoc docstring differs from the signature."""
    parameters = inspect.signature(function).parameters
    for documented in numpydoc.docscrape.NumpyDocString(docstring)["Parameters"]:
        said = re.search(r"default\s*[=:]\s*(.+)$", documented.type)
        for name in documented.name.replace(" ", "").split(","):
            parameter = parameters.get(name)
            if parameter is None:  # PR02 above reports it
                continue
            true = _true_default(function, parameter)
            if true is None and documented.type in {"None", "Ignored"}:
                continue  # scikit-learn's way to say that `y` is there for the pipeline only
            if true is inspect.Parameter.empty:
                if said:
                    yield f"{name} has no default; the docs say {said[1]}"
            elif not said:
                yield f"{name} has the default {true!r}; the docs name none"
            elif not _same(said[1], true):
                yield f"{name} has the default {true!r}; the docs say {said[1]}"


def _true_default(function, parameter):
    if repr(parameter.default) != "<factory>":
        return parameter.default
    fields = {field.name: field for field in dataclasses.fields(function)}
    return fields[parameter.name].default_factory()


def _same(text, value):
    try:
        said = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text in {repr(value), f"np.{value!r}", getattr(value, "__name__", None)}
    return type(said) is type(value) and said == value


@pytest.mark.parametrize("path", CALLABLES + METHODS)
def test_documented_defaults_are_the_true_ones(path):
    owner, _, name = path.rpartition(".")
    thing = _load(path) if path in CALLABLES else inspect.getattr_static(_load(owner), name)
    thing = getattr(thing, "fn", getattr(thing, "__func__", thing))
    if isinstance(thing, property | cached_property) or _is_error(thing):
        return  # takes no parameters of its own
    faults = list(default_faults(thing, inspect.getdoc(thing) or ""))
    assert not faults, "\n".join(faults)


def test_a_false_default_is_noticed():
    def function(a, b=1, c=0.5, d="x", e=None, f=float("nan"), g=True):
        """Summary.

        Parameters
        ----------
        a : int, default=3
        b : int, default=1.0
        c : float, default=0.5
        d : {'x', 'y'}, default='y'
        e : int or None
        f : float, default=np.nan
        g : bool, default=1
        """

    @dataclasses.dataclass
    class Record:
        """Summary.

        Parameters
        ----------
        a : dict, default={'a': 1}
        """

        a: dict = dataclasses.field(default_factory=dict)

    assert list(default_faults(function, inspect.getdoc(function))) == [
        "a has no default; the docs say 3",
        "b has the default 1; the docs say 1.0",
        "d has the default 'x'; the docs say 'y'",
        "e has the default None; the docs name none",
        "g has the default True; the docs say 1",
    ]
    assert list(default_faults(Record, inspect.getdoc(Record))) == [
        "a has the default {}; the docs say {'a': 1}",
    ]


# -------------------------------------------------------------- the other files


def test_the_changelog_names_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(skbseq.__version__)}\b", changelog, re.M)


def undated(filters):
    """Ignores of warnings that no comment with year and month stands above."""
    dated = False
    for line in map(str.strip, filters.splitlines()):
        if line.startswith("#"):
            dated = dated or bool(re.match(r"# \d{4}-\d{2}: ", line))
        else:
            if line.startswith("ignore") and not dated:
                yield line
            dated = False


def test_every_ignored_warning_is_dated():
    config = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    filters = re.search(r"^filterwarnings =\n((?: .*\n)+)", config, re.M)[1]
    assert "error" in filters
    assert not list(undated(filters))


def test_an_undated_ignore_is_noticed():
    text = "error\n# 2026-01: why\n# more\nignore:a\nignore:b\n# no date\nignore:c\n"
    assert list(undated(text)) == ["ignore:b", "ignore:c"]
