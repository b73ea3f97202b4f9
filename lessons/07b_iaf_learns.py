# %% [markdown]
# # 07b · An IAF learns by its slow direction
#
# *Notes: 缺点, what is bad about IAF. Statements N6, N8 and N19.*
# *Paper: Kingma et al. 2016 (IAF), which never needs the slow direction: there it makes posteriors for a VAE.*
#
# What the notes say here, in our words:
#
# - **[缺点是计算代价更大] The drawback** of IAF is that x→z costs more: coordinate after coordinate.
# - **[优化目标] The objective**, $\max_\theta \sum_x \log p(x; \theta)$, is about *given* x: for an IAF the slow way.
#
# Is it then out of the question to train an IAF by maximum likelihood? Here the price is counted, and paid. You need
# [07a](07a_iaf.py), and the backward of a solution, [00c](00c_backward_of_a_solution.py).

# %%
import copy

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import complex_step, density_on_grid, worst_difference
from nfedu.course.lesson import begin
from nfedu.models import autoregressive
from nfedu.networks import counting
from nfedu.networks.incremental import propagate_back
from nfedu.plotting import samples_axes, show_density, show_warp

lesson = begin("07b · An IAF learns by its slow direction")
rng = np.random.default_rng(7)
log2 = np.log(2)

# %% [markdown]
# ## What each direction costs, counted
#
# One pass of a masked network needs one multiply-add for each connection that its masks allow, about half of the dense
# network's. n whole passes (what the notes describe) cost n times that; kept units (lesson 06, `cached`) bring it back
# to one, in the order of the rounds. Below: multiply-adds a row, in units of a dense pass.

# %%
n, N = lesson.pick(16, 64), 100
kinds, nets, costs = (nfedu.MaskedAutoregressive, nfedu.InverseAutoregressive), [], []
for kind in kinds:
    layer, cost = kind(n, (256, 256), rng=rng), {}
    nets.append(getattr(layer, "maf", layer).net)
    dense = N * sum(W.value.size for W in nets[-1].weights)
    for way in ("z_to_x", "x_to_z"):
        for layer.method in ("naive", "cached"):
            with counting() as count:
                getattr(layer, way)(rng.standard_normal((N, n)))
            cost[way, layer.method] = count.multiply_adds / dense
    with counting() as count:
        nfedu.Flow(nfedu.StandardNormal(n), layer).nll(rng.standard_normal((N, n)))
    cost["nll", "gradient"] = count.multiply_adds / dense
    costs.append(cost)
print(f"  {f'n = {n}':<18}   MAF    IAF")
for way, how in costs[0]:
    print(f"  {f'{way}, {how}':<18}{costs[0][way, how]:6.2f} {costs[1][way, how]:6.2f}")

# %% [markdown]
# Read it downwards: for a MAF z→x is slow, for an IAF x→z, by the same numbers. The fast way needs more than the slow,
# cached one, since its few large products take along some of the connections that masks forbid. And the likelihood,
# which goes the slow way for an IAF, costs hardly more than a MAF's. Are the kept units' counts just the connections
# that the masks allow, and do n whole passes cost n fast ones?

# %%
for kind, net, cost, (slow, fast) in zip(kinds, nets, costs, (("z_to_x", "x_to_z"), ("x_to_z", "z_to_x")), strict=True):
    allowed = 0
    for layer, (below, above) in enumerate(zip(net.degrees[:-1], net.degrees[1:], strict=True)):
        allowed += sum(int((below < d if layer == 2 else below <= d).sum()) for d in above)
    error = abs(cost[slow, "cached"] * dense / N / allowed - 1)
    statement = f"{kind.__name__}: the slow way, cached / allowed connections, less 1"
    lesson.claim("N19", statement, error, 1e-12, counting)
    error = abs(cost[slow, "naive"] / cost[fast, "naive"] - n)
    statement = f"{kind.__name__}: the slow way, in whole passes / the fast way, less n"
    lesson.claim("N18" if kind is nfedu.MaskedAutoregressive else "N19", statement, error, 1e-9, counting)
ratio = costs[1]["nll", "gradient"] / costs[0]["nll", "gradient"]
lesson.claim("N8", "multiply-adds of nll with gradients: an IAF / a MAF", ratio, 1.25, counting)

# %% [markdown]
# ## Learning through the slow direction
#
# Maximum likelihood needs the density of *given* x, for an IAF the slow way: rarely done, since the obvious
# implementation costs $n$ passes and their memory. But z solves a triangular system, and backward through a solution is
# the transposed system (00c, B7): from the last coordinate to the first, each unit once. When all later coordinates
# have added their part to $g_{z_i}$, the line $z_i = (x_i - \mu_i) e^{-\alpha_i}$ gives $g_{\mu_i} = -g_{z_i}
# e^{-\alpha_i}$ and $g_{\alpha_i} = -g_{z_i} z_i - g_\ell$ (00b, B5), and these go on into the units before $i$.
#
# **By hand**, with the numbers of 07a: $z = (1, 2, 1)$, $x = (4, 2, 8)$, all $e^{\alpha_i} = 2$. The loss $-\log p(x) =
# \tfrac12 |z|^2 + \sum_i \alpha_i + \text{const}$ gives $g_z = z$ at first, and 1 to each $\alpha_i$.
#
# - *Last coordinate.* $g_{z_3} = 1$; $\mu_3$ gets $-1 \cdot \tfrac12$, $\alpha_3$ gets $-1 \cdot 1 + 1 = 0$. $\mu_3 =
#   (z_1 + z_2) 2^{z_1}$ hands $-\tfrac12 \cdot 2 = -1$ on to $z_2$.
# - *Second.* $g_{z_2} = 2 - 1 = 1$; $\mu_2$ gets $-\tfrac12$, $\alpha_2$ gets $-1 \cdot 2 + 1 = -1$.
# - *First.* $z_1$ has its own 1; from $\mu_3$ it gets $-\tfrac12 (2 + 6 \log 2)$, from $\mu_2 = -z_1 2^{z_1}$ it gets
#   $-\tfrac12 (-2 - 2 \log 2)$, from $\alpha_2 = z_1 \log 2$ it gets $-\log 2$: $g_{z_1} = 1 - 3 \log 2$.
#
# And $x_i$ gets $g_{z_i} e^{-\alpha_i}$: $g_x = \tfrac12 (1 - 3 \log 2,\ 1,\ 1)$.
#
# ```{literalinclude} ../nfedu/networks/incremental.py
# :pyobject: propagate_back
# ```

# %%
small = nfedu.InverseAutoregressive(3, (), bound=None, rng=rng)  # the layer of 07a
weights, bias = small.parameters().values()
weights.value[...] = [[0, 0, 1, -log2, -1, -log2], [0, 0, 0, 0, -1, 0], [0, 0, 0, 0, 0, 0]]
bias.value[:2] = -1, -log2
_, _, backward = small.x_to_z(np.array([[4.0, 2.0, 8.0]]))
g_x = backward(np.array([[1.0, 2.0, 1.0]]), np.array([-1.0]))  # of the loss by z, and by log|det ∂z/∂x|
error = worst_difference([g_x], [[[0.5 - 1.5 * log2, 0.5, 0.5]]])
lesson.claim("N8", "pencil: from the last coordinate to the first, g_x", error, 1e-14, propagate_back)

# %% [markdown]
# Three layers, each with a network of 16 hidden units, and the gradient of the whole likelihood by all weights, along a
# random direction v: the complex step knows nothing of `propagate_back`.

# %%
stack = autoregressive(nfedu.InverseAutoregressive, 5, 3, (16,), activation="tanh", rng=rng)
deep = nfedu.Flow(nfedu.StandardNormal(5), stack)
deep.theta += 0.2 * rng.standard_normal(deep.theta.size)
x, v = deep.sample(40, rng), rng.standard_normal(deep.theta.size)
deep.nll(x)
twin = deep.astype(complex)


def loss(theta):
    twin.theta[:] = theta
    return -twin.log_prob(x).mean()


expected = complex_step(loss, deep.theta, v)
error = abs(v @ deep.grad - expected) / abs(expected)
statement = "θ-gradient of an IAF's likelihood, three layers, against the complex step"
lesson.claim("N8", statement, error, 1e-11, nfedu.Flow.nll)

# %% [markdown]
# **At work**: six IAF layers learn two moons by maximum likelihood.

# %%
rng = np.random.default_rng(0)  # which decides where the bridge below will stand
stack = autoregressive(nfedu.InverseAutoregressive, 2, 6, (64, 64), activation="tanh", rng=rng)
moons = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *stack]).astype(np.float32)
options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True, "average": 0.99}
history = nfedu.fit(moons, datasets.two_moons(20_000, rng), rng=rng, epochs=lesson.pick(3, 20), **options)
nll = -moons.log_prob(datasets.two_moons(20_000, rng)).mean()
print(f"  {history.steps} steps in {history.seconds:.1f} s")
lesson.claim("N8", "IAF on two moons, nats on new points", nll, lesson.pick(1.9, 1.2), nfedu.fit)

# %% [markdown]
# The model's density goes x→z, its samples come z→x: do the two directions agree? The plane cut into boxes: the mass of
# each by summing the density, beside its share of 50,000 samples.

# %%
samples = moons.sample(50_000, rng)
side = lesson.pick(14, 30)  # cells of the grid along a box
cells = density_on_grid(moons.astype(float), -6, 6, 24 * side)
edges = np.linspace(-2.5, 2.5, 11)  # 10 × 10 boxes
mass = cells.density.reshape(24, side, 24, side).sum(axis=(1, 3))[7:17, 7:17] / (2 * side) ** 2
share = np.histogram2d(*samples.T, bins=(edges, edges))[0] / len(samples)
full = mass > 20 / len(samples)
off = abs(share - mass)[full] / np.sqrt(mass[full] / len(samples))
print(f"  {full.sum()} boxes hold {mass[full].sum():.1%} of the mass; from −6 to 6, ∫ p = {cells.integral:.4f}")
statement = "boxes of the plane: ∫ p, by x→z, against shares of samples, by z→x; worst, in standard errors"
lesson.claim("N6", statement, off.max(), 4.5, nfedu.Flow.log_prob)

# %% [markdown]
# ## The density after each layer
#
# In the plane an IAF layer moves one coordinate only along itself by constants ($\mu_1, \alpha_1$), and the other by
# $e^{\alpha(z_1)} z_2 + \mu(z_1)$: it shears and stretches columns, or, the order reversed, rows.

# %% tags=["hide-input"]
layers = moons.bijection.bijections
fig, axes = plt.subplots(2, 4, figsize=(10, 5.6))
for m, ax in enumerate(axes.flat[:7]):
    part = nfedu.Flow(moons.base, copy.deepcopy([*layers[: m + 1]]), np.float32)
    show_warp(ax, lambda z, part=part: part.z_to_x(z)[0], lines=9)
    for line in ax.lines:
        line.set(color="white", alpha=0.55, linewidth=0.6)
    show_density(ax, part, -6, 6, lesson.pick(120, 400))
    ax.set(xlim=(-3, 3), ylim=(-3, 3))
    ax.label_outer()
    ax.set_title(f"after layer {m}: moves {'rows' if m % 2 == 0 else 'columns'}" if m else "z, rescaled")
samples_axes(axes[1, 3], datasets.two_moons(4000, rng), -3, 3)
axes[1, 3].set(title="data", ylabel="", yticklabels=[])
caption = """Density after each of the six IAF layers that were trained on two moons (colour: p^0.6, each on its own
scale), with what has become of a square grid (white). A layer slides and stretches points within columns of the plane,
the next one within rows. The grid is never torn: the two moons are one bent sheet, thinned out in between."""
lesson.show(fig, "07b_layers", caption)

# %% [markdown]
# ## Why there are bridges
#
# f is a bijection of the whole plane with finite log-dets, so p > 0 everywhere: no flow on a normal base has a true
# gap. Nor can the gap be faint all along. Some latents go to the upper moon, some to the lower. f is continuous: a path
# from the first to the second in z goes to a path between the moons in x, without a jump, whichever path one takes. The
# two sets of latents must therefore be parted by a strip that lands in between. All that training can do is to make the
# strip thin, so that it holds little mass: stretched over the gap, that is a bridge of low density. Where it stands is
# chance: of three seeds each built another one.

# %%
half = np.linspace(0, np.pi, 400)
arcs = [np.stack([np.cos(half), np.sin(half)]), np.stack([1 - np.cos(half), 0.5 - np.sin(half)])]
arcs = [1.3 * (arc.T - [0.5, 0.25]) for arc in arcs]  # as in datasets.two_moons, without its noise of 0.08


def distances(x):
    """Distance of each point from either moon's arc, (N, 2)."""
    return np.stack([np.min(np.hypot(*(x[:, None] - arc).transpose(2, 0, 1)), axis=1) for arc in arcs], axis=1)


off = [np.mean(distances(x).min(axis=1) > 0.32) for x in (datasets.two_moons(5000, rng), samples[:5000])]
print(f"  farther than 4 σ from both moons: {off[0]:.2%} of the data, {off[1]:.2%} of the IAF's samples")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(10, 3.1), width_ratios=[1, 1.25, 1])
samples_axes(axes[0], datasets.two_moons(4000, rng), (-3, -2), (3, 2))
axes[0].set_title("two moons")
image = axes[1].imshow(cells.density.T, origin="lower", extent=(-6, 6, -6, 6), norm="log", vmin=1e-4, vmax=1)
axes[1].set(
    xlim=(-3, 3), ylim=(-2, 2), xlabel="$x_1$", ylabel="$x_2$", title=f"density of the IAF, ∫ p = {cells.integral:.4f}"
)
fig.colorbar(image, ax=axes[1], extend="both", shrink=0.8, label="p(x)")
z = moons.base.sample(6000, rng).astype(np.float32)
apart = distances(moons.z_to_x(z)[0])
colour = np.where(apart.min(axis=1) > 0.32, "black", np.where(apart[:, 0] < apart[:, 1], "tab:blue", "tab:orange"))
axes[2].scatter(*z.T, s=2, c=colour, linewidths=0)
axes[2].set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xlabel="$z_1$", ylabel="$z_2$", title="where each latent goes")
caption = """Left: data. Middle: the trained density, over four decades: the two moons are joined. Right: latents
that go to the upper moon (blue), to the lower one (orange), and to neither (black, farther than 4 σ of the noise from
both arcs). The two regions touch, so what lies on their border has to land between the moons: that is the bridge."""
lesson.show(fig, "07b_two_moons", caption)

# %% [markdown]
# ## In five lines
#
# - The slow direction costs n passes if done naively, and one connection-by-connection pass if units are kept.
# - Backward through it is the transposed triangular system, of the same cost: an IAF *can* learn from data.
# - What stays slow is the waiting: n rounds that no number of processors shortens.
# - In the plane a layer shears columns or rows; six of them bend a Gaussian into two moons.
# - A continuous bijection of a connected base leaves bridges: a gap can be thinned, not cut.
#
# **Exercise.** Compare the time of `nll` for a MAF and an IAF of n = 64 with the table's last row: what does the
# count leave out?

# %%
lesson.end()
