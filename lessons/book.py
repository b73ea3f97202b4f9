"""A lesson as a page of the book: its cells, each followed by the claims and figures that the last run made of it.

Nothing is run here: `python -m lessons` writes `LEDGER.md`, from which the numbers come, and the pictures and captions
of `figures/`.
"""

import ast
import base64
import html
import json
import re
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode, v4

from nfedu.course import captions

HERE = Path(__file__).resolve().parent
EXERCISES = """**Exercises with a judge.** `python -m lessons exercise {0}` hands out this lesson's;
[the list](EXERCISES.md) says what each teaches, and how they are judged."""


def read(text: str) -> NotebookNode:
    """Return a percent script as a notebook with its outputs; claims whose cell is not found stand at the end."""
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    lesson = re.search(r"^# # (\d\d\w?) · ", text, re.MULTILINE)
    rows = claims(lesson[1]) if lesson else []
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    literals = [strings(ast.parse(cell.source)) for cell in cells]
    made: dict[int, str] = {}
    for line, statement in rows:  # to the cell that says most of it literally
        said = [max((len(p) for p in ps if re.fullmatch(p, statement)), default=0) for ps in literals]
        place = said.index(max(said)) if any(said) else len(cells) - 1
        made[place] = made.get(place, "") + line
    for place, cell in enumerate(cells):
        if place in made:
            cell.outputs.append(v4.new_output("stream", name="stdout", text=made[place]))
        for method, name in re.findall(r'lesson\.(show|animate|slide)\(.*?"(\d\d[a-z]?_\w+)"', cell.source, re.DOTALL):
            still = f"{name}.{'gif' if method == 'animate' else 'png'}"
            cell.outputs += moving(name) if method == "slide" else picture(still)
            cell.metadata["mystnb"] = {"image": {"alt": name.split("_", 1)[1].replace("_", " ")}}
    if lesson and list((HERE / "exercises").glob(f"{lesson[1][:2]}_*")):
        notebook.cells.append(v4.new_markdown_cell(EXERCISES.format(lesson[1][:2])))
    return notebook


def claims(number: str) -> list[tuple[str, str]]:
    """Return the ledger's claims of a lesson: the line to show, and the statement as the lesson writes it."""
    lines = []
    for cells in (line[2:-2].split(" | ") for line in (HERE / "LEDGER.md").read_text().split("\n")):
        if len(cells) > 7 and cells[3] == number:
            tag, error, tolerance = cells[0], cells[6], cells[7]
            statement, printed = (cells[4], cells[5]) if tag[0] == "M" else (cells[5], "–")  # the errata's columns
            said = statement.replace("∣", "|")
            as_printed = "" if printed == "–" else f"; as printed {printed}"
            lines.append((f"✓ {tag:<4} {said}: {error} ≤ {tolerance}{as_printed}\n", said))
    return lines


def strings(node: ast.AST) -> list[str]:
    """Return all string literals of some code as regular expressions; what an f-string fills in may be anything."""
    patterns = []
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            patterns.append(re.escape(part.value))
        elif isinstance(part, ast.JoinedStr):
            pieces = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".*" for p in part.values]
            patterns.append("".join(pieces))
    return patterns


def picture(file: str) -> list[Any]:
    """Return the outputs of a cell that shows a committed figure: the picture, and its caption as text below."""
    pixels = base64.b64encode((HERE.parent / "figures" / file).read_bytes()).decode()
    caption = html.escape(captions.read(HERE.parent / "figures")[file].text)
    data = {f"image/{file[-3:]}": pixels}, {"text/html": f'<p class="caption">{caption}</p>'}
    return [v4.new_output("display_data", data=one) for one in data]


def moving(name: str) -> list[Any]:
    """Return the output of a cell that shows a figure with a slider, which `static/slider.js` moves."""
    figures = HERE.parent / "figures"
    words = json.loads((figures / "strips" / f"{name}.json").read_text(encoding="utf-8"))
    caption = html.escape(captions.read(figures)[f"{name}.png"].text)
    label, values = html.escape(words["label"]), html.escape(json.dumps(words["values"], ensure_ascii=False))
    page = f"""<figure class="slider" data-strip="_static/{name}.webp" data-values="{values}">
<img src="_static/{name}.png" alt="{caption.split(". ")[0]}">
<div class="panel" hidden><label>{label}
<input type="range" min="0" max="{len(words["values"]) - 1}" value="{words["start"]}"></label>
<output aria-live="off"></output></div>
<figcaption><p class="caption">{caption}</p></figcaption></figure>"""
    return [v4.new_output("display_data", data={"text/html": page})]
