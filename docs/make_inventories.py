"""Write the inventories of other projects' names that these pages link to.

    python docs/make_inventories.py

The pages are built without a network, so Sphinx cannot fetch the inventories of scikit-learn,
NumPy and others. This script writes small ones into ``docs/_inventories``: the names that the
pages, the examples and the docstrings use, each with its place in the public documentation. Run it
again where a page names something new; ``docs/check_links.py`` says so.
"""

import ast
import builtins
import importlib
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sphinx.util.inventory import InventoryFile

DOCS = Path(__file__).parent
FOLDER = DOCS / "_inventories"

# Where each project shows a name; `{}` stands for the name.
PLACES = {
    "matplotlib": "api/_as_gen/{}.html",
    "numpy": "reference/generated/{}.html",
    "pandas": "reference/api/{}.html",
    "pyarrow": "generated/{}.html",
    "sklearn": "modules/generated/{}.html",
}
SITES = {
    "matplotlib": "https://matplotlib.org/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "pyarrow": "https://arrow.apache.org/docs/python/",
    "python": "https://docs.python.org/3/",
    "sklearn": "https://scikit-learn.org/stable/",
}
ELSEWHERE = {
    "numpy.nan": "reference/constants.html",
    "numpy.random.default_rng": "reference/random/generator.html",
    "numpy.random.Generator": "reference/random/generator.html",
    "numpy.random.RandomState": "reference/random/legacy.html",
    "numpy.datetime64": "reference/arrays.scalars.html",
    "numpy.timedelta64": "reference/arrays.scalars.html",
}
PYTHON = {
    "library/constants.html": ["None"],
    "library/exceptions.html": [
        *("FileExistsError", "FileNotFoundError", "ImportError", "MemoryError", "OSError"),
        *("RuntimeError", "TypeError", "UserWarning", "ValueError"),
    ],
    "library/functions.html": ["bool", "float", "int"],
    "library/os.html": ["os.PathLike"],
    "library/pathlib.html": ["pathlib.Path"],
    "library/stdtypes.html": ["bytes", "dict", "list", "set", "str", "tuple"],
}
# How docstrings write types; docs/conf.py passes this to numpydoc.
ALIASES = {word: f":class:`python:{word}`" for word in ("bool", "dict", "float", "int", "list")}
ALIASES |= {word: f":class:`python:{word}`" for word in ("os.PathLike", "str", "tuple")}
ALIASES |= {
    "DataFrame": "pandas.DataFrame",
    "RandomState": "numpy.random.RandomState",
    "ndarray": "numpy.ndarray",
    "numpy.random.Generator": ":class:`numpy.random.Generator`",
    "pyarrow.Array": ":class:`pyarrow.Array`",
    "pyarrow.Table": ":class:`pyarrow.Table`",
}
SHORT = {"np": "numpy", "pd": "pandas", "pa": "pyarrow", "plt": "matplotlib.pyplot"}


def used_names():
    """Full names of the projects above, in the pages, the examples and the docstrings."""
    names = {name for name in ALIASES.values() if name.partition(".")[0] in PLACES}
    for path in [*DOCS.glob("*.rst"), *DOCS.glob("user_guide/*"), *DOCS.glob("gallery/*.py")]:
        names |= _in_text(path.read_text(encoding="utf-8"))
    for path in (DOCS.parent / "skbseq").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                names |= _in_text(ast.get_docstring(node) or "")
    return {_documented(name) for name in names} - {None}


def _in_text(text):
    projects = "|".join(PLACES)
    dotted = re.findall(rf"\b(?:{projects})(?:\.\w+)+", text)
    short = re.findall(rf"\b({'|'.join(SHORT)})((?:\.\w+)+)", text)
    imports = re.findall(rf"from ((?:{projects})[\w.]*) import (\([^)]*\)|.*)", text)
    listed = [f"{module}.{name}" for module, tail in imports for name in re.findall(r"\w+", tail)]
    return {*dotted, *listed, *(SHORT[name] + rest for name, rest in short)}


def _documented(name):
    """The longest beginning of a name that is a class or a function, if there is one."""
    parts = name.split(".")
    for end in range(len(parts), 1, -1):
        thing = _load(parts[:end])
        if thing is not None and not inspect.ismodule(thing):
            return ".".join(parts[:end])
    return None


def _load(parts):
    for end in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            thing = getattr(thing, part, None)
        return thing
    return None


def places():
    """Each project's names as {project: {name: page}}."""
    found = {project: {} for project in SITES}
    for name in used_names():
        project = name.partition(".")[0]
        found[project][name] = ELSEWHERE.get(name, PLACES[project].format(name))
    found["python"] = {name: page for page, names in PYTHON.items() for name in names}
    return found


def _role(name):
    if name in {"None", "numpy.nan"}:
        return "data"
    thing = _load(name.split(".")) or getattr(builtins, name, None)
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    return "function"


def write(project, names):
    """One inventory, by Sphinx' own writer."""
    objects = [(name, name, _role(name), page, name, 1) for name, page in names.items()]
    domain = SimpleNamespace(name="py", get_objects=lambda: objects)
    domains = SimpleNamespace(sorted=lambda: [domain])
    environment = SimpleNamespace(
        config=SimpleNamespace(project=project, version=""), domains=domains
    )
    builder = SimpleNamespace(get_target_uri=lambda page: page)
    InventoryFile.dump(FOLDER / f"{project}.inv", environment, builder)


def main():
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for project, names in places().items():
        write(project, names)
        print(f"{project}: {len(names)} names")


if __name__ == "__main__":
    main()
