# %% [markdown]
# # 06b · MAF at work: order, stacks, sampling
#
# *Notes: MAF, 训练并行, 采样循环. Statement N18.*
# *Papers: Papamakarios, Pavlakou & Murray 2017; Ramachandran et al. 2017; Teshima et al. 2020; Song et al. 2021.*
#
# **What the notes say**: training computes all $\mu_i, \alpha_i$ at once (并行计算), prediction one after the other
# (循环计算), so sampling is slow (采样是缓慢的). They do not say in which order the coordinates come, as if it made
# no difference. This lesson computes what a wrong order costs, shows what mends it, counts how slow "slow" is, and
# trains a MAF on digits.
#
# **Before this**: the map, MADE's degrees, and why triangular maps are general and affine ones not ([06a](06a_maf.py));
# KL, loss less entropy, in nats ([02b](02b_learning_flows.py)).

# %%
from time import process_time

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import density_on_grid
from nfedu.course.lesson import begin
from nfedu.course.trained import Outcome, long_training
from nfedu.models import autoregressive
from nfedu.networks import counting
from nfedu.plotting import show_density, show_images, show_stage, stages

lesson = begin("06b · MAF at work: order, stacks, sampling")
rng = np.random.default_rng(6)

# %% [markdown]
# ## Order matters (MAF)
#
# After figure 1 of the MAF paper: $x_2 \sim N(0, 4)$ and $x_1 \mid x_2 \sim N(x_2^2/4, 1)$. A layer that takes $x_2$
# first can be this density exactly. One that takes $x_1$ first makes $p(x_1)$ a Gaussian, which it is not, and each
# $p(x_2 \mid x_1)$, two arms, as well. **What is the least KL it can reach?** By the chain rule
#
# $$
# \mathrm{KL}(p \,\Vert\, q) = \mathrm{KL}(p(x_1) \,\Vert\, q(x_1)) + \mathbb{E}_{x_1} \mathrm{KL}(p(x_2 \mid x_1)
# \,\Vert\, q(x_2 \mid x_1)),
# $$
#
# since $\log p/q$ is a sum of two logarithms. Each term asks for the best Gaussian $q$ for a density $p$ of one
# variable: $-\mathbb{E}_p \log q = \tfrac12 \log 2\pi\sigma^2 + \mathbb{E}_p (x - \mu)^2/2\sigma^2$ is least at $p$'s
# own mean and variance (derivatives in μ and σ²), where the last term is ½. So the least KL is $\tfrac12 \log(2\pi
# e\,\mathrm{Var}) - h(p)$, with $h$ the entropy: how far a density is from the Gaussian of its variance. For both
# terms
#
# $$
# \tfrac12 \log(2\pi e\,\mathrm{Var}\,x_1) - h(x_1) + \mathbb{E}_{x_1}\bigl[\tfrac12 \log(2\pi e\,\mathrm{Var}(x_2 \mid
# x_1)) - h(x_2 \mid x_1)\bigr] = 0.119 + 0.216 = 0.335 \text{ nats.}
# $$
#
# **By hand**, what can be had: $\mathrm{Var}\,x_1 = 1 + \mathrm{Var}(x_2^2)/16$, which is $1 + 2 \cdot 4^2/16 = 3$ (the
# square of $N(0, \sigma^2)$ has variance $2\sigma^4$), and the whole entropy is $\log 2\pi e + \log 2 = 3.531$. The
# rest is a sum over a grid.


# %%
class Parabola(nfedu.AffineCoupling):
    def conditions(self, x2):
        return x2**2 / 4, np.zeros_like(x2), None


base = nfedu.StandardNormal(2)
target = nfedu.Flow(base, [nfedu.Rescale(2, [1.0, 2.0]), Parabola(2, (), mask=[False, True], rng=rng)])
entropy = np.log(2 * np.pi * np.e) + np.log(2)
(x1, x2), p, _ = density_on_grid(target, (-6, -12), (34, 12), (2000, 1200))
cell = (x1[1] - x1[0]) * (x2[1] - x2[0])
p1 = p.sum(axis=1) * (x2[1] - x2[0])
variance1 = ((x1 - 1) ** 2 * p1).sum() * (x1[1] - x1[0])  # E x₁ = 1
error = abs(variance1 - 3)
lesson.claim("N18", "by hand: Var x₁ = 3; on the grid", error, 1e-4, density_on_grid)
h1 = -(p1 * np.log(p1 + 1e-300)).sum() * (x1[1] - x1[0])
marginal = 0.5 * np.log(2 * np.pi * np.e * variance1) - h1
variance2 = (p * x2**2).sum(axis=1) / (p.sum(axis=1) + 1e-300)  # given x₁; the mean is 0
arms = (p1 * 0.5 * np.log(2 * np.pi * np.e * variance2 + 1e-300)).sum() * (x1[1] - x1[0]) - (entropy - h1)
least = marginal + arms
print(f"  x₁ first: at least {marginal:.4f} for p(x₁) and {arms:.4f} for the arms, {least:.4f} nats")
lesson.claim("N18", "least KL with x₁ first − (0.119 + 0.216)", abs(least - 0.335), 1e-3, density_on_grid)

# %% [markdown]
# Does training get there? One layer in either order, fitted to 20,000 points; KL is the loss on as many others, less
# what the target itself has there.

# %%
points, held_out = (target.sample(20_000, rng) for _ in range(2))
own = -target.log_prob(held_out).mean()


def trained(layers, points, epochs):
    scale = nfedu.Affine(2, points.std(axis=0), points.mean(axis=0))
    flow = nfedu.Flow(base, [*layers, scale]).astype(np.float32)
    options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True}
    nfedu.fit(flow, points.astype(np.float32), rng=rng, epochs=epochs, **options)
    return flow


def one_layer(order):
    return nfedu.MaskedAutoregressive(2, (64, 64), order, activation="tanh", rng=rng)


flows, loss = {}, {}
for name, order in {"x₂ first": [1, 0], "x₁ first": [0, 1]}.items():
    flows[name] = trained([one_layer(order)], points, lesson.pick(8, 20))
    loss[name] = -flows[name].log_prob(held_out.astype(np.float32)).mean() - own
print("  KL(target‖flow) in nats:", ", ".join(f"{name} {v:.4f}" for name, v in loss.items()))
error = loss["x₂ first"]
lesson.claim("N18", "the right order loses nothing: KL in nats", error, lesson.pick(0.05, 0.01), nfedu.fit)
error = abs(loss["x₁ first"] - least)
lesson.claim("N18", "the wrong order reaches its least KL, 0.335: off by", error, lesson.pick(0.06, 0.02), nfedu.fit)

# %% [markdown]
# **Stacks mend this.** Two layers of opposite orders hold the right one. When no order is right it takes more: turn
# the parabola by 45°. (Its mirror image under $x_2 \to -x_2$ is itself. After the turn $(x_1 - x_2, x_1 +
# x_2)/\sqrt2$ that exchanges the two coordinates, so neither order is better. Entropy does not change when the plane is
# turned, so KL is still loss less entropy.) How far stacks can go: affine couplings with linear maps in between come as
# near to any distribution as one likes (Teshima et al. 2020), with networks and depth enough.

# %%
turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
stacked, kl = {}, {}
for name, R in {"parabola": np.eye(2), "turned by 45°": turn}.items():
    for depth in lesson.pick((1, 2), (1, 2, 4)):
        layers = [one_layer([m % 2, 1 - m % 2]) for m in range(depth)]  # x₁ first, then x₂ first …
        stacked[name, depth] = trained(layers, points @ R.T, lesson.pick(8, 20))
        kl[name, depth] = -stacked[name, depth].log_prob((held_out @ R.T).astype(np.float32)).mean() - own
    each = ", ".join(f"{v:.3f} ({d})" for (who, d), v in kl.items() if who == name)
    print(f"  {name}, KL in nats (and layers): {each}")
deepest = max(depth for _, depth in kl)
error = kl["parabola", 2] / kl["parabola", 1]
lesson.claim("N18", "parabola: KL of two layers / of one, x₁ first", error, 0.3, nfedu.fit)
error = kl["turned by 45°", deepest] / kl["turned by 45°", 1]
lesson.claim("N18", "turned by 45°: KL of the deepest stack / of one layer", error, lesson.pick(0.5, 0.3), nfedu.fit)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 3, figsize=(9.6, 6.2))
box = {"low": (-8, -12), "high": (32, 12), "points": (1000, 600)}
for ax, (title, flow) in zip(axes.flat, ({"target": target} | flows).items(), strict=False):
    show_density(ax, flow, **box)
    ax.set(xlim=(-5, 12), ylim=(-7, 7), aspect="auto")
    ax.axvline(6, color="white", linewidth=0.7, linestyle=":")
    ax.set_title(f"{title}: KL {loss[title]:.3f}" if title in loss else f"target, entropy {entropy:.3f}")
line = np.linspace(-8, 8, 400)
at = np.column_stack([np.full(400, 6.0), line])
for name, flow in ({"target": target} | flows).items():
    slice_ = np.exp(flow.log_prob(at.astype(np.float32)))
    style = "k--" if name == "target" else "-"
    axes[1, 0].plot(line, slice_ / (slice_.sum() * (line[1] - line[0])), style, label=name, zorder=2 + len(style))
axes[1, 0].set(xlabel="$x_2$", ylabel="p($x_2$ | $x_1$ = 6)", title="a slice, along the dotted line")
axes[1, 0].legend(fontsize=8)
for name, flow in ({"target": None} | flows).items():
    if flow is None:
        axes[1, 1].plot(x1, p1, "k--", label=name, zorder=3)
    else:
        g = density_on_grid(flow, **box)
        axes[1, 1].plot(g.axes[0], g.density.sum(axis=1) * 24 / 600, label=name)
axes[1, 1].set(xlabel="$x_1$", ylabel="p($x_1$)", xlim=(-5, 12), title="the marginal")
for name, marker in (("parabola", "o-"), ("turned by 45°", "s-")):
    own_kl = {d: v for (who, d), v in kl.items() if who == name}
    axes[1, 2].plot(list(own_kl), list(own_kl.values()), marker, label=name)
axes[1, 2].axhline(least, color="0.5", linestyle=":", label="least, x₁ first: 0.335")
axes[1, 2].set(xlabel="layers", ylabel="KL, nats", xticks=sorted({d for _, d in kl}), title="stacks, orders in turn")
axes[1, 2].set_ylim(0)
axes[1, 2].legend(fontsize=8)
caption = """One autoregressive layer, two orders. With x₁ first the two arms are one Gaussian that covers the gap
(slice), and x₁ itself is made Gaussian (marginal): together 0.335 nats, which training reaches. Stacks of layers in
opposite orders mend this: at once where one order is right, step by step where none is."""
lesson.show(fig, "06b_order", caption)

deep = stacked["turned by 45°", deepest]
layers = deep.bijection.bijections
fig, axes = plt.subplots(2, len(layers), figsize=(9.8, 9.8 * 2 / len(layers) + 0.4), squeeze=False)
names = [f"layer {m + 1}: $x_{1 + m % 2}$ first" for m in range(deepest)] + ["scaled and shifted"]
for column, stage, title in zip(axes.T, stages(base, layers)[1:], names, strict=True):
    show_stage(*column, stage, title, 6, 300)
caption = """A stack on the turned parabola, layer by layer from z to x: what has become of a grid, and of N(0, I)
(colour: p^0.6; ∫ p over the square that is shown, which the arms leave at the end). One layer of a Gaussian has
Gaussian slices in its order; layers in turn have no such limit."""
lesson.show(fig, "06b_stack", caption)

# %% [markdown]
# ## "Sampling is slow": three ways, all exact (采样循环)
#
# The notes sample one coordinate after the other, and so did the first implementations: $n$ *whole* passes, of which
# each keeps one coordinate (`naive`). But a hidden unit of degree $k$ sees $x_1 \ldots x_k$ alone, and never changes
# once these are there. Computed once each, all units together cost about **half** of one dense pass (`cached`; known
# from PixelCNN and WaveNet sampling, Ramachandran et al. 2017). What stays slow is only that the steps must wait for
# each other. A third way: guess x, and renew all coordinates at once until nothing moves (`jacobi`; Song et al. 2021):
# the first $k$ are exact after $k$ rounds, often all of them much earlier.
#
# ```{literalinclude} ../nfedu/networks/incremental.py
# :pyobject: cached
# ```
#
# Do all three make the same x, and what does each cost, in multiply-adds and in seconds of the processor?

# %%
sizes, batch = lesson.pick([4, 16, 64], [4, 16, 64, 256, 784]), 100
methods, seconds, work = ("naive", "jacobi", "cached"), {}, {}
for n in sizes:
    wide = nfedu.parameters.cast(nfedu.MaskedAutoregressive(n, (1024, 1024), rng=rng), np.float32)
    z = rng.standard_normal((batch, n)).astype(np.float32)
    dense = batch * sum(W.value.size for W in wide.net.weights)
    made = {}
    for method in methods:
        wide.method = method
        times = []
        for _ in range(1 if method == "naive" else 7):  # the fastest counts
            start = process_time()
            with counting() as count:
                made[method] = wide.z_to_x(z)[0]
            times.append(process_time() - start)
        seconds.setdefault(method, {})[n] = min(times)
        work.setdefault(method, {})[n] = count.multiply_adds / dense
    times, one_pass = [], "density, one pass"
    for _ in range(7):
        start = process_time()
        with counting() as count:
            wide.x_to_z(made["cached"])
        times.append(process_time() - start)
    seconds.setdefault(one_pass, {})[n], work.setdefault(one_pass, {})[n] = min(times), count.multiply_adds / dense
    spread = max(abs(made[method] - made["cached"]).max() for method in methods)
    lesson.claim("N18", f"n = {n}: three ways, one x (float32)", spread, 1e-5, nfedu.MaskedAutoregressive.z_to_x)
    if n >= 64:  # few degrees cut a triangle coarsely
        lesson.claim("N18", f"n = {n}: cached sampling / a dense pass, multiply-adds", work["cached"][n], 0.6, counting)
        allowed = batch * sum(wide.net.mask(layer).sum() for layer in range(3)) / dense  # what masks leave
        error = abs(work["cached"][n] / allowed - 1)
        lesson.claim(
            "N18", f"n = {n}: cached multiply-adds / connections that masks leave, less 1", error, 0.05, counting
        )

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9.4, 3.6))
for ax, numbers, label in zip(axes, (work, seconds), ("multiply-adds / a dense pass", "CPU seconds"), strict=True):
    for name, values in numbers.items():
        style = "k:" if name.startswith("density") else "o-"
        ax.loglog(list(values), list(values.values()), style, label=name)
    ax.set(xlabel="n", ylabel=f"{label}, batch {batch}", xticks=sizes, xticklabels=sizes)
    ax.minorticks_off()
axes[0].legend()
ratio = seconds["naive"][sizes[-1]] / seconds["cached"][sizes[-1]]
caption = f"""Sampling from a MAF, hidden (1024, 1024). In arithmetic the cached way costs about half a dense pass, no
more than the density pass itself, whatever n is; the naive way grows with n, jacobi stops after a few rounds more. In
time, at n = {sizes[-1]}, the cached way is {ratio:.0f} times faster than n passes."""
lesson.show(fig, "06b_sampling", caption)

# %% [markdown]
# ## Handwritten digits
#
# MAF layers, the order of pixels reversed from one to the next, between the logit and a standard normal.


# %%
def build(rng, layers=5, hidden=(512,)):
    stack = autoregressive(nfedu.MaskedAutoregressive, 64, layers, hidden, activation="tanh", rng=rng)
    return nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Rescale(64), *stack, nfedu.Logit(64)]).astype(np.float32)


maf = build(rng, lesson.pick(2, 5), lesson.pick((64,), (192,)))
run = nfedu.fit_digits(maf, rng=rng, epochs=lesson.pick(3, 100))
print(f"  MAF, {maf.theta.size} weights: {run}")
train = lambda flow, rng: Outcome.of(nfedu.fit_digits(flow, rng=rng, epochs=200))  # noqa: E731
long = long_training(lesson, "MAF", build, train, peer=2.248)
if lesson.length != "quick":
    lesson.claim("N8", "MAF on the digits, test bits per pixel", run.test[0], 2.25, nfedu.fit)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.3), width_ratios=[1.5, 1, 1])
bits = {name: np.array(getattr(run.history, name)) / (64 * np.log(2)) + np.log2(17) for name in ("train", "validation")}
axes[0].plot(bits["train"], color="0.6", label="training, last θ")
axes[0].plot(bits["validation"], label="validation, mean θ")
axes[0].axvline(run.history.best_epoch, linestyle=":", label="kept")
axes[0].set(xlabel="epoch", ylabel="bits per pixel", ylim=(1.8, 3), title=f"test {run.test[0]:.3f} ± {run.test[1]:.3f}")
axes[0].legend()
pictures = {"data": datasets.digits().train.images[:16] / 16, "MAF, samples as drawn": long.sample(16, rng)}
for ax, (title, images) in zip(axes[1:], pictures.items(), strict=True):
    show_images(ax, images, 4)
    ax.set_title(title)
caption = f"""Bits per pixel against epochs; training images cost {run.train[0]:.3f} bits at the θ kept. Right: data,
and samples of a wider model, trained for longer (`--full`), made pixel by pixel in each of the layers."""
lesson.show(fig, "06b_digits", caption)

# %% [markdown]
# ## Summary
#
# With Gaussian conditionals the order decides what a layer can be: with $x_1$ first the parabola costs at least 0.335
# nats, 0.119 for the marginal and 0.216 for the arms, and training reaches just that. Stacks with orders in turn mend
# it. Sampling waits $n$ times, but need not do $n$ times the work: each unit once, half a dense pass in all; rounds
# over all coordinates at once often end early. What would make samples in one pass is the same layer turned round:
# lesson 07.
#
# **Exercise.** Count the rounds that `jacobi` needs for the digits model, layer by layer. Why fewer than 64? And what
# is the least KL of a single layer, in either order, for the parabola turned by 45°: do the sum over a grid, and
# compare.

# %%
lesson.end()
