"""The house keeps its shape: imports go down the floors, and each library has its one place.

The rules are those of docs/contributing.rst. Each is a function from a `House` (the parsed source
tree) to messages; `test_house` runs them over skbseq, and the tests below it over small trees
that break one rule each, so that every rule is known to be able to fail.
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

# A new room is added here and to the table in docs/contributing.rst.
FLOORS = [
    (
        "ground",
        {"_checks", "_files", "_frames", "_optional", "_sequences", "_state", "_targets"}
        | {"_time", "exceptions"},
    ),
    ("data", {"datasets", "events"}),
    ("features", {"association", "metrics", "model_selection", "preprocessing"}),
    ("machine", {"_training", "networks"}),
    ("models", {"estimators"}),
    ("use", {"inspection", "persistence", "privacy", "serving"}),
    ("doors", {"__main__", "cli", "report"}),
]
FLOOR_OF = {room: number for number, (_, rooms) in enumerate(FLOORS) for room in rooms}
DOORSTEPS = {("__main__", "cli")}  # `python -m skbseq` is another way to the same door

FRAME_LIBRARIES = {"narwhals", "pandas", "polars", "pyarrow"}
KERAS = {"keras", "tensorflow"}
KERAS_PLACES = ("skbseq.networks", "skbseq._training", "skbseq.estimators._keras")
SCIKERAS_PLACE = "skbseq.estimators._keras"
# What may be imported inside a function, because it is heavy or not always installed.
LATE = (*KERAS, *KERAS_PLACES, "matplotlib")
LATE_IN = {"skbseq._frames": ("polars",), "skbseq._optional": ("",)}

MAX_MODULE_LINES = 700
MAX_FUNCTION_LINES = 60


@dataclass(frozen=True)
class Import:
    """One module named by an import, and the names taken from it."""

    line: int
    target: str
    names: tuple = ()
    in_function: bool = False
    by_optional: bool = False  # through skbseq._optional, which explains a missing library

    @property
    def library(self):
        return self.target.partition(".")[0]


@dataclass(frozen=True)
class Module:
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
    def room(self):
        return _room(self.name)

    @property
    def is_map(self):
        return self.path.name == "__init__.py"

    def at(self, line, message):
        return f"{self.path.as_posix()}:{line}: {message}"


@dataclass(frozen=True)
class House:
    """A source tree."""

    modules: dict = field(repr=False)

    @classmethod
    def read(cls, root):
        modules = {}
        for file in sorted((root / "skbseq").rglob("*.py")):
            path = file.relative_to(root)
            parts = path.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules[name] = Module(name, path, file.read_text(encoding="utf-8"))
        return cls(modules)

    def imports(self):
        """Pairs of module and import, but for the top-level map, which has rules of its own."""
        for module in self.modules.values():
            if module.name != "skbseq":
                for item in module.imports:
                    yield module, item

    def inner_imports(self):
        """Imports of skbseq by skbseq, as triples of module, line and the module imported."""
        for module, item in self.imports():
            if item.library == "skbseq":
                for target in self._targets(item):
                    yield module, item.line, target

    def _targets(self, item):
        # `from skbseq.events import _log` names a module, `from skbseq.events import EventLog`
        # a name in one.
        deeper = [f"{item.target}.{name}" for name in item.names]
        inside = [name if name in self.modules else item.target for name in deeper]
        return sorted(set(inside)) or [item.target]


def _room(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def _within(name, places):
    return any(not place or name == place or name.startswith(f"{place}.") for place in places)


def _private(name):
    return name.startswith("_") and not name.endswith("__")


# ------------------------------------------------------------- reading imports


def _imports(module):
    openers = _names_from_optional(module)
    for node, in_function in _walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, (), in_function)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.lineno, _absolute(module, node), names, in_function)
        elif isinstance(node, ast.Call) and (target := _imported_by_call(node)):
            by_optional = ast.unparse(node.func).split(".")[0] in openers
            yield Import(node.lineno, target, (), in_function, by_optional)


def _walk(node, in_function=False):
    """Every node below this one, and whether it lies inside a function."""
    for child in ast.iter_child_nodes(node):
        yield child, in_function
        opens = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(child, in_function or opens)


def _absolute(module, node):
    if not node.level:
        return node.module
    package = module.name.split(".")
    package = package[: len(package) - node.level + module.is_map]
    return ".".join([*package, *([node.module] if node.module else [])])


def _imported_by_call(node):
    """What `import_module("x")`, `__import__("x")`, `import_optional("x")` and their like load."""
    called = ast.unparse(node.func).rpartition(".")[2]
    if "import" not in called or not node.args:
        return None
    first = node.args[0]
    is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if is_text else None


def _names_from_optional(module):
    """The names by which this module calls what `_optional` offers."""
    names = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            names |= {
                alias.asname or alias.name
                for alias in node.names
                if source == "skbseq._optional" or f"{source}.{alias.name}" == "skbseq._optional"
            }
    return names


# ----------------------------------------------------------------------- rules


def rooms_are_known(house):
    """Every file stands in a room of the table."""
    for module in house.modules.values():
        if module.name != "skbseq" and module.room not in FLOOR_OF:
            yield module.at(
                1,
                f"room {module.room!r} has no floor. Add it to FLOORS in tests/test_floors.py and "
                "to the table in docs/contributing.rst",
            )


def arrows_go_down(house):
    """A room imports lower floors only; on the ground floor files may import one another."""
    for module, line, target in house.inner_imports():
        room, other = module.room, _room(target)
        if other == room or (room, other) in DOORSTEPS or not other:
            continue
        floor, below = FLOOR_OF.get(room), FLOOR_OF.get(other)
        if floor is None or below is None:  # rooms_are_known, or the import itself, fails
            continue
        if below > floor:
            yield module.at(line, f"{room} (floor {floor}) imports {other} above it ({below})")
        elif below == floor and floor > 0:
            yield module.at(line, f"{room} imports {other} beside it on floor {floor}")


def nobody_asks_the_map(house):
    """Inside, a name is imported from its room, not from the top-level map."""
    for module, item in house.imports():
        if item.target != "skbseq":
            continue
        for name in item.names or ("",):
            if name != "__version__" and f"skbseq.{name}" not in house.modules:
                taken = f"takes {name} from" if name else "imports"
                yield module.at(item.line, f"{taken} the top-level map; import it from its room")


def no_cycles(house):
    """No file imports itself through others, not even late or for types only."""
    graph = {name: set() for name in house.modules}
    for module, _, target in house.inner_imports():
        if target in graph and target != module.name:
            graph[module.name].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "imports go in a circle: " + " <- ".join(error.args[1])


def tables_come_by_one_door(house):
    """Only `_frames` names a dataframe library."""
    for module, item in house.imports():
        if item.library in FRAME_LIBRARIES and module.room != "_frames":
            yield module.at(item.line, f"imports {item.library}; only skbseq/_frames may")


def private_sklearn_by_one_door(house):
    """Only `_checks` imports what scikit-learn calls private."""
    for module in house.modules.values():
        if module.name == "skbseq._checks":
            continue
        for item in module.imports:
            parts = [*item.target.split("."), *item.names]
            if item.library == "sklearn" and any(map(_private, parts)):
                yield module.at(
                    item.line,
                    f"imports {'.'.join(parts)}; only skbseq/_checks.py may import scikit-learn's "
                    "private names",
                )
        for line, chain in _sklearn_attributes(module):
            yield module.at(line, f"reaches for {chain}; only skbseq/_checks.py may")


def _sklearn_attributes(module):
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and _private(node.attr):
            chain = ast.unparse(node)
            if re.fullmatch(r"sklearn(\.\w+)+", chain):
                yield node.lineno, chain


def scikeras_in_one_file(house):
    """scikeras is repaired and hidden in estimators/_keras.py."""
    for module, item in house.imports():
        if item.library == "scikeras" and module.name != SCIKERAS_PLACE:
            yield module.at(item.line, "imports scikeras; only skbseq/estimators/_keras.py may")


def keras_in_the_machine(house):
    """TensorFlow and Keras are named by networks, _training and estimators/_keras.py only."""
    for module, item in house.imports():
        if item.library in KERAS and not _within(module.name, KERAS_PLACES):
            yield module.at(
                item.line, f"imports {item.library}; only {', '.join(KERAS_PLACES)} may"
            )


def networks_are_pure(house):
    """Networks are Keras and nothing of scikit-learn."""
    for module, item in house.imports():
        if module.room == "networks" and item.library in {"sklearn", "scikeras"}:
            yield module.at(item.line, f"imports {item.library}; networks are pure Keras")


def keras_is_loaded_late(house):
    """Outside the machine, what loads TensorFlow is imported inside a function."""
    for module, item in house.imports():
        if item.in_function or _within(module.name, KERAS_PLACES):
            continue
        named = {item.target, *(f"{item.target}.{name}" for name in item.names)}
        if any(_within(name, KERAS_PLACES) for name in named):
            yield module.at(
                item.line, f"imports {item.target} at the top, which loads TensorFlow with skbseq"
            )


def matplotlib_is_loaded_late(house):
    """Matplotlib is imported by the function that plots."""
    for module, item in house.imports():
        if item.library == "matplotlib" and not item.in_function:
            yield module.at(item.line, "imports matplotlib at the top; import it where you plot")


def late_imports_are_few(house):
    """Inside a function only what is heavy or optional is imported."""
    for module, item in house.imports():
        if not item.in_function or item.by_optional:
            continue
        places = LATE + LATE_IN.get(module.name, ())
        named = [f"{item.target}.{name}" for name in item.names] or [item.target]
        if not all(_within(name, places) for name in named):
            yield module.at(
                item.line, f"imports {item.target} inside a function; move it to the top"
            )


def maps_hold_no_logic(house):
    """An `__init__.py` holds a docstring, imports and assignments, at most `__getattr__`."""
    for module in house.modules.values():
        if not module.is_map:
            continue
        for node in module.tree.body:
            if not _belongs_in_a_map(node):
                what = type(node).__name__.lower()
                yield module.at(node.lineno, f"a map holds no logic; this is a {what}")


def _belongs_in_a_map(node):
    if isinstance(node, ast.FunctionDef):
        return node.name in {"__dir__", "__getattr__"}
    if isinstance(node, ast.If):
        return ast.unparse(node.test).endswith("TYPE_CHECKING")
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign)


def the_top_map_is_lazy(house):
    """skbseq/__init__.py imports the standard library only, but inside `__getattr__`."""
    top = house.modules["skbseq"]
    for node in top.tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue  # under TYPE_CHECKING nothing is loaded
        first = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            first = [_absolute(top, node)]
        for name in first:
            if name.partition(".")[0] not in sys.stdlib_module_names:
                yield top.at(node.lineno, f"imports {name} at the top; the map must be lazy")


def files_in_folders_are_private(house):
    """In a room that is a folder every file but the map begins with an underscore."""
    for module in house.modules.values():
        if len(module.path.parts) > 2 and not module.path.name.startswith("_"):
            yield module.at(1, f"a file inside a folder is named _{module.path.name}")


def files_and_functions_are_short(house):
    """No module over 700 lines, no function body over 60 lines of code."""
    for module in house.modules.values():
        lines = module.source.count("\n")
        if lines > MAX_MODULE_LINES:
            yield module.at(1, f"{lines} lines, over {MAX_MODULE_LINES}; make it a folder")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = _code_lines(module, node)
                if length > MAX_FUNCTION_LINES:
                    yield module.at(
                        node.lineno,
                        f"{node.name} has {length} lines of code, over {MAX_FUNCTION_LINES}",
                    )


def _code_lines(module, function):
    """Lines of a function's body that are not docstring, comment or blank."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    lines = module.source.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


RULES = [
    rooms_are_known,
    arrows_go_down,
    nobody_asks_the_map,
    no_cycles,
    tables_come_by_one_door,
    private_sklearn_by_one_door,
    scikeras_in_one_file,
    keras_in_the_machine,
    networks_are_pure,
    keras_is_loaded_late,
    matplotlib_is_loaded_late,
    late_imports_are_few,
    maps_hold_no_logic,
    the_top_map_is_lazy,
    files_in_folders_are_private,
    files_and_functions_are_short,
]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


# ----------------------------------------------------------- skbseq's own tree


@pytest.fixture(scope="module")
def skbseq_house():
    return House.read(ROOT)


@each_rule
def test_house(skbseq_house, rule):
    assert skbseq_house.modules, f"no source under {ROOT / 'skbseq'}"
    broken = list(rule(skbseq_house))
    assert not broken, "\n".join(broken)


def test_scikeras_is_used(skbseq_house):
    users = {module.name for module, item in skbseq_house.imports() if item.library == "scikeras"}
    assert users == {SCIKERAS_PLACE}


def test_the_docs_show_the_same_floors():
    page = (ROOT / "docs" / "contributing.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^ +\* - (\d) (\w+)\n +- (.*?)\n +- ", page, re.M | re.S)
    shown = {
        int(number): (name, set(re.findall(r"``(\w+)``", rooms))) for number, name, rooms in rows
    }
    assert shown == dict(enumerate(FLOORS))


# ------------------------------------------------- trees that break the rules

SOUND = {
    "__init__.py": '''
        """The map."""
        from importlib import import_module
        _ROOMS = {"EventLog": "events"}
        __all__ = sorted(_ROOMS)
        def __getattr__(name):
            return getattr(import_module(f"skbseq.{_ROOMS[name]}"), name)
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
    "networks/__init__.py": "import keras",
    "_training.py": "import tensorflow as tf",
    "estimators/__init__.py": "from ._classifier import LSTMBehaviorClassifier",
    "estimators/_classifier.py": """
        from sklearn.base import ClassifierMixin, __version__
        class LSTMBehaviorClassifier:
            def fit(self, X, y):
                from . import _keras
                from skbseq.networks import build
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
    (rooms_are_known, "cellar.py", "", r"'cellar' has no floor. Add it to FLOORS in tests/test_f"),
    (arrows_go_down, "_time.py", "from skbseq.events import EventLog", r"imports events above it"),
    (arrows_go_down, "_time.py", "import skbseq.events._log", r"_time.py:1: _time \(floor 0\)"),
    (arrows_go_down, "_time.py", "from skbseq import events", r"imports events above it"),
    (arrows_go_down, "_time.py", "from . import events", r"imports events above it"),
    (arrows_go_down, "_time.py", "from .events import EventLog", r"imports events above it"),
    (arrows_go_down, "events/_log.py", "from ..estimators import A", r"imports estimators above"),
    (arrows_go_down, "_time.py", "def f():\n    from . import events", r"_time.py:2: .*events"),
    (arrows_go_down, "_time.py", "def f():\n    import skbseq.events", r"imports events above"),
    (
        arrows_go_down,
        "_time.py",
        "import importlib\nimportlib.import_module('skbseq.events')",
        r"_time.py:2: .* imports events above",
    ),
    (
        arrows_go_down,
        "_time.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import skbseq.events",
        r"_time.py:3: .* imports events above",
    ),
    (arrows_go_down, "datasets.py", "import skbseq.events", r"events beside it on floor 1"),
    (arrows_go_down, "report.py", "from .cli import main", r"report imports cli beside it"),
    (nobody_asks_the_map, "cli.py", "from skbseq import EventLog", r"takes EventLog from the top"),
    (nobody_asks_the_map, "cli.py", "from . import EventLog", r"takes EventLog from the top"),
    (nobody_asks_the_map, "cli.py", "import skbseq", r"cli.py:1: imports the top-level map"),
    (no_cycles, "exceptions.py", "import skbseq._frames", r"circle: .*exceptions"),
    (no_cycles, "events/_index.py", "from . import _log", r"circle: .*skbseq.events._log"),
    (no_cycles, "events/_index.py", "def f():\n    from skbseq.events import A", r"in a circle"),
    (tables_come_by_one_door, "events/_log.py", "import pandas as pd", r"py:1: imports pandas"),
    (tables_come_by_one_door, "cli.py", "import pyarrow.parquet", r"imports pyarrow; only"),
    (tables_come_by_one_door, "cli.py", "def f():\n    from polars import col", r"imports polars"),
    (
        tables_come_by_one_door,
        "cli.py",
        "from ._optional import import_optional as io\nio('x')\nimport_optional('polars')",
        r"cli.py:3: imports polars",
    ),
    (private_sklearn_by_one_door, "cli.py", "from sklearn.base import _fit_context", r"_fit_cont"),
    (private_sklearn_by_one_door, "cli.py", "import sklearn.utils._tags", r"imports sklearn.uti"),
    (private_sklearn_by_one_door, "cli.py", "from sklearn.utils import _tags", r"only .*_checks"),
    (private_sklearn_by_one_door, "cli.py", "import sklearn\nsklearn.utils._x", r"py:2: reach"),
    (scikeras_in_one_file, "estimators/_more.py", "import scikeras", r"_more.py:1: imports scike"),
    (scikeras_in_one_file, "_training.py", "def f():\n    import scikeras.wrappers", r"scikeras"),
    (keras_in_the_machine, "events/_log.py", "def f():\n    import tensorflow", r"imports tensor"),
    (keras_in_the_machine, "estimators/_classifier.py", "import keras.ops", r"imports keras"),
    (networks_are_pure, "networks/_lstm.py", "import sklearn", r"networks are pure"),
    (keras_is_loaded_late, "estimators/_b.py", "from . import _keras", r"_b.py:1: imports skbseq"),
    (keras_is_loaded_late, "estimators/_b.py", "from ._keras import A", r"loads TensorFlow with"),
    (
        keras_is_loaded_late,
        "serving.py",
        "from skbseq.networks import b",
        r"loads TensorFlow with",
    ),
    (matplotlib_is_loaded_late, "inspection.py", "import matplotlib.pyplot as p", r"you plot"),
    (late_imports_are_few, "cli.py", "def f():\n    import json", r"py:2: imports json inside"),
    (late_imports_are_few, "cli.py", "f = lambda: __import__('json')", r"imports json inside"),
    (late_imports_are_few, "cli.py", "def f():\n    from . import events", r"skbseq inside"),
    (
        late_imports_are_few,
        "cli.py",
        "async def f():\n    from .events import A",
        r"events inside",
    ),
    (maps_hold_no_logic, "events/__init__.py", "def f(): pass", r"py:1: .*functiondef"),
    (maps_hold_no_logic, "events/__init__.py", "for i in range(3): i", r"this is a for"),
    (maps_hold_no_logic, "__init__.py", "print('hello')", r"no logic; this is a expr"),
    (maps_hold_no_logic, "__init__.py", "class A: pass", r"no logic; this is a classdef"),
    (the_top_map_is_lazy, "__init__.py", "from .events import EventLog", r"imports skbseq.ev"),
    (the_top_map_is_lazy, "__init__.py", "import numpy as np", r"imports numpy at the top"),
    (files_in_folders_are_private, "events/log.py", "", r"is named _log.py"),
    (files_and_functions_are_short, "cli.py", "x = 1\n" * 701, r"701 lines, over 700"),
    (files_and_functions_are_short, "cli.py", LONG_FUNCTION, r"f has 61 lines of code, over 60"),
]


def build(root, files):
    for name, source in files.items():
        path = root / "skbseq" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
    return House.read(root)


@each_rule
def test_a_sound_house_passes(tmp_path, rule):
    assert list(rule(build(tmp_path, SOUND))) == []


@pytest.mark.parametrize(
    ("rule", "file", "source", "message"),
    BREAKS,
    ids=[f"{rule.__name__}-{i}" for i, (rule, *_) in enumerate(BREAKS)],
)
def test_a_break_is_reported(tmp_path, rule, file, source, message):
    house = build(tmp_path, SOUND | {file: source})
    assert re.search(message, "\n".join(rule(house)))


def test_every_rule_is_broken_once():
    assert {rule for rule, *_ in BREAKS} == set(RULES)


def test_docstring_and_comments_are_not_code(tmp_path):
    house = build(tmp_path, SOUND | {"cli.py": COMMENTED_FUNCTION})
    assert list(files_and_functions_are_short(house)) == []
