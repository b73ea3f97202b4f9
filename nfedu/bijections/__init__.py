"""The flow layers of the notes, one kind a file. `base` holds the contract that all of them keep."""

from nfedu.bijections.base import Bijection, Chain, Inverse
from nfedu.bijections.coupling import AdditiveCoupling
from nfedu.bijections.elementwise import Exp, Logit, SinhArcsinh
from nfedu.bijections.permutations import Permute, Reverse
from nfedu.bijections.rescaling import Affine, Rescale, Shift
from nfedu.bijections.reversible import Reversible

__all__ = [
    "AdditiveCoupling",
    "Affine",
    "Bijection",
    "Chain",
    "Exp",
    "Inverse",
    "Logit",
    "Permute",
    "Rescale",
    "Reverse",
    "Reversible",
    "Shift",
    "SinhArcsinh",
]
