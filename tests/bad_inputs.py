"""Tables of bad inputs: each is refused by skbseq itself, with a message that names it."""

import ast
import inspect
import re
import time
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sklearn.utils._param_validation import InvalidParameterError

import skbseq

PACKAGE = Path(skbseq.__file__).parent
# Where scikit-learn validates parameters and data.
VALIDATION = (
    "sklearn/utils/_param_validation.py",
    "sklearn/utils/validation.py",
    "sklearn/base.py",
)
MAX_SECONDS = 20


@dataclass(frozen=True)
class Target:
    """What is called: a name, a function of the parameters, and what documents its errors."""

    name: str
    call: object
    documents: tuple

    def rows(self, *cases):
        """Rows of the table: the parameters, the error, and a pattern of its message."""
        return [
            pytest.param(self, given, error, match, id=f"{self.name}-{_text(given)}")
            for given, error, match in cases
        ]


def _text(given):
    texts = (
        value.__name__ if callable(value) and hasattr(value, "__name__") else repr(value)
        for value in given.values()
    )
    named = zip(given, texts, strict=True)
    return ",".join(f"{n}={t if len(t) < 30 else '...'}" for n, t in named).replace("\\", "")


def target(name, call, *documents):
    """A target; its errors are documented by the objects that are given after the call."""
    return Target(name, call, documents)


def fitting(kind, *data, **given):
    """A target that sets parameters of an estimator and fits it."""

    def call(**parameters):
        kind(**given | parameters).fit(*(part() if callable(part) else part for part in data))

    return Target(f"{kind.__name__}.fit", call, (kind, kind.fit))


def check(target, given, error, match):
    """The call is refused at once, with this documented error, by skbseq or its validation."""
    start = time.perf_counter()
    with pytest.raises(error, match=match) as caught:
        target.call(**given)
    assert time.perf_counter() - start < MAX_SECONDS
    assert type(caught.value) is error, f"{type(caught.value).__name__}: {caught.value}"
    documented = {name for each in target.documents for name in raised_by(each)}
    known = {kind.__name__ for kind in error.__mro__} - {"Exception", "BaseException", "object"}
    assert error is InvalidParameterError or documented & known, f"{error.__name__}: {documented}"
    _check_place(traceback.extract_tb(caught.tb)[-1])


def raised_by(document):
    """Names of the errors in the section Raises of a docstring."""
    section = re.search(r"\nRaises\n-+\n(.*?)(\n\n|\Z)", inspect.getdoc(document), re.DOTALL)
    return [] if section is None else re.findall(r"^(\w+)$", section[1], re.MULTILINE)


def _check_place(frame):
    """The last frame is a raise statement, and not a call that happens to fail."""
    ours = Path(frame.filename).is_relative_to(PACKAGE)
    known = ours or frame.filename.replace("\\", "/").endswith(VALIDATION)
    assert known, f"from the depths: {frame.filename}:{frame.lineno}"
    assert any(first <= frame.lineno <= last for first, last in _raises(frame.filename)), (
        f"no raise statement: {frame.filename}:{frame.lineno} {frame.line}"
    )


@cache
def _raises(filename):
    tree = ast.parse(Path(filename).read_text(encoding="utf-8"))
    return [(n.lineno, n.end_lineno) for n in ast.walk(tree) if isinstance(n, ast.Raise)]
