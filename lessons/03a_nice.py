# %% [markdown]
# # 03a · NICE: additive coupling
#
# *Notes: NICE — additive coupling layers; NICE 重缩放. Statements N10–N13, misprints M4, M5 and M10.*
# *Paper: Dinh, Krueger & Bengio 2014, "NICE: Non-linear Independent Components Estimation".*
#
# **What the notes say here:**
#
# 1. Split $Z$ into two parts, $Z_{1:d}$ and $Z_{d+1:n}$.
# 2. Forward (正向过程, $Z \mapsto X$): the first part passes; $m_\theta$, a network with $d$ inputs and $n - d$
#    outputs, shifts the second.
# 3. Back (反向过程, $X \mapsto Z$): the same, with a minus.
# 4. The Jacobian has good properties: identity blocks, zeros, determinant 1. Nothing needs to be normalized.
# 5. The last layer rescales (重缩放): $X_i = s_i Z_i$, $s_i$ a scale factor (缩放因子), with determinant $\prod s_i$.
#
# **What you need:** [02b](02b_learning_flows.py), N9; matrices in blocks; what a layer's `backward` returns
# ([00b](00b_backward_of_a_flow.py)); the complex step ([00d](00d_is_it_right.py)), the checks
# ([00e](00e_find_the_bug.py)).
#
# We want a map that is as rich as a neural network, is undone exactly, and has a triangular Jacobian. A network is none
# of these. The trick: never invert the network. Let it look at one part of the coordinates and move the other part.

# %%
import copy

import numpy as np
from matplotlib import pyplot as plt
from scipy import stats

import nfedu
from nfedu.checks import check_bijection, density_on_grid, layer_jacobians, worst_difference
from nfedu.course.lesson import begin
from nfedu.plotting import Stage, cleared, show_density, show_jacobian, show_stage, show_warp
from nfedu.plotting.scenes.cells import area

lesson = begin("03a · NICE: additive coupling")
rng = np.random.default_rng(3)

# %% [markdown]
# ## There and back (NICE 正向, 反向)
#
# $$
# \begin{aligned} x_{1:d} &= z_{1:d} \\
# x_{d+1:n} &= z_{d+1:n} + m_\theta(z_{1:d}) \end{aligned}
# $$ (N10)
#
# On the way back the first part is still there, so the same network gives the same shift, which we subtract:
#
# $$
# \begin{aligned} z_{1:d} &= x_{1:d} \\
# z_{d+1:n} &= x_{d+1:n} - m_\theta(x_{1:d}) \end{aligned}
# $$ (N11)
#
# Put N10 into N11: $x_{d+1:n} - m_\theta(x_{1:d})$ is $z_{d+1:n} + m_\theta(z_{1:d}) - m_\theta(z_{1:d})$, and that is
# $z_{d+1:n}$. Nothing was asked of $m_\theta$.
#
# ```{literalinclude} ../nfedu/bijections/coupling/additive.py
# :pyobject: AdditiveCoupling.z_to_x
# ```
#
# ## Its Jacobian (NICE Jacobian)
#
# Differentiate block by block. $x_{1:d}$ is $z_{1:d}$: the blocks are $I$ and 0. $x_{d+1:n}$ depends on $z_{1:d}$
# through $m_\theta$ alone, and on $z_{d+1:n}$ by adding it:
#
# $$
# \frac{\partial x}{\partial z} =
# \begin{pmatrix} \partial x_{1:d}/\partial z_{1:d} & \partial x_{1:d}/\partial z_{d+1:n} \\
# \partial x_{d+1:n}/\partial z_{1:d} & \partial x_{d+1:n}/\partial z_{d+1:n} \end{pmatrix} =
# \begin{pmatrix} I_d & 0 \\ \partial m_\theta/\partial z_{1:d} & I_{n-d} \end{pmatrix}, \qquad \det = 1
# $$ (N12)
#
# It is lower triangular with ones on its diagonal, so N9 gives $\det = 1$. No network enters: whatever $m_\theta$ does,
# volume is preserved, and $p_X(x) = p_Z(z)$. In `backward`, the gradient that arrives at $x_{d+1:n}$ goes on to
# $z_{d+1:n}$ (block $I$) and, through the network, to $z_{1:d}$ and θ. On the way x→z with a minus.
#
# **By hand.** $n = 3$, $d = 1$, $m(z_1) = (3z_1 + 1, -z_1)$. From $z = (2, 1, 0)$: $m = (7, -2)$, $x = (2, 8, -2)$.
# Back: $8 - 7 = 1$, $-2 + 2 = 0$. The Jacobian has the rows $(1, 0, 0)$, $(3, 1, 0)$, $(-1, 0, 1)$, determinant 1, and
# $\log p_X(2, 8, -2) = \log p_Z(2, 1, 0)$, which is $-\frac32 \log 2\pi - \frac52 = -5.2568$.

# %%
linear = nfedu.AdditiveCoupling(3, (), d=1, rng=rng)
linear.net.weights[0].value[...], linear.net.biases[0].value[...] = [[3, -1]], [1, 0]
at, arrived = np.array([[2.0, 1.0, 0.0]]), np.array([[2.0, 8.0, -2.0]])
by_hand = [arrived, [[[1, 0, 0], [3, 1, 0], [-1, 0, 1]]], at]
found = [linear.z_to_x(at)[0], layer_jacobians(linear, "z_to_x", at)[0], linear.x_to_z(arrived)[0]]
lesson.claim("N10", "pencil: x = (2, 8, −2), back, and the Jacobian", worst_difference(found, by_hand), 0, linear)
log_p = nfedu.Flow(nfedu.StandardNormal(3), linear).log_prob(arrived)[0]
lesson.claim("N12", "pencil: log p(2, 8, −2) = −5.2568", abs(log_p + 5.2568), 5e-5, nfedu.AdditiveCoupling)

# %% [markdown]
# Eight dimensions, two hidden layers: row by row in a loop that takes only weights, no layer and no network of ours.

# %%
coupling = nfedu.AdditiveCoupling(8, hidden=(16, 16), activation="tanh", rng=rng)
for p in coupling.parameters().values():
    p.value += 0.5 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((200, 8))
x, log_det, _ = coupling.z_to_x(z)
W0, b0, W1, b1, W2, b2 = (p.value for p in coupling.parameters().values())
error = 0.0
for z_row, x_row in zip(z, x, strict=True):
    h = np.tanh(W1.T @ np.tanh(W0.T @ z_row[:4] + b0) + b1)
    m = [sum(W2[k, i] * h[k] for k in range(16)) + b2[i] for i in range(4)]
    error = max(error, abs(x_row - np.r_[z_row[:4], z_row[4:] + m]).max())
lesson.claim("N10", "n = 8: x = (z_a, z_b + m(z_a)), row by row in a loop", error, 1e-13, nfedu.AdditiveCoupling.z_to_x)
lesson.claim("N11", "x_to_z undoes it", abs(coupling.x_to_z(x)[0] - z).max(), 1e-12, nfedu.AdditiveCoupling.x_to_z)

# %% [markdown]
# Its Jacobian at 200 points, by the complex step, $f'(x) = \operatorname{Im} f(x + ih)/h$: $\log|\det|$ by elimination
# (`slogdet`), and the blocks of N12.

# %%
J, _ = layer_jacobians(coupling, "z_to_x", z)
error = abs(log_det - np.linalg.slogdet(J)[1]).max()
lesson.claim("N12", "log|det| = 0 = slogdet of the dense Jacobian", error, 1e-10, nfedu.AdditiveCoupling)
blocks = abs(J[:, :4, :4] - np.eye(4)).max(), abs(J[:, :4, 4:]).max(), abs(J[:, 4:, 4:] - np.eye(4)).max()
lesson.claim("N12", "blocks I, 0 and I of the Jacobian: largest error", max(blocks), 0, nfedu.AdditiveCoupling)

# %% [markdown]
# All that a layer promises, gradients too, is asked by the checker of [00e](00e_find_the_bug.py). A line is a rung of
# its ladder: how many checks pass, and which came nearest to failing, error ≤ tolerance. (*Contract*: shapes, and that
# nothing given is changed; *complex*: derivatives by the complex step; *latents of our own*: points that the checker
# adds to those given; all is asked again with parameters moved by 10%.)

# %%
report = check_bijection(coupling, x[:6])
print(report.summary())
words = "number of checks of a coupling, n = 8, both ways with their backwards, that fail"
lesson.claim("N12", words, len(report.failures), 0, check_bijection)

# %% [markdown]
# And what determinant 1 means: two couplings in the plane, the second with the roles exchanged, bend a disc, and its
# area stays: of a polygon, by the shoelace formula $\tfrac12 \sum_k (x_k y_{k+1} - x_{k+1} y_k)$.

# %%
same = {"activation": "tanh", "rng": np.random.default_rng(5)}
pair = [nfedu.AdditiveCoupling(2, (16,), flip=flip, **same) for flip in (False, True)]
for layer in pair:
    layer.net.weights[-1].value *= 12  # fresh couplings are nearly the identity: make it visible
turn = np.linspace(0, 2 * np.pi, 20_001)[:-1]
disc = np.stack([np.cos(turn), np.sin(turn)], axis=1)
error = abs(area(nfedu.Chain(pair).z_to_x(disc)[0]) - np.pi)
lesson.claim("N12", "the image of the unit disc under two couplings has area π, by shoelace", error, 1e-6, area)

# %% [markdown]
# One coupling leaves $x_{1:d}$ as it is. So the next one exchanges the roles (`flip`): what passed is moved, and what
# was moved passes. How many until every output depends on every input? With $n = 8$, $d = 4$ one coupling's Jacobian
# has 16 zeros in its upper right block and 12 in each identity. A flipped one fills the upper half; the lower right
# block is still the identity. The third fills that, too. We count entries that are 0 at every point.

# %%
three = [coupling, *(nfedu.AdditiveCoupling(8, (16, 16), flip=flip, rng=rng) for flip in (True, False))]
for layer in three[1:]:
    layer.net.weights[-1].value *= 8
J_of = [layer_jacobians(nfedu.Chain(three[:count]), "z_to_x", z[:20])[0] for count in (1, 2, 3)]
error = max(abs((J == 0).all(axis=0).sum() - zeros) for J, zeros in zip(J_of, (40, 12, 0), strict=True))
lesson.claim("N12", "∂x/∂z of one, two, three couplings has 40, 12, 0 zeros of 64", error, 0, nfedu.AdditiveCoupling)

# %% tags=["hide-input"]
scale = nfedu.Rescale(2, [1.3, 0.7])
chains = [[nfedu.Shift(2)], pair[:1], pair, [*pair, scale]]
titles = ["before: x = z", "one coupling: x₂ moves", "flipped: x₁ moves", "and a rescaling"]
fig, axes = plt.subplots(2, 4, figsize=(10, 4.9))
for m, ((above, below), chain) in enumerate(zip(axes.T, map(nfedu.Chain, chains), strict=True)):
    show_warp(above, lambda v, chain=chain: chain.z_to_x(v)[0])
    show_density(below, nfedu.Flow(nfedu.StandardNormal(2), copy.deepcopy(chain)), -4, 4, most=0.18, bar=m == 3)
    above.set(title=titles[m], xlim=(-4, 4), ylim=(-4, 4), xlabel="", ylabel="$x_2$" if m == 0 else "")
    below.set(ylabel="$x_2$" if m == 0 else "")
caption = """A coupling slides each vertical line along itself, the flipped one each horizontal line: cells change
their shape, never their area. So the density (below, p^0.6 in one scale of colours, with its integral) changes its
shape, never its peak of 1/2π = 0.159; only the rescaling, by (1.3, 0.7), lifts it, to 0.159/0.91 = 0.175."""
lesson.show(fig, "03a_shear", caption)

moved, factors = copy.deepcopy(pair[0]), np.linspace(-1, 1, 17)
weights, (fig, axes) = moved.net.weights[-1].value.copy(), plt.subplots(1, 2, figsize=(7, 3.7))


def shifted(k):
    moved.net.weights[-1].value[...] = factors[k] * weights
    show_stage(*cleared(axes), Stage(nfedu.StandardNormal(2), [moved]), "x₂ = z₂ + t m(z₁)", 4, most=0.18)


caption = """One coupling whose shift is turned up and down: each vertical line slides along itself, by t m(z₁). At t =
0 nothing moves; −t undoes t. Cells keep their areas, and the brightest spot its density 1/2π (colours as above)."""
words = [f"t = {t:.2f}".replace("-", "−") for t in factors]
lesson.slide(fig, shifted, words, "03a_shift", caption, "the shift's factor t", start=14)

fig, axes = plt.subplots(1, 3, figsize=(9.5, 3))
for count, (ax, J) in enumerate(zip(axes, J_of, strict=True), 1):
    image = show_jacobian(ax, J[0], limit=max(abs(J[0]).max() for J in J_of))
    ax.set_facecolor("0.6")  # a grey that no small entry has
    ax.set_title(f"{count} coupling{'s' * (count > 1)}: det = {np.linalg.det(J[0]):.6f}")
fig.colorbar(image, ax=axes, shrink=0.8)
caption = """∂x/∂z at one point, n = 8, d = 4, after one, two and three couplings that are flipped in turn, in one
scale of colours; grey is exactly 0, white small. One has the identity blocks and zeros of N12; after three every
output depends on every input, and the determinant is still 1."""
lesson.show(fig, "03a_jacobians", caption)

# %% [markdown]
# ### Errata: M4 and M5
#
# **M4.** The notes ask for $1 < d < n$. It must be $1 \le d < n$: for $n = 2$ the printed range is empty, and all that
# is left of a flow in the plane is its base. Take the density that $x_1 = z_1$, $x_2 = z_2 + 2 \tanh z_1$ gives. A
# coupling with $d = 1$ and one tanh unit *is* that map; the base alone is $\mathbb{E}\,\frac12 (2 \tanh x_1)^2 =
# 0.7886$ nats (the unit of natural logarithms) away; the mean over 20,000 points, below, knows that to ± 0.01.
#
# **M5.** The lower left block is printed as a quotient, $\partial m_\theta(z_{1:d})/z_{1:d}$, one ∂ short. It is the
# Jacobian $\partial m_\theta/\partial z_{1:d}$.

# %%
plane = nfedu.AdditiveCoupling(2, (1,), d=1, activation="tanh", rng=rng)
for p, value in zip(plane.parameters().values(), (1, 0, 2, 0), strict=True):
    p.value[...] = value
x = rng.standard_normal((20_000, 2))
x[:, 1] += 2 * np.tanh(x[:, 0])
truth = stats.norm.logpdf(x[:, 0]) + stats.norm.logpdf(x[:, 1], 2 * np.tanh(x[:, 0]))
flow = nfedu.Flow(nfedu.StandardNormal(2), plane)
corrected, printed = (abs((truth - model.log_prob(x)).mean()) for model in (flow, flow.base))
statement = "n = 2: KL(data‖model), nats, d = 1; printed: 1 < d < 2, so no coupling at all"
lesson.claim("M4", statement, corrected, 1e-12, nfedu.AdditiveCoupling, printed)
z2 = rng.uniform(0.5, 2, (200, 2))
block = layer_jacobians(plane, "z_to_x", z2)[0][:, 1, 0]
m, net_backward = plane.net(z2[:, :1])
error, quotient = (abs(found - block).max() for found in (net_backward(np.ones_like(m))[:, 0], m[:, 0] / z2[:, 0]))
lesson.claim("M5", "largest error of the block ∂m/∂z, by backward; printed: m/z", error, 1e-11, nfedu.MLP, quotient)

# %% [markdown]
# ## Rescaling (NICE 重缩放)
#
# A chain of couplings has determinant 1: it moves mass about but never compresses it. So NICE adds one diagonal layer:
#
# $$
# x_i = s_i z_i, \qquad z_i = x_i / s_i, \qquad \frac{\partial x}{\partial z} = \mathrm{diag}(s), \qquad
# \left|\det \frac{\partial x}{\partial z}\right| = \prod_i |s_i|
# $$ (N13)
#
# (diagonal, since $x_i$ depends on $z_i$ alone). On the way back $|\det \partial z/\partial x| = \prod_i 1/|s_i|$, so
# $\log p_X$ loses $\sum_i \log|s_i|$. For $s = (1.5, -0.5)$ that is $\log 0.75 = -0.2877$: the density gains.
#
# **Trap.** The paper scales x→z, the notes z→x. The sign of $\sum \log |s|$ differs, each right about its own $s$.

# %%
s = np.array([1.5, -0.5])
rescaled, points = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Rescale(2, s)), rng.standard_normal((100, 2))
expected = stats.norm(0, abs(s)).logpdf(points).sum(axis=1)  # s_i z_i is N(0, s_i²)
error = abs(rescaled.log_prob(points) - expected).max()
lesson.claim("N13", "x = (1.5 z₁, −0.5 z₂) has SciPy's N(0, s²), Σ log|s| lost", error, 1e-12, nfedu.Rescale)

# %% [markdown]
# **At which end?** The notes call it the last layer of $z \to x$, next to the data. The paper puts it last on the way
# x→z, next to the base, and so do we: `Rescale` comes first in the list. It makes no difference to what can be reached.
# Let $C$ be a coupling, $S$ the rescaling. Then $S \circ C = C' \circ S$ with $m'(u) = s_{d+1:n}\, m(u / s_{1:d})$:
# both give $x_{1:d} = s_{1:d}\,z_{1:d}$ and $x_{d+1:n} = s_{d+1:n} (z_{d+1:n} + m(z_{1:d}))$. And $m'$ is a network
# again, with other first and last weights. So a rescaling can be moved through all couplings from one end to the other.

# %%
s8 = rng.uniform(0.5, 2, 8)
moved = nfedu.AdditiveCoupling(8, hidden=(16, 16), activation="tanh", rng=rng)
weights = (W0 / s8[:4, None], b0, W1, b1, W2 * s8[4:], b2 * s8[4:])
for p, value in zip(moved.parameters().values(), weights, strict=True):
    p.value[...] = value
ends = [nfedu.Chain([coupling, nfedu.Rescale(8, s8)]), nfedu.Chain([nfedu.Rescale(8, s8), moved])]
error = worst_difference(ends[0].z_to_x(z)[:2], ends[1].z_to_x(z)[:2])
lesson.claim("N13", "rescaling after a coupling = before one with other weights", error, 1e-12, nfedu.Rescale)

# %% [markdown]
# **M10.** The notes write $\det J = \prod s_i$ with neither modulus nor condition. With one negative $s_i$ the printed
# density is negative; $s_i = 0$ cannot be undone, and `Rescale` refuses it.

# %%
grid = density_on_grid(rescaled, [-12, -4], [12, 4])
mesh = np.stack(np.meshgrid(*grid.axes, indexing="ij"), axis=-1).reshape(-1, 2)
as_printed = np.exp(rescaled.base.log_prob(mesh / s)) / s.prod()  # negative everywhere
printed = abs(as_printed.mean() * 24 * 8 - 1)
statement = "|∫p − 1| with |∏ s|, s = (1.5, −0.5); printed: ∏ s"
lesson.claim("M10", statement, abs(grid.integral - 1), 1e-3, nfedu.Rescale, printed)
let_through = 1
try:
    nfedu.Rescale(2, [1.0, 0.0])
except ValueError as error:
    let_through = 0
    print(f"  refused, as it should be: {error}")
lesson.claim("M10", "number of s with an s_i = 0 that are not refused", let_through, 0, nfedu.Rescale)

# %% [markdown]
# ## In five lines
#
# - Let one part pass, look at it with any network, shift the other part: undone by subtracting the same shift.
# - The Jacobian has $I$, 0 and $I$ for blocks; its determinant is 1, whatever the network does.
# - Exchange the roles from layer to layer: after three, everything depends on everything.
# - Couplings carry the density along unchanged; one rescaling may lift or lower all of it, at either end.
# - $\log p_X$ loses $\sum \log|s_i|$ with the notes' $s$, gains it with the paper's.
#
# **Exercise.** Which $m$ make the inverse of a coupling again a coupling with the same $d$? Is the composition of two
# couplings without `flip` a coupling? Then `python -m lessons exercise 03`, or [03b](03b_volume.py): what volume
# forbids.
# %%
lesson.end()
