"""Reading an answer before it is run: whether it does by hand what is to be done by hand."""

from __future__ import annotations

import ast

AUTOMATIC = ("torch", "jax", "tensorflow", "autograd", "zuko", "nflows", "normflows", "flowjax", "lessons")
LOADERS = ("importlib", "runpy")
BACK_DOORS = ("__import__", "exec", "eval", "sys.modules")


def borrowed(text: str, skeleton: str) -> str:
    """Return which line of an answer takes from a library what is to be written, "" if none does.

    Allowed of nfedu is what the skeleton itself takes of it. A file that cannot be parsed borrows nothing.
    """
    try:
        taken = uses(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    allowed = uses(ast.parse(skeleton))
    for name, line in taken.items():
        if name not in allowed:
            return f"line {line} uses {name}: this is to be written by hand, with NumPy"
    return ""


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
