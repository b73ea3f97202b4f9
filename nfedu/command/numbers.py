"""Numbers as people write them on a command line."""

import argparse


def whole(text: str) -> int:
    """Return a whole number, also one written 1e4, for an argument; an error of one line if it is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
