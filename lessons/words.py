"""How the book sets the words of plain text: Chinese as Chinese, x_i with its index below, short code in one piece."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_signature

from lessons.reference import SUBSCRIPT

CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]+")
APART = (nodes.literal, nodes.FixedTextElement, nodes.math, nodes.math_block, nodes.raw, desc_signature)
SHORT = 16  # letters of code that no line's end parts, as in --positive


def setup(app: Any) -> None:
    """Connect the functions below."""
    for function in (say_chinese, set_indices, hold_code, join_formulas):
        app.connect("doctree-resolved", function)


def say_chinese(app: Any, doctree: nodes.document, page: str) -> None:
    """Mark Chinese words as such, which chooses their font and tells a screen reader how to speak them."""
    replace(doctree, CHINESE, lambda found: [nodes.inline("", found[0], classes=["language-zh"])])


def set_indices(app: Any, doctree: nodes.document, page: str) -> None:
    """Set the index of x_i below and the exponent of e^{2α_i} above, as formulas have them."""
    replace(doctree, SUBSCRIPT, with_index)


def with_index(found: re.Match[str]) -> list[nodes.Node]:
    """Return a letter and its index, which may have one itself."""
    kind = nodes.subscript if found[2] == "_" else nodes.superscript
    return [nodes.Text(found[1]), kind("", "", *parts(found[3].strip("{}"), SUBSCRIPT, with_index))]


def hold_code(app: Any, doctree: nodes.document, page: str) -> None:
    """Keep short code on one line: a browser would part --seed after its hyphens."""
    for literal in doctree.findall(nodes.literal):
        if len(literal.astext()) <= SHORT:
            literal["classes"].append("joined")


def join_formulas(app: Any, doctree: nodes.document, page: str) -> None:
    """Keep a formula and the sign after it, as in $x$, on one line."""
    for line in {formula.parent for formula in doctree.findall(nodes.math)}:
        for i, (formula, text) in enumerate(pairwise(line.children)):
            signs = re.match(r"[.,;:?!)’”-]+", text) if isinstance(text, nodes.Text) else None
            if signs and isinstance(formula, nodes.math):
                line[i] = nodes.inline("", "", formula, nodes.Text(signs[0]), classes=["joined"])
                line[i + 1] = nodes.Text(text[signs.end() :])


Make = Callable[[re.Match[str]], Sequence[nodes.Node]]


def replace(doctree: nodes.document, pattern: re.Pattern[str], make: Make) -> None:
    """Replace what is found in text by the nodes made of it; code and formulas stay as they are."""
    for text in [node for node in doctree.findall(nodes.Text) if pattern.search(node)]:
        if not any(isinstance(parent, APART) for parent in parents(text)):
            text.parent.replace(text, parts(text, pattern, make))


def parts(text: str, pattern: re.Pattern[str], make: Make) -> list[nodes.Node]:
    """Return text as nodes: those made of what is found, and the words between."""
    found: list[nodes.Node] = []
    end = 0
    for match in pattern.finditer(text):
        found += [nodes.Text(text[end : match.start()]), *make(match)]
        end = match.end()
    return [*found, nodes.Text(text[end:])]


def parents(node: nodes.Node) -> list[nodes.Node]:
    """Return all that a node stands in."""
    return [node.parent, *parents(node.parent)] if node.parent else []
