"""How Sphinx builds these pages; nothing is fetched while it does."""

import os
import sys
from pathlib import Path

# autodoc imports every module, and with it TensorFlow, whose start-up log is not about the docs.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The examples' data are small: scikit-learn's threads would spend more time waiting than working.
os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "_ext")]

from make_inventories import ALIASES, SITES  # noqa: E402
from numpydoc.xref import DEFAULT_LINKS  # noqa: E402

import skbseq  # noqa: E402

project = "skbseq"
author = "the skbseq developers"
copyright = f"2026, {author}"
version = release = skbseq.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",  # for CHANGELOG.md alone
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # Our own, in _ext:
    "guide_links",
    "mathml",
    "network_table",
    "short_names",
    "thumbnails",
]

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
# Types in lists of parameters are links, but only the words that are named here.
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {word: word for word in DEFAULT_LINKS} | ALIASES

# Files of ours, not the sites': docs/make_inventories.py writes them.
intersphinx_mapping = {
    project: (site, f"_inventories/{project}.inv") for project, site in SITES.items()
}
html_math_renderer = "mathml"
toc_object_entries_show_parents = "hide"
viewcode_line_numbers = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": "FileNameSortKey",
    # What "Examples using ..." on the pages of the API is made from.
    "backreferences_dir": "auto_gallery/backreferences",
    "doc_module": ("skbseq",),
    "only_warn_on_example_error": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "min_reported_time": 600,
    "reset_modules": ("matplotlib",),
}

# Prompts and outputs are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = f"skbseq {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
# The side bar lists the pages of a section; the pages next to the first one have none.
html_sidebars = {page.stem: [] for page in HERE.glob("*.rst") if page.stem != "api"}
html_theme_options = {
    "header_links_before_dropdown": 6,
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
