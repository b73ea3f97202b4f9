# %% [markdown]
# # 09b · MintNet: its inverse, and digits
#
# *Notes: MintNet. Statement N23.*
# *Paper: Song, Meng & Ermon 2019, section 3.*
#
# **What the notes say (MintNet).** That the convolution is made *invertible*. [09a](09a_mintnet.py) made it so: $z =
# L(x)$ has a triangular Jacobian with a positive diagonal, so each $z$ has one $x$. But there is no formula for it.
# This lesson finds it, as exactly as floating point can, and then trains a MintNet on digits.
#
# **What you need.** Newton's method; a solution is differentiated without its algorithm
# ([00c](00c_backward_of_a_solution.py), B7 and B8).

# %%
from time import perf_counter

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.bijections.mint.triangular import iterate
from nfedu.course.lesson import begin
from nfedu.course.trained import Outcome, long_training
from nfedu.models import mint_net
from nfedu.plotting import error_axes, show_errors, show_images

lesson = begin("09b · MintNet: its inverse, and digits")
rng = np.random.default_rng(90)

# %% [markdown]
# ## An iteration
#
# No formula gives x, but a good iteration does. With $D(x)$ the diagonal of $J = \partial L/\partial x$,
#
# $$
# x \leftarrow x + a\, D(x)^{-1} (z - L(x)) .
# $$
#
# At the solution $z - L$ is 0, so that $D$'s own derivative does not count, and an error $e$ becomes $(I - a D^{-1} J)
# e$ up to $O(|e|^2)$. That matrix is triangular, $1 - a$ on its diagonal: its powers shrink like $|1 - a|^k$ times a
# polynomial in $k$, so from nearby the iteration converges for $0 < a < 2$ and is driven away for $a > 2$. At $a = 1$
# the diagonal is 0, and the $n$-th power vanishes (each factor leads at least one place further from the diagonal): a
# *linear* triangular $L$ is solved after $n$ rounds, exactly. For $n = 1$ it is Newton's method.
#
# **By hand.** $L(x) = (2x_1,\ x_1 + 4x_2)$, $z = (2, 9)$, from 0, $a = 1$. Round 1: $(2/2,\ 9/4) = (1, 9/4)$. The
# residual is $(0,\ 9 - 1 - 9) = (0, -1)$; round 2: $(1,\ 9/4 - 1/4) = (1, 2)$, which is the solution.
#
# ```{literalinclude} ../nfedu/bijections/mint/triangular.py
# :pyobject: iterate
# ```
#
# When it does not converge from far away, `MintLayer` solves coordinate by coordinate: each is a monotone equation,
# and since $|h| \le 1$, $x_p$ is no farther than $\sum |W^3|/t_p$ from $(z_p - b^3)/t_p$: an interval, which halving
# can only shrink. Pixels that do not see one another are solved at once: $C(W + 2H - 2)$ fronts instead of $CHW$
# coordinates, so it ends in bounded time. $\partial x/\partial z = J^{-1}$: backward solves one triangular system
# (00c) and never looks at the iterations.


# %%
def rounds_of(M, z, rounds, a=1.0):
    """x after so many rounds from 0, for L(x) = Mx."""
    diagonal = np.broadcast_to(np.diag(M), z.shape)
    return iterate(lambda x: (x @ M.T, diagonal), z, 0 * z, 0 * z - 1, a, rounds)[0]


M = np.array([[2.0, 0], [1, 4]])
first, second = (rounds_of(M, np.array([[2.0, 9]]), rounds) for rounds in (1, 2))
error = abs(np.array([first, second]) - [[[1, 9 / 4]], [[1, 2]]]).max()
lesson.claim("N23", "pencil: two rounds, (1, 9/4) and (1, 2)", error, 0, iterate)
M = np.tril(rng.standard_normal((8, 8)), -1) + np.diag(rng.uniform(1, 2, 8))
x = rng.standard_normal((5, 8))
left = abs(rounds_of(M, x @ M.T, 8) - x).max()
lesson.claim("N23", "L linear and triangular, n = 8: error after 8 rounds at a = 1", left, 1e-12, iterate)

# %% [markdown]
# One pixel, started 0.001 beside the solution: by which factor does a round shrink the error? It should be $1 - a$.

# %%
pixel, target = nfedu.MintLayer((1, 1, 1), filters=1, rng=rng), np.array([[3.0]])
for kernel in pixel.network.kernels:
    kernel.value[1, 1] = 1
for a in (0.3, 0.9, 1.5, 2.1):
    near = pixel.solve(target) + 1e-3
    errors = [near - pixel.solve(target)]
    for _ in range(3):
        near = iterate(pixel.with_diagonal, target, near, np.zeros((1, 1)), a, 1)[0]
        errors.append(near - pixel.solve(target))
    off = abs(errors[3] / errors[2] - (1 - a)).item()
    lesson.claim("N23", f"one pixel, a = {a}: an error's factor, less 1 − a", off, 2e-3, nfedu.MintLayer.iterate)

# %% [markdown]
# A whole layer, 8×8 pixels, 50 rows, and five steps a: which of them converge, and which is the fastest?

# %%
steep = nfedu.MintLayer((1, 8, 8), filters=6, rng=rng)
z = rng.standard_normal((50, 64))
curves, rounds = {}, {}
for a in (0.3, 0.9, 1.0, 1.5, 2.1):
    with np.errstate(all="ignore"):
        curves[a] = residuals = steep.iterate(z, a, 80)[2]
    shrunk = residuals[-1] / residuals[0]
    words = f"a = {a}: residual after ≤ 80 rounds / before" if a < 2 else "a = 2.1 diverges: residual before / after"
    lesson.claim("N23", words, shrunk if a < 2 else 1 / shrunk, 1e-8 if a < 2 else 1e-3, steep.iterate)
    rounds[a] = len(residuals)
fewest = rounds.pop(1.0) / min(rounds.values())
lesson.claim("N23", "of five steps tried, a = 1 takes fewest rounds: rounds / next best", fewest, 0.99, steep.iterate)

# %% [markdown]
# And when the layer is made steeper, all its weights multiplied by 2 to 5? Rows that the iteration leaves unsolved go
# coordinate by coordinate.

# %%
start, scales, unsolved = [kernel.value for kernel in steep.network.kernels], (1, 2, 3, 4, 5), []
for scale in scales:
    for kernel, value in zip(steep.network.kernels, start, strict=True):
        kernel.value = scale * value
    x, still, _ = steep.iterate(z)
    unsolved.append(still.sum())
    if scale == 4:
        x[still] = steep.by_coordinates(z[still])
        rest = abs(z - steep.network(x)[0]).max()
        lesson.claim("N23", "weights × 4: rows that a = 1 leaves, 1 / how many", 1 / unsolved[-1], 1, steep.iterate)
        lesson.claim("N23", "weights × 4: residual of all rows, with the fallback", rest, 1e-12, steep.by_coordinates)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.5))
for a, residuals in curves.items():
    left.semilogy(np.minimum(residuals, 1e12), label=f"a = {a}")
left.set(xlabel="rounds", ylabel="largest |z − L(x)|", title="a layer as it starts, n = 64")
left.legend()
right.bar(scales, unsolved, color="tab:orange")
right.set(xlabel="weights, times what they start at", ylabel="rows left to the fallback, of 50", ylim=(0, 50))
caption = """Left: steps a < 2 converge, a = 1 fastest of these five, a = 2.1 diverges. Right: at a = 1, with
weights three times as large a third of the rows is not solved within 100 rounds, with larger ones no row is: those go
coordinate by coordinate, and are solved too."""
lesson.show(fig, "09b_inverse", caption)

# %% tags=["hide-input"]
for kernel, value in zip(steep.network.kernels, start, strict=True):
    kernel.value = value
solution, paths = steep.solve(z[:1]), {a: [np.zeros((1, 64))] for a in (0.3, 0.9, 1.0, 1.5, 2.1)}
with np.errstate(all="ignore"):
    for a, path in paths.items():
        for _ in range(20):
            path.append(iterate(steep.with_diagonal, z[:1], path[-1], 0 * z[:1], a, 1)[0])
errors = {a: abs(np.concatenate(path) - solution) for a, path in paths.items()}
fig = plt.figure(figsize=(9, 4.2))
caption = """One image, found by iteration: the error of each of its 8×8 pixels after k rounds (dark: 1 and more,
white: 10⁻¹⁶), for five steps a, and the largest error. At a = 1 a front goes from the upper left to the lower right:
pixels are right before those that see them. With a < 1 all of them crawl, by 1 − a a round; with a = 1.5 they
overshoot, at 2.1 they never come."""
parts = error_axes(fig, len(errors))
lesson.slide(fig, lambda k: show_errors(*parts, errors, k), [f"{k} rounds" for k in range(21)], "09b_front", caption,
             "inverse", start=6)  # fmt: skip

# %% [markdown]
# ## Handwritten digits
#
# Units of three filter widths, the image squeezed in between (04c), from logit to a standard normal: one short training
# here; the samples are of a larger model, trained for longer.


# %%
def build(rng, filters=(16, 8, 4), units=(3, 4, 1)):
    return mint_net((1, 8, 8), filters, units, rng=rng).astype(np.float32)


def train(flow, rng, epochs=250):
    return nfedu.fit_digits(flow, rng=rng, epochs=epochs, weight_decay=0.3)


flow = build(rng, lesson.pick((4, 2, 1), (10, 6, 3)), lesson.pick((1, 1, 1), (2, 2, 1)))
run = train(flow, rng, lesson.pick(3, 40))
print(f"  MintNet, {flow.theta.size} weights: {run}")
if lesson.length != "quick":
    lesson.claim("N8", "MintNet on the digits, test bits per pixel", run.test[0], 2.36, nfedu.fit)
long = long_training(lesson, "MintNet", build, lambda flow, rng: Outcome.of(train(flow, rng)), peer=2.058)
start = perf_counter()
samples = long.astype(np.float64).sample(16, rng)
print(f"  16 samples by inversion in {perf_counter() - start:.1f} s")

# %% [markdown]
# Does the inverse of a *trained* model still bring digits back, and in how many rounds, layer by layer?

# %%
exact = flow.astype(np.float64)
test = datasets.dequantise(datasets.digits().test.images[:64], np.random.default_rng(0))
error = abs(exact.z_to_x(exact.x_to_z(test)[0])[0] - test).max()
lesson.claim("N23", "64 test digits, encoded and decoded: largest error", error, 1e-10, nfedu.MintUnit)
y, curves = test, []
parts = [part for f in exact.bijection.bijections for part in (f.bijections if isinstance(f, nfedu.MintUnit) else [f])]
for part in parts[::-1]:
    out = part.x_to_z(y)[0]
    if isinstance(part, nfedu.MintLayer):
        curves.append(part.iterate(out)[2])
    y = out
most = max(len(residuals) for residuals in curves) - 1  # the first residual is that of the start
lesson.claim("N23", "rounds of the trained layers at a = 1, to rounding", most, 40, nfedu.MintLayer.iterate)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 2, figsize=(8.5, 7), height_ratios=[1, 1.25])
axes = axes.ravel()
axes[0].plot(np.array(run.history.validation) / (64 * np.log(2)) + np.log2(17))
axes[0].set(xlabel="epoch", ylabel="bits per pixel, validation", ylim=(1.9, 3))
axes[0].set_title(f"test {run.test[0]:.3f} ± {run.test[1]:.3f}")
colours = plt.cm.ScalarMappable(plt.Normalize(1, len(curves)), "viridis")
for k, residuals in enumerate(curves, 1):
    axes[1].semilogy(residuals, color=colours.to_rgba(k), linewidth=1)
axes[1].set(xlabel="rounds of the inverse, a = 1", ylabel="largest |z − L(x)|", ylim=(1e-16, 10))
axes[1].set_title("each trained layer, inverted")
fig.colorbar(colours, ax=axes[1], label="layer, counted from x")
for ax, images, title in zip(axes[2:], (test[:16], samples), ("test digits", "samples by inversion"), strict=True):
    show_images(ax, images, 4)
    ax.set_title(title)
caption = f"""Above: bits per pixel of a short training, and each layer of the trained model, inverted to rounding in at
most {most} rounds. Below: samples, each the solution of as many triangular systems of nonlinear equations as the model
has layers; they are of a larger model, trained for longer (`--full`, RESULTS.md)."""
lesson.show(fig, "09b_digits", caption)

# %% [markdown]
# **In short.** The inverse of a triangular map is found by an iteration that divides the residual by the diagonal. Near
# the solution an error shrinks like $|1 - a|^k$; at $a = 1$ a linear map takes at most $n$ rounds, one pixel takes
# Newton's. From far away it may fail: then each coordinate is a monotone equation in a known interval. Trained layers
# take few rounds. Backward is one triangular system, whatever the rounds were (B8).
#
# **Exercise.** Count `iterate`'s rounds against the number of units, for a trained model and for one as it starts. Then
# start from $x = 0$ instead of $z/t$: how many rounds more?

# %%
lesson.end()
