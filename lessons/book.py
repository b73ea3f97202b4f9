"""A lesson as a page of the book: below each cell what it printed: claims as a table, figures, the rest as text.

Nothing is run here: `python -m lessons` keeps what it printed in `outputs/`, pictures and captions in `figures/`.
"""

import html
import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from textwrap import dedent
from typing import Any

import jupytext
from nbformat import NotebookNode, v4
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

from nfedu.course import captions, cells
from nfedu.course.ledger import anchors

HERE = Path(__file__).resolve().parent
FIGURES = HERE.parent / "figures"
EXERCISES = """**Exercises with a judge.** `python -m lessons exercise {0}` hands out this lesson's;
[the list](EXERCISES.md) says what each teaches, and how they are judged."""
CLAIM = re.compile(r"✓ ([NMB]\d+) +(.*): (\S+) ≤ ([^\s;]+)(?:; as printed (\S+))?")  # as `Claim` prints it
FIGURE = re.compile(r"  figure figures/(\S+): .*")
TITLE = re.compile(r"── .* ─+")  # stands above the page already
WORD, SHORT = r"(?<![^\W\d])(?<!`)(\w|\))", r"\d\.\d+|\d|[^\W\d_]{1,2}"  # of 2α_i the α, of p^0.6 and J_ij all
SIGNS = re.compile(rf"`(.+?)`|{WORD}([_^])(?:\{{(.+?)\}}|({SHORT}))(?![\w/}}]|\.\d)")  # `code`, x_i, e^{α}

log = getLogger(__name__)


def setup(app: Sphinx) -> None:
    """Read a lesson again when what it printed has changed."""
    app.connect("source-read", depend)
    app.add_css_file("outputs.css")


def depend(app: Sphinx, name: str, source: list[str]) -> None:
    """Note that a lesson's page depends on what the lesson printed."""
    if number := number_of(source[0]):
        app.env.note_dependency(str(outputs(number)))


def number_of(script: str) -> str:
    """Return the number that a lesson's heading begins with; an empty one for other pages."""
    heading = re.search(r"^# # (\d\d\w?) · ", script, re.MULTILINE)
    return heading[1] if heading else ""


def outputs(number: str) -> Path:
    """Return the file that keeps what a lesson printed."""
    return HERE / "outputs" / f"{number}.json"


def read(script: str) -> NotebookNode:
    """Return a percent script as a notebook; a lesson's cells with their outputs, if it is this text that ran."""
    notebook = jupytext.reads(script, fmt="py:percent")
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    number = number_of(script)
    if not number:
        return notebook
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = cells.load(outputs(number))
    names = iter(anchors((claim[1], number) for p in printed for claim in map(CLAIM.fullmatch, p.lines) if claim))
    if [p.cell for p in printed] == [cell.hash for cell in cells.split(script)]:
        for cell, p in zip(code, printed, strict=True):
            cell.outputs = list(shown(p.lines, names))
            if cell.source == "lesson.end()":
                cell.metadata["tags"] = ["remove-input"]
    else:
        log.warning("lesson %s has changed since its outputs were recorded: run python -m lessons", number)
    if list((HERE / "exercises").glob(f"{number[:2]}_*")):
        last = len(notebook.cells) - (notebook.cells[-1].source == "lesson.end()")  # what it took stands below all else
        notebook.cells.insert(last, v4.new_markdown_cell(EXERCISES.format(number[:2])))
    return notebook


def shown(lines: list[str], names: Iterator[str]) -> Iterator[NotebookNode]:
    """Yield the outputs of a cell that printed these lines; `names` are those of its claims' rows in the ledger."""
    kinds = {"claim": CLAIM, "figure": FIGURE, "title": TITLE}
    for kind, group in groupby(lines, lambda line: next((k for k, form in kinds.items() if form.fullmatch(line)), "")):
        if kind == "claim":
            yield display("text/html", table([claim for claim in map(CLAIM.fullmatch, group) if claim], names))
        elif kind == "figure":
            yield from (figure(FIGURE.sub(r"\1", line)) for line in group)
        elif kind == "" and (text := dedent("\n".join(group)).strip("\n")):
            yield v4.new_output("stream", name="stdout", text=text + "\n")


def display(kind: str, content: str) -> Any:
    """Return an output of a MIME type."""
    return v4.new_output("display_data", data={kind: content})


def table(claims: list[re.Match[str]], names: Iterator[str]) -> str:
    """Return a table of claims: ✓, the tag with a link to its row in the ledger, what is claimed, its numbers."""
    rows = []
    for claim in claims:
        tag, statement, error, tolerance, printed = (marked_up(part or "") for part in claim.groups())
        wrong = f"<br>as printed {printed}&nbsp;&gt;&nbsp;{tolerance}" if printed else ""
        link = f'<a href="LEDGER.html#{next(names)}">{tag}</a>'
        rows.append(f'<tr><td>✓</td><th scope="row">{link}</th><td>{statement}</td>')
        rows.append(f"<td>{error}&nbsp;≤&nbsp;{tolerance}{wrong}</td></tr>")
    return "\n".join(['<table class="claims">', *rows, "</table>"])


def figure(file: str) -> NotebookNode:
    """Return the output that shows a committed figure: with a slider if it has a strip of pictures."""
    name, text = Path(file).stem, captions.read(FIGURES)[file].text
    caption, alt = f'<p class="caption">{marked_up(text)}</p>', alternative(text)
    if (FIGURES / "strips" / f"{name}.json").exists():
        return display("text/html", moving(name, html.escape(alt), caption))
    return display("text/markdown", f":::{{image}} ../figures/{file}\n:alt: {alt}\n:::\n\n{caption}\n")


def alternative(text: str) -> str:
    """Return what a figure shows, for those who do not see it: its caption up to an end of 40 letters or more."""
    words = re.sub(r" \([^()]*\)|`", "", text).rstrip(".")
    end = re.compile(r"[.;] ").search(words, 40)
    return words[: end.start()] if end else words


def marked_up(text: str) -> str:
    """Return plain text as HTML, with indices and exponents where formulas have them, and `code`."""

    def sign(found: re.Match[str]) -> str:
        code, base, kind, several, one = found.groups()
        role = "sub" if kind == "_" else "sup"
        inner = SIGNS.sub(sign, several) if several else one
        return f"<code>{code}</code>" if code else f"{base}<{role}>{inner}</{role}>"

    return SIGNS.sub(sign, html.escape(text, quote=False))


def moving(name: str, alt: str, caption: str) -> str:
    """Return the HTML of a figure with a slider, which `static/slider.js` moves."""
    words = json.loads((FIGURES / "strips" / f"{name}.json").read_text(encoding="utf-8"))
    label, values = html.escape(words["label"]), html.escape(json.dumps(words["values"], ensure_ascii=False))
    return f"""<figure class="slider" data-strip="_static/{name}.webp" data-values="{values}">
<img src="_static/{name}.png" alt="{alt}">
<div class="panel" hidden><label>{label}
<input type="range" min="0" max="{len(words["values"]) - 1}" value="{words["start"]}"></label>
<output aria-live="off"></output></div>
<figcaption>{caption}</figcaption></figure>"""
