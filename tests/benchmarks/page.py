"""The book's page of benchmarks, lessons/BENCHMARKS.md: each script writes its own section and leaves the others."""

import re

SECTIONS = ("Beside other libraries", "What a step's cost grows with", "Memory")  # in this order


def put(path, heading, text):
    """Write the section `heading` of the page at `path`, in place of the one of that heading if there is one."""
    start, *parts = re.split(r"^## ", path.read_text() if path.exists() else "# Benchmarks\n", flags=re.MULTILINE)
    sections = dict(part.split("\n", 1) for part in parts) | {heading: f"\n{text.strip()}\n"}
    bodies = [f"## {name}\n\n{sections[name].strip()}\n" for name in SECTIONS if name in sections]
    path.write_text("\n".join([f"{start.strip()}\n", *bodies]))


def milliseconds(seconds):
    """Return a time in milliseconds, to three digits: 4.4, 188, 4,350."""
    return f"{float(f'{1e3 * seconds:.3g}'):,g}"


def figure(name, alt, caption):
    """Return a committed figure with its caption below: words of the page, not of the picture."""
    return f":::{{figure-md}}\n![{alt}](../figures/{name}.png)\n\n{caption}\n:::"
