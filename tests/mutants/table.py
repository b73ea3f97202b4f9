"""Mutants: learners' mistakes, one each, in the layers and the network that carry most mathematics.

A table maps (place, checks) to rows (line, mutant, what it spoils). The line is a fragment that stands exactly once in
that place, a class, a method or a function; `checks` are what follows `python -m nfedu check`: one of them must fail.
No mutant raises or merely trains differently: each breaks a promise of `Bijection`, which `probe` measures.
"""

from __future__ import annotations

from typing import NamedTuple

Table = dict[tuple[str, tuple[str, ...]], list[tuple[str, str, str]]]


class Mutant(NamedTuple):
    """A line of the table, with the file and the place that it belongs to."""

    file: str
    place: str
    line: str
    mutant: str
    spoils: str
    checks: tuple[str, ...]


COUPLINGS = "nfedu.bijections"
ADDITIVE = (
    f"{COUPLINGS}:AdditiveCoupling --n 4 --with hidden=8,6",
    f"{COUPLINGS}:AdditiveCoupling --n 5 --with mask=[False,True,True,False,True]",
)
ADDITIVE_EVEN = (f"{COUPLINGS}:AdditiveCoupling --n 4 --with flip=True",)  # two parts of one size: nothing raises
AFFINE = (
    f"{COUPLINGS}:AffineCoupling --n 4 --with hidden=8,6",
    f"{COUPLINGS}:AffineCoupling --n 5 --with flip=True --with bound=None",
)

COUPLING: Table = {
    ("Coupling", ADDITIVE_EVEN): [
        ("span(self.passes), span(~self.passes)", "span(passes), span(~passes)", "mask: flip is forgotten"),
        ("y[:, self.a], y[:, self.b]\n", "y[:, self.b], y[:, self.a]\n", "map: split exchanges the parts"),
        ("= y_a, y_b", "= y_b, y_a", "map: join exchanges the parts"),
    ],
}

NICE: Table = {
    ("AdditiveCoupling.z_to_x", ADDITIVE): [
        ("z_b + m", "z_b - m", "map: the shift is subtracted both ways"),
        ("z_b + m", "z_b + m[:1]", "map: the first row's shift for all rows"),
        ("z_b + m", "z_b + 2 * m", "map: the shift twice"),
        ("np.zeros(len(z), z.dtype)", "m.sum(axis=1)", "log-det: the sum of the shifts"),
        ("g_a + net_backward(g_b)", "g_a", "gradients: no way through the network"),
        ("g_a + net_backward(g_b)", "net_backward(g_b)", "input gradient: no straight way for the part that passes"),
        ("g_a + net_backward(g_b)", "g_a - net_backward(g_b)", "input gradient: sign of the way through the network"),
    ],
    ("AdditiveCoupling.x_to_z", ADDITIVE): [
        ("x_b - m", "x_b + m", "map: the shift is added both ways"),
        ("net_backward(-g_b)", "net_backward(g_b)", "gradients: sign of the shift's"),
        ("net_backward(-g_b), g_b)", "net_backward(-g_b), -g_b)", "input gradient: sign for the changed part"),
    ],
    ("AdditiveCoupling.jacobian_pattern", ADDITIVE): [
        ("np.outer(~self.passes, self.passes)", "np.outer(self.passes, ~self.passes)", "mask: the pattern transposed"),
    ],
}

REAL_NVP: Table = {
    ("AffineCoupling.z_to_x", AFFINE): [
        ("np.exp(alpha)", "np.exp(-alpha)", "map: the scale's sign"),
        ("scaled + mu)", "scaled - mu)", "map: the shift's sign"),
        ("scaled + mu)", "(z_b + mu) * s)", "map: shifts, then scales"),
        ("g_b * scaled", "g_b * z_b", "gradient of α: without e^α"),
        ("g_b * scaled", "g_b * (scaled + mu)", "gradient of α: by x, not by x − μ"),
        (" + g_log_det[:, None]", "", "gradient of α: without the log-det's part"),
        (" + g_log_det[:, None]", " - g_log_det[:, None]", "gradient of α: sign of the log-det's part"),
        ("net_backward(g_b, g_alpha)", "net_backward(g_b * s, g_alpha)", "gradient of μ: scaled by e^α"),
        ("g_log_det[:, None]", "g_log_det.sum()", "gradient of α: the log-dets of all rows"),
        ("g_b * s)", "g_b)", "input gradient: without e^α"),
        ("g_b * s)", "g_b / s)", "input gradient: by e^−α"),
        (" over_columns(alpha)", " alpha.mean(axis=1)", "log-det: mean for sum"),
        (" over_columns(alpha)", " alpha[:, 0]", "log-det: the first coordinate only"),
        (" over_columns(alpha)", " np.full(len(z), alpha.sum())", "log-det: summed over rows too"),
        (" over_columns(alpha)", " s.sum(axis=1)", "log-det: of e^α, not of α"),
    ],
    ("AffineCoupling.x_to_z", AFFINE): [
        ("(x_b - mu) * s", "x_b * s - mu", "map: scales, then shifts"),
        ("-over_columns(alpha)", "over_columns(alpha)", "log-det: the other direction's"),
        ("-g_b * z_b", "g_b * z_b", "gradient of α: sign of the output's part"),
        ("-g_b * z_b", "-g_xb * z_b", "gradient of α: scaled once more"),
        ("-g_b * z_b", "-g_b * x_b", "gradient of α: by x, not by z"),
        ("- g_log_det[:, None]", "+ g_log_det[:, None]", "gradient of α: sign of the log-det's part"),
        ("g_log_det[:, None]", "g_log_det[0]", "gradient of α: the first row's log-det for all"),
        ("net_backward(-g_xb, g_alpha)", "net_backward(-g_b, g_alpha)", "gradient of μ: without e^−α"),
        ("net_backward(-g_xb, g_alpha)", "net_backward(g_xb, g_alpha)", "gradient of μ: sign"),
        ("g_a + net_backward", "net_backward", "input gradient: no straight way for the part that passes"),
    ],
    ("AffineCoupling.conditions", AFFINE): [
        ("(g_mu, r_backward(g_alpha))", "(r_backward(g_alpha), g_mu)", "gradients: μ and r exchanged"),
        ("r_backward(g_alpha)", "g_alpha", "gradient of r: without the derivative of tanh, and none of c"),
        ("r_backward(g_alpha)", "r_backward(r_backward(g_alpha))", "gradient of r: the derivative of tanh twice"),
        ("r_backward(g_alpha)", "r_backward(g_mu)", "gradient of r: by that of μ"),
    ],
    ("AffineCoupling.jacobian_pattern", AFFINE): [
        ("np.diag(~self.passes)", "np.diag(self.passes)", "mask: the free diagonal at the part that passes"),
    ],
}

MAF_LAYER = "nfedu.bijections.autoregressive:MaskedAutoregressive"
IAF_LAYER = "nfedu.bijections.autoregressive:InverseAutoregressive"
ORDERED = "--n 4 --with hidden=8,6 --with order=[2,0,3,1]"  # an order that is not its own inverse
MAF = f"{MAF_LAYER} {ORDERED}", f"{IAF_LAYER} {ORDERED}"
SLOW = tuple(
    f"{layer} {ORDERED} --with method='\"{m}\"'" for layer in (MAF_LAYER, IAF_LAYER) for m in ("naive", "jacobi")
)

AUTOREGRESSIVE: Table = {
    ("MaskedAutoregressive.__init__", MAF): [
        ("np.argsort(self.order)", "self.order", "map: the order is applied twice, not undone"),
    ],
    ("MaskedAutoregressive.x_to_z", MAF): [
        ('self, "x")[:, self.order]', 'self, "x")[:, self.place]', "map: x is put in the inverse order"),
        ("mu, r = out[:, :, 0], out[:, :, 1]", "r, mu = out[:, :, 0], out[:, :, 1]", "map: μ and r exchanged"),
        ("np.exp(-alpha)", "np.exp(alpha)", "map: the scale's sign"),
        ("(x - mu) * s", "x * s - mu", "map: scales, then shifts"),
        ("(x - mu) * s", "(x + mu) * s", "map: the shift's sign"),
        ("g_z = g_z[:, self.order]", "g_z = g_z[:, self.place]", "gradients: g_z in the inverse order"),
        ("g_x = g_z * s", "g_x = g_z / s", "gradients: by e^α"),
        ("-g_z * z", "g_z * z", "gradient of α: sign of the output's part"),
        ("-g_z * z", "-g_z * x", "gradient of α: by x, not by z"),
        ("-g_z * z", "-g_x * z", "gradient of α: scaled once more"),
        (" - g_log_det[:, None]", "", "gradient of α: without the log-det's part"),
        (" - g_log_det[:, None]", " + g_log_det[:, None]", "gradient of α: sign of the log-det's part"),
        ("r_backward(g_alpha)", "r_backward(r_backward(g_alpha))", "gradient of r: the derivative of tanh twice"),
        ("np.stack((-g_x,", "np.stack((g_x,", "gradient of μ: sign"),
        ("np.stack((-g_x,", "np.stack((-g_z,", "gradient of μ: without e^−α"),
        ("r_backward(g_alpha)", "g_alpha", "gradient of r: without the derivative of tanh, and none of c"),
        ("g_x = g_x + net_backward", "g_x = net_backward", "input gradient: no straight way"),
        ("return g_x[:, self.place]", "return g_x[:, self.order]", "input gradient: the order applied twice"),
        ("z[:, self.place], -over", "z[:, self.order], -over", "map: the order applied twice"),
        ("-over_columns(alpha)", "over_columns(alpha)", "log-det: the other direction's"),
    ],
    ("MaskedAutoregressive.z_to_x", MAF + SLOW): [
        ("z[:, self.order].T", "z[:, self.place].T", "map: z is put in the inverse order"),
        ("self.log_scale(out[1], i)", "self.log_scale(out[1], self.order[i])", "map: c of another coordinate"),
        ("self.log_scale(out[1], i)", "self.log_scale(out[0], i)", "map: α from μ"),
        ("* z[i] + out[0]", "* z[i] - out[0]", "map: the shift's sign"),
        ("np.exp(alpha[i]) * z[i] + out[0]", "np.exp(alpha[i]) * (z[i] + out[0])", "map: shifts, then scales"),
        (
            "activations(np.ascontiguousarray(x.T), W)",
            "activations(np.ascontiguousarray(z.T), W)",
            "gradients: units at z",
        ),
        ("[:, 1::2]", "[:, 0::2]", "gradient of r: the derivative of tanh at μ"),
        ("s, g_z = np.exp(alpha)", "s, g_z = np.exp(-alpha)", "gradients: by e^−α"),
        ("g_xi * s[i]", "g_xi", "gradient of z: without e^α"),
        ("g_z[i] * z[i]", "g_xi * z[i]", "gradient of α: without e^α"),
        (" + g_log_det)", ")", "gradient of α: without the log-det's part"),
        (" + g_log_det)", " - g_log_det)", "gradient of α: sign of the log-det's part"),
        ("return g_xi,", "return g_z[i],", "gradient of μ: scaled by e^α"),
        ("self.log_scale(r[:, i], i)", "self.log_scale(r[:, i], -1 - i)", "gradient of c: of another coordinate"),
        ("g_x[:, self.order].T", "g_x[:, self.place].T", "gradients: g_x in the inverse order"),
        ("r_backward(g_z", "r_backward(g_log_det * g_z", "gradient of α: times the log-det's"),
        ("g_z.T[:, self.place]", "g_z.T[:, self.order]", "input gradient: the order applied twice"),
        ("x.T[:, self.place], alpha", "x.T[:, self.order], alpha", "map: the order applied twice"),
        (" alpha.sum(axis=0)", " -alpha.sum(axis=0)", "log-det: the other direction's"),
        (" alpha.sum(axis=0)", " alpha[:-1].sum(axis=0)", "log-det: without the last coordinate"),
        (" alpha.sum(axis=0)", " np.full(z.shape[1], alpha.sum())", "log-det: summed over rows too"),
    ],
    ("MaskedAutoregressive.jacobian_pattern", MAF): [
        ("np.ix_(self.place, self.place)", "np.ix_(self.order, self.order)", "mask: the inverse order"),
        ("np.tri(self.n, dtype=bool)", "np.tri(self.n, dtype=bool).T", "mask: the other triangle"),
    ],
}

MINTS = "nfedu.bijections"
MINT = (
    f"{MINTS}:MintLayer --with shape=1,4,4 --with filters=3",
    f"{MINTS}:MintUnit --with shape=2,2,3 --with filters=2",
)
CHANNELS = (
    f"{MINTS}:MintLayer --with shape=2,2,3 --with filters=2",
    f"{MINTS}:MintUnit --with shape=2,2,2 --with filters=2",
)

MINT_LAYER: Table = {
    ("MintLayer.x_to_z", MINT): [
        ("g_log_det[:, None] / d", "g_log_det[:, None] * d", "gradients of the log-det: by the diagonal"),
        ("g_log_det[:, None] / d", "g_log_det[:, None] + 0 * d", "gradients of the log-det: of Σ d, not of Σ log d"),
        ("back(g_z, g_log_det", "back(g_z, -g_log_det", "gradients of the log-det: sign"),
        ("np.log(d).sum(axis=1)", "-np.log(d).sum(axis=1)", "log-det: the other direction's"),
        ("np.log(d).sum(axis=1)", "d.sum(axis=1)", "log-det: of the diagonal, not of its logarithm"),
    ],
    ("MintLayer.z_to_x", MINT): [
        ("self.network(x)", "self.network(z)", "gradients: the network at z"),
        ("g_x + back(nothing", "g_x - back(nothing", "gradients of the log-det: sign of the way through x"),
        ("-g_log_det[:, None] / d, True", "g_log_det[:, None] / d, True", "gradients of the log-det: sign"),
        ("-g_log_det[:, None] / d, True", "-g_log_det[:, None] / d, False", "gradients of θ: without the log-det's"),
        ("back(v, nothing, False)", "back(v, nothing, True)", "gradients of θ: the solver adds to them"),
        ("back(-g_z, nothing, True)", "back(g_z, nothing, True)", "gradients of θ: sign"),
        ("back(-g_z, nothing, True)", "back(-g, nothing, True)", "gradients of θ: without J⁻ᵀ"),
        ("return g_z", "return g", "input gradient: without J⁻ᵀ"),
        ("-np.log(d).sum(axis=1)", "np.log(d).sum(axis=1)", "log-det: the other direction's"),
    ],
}

MINT_NETWORK: Table = {
    ("MintNetwork.__call__", MINT): [
        ("t + to_rows(straight", "to_rows(straight", "log-det: without t"),
        ("return g_z * t +", "return g_z +", "input gradient: the straight way without t"),
        ("self.log_t.grad += (g_z * x + g_d)", "self.log_t.grad += (g_z * x)", "gradient of log t: no diagonal"),
        (".sum(axis=0) * t", ".sum(axis=0)", "gradient of log t: of t"),
        (".sum(axis=0) * t", ".sum() * t", "gradient of log t: summed over coordinates too"),
        ("g[1, 1] += g_centre", "g[1, 1] -= g_centre", "gradient of centre taps: sign of the diagonal's part"),
        ("g_kernels[1][1, 1] *= signs", "pass", "gradient of W2's centre taps: without their signs"),
        ("g * mask.astype(g.dtype)", "g", "gradients of taps that are masked away"),
        ("return t * x +", "return x +", "map: without t"),
    ],
    ("MintNetwork.convolve", MINT): [
        (", H) + b1)", ", H))", "map: b1 forgotten"),
        ("H) + b3", "H) - b3", "map: sign of b3, whose gradient has the other"),
        ("1 - h1**2, 1 - h2**2", "1 - h1**2, 1 - h1**2", "log-det, gradients: h'(a1) for h'(a2)"),
        ("1 - h1**2, 1 - h2**2", "1 - h1**2, 1 - h2", "log-det, gradients: h' without the square"),
        ("- 2 * h2 * g_s2", "+ 2 * h2 * g_s2", "gradients of the diagonal: sign of h''(a2)"),
        ("- 2 * h2 * g_s2", "", "gradients of the diagonal: h''(a2) forgotten"),
        ("- 2 * h1 * g_s1", "- h1 * g_s1", "gradients of the diagonal: h''(a1) without its 2"),
        ("turned(kernels[1])", "kernels[1].swapaxes(2, 3)", "gradients: K2 transposed, but not turned"),
        ("(g_a1, g_a2, g_y)]", "(g_a2, g_a1, g_y)]", "gradients of b1 and b2 exchanged"),
        ("[g.sum(axis=1) for g", "[g.mean(axis=1) for g", "gradients of biases: mean for sum"),
    ],
    ("MintNetwork.multiply_slopes", MINT): [
        ("inner = w12.T @ s1", "inner = w12 @ s1", "log-det: W2's centre taps transposed"),
        ("u = inner * s2", "u = inner", "log-det: without h'(a2)"),
        ("g_inner = g_u * s2", "g_inner = g_u", "gradients of the diagonal: without h'(a2)"),
        ("(w12 @ g_inner,", "(w12.T @ g_inner,", "gradients of the diagonal: W2's centre taps transposed"),
        (
            "g_w12 = s1 @ g_inner.T",
            "g_w12 = (1 - s1) @ g_inner.T",
            "gradient of W1's and W2's centre taps: 1 − h' for h'",
        ),
        ("same3 * (u @ g.T)", "same3 * (s2 @ g.T)", "gradient of W3's centre taps: h' for u"),
    ],
    ("MintNetwork.effective", MINT): [
        ("kernels[1][1, 1] *= signs", "kernels[1][1, 1] *= abs(signs)", "map: centre taps keep their own signs"),
    ],
    ("MintNetwork.__init__", CHANNELS): [
        ("np.eye(C, dtype=bool)", "np.ones((C, C), dtype=bool)", "log-det: centre taps of other channels counted"),
    ],
    ("triangle", CHANNELS): [
        ("np.tri(C, C, -1).T", "np.tri(C, C, -1)", "mask: the channels after, not those before"),
        ("(1, 0), (1, 1)", "(1, 1), (1, 2)", "mask: the pixel to the right, not to the left"),
        ("(1, 0), (1, 1)", "(1, 0), (1, 1), (1, 2)", "mask: the pixel to the right as well"),
    ],
    ("to_rows", MINT): [
        ("maps.reshape(-1, N).T", "maps.reshape(N, -1)", "map: images and pixels exchanged"),
    ],
}

SEQUENTIAL = "--n 5 --with hidden=260,12"  # so many units that a layer has two blocks
MADE = f"{MAF_LAYER} {SEQUENTIAL}", f"{MAF_LAYER} {SEQUENTIAL} --with method='\"naive\"'", f"{IAF_LAYER} {SEQUENTIAL}"

NETWORK: Table = {
    ("MADE.mask", MADE): [
        ("above if layer < len(self.degrees) - 2 else above - 1", "above", "mask: outputs for i see input i"),
        ("above if layer < len(self.degrees) - 2 else above - 1", "above - 1", "mask: < between hidden units"),
        ("<= reach", ">= reach", "mask: the inputs after"),
        ("<= reach", "<= reach + (layer == 0)", "mask: the first layer sees one input too many"),
    ],
    ("MADE.__call__", MADE): [
        ("len(W) - 1:", "len(W) - 2:", "gradients: the last hidden layer's φ' forgotten"),
        ("self.phi_slope(inputs", "self.phi(inputs", "gradients: φ for φ'"),
        ("inputs[layer], g)", "inputs[layer], g / N)", "gradients of weights: mean over rows for sum"),
        ("inputs[layer], g)", "inputs[layer], -g)", "gradients of weights: sign"),
        ("g.reshape(N, -1)", "g.swapaxes(1, 2).reshape(N, -1)", "gradients: outputs in another layout"),
        ("y.reshape(N, self.n, self.outputs)", "y.reshape(N, self.outputs, self.n).swapaxes(1, 2)", "mask: layout"),
    ],
    ("MADE.masked", MADE): [
        ("W.value * mask", "W.value", "mask: none"),
        ("W.value * mask", "W.value * mask[::-1]", "mask: upside down"),
    ],
    ("MADE.activations", MADE): [
        ("self.phi(self.linear(h[-1], W, layer))", "self.linear(h[-1], W, layer)", "map: φ forgotten"),
    ],
    ("MADE.linear", MADE): [
        ("y += self.biases[layer].value", "y += 0", "map: the bias forgotten in the parallel pass"),
        ("y += self.biases[layer].value", "y -= self.biases[layer].value", "map: the sign of the bias"),
        (
            "h[:, :depth], W[layer][:depth, units]",
            "h[:, 1:depth], W[layer][1:depth, units]",
            "map: an input unseen",
        ),
    ],
    ("MADE.transposed", MADE): [
        ("product(g[:, first:], ", "product(-g[:, first:], ", "input gradient: sign"),
        ("g[:, first:], W[layer][units, first:]", "g[:, units], W[layer][units, units]", "input gradient: own block"),
    ],
    ("MADE.accumulate", MADE): [
        ("over_rows(g)", "g[0]", "gradient of biases: the first row's only"),
        ("over_rows(g)", "g.sum()", "gradient of biases: summed over units too"),
        ("over_rows(g)", "g.mean(axis=0)", "gradient of biases: mean over rows for sum"),
        ("b.grad += over", "b.grad[:] = over", "gradient of biases: overwritten"),
        ("W.grad[here] +=", "W.grad[here] =", "gradient of weights: overwritten"),
        ("W.grad[here] +=", "W.grad[here] -=", "gradient of weights: sign"),
        ("change *= mask[here]", "change *= 1", "gradient of weights that are masked away"),
    ],
    ("hidden_degrees", MADE): [
        (
            "np.sort(np.arange(w) % most + 1 if w >= most else np.arange(w) * most // w + 1)",
            "np.arange(w) % most + 1",
            "mask: units not sorted by degree",
        ),
        ("np.arange(w) % most + 1 if", "np.arange(w) % most if", "degrees from 0: units that the slow way leaves out"),
    ],
    ("columns_of", MADE): [
        ("rows[block.stop - 1]", "rows[block.start]", "mask: what only some units of a block see is forgotten"),
        ("rows[block.stop - 1]", "rows[block.stop - 1] - 1", "mask: the deepest unit's last input is forgotten"),
    ],
    ("rows_of", MADE): [
        ("first[block.start]", "first[block.stop - 1]", "input gradient: units that see a part of a block only"),
    ],
}

FILES = {
    "nfedu/bijections/coupling/base.py": COUPLING,
    "nfedu/bijections/coupling/additive.py": NICE,
    "nfedu/bijections/coupling/affine.py": REAL_NVP,
    "nfedu/bijections/autoregressive.py": AUTOREGRESSIVE,
    "nfedu/bijections/mint/layer.py": MINT_LAYER,
    "nfedu/bijections/mint/network.py": MINT_NETWORK,
    "nfedu/networks/made.py": NETWORK,
}
MUTANTS = [
    Mutant(file, place, *row, checks)
    for file, table in FILES.items()
    for (place, checks), rows in table.items()
    for row in rows
]
