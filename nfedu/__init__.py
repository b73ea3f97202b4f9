"""nfedu: normalizing flows in NumPy, each equation derived, implemented, checked and pictured.

Everything is written `(N, n)`: N points of dimension n in rows. z is the latent side, x the data side.
"""

from importlib import import_module
from typing import Any

from nfedu import datasets, models
from nfedu.bijections import (
    ActNorm,
    AdditiveCoupling,
    Affine,
    AffineCoupling,
    BatchNorm,
    Bijection,
    Chain,
    Exp,
    FactorOut,
    FixedAffine,
    Histogram,
    ImageCoupling,
    Inverse,
    InverseAutoregressive,
    Logit,
    MaskedAutoregressive,
    MintLayer,
    MintUnit,
    OnColumns,
    Permute,
    Rescale,
    Reverse,
    Reversible,
    Shift,
    Sinh,
    SinhArcsinh,
    Spline,
    Squeeze,
    standardising,
    whitening,
)
from nfedu.bijections.coupling import masks
from nfedu.distributions import GaussianMixture, StandardLogistic, StandardNormal
from nfedu.flow import Flow, load
from nfedu.mixing import mix_latents, mixing_coefficients
from nfedu.networks import MLP, ConvNet
from nfedu.parameters import Parameter
from nfedu.training import SGD, Adam, distill, fit, fit_digits, fit_lbfgs


def __getattr__(name: str) -> Any:
    """Import the checker when it is first asked for: it is half of what there is to import."""
    if name == "checks":
        return import_module("nfedu.checks")
    raise AttributeError(f"module 'nfedu' has no attribute {name!r}")


__all__ = [
    "MLP",
    "SGD",
    "ActNorm",
    "Adam",
    "AdditiveCoupling",
    "Affine",
    "AffineCoupling",
    "BatchNorm",
    "Bijection",
    "Chain",
    "ConvNet",
    "Exp",
    "FactorOut",
    "FixedAffine",
    "Flow",
    "GaussianMixture",
    "Histogram",
    "ImageCoupling",
    "Inverse",
    "InverseAutoregressive",
    "Logit",
    "MaskedAutoregressive",
    "MintLayer",
    "MintUnit",
    "OnColumns",
    "Parameter",
    "Permute",
    "Rescale",
    "Reverse",
    "Reversible",
    "Shift",
    "Sinh",
    "SinhArcsinh",
    "Spline",
    "Squeeze",
    "StandardLogistic",
    "StandardNormal",
    "checks",
    "datasets",
    "distill",
    "fit",
    "fit_digits",
    "fit_lbfgs",
    "load",
    "masks",
    "mix_latents",
    "mixing_coefficients",
    "models",
    "standardising",
    "whitening",
]
