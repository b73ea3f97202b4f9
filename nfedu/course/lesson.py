"""What a lesson needs to speak to its reader: claims with numbers, figures with captions, and a length.

A lesson starts with `lesson = begin("01 …")`, which reads the command line and prints the title. Its claims go into
`LEDGER`, from which the runner makes its summary.
"""

import argparse
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from nfedu.course import captions

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

T = TypeVar("T")


class ClaimFailedError(AssertionError):
    """A number does not bear out what a lesson claims."""


@dataclass(frozen=True)
class Claim:
    """One statement with the number that shows it; for a misprint also the number of the printed form."""

    tag: str
    lesson: str
    statement: str
    error: float
    tolerance: float
    function: str
    printed: float | None = None

    @property
    def number(self) -> str:
        """The lesson's number."""
        return number_of(self.lesson)

    @property
    def holds(self) -> bool:
        """Whether the error is within the tolerance, and the printed form's, if there is one, is not."""
        return bool(self.error <= self.tolerance and (self.printed is None or self.printed > self.tolerance))

    def __str__(self) -> str:
        printed = "" if self.printed is None else f"; as printed {self.printed:.3g}"
        mark = "✓" if self.holds else "✗"
        return f"{mark} {self.tag:<4} {self.statement}: {self.error:.3g} ≤ {self.tolerance:g}{printed}"


LEDGER: list[Claim] = []
LARGEST = 120_000  # bytes of a figure in true colours
STRIPS: list[dict[str, Any]] = [
    {"lossless": True},
    {"quality": 80},
]  # ways to write a strip; letters stay sharp in both


def number_of(title: str) -> str:
    """Return the number that a lesson's title or file name begins with: 04, or 00a for a part of 00."""
    return re.match(r"\d*[a-z]?", title)[0]  # type: ignore[index]


def drawn(figure: "Figure", draw: Callable[[int], None], frames: int, first: int = 0) -> list[np.ndarray]:
    """Return the pixels of `frames` pictures, (height, width, 3), each after `draw(frame)`.

    The figure is laid out once, after `draw(first)`: frames must not wobble.
    """
    for _ in range(2):  # axes of equal aspect find their places the second time
        draw(first)
        figure.canvas.draw()
    figure.set_layout_engine("none")
    pictures = []
    for frame in range(frames):
        draw(frame)
        figure.canvas.draw()
        pictures.append(np.array(figure.canvas.buffer_rgba())[..., :3])  # type: ignore[attr-defined]
    return pictures


def webp(pictures: list[np.ndarray], way: dict[str, Any]) -> bytes:
    """Return pictures, one below the other, as a WebP file."""
    from PIL import Image

    Image.fromarray(np.concatenate(pictures)).save(file := BytesIO(), "webp", **way)
    return file.getvalue()


def white_paper(image: "Image") -> "Image":
    """Make white the colour of a palette that the corner has: a mean of near-whites shows on a white page."""
    colours = np.reshape(image.getpalette() or [], (-1, 3))
    colours[np.asarray(image)[0, 0]] = 255
    image.putpalette(colours.ravel().tolist())
    return image


@dataclass
class Lesson:
    """A running lesson: its title, its length ("quick", "default" or "full"), and the project's folder."""

    title: str
    length: str
    folder: Path
    start: float = field(default_factory=perf_counter)

    @property
    def figures(self) -> Path:
        """Where figures go: those of a quick run apart, since they show models that have hardly been trained."""
        return self.folder / "figures" / "quick" if self.length == "quick" else self.folder / "figures"

    def pick(self, quick: T, default: T, full: T | None = None) -> T:
        """Return the value for this length; `full` is `default` unless given."""
        return {"quick": quick, "default": default, "full": default if full is None else full}[self.length]

    def claim(
        self, tag: str, statement: str, error: float, tolerance: float, by: object, printed: float | None = None
    ) -> None:
        """Print and record that `error` ≤ `tolerance`, shown by the function or class `by`; ClaimFailedError if not.

        For a misprint `printed` is the same error of the form that the notes print: it must exceed the tolerance.
        """
        name = by if isinstance(by, str) else getattr(by, "__qualname__", type(by).__name__)
        claim = Claim(tag, self.title, statement, float(error), float(tolerance), name, printed)
        LEDGER.append(claim)
        print(claim, flush=True)
        if not claim.holds:
            raise ClaimFailedError(str(claim))

    def show(self, figure: "Figure", name: str, caption: str) -> None:
        """Write the figure to `figures/<name>.png`, its caption to the `README.md` beside it, and close it."""
        from PIL import Image

        path = self._path(f"{name}.png")
        self._display(figure)
        drawn = BytesIO()
        figure.savefig(drawn, bbox_inches="tight", pad_inches=0.08)
        image = Image.open(drawn).convert("RGB")
        self._save(image, path)
        self._end(figure, path, caption)

    def animate(
        self, figure: "Figure", draw: Callable[[int], None], frames: int, name: str, caption: str, fps: int = 12
    ) -> None:
        """Write `figures/<name>.gif` of `frames` pictures, each after `draw(frame)`; caption as in `show`; close it."""
        from PIL import Image

        path = self._path(f"{name}.gif")
        shown = drawn(figure, draw, frames)
        one = Image.fromarray(np.concatenate(shown)).quantize(64)  # a palette for all: no colour flickers
        alike = [Image.fromarray(pixels).quantize(palette=one, dither=Image.Dither.NONE) for pixels in shown]
        pictures = [white_paper(image) for image in alike]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=1000 // fps, loop=0, optimize=True)
        self._end(figure, path, caption)

    def slide(
        self,
        figure: "Figure",
        draw: Callable[[int], None],
        values: Sequence[str],
        name: str,
        caption: str,
        label: str,
        start: int = 0,
    ) -> None:
        """Write a figure with a slider: a picture for each of `values`, after `draw(k)`; caption as in `show`.

        `figures/<name>.png` is the picture at `start`; `figures/strips/<name>.webp` has all of them one below the
        other, and the `.json` beside it says what is moved, `label`, and the values' words.
        """
        from PIL import Image

        path, strip = self._path(f"{name}.png"), self._path(f"strips/{name}.webp")
        pictures = drawn(figure, draw, len(values), start)
        self._save(Image.fromarray(pictures[start]), path)
        way = min(STRIPS, key=lambda way: len(webp(pictures[:4], way)))  # lossless for drawings, not for densities
        strip.write_bytes(webp(pictures, way))
        words = {"label": label, "values": list(values), "start": start}
        strip.with_suffix(".json").write_text(json.dumps(words, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        draw(start)
        self._display(figure)
        self._end(figure, path, caption)

    def end(self) -> None:
        """Say how long the lesson took and how much memory its process has held at most, the runner's lessons alike."""
        peak = ""
        if importlib.util.find_spec("resource"):  # not on Windows
            import resource

            unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes elsewhere
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
            peak = f", peak memory of the process so far {held:.0f} MB"
        print(f"  lesson {number_of(self.title)} took {perf_counter() - self.start:.1f} s{peak}", flush=True)

    def _path(self, file: str) -> Path:
        path = self.figures / file
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _display(self, figure: "Figure") -> None:
        if "ipykernel" in sys.modules:
            from IPython.display import display

            display(figure)

    def _save(self, image: "Image", path: Path) -> None:
        image.save(path, optimize=True)
        if path.stat().st_size > LARGEST:  # a palette: a third of the bytes; dithered, so that densities show no bands
            small = white_paper(image.quantize(palette=image.quantize(256)))
            small.save(path, optimize=True)

    def _end(self, figure: "Figure", path: Path, caption: str) -> None:
        from matplotlib import pyplot as plt

        plt.close(figure)
        number = number_of(self.title)
        hasty = "QUICK RUN, models are hardly trained; the words are those of a whole run. " * (self.length == "quick")
        captions.put(self.figures, path.name, f"Lesson {number}" if number else self.title, hasty + caption)
        print(f"  figure {path.relative_to(self.folder).as_posix()}: {' '.join(caption.split())}", flush=True)


def begin(title: str) -> Lesson:
    """Start a lesson: read `--quick` or `--full` from the command line, set Matplotlib up, print the title.

    Figures go to `figures/` beside the lessons' folder, or to the one of the working directory in a notebook.
    """
    from nfedu.plotting import style

    parser = argparse.ArgumentParser(description=title)
    lengths = parser.add_mutually_exclusive_group()
    words = {"quick": "little training, and no claims about trained digits", "full": "the long trainings"}
    for length, says in words.items():
        lengths.add_argument(f"--{length}", dest="length", action="store_const", const=length, help=says)
    script = Path(sys.argv[0]).resolve()
    is_script = script.parent.name == "lessons"
    options = parser.parse_args(sys.argv[1:] if is_script else [])  # a notebook's command line is not ours
    style.use()
    folder, length = script.parent.parent if is_script else Path.cwd(), options.length or "default"
    print(f"\n── {title} " + "─" * max(0, 90 - len(title)), flush=True)
    return Lesson(title, length, folder)
