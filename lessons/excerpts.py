"""The search's excerpts: the pages' words as a script, since a browser reads no other page from disk.

Formulas are not set there, so their TeX becomes plain text: `\\log p_X(x; \\theta)` reads log p_X(x; θ).
"""

import html
import json
import re
import unicodedata
from typing import Any

PAGE = re.compile(r'<article role="main".*?</article>', re.DOTALL)
CODE = re.compile(
    r'<a class="headerlink".*?</a>|<div class="highlight">.*?</pre></div>|<summary.*?</summary>', re.DOTALL
)
MARKS = re.compile(r"<(?!/?(?:section|article))[^>]*>")
INLINE, DISPLAY = re.compile(r"\\\((.*?)\\\)", re.DOTALL), re.compile(r"\\\[.*?\\\]", re.DOTALL)
SIGNS = {
    "sum": "Σ", "prod": "Π", "int": "∫", "partial": "∂", "nabla": "∇", "infty": "∞", "odot": "⊙", "cdot": "·",
    "circ": "∘", "times": "×", "pm": "±", "approx": "≈", "sim": "~", "propto": "∝", "ne": "≠", "neq": "≠", "le": "≤",
    "leq": "≤", "ge": "≥", "geq": "≥", "to": "→", "mapsto": "↦", "in": "∈", "subset": "⊂", "top": "ᵀ", "mid": "|",
    "lvert": "|", "rvert": "|", "vert": "|", "Vert": "‖", "lVert": "‖", "rVert": "‖", "langle": "⟨", "rangle": "⟩",
    "ldots": "…", "cdots": "…", "dots": "…", "tfrac12": "½", "ell": "ℓ", "varphi": "φ", "varepsilon": "ε", "prime": "′",
    "mathbb": "", "mathrm": "", "mathbf": "", "mathcal": "", "operatorname": "", "text": "", "left": "", "right": "",
    "big": "", "Big": "", "bigl": "", "bigr": "", "quad": " ", "qquad": " ", "bar": "", "hat": "", "tilde": "",
    "sqrt": "√",
}  # fmt: skip


def setup(app: Any) -> None:
    """Let the search page load the excerpts, and write them when all pages are there."""
    app.connect("html-page-context", read)
    app.connect("build-finished", write)


def read(app: Any, page: str, template: str, context: Any, doctree: Any) -> None:
    """Let the search page load the excerpts."""
    if page == "search":
        app.add_js_file("excerpts.js")


def write(app: Any, error: Any) -> None:
    """Write all pages' words as a script, which answers the search's requests for them."""
    if error or app.builder.name != "html":
        return
    texts = {}
    for page in sorted(app.outdir.rglob("*.html")):
        if article := PAGE.search(page.read_text("utf-8")):
            texts[page.relative_to(app.outdir).as_posix()] = words(article[0])
    script = f"const EXCERPTS = {json.dumps(texts, ensure_ascii=False)};\n"
    script += 'window.fetch = async (page) => new Response(EXCERPTS[page.replace(/^[.]\\//, "")]);\n'
    (app.outdir / "_static" / "excerpts.js").write_text(script, "utf-8")


def words(article: str) -> str:
    """Return a page's text as HTML without code, which would open most excerpts with imports, and without TeX."""
    text = MARKS.sub("", CODE.sub("", article))
    return INLINE.sub(lambda formula: plain(formula[1]), DISPLAY.sub("…", text))


def plain(tex: str) -> str:
    """Return a formula of HTML as plain text of HTML."""
    text = re.sub(r"\\begin\{.*?\\end\{\w+\}", "…", html.unescape(tex), flags=re.DOTALL)
    text = re.sub(r"\\[td]?frac\s*(\{[^{}]*\}|\w)\s*(\{[^{}]*\}|\w)", r"\1/\2", text)
    text = re.sub(r"\\([A-Za-z]+)(?=(\\?))", lambda found: sign(found[1]) + " " * len(found[2]), text)
    return html.escape(re.sub(r"[{}]", "", re.sub(r"\\[,;:! ]|~", " ", text)).replace("\\", ""), quote=False)


def sign(name: str) -> str:
    """Return the sign of a command: of a Greek letter, of one of `SIGNS`, else its name, as in log."""
    size = "SMALL" if name.islower() else "CAPITAL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {name.replace('lambda', 'lamda').upper()}")
    except KeyError:
        return SIGNS.get(name, name)
