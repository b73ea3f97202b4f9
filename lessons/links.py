"""Links that the book makes by itself: from names to the API, and from tables to the lessons and tags they name."""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.util.nodes import make_refnode

from lessons.words import parents, parts

LESSON, TAG = re.compile(r"\b\d\d[a-e]?\b"), re.compile(r"[NMB]\d+")
MISPRINT = re.compile(r"M\d+")


def setup(app: Any) -> None:
    """Connect the functions below."""
    app.connect("doctree-resolved", link_names)
    app.connect("doctree-resolved", link_cells)
    app.connect("doctree-resolved", link_errata)


def link_names(app: Any, doctree: nodes.document, page: str) -> None:
    """Lead from `nfedu.fit` or `Flow.sample` to its description; a name without its folder must be a class's."""
    known = app.env.get_domain("py").objects
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext().removesuffix("()")
        found = known.get(name) or (known.get(f"nfedu.{name}") if name[:1].isupper() else None)
        if found and not any(isinstance(parent, nodes.reference | nodes.title) for parent in parents(literal)):
            link = make_refnode(app.builder, page, found.docname, found.node_id, nodes.Text(""))
            literal.replace_self(link)
            link.children = []
            link += literal


def link_cells(app: Any, doctree: nodes.document, page: str) -> None:
    """Lead from a cell of a column `lesson` to the lesson, from one of a column `tag` to what the tag means."""
    lessons = sorted(name for name in app.env.found_docs if name[:2].isdigit())

    def link(found: re.Match[str]) -> list[nodes.Node]:
        place = f"#{found[0].lower()}" if found.re is TAG else ""
        to = "pages/tags" if place else next(name for name in lessons if name.startswith(found[0]))
        return [nodes.reference("", found[0], refuri=app.builder.get_relative_uri(page, to) + place, internal=True)]

    for head, text in list(cells(doctree)):
        pattern = {"lesson": LESSON, "tag": TAG}.get(head)
        if pattern and page != "pages/tags":
            text.parent.replace(text, parts(text, pattern, link))


def link_errata(app: Any, doctree: nodes.document, page: str) -> None:
    """Lead from a misprint's row of the tags to where a lesson says **M8.**, which gets an anchor."""
    for strong in doctree.findall(nodes.strong):
        if (found := MISPRINT.search(strong.astext())) and page[:2].isdigit():
            strong["ids"].append(found[0].lower())
    for row in doctree.findall(nodes.row) if page == "pages/tags" else ():
        tag = row.astext().split()[0]
        for link in row.findall(nodes.reference) if MISPRINT.fullmatch(tag) else ():
            if LESSON.fullmatch(link.astext()):
                link["refuri"] += f"#{tag.lower()}"


def cells(doctree: nodes.document) -> Iterator[tuple[str, nodes.Text]]:
    """Yield the cells of all tables that hold plain text and nothing else, each with the head of its column."""
    for table in doctree.findall(nodes.tgroup):
        heads, *rows = [[*row.findall(nodes.entry)] for row in table.findall(nodes.row)]
        for row in rows:
            for head, cell in zip(heads, row, strict=True):
                texts = list(cell.findall(nodes.Text))
                if len(texts) == 1 and isinstance(texts[0].parent, nodes.paragraph):
                    yield head.astext(), texts[0]
