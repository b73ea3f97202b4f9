"""Data that ship with nfedu: points in the plane, pictures as densities, and the 8×8 handwritten digits."""

from nfedu.datasets.digits import Digits, Split, bits_per_pixel, dequantise, digits, ink, shifted, slant
from nfedu.datasets.pictures import PictureDensity, portrait
from nfedu.datasets.toys import (
    TOYS,
    checkerboard,
    eight_gaussians,
    eight_gaussians_density,
    pinwheel,
    rings,
    spiral,
    two_moons,
)

__all__ = [
    "TOYS",
    "Digits",
    "PictureDensity",
    "Split",
    "bits_per_pixel",
    "checkerboard",
    "dequantise",
    "digits",
    "eight_gaussians",
    "eight_gaussians_density",
    "ink",
    "pinwheel",
    "portrait",
    "rings",
    "shifted",
    "slant",
    "spiral",
    "two_moons",
]
