"""The architecture holds: imports go down the layers, and each library has one place.

The rules are those of docs/contributing.rst. Each rule is a function from a `SourceTree` (the
parsed source files) to messages. `test_source_tree` runs all rules over skbseq. The tests below it
run them over small trees that break one rule each, which proves that every rule can fail.
"""

import ast
import re
import sys
import textwrap
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Add a new module here and to the table in docs/contributing.rst.
LAYERS = [
    (
        "ground",
        {"_checks", "_docstrings", "_files", "_frames", "_gbce", "_inputs", "_labels", "_monitors"}
        | {"_optional", "_parameters", "_processes", "_sequences", "_state", "_targets", "_time"}
        | {"_time_forms", "_time_words", "exceptions"},
    ),
    ("data", {"datasets", "events"}),
    ("features", {"association", "metrics", "model_selection", "preprocessing"}),
    ("training", {"_next_event", "_training", "networks"}),
    ("models", {"estimators"}),
    ("use", {"inspection", "persistence"}),
    ("pages", {"report"}),
    ("entry points", {"__main__", "cli"}),
]
LAYER_OF = {module: number for number, (_, modules) in enumerate(LAYERS) for module in modules}
# `python -m skbseq` runs the same command line as `skbseq`.
SAME_LAYER_ALLOWED = {("__main__", "cli")}

FRAME_LIBRARIES = {"narwhals", "pandas", "polars", "pyarrow"}
KERAS = {"keras", "tensorflow"}
KERAS_PLACES = ("skbseq.networks", "skbseq._training", "skbseq.estimators._keras")
# What loads Keras when it is imported. The table of networks does not.
KERAS_LOADERS = ("skbseq.networks._graph", "skbseq._training", "skbseq.estimators._keras")
SCIKERAS_PLACE = "skbseq.estimators._keras"
# Allowed inside a function because it is heavy or not always installed.
LAZY = (*KERAS, *KERAS_LOADERS, "matplotlib")
LAZY_IN = {"skbseq._frames": ("polars",), "skbseq._optional": ("",)}

MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 60


@dataclass(frozen=True)
class Import:
    """One module named by an import, and the names imported from it."""

    line: int
    target: str
    names: tuple = ()
    in_function: bool = False
    by_optional: bool = False  # through skbseq._optional, which explains a missing library

    @property
    def library(self):
        return self.target.partition(".")[0]


@dataclass(frozen=True)
class SourceFile:
    """One source file."""

    name: str
    path: Path
    source: str = field(repr=False)

    @cached_property
    def tree(self):
        return ast.parse(self.source, self.path.as_posix())

    @cached_property
    def imports(self):
        return list(_imports(self))

    @property
    def module(self):
        return _module_of(self.name)

    @property
    def is_init(self):
        return self.path.name == "__init__.py"

    def at(self, line, message):
        return f"{self.path.as_posix()}:{line}: {message}"


@dataclass(frozen=True)
class SourceTree:
    """All source files of a package, by their dotted names."""

    files: dict = field(repr=False)

    @classmethod
    def read(cls, root):
        files = {}
        for file in sorted((root / "skbseq").rglob("*.py")):
            path = file.relative_to(root)
            parts = path.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            files[name] = SourceFile(name, path, file.read_text(encoding="utf-8"))
        return cls(files)

    def imports(self):
        """Pairs of file and import, except those of the top-level package (own rules)."""
        for file in self.files.values():
            if file.name != "skbseq":
                for item in file.imports:
                    yield file, item

    def inner_imports(self):
        """Imports of skbseq by skbseq, as triples of file, line and imported target."""
        for file, item in self.imports():
            if item.library == "skbseq":
                for target in self._targets(item):
                    yield file, item.line, target

    def _targets(self, item):
        # `from skbseq.events import _log` imports a file, `from skbseq.events import EventLog`
        # a name defined in one.
        deeper = [f"{item.target}.{name}" for name in item.names]
        inside = [name if name in self.files else item.target for name in deeper]
        return sorted(set(inside)) or [item.target]


def _module_of(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def _within(name, places):
    return any(not place or name == place or name.startswith(f"{place}.") for place in places)


def _private(name):
    return name.startswith("_") and not name.endswith("__")


# ------------------------------------------------------------- reading imports


def _imports(file):
    openers = _names_from_optional(file)
    for node, in_function in _walk(file.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, (), in_function)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.lineno, _absolute(file, node), names, in_function)
        elif isinstance(node, ast.Call) and (target := _imported_by_call(node)):
            by_optional = ast.unparse(node.func).split(".")[0] in openers
            yield Import(node.lineno, target, (), in_function, by_optional)


def _walk(node, in_function=False):
    """Every node below this one, and whether it is inside a function."""
    for child in ast.iter_child_nodes(node):
        yield child, in_function
        opens = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(child, in_function or opens)


def _absolute(file, node):
    if not node.level:
        return node.module
    package = file.name.split(".")
    package = package[: len(package) - node.level + file.is_init]
    return ".".join([*package, *([node.module] if node.module else [])])


def _imported_by_call(node):
    """The module that `import_module("x")`, `__import__("x")` and similar calls load."""
    called = ast.unparse(node.func).rpartition(".")[2]
    if "import" not in called or not node.args:
        return None
    first = node.args[0]
    is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if is_text else None


def _names_from_optional(file):
    """The local names under which a file uses functions of `_optional`."""
    names = set()
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom):
            source = _absolute(file, node)
            names |= {
                alias.asname or alias.name
                for alias in node.names
                if source == "skbseq._optional" or f"{source}.{alias.name}" == "skbseq._optional"
            }
    return names


# ----------------------------------------------------------------------- rules


def modules_are_listed(tree):
    """Every file belongs to a module of the table."""
    for file in tree.files.values():
        if file.name != "skbseq" and file.module not in LAYER_OF:
            yield file.at(
                1,
                f"module {file.module!r} has no layer. Add it to LAYERS in tests/test_layers.py "
                "and to the table in docs/contributing.rst",
            )


def imports_go_down(tree):
    """A module imports lower layers only; in layer 0, modules may import one another."""
    for file, line, target in tree.inner_imports():
        module, other = file.module, _module_of(target)
        if other == module or (module, other) in SAME_LAYER_ALLOWED or not other:
            continue
        layer, below = LAYER_OF.get(module), LAYER_OF.get(other)
        if layer is None or below is None:  # modules_are_listed, or the import itself, fails
            continue
        if below > layer:
            yield file.at(line, f"{module} (layer {layer}) imports {other} from layer {below}")
        elif below == layer and layer > 0:
            yield file.at(line, f"{module} imports {other} from its own layer {layer}")


def names_come_from_their_module(tree):
    """Inside skbseq, a name is imported from its module, not from the top-level package."""
    for file, item in tree.imports():
        if item.target != "skbseq":
            continue
        for name in item.names or ("",):
            if name != "__version__" and f"skbseq.{name}" not in tree.files:
                imported = f"imports {name} from" if name else "imports"
                yield file.at(
                    item.line, f"{imported} the top-level package; import from the module"
                )


def no_cycles(tree):
    """No file imports itself through others, not even lazily or for types only."""
    graph = {name: set() for name in tree.files}
    for file, _, target in tree.inner_imports():
        if target in graph and target != file.name:
            graph[file.name].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "import cycle: " + " <- ".join(error.args[1])


def dataframe_libraries_in_one_module(tree):
    """Only `_frames` imports a dataframe library."""
    for file, item in tree.imports():
        if item.library in FRAME_LIBRARIES and file.module != "_frames":
            yield file.at(item.line, f"imports {item.library}; only skbseq/_frames may")


def private_sklearn_in_one_module(tree):
    """Only `_checks` imports private names of scikit-learn."""
    for file in tree.files.values():
        if file.name == "skbseq._checks":
            continue
        for item in file.imports:
            parts = [*item.target.split("."), *item.names]
            if item.library == "sklearn" and any(map(_private, parts)):
                yield file.at(
                    item.line,
                    f"imports {'.'.join(parts)}; only skbseq/_checks.py may import scikit-learn's "
                    "private names",
                )
        for line, chain in _sklearn_attributes(file):
            yield file.at(line, f"uses {chain}; only skbseq/_checks.py may")


def _sklearn_attributes(file):
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute) and _private(node.attr):
            chain = ast.unparse(node)
            if re.fullmatch(r"sklearn(\.\w+)+", chain):
                yield node.lineno, chain


def scikeras_in_one_file(tree):
    """Only estimators/_keras.py imports scikeras and works around its faults."""
    for file, item in tree.imports():
        if item.library == "scikeras" and file.name != SCIKERAS_PLACE:
            yield file.at(item.line, "imports scikeras; only skbseq/estimators/_keras.py may")


def keras_in_the_training_layer(tree):
    """Only networks, _training and estimators/_keras.py import TensorFlow and Keras."""
    for file, item in tree.imports():
        if item.library in KERAS and not _within(file.name, KERAS_PLACES):
            yield file.at(item.line, f"imports {item.library}; only {', '.join(KERAS_PLACES)} may")


def networks_are_pure(tree):
    """Networks use Keras and nothing of scikit-learn."""
    for file, item in tree.imports():
        if file.module == "networks" and item.library in {"sklearn", "scikeras"}:
            yield file.at(item.line, f"imports {item.library}; networks are pure Keras")


def keras_is_imported_lazily(tree):
    """Outside the files that load TensorFlow, it is imported inside a function."""
    for file, item in tree.imports():
        if item.in_function or _within(file.name, KERAS_LOADERS):
            continue
        named = {item.target, *(f"{item.target}.{name}" for name in item.names)}
        if any(_within(name, (*KERAS, *KERAS_LOADERS)) for name in named):
            yield file.at(
                item.line, f"imports {item.target} at the top, so skbseq would load TensorFlow"
            )


def matplotlib_is_imported_lazily(tree):
    """The function that plots imports matplotlib."""
    for file, item in tree.imports():
        if item.library == "matplotlib" and not item.in_function:
            yield file.at(
                item.line, "imports matplotlib at the top; import it in the function that plots"
            )


def lazy_imports_are_few(tree):
    """Inside a function, only heavy or optional libraries are imported."""
    for file, item in tree.imports():
        if not item.in_function or item.by_optional:
            continue
        places = LAZY + LAZY_IN.get(file.name, ())
        named = [f"{item.target}.{name}" for name in item.names] or [item.target]
        if not all(_within(name, places) for name in named):
            yield file.at(
                item.line, f"imports {item.target} inside a function; move it to the top"
            )


def inits_hold_no_logic(tree):
    """An `__init__.py` holds a docstring, imports and assignments, at most `__getattr__`."""
    for file in tree.files.values():
        if not file.is_init:
            continue
        for node in file.tree.body:
            if not _belongs_in_an_init(node):
                what = type(node).__name__.lower()
                yield file.at(node.lineno, f"an __init__.py holds no logic; found a {what}")


def _belongs_in_an_init(node):
    if isinstance(node, ast.FunctionDef):
        return node.name in {"__dir__", "__getattr__"}
    if isinstance(node, ast.If):
        return ast.unparse(node.test).endswith("TYPE_CHECKING")
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)


def top_level_package_is_lazy(tree):
    """skbseq/__init__.py imports only the standard library, except inside `__getattr__`."""
    top = tree.files["skbseq"]
    for node in top.tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue  # nothing under TYPE_CHECKING is loaded
        first = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            first = [_absolute(top, node)]
        for name in first:
            if name.partition(".")[0] not in sys.stdlib_module_names:
                yield top.at(
                    node.lineno, f"imports {name} at the top; this __init__.py must be lazy"
                )


def files_in_folders_are_private(tree):
    """In a module that is a folder, every file but `__init__.py` begins with an underscore."""
    for file in tree.files.values():
        if len(file.path.parts) > 2 and not file.path.name.startswith("_"):
            yield file.at(1, f"rename to _{file.path.name}: files inside a folder are private")


def files_and_functions_are_short(tree):
    """No file over 700 lines, no function body over 60 lines of code."""
    for file in tree.files.values():
        lines = file.source.count("\n")
        if lines > MAX_FILE_LINES:
            yield file.at(1, f"{lines} lines, over {MAX_FILE_LINES}; make it a folder")
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = _code_lines(file, node)
                if length > MAX_FUNCTION_LINES:
                    yield file.at(
                        node.lineno,
                        f"{node.name} has {length} lines of code, over {MAX_FUNCTION_LINES}",
                    )


def _code_lines(file, function):
    """Lines of a function's body that are not docstring, comment or blank."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    lines = file.source.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


RULES = [
    modules_are_listed,
    imports_go_down,
    names_come_from_their_module,
    no_cycles,
    dataframe_libraries_in_one_module,
    private_sklearn_in_one_module,
    scikeras_in_one_file,
    keras_in_the_training_layer,
    networks_are_pure,
    keras_is_imported_lazily,
    matplotlib_is_imported_lazily,
    lazy_imports_are_few,
    inits_hold_no_logic,
    top_level_package_is_lazy,
    files_in_folders_are_private,
    files_and_functions_are_short,
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


# ----------------------------------------------------------- skbseq's own tree


@pytest.fixture(scope="module")
def skbseq_tree():
    return SourceTree.read(ROOT)


@each_rule
def test_source_tree(skbseq_tree, rule):
    assert skbseq_tree.files, f"no source under {ROOT / 'skbseq'}"
    broken = list(rule(skbseq_tree))
    assert not broken, "\n".join(broken)


def test_the_layers_list_only_modules_that_exist(skbseq_tree):
    assert set(LAYER_OF) == {file.module for file in skbseq_tree.files.values()} - {""}


def test_scikeras_is_used(skbseq_tree):
    users = {file.name for file, item in skbseq_tree.imports() if item.library == "scikeras"}
    assert users == {SCIKERAS_PLACE}


def test_the_docs_show_the_same_layers():
    page = (ROOT / "docs" / "contributing.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^ +\* - (\d) ([\w ]+)\n +- (.*?)\n +- ", page, re.M | re.S)
    shown = {
        int(number): (name, set(re.findall(r"``(\w+)``", modules)))
        for number, name, modules in rows
    }
    assert shown == dict(enumerate(LAYERS))


# ------------------------------------------------- trees that break the rules

SOUND = {
    "__init__.py": '''
        """The public names."""
        from importlib import import_module
        _MODULES = {"EventLog": "events"}
        __all__ = sorted(_MODULES)
        def __getattr__(name):
            return getattr(import_module(f"skbseq.{_MODULES[name]}"), name)
    ''',
    "_frames.py": """
        import narwhals as nw
        import pandas as pd
        import pyarrow.compute as pc
        from skbseq.exceptions import InvalidLogError
        def from_polars(frame):
            import polars as pl
    """,
    "_checks.py": "from sklearn.utils.validation import _check_sample_weight",
    "_optional.py": """
        import importlib
        def import_optional(module):
            return importlib.import_module(module)
    """,
    "exceptions.py": "class InvalidLogError(ValueError): pass",
    "events/__init__.py": "from ._log import EventLog\n__all__ = ['EventLog']",
    "events/_log.py": """
        from .. import _frames
        from . import _index
        class EventLog: pass
    """,
    "events/_index.py": "from skbseq.exceptions import InvalidLogError",
    "networks/__init__.py": "from ._gru import gru",
    "networks/_gru.py": "def gru(events):\n    import keras",
    "networks/_graph.py": "import keras",
    "_training.py": "import tensorflow as tf",
    "estimators/__init__.py": "from ._classifier import LSTMBehaviorClassifier",
    "estimators/_classifier.py": """
        from sklearn.base import ClassifierMixin, __version__
        class LSTMBehaviorClassifier:
            def fit(self, X, y):
                from . import _keras
                from skbseq.networks._graph import build
    """,
    "estimators/_keras.py": "import keras\nfrom scikeras.wrappers import BaseWrapper",
    "inspection.py": """
        from skbseq._optional import import_optional
        def plot(ax=None):
            import matplotlib.pyplot as plt
            shap = import_optional("shap")
    """,
    "persistence.py": "from skbseq import __version__",
    "cli.py": "from skbseq import events, persistence",
    "__main__.py": "from skbseq.cli import main",
}
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES + 1)
COMMENTED_FUNCTION = (
    'def f():\n    """Doc.\n' + "\n    more\n" * 70 + '    """\n    # x\n\n    x = 1\n'
)

# rule, file, source, what the message must say
BREAKS = [
    (
        modules_are_listed,
        "cellar.py",
        "",
        r"'cellar' has no layer. Add it to LAYERS in tests/test_l",
    ),
    (
        imports_go_down,
        "_time.py",
        "from skbseq.events import EventLog",
        r"imports events from layer 1",
    ),
    (imports_go_down, "_time.py", "import skbseq.events._log", r"_time.py:1: _time \(layer 0\)"),
    (imports_go_down, "_time.py", "from skbseq import events", r"imports events from layer 1"),
    (imports_go_down, "_time.py", "from . import events", r"imports events from layer 1"),
    (imports_go_down, "_time.py", "from .events import EventLog", r"imports events from layer 1"),
    (imports_go_down, "events/_log.py", "from ..estimators import A", r"imports estimators from"),
    (imports_go_down, "_time.py", "def f():\n    from . import events", r"_time.py:2: .*events"),
    (imports_go_down, "_time.py", "def f():\n    import skbseq.events", r"imports events from"),
    (
        imports_go_down,
        "_time.py",
        "import importlib\nimportlib.import_module('skbseq.events')",
        r"_time.py:2: .* imports events from",
    ),
    (
        imports_go_down,
        "_time.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import skbseq.events",
        r"_time.py:3: .* imports events from",
    ),
    (imports_go_down, "datasets.py", "import skbseq.events", r"events from its own layer 1"),
    (
        imports_go_down,
        "cli.py",
        "from .__main__ import main",
        r"cli imports __main__ from its own",
    ),
    (
        names_come_from_their_module,
        "cli.py",
        "from skbseq import EventLog",
        r"imports EventLog from the top",
    ),
    (
        names_come_from_their_module,
        "cli.py",
        "from . import EventLog",
        r"imports EventLog from the top",
    ),
    (
        names_come_from_their_module,
        "cli.py",
        "import skbseq",
        r"cli.py:1: imports the top-level package",
    ),
    (no_cycles, "exceptions.py", "import skbseq._frames", r"cycle: .*exceptions"),
    (no_cycles, "events/_index.py", "from . import _log", r"cycle: .*skbseq.events._log"),
    (no_cycles, "events/_index.py", "def f():\n    from skbseq.events import A", r"import cycle"),
    (
        dataframe_libraries_in_one_module,
        "events/_log.py",
        "import pandas as pd",
        r"py:1: imports pandas",
    ),
    (
        dataframe_libraries_in_one_module,
        "cli.py",
        "import pyarrow.parquet",
        r"imports pyarrow; only",
    ),
    (
        dataframe_libraries_in_one_module,
        "cli.py",
        "def f():\n    from polars import col",
        r"imports polars",
    ),
    (
        dataframe_libraries_in_one_module,
        "cli.py",
        "from ._optional import import_optional as io\nio('x')\nimport_optional('polars')",
        r"cli.py:3: imports polars",
    ),
    (
        private_sklearn_in_one_module,
        "cli.py",
        "from sklearn.base import _fit_context",
        r"_fit_cont",
    ),
    (
        private_sklearn_in_one_module,
        "cli.py",
        "import sklearn.utils._tags",
        r"imports sklearn.uti",
    ),
    (
        private_sklearn_in_one_module,
        "cli.py",
        "from sklearn.utils import _tags",
        r"only .*_checks",
    ),
    (private_sklearn_in_one_module, "cli.py", "import sklearn\nsklearn.utils._x", r"py:2: uses"),
    (scikeras_in_one_file, "estimators/_more.py", "import scikeras", r"_more.py:1: imports scike"),
    (scikeras_in_one_file, "_training.py", "def f():\n    import scikeras.wrappers", r"scikeras"),
    (
        keras_in_the_training_layer,
        "events/_log.py",
        "def f():\n    import tensorflow",
        r"imports tensor",
    ),
    (
        keras_in_the_training_layer,
        "estimators/_classifier.py",
        "import keras.ops",
        r"imports keras",
    ),
    (networks_are_pure, "networks/_lstm.py", "import sklearn", r"networks are pure"),
    (
        keras_is_imported_lazily,
        "estimators/_b.py",
        "from . import _keras",
        r"_b.py:1: imports skbseq",
    ),
    (
        keras_is_imported_lazily,
        "estimators/_b.py",
        "from ._keras import A",
        r"would load TensorFlow",
    ),
    (
        keras_is_imported_lazily,
        "persistence.py",
        "from skbseq.networks._graph import b",
        r"would load TensorFlow",
    ),
    (
        matplotlib_is_imported_lazily,
        "inspection.py",
        "import matplotlib.pyplot as p",
        r"that plots",
    ),
    (lazy_imports_are_few, "cli.py", "def f():\n    import json", r"py:2: imports json inside"),
    (lazy_imports_are_few, "cli.py", "f = lambda: __import__('json')", r"imports json inside"),
    (lazy_imports_are_few, "cli.py", "def f():\n    from . import events", r"skbseq inside"),
    (
        lazy_imports_are_few,
        "cli.py",
        "async def f():\n    from .events import A",
        r"events inside",
    ),
    (inits_hold_no_logic, "events/__init__.py", "def f(): pass", r"py:1: .*functiondef"),
    (inits_hold_no_logic, "events/__init__.py", "for i in range(3): i", r"found a for"),
    (inits_hold_no_logic, "__init__.py", "print('hello')", r"no logic; found a expr"),
    (inits_hold_no_logic, "__init__.py", "class A: pass", r"no logic; found a classdef"),
    (
        top_level_package_is_lazy,
        "__init__.py",
        "from .events import EventLog",
        r"imports skbseq.ev",
    ),
    (top_level_package_is_lazy, "__init__.py", "import numpy as np", r"imports numpy at the top"),
    (files_in_folders_are_private, "events/log.py", "", r"rename to _log.py"),
    (files_and_functions_are_short, "cli.py", "x = 1\n" * 701, r"701 lines, over 700"),
    (files_and_functions_are_short, "cli.py", LONG_FUNCTION, r"f has 61 lines of code, over 60"),
]


def build(root, files):
    for name, source in files.items():
        path = root / "skbseq" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
    return SourceTree.read(root)


@each_rule
def test_a_sound_tree_passes(tmp_path, rule):
    assert list(rule(build(tmp_path, SOUND))) == []


@pytest.mark.parametrize(
    ("rule", "file", "source", "message"),
    BREAKS,
    ids=[f"{rule.__name__}-{i}" for i, (rule, *_) in enumerate(BREAKS)],
)
def test_a_break_is_reported(tmp_path, rule, file, source, message):
    tree = build(tmp_path, SOUND | {file: source})
    assert re.search(message, "\n".join(rule(tree)))


def test_every_rule_is_broken_once():
    assert {rule for rule, *_ in BREAKS} == set(RULES)


def test_docstring_and_comments_are_not_code(tmp_path):
    tree = build(tmp_path, SOUND | {"cli.py": COMMENTED_FUNCTION})
    assert list(files_and_functions_are_short(tree)) == []
