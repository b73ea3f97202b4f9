"""Whole models: which layers, in which order. Those of images, and those of vectors, such as the rows of a table."""

from nfedu.models.images import image_real_nvp, mint_net
from nfedu.models.vectors import autoregressive, iaf, maf, nice, real_nvp

__all__ = ["autoregressive", "iaf", "image_real_nvp", "maf", "mint_net", "nice", "real_nvp"]
