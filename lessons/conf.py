"""The book: `sphinx-build lessons build/book` makes a page of every lesson, and of the ledger, glossary and results."""

import json
import re
import sys
from itertools import pairwise
from pathlib import Path

from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project, author, copyright = "nfedu", "the nfedu developers", "the nfedu developers, MIT licence"
extensions = ["myst_nb", "sphinx-mathjax-offline", "sphinx_copybutton", "sphinx.ext.autodoc"]
extensions += ["lessons.book", "lessons.reference"]
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

CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]+")


def setup(app):
    """Connect the functions below."""
    app.connect("doctree-resolved", show_tags)
    app.connect("doctree-resolved", link_images)
    app.connect("doctree-resolved", say_chinese)
    app.connect("doctree-resolved", join_formulas)
    app.connect("html-page-context", say_level, priority=900)  # after the theme's
    app.connect("html-page-context", give_room, priority=900)
    app.connect("html-page-context", read_excerpts)
    app.connect("build-finished", write_excerpts)


def show_tags(app, doctree, name):
    """Number equations by their tags: (N14), as everywhere else."""
    for equation in doctree.findall(nodes.math_block):
        if equation.get("label"):
            equation["number"] = equation["label"]


def link_images(app, doctree, name):
    """Say each image's size, for which Sphinx makes it a link to itself: a click or the Enter key opens it large."""
    for image in doctree.findall(nodes.image):
        image.setdefault("scale", 100)


def say_chinese(app, doctree, name):
    """Mark Chinese words as such, which chooses their font and tells a screen reader how to speak them."""
    for text in [node for node in doctree.findall(nodes.Text) if CHINESE.search(node)]:
        if isinstance(text.parent, nodes.literal_block | nodes.math | nodes.math_block | nodes.raw):
            continue
        parts, end = [], 0
        for words in CHINESE.finditer(text):
            chinese = nodes.inline("", words[0], classes=["language-zh"])
            parts += [nodes.Text(text[end : words.start()]), chinese]
            end = words.end()
        text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def join_formulas(app, doctree, name):
    """Keep a formula and the sign after it, as in $x$, on one line."""
    for line in {formula.parent for formula in doctree.findall(nodes.math)}:
        for i, (formula, text) in enumerate(pairwise(line.children)):
            signs = re.match(r"[.,;:?!)’”-]+", text) if isinstance(text, nodes.Text) else None
            if signs and isinstance(formula, nodes.math):
                line[i] = nodes.inline("", "", formula, nodes.Text(signs[0]), classes=["joined"])
                line[i + 1] = nodes.Text(text[signs.end() :])


def give_room(app, page, template, context, doctree):
    """Leave out the list of sections beside the ledger, whose table has nine columns."""
    if page == "LEDGER":
        context["furo_hide_toc"] = True


def say_level(app, page, template, context, doctree):
    """Say of which level the captions of the table of contents are headings, as screen readers need it."""
    for part in ("body", "furo_navigation_tree"):
        context[part] = context.get(part, "").replace('role="heading"', 'role="heading" aria-level="2"')


def read_excerpts(app, page, template, context, doctree):
    """Let the search page load the excerpts."""
    if page == "search":
        app.add_js_file("excerpts.js")


def write_excerpts(app, error):
    """Write the pages' text as a script: a browser reads no other page from disk, so the search cannot fetch one."""
    if error or app.builder.name != "html":
        return
    texts = {}
    for page in sorted(app.outdir.rglob("*.html")):
        article = re.search(r'<article role="main".*?</article>', page.read_text("utf-8"), re.DOTALL)
        if article:
            text = re.sub(r'<a class="headerlink".*?</a>|<(?!/?(?:section|article))[^>]*>', "", article[0])
            text = re.sub(r"\\\[.*?\\\]", "…", text, flags=re.DOTALL)  # formulas are not set here
            text = text.replace(r"\(", "").replace(r"\)", "")
            texts[page.relative_to(app.outdir).as_posix()] = text
    script = f"const EXCERPTS = {json.dumps(texts, ensure_ascii=False)};\n"
    script += 'window.fetch = async (page) => new Response(EXCERPTS[page.replace(/^[.]\\//, "")]);\n'
    (app.outdir / "_static" / "excerpts.js").write_text(script, "utf-8")
