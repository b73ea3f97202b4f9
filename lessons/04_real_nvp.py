# %% [markdown]
# # 04 · RealNVP: affine coupling
#
# *Notes: Real-NVP — 前向, 反向, Jacobian. Statements N14–N16, misprints M6 and M7.*
# *Paper: Dinh, Sohl-Dickstein & Bengio 2016, "Density estimation using Real NVP".*
#
# NICE moves mass about and cannot compress it, except once, at the end, by one factor per coordinate. RealNVP lets
# every coupling scale as well as shift, by a factor that depends on where the point is.

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets, masks
from nfedu.checks import check_bijection, density_on_grid, gradient, layer_jacobians, level_area, round_trip_error
from nfedu.course.lesson import begin
from nfedu.models import image_real_nvp
from nfedu.plotting import layer_by_layer, show_density, show_images, show_jacobian, show_pattern, show_warp

lesson = begin("04 · RealNVP: affine coupling")
rng = np.random.default_rng(4)

# %% [markdown]
# ## There and back (Real-NVP 前向, 反向)
#
# The first part passes; two functions of it, a log-scale $\alpha_\theta$ and a shift $\mu_\theta$, move the second.
# (Here one network gives both.)
#
# $$
# x_{1:d} = z_{1:d}, \qquad x_{d+1:n} = z_{d+1:n} \odot \exp(\alpha_\theta(z_{1:d})) + \mu_\theta(z_{1:d})
# $$ (N14)
#
# The way back needs no network undone: $z_{1:d} = x_{1:d}$ is at hand, so are α and μ.
#
# $$
# z_{1:d} = x_{1:d}, \qquad z_{d+1:n} = (x_{d+1:n} - \mu_\theta(x_{1:d})) \odot \exp(-\alpha_\theta(x_{1:d}))
# $$ (N15)
#
# ```{literalinclude} ../nfedu/bijections/coupling.py
# :pyobject: AffineCoupling.x_to_z
# ```
#
# The gradient meets α twice: through $z_{d+1:n}$, since $\partial z_b/\partial\alpha = -z_b$, and through the log-det.
#
# ## Its Jacobian (Real-NVP Jacobian)
#
# $$
# \frac{\partial x}{\partial z} = \begin{pmatrix} I_d & 0 \\ \cdot & \mathrm{diag}\, e^{\alpha_\theta(z_{1:d})}
# \end{pmatrix}, \qquad \det = \exp\Bigl(\sum_{i=d+1}^n \alpha_\theta(z_{1:d})_i\Bigr)
# $$ (N16)
#
# The block · holds all derivatives of the networks, and the determinant does not see it.

# %%
coupling = nfedu.AffineCoupling(8, hidden=(16, 16), activation="tanh", rng=rng)
for p in coupling.parameters().values():
    p.value += 0.5 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((200, 8))
x, log_det, _ = coupling.z_to_x(z)
mu, alpha, _ = coupling.conditions(z[:, :4])
by_hand = np.concatenate([z[:, :4], z[:, 4:] * np.exp(alpha) + mu], axis=1)  # N14
lesson.claim("N14", "x = (z_a, z_b e^α + μ)", abs(x - by_hand).max(), 1e-14, nfedu.AffineCoupling.z_to_x)
lesson.claim("N15", "x_to_z undoes it", abs(coupling.x_to_z(x)[0] - z).max(), 1e-12, nfedu.AffineCoupling.x_to_z)
J, _ = layer_jacobians(coupling, "z_to_x", z)
dense = np.linalg.slogdet(J)[1]
lesson.claim("N16", "Σ α = slogdet of the dense Jacobian", abs(log_det - dense).max(), 1e-10, nfedu.AffineCoupling)
off = np.nanmax(abs(J - coupling.jacobian_pattern()[0]))
lesson.claim("N16", "blocks I, 0 and zeros beside the diagonal, every point", off, 0, nfedu.AffineCoupling)
print(check_bijection(coupling, x[:6]).raise_if_failed().summary())


pair = [nfedu.AffineCoupling(2, (16,), flip=flip, activation="tanh", rng=rng) for flip in (False, True)]
for layer in pair:
    layer.net.weights[-1].value *= 12  # fresh couplings are nearly the identity: make it visible
fig, axes = plt.subplots(1, 4, figsize=(12, 3.4))
for m, title in enumerate(["before: x = z", "one coupling: x₂ is scaled, shifted", "then flipped: x₁ too"]):
    show_warp(axes[m], lambda v, m=m: nfedu.Chain([nfedu.Shift(2), *pair[:m]]).z_to_x(v)[0])
    axes[m].set(title=title, xlim=(-4, 4), ylim=(-4, 4))
show_jacobian(axes[3], J[0])
axes[3].set_title("∂x/∂z, n = 8: diagonal 1 or e^α")
caption = """Each vertical line is stretched or squeezed as a whole, then shifted: cells do change their area, by e^α.
Right: as NICE's Jacobian, but with e^α on the lower diagonal. Red is positive, blue negative, grey exactly 0."""
lesson.show(fig, "04_warp", caption)

# %% [markdown]
# ### Errata
#
# **M6.** The notes divide by $\exp(z_{1:d})$ on the way back; it must be $\exp(\alpha_\theta(z_{1:d}))$.
#
# **M7.** They sum $\alpha_\theta(z_{1:d})$ over $i$ without writing $i$: then every term is the whole vector, the sum
# $n-d$ times that vector, and no number at all. Below, the entry of it that comes closest to the log-det.

# %%
printed = (x[:, 4:] - mu) * np.exp(-x[:, :4])  # with d = n − d the shapes fit, the numbers do not
lesson.claim("M6", "z_b = (x_b − μ) e^{−α}; printed: e^{−z_a}", abs((x[:, 4:] - mu) * np.exp(-alpha) - z[:, 4:]).max(),
             1e-12, nfedu.AffineCoupling.x_to_z, abs(printed - z[:, 4:]).max())  # fmt: skip
printed = abs(4 * alpha - dense[:, None]).min(axis=1).max()
error = abs(alpha.sum(axis=1) - dense).max()
lesson.claim("M7", "log|det| = Σ_i α_i; printed: Σ_i α", error, 1e-10, nfedu.AffineCoupling, printed)

# %% [markdown]
# ## Data whose density varies by orders of magnitude
#
# A river: $x_1 \sim N(0, 1.5^2)$, and across it a bed of width $e^{\alpha(x_1)}$ between 0.03 and 1.1. That is one
# affine coupling with α and μ written by hand, so samples and density are exact, and RealNVP *can* represent it. NICE
# cannot: lesson 03 derived the least loss that additive couplings and one rescaling reach, $1 + \log \mathbb{E}[A]$.


# %%
class River(nfedu.AffineCoupling):
    def conditions(self, x1):
        return np.sin(x1), -1.7 + 1.8 * np.cos(2 * x1), None


def train(flow, x, epochs):
    options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True, "average": 0.99}
    history = nfedu.fit(flow, x, rng=rng, epochs=epochs, **options)
    print(f"  {history.steps} steps in {history.seconds:.1f} s")
    return flow


def stack(kind, depth=8):
    options = {"hidden": (64, 64), "activation": "tanh", "rng": rng}
    layers = [kind(2, flip=bool(m % 2), **options) for m in range(depth)]
    return nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *layers]).astype(np.float32)


river = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.5, 1.0]), River(2, (), rng=rng)])
grid, cell = density_on_grid(river, -6, 6, 1500), (12 / 1500) ** 2
entropy, bound = -river.log_prob(river.sample(100_000, rng)).mean(), 1 + np.log(level_area(grid.density, cell))
points, held_out = river.sample(20_000, rng), river.sample(20_000, rng)
fig, axes = plt.subplots(1, 4, figsize=(12.5, 3.5))
flows = {"NICE": stack(nfedu.AdditiveCoupling), "RealNVP": stack(nfedu.AffineCoupling)}
show_density(axes[0], river, -6, 6, 1500, gamma=0.3)
axes[0].set_title(f"the river, entropy {entropy:.3f} nats")
axes[3].plot(np.sort(np.exp(river.log_prob(held_out)))[::-1], color="0.3", linestyle="--", zorder=3, label="river")
for ax, (name, flow) in zip(axes[1:], flows.items(), strict=False):
    train(flow, points, lesson.pick(6, 20))
    loss = -flow.log_prob(held_out).mean()
    integral = show_density(ax, flow, -6, 6, lesson.pick(800, 900), gamma=0.3).integral
    ax.set_title(f"{name}: {loss:.3f} nats" + f" (no NICE below {bound:.3f})" * (name == "NICE"))
    lesson.claim("N6", f"|∫p − 1|, {name}", abs(integral - 1), 1e-3, nfedu.Flow.log_prob)
    axes[3].plot(np.sort(np.exp(flow.log_prob(held_out)))[::-1], label=name)
lesson.claim("N14", "RealNVP loses less than any NICE can: max(0, loss − bound)", max(0, loss - bound), 0, nfedu.fit)
for ax in axes[:3]:
    ax.set(xlim=(-4, 4), ylim=(-4, 4))
axes[3].set(yscale="log", ylim=(1e-4, 5), xlabel="held-out points, sorted", ylabel="density there")
axes[3].set_title("density at held-out points")
axes[3].legend()
caption = """The same eight couplings, networks and steps, additive and affine (colour: p^0.3). NICE's density has one
ceiling for the whole plane (right): it cannot be as dense as the narrows. RealNVP compresses there, and follows the
river's density over more than two orders of magnitude."""
lesson.show(fig, "04_river", caption)

# %% [markdown]
# ## The warp, layer by layer
#
# The trained flow, one coupling after the other: in odd steps $x_2$ moves and $x_1$ passes, in even ones the reverse.

# %%
layers, z = flows["RealNVP"].bijection.bijections, rng.standard_normal((3000, 2)).astype(np.float32)
titles = ["rescaling", *(f"coupling {m} of 8: $x_{2 - (m - 1) % 2}$ moves" for m in range(1, 9))]
fig, axes = plt.subplots(1, 2, figsize=(6.6, 3.9), dpi=90)
draw, frames = layer_by_layer(*axes, layers, z, titles, steps=lesson.pick(1, 4))
caption = """Latents become the river. Each coupling moves points along one axis only: every line along that axis is
stretched and shifted as a whole, by amounts that differ from line to line."""
lesson.animate(fig, draw, frames, "04_layer_by_layer", caption)

# %% [markdown]
# ## Exploding inverses, and why α is bounded
#
# On the way back an error in $x_b$ is multiplied by $e^{-\alpha}$, layer after layer, and what grows feeds the next
# network. In exact arithmetic every chain is invertible; in floating point it need not be (Behrmann et al. 2021).
# RealNVP's $\alpha = c \odot \tanh(r)$, $r$ from the network and $c$ learned, sets a bound: $|\alpha_i| \le |c_i|$.

# %%
depths, kinds = [2, 4, 8, 16, 32, 64, 128], {"additive": (nfedu.AdditiveCoupling, {})}
kinds |= {f"affine, |α| ≤ {bound:g}": (nfedu.AffineCoupling, {"bound": bound}) for bound in (0.1, 1.0)}
kinds["affine, no bound"] = nfedu.AffineCoupling, {"bound": None}
results = {}
for name, (kind, options) in kinds.items():
    same = np.random.default_rng(0)
    untrained = [kind(32, (64, 64), flip=bool(m % 2), rng=same, **options) for m in range(128)]
    for layer in untrained:
        layer.net.weights[-1].value *= 2
    for dtype in (np.float32, np.float64):
        z = np.random.default_rng(1).standard_normal((100, 32)).astype(dtype)
        chains = [nfedu.parameters.cast(nfedu.Chain(untrained[:depth]), dtype) for depth in depths]
        results[name, dtype.__name__] = [round_trip_error(chain, z) for chain in chains]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
for ax, dtype in zip(axes, ("float32", "float64"), strict=True):
    for (name, of), errors in results.items():
        if of == dtype:
            ax.loglog(depths, np.minimum(errors, 1e30), "o-", markersize=4, label=name)
    ax.axhline(1, color="0.6", linestyle=":")
    ax.set(xlabel="couplings", title=dtype, xticks=depths, xticklabels=depths, ylim=(1e-16, 3e30))
    ax.minorticks_off()
axes[0].set(ylabel="largest error of z→x→z (top: overflow)")
axes[1].legend()
caption = """Untrained couplings, their last weights doubled, n = 32. Above the dotted line nothing of z is left.
Additive couplings and tightly bounded ones lose a digit or two in 128 layers; with |α| ≤ 1 errors grow exponentially
with depth; without a bound 16 layers are too many for any precision."""
lesson.show(fig, "04_round_trip", caption)
lesson.claim("N15", "round trip of 128 affine couplings, |α| ≤ 0.1, float64",
             results["affine, |α| ≤ 0.1", "float64"][-1], 1e-10, nfedu.AffineCoupling)  # fmt: skip

# %% [markdown]
# ## Images: masks, squeeze, several scales, normalization
#
# Which half passes? For images: a *checkerboard*, so that each pixel sees its neighbours; and after a *squeeze*, which
# turns 2×2 squares into four channels, half the *channels*. Networks are 3×3 convolutions in residual blocks. Half the
# channels may be factored out as finished latents (`FactorOut`); they stay in z, so nothing is lost.
#
# `BatchNorm` standardises by the batch's mean $m$ and variance $v$: a row's $\log|\det|$ is $\sum [\gamma - \tfrac12
# \log(v + \varepsilon)]$. **Trap:** $m$ and $v$ depend on every row, and the gradient must run through both. A backward
# that takes them for constants passes in evaluation, where they are held, and fails in training.

# %%
normal, x = nfedu.BatchNorm(3), rng.standard_normal((6, 3))
for mode in ("evaluation", "training"):
    normal.mode = mode
    report = check_bijection(normal, x).raise_if_failed()
    lesson.claim("N7", f"BatchNorm's log-det in {mode}", max(c.error for c in report.checks if c.rung == 3), 1e-10,
                 nfedu.BatchNorm)  # fmt: skip
    by_hand = normal.x_to_z(x)[2](x, np.ones(6))
    numerical = gradient(lambda v: (x * normal.x_to_z(v)[0]).sum() + normal.x_to_z(v)[1].sum(), x)
    lesson.claim("N8", f"its gradient in {mode}", abs(by_hand - numerical).max(), 1e-11, nfedu.BatchNorm)

fig, axes = plt.subplots(1, 5, figsize=(11.5, 3), width_ratios=[1, 1, 1, 1, 1.25])
show_pattern(axes[0], masks.halves(64).reshape(8, 8), "halves, d = 32")
show_pattern(axes[1], masks.checkerboard((1, 8, 8)).reshape(8, 8), "checkerboard")
origin = np.add.outer(2 * (np.arange(8) % 2), np.arange(8) % 2)  # the place in its 2×2 square
show_pattern(axes[2], origin, "places in 2×2 squares …")
four = nfedu.Squeeze((1, 8, 8)).x_to_z(origin.reshape(1, 64))[0].reshape(4, 4, 4)
show_pattern(axes[3], four, "… squeezed: 4 channels")
image = nfedu.ImageCoupling((1, 4, 4), filters=4, blocks=0, rng=rng)
image.net.last.K.value *= 20
first = np.argsort(~image.passes, kind="stable")  # pixels that pass, then the others
show_jacobian(axes[4], layer_jacobians(image, "z_to_x", rng.standard_normal((2, 16)))[0][0][np.ix_(first, first)])
axes[4].set_title("∂x/∂z, checkerboard on 4×4")
caption = """Light pixels pass, dark ones are changed; the next coupling exchanges them. Middle: after a squeeze whole
channels may pass. Right: pixels sorted, those that pass first, so that the Jacobian is triangular (grey: exactly 0).
Two 3×3 convolutions reach two pixels far: pairs farther apart do not depend on each other."""
lesson.show(fig, "04_masks", caption)

# %% [markdown]
# ## Handwritten digits
#
# Two models, both from logit to a standard normal. With MLPs as conditioners: eight couplings, masks of checkerboard,
# columns and rows in turn, each followed by its exchange of roles. With convolutions: the layers below.
#
# ```{literalinclude} ../nfedu/models.py
# :pyobject: image_real_nvp
# ```
#
# Memory is the enemy again, not likelihood. To what lesson 03 did against it (fresh noise, weight decay, a running mean
# of θ) comes one more: some training images move sideways by a pixel. All of this was chosen on the validation images.

# %%
lines = [masks.checkerboard((1, 8, 8)), np.arange(64) % 2 == 0, np.arange(64) // 8 % 2 == 0]
options = {"activation": "tanh", "rng": rng}
layers = [nfedu.AffineCoupling(64, (128, 128), mask=lines[m // 2 % 3], flip=bool(m % 2), **options) for m in range(8)]
mlp = nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Rescale(64), *layers, nfedu.Logit(64)]).astype(np.float32)
conv = image_real_nvp((1, 8, 8), filters=lesson.pick(8, 12, 24), rng=rng).astype(np.float32)
models, runs, bars = {"RealNVP, MLP": mlp, "RealNVP, convolutions": conv}, {}, (2.32, lesson.pick(2.32, 2.32, 2.12))
for (name, model), epochs, bar in zip(models.items(), lesson.pick((5, 3), (90, 26), (200, 250)), bars, strict=True):
    run = runs[name] = nfedu.fit_digits(model, rng=rng, epochs=epochs)
    print(f"  {name}, {model.theta.size} weights: {run}")
    lesson.record(name, **run.row(model))
    if lesson.length != "quick":
        lesson.claim("N8", f"{name}, on the digits, test bits per pixel", run.test[0], bar, nfedu.fit)

fig, axes = plt.subplots(1, 4, figsize=(13.5, 3.7), width_ratios=[1.2, 1, 1, 1])
for name, run in runs.items():
    seconds = np.linspace(0, run.history.seconds, len(run.history.validation))
    bits = np.array(run.history.validation) / (64 * np.log(2)) + np.log2(17)
    axes[0].plot(seconds, bits, label=f"{name}: test {run.test[0]:.3f} ± {run.test[1]:.3f}")
axes[0].set(xlabel="seconds of training", ylabel="bits per pixel, validation", ylim=(1.9, 3.3))
axes[0].legend(loc="upper right")
pictures = {"data": datasets.digits().train.images[:64] / 16, "MLP, samples as drawn": mlp.sample(64, rng)}
for ax, (title, images) in zip(axes[1:], (pictures | {"convolutions": conv.sample(64, rng)}).items(), strict=True):
    show_images(ax, images, 8)
    ax.set_title(title)
run = runs["RealNVP, MLP"]
caption = f"""Left: validation loss of the running mean of θ. The MLPs' training images cost {run.train[0]:.3f} bits,
their test images {run.test[0]:.3f}: the difference is memory. Convolutions learn more slowly and remember less: with
--full they go below the MLPs (lessons/RESULTS.md). Right: samples."""
lesson.show(fig, "04_digits", caption)
lesson.end()

# %% [markdown]
# **Exercise.** Train the MLP model with `bound=None`: does it diverge, and where? Set every parameter named `scale` to
# 0 after training: what is left is additive. How many bits does that cost? Put `BatchNorm(64)` between the couplings:
# what does it change, with batches of 100 and of 10?
