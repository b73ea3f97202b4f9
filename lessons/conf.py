"""The book: `sphinx-build lessons build/book` makes a page of every lesson, and of the ledger, glossary and results."""

import sys
from pathlib import Path

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lessons.words import parents

project, author, copyright = "nfedu", "the nfedu developers", "the nfedu developers, MIT licence"
extensions = ["myst_nb", "sphinx-mathjax-offline", "sphinx_copybutton", "sphinx.ext.autodoc"]
extensions += [f"lessons.{name}" for name in ("book", "reference", "links", "words", "excerpts")]
exclude_patterns = ["[!0-9]*.py", "exercises", "outputs", "pages/code", "trained", "wrong", "**/__pycache__"]
html_theme, html_title = "furo", "nfedu: normalizing flows in NumPy"
figures = Path(__file__).resolve().parents[1] / "figures"
moving = [file for strip in figures.glob("strips/*.webp") for file in (strip, figures / f"{strip.stem}.png")]
html_static_path = ["static", *map(str, moving)]
html_css_files, html_js_files = ["book.css", "slider.css"], ["book.js", "slider.js"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
autodoc_type_aliases = {name: name for name in ("Array", "Backward", "Mapped")}
toc_object_entries_show_parents = "hide"
nb_custom_formats = {".py": "lessons.book.read"}
nb_execution_mode, nb_render_markdown_format = "off", "myst"
nb_code_prompt_show, nb_code_prompt_hide = "Show the code", "Hide the code"
mathjax3_config = {"chtml": {"scale": 0.92}}  # as wide as the text around it, not as high
copybutton_selector = ".highlight:not(.output *) pre"  # code, not what it printed


def setup(app):
    """Connect the functions below."""
    app.connect("doctree-resolved", show_tags)
    app.connect("doctree-resolved", link_images)
    app.connect("html-page-context", say_level, priority=900)  # after the theme's
    app.connect("html-page-context", give_room, priority=900)


def show_tags(app, doctree, name):
    """Number equations by their tags: (N14), as everywhere else."""
    for equation in doctree.findall(nodes.math_block):
        if equation.get("label"):
            equation["number"] = equation["label"]


def link_images(app, doctree, name):
    """Say each image's size, for which Sphinx makes it a link to itself: a click or the Enter key opens it large."""
    for image in doctree.findall(nodes.image):
        if not any(isinstance(parent, nodes.reference) for parent in parents(image)):
            image.setdefault("scale", 100)


def give_room(app, page, template, context, doctree):
    """Leave out the list of sections beside the ledger, whose table has nine columns."""
    if page == "LEDGER":
        context["furo_hide_toc"] = True


def say_level(app, page, template, context, doctree):
    """Say of which level the captions of the table of contents are headings, as screen readers need it."""
    for part in ("body", "furo_navigation_tree"):
        context[part] = context.get(part, "").replace('role="heading"', 'role="heading" aria-level="2"')
