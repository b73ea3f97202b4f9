# %% [markdown]
# # 09 · MintNet: masked convolutions
#
# *Notes: MintNet. Statement N23.*
# *Paper: Song, Meng & Ermon 2019, "MintNet: Building Invertible Neural Networks with Masked Convolutions".*
#
# A convolution is no flow layer: it need not be invertible, and its determinant is expensive. Masked convolutions are
# triangular maps, and a residual network of three of them can be kept monotone on its diagonal. So the network *is* the
# bijection: nothing is split, nothing passes unchanged.

# %%
from time import perf_counter

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.bijections.mint import triangle
from nfedu.checks import check_bijection, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.models import mint_net
from nfedu.plotting import show_images, show_jacobian

lesson = begin("09 · MintNet: masked convolutions")
rng = np.random.default_rng(9)

# %% [markdown]
# ## The layer (MintNet)
#
# $$
# z = t \odot x + \sum_{i=1}^K W^3_i\, h\Bigl(\sum_{j=1}^K W^2_{ij}\, h(W^1_j x + b^1_j) + b^2_i\Bigr) + b^3,
# \qquad t > 0
# $$ (N23)
#
# with $h = \tanh$ and 3×3 convolutions $W$, from every channel of $x$ to $K$ filters, numbered by $i$ and $j$, of as
# many channels as $x$ has. They are masked so that a pixel sees the channels before its own, and of its own the
# raster past and itself. Every path from $x_i$ back to $z_i$ stays at $i$ all the way, through the centre taps $w$:
#
# $$
# \frac{\partial z_i}{\partial x_i} = t + \sum_{ij} w^3_i\, h'(a^2_i)\, w^2_{ij}\, h'(a^1_j)\, w^1_j
# $$
#
# As it stands that may have any sign. So $w^2_{ij}$ is used as
# $\mathrm{sign}(w^3_i)\,\mathrm{sign}(w^1_j)\,|w^2_{ij}|$: then every term is ≥ 0, whatever is learned. The log-det
# is the sum of the logarithms of this diagonal, and it is known after one pass. A *unit* is two layers, the second
# with the order of all coordinates reversed.
#
# ```{literalinclude} ../nfedu/bijections/mint.py
# :pyobject: MintLayer.apply
# ```

# %%
layer = nfedu.MintLayer((2, 3, 3), filters=3, rng=rng)
for p in layer.parameters().values():
    p.value += 0.3 * rng.standard_normal(p.value.shape)
x = rng.standard_normal((40, 18))
z, log_det, _ = layer.x_to_z(x)
J, _ = layer_jacobians(layer, "x_to_z", x)
above = abs(J[:, ~np.tri(18, dtype=bool)]).max()
lesson.claim("N23", "entries of ∂z/∂x above the diagonal", above, 0, nfedu.MintLayer)
error = abs(log_det - np.linalg.slogdet(J)[1]).max()
lesson.claim("N23", "Σ log diag = slogdet of the dense Jacobian", error, 1e-10, nfedu.MintLayer.x_to_z)
back = abs(layer.z_to_x(z)[0] - x).max()
lesson.claim("N23", "z_to_x undoes it", back, 1e-12, nfedu.MintLayer.z_to_x)
print(check_bijection(layer, x[:4]).raise_if_failed().summary())

wild = np.random.default_rng(90)
bold = nfedu.MintLayer((2, 3, 3), filters=3, rng=wild)  # with weights so large that without the signs it would fold
for p in bold.parameters().values():
    p.value += 2 * wild.standard_normal(p.value.shape)
diagonal, t = np.diagonal(layer_jacobians(bold, "x_to_z", x)[0], axis1=1, axis2=2), np.exp(bold.log_t.value)
lesson.claim("N23", "the diagonal is never below t: largest t − diagonal", max(0, (t - diagonal).max()), 1e-12, bold)

unit = nfedu.MintUnit((2, 3, 3), filters=3, rng=rng)
for p in unit.parameters().values():
    p.value += 0.3 * rng.standard_normal(p.value.shape)
A = triangle(3, 1, 1)[:, :, :, 1].transpose(2, 0, 1)  # what the second of three channels sees of each, (3, 3, 3)
taps = np.stack([A, A[::-1, ::-1, ::-1]])  # type B: the reverse order, of channels and of pixels
fig, axes = plt.subplots(1, 3, figsize=(12.5, 3.9), width_ratios=[1.25, 1, 1])
tiled = np.pad(taps, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
tiled = tiled.transpose(0, 2, 1, 3).reshape(8, 12)[:-1, :-1]
axes[0].pcolormesh(np.ma.masked_invalid(tiled), cmap="gray", vmin=-0.6, vmax=1.5, edgecolors="w", linewidth=1.5)
axes[0].plot(*np.meshgrid([1.5, 5.5, 9.5], [1.5, 5.5]), "o", color="tab:red", markersize=4)
axes[0].set(
    aspect="equal", title="3×3 taps", xticks=[1.5, 5.5, 9.5], yticks=[1.5, 5.5], yticklabels=["type A", "type B"]
)
axes[0].set_xticklabels(["of the channel before", "of its own", "of the one after"])
axes[0].invert_yaxis()
axes[0].tick_params(length=0)
axes[0].spines[:].set_visible(False)
show_jacobian(axes[1], J[0], "z", "x")
axes[1].set_title("∂z/∂x of a layer, 2×3×3")
show_jacobian(axes[2], layer_jacobians(unit, "x_to_z", x)[0][0], "z", "x")
axes[2].set_title("of a unit, a layer of each type")
caption = """What a pixel sees (light taps; red: its own place). Type A: all of the channels before, and of its own the
raster past and itself; type B: the reverse. The Jacobian of a layer is triangular (grey: exactly 0), that of a pair
is full."""
lesson.show(fig, "09_masks", caption)

# %% [markdown]
# ## Its inverse
#
# No formula gives x, but a good iteration does: with $D(x)$ the diagonal,
#
# $$
# x \leftarrow x + a\, D(x)^{-1} (z - L(x)) .
# $$
#
# At the solution its Jacobian is $I - a D^{-1} J$, triangular with $1 - a$ on the diagonal. So it converges from nearby
# for $0 < a < 2$; at $a = 1$ the matrix is nilpotent, faster than any geometric series; for $a > 2$ it is driven away.
#
# ```{literalinclude} ../nfedu/bijections/triangular.py
# :pyobject: iterate
# ```
#
# When it does not converge from far away, `MintLayer` solves coordinate by coordinate: each is a monotone equation,
# and since $|h| \le 1$, $x_i$ lies in an interval about $(z_i - b^3)/t$ that halving can only shrink. Pixels that do
# not see one another are solved at once: $C(W + 2H - 2)$ fronts instead of $CHW$ coordinates, so it ends in bounded
# time. And $\partial x/\partial z = J^{-1}$: backward solves a triangular system, and never looks at the iterations.

# %%
steep = nfedu.MintLayer((1, 8, 8), filters=6, rng=rng)
z = rng.standard_normal((50, 64))
fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.6))
rounds = {}
for a in (0.3, 0.9, 1.0, 1.5, 2.1):
    with np.errstate(all="ignore"):
        residuals = steep.iterate(z, a, 80)[2]
    left.semilogy(np.minimum(residuals, 1e12), label=f"a = {a}")
    shrunk = residuals[-1] / residuals[0]
    words = f"a = {a}: residual after ≤ 80 rounds / before" if a < 2 else "a = 2.1 diverges: residual before / after"
    lesson.claim("N23", words, shrunk if a < 2 else 1 / shrunk, 1e-8 if a < 2 else 1e-3, steep.iterate)
    rounds[a] = len(residuals)
fewest = rounds.pop(1.0) / min(rounds.values())
lesson.claim("N23", "no step takes fewer rounds than a = 1: rounds / next best", fewest, 1, steep.iterate)
left.set(xlabel="rounds", ylabel="largest |z − L(x)|", title="a layer as it starts")
left.legend()
start, scales, unsolved = [kernel.value for kernel in steep.kernels], (1, 2, 3, 4, 5), []
for scale in scales:
    for kernel, value in zip(steep.kernels, start, strict=True):
        kernel.value = scale * value
    unsolved.append(steep.iterate(z)[1].sum())
    if scale == 4:
        rest = abs(z - steep.apply(steep.solve(z))[0]).max()
        words = "weights × 4: residual of all rows, by iteration or fallback"
        lesson.claim("N23", words, rest, 1e-12, steep.by_coordinates)
        assert unsolved[-1] > 0, "the fallback is to be needed"
right.bar(scales, unsolved, color="tab:orange")
right.set(xlabel="weights, times what they start at", ylabel="rows left to the fallback, of 50", ylim=(0, 50))
caption = """Left: steps a < 2 converge, a = 1 fastest, a = 2.1 diverges. Right: at a = 1, with weights that are made
steeper, some rows are not solved within 100 rounds: those go coordinate by coordinate, and are solved too."""
lesson.show(fig, "09_inverse", caption)

# %% [markdown]
# ## Handwritten digits

# %%
filters, units = lesson.pick((4, 2, 1), (10, 6, 3), (16, 8, 4)), lesson.pick((1, 1, 1), (2, 2, 1), (3, 4, 1))
flow = mint_net((1, 8, 8), filters, units, rng=rng).astype(np.float32)
run = nfedu.fit_digits(flow, rng=rng, epochs=lesson.pick(3, 40, 250), weight_decay=0.3)
print(f"  MintNet, {flow.theta.size} weights: {run}")
lesson.record("MintNet", **run.row(flow))
if lesson.length != "quick":
    lesson.claim("N8", "MintNet on the digits, test bits per pixel", run.test[0], lesson.pick(0, 2.36, 2.12), nfedu.fit)
exact, start = flow.astype(np.float64), perf_counter()
samples = exact.sample(64, rng)
print(f"  64 samples by inversion in {perf_counter() - start:.1f} s")
test = datasets.dequantise(datasets.digits().test.images[:64], np.random.default_rng(0))
error = abs(exact.z_to_x(exact.x_to_z(test)[0])[0] - test).max()
lesson.claim("N23", "64 test digits, encoded and decoded: largest error", error, 1e-10, nfedu.MintUnit)
fig, axes = plt.subplots(1, 4, figsize=(13.5, 3.6), width_ratios=[1.1, 1.1, 1, 1])
y, rounds = test, []
parts = [part for f in exact.bijection.bijections for part in (f.bijections if isinstance(f, nfedu.MintUnit) else [f])]
for part in parts[::-1]:
    out = part.x_to_z(y)[0]
    if isinstance(part, nfedu.MintLayer):
        residuals = part.iterate(out)[2]
        axes[1].semilogy(residuals, color="0.4", linewidth=0.8)
        rounds.append(len(residuals) - 1)  # the first residual is that of the start
    y = out
axes[1].set(xlabel="rounds of the inverse, a = 1", ylabel="largest |z − L(x)|", ylim=(1e-16, 10))
axes[1].set_title("the trained layers, inverting")
lesson.claim("N23", "rounds of the trained layers at a = 1, to rounding", max(rounds), 40, nfedu.MintLayer.iterate)

bits = np.array(run.history.validation) / (64 * np.log(2)) + np.log2(17)
axes[0].plot(bits)
axes[0].set(xlabel="epoch", ylabel="bits per pixel, validation", ylim=(1.9, 3))
axes[0].set_title(f"test {run.test[0]:.3f} ± {run.test[1]:.3f}")
for ax, images, title in zip(axes[2:], (test, samples), ("test digits", "MintNet, samples by inversion"), strict=True):
    show_images(ax, images, 8)
    ax.set_title(title)
caption = f"""Left: bits per pixel; each layer of the trained model is inverted, to rounding, in at most {max(rounds)}
rounds. Right: samples, each the solution of as many triangular systems of nonlinear equations as the model has
layers."""
lesson.show(fig, "09_digits", caption)
lesson.end()

# %% [markdown]
# **Exercise.** Make $t$ the only thing that keeps the diagonal positive: leave the signs of $w^2$ as they are. Which
# rung of `check_bijection` objects first, and for which weights does none? Then count `iterate`'s rounds against depth.
