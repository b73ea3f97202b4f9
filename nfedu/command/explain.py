"""`nfedu explain`: what a cause of the checker means, with the smallest wrong line that makes it."""

from __future__ import annotations

import argparse
from difflib import get_close_matches

from nfedu.checks.causes import CAUSES, TABLE

DESCRIPTION = "Explain a cause that a report names: what it means, the wrong line, the right line, and how it shows."

EXAMPLES = """examples:
  nfedu explain                  the list
  nfedu explain logdet-sign      one page"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `explain` takes."""
    parser.add_argument("code", nargs="?", help="a code of the list; the whole list without one")


def run(options: argparse.Namespace) -> int:
    """Print one page, or the list."""
    if options.code is None:
        for group, rows in TABLE.items():
            print(group)
            for code, line in rows.items():
                print(f"  {code:<21} {line}")
        return 0
    if options.code not in CAUSES:
        near = get_close_matches(options.code, CAUSES) + [code for code in CAUSES if code.startswith(options.code)]
        hint = f"did you mean {near[0]}? " if near else ""
        raise ValueError(f"{options.code!r} is no cause; {hint}`explain` alone lists them")
    print(CAUSES[options.code].page.rstrip())
    return 0
