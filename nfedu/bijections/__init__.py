"""The flow layers of the notes, one kind a file. `base` holds the contract that all of them keep."""

from nfedu.bijections.autoregressive import InverseAutoregressive, MaskedAutoregressive
from nfedu.bijections.base import Bijection, Chain, Inverse
from nfedu.bijections.coordinates.factor_out import FactorOut
from nfedu.bijections.coordinates.on_columns import OnColumns
from nfedu.bijections.coordinates.permutations import Permute, Reverse, Squeeze
from nfedu.bijections.coupling.additive import AdditiveCoupling
from nfedu.bijections.coupling.affine import AffineCoupling
from nfedu.bijections.coupling.images import ImageCoupling
from nfedu.bijections.elementwise.functions import Exp, Logit, Sinh
from nfedu.bijections.elementwise.histogram import Histogram
from nfedu.bijections.elementwise.rescaling import Affine, Rescale, Shift
from nfedu.bijections.elementwise.sinh_arcsinh import SinhArcsinh
from nfedu.bijections.elementwise.spline import Spline
from nfedu.bijections.fixed_affine import FixedAffine, standardising, whitening
from nfedu.bijections.mint.layer import MintLayer, MintUnit
from nfedu.bijections.normalization.act_norm import ActNorm
from nfedu.bijections.normalization.batch_norm import BatchNorm
from nfedu.bijections.reversible import Reversible

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
    "Histogram",
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
