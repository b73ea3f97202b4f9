"""Pages that the book takes from elsewhere: the API by autodoc, the checker's causes, the tags, the README's lessons.

A line `% from the library: api nfedu.checks` of a page is replaced by what the function of that name returns.
"""

import re
from importlib import import_module
from inspect import getdoc, isclass, ismodule, isroutine
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any

from numpy.typing import ArrayLike
from sphinx.util.typing import stringify_annotation

import nfedu
from nfedu.arrays import Array
from nfedu.checks.causes import CAUSES, TABLE
from nfedu.course.statements import BACKWARD, MISPRINTS, STATEMENTS

ROOT = Path(nfedu.__file__).resolve().parents[1]
OPTIONS = {"class": ("   :members:",), "data": ("   :no-value:",)}
MARK = re.compile(r"^% from the library: (\w+) ?(\S*)$", re.MULTILINE)


def setup(app: Any) -> None:
    """Fill in pages when they are read, and docstrings as reStructuredText."""
    app.connect("source-read", fill_in)
    app.connect("autodoc-process-docstring", set_docstring)
    app.connect("autodoc-process-signature", set_signature)


def fill_in(app: Any, name: str, source: list[str]) -> None:
    """Replace a page's marks."""
    source[0] = MARK.sub(
        lambda mark: {"api": api, "causes": causes, "tags": tags, "lessons": lessons}[mark[1]](mark[2]), source[0]
    )


# The API: every public name once, with the file that defines it.


def modules(package: str) -> list[ModuleType]:
    """Return the files of a folder, and of folders in it; of `nfedu` itself only its own files."""
    folder = import_module(package)
    found = [m.name for m in walk_packages(folder.__path__, f"{package}.") if not m.name.endswith("__main__")]
    return [import_module(name) for name in found if package != "nfedu" or not is_folder(import_module(name), name)]


def is_folder(module: ModuleType, name: str) -> bool:
    """Return whether a module is a folder, or stands in one."""
    return hasattr(module, "__path__") or name.count(".") > 1


def defined(module: ModuleType) -> dict[str, Any]:
    """Return the public classes and functions that a module defines, in the order in which it does."""
    found = ((name, value) for name, value in vars(module).items() if isclass(value) or isroutine(value))
    return {k: v for k, v in found if k[0] != "_" and v.__module__ == module.__name__ and v.__name__ == k}


def exported() -> dict[str, str]:
    """Return what the folders offer: the full name of each class, function or constant, and how it is imported."""
    offered: dict[str, str] = {}
    for name in ["nfedu", *(m.name for m in walk_packages(nfedu.__path__, "nfedu.") if m.ispkg)]:
        folder = import_module(name)
        for key in getattr(folder, "__all__", ()):
            value = getattr(folder, key)
            if ismodule(value):  # as nfedu.masks and nfedu.models: all that stands in it
                inside = {} if hasattr(value, "__path__") else defined(value)
                offered |= {f"{value.__name__}.{k}": f"{value.__name__}.{k}" for k in inside}
            else:
                offered.setdefault(f"{home(value, key, name)}.{key}", f"{name}.{key}")
    return offered


def home(value: Any, key: str, folder: str) -> str:
    """Return the name of the module that defines what a folder offers; a constant does not say it by itself."""
    if isclass(value) or isroutine(value):
        return str(value.__module__)
    return next(m.__name__ for m in modules(folder) if hasattr(m, key))


def api(package: str) -> str:
    """Return the API of a folder as Markdown, a section for each of its files.

    What all others build on comes first, files that offer nothing come last.
    """
    offered = exported()
    offering = {name.rpartition(".")[0] for name in offered}
    first = {f"{package}.base", f"{package}.flow"}
    files = sorted(modules(package), key=lambda m: (m.__name__ not in offering, m.__name__ not in first))
    return "\n".join(line for module in files for line in section(module, offered))


def section(module: ModuleType, offered: dict[str, str]) -> list[str]:
    """Return what is offered of a file in full, what else it defines in a line each."""
    names = {f"{module.__name__}.{key}": value for key, value in defined(module).items()}
    here = [key for key in offered if key.rpartition(".")[0] == module.__name__]
    rest = [key for key in names if key not in here]
    if not here and not rest:
        return []
    lines = [f"## `{module.__name__.replace('.', '/')}.py`", "", markdown(getdoc(module) or ""), ""]
    for key in here:
        kind = "data" if key not in names else "class" if isclass(names[key]) else "function"
        bases = ["   :show-inheritance:"] if kind == "class" and names[key].__bases__ != (object,) else []
        lines += ["```{eval-rst}", f".. auto{kind}:: {offered[key]}", *OPTIONS.get(kind, ()), *bases, "```", ""]
    if rest:
        lines += ["Within the package:", ""]
    for key in rest:
        said = (getdoc(names[key]) or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"- `{key.rpartition('.')[2]}`: {markdown(said)}")
    return [*lines, ""]


# Docstrings: plain text with the notes' formulas, which hold their signs as they are.

LETTER = r"(?<![^\W\d])(?<!`)(?:[^\W\d_]|log|max)|\)"
SUBSCRIPT = re.compile(
    rf"({LETTER})([_^])(\{{[^}}]*\}}|KL(?!\w)|[<≤]?[^\W_](?![^\W²³]))"
)  # x_i, x_{1:d}, e^α, D_KL, x_<i


def markdown(text: str) -> str:
    """Return a docstring's text as Markdown, in which its stars, bars and underscores stand for themselves."""
    parts = text.split("`")
    return "".join(f"`{p}`" if i % 2 else formula(p, "{{{}}}`{}`", r"[\\*_|<>\[\]$]") for i, p in enumerate(parts))


def set_docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Rewrite a docstring as reStructuredText; a table, which has none of its own, says what it holds."""
    if what == "data":
        lines[:] = [f"A table of {len(obj)}: {', '.join(f'``{key}``' for key in obj)}.", ""]
        return
    text = "\n".join(lines).strip("\n")
    lines[:] = [*"\n\n".join(paragraph(part) for part in text.split("\n\n")).split("\n"), ""]


def set_signature(app: Any, what: str, name: str, obj: Any, options: Any, arguments: str, result: str) -> Any:
    """Call by their names an alias of a type, as `Array`, and a class that is an argument's value."""
    named = re.compile(r"TypeAliasForwardRef\('(\w+)'\)|<class '(?:\w+\.)*(\w+)'>")
    parts = [part and named.sub(lambda found: found[1] or found[2], part) for part in (arguments, result)]
    for alias, kind in (("ArrayLike", ArrayLike), ("Array", Array)):  # those that have been written out
        parts = [part and part.replace(stringify_annotation(kind, "smart"), alias) for part in parts]
    return tuple(parts)


def paragraph(text: str) -> str:
    """Return a paragraph: formulas, which are aligned by spaces or wear a tag, keep their lines."""
    lines = text.split("\n")
    if text.startswith("- "):
        return "\n".join(line[:2] + inline(line[2:]) for line in lines)
    if any(re.search(r"\S {3,}\S", line) for line in lines):
        return "\n".join("| " + inline(line).replace("   ", "\u2003").strip() for line in lines)
    return inline(text)


def inline(text: str) -> str:
    """Return text with code as code, *stress* as stress, x_{1:d} and e^{−α} with sub- and superscripts."""
    parts = re.split(r"(`[^`]*`|(?<!\S)\*\w+\*)", text)
    parts[::2] = [formula(p, r"\ :{}:`{}`\ ", r"[\\*_|`]") for p in parts[::2]]
    return "".join(f"`{p}`" if p.startswith("`") and p.endswith("`") else p for p in parts)


def formula(text: str, role: str, marks: str) -> str:
    """Return text without code: what would be taken for marks is escaped, indices are set by a role, as `{}` says."""
    pieces, end = [], 0
    for found in SUBSCRIPT.finditer(text):
        kind, index = "sub" if found[2] == "_" else "sup", found[3].strip("{}")
        pieces += [text[end : found.end(1)], role.format(kind, index)]
        end = found.end()
    pieces.append(text[end:])
    return "".join(p if i % 2 else re.sub(f"({marks})", r"\\\1", p) for i, p in enumerate(pieces))


# The checker's causes, and the tags.


def causes(_: str) -> str:
    """Return the list of causes and then the page of each, whose headings go down by two."""
    lines = ["| cause | what is wrong |", "|---|---|"]
    lines += [f"| [{code}](#cause-{code}) | {cause.line} |" for code, cause in CAUSES.items()]
    for group, codes in TABLE.items():
        lines += ["", f"## {group}"]
        for code in codes:
            page = re.sub(r"^(#+ )(?=[\w])", r"##\1", CAUSES[code].page, flags=re.MULTILINE)
            lines += ["", f"(cause-{code})=", re.sub(r"^#### (.*)$", r"**\1**", page, flags=re.MULTILINE)]
    return "\n".join(lines)


def tags(_: str) -> str:
    """Return what N1 to N24, M1 to M12 and B1 to B13 stand for, each with an anchor and the lessons that claim it."""
    lines = ["## What the notes state", "", "| tag | in the notes | statement | lessons |", "|---|---|---|---|"]
    lines += [row(tag, s.heading, s.says) for tag, s in STATEMENTS.items()]
    lines += ["", "## What is misprinted there", "", "| tag | printed | should be | lessons |", "|---|---|---|---|"]
    lines += [row(tag, m.printed, m.corrected) for tag, m in MISPRINTS.items()]
    lines += ["", "## What lesson 00 adds", "", "| tag | on | statement | lessons |", "|---|---|---|---|"]
    lines += [row(tag, s.heading, s.says) for tag, s in BACKWARD.items()]
    return "\n".join(lines)


def row(tag: str, *cells: str) -> str:
    """Return a row of a table of tags."""
    page = (ROOT / "lessons" / "LEDGER.md").read_text(encoding="utf-8")
    columns = [line[2:-2].split(" | ") for line in page.split("\n") if line.startswith(f"| {tag} |")]
    numbers = sorted({line[3] for line in columns})
    links = [f"[{n}](../{next((ROOT / 'lessons').glob(f'{n}_*.py')).name})" for n in numbers]
    said = (markdown(cell.replace("|", "∣")) for cell in cells)
    return f"| [{tag}]{{#{tag}}} | {' | '.join(said)} | {' '.join(links)} |"


# The lessons, as the README shows them.


def lessons(_: str) -> str:
    """Return the README's table of lessons, whose links and pictures are those of the book."""
    rows = re.findall(r"^\| \[<img .*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    picture = re.compile(r'<img src="(.+?)" width="\d+" alt="(.+?)">')
    shown = [picture.sub(r"![\2](../\1)", line).replace("](lessons/", "](") for line in rows]
    return "\n".join(["| | lesson | what it derives, checks and draws |", "|---|---|---|", *shown])
