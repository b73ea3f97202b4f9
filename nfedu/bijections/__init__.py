"""The flow layers of the notes, one kind a file. `base` holds the contract that all of them keep."""

from nfedu.bijections.act_norm import ActNorm
from nfedu.bijections.autoregressive import InverseAutoregressive, MaskedAutoregressive
from nfedu.bijections.base import Bijection, Chain, Inverse
from nfedu.bijections.batch_norm import BatchNorm
from nfedu.bijections.coupling import AdditiveCoupling, AffineCoupling
from nfedu.bijections.elementwise import Exp, Logit, Sinh, SinhArcsinh
from nfedu.bijections.fixed_affine import FixedAffine, standardising, whitening
from nfedu.bijections.image_coupling import ImageCoupling
from nfedu.bijections.mint import MintLayer, MintUnit
from nfedu.bijections.multiscale import FactorOut
from nfedu.bijections.on_columns import OnColumns
from nfedu.bijections.permutations import Permute, Reverse, Squeeze
from nfedu.bijections.rescaling import Affine, Rescale, Shift
from nfedu.bijections.reversible import Reversible
from nfedu.bijections.spline import Spline

__all__ = [
    "ActNorm",
    "AdditiveCoupling",
    "Affine",
    "AffineCoupling",
    "BatchNorm",
    "Bijection",
    "Chain",
    "Exp",
    "FactorOut",
    "FixedAffine",
    "ImageCoupling",
    "Inverse",
    "InverseAutoregressive",
    "Logit",
    "MaskedAutoregressive",
    "MintLayer",
    "MintUnit",
    "OnColumns",
    "Permute",
    "Rescale",
    "Reverse",
    "Reversible",
    "Shift",
    "Sinh",
    "SinhArcsinh",
    "Spline",
    "Squeeze",
    "standardising",
    "whitening",
]
