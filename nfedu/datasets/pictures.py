"""Picture densities: any image as a probability density in the plane, with exact samples and an exact log_prob."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch, as_count


class PictureDensity:
    """A density proportional to the darkness of a picture, constant on each pixel.

    `picture`: a file that Matplotlib reads (PNG, or JPEG and others by way of Pillow), or an array (height, width) or
    (height, width, 3 or 4), of any number type; 0 is black. With `bright`, light attracts instead of darkness.
    `contrast` > 1 makes the strong parts stronger. The longer side spans [−2, 2]; x₁ goes right, x₂ up.
    Raises ValueError for a file that is missing or damaged, an array of another shape, and a picture of one shade.
    """

    n = 2

    def __init__(self, picture: str | Path | Array, bright: bool = False, contrast: float = 1.0) -> None:
        if not 0 < contrast < np.inf:
            raise ValueError(
                f"PictureDensity: contrast = {contrast}, expected a number > 0; 1 leaves the picture as it is"
            )
        grey = to_grey(read_image(picture) if isinstance(picture, str | Path) else np.asarray(picture))
        if grey.min() == grey.max():
            raise ValueError("PictureDensity: the picture has a single shade; expected light and dark parts")
        light = (grey - grey.min()) / (grey.max() - grey.min())
        mass = (light if bright else 1 - light) ** contrast
        self.mass = mass[::-1] / mass.sum()  # row 0 at the bottom: x₂ goes up
        height, width = self.mass.shape
        self.pixel = 4.0 / max(height, width)
        self.low = -0.5 * self.pixel * np.array([width, height])

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Draw `count` points, (count, 2): a pixel by its mass, then a uniform point on it."""
        count = as_count(count, rng, self)
        pixels = rng.choice(self.mass.size, size=count, p=self.mass.ravel())
        row, column = np.unravel_index(pixels, self.mass.shape)
        return self.low + self.pixel * (np.stack([column, row], axis=1) + rng.random((count, 2)))

    def log_prob(self, x: Array) -> Array:
        """Return log p(x) in nats for each row, (N,); −∞ outside the picture and on blank pixels."""
        column, row = np.floor((as_batch(x, 2, self) - self.low) / self.pixel).astype(int).T
        height, width = self.mass.shape
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        mass = np.where(inside, self.mass[np.where(inside, row, 0), np.where(inside, column, 0)], 0)
        with np.errstate(divide="ignore"):
            return np.log(mass) - 2 * np.log(self.pixel)

    def entropy(self) -> float:
        """Return −∫ p log p in nats: no model's mean negative log-likelihood can be lower."""
        mass = self.mass[self.mass > 0]
        return float(-(mass * np.log(mass)).sum() + 2 * np.log(self.pixel))


def portrait() -> Path:
    """Return the file of the portrait (Grace Hopper, a US Navy photograph) that ships with Matplotlib's sample data."""
    from matplotlib import cbook

    return Path(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def read_image(path: str | Path) -> Array:
    """Return the pixels of an image file as an array; ValueError when it is missing or damaged."""
    from matplotlib import image

    if not Path(path).is_file():
        raise ValueError(f"PictureDensity: cannot read {path}: no such file; expected an image such as a PNG or JPEG")
    try:
        return np.asarray(image.imread(path))
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for files that are cut off, or no images
        raise ValueError(f"PictureDensity: cannot read {path}: {error}; expected a whole PNG or JPEG file") from None


def to_grey(pixels: Any) -> Array:
    """Return (height, width) floats from grey or colour pixels, by the luma weights of ITU-R BT.601."""
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        pixels = pixels[..., :3] @ np.array([0.299, 0.587, 0.114])
    if pixels.ndim != 2 or 0 in pixels.shape or not np.isfinite(pixels).all():
        raise ValueError(
            f"PictureDensity: pixels have shape {pixels.shape}, expected finite numbers of shape (height, width) "
            "or (height, width, 3 or 4)"
        )
    return pixels.astype(np.float64)
