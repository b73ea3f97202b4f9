"""Training: the optimizers on a flow's flat theta, and the loops that use them."""

from nfedu.training.checkpoint import History
from nfedu.training.digits import DigitsRun, fit_digits
from nfedu.training.distillation import distill, kl_divergence, reverse_kl
from nfedu.training.divergence import DivergedError
from nfedu.training.fit import fit
from nfedu.training.lbfgs import Minimum, fit_lbfgs
from nfedu.training.optimizers import SGD, Adam

__all__ = [
    "SGD",
    "Adam",
    "DigitsRun",
    "DivergedError",
    "History",
    "Minimum",
    "distill",
    "fit",
    "fit_digits",
    "fit_lbfgs",
    "kl_divergence",
    "reverse_kl",
]
