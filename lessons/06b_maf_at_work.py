# %% [markdown]
# # 06 · MAF: masked autoregressive flow
#
# *Notes: MAF. Statement N18, misprint M8.*
# *Papers: Germain et al. 2015 (MADE); Papamakarios, Pavlakou & Murray 2017 (MAF).*
#
# Any density is a product of conditionals, $p(x) = \prod_i p(x_i \mid x_{<i})$. Let each be a Gaussian whose mean and
# scale are functions of the coordinates before it, and you have an autoregressive model. Written the other way round it
# is a flow.

# %%
from time import perf_counter

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import check_bijection, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.models import autoregressive
from nfedu.networks import MADE, counting
from nfedu.plotting import show_density, show_images, show_jacobian

lesson = begin("06 · MAF: masked autoregressive flow")
rng = np.random.default_rng(6)

# %% [markdown]
# ## The map (MAF)
#
# A draw from $N(\mu_i, e^{2\alpha_i})$ is $e^{\alpha_i} z_i + \mu_i$ with $z_i \sim N(0, 1)$:
#
# $$
# x_i = \exp(\alpha_i(x_{<i}))\, z_i + \mu_i(x_{<i}), \qquad z_i = (x_i - \mu_i(x_{<i})) \exp(-\alpha_i(x_{<i}))
# $$ (N18)
#
# $z_i$ depends on $x_1 \ldots x_i$ only: the Jacobian is triangular with $e^{-\alpha_i}$ on its diagonal, so $\log|\det
# \partial z/\partial x| = -\sum_i \alpha_i(x_{<i})$. Given x, all $\mu_i$ and $\alpha_i$ come from one pass. To make x
# from z, $x_1$ must be there before $\mu_2$ can be asked for, and so on.
#
# **One network for all of them.** MADE gives each unit a degree, the number of inputs it may see, and masks what is
# forbidden. With units sorted by degree all masks are triangles, and the blocks that are zero need not be multiplied.
#
# ```{literalinclude} ../nfedu/networks/made.py
# :pyobject: MADE.mask
# ```

# %%
layer = nfedu.MaskedAutoregressive(8, (20, 20), activation="tanh", rng=rng)
for p in layer.parameters().values():
    p.value += 0.3 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((50, 8))
x, log_det, _ = layer.z_to_x(z)
out, _ = layer.net(x)
mu, alpha = out[:, :, 0], layer.log_scale(out[:, :, 1])[0]
lesson.claim("N18", "x = e^α(x) z + μ(x)", abs(np.exp(alpha) * z + mu - x).max(), 1e-13, nfedu.MaskedAutoregressive)
lesson.claim("N18", "x_to_z undoes z_to_x", abs(layer.x_to_z(x)[0] - z).max(), 1e-12, nfedu.MaskedAutoregressive.x_to_z)
J, _ = layer_jacobians(layer, "x_to_z", x)
error = abs(-alpha.sum(axis=1) - np.linalg.slogdet(J)[1]).max()
lesson.claim("N18", "−Σ α = slogdet of the dense ∂z/∂x", error, 1e-10, nfedu.MaskedAutoregressive)
above = abs(J[:, ~np.tri(8, dtype=bool)]).max()
lesson.claim("N18", "entries above the diagonal, every point", above, 0, MADE)
print(check_bijection(layer, x[:5]).raise_if_failed().summary())

fig, axes = plt.subplots(1, 4, figsize=(12, 3.4), width_ratios=[1, 1.4, 1.2, 1])
for number, ax in enumerate(axes[:3]):
    below, over = layer.net.degrees[number : number + 2]
    ax.imshow(layer.net.mask(number).T * over[:, None], cmap="viridis", aspect="auto", vmin=0, vmax=8)
    ax.set(
        xlabel=("inputs", "hidden units", "hidden units")[number], ylabel=("hidden", "hidden", "outputs μ, r")[number]
    )
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"mask {number + 1}: {int(layer.net.mask(number).mean() * 100)} % of the weights")
show_jacobian(axes[3], J[0], "z", "x")
axes[3].set_title("∂z/∂x at one point")
caption = """Masks with units sorted by degree (colour: degree of the unit that looks, dark: no connection): triangles,
so the product of all three is one too. Right: what they do to the Jacobian; grey entries are exactly 0."""
lesson.show(fig, "06_masks", caption)

# %% [markdown]
# **M8.** The notes say "compute $\mu_1(x_1), \alpha_1(x_1)$" and "$\mu_2(x_1, x_2)$" after $x_1$ is there. It must be
# $x_{<i}$: $\mu_1, \alpha_1$ are constants, and after $x_1$ come $\mu_2(x_1), \alpha_2(x_1)$. With the printed indices
# $x_i$ is on both sides, cannot be solved for in closed form, and the diagonal of the Jacobian is no longer
# $e^{-\alpha_i}$.


# %%
class PrintedMADE(MADE):
    def mask(self, layer):
        return (self.degrees[layer][:, None] <= self.degrees[layer + 1]).astype(float)  # ≤ where the outputs need <


printed = nfedu.MaskedAutoregressive(8, (20, 20), activation="tanh", rng=rng)
printed.net = PrintedMADE(8, (20, 20), 2, "tanh", output_scale=1.0, rng=rng)
_, printed_log_det, _ = printed.x_to_z(x)
off = abs(printed_log_det - np.linalg.slogdet(layer_jacobians(printed, "x_to_z", x)[0])[1]).max()
lesson.claim("M8", "log-det with μ_i(x_{<i}); printed: μ_i(x_{≤i})", error, 1e-10, MADE, off)

# %% [markdown]
# ## Order matters
#
# After figure 1 of the MAF paper: $x_2 \sim N(0, 4)$ and $x_1 \mid x_2 \sim N(x_2^2/4, 1)$. One layer that takes $x_2$
# first can be this density exactly. One that takes $x_1$ first must describe $x_2 \mid x_1$, two arms, by one Gaussian.


# %%
class Parabola(nfedu.AffineCoupling):
    def conditions(self, x2):
        return x2**2 / 4, np.zeros_like(x2), None


target = nfedu.Flow(
    nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.0, 2.0]), Parabola(2, (), mask=[False, True], rng=rng)]
)
points, held_out = target.sample(20_000, rng), target.sample(20_000, rng)
entropy = -target.log_prob(held_out).mean()
fig, axes = plt.subplots(1, 3, figsize=(11, 3.8))
box = {"low": (-8, -12), "high": (32, 12), "points": (1200, 720)}
show_density(axes[0], target, **box)
axes[0].set(xlim=(-5, 14), ylim=(-7, 7))
axes[0].set_title(f"target, entropy {entropy:.3f} nats")
losses = []
for ax, order in zip(axes[1:], ([1, 0], [0, 1]), strict=True):
    maf = nfedu.MaskedAutoregressive(2, (64, 64), order, activation="tanh", rng=rng)
    flow = nfedu.Flow(nfedu.StandardNormal(2), [maf, nfedu.Affine(2, [3.0, 2.0], [1.0, 0.0])]).astype(np.float32)
    options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True}
    nfedu.fit(flow, points, rng=rng, epochs=lesson.pick(8, 20), **options)
    losses.append(-flow.log_prob(held_out).mean() - entropy)
    integral = show_density(ax, flow, **box).integral
    lesson.claim("N6", f"|∫p − 1|, order {[i + 1 for i in order]}", abs(integral - 1), 1e-3, nfedu.Flow.log_prob)
    ax.set(xlim=(-5, 14), ylim=(-7, 7))
    ax.set_title(f"$x_{order[0] + 1}$ first: KL(target‖flow) = {losses[-1]:.3f}")
lesson.claim("N18", "the right order loses nothing: KL in nats", losses[0], lesson.pick(0.05, 0.01), nfedu.fit)
lesson.claim("N18", "the wrong order cannot: max(0, 0.2 − KL)", max(0, 0.2 - losses[1]), 0, nfedu.fit)
caption = """One autoregressive layer, two orders. Given x₁ there are two arms, and a single Gaussian must cover both
and the gap. Stacks of layers with the order reversed in between mend this."""
lesson.show(fig, "06_order", caption)

# %% [markdown]
# ## "Sampling is slow": three ways, all exact
#
# The notes sample one coordinate after the other, and so did the first implementations: $n$ *whole* passes, of which
# each keeps one coordinate. But a hidden unit of degree $k$ sees $x_1 \ldots x_k$ alone, and never changes once these
# are there. Computed once each, all units together cost about **half** of one dense pass (known from cached PixelCNN
# and WaveNet sampling, Ramachandran et al. 2017). What stays slow is only that the steps must wait for each other. A
# third way: guess x, and renew all coordinates at once until nothing moves (Song et al. 2021); the first $k$ are exact
# after $k$ rounds, often all of them much earlier.
#
# ```{literalinclude} ../nfedu/networks/incremental.py
# :pyobject: cached
# ```

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
        for _ in range(1 if method == "naive" else 3):  # the last of three: warm
            start = perf_counter()
            with counting() as count:
                made[method] = wide.z_to_x(z)[0]
            seconds.setdefault(method, {})[n] = perf_counter() - start
        work.setdefault(method, {})[n] = count.multiply_adds / dense
    for _ in range(3):
        start = perf_counter()
        with counting() as count:
            wide.x_to_z(made["cached"])
        seconds.setdefault("density, one pass", {})[n] = perf_counter() - start
    work.setdefault("density, one pass", {})[n] = count.multiply_adds / dense
    spread = max(abs(made[method] - made["cached"]).max() for method in methods)
    lesson.claim("N18", f"n = {n}: three ways, one x (float32)", spread, 1e-5, nfedu.MaskedAutoregressive.z_to_x)
    if n >= 64:  # few degrees cut a triangle coarsely
        lesson.claim("N18", f"n = {n}: cached sampling / a dense pass, multiply-adds", work["cached"][n], 0.6, counting)
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.7))
for ax, numbers, label in zip(
    axes, (work, seconds), ("multiply-adds / those of one dense pass", "seconds"), strict=True
):
    for name, values in numbers.items():
        style = "k:" if name.startswith("density") else "o-"
        ax.loglog(list(values), list(values.values()), style, label=name)
    ax.set(xlabel="n", ylabel=f"{label}, batch {batch}", xticks=sizes, xticklabels=sizes)
    ax.minorticks_off()
axes[0].legend()
ratio = seconds["naive"][sizes[-1]] / seconds["cached"][sizes[-1]]
caption = f"""Sampling from a MAF, hidden (1024, 1024). In arithmetic the cached way costs about half a dense pass, no
more than the density pass itself; in time, at n = {sizes[-1]}, it is {ratio:.0f} times faster than n passes."""
lesson.show(fig, "06_sampling", caption)

# %% [markdown]
# ## Handwritten digits
#
# Layers with the order of pixels reversed in between, from logit to a standard normal.

# %%
hidden = lesson.pick((64,), (192,), (512,))
layers = autoregressive(nfedu.MaskedAutoregressive, 64, lesson.pick(2, 5), hidden, activation="tanh", rng=rng)
maf = nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Rescale(64), *layers, nfedu.Logit(64)]).astype(np.float32)
run = nfedu.fit_digits(maf, rng=rng, epochs=lesson.pick(3, 100, 200))
print(f"  MAF, {maf.theta.size} weights: {run}")
lesson.record("MAF", **run.row(maf))
if lesson.length != "quick":
    lesson.claim("N8", "MAF on the digits, test bits per pixel", run.test[0], 2.25, nfedu.fit)
start = perf_counter()
samples = maf.sample(64, rng)
print(f"  64 samples in {1e3 * (perf_counter() - start):.0f} ms")
fig, axes = plt.subplots(1, 3, figsize=(11, 3.7), width_ratios=[1.2, 1, 1])
bits = {name: np.array(getattr(run.history, name)) / (64 * np.log(2)) + np.log2(17) for name in ("train", "validation")}
axes[0].plot(bits["train"], color="0.6", label="training, last θ")
axes[0].plot(bits["validation"], label="validation, mean θ")
axes[0].axvline(run.history.best_epoch, linestyle=":", label="kept")
axes[0].set(xlabel="epoch", ylabel="bits per pixel", ylim=(1.8, 3), title=f"test {run.test[0]:.3f} ± {run.test[1]:.3f}")
axes[0].legend()
for ax, images, title in zip(
    axes[1:], (datasets.digits().train.images[:64] / 16, samples), ("data", "MAF"), strict=True
):
    show_images(ax, images, 8)
    ax.set_title(title)
caption = f"""Bits per pixel against epochs; training images cost {run.train[0]:.3f} bits at the θ kept. Right:
samples, made pixel by pixel in each of the layers."""
lesson.show(fig, "06_digits", caption)
lesson.end()

# %% [markdown]
# **Exercise.** Count the rounds that `jacobi` needs for the digits model, layer by layer. Why fewer than 64? Then let a
# hidden mask use < instead of ≤, with `method="naive"`: is the map still a MAF, and what is lost? Why does `cached` now
# make another x?
