"""parameters() forgets a Parameter."""

import nfedu
from nfedu.parameters import named
from tests.planted_bugs.right import Affine, Cholesky, Drift, Stretch


class ScaleForgotten(Affine):
    """The network's parameters are returned, the scale c of α = c tanh r is not."""

    def parameters(self):
        return named(net=self.net)  # wrong: and log_scale's


class DiagonalForgotten(Cholesky):
    """The triangle is learned, its diagonal stays as it was drawn."""

    def parameters(self):
        return {"A": self.A}  # wrong: and log_d


class LastLayerOnly(nfedu.Chain):
    """A container whose loop over its parts returns at the first one."""

    def __init__(self, n, rng):
        super().__init__([Stretch(n, rng), Drift(n, rng)])

    def parameters(self):
        for m, layer in enumerate(self.bijections):
            return named(**{str(m): layer})  # wrong: those of all layers
