"""Reading an answer before it is run: whether it does by hand what is to be done by hand."""

from __future__ import annotations

import ast
import re

AUTOMATIC = ("torch", "jax", "tensorflow", "autograd", "zuko", "nflows", "normflows", "flowjax", "lessons")
LOADERS = ("importlib", "runpy")
BACK_DOORS = ("__import__", "exec", "eval", "globals", "sys.modules")


def lesson_of(text: str) -> str:
    """Return the number of the lesson whose file this is, as its docstring says, "" if it does not."""
    said = re.match(r"Lesson (\d\d) ", ast.get_docstring(parsed(text)) or "")
    return said[1] if said else ""


def borrowed(text: str, skeleton: str, part: str) -> str:
    """Return which line of an answer's part takes from a library what is to be written, "" if none does.

    Allowed of nfedu is what the skeleton itself takes of it. A file that cannot be parsed borrows nothing.
    """
    allowed = uses(parsed(skeleton))
    for name, line in uses(reached(parsed(text), part)).items():
        if name not in allowed:
            return f"line {line} uses {name}: this is to be written by hand, with NumPy"
    return ""


def parsed(text: str) -> ast.Module:
    """Return a file's tree, an empty one where it cannot be parsed."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def reached(tree: ast.Module, part: str) -> ast.Module:
    """Return what a part of a file depends on: its definition, those that it names, and so on, and bare statements.

    What stands under `if __name__ == "__main__":` is the learner's own test.
    """
    bindings: dict[str, list[ast.stmt]] = {}
    body: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, ast.If) and names([getattr(statement.test, "left", statement.test)]) == ["__name__"]:
            continue
        for name, node in bound(statement):
            bindings.setdefault(name, []).append(node)
        if not any(bound(statement)):
            body.append(statement)
    asked, known = [part, *names(body)], set[str]()
    while asked:
        name = asked.pop()
        if name not in known:
            known.add(name)
            body += bindings.get(name, [])
            asked += names(bindings.get(name, []))
    return ast.Module(body, [])


def bound(statement: ast.stmt) -> list[tuple[str, ast.stmt]]:
    """Return the names that a definition, an import or an assignment binds, each with the code that does it."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [(statement.name, statement)]
    each: list[tuple[ast.alias, ast.stmt]]
    if isinstance(statement, ast.Import):
        each = [(alias, ast.Import([alias])) for alias in statement.names]
    elif isinstance(statement, ast.ImportFrom) and statement.names[0].name != "*":
        each = [(alias, ast.ImportFrom(statement.module, [alias], statement.level)) for alias in statement.names]
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return [(name, statement) for name in names(targets)]
    else:
        return []
    return [(a.asname or a.name.split(".")[0], ast.copy_location(node, statement)) for a, node in each]


def names(nodes: list) -> list[str]:
    """Return the names that occur in some code."""
    return [node.id for part in nodes for node in ast.walk(part) if isinstance(node, ast.Name)]


def uses(tree: ast.AST) -> dict[str, int]:
    """Return what some code takes from nfedu and its like, and the ways around an import, with their lines."""
    found: dict[str, int] = {}
    modules: dict[str, str] = {}  # the name under which a module is known, and its own
    bases: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                if root == "nfedu" and alias.name == "nfedu":
                    modules[alias.asname or "nfedu"] = "nfedu"
                elif root in ("nfedu", *LOADERS, *AUTOMATIC):
                    found[alias.name] = node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            root = node.module.split(".")[0]
            if root in ("nfedu", *LOADERS, *AUTOMATIC):
                found |= {f"{root}.{alias.name}": node.lineno for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            base = modules.get(node.value.id, node.value.id)
            if base == "nfedu" or f"{base}.{node.attr}" in BACK_DOORS:
                found[f"{base}.{node.attr}"] = node.lineno
                bases.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in bases:
            if node.id in modules:
                found["the module nfedu as a value"] = node.lineno
            elif node.id in BACK_DOORS:
                found[node.id] = node.lineno
    return found
