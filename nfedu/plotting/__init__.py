"""Pictures of warps, densities, Jacobians and digits; Matplotlib is imported here and nowhere below."""

from nfedu.plotting.animations import layer_by_layer
from nfedu.plotting.densities import density_axes, integral_note, samples_axes, show_density
from nfedu.plotting.graphs.dependencies import show_dependencies, show_rounds
from nfedu.plotting.graphs.masks import show_masks
from nfedu.plotting.graphs.programs import show_graph
from nfedu.plotting.graphs.wavefront import show_front, show_wavefront
from nfedu.plotting.images import show_images, show_pattern, show_taps
from nfedu.plotting.portraits.agreement import Agreement, compare_jacobians
from nfedu.plotting.portraits.matrices import show_jacobian
from nfedu.plotting.portraits.portrait import portrait
from nfedu.plotting.scenes.fronts import error_axes, show_errors
from nfedu.plotting.scenes.joined import joined_axes, show_joined
from nfedu.plotting.scenes.manifold import show_costs, show_manifold, show_mixtures
from nfedu.plotting.scenes.mixtures import show_mixing, show_norms
from nfedu.plotting.scenes.steps import show_step
from nfedu.plotting.scenes.surfaces import show_surface
from nfedu.plotting.stages import Stage, show_stage, show_sum, stages
from nfedu.plotting.style import cleared
from nfedu.plotting.warps import show_warp

__all__ = [
    "Agreement",
    "Stage",
    "cleared",
    "compare_jacobians",
    "density_axes",
    "error_axes",
    "integral_note",
    "joined_axes",
    "layer_by_layer",
    "portrait",
    "samples_axes",
    "show_costs",
    "show_density",
    "show_dependencies",
    "show_errors",
    "show_front",
    "show_graph",
    "show_images",
    "show_jacobian",
    "show_joined",
    "show_manifold",
    "show_masks",
    "show_mixing",
    "show_mixtures",
    "show_norms",
    "show_pattern",
    "show_rounds",
    "show_stage",
    "show_step",
    "show_sum",
    "show_surface",
    "show_taps",
    "show_warp",
    "show_wavefront",
    "stages",
]
