# %% [markdown]
# # 00e · Find the bug
#
# *Notes: 变量替换定理 and 优化目标 rest on log|det ∂f⁻¹/∂x|: a layer must be right about it. Statements B12, B13.*
#
# [00d](00d_is_it_right.py) held gradients against numbers. A layer of a flow promises more: an inverse, a log-det for
# each direction, and a backward through both outputs. This lesson says what to measure, and shows popular checks that
# wrong layers pass. At the end there are ten wrong layers to find.

# %%
import contextlib
import io
import json

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.__main__ import main as nfedu_command
from nfedu.checks import check_bijection, density_on_grid, jacobians, round_trip_error
from nfedu.course.lesson import begin
from nfedu.plotting import show_density, show_warp

lesson = begin("00e · Find the bug")
rng = np.random.default_rng(4)

# %% [markdown]
# ## The Jacobian by differences, and its determinant
#
# Column $j$ of $\partial x/\partial z$ is how all outputs move with $z_j$. If rows stay on their own, one call with
# $z_j$ moved in *every* row gives column $j$ of all $N$ Jacobians: $2n$ calls, whatever $N$ is. What a layer returns
# as $\ell$ must be its determinant's logarithm:
#
# $$
# \ell \;\overset{?}{=}\; \log|\det J| \text{ of the numerical } J, \quad \text{each direction against its own}
# $$ (B12)
#
# by `slogdet`, since the determinant itself may overflow. How exact can this be? By B6, $d\log|\det J| =
# \operatorname{tr}(J^{-1} dJ)$: if entries are off by at most $\delta$, the log-det is off by at most $\delta \sum_{ij}
# |(J^{-1})_{ij}|$, to first order. Where a layer squeezes space, $J^{-1}$ is large and digits are lost: judge against
# that bound.
#
# **By hand.** $x = (z_1, z_2 e^{z_1})$ at $(0, 3)$, central, $h = 0.1$: column 1 is $(1, 3\,(e^{0.1} - e^{-0.1})/0.2)
# = (1, 3.0050)$, column 2 is $(0, 1)$. The determinant is 1, $\log|\det| = 0 = z_1$: exact, though an entry is off, as
# of a triangular matrix only the diagonal counts (N9, in [02b](02b_learning_flows.py)).


# %%
def gate(z):
    return np.stack([z[:, 0], z[:, 1] * np.exp(z[:, 0])], axis=1)


z, h = np.array([[0.0, 3.0]]), 0.1
columns = [(gate(z + h * e) - gate(z - h * e))[0] / (2 * h) for e in np.eye(2)]
J = np.stack(columns, axis=1)
error = abs(J.round(4) - [[1, 0], [3.005, 1]]).max()
error = max(error, abs(jacobians(gate, z)[0].round(4) - [[1, 0], [3, 1]]).max())  # the checker's: output i, input j
lesson.claim("B12", "pencil: J = [[1, 0], [3.0050, 1]] by differences, h = 0.1", error, 0, gate)

# %% [markdown]
# Now RealNVP's coupling at forty points, each direction by itself, and beside the error what B6 lets it be.

# %%
layer = nfedu.AffineCoupling(5, (8,), activation="tanh", rng=rng)
layer.net.weights[-1].value *= 10
z = rng.standard_normal((40, 5))
for direction in ("z_to_x", "x_to_z"):
    log_det = getattr(layer, direction)(z)[1]
    mapped = lambda y, direction=direction: getattr(layer, direction)(y)[0]  # noqa: E731
    J, exact = (jacobians(mapped, z, method) for method in ("central", "complex"))
    off = abs(J - exact).max(axis=(1, 2))  # δ of every point
    error = abs(np.linalg.slogdet(J)[1] - log_det)
    bound = 1.01 * off * abs(np.linalg.inv(J)).sum(axis=(1, 2)) + 1e-14
    words = f"{direction}, n = 5: log_det = slogdet of central differences"
    lesson.claim("B12", words, error.max(), 1e-8, nfedu.AffineCoupling)
    lesson.claim("B12", f"{direction}: that error / its bound δ Σ|J⁻¹|", (error / bound).max(), 1, jacobians)

# %% [markdown]
# ## Two log-dets that cancel prove nothing
#
# A popular test: the log-dets of z→x and x→z must add up to 0. They must; but add *any* function to one and subtract
# it from the other, at the point where they meet, and they still do. The test compares the layer with itself. Here
# both signs are wrong, easily done, since papers differ in what they call forward.
#
# Only a Jacobian that the layer has not written itself can tell; or, in the plane, the integral of the density.


# %%
class Exchanged(nfedu.AffineCoupling):
    """RealNVP's coupling with the log-dets of its two directions exchanged, and backwards that fit them."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, -log_det, lambda g_x, g_log_det: backward(g_x, -g_log_det)

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, -log_det, lambda g_z, g_log_det: backward(g_z, -g_log_det)


flows = {}
for kind in (nfedu.AffineCoupling, Exchanged):
    layers = [kind(2, (8,), flip=flip, activation="tanh", rng=np.random.default_rng(7)) for flip in (False, True)]
    for layer in layers:
        layer.net.weights[-1].value *= 8
    flows[kind.__name__] = nfedu.Flow(nfedu.StandardNormal(2), layers)
wrong = flows["Exchanged"].bijection
z = rng.standard_normal((50, 2))
x, log_det, _ = wrong.z_to_x(z)
weak_check = abs(log_det + wrong.x_to_z(x)[1]).max()
lesson.claim("B12", "log-dets exchanged: z→x plus x→z, the weak check", weak_check, 1e-13, Exchanged)
off = abs(log_det - np.linalg.slogdet(jacobians(lambda z: wrong.z_to_x(z)[0], z))[1]).max()
lesson.claim("B12", "log-dets exchanged: 0.1 / (log_det − slogdet)", 0.1 / off, 1, Exchanged)
masses = {name: density_on_grid(flow, -12, 12, 600).integral for name, flow in flows.items()}
lesson.claim("B12", "right log-dets: |∫p − 1|", abs(masses["AffineCoupling"] - 1), 1e-3, nfedu.AffineCoupling)
lesson.claim("B12", "log-dets exchanged: 0.05 / |∫p − 1|", 0.05 / abs(masses["Exchanged"] - 1), 1, Exchanged)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.2))
show_warp(axes[0], lambda z: flows["Exchanged"].z_to_x(z)[0])
axes[0].set_title("the map of both")
for ax, name, title in zip(axes[1:], flows, ("right log-dets", "log-dets exchanged"), strict=True):
    show_density(ax, flows[name], -12, 12, points=600)
    ax.set(xlim=(-4, 4), ylim=(-4, 4), title=title)
caption = """One map, and the density that it makes with right log-dets, and with both exchanged (∫ p over a wider box).
The second's log-dets cancel to 1e-16, but its density is too high where space was stretched, above and to the right,
and its integral is not 1."""
lesson.show(fig, "00e_exchanged", caption)

# %% [markdown]
# ## n = 2 proves little
#
# In the plane one coordinate passes and one is changed. A sum over the changed ones has one term, so it may be a mean,
# or the first of them. A reversal, a rotation and their inverses are one and the same swap. $\mu$ and $\alpha$ are
# single numbers, and an iteration that fixes one coordinate a round, as MAF's in lesson 06, is done after two. So take
# $n \in \{1, 2, 3, 5\}$, and split unequally. Two mistakes, invisible at $n = 2$: a coupling that takes its first α for
# the sum of all, and a MAF that stops after two rounds.


# %%
def first_only(layer, z):
    """The log-det of an affine coupling, Σ_i α_i, with the first α alone."""
    return layer.conditions(layer.split(z)[0])[1][:, 0]


class Hurried(nfedu.MaskedAutoregressive):
    """A MAF, x_i = e^{α_i(x_<i)} z_i + μ_i(x_<i), that solves this by two rounds, whatever n is; the rest is right."""

    def z_to_x(self, z):
        _, log_det, backward = super().z_to_x(z)
        x = 0 * z
        for _ in range(2):
            out = self.net(x)[0]
            x = np.exp(self.log_scale(out[:, :, 1])[0]) * z + out[:, :, 0]
        return x, log_det, backward


# %% [markdown]
# Each is asked at $n = 2$ and at $n = 5$.

# %%
weak, strong = {}, {}
for n, errors in ((2, weak), (5, strong)):
    layer, z = nfedu.AffineCoupling(n, (8,), activation="tanh", rng=rng), rng.standard_normal((30, n))
    layer.net.weights[-1].value *= 10
    dense = np.linalg.slogdet(jacobians(lambda z, layer=layer: layer.z_to_x(z)[0], z))[1]
    errors["log-det"] = abs(first_only(layer, z) - dense).max()
    maf = Hurried(n, (20,), activation="tanh", rng=rng)
    maf.net.weights[-1].value += 0.5 * rng.standard_normal(maf.net.weights[-1].value.shape)
    errors["round trip"] = round_trip_error(maf, z)
    errors["failures"] = len(check_bijection(maf, z[:6]).failures)
lesson.claim("B12", "first α only, n = 2: log_det − slogdet", weak["log-det"], 1e-13, first_only)
lesson.claim("B12", "first α only, n = 5: 0.1 / (log_det − slogdet)", 0.1 / strong["log-det"], 1, first_only)
lesson.claim("B12", "MAF in two rounds, n = 2: round trip", weak["round trip"], 1e-13, Hurried)
words = "MAF in two rounds, n = 2: number of checks of the whole ladder that fail"
lesson.claim("B12", words, weak["failures"], 0, check_bijection)
lesson.claim("B12", "MAF in two rounds, n = 5: 1e-3 / round trip", 1e-3 / strong["round trip"], 1, Hurried)
few = 1 / max(strong["failures"], 0.5)
lesson.claim("B12", "MAF in two rounds, n = 5: checks that fail, 1 / how many", few, 1, check_bijection)

# %% tags=["hide-input"]
by_coordinate = np.full((6, 6), np.nan)
for n in range(1, 7):
    maf = Hurried(n, (20,), activation="tanh", rng=rng)
    maf.net.weights[-1].value += 0.5 * rng.standard_normal(maf.net.weights[-1].value.shape)
    z = rng.standard_normal((50, n))
    by_coordinate[n - 1, :n] = abs(maf.x_to_z(maf.z_to_x(z)[0])[0] - z).max(axis=0)
fig, ax = plt.subplots(figsize=(5.2, 3.6))
image = ax.imshow(np.log10(np.maximum(by_coordinate, 1e-16)), vmin=-16, vmax=1)
ax.set(xticks=range(6), xticklabels=range(1, 7), yticks=range(6), yticklabels=range(1, 7))
ax.set(xlabel="coordinate", ylabel="dimension n")
fig.colorbar(image, ax=ax, label="log₁₀ of the round trip's error")
caption = """A MAF that samples in two rounds, in 1 to 6 dimensions: the error of its round trip z→x→z, coordinate by
coordinate. The first two columns are black, 1e-16 or so, for every n: at n = 2 there is nothing to see."""
lesson.show(fig, "00e_two_rounds", caption)

# %% [markdown]
# ## Find the bug
#
# `lessons/wrong/find_the_bug.py` holds ten layers, each with one mistake: Sinh, Matrix, Stretch, Lean, Gate, Scales,
# Wave, Move, Cubic, Round. What their docstrings say is right. Read one, guess, then ask:
#
#     python -m nfedu check lessons/wrong/find_the_bug.py:Sinh
#
# It climbs a ladder: contract, round trip, log-det, structure, gradient, the first of which asks what no formula
# shows: are inputs left alone, do gradients add, does a second call disturb the first? `python -m nfedu explain` lists
# all causes it knows. The answers are in the next cell, folded in the book; the claim below asks the checker for all
# ten.

# %% tags=["hide-input"]
answers = {
    "Sinh": "gradient-logdet-term",  # x_to_z: −x/√(1 + x²) for −x/(1 + x²), the derivative of −½ log(1 + x²)
    "Matrix": "transposed",  # z_to_x: g W for g Wᵀ
    "Stretch": "logdet-sign",  # both directions, and both backwards: the log-dets still cancel
    "Lean": "grad-overwritten",  # t.grad[...] = for +=
    "Gate": "path-missing",  # x_1 also feeds α: its gradient lacks Σ g_α c (1 − h²)
    "Scales": "logdet-factor",  # a mean over the changed coordinates for a sum
    "Wave": "stateful",  # backward reads self.z, which the next call overwrites
    "Move": "batch-factor",  # a mean over rows for a sum
    "Cubic": "inexact",  # three rounds of Newton's method are not enough
    "Round": "permuted",  # z_to_x: a rotation's transpose turns the other way
}


# %%
def judged(layer):
    """What `python -m nfedu check` makes of a layer: its report as a dict."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        nfedu_command(["check", layer, "--json"])
    return json.loads(told.getvalue())


file = lesson.folder / "lessons" / "wrong" / "find_the_bug.py"
reports = {name: judged(f"{file}:{name}") for name in answers}
passed = [name for name, report in reports.items() if report["ok"]]
lesson.claim("B13", "ten wrong layers: how many pass", len(passed), 0, judged)
others = [name for name, report in reports.items() if report["cause"] != answers[name]]
lesson.claim("B13", "ten wrong layers: how many are called by another name", len(others), 0, judged)
failed = [name for name in ("AffineCoupling", "Rescale", "Reverse") if not judged(f"nfedu:{name}")["ok"]]
lesson.claim("B13", "three right layers: how many fail", len(failed), 0, judged)

# %% [markdown]
# **In short.** For a layer of your own, in $n \in \{1, 2, 3, 5\}$, at several points, small and large: round trip both
# ways; each log-det against `slogdet` of a numerical Jacobian; the inner-product test with random $g_x$, $g_\ell$ and
# $v$; where that fails, entry by entry, by the complex step or at $h \approx \varepsilon^{1/3}$; kinks left out; every
# error beside what it can be known to. `check_bijection` does all of it.
#
# **Exercise.** Mend all ten, most in one line, until the command says that all checks pass. Then plant a bug of your
# own that it does not find. (Where must it hide? Think of a branch that no probe enters.)
# %%
lesson.end()
