# %% [markdown]
# # 06a · MAF: masked autoregressive flow
#
# *Notes: MAF. Statement N18, misprint M8.*
# *Papers: Germain et al. 2015 (MADE); Papamakarios, Pavlakou & Murray 2017 (MAF).*
#
# **What the notes say**: some autoregressive models can be seen as flows (可以被看做流模型). Draw $z_i \sim N(0, 1)$
# for $i = 1 \ldots n$ and let $x_i = \exp(\alpha_i) z_i + \mu_i$, one after the other, where $\mu_i, \alpha_i$ are
# computed from the $x$ made before. In training all $\mu_i, \alpha_i$ can be computed in parallel (并行); in
# prediction they are computed in a loop (循环), so sampling is slow (采样是缓慢的). Why is it a flow, and how does
# one network see only what came before?
#
# **Before this**: triangular Jacobians, N9 ([02b](02b_learning_flows.py)), $\alpha = c \tanh(r)$ and what α learns
# ([04a](04a_real_nvp.py)), networks by hand ([00a](00a_backward_by_hand.py)).

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import stats
from scipy.interpolate import RegularGridInterpolator

import nfedu
from nfedu.checks import density_on_grid, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.networks import MADE
from nfedu.plotting import samples_axes, show_density, show_front, show_jacobian, show_masks, show_stage, stages

lesson = begin("06a · MAF: masked autoregressive flow")
rng = np.random.default_rng(6)
log2, log3, log6 = np.log([2, 3, 6])

# %% [markdown]
# ## An autoregressive model is a flow (MAF)
#
# By the chain rule of probability any density is a product of conditionals, $p(x) = \prod_i p(x_i \mid x_{<i})$. Let
# each be a Gaussian, $N(\mu_i, e^{2\alpha_i})$, whose mean and scale are functions of the coordinates before it. A
# draw of it is $e^{\alpha_i} z_i + \mu_i$ with $z_i \sim N(0, 1)$:
#
# $$
# x_i = \exp(\alpha_i(x_{<i}))\, z_i + \mu_i(x_{<i}), \qquad z_i = (x_i - \mu_i(x_{<i})) \exp(-\alpha_i(x_{<i}))
# $$ (N18)
#
# Read as a map $x \to z$: $z_i$ depends on $x_1 \ldots x_i$ only, so $\partial z/\partial x$ is lower triangular with
# $e^{-\alpha_i}$ on its diagonal, and $\log|\det| = -\sum_i \alpha_i(x_{<i})$ ([N9](02b_learning_flows.py)). The
# flow's formula ([N6](02a_composing_flows.py)) and the product of conditionals are the same number, term by term:
#
# $$
# \log p_Z(z) - \sum_i \alpha_i = \sum_i \Bigl[-\tfrac12 \Bigl(\frac{x_i - \mu_i}{e^{\alpha_i}}\Bigr)^2 - \tfrac12
# \log 2\pi - \alpha_i\Bigr] = \sum_i \log N(x_i; \mu_i, e^{2\alpha_i})
# $$
#
# **By hand.** $n = 3$; $\mu_1 = 1$, $\alpha_1 = 0$; $\mu_2 = \tfrac12 x_1$, $\alpha_2 = \tfrac12 x_1 \log 2$; $\mu_3
# = x_1 + x_2$, $\alpha_3 = (x_1 + x_2) \log 3$. Sampling from $z = (1, -1, 1)$, a loop:
#
# | round | known | network | made |
# |---|---|---|---|
# | 1 | – | $\mu_1 = 1$, $e^{\alpha_1} = 1$ | $x_1 = 1 \cdot 1 + 1 = 2$ |
# | 2 | $x_1$ | $\mu_2 = 1$, $e^{\alpha_2} = 2$ | $x_2 = 2 \cdot (-1) + 1 = -1$ |
# | 3 | $x_1, x_2$ | $\mu_3 = 1$, $e^{\alpha_3} = 3$ | $x_3 = 3 \cdot 1 + 1 = 4$ |
#
# The density of $x = (2, -1, 4)$: all six numbers $\mu = (1, 1, 1)$, $e^\alpha = (1, 2, 3)$ come from the given $x$ at
# once, and so does $z = (1, -1, 1)$. $\log p = -\tfrac32 - \tfrac32 \log 2\pi - \log 6 = -6.0486$.
#
# ```{literalinclude} ../nfedu/bijections/autoregressive.py
# :pyobject: MaskedAutoregressive.x_to_z
# ```
#
# (`order`: in which coordinates come, `place` undoes it; `log_scale` makes α of r; `check` refuses what is not finite;
# `over_columns` sums each row.) Its backward: $dz = e^{-\alpha} (dx - d\mu) - z\,d\alpha$ and $d\ell = -\sum_i
# d\alpha_i$, so $g_x = g_z e^{-\alpha}$, $g_\mu = -g_x$, $g_\alpha = -g_z z - g_\ell$
# ([00b](00b_backward_of_a_flow.py)); what the network sends back from $g_\mu, g_\alpha$ is added to $g_x$.
#
# The loop of sampling has three methods that make one x: `naive`, a whole pass a round; `cached`, each hidden unit
# once; `jacobi`, all coordinates again and again until none moves. [06b](06b_maf_at_work.py) counts what they cost.

# %%
pencil = nfedu.MaskedAutoregressive(3, (), bound=None, rng=rng)
weights, biases = (p.value for p in pencil.parameters().values())
weights[...], biases[...] = 0, 0  # columns: μ₁ α₁ μ₂ α₂ μ₃ α₃
biases[0], weights[0, 2:], weights[1, 4:] = 1, [0.5, 0.5 * log2, 1, log3], [1, log3]
z, x = np.array([[1.0, -1.0, 1.0]]), np.array([[2.0, -1.0, 4.0]])
for method in ("naive", "cached", "jacobi"):
    pencil.method = method
    error = abs(pencil.z_to_x(z)[0] - x).max()
    lesson.claim("N18", f"pencil: z = (1, −1, 1) goes to x = (2, −1, 4), {method}", error, 1e-14, pencil.z_to_x)
error = max(abs(pencil.x_to_z(x)[0] - z).max(), abs(pencil.x_to_z(x)[1] + log6).max())
lesson.claim("N18", "pencil: and back, with log-det −log 6", error, 1e-14, nfedu.MaskedAutoregressive.x_to_z)
log_p = nfedu.Flow(nfedu.StandardNormal(3), pencil).log_prob(x).item()
lesson.claim("N18", "pencil: log p(2, −1, 4) = −6.0486", abs(log_p + 6.0486), 5e-5, nfedu.Flow.log_prob)

# %% [markdown]
# ## One network for all of them: MADE
#
# $n$ networks, one for each $i$, would do. MADE is one network for all, in which weights are masked. Every unit gets
# a *degree*: input $j$ has $j$; a hidden unit has some $k \in 1 \ldots n - 1$, the number of inputs that it may see
# (1 if $n = 1$, where no output looks); the outputs for coordinate $i$ have $i$. A connection stays where
#
# - into a hidden unit: degree below $\le$ degree above;
# - into an output: degree below $<$ degree above.
#
# **Why that composes.** Take a path from input $j$ through hidden units of degrees $k_1, \ldots, k_L$ to an output for
# $i$. Each connection stays: $j \le k_1 \le \ldots \le k_L < i$: hence $j < i$. No path leads from $x_j$ to $\mu_i,
# \alpha_i$ unless $j < i$, and a derivative is a sum over paths: $\partial \mu_i/\partial x_j = 0$ exactly for $j \ge
# i$, whatever the weights. Nothing reaches the outputs for 1: $\mu_1, \alpha_1$ are biases. *No pair is lost* either:
# if each layer has a unit of every degree, $j \le j \le \ldots \le j < i$ is a path for each $j < i$.
#
# **By hand.** $n = 3$, four hidden units of degrees 1, 1, 2, 2, one output a coordinate. A row is a unit that looks, a
# column one that is looked at, as in the picture (the code, which multiplies from the right, has them transposed):
#
# $$
# M_1 = \begin{pmatrix} 1 & 0 & 0 \\ 1 & 0 & 0 \\ 1 & 1 & 0 \\ 1 & 1 & 0 \end{pmatrix}, \quad M_2 = \begin{pmatrix}
# 0 & 0 & 0 & 0 \\ 1 & 1 & 0 & 0 \\ 1 & 1 & 1 & 1 \end{pmatrix}, \quad M_2 M_1 = \begin{pmatrix} 0 & 0 & 0 \\ 2 & 0 & 0
# \\ 4 & 2 & 0 \end{pmatrix}
# $$
#
# The product counts paths: from $x_1$ two to output 2 and four to output 3, from $x_2$ two to output 3.
#
# ```{literalinclude} ../nfedu/networks/made.py
# :pyobject: MADE.mask
# ```

# %%
small, worst, missing = MADE(3, (4,), 1, rng=rng), 0, 0
M = [[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0]], [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
error = max(abs(small.mask(k).T - np.array(M[k])).max() for k in (0, 1))
lesson.claim("N18", "pencil: MADE's masks, n = 3, four hidden units", error, 0, MADE.mask)
for n in (1, 2, 5, 9):
    for degrees in ("random", "sequential"):
        net = MADE(n, (12, 10, 11), 1, degrees=degrees, rng=rng)
        paths, below = np.linalg.multi_dot([net.mask(k).T.astype(int) for k in (3, 2, 1, 0)]), np.tri(n, k=-1) == 1
        worst = max(worst, paths[~below].max())  # j ≥ i: on and above the diagonal
        missing += (degrees == "sequential") * (paths[below] == 0).sum()
lesson.claim("N18", "largest number of paths from x_j to outputs for i ≤ j, eight networks", worst, 0, MADE.mask)
lesson.claim("N18", "number of pairs j < i without a path, sequential degrees", missing, 0, MADE.mask)

# %% [markdown]
# And the layer, with any weights? Its log p beside the conditionals, each by itself, from a network that is shown
# $x_{<i}$ and zeros; then each direction against the other, and the log-det against the dense Jacobian.


# %%
def conditionals(layer, x):
    """Σ_i log N(x_i; μ_i, e^{2α_i}) of one row, by the weights and masks alone."""
    total, net = 0.0, layer.net
    for i in range(len(x)):
        h = np.where(np.arange(len(x)) < i, x, 0)
        for k, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
            a = h @ (W.value * net.mask(k)) + b.value
            h = np.tanh(a)
        mu, r = a[2 * i : 2 * i + 2]  # the last layer has no tanh
        total += stats.norm.logpdf(x[i], mu, np.exp(layer.log_scale.c.value[i] * np.tanh(r)))
    return total


layer = nfedu.MaskedAutoregressive(5, (9, 8), activation="tanh", rng=rng)
for p in layer.parameters().values():
    p.value += 0.3 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((50, 5))
x, flow = layer.z_to_x(z)[0], nfedu.Flow(nfedu.StandardNormal(5), [layer])
error = abs(flow.log_prob(x[:10]) - [conditionals(layer, row) for row in x[:10]]).max()
lesson.claim("N18", "log p(x) = Σ log N(x_i; μ_i, e^{2α_i}), loops", error, 1e-12, nfedu.Flow.log_prob)
lesson.claim("N18", "x_to_z undoes z_to_x", abs(layer.x_to_z(x)[0] - z).max(), 1e-12, layer.x_to_z)
J = layer_jacobians(layer, "x_to_z", x)[0]
error = abs(layer.x_to_z(x)[1] - np.linalg.slogdet(J)[1]).max()
lesson.claim("N18", "−Σ α = slogdet of the dense ∂z/∂x", error, 1e-10, nfedu.MaskedAutoregressive)
lesson.claim("N18", "largest entry above the diagonal, 50 points", abs(J[:, ~np.tri(5, dtype=bool)]).max(), 0, MADE)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(9.8, 3), width_ratios=[1.1, 1, 1, 1.25])
show_masks(axes[:3], small)
fig.colorbar(show_jacobian(axes[3], J[0], "z", "x"), ax=axes[3], shrink=0.8)
axes[3].set_title("∂z/∂x, n = 5, two hidden layers")
caption = """The masks of the example by hand, a row a unit that looks, with the units' degrees; their product counts
the paths from input to output, none on or above the diagonal. Right: what masks do to the Jacobian of a larger layer,
which has e^{−α} on its diagonal: grey entries, above it, are exactly 0."""
lesson.show(fig, "06a_masks", caption)

draw = np.random.default_rng(8)
nets, (fig, axes) = [MADE(5, (8, 8), 1, rng=draw) for _ in range(2)], plt.subplots(1, 3, figsize=(9, 3.4))
caption = """Which units of a MADE are there after k rounds (n = 5, units sorted by degree; in a unit stands its round).
Left, a density, in parallel: x is there, a round a layer, done after three. Middle, a sample, in a loop: x₁ comes from
biases, then hidden units of degree 1, then x₂ …: a front goes from left to right. Right, the mask from hidden layer 1
to 2: round k ≤ 4 of sampling needs its rows of degree k, each once; round 5, which makes x₅, needs none."""
words = [f"{k} round{'s' * (k != 1)}" for k in range(6)]
lesson.slide(fig, lambda k: show_front(axes, nets, k), words, "06a_wavefront", caption, "after", start=3)

two = [nfedu.MaskedAutoregressive(2, (16,), order, activation="tanh", rng=draw) for order in ([0, 1], [1, 0])]
for maf in two:
    maf.net.weights[-1].value *= 5
    maf.net.biases[-1].value[:2] = 0.3, 0.1
fig, axes = plt.subplots(2, 3, figsize=(7.8, 5.4))
names = ["before: x = z", "a MAF layer, $x_1$ first", "and one with $x_2$ first"]
passed = stages(nfedu.StandardNormal(2), two)
most = max(density_on_grid(stage, -4, 4).density.max() for stage in passed)
for column, stage, title in zip(axes.T, passed, names, strict=True):
    show_stage(*column, stage, title, 4, most=most, bar=title == names[-1])
caption = """MAF layers on a grid and on N(0, I) (colour: p^0.6, one scale for all). In the plane a layer is a coupling
that also scales and shifts the coordinate that comes first, by constants. Two orders together bend all lines."""
lesson.show(fig, "06a_warp", caption)

# %% [markdown]
# **M8.** After $x_1$ is made the notes say "compute $\mu_1(x_1), \alpha_1(x_1)$", after $x_2$ "$\mu_2(x_1, x_2)$",
# and at the end, rightly, $\mu_n(x_1 \ldots x_{n-1})$: in the first two lines a subscript is shifted by one. From
# $x_1$ come $\mu_2, \alpha_2$, from $x_1, x_2$ come $\mu_3, \alpha_3$; $\mu_1, \alpha_1$ are constants. If one reads
# the print literally (one reading of several), $x_1 = e^{\alpha_1(x_1)} z_1 + \mu_1(x_1)$ has $x_1$ on both sides. Let
# $\mu_1(x_1) = \tfrac12 x_1$, $\alpha_1(x_1) = \tfrac12 x_1 \log 2$, the $\mu_2, \alpha_2$ of the example. Then $z_1 =
# (x_1 - \tfrac12 x_1)\,e^{-\alpha_1} = \tfrac12 x_1 2^{-x_1/2}$, with slope $\tfrac12 2^{-x_1/2} (1 - \tfrac12 x_1 \log
# 2)$: it rises up to $x_1 = 2/\log 2 = 2.89$ and falls beyond, so it has no inverse. At $x_1 = 2$ the slope is
# $\tfrac14 (1 - \log 2)$ where $e^{-\alpha_1} = \tfrac12$: the log-det is off by $\log 2 - \log(1 - \log 2) = 1.87$.

# %%
heights = [0.5 * v * 2 ** (-v / 2) for v in (2 - 1e-5, 2 + 1e-5)]
printed = abs(np.log((heights[1] - heights[0]) / 2e-5) + log2)
x = np.array([[2.0, -1.0, 4.0]])
error = abs(pencil.x_to_z(x)[1] - np.linalg.slogdet(layer_jacobians(pencil, "x_to_z", x)[0])[1]).max()
statement = "by hand, at (2, −1, 4): log-det of all three; printed, read as μ₁(x₁): of x₁ alone"
lesson.claim("M8", statement, error, 1e-12, MADE, printed)

# %% [markdown]
# ## Why a triangle can be any density
#
# A triangular Jacobian looks like a loss of generality. It is none. Let $F_i(\cdot \mid x_{<i})$ be the distribution
# function of $x_i$ given what came before, for a density that is positive everywhere. Then
#
# $$
# z_i = \Phi^{-1}\bigl(F_i(x_i \mid x_{<i})\bigr)
# $$
#
# is triangular, and increasing in $x_i$ from $-\infty$ to $\infty$: it can be undone, coordinate after coordinate.
# Given $x_{<i}$, $F_i(x_i \mid x_{<i})$ is uniform on (0, 1) (that is what a distribution function does to its own
# variable), so $z_i$ is $N(0, 1)$ *whatever* $x_{<i}$ is: independent of it, and of $z_{<i}$. So every such density is
# a triangular map of $N(0, I)$, in any order of the coordinates.
#
# *Who proved what.* Rosenblatt (1952): the $F_i$ make any such density uniform on a cube. Knothe (1957): a triangular
# map from one convex body to another, by the same conditionals. Bogachev, Kolesnikov & Medvedev (2005): from any
# density to any other there is an increasing triangular map, and only one, up to sets of measure 0. Hyvärinen & Pajunen
# (1999): so nonlinear independent components always exist, and are not unique. Papamakarios et al. (2021, section 2.2):
# the argument above, for flows. Jaini, Selby & Yu (2019): increasing polynomials, whose coefficients a network gives,
# are enough to come as near as one likes.
#
# An affine step is the case in which each $F_i$ is a Gaussian's: one MAF layer is exact for Gaussian conditionals and
# not beyond. What stacks of them can do is in [06b](06b_maf_at_work.py).
#
# Below, $x_2 \sim N(0, 4)$, $x_1 \mid x_2 \sim N(x_2^2/4, 1)$, in the order in which it is *not* Gaussian, $x_1$ first.
# $F_1$ and $F_2$ are sums on a grid. Draws must become N(0, I), $|z|^2$ a $\chi^2(2)$, the angle uniform, within
# Kolmogorov distances of $1.95/\sqrt N$, which chance exceeds once in a thousand. Their independence is not tested.

# %%
parabola = nfedu.AffineCoupling(2, (), mask=[False, True], bound=None, rng=rng)
parabola.conditions = lambda x2: (x2**2 / 4, np.zeros_like(x2), None)
target = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.0, 2.0]), parabola])
low, high, cells = np.array([-6.0, -11.0]), np.array([30.0, 11.0]), np.array([1200, 800])
grid = density_on_grid(target, low, high, cells)
edges = [low[k] + (high[k] - low[k]) * np.arange(cells[k] + 1) / cells[k] for k in (0, 1)]
F1 = np.append(0, np.cumsum(grid.density.sum(axis=1))) / grid.density.sum()
given = np.cumsum(grid.density, axis=1) / grid.density.sum(axis=1, keepdims=True)
F2 = RegularGridInterpolator((grid.axes[0], edges[1]), np.pad(given, ((0, 0), (1, 0))), bounds_error=False)


def rosenblatt(x):
    """z of the target's x: Φ⁻¹ of F₁(x₁) and of F₂(x₂ | x₁)."""
    u = np.column_stack([np.interp(x[:, 0], edges[0], F1), F2(x)])
    return stats.norm.ppf(np.clip(u, 1e-12, 1 - 1e-12))


x = target.sample(20_000, rng)
z = rosenblatt(x)
angle = np.arctan2(z[:, 1], z[:, 0]) / (2 * np.pi) + 0.5
off = [stats.kstest((z**2).sum(axis=1), stats.chi2(2).cdf).statistic, stats.kstest(angle, "uniform").statistic]
statement = "a triangular map: |z|² as χ²(2), angle as uniform, distances / (1.95/√N)"
lesson.claim("N18", statement, max(off) * np.sqrt(len(x)) / 1.95, 1, rosenblatt)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.3))
show_density(axes[0], target, (-5, -7), (14, 7), 400, bar=True)
axes[0].set(title="the target", aspect="auto")
line = np.linspace(-7, 7, 300)
for x1, colour in zip((0, 4, 9), ("tab:blue", "tab:orange", "tab:green"), strict=True):
    axes[0].axvline(x1, color=colour, linewidth=1)
    axes[1].plot(line, rosenblatt(np.column_stack([np.full(300, x1), line]))[:, 1], color=colour, label=f"$x_1$ = {x1}")
axes[1].set(xlabel="$x_2$", ylabel="$z_2$", ylim=(-4, 4), title="$z_2 = Φ^{-1}(F_2(x_2 | x_1))$")
axes[1].legend()
samples_axes(axes[2], z[:5000], -4, 4, letter="z")
axes[2].set_title("draws of the target, mapped: N(0, I)")
caption = """A triangular map that takes x₁ first and is exact. Right of the bend there are two arms for each x₁: the
map of x₂ is steep on each and flat in the gap. A MAF layer could only draw a straight line for each x₁."""
lesson.show(fig, "06a_triangular", caption)

# %% [markdown]
# ## Summary
#
# Gaussian conditionals are a flow: the product of conditionals and the change of variables give one number (N18). Given
# x everything is computed at once; to make x, coordinates wait for each other. MADE's degrees let one network answer
# for all coordinates: on any path degrees never fall and rise at the end. Triangular maps can be any density that is
# positive everywhere, affine ones only those with Gaussian conditionals in their order.
#
# **Exercise.** Let a hidden mask use < instead of ≤, with `method="naive"`: is the map still a MAF, and what is lost?
# With [06b](06b_maf_at_work.py) read: why does `cached` now make another x?
# %%
lesson.end()
