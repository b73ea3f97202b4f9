"""μ_i and α_i look at x_i itself, as the notes print it (M8): the diagonal of the Jacobian is not e^{−α_i}."""

import nfedu
from nfedu.networks import MADE

RUNG, DIAGNOSIS = 2, "no column comes back"


class Printed(MADE):
    def mask(self, layer):
        return (self.degrees[layer][:, None] <= self.degrees[layer + 1]).astype(float)


def layer(rng):
    wrong = nfedu.MaskedAutoregressive(4, (9,), activation="tanh", rng=rng)
    wrong.net = Printed(4, (9,), 2, "tanh", output_scale=1.0, rng=rng)
    return wrong
