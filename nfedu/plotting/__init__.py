"""Pictures of warps, densities, Jacobians and digits; Matplotlib is imported here and nowhere below."""

from nfedu.plotting.agreement import Agreement, compare_jacobians
from nfedu.plotting.animations import layer_by_layer
from nfedu.plotting.densities import density_axes, integral_note, samples_axes, show_density
from nfedu.plotting.dependencies import show_dependencies, show_rounds
from nfedu.plotting.graphs import show_graph
from nfedu.plotting.images import show_images, show_pattern, show_taps
from nfedu.plotting.joined import show_joined
from nfedu.plotting.matrices import show_jacobian
from nfedu.plotting.portraits import portrait
from nfedu.plotting.stages import show_stage, stages
from nfedu.plotting.steps import show_step
from nfedu.plotting.surfaces import show_surface
from nfedu.plotting.warps import show_warp
from nfedu.plotting.wavefront import show_wavefront

__all__ = [
    "Agreement",
    "compare_jacobians",
    "density_axes",
    "integral_note",
    "layer_by_layer",
    "portrait",
    "samples_axes",
    "show_density",
    "show_dependencies",
    "show_graph",
    "show_images",
    "show_jacobian",
    "show_joined",
    "show_pattern",
    "show_rounds",
    "show_stage",
    "show_step",
    "show_surface",
    "show_taps",
    "show_warp",
    "show_wavefront",
    "stages",
]
