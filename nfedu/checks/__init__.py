"""The check ladder: numbers that judge a layer by its contract alone, and name what is wrong with it."""

from nfedu.checks.causes import CAUSES, Cause
from nfedu.checks.flows.densities import density_on_grid, level_area, misfit
from nfedu.checks.flows.flow import check_flow
from nfedu.checks.ladder.bijection import check_bijection
from nfedu.checks.ladder.dimensions import check_class
from nfedu.checks.numerics.entries import gradients, parameter_gradients, worst_difference
from nfedu.checks.numerics.matrices import analytic_jacobians, layer_jacobians
from nfedu.checks.numerics.plain import central_difference, complex_step, gradient, jacobians
from nfedu.checks.reports.check import Check, CheckFailedError
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.round_trip import round_trip_error

__all__ = [
    "CAUSES",
    "Cause",
    "Check",
    "CheckFailedError",
    "Report",
    "analytic_jacobians",
    "central_difference",
    "check_bijection",
    "check_class",
    "check_flow",
    "complex_step",
    "density_on_grid",
    "gradient",
    "gradients",
    "jacobians",
    "layer_jacobians",
    "level_area",
    "misfit",
    "parameter_gradients",
    "round_trip_error",
    "worst_difference",
]
