"""IAF's μ_i and α_i look at z_i itself, as the notes print it (M9)."""

import nfedu
from tests.planted_bugs.printed_m8 import Printed

RUNG, DIAGNOSIS = 2, "only columns [0, 1, 2] do not come back"


def layer(rng):
    wrong = nfedu.InverseAutoregressive(4, (9,), activation="tanh", rng=rng)
    wrong.bijection.net = Printed(4, (9,), 2, "tanh", output_scale=1.0, rng=rng)
    return wrong
