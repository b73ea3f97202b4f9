"""The check ladder: numbers that judge a layer by its contract alone, and say what is wrong with it."""

from nfedu.checks.densities import density_on_grid, level_area
from nfedu.checks.derivatives import central_difference, complex_step, gradient, jacobians
from nfedu.checks.ladder import check_bijection, check_flow
from nfedu.checks.report import Check, CheckFailedError, Report
from nfedu.checks.values import layer_jacobians, round_trip_error

__all__ = [
    "Check",
    "CheckFailedError",
    "Report",
    "central_difference",
    "check_bijection",
    "check_flow",
    "complex_step",
    "density_on_grid",
    "gradient",
    "jacobians",
    "layer_jacobians",
    "level_area",
    "round_trip_error",
]
