"""The book: `sphinx-build lessons build/book` makes a page of every lesson, and of the ledger, glossary and results."""

import sys
from pathlib import Path

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project, author, copyright = "nfedu", "the nfedu developers", "the nfedu developers, MIT licence"
extensions = ["myst_nb", "sphinx-mathjax-offline", "sphinx.ext.autodoc", "lessons.reference"]
exclude_patterns = ["[!0-9]*.py", "exercises", "pages/code", "wrong", "**/__pycache__"]
html_theme, html_title = "furo", "nfedu: normalizing flows in NumPy"
html_static_path, html_css_files = ["static"], ["wide.css"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
autodoc_type_aliases = {name: name for name in ("Array", "Backward", "Mapped")}
toc_object_entries_show_parents = "hide"
nb_custom_formats = {".py": "lessons.book.read"}
nb_execution_mode = "off"
nb_merge_streams = True


def setup(app):
    """Number equations by their tags: (N14), as everywhere else."""
    app.connect("doctree-resolved", show_tags)


def show_tags(app, doctree, name):
    """Give each labelled equation its label for a number."""
    for equation in doctree.findall(nodes.math_block):
        if equation.get("label"):
            equation["number"] = equation["label"]
