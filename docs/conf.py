"""How Sphinx builds these pages; nothing is fetched while it does."""

import os
import sys
from pathlib import Path

import skbseq

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

# autodoc imports every module, and with it TensorFlow, whose start-up log is not about the docs.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

project = "skbseq"
author = "the skbseq developers"
copyright = f"2026, {author}"
version = release = skbseq.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",  # for CHANGELOG.md alone
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "network_table",  # our own, in _ext
]
# sphinx.ext.intersphinx is left out: it fetches other projects' inventories at build time.

source_suffix = {".rst": "restructuredtext"}
exclude_patterns = ["_build", "gallery"]
default_role = "py:obj"
nitpicky = False
smartquotes = False  # they would curl the quotes in parameters' types

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": True}
templates_path = ["_templates"]
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "only_warn_on_example_error": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 60,
    "reset_modules": ("matplotlib",),
}

# Prompts and outputs are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = f"skbseq {release}"
html_show_sourcelink = False
html_theme_options = {
    "navigation_depth": 2,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def skip_what_others_wrote(app, what, name, obj, skip, options):
    """Leave out methods inherited from scikit-learn and Python: they are documented there."""
    function = getattr(obj, "fget", obj)
    owner = getattr(function, "__objclass__", function)  # Python's built-in methods have no module
    home = getattr(owner, "__module__", None)
    return True if home and not home.startswith("skbseq") else skip


def setup(app):
    app.connect("autodoc-skip-member", skip_what_others_wrote)
