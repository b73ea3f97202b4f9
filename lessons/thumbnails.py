"""`python lessons/thumbnails.py` cuts the README's small pictures, `figures/small/`, out of the lessons' figures."""

from pathlib import Path

from PIL import Image, ImageOps

FIGURES = Path(__file__).resolve().parents[1] / "figures"
SIZE = 240, 150

# Of each lesson a figure, and which part of it: left, top, right and bottom, in shares of its width and height.
PARTS = {
    "00a": ("00a_network.png", (0.59, 0.08, 1.0, 1.0)),
    "00b": ("00b_barrier.png", (0.0, 0.1, 0.5, 1.0)),
    "00c": ("00c_implicit.png", (0.0, 0.08, 0.62, 1.0)),
    "00d": ("00d_v_curves.png", (0.0, 0.08, 0.51, 1.0)),
    "00e": ("00e_exchanged.png", (0.0, 0.09, 0.66, 1.0)),
    "01a": ("01a_joined.png", (0.0, 0.06, 0.47, 1.0)),
    "01b": ("01b_u_and_v.png", (0.46, 0.08, 1.0, 1.0)),
    "02a": ("02a_sampling.png", (0.49, 0.08, 1.0, 1.0)),
    "02b": ("02b_learning.png", (0.0, 0.0, 0.51, 0.5)),
    "03a": ("03a_shear.png", (0.0, 0.5, 0.7, 1.0)),
    "03b": ("03b_moons_and_letter.png", (0.0, 0.5, 0.62, 1.0)),
    "03c": ("03c_digits.png", (0.0, 0.08, 0.66, 1.0)),
    "04a": ("04a_river.png", (0.5, 0.03, 1.0, 0.5)),
    "04b": ("04b_round_trip.png", (0.0, 0.08, 0.51, 1.0)),
    "04c": ("04c_masks.png", (0.0, 0.08, 0.68, 1.0)),
    "05": ("05_manifold.png", (0.0, 0.06, 0.305, 1.0)),
    "06a": ("06a_triangular.png", (0.0, 0.08, 0.6, 1.0)),
    "06b": ("06b_order.png", (0.0, 0.06, 0.64, 0.5)),
    "07a": ("07a_duality.png", (0.0, 0.05, 0.62, 0.42)),
    "07b": ("07b_two_moons.png", (0.0, 0.08, 0.66, 1.0)),
    "08a": ("08a_plane.png", (0.0, 0.06, 0.63, 0.5)),
    "08b": ("08b_modes.png", (0.0, 0.06, 1.0, 0.5)),
    "09a": ("09a_plane.png", (0.25, 0.07, 1.0, 1.0)),
    "09b": ("09b_inverse.png", (0.0, 0.06, 0.51, 1.0)),
    "10a": ("10a_chain.png", (0.0, 0.06, 0.6, 0.5)),
    "10b": ("10b_gaussianization.png", (0.0, 0.06, 1.0, 1.0)),
}


def cut(file: str, part: tuple[float, float, float, float]) -> Image.Image:
    """Return a part of a figure, as large as fits, on white, in 64 colours."""
    figure = Image.open(FIGURES / file).convert("RGB")
    box = [round(share * side) for share, side in zip(part, 2 * figure.size, strict=True)]
    small = ImageOps.pad(figure.crop(box), SIZE, Image.Resampling.LANCZOS, color="white")
    return small.quantize(64, dither=Image.Dither.NONE)


if __name__ == "__main__":
    (FIGURES / "small").mkdir(exist_ok=True)
    for number, (file, part) in PARTS.items():
        cut(file, part).save(FIGURES / "small" / f"{number}.png", optimize=True)
