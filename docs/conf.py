"""How Sphinx builds the site: `bash .ci/site OUT` calls it, without a network, and with warnings as errors."""

import importlib
import sys
import warnings
from pathlib import Path

import matplotlib as mpl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

audiofeat = importlib.import_module("audiofeat")

project = "audiofeat"
author = "The audiofeat developers"
copyright = "the audiofeat developers"
version = release = audiofeat.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "public_names",
    "command_pages",
    "mathml",
]
if (HERE / "gallery" / "GALLERY_HEADER.rst").exists():
    extensions.append("sphinx_gallery.gen_gallery")

exclude_patterns = ["gallery", "_ext", "_templates", "_static"]
templates_path = ["_templates"]
html_static_path = ["_static"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(dataclasses|joblib|librosa|numpy|scipy|sklearn|torch)(\..*)?")]  # literal


# Pages in Markdown.
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Docstrings: `name` is a link where it is a public name, and literal where it is a parameter (_ext/public_names.py).
default_role = "public"
autosummary_generate = True
autodoc_typehints = "none"  # the sections Parameters and Returns say more, in words
autodoc_default_options = {"member-order": "bysource"}
numpydoc_show_class_members = False  # the templates list them
numpydoc_xref_param_type = False
numpydoc_validation_checks = set()  # `.ci/lint` has them

# Looks.
html_theme = "furo"
html_title = "audiofeat"
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True, "sidebar_hide_name": False}
pygments_style = "friendly"
pygments_dark_style = "monokai"

# The gallery. Figures are of the size at which text is legible in the column of a page.
mpl.use("agg")
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"(^|/)_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "plot_gallery": True,
    "abort_on_example_error": True,
    "parallel": True,
    "image_scrapers": ("matplotlib",),
    "matplotlib_animations": False,
    "first_notebook_cell": None,
}
warnings.filterwarnings("error", module=r"audiofeat")  # also in what the gallery runs
