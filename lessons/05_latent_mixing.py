# %% [markdown]
# # 05 · Mixing latents
#
# *Notes: 混合 — styles of four samples in one; 优化目标, for what a model remembers. Statements N8 and N17.*
# *Paper: Dinh, Sohl-Dickstein & Bengio 2016, section 4.2 and figure 6.*
#
# **What the notes say** (after Real-NVP): with a flow, mix latents by cosines and sines of two angles, and the $X$
# that the mixture generates *may* mix the styles of the four (将可能混合 … 的风格). Two questions are in that: why
# cosines, and how would one see that styles are mixed?
#
# **Before this**: a flow pairs images and latents, exactly ([02a](02a_composing_flows.py)); a model of digits
# ([04c](04c_images.py)); that a sum of independent Gaussians is one, means and covariances added.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import stats

import nfedu
from nfedu import datasets, masks, plotting
from nfedu.checks import density_on_grid
from nfedu.course.lesson import begin
from nfedu.course.trained import with_weights
from nfedu.models import image_real_nvp

lesson = begin("05 · Mixing latents")
rng = np.random.default_rng(5)

# %% [markdown]
# ## The formula (混合)
#
# Four latents and two angles:
#
# $$
# Z = \cos\varphi\,\bigl(\cos\varphi' Z^{(1)} + \sin\varphi' Z^{(2)}\bigr)
#   + \sin\varphi\,\bigl(\cos\varphi' Z^{(3)} + \sin\varphi' Z^{(4)}\bigr), \qquad X = f_\theta(Z)
# $$ (N17)
#
# Why cosines? The four coefficients $c_k$ are products of two, $\cos\varphi$ or $\sin\varphi$ times $\cos\varphi'$ or
# $\sin\varphi'$, so
#
# $$
# \sum_k c_k^2 = (\cos^2\varphi + \sin^2\varphi)(\cos^2\varphi' + \sin^2\varphi') = 1 .
# $$
#
# Let $Z^{(k)}$ be independent draws of $N(0, I)$. $c_k Z^{(k)}$ is $N(0, c_k^2 I)$, and the sum of independent
# Gaussians is Gaussian with the covariances added: $N(0, \sum_k c_k^2 I) = N(0, I)$. What is mixed from four draws of
# the base is a draw of the base, so $f_\theta$ of it is a draw of the model. Positive weights that sum to 1, as on a
# straight line, have $\sum_k c_k^2 < 1$ instead: at the middle of four, $4 \cdot \tfrac1{16}$, covariance $I/4$, and
# half the norm.
#
# **Only for a Gaussian base.** *Cumulants* are what mean and variance are the first two of: the $m$-th is the
# coefficient of $t^m/m!$ in $\log \mathbb{E}\, e^{tZ}$. Those of independent variables add, and $cZ$ has $c^m$ times
# the $m$-th one of $Z$. So a mixture has $\sum_k c_k^m$ times as much, less in size for $m > 2$ (unless some $c_k$ is
# ±1). What stays as it is has none beyond the second, and is Gaussian. A logistic's excess kurtosis (the fourth by the
# squared variance) is $\tfrac65$; with all $c_k = \tfrac12$ a quarter of it is left, $\tfrac3{10}$.
#
# **By hand.** $\cos\varphi = \tfrac35$, $\cos\varphi' = \tfrac5{13}$: $c = (15, 36, 20, 48)/65$,
# squares $225 + 1296 + 400 + 2304 = 65^2$. With $z^{(1)} = (1, 0)$, $z^{(2)} = (0, 1)$, $z^{(3)} = (-1, 0)$,
# $z^{(4)} = (0, -1)$: $z = (15 - 20, 36 - 48)/65 = (-5, -12)/65$.
#
# **Given latents** are not draws. By expanding, $\lVert z\rVert^2$ is $\sum_k c_k^2 \lVert z^{(k)}\rVert^2$ and, added
# to it, $2 \sum_{k<l} c_k c_l \langle z^{(k)}, z^{(l)}\rangle$. By hand the opposite vectors cancel: $\lVert z\rVert =
# \tfrac15$. In $n$ dimensions $\lVert z\rVert^2$ is about $n$ and an inner product of two draws about $\pm\sqrt n$ (a
# sum of $n$ terms of mean 0 and variance 1): the larger $n$, the less the second sum matters.
#
# ```{literalinclude} ../nfedu/mixing.py
# :pyobject: mix_latents
# ```

# %%
pencil = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
found = nfedu.mix_latents(*pencil, np.arctan2(4, 3), np.arctan2(12, 5))
error = abs(found - np.array([-5, -12]) / 65).max()
lesson.claim("N17", "pencil: four unit vectors mixed, (−5, −12)/65", error, 1e-15, nfedu.mix_latents)

# %% [markdown]
# Are mixtures of draws draws? Their covariance should be $I$, their squared norms χ²(n). The *Kolmogorov distance* of a
# sample from a distribution is the largest difference of their distribution functions; that of $N$ draws exceeds
# $1.95/\sqrt N$ once in a thousand times. Last, a logistic base.

# %%
n, N = 64, 20_000
phi, phi_prime = rng.uniform(0, 2 * np.pi, (2, N))
error = abs((nfedu.mixing_coefficients(phi, phi_prime) ** 2).sum(axis=0) - 1).max()
lesson.claim("N17", "squared coefficients sum to 1, 20,000 pairs", error, 1e-14, nfedu.mixing_coefficients)
z = rng.standard_normal((4, N, n))
mixed = nfedu.mix_latents(*z, phi, phi_prime)
error = abs(np.cov(mixed.T) - np.eye(n)).max()
lesson.claim("N17", "covariance of 20,000 mixtures is I, largest entry off", error, 0.05, nfedu.mix_latents)
far, most = stats.kstest((mixed**2).sum(axis=1), stats.chi2(n).cdf).statistic, 1.95 / np.sqrt(N)
lesson.claim("N17", "‖mixed‖² is χ²(n): Kolmogorov distance, 1.95/√N at 0.1 %", far, most, nfedu.mix_latents)
logistic = nfedu.mix_latents(*np.random.default_rng(3).logistic(size=(4, 1_000_000)), np.pi / 4, np.pi / 4)
error = abs(stats.kurtosis(logistic) - 0.3)
lesson.claim("N17", "a logistic base: excess kurtosis of a million mixtures − 3/10", error, 0.03, nfedu.mix_latents)

# %% [markdown]
# ## In the plane
#
# A flow of the two moons. Two latents and all angles make an ellipse around 0 (of two draws of one length and
# orthogonal, a circle); the straight line is its chord. In two dimensions the middle is where the density is
# *highest*: not improbable, only not typical: the images of many straight middles crowd in the middle of the arms.

# %%
layers = [nfedu.AffineCoupling(2, (64, 64), flip=bool(m % 2), activation="tanh", rng=rng) for m in range(8)]
moons = nfedu.Flow(nfedu.StandardNormal(2), layers).astype(np.float32)
points = datasets.two_moons(10_000, rng).astype(np.float32)
options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True}
nfedu.fit(moons, points, rng=rng, epochs=lesson.pick(6, 25), **options)
moons = moons.astype(np.float64)
four = rng.standard_normal((4, N, 2))
middles = {"mixed": nfedu.mix_latents(*four, np.pi / 4, np.pi / 4), "straight": four.mean(axis=0)}
drawn = {name: moons.z_to_x(z)[0] for name, z in middles.items()}
grid = density_on_grid(moons, -4, 4, 500)
cumulated = np.cumsum(grid.density.sum(axis=1)) / grid.density.sum()  # of x_1, by quadrature
p_below = lambda v: np.interp(v, grid.axes[0] + 0.008, cumulated)  # noqa: E731
off = {name: float(stats.kstest(x[:, 0], p_below).statistic) for name, x in drawn.items()}
print("  x₁ of images, Kolmogorov distance from the model: mixed {mixed:.4f}, straight {straight:.4f}".format(**off))
lesson.claim("N17", "images of mixtures have the model's p(x₁): Kolmogorov distance", off["mixed"], most + 0.002,
             nfedu.mix_latents)  # fmt: skip

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 3, figsize=(9.6, 6.4))
pair = np.array([[1.5, 0.4], [-0.5, 1.3]])
plotting.show_density(axes[0, 0], nfedu.StandardNormal(2), -3, 3)
plotting.show_mixing(axes[0, 0], pair)
axes[0, 0].set(title="two latents (white), and what mixes them", xlabel="$z_1$", ylabel="$z_2$")
axes[0, 0].legend(labelcolor="white", loc="upper right")
plotting.show_density(axes[0, 1], moons, -3, 3, 400)
plotting.show_mixing(axes[0, 1], pair, lambda z: moons.z_to_x(z)[0])
axes[0, 1].set_title("the same under f")
plotting.show_norms(axes[0, 2], (2, 16, 64), ("0.7", "tab:orange", "tab:blue"))
axes[0, 2].set_title("norms: drawn and mixed (—), straight (- -)")
plotting.show_density(axes[1, 0], moons, -3, 3, 400)
axes[1, 0].set_title("p(x), the model")
for ax, (name, x) in zip(axes[1, 1:], drawn.items(), strict=True):
    plotting.samples_axes(ax, x[:6000])
    ax.set_title({"mixed": "images of mixtures of four draws", "straight": "images of their straight middles"}[name])
caption = """Above: mixing two latents by all angles (an ellipse) and along the straight line, in z and under f; the
norms of draws and mixtures (solid) and of straight middles (dashed), which are the better told apart the larger n is.
Below: mixtures of four draws have the model's own density; straight middles do not."""
lesson.show(fig, "05_plane", caption)

# %% [markdown]
# ## Four test digits, and everything between them
#
# RealNVP for images, as in lesson 04c, on a standard normal base, trained for less long. Encode digits of the test
# split, which the model has never seen; walk φ and φ' from 0 to π/2; decode. At the corners one coefficient is 1 and
# the originals come back, to rounding. Are encoded test digits like draws? Their norms and inner products say so only
# if the model has learned to Gaussianize (lesson 10).

# %%
split = datasets.digits()
flow = image_real_nvp((1, 8, 8), filters=lesson.pick(8, 12), rng=rng).astype(np.float32)
run = nfedu.fit_digits(flow, rng=rng, epochs=lesson.pick(3, 30))
print(f"  {run}")
flow = flow.astype(np.float64)  # float32 was for training; encoding and decoding are to be exact
x = datasets.dequantise(split.test.images, np.random.default_rng(1))
z = flow.x_to_z(x)[0]
quads = np.random.default_rng(2).permutation(360).reshape(4, 90)
mixed, straight = nfedu.mix_latents(*z[quads], np.pi / 4, np.pi / 4), z[quads].mean(axis=0)
low, high = stats.chi(n).ppf([0.005, 0.995])
outside = {name: np.mean(abs(np.linalg.norm(v, axis=1) - (low + high) / 2) > (high - low) / 2)
           for name, v in {"encoded": z, "mixed": mixed, "straight": straight}.items()}  # fmt: skip
shares = ", ".join(f"{name} {share:.2f}" for name, share in outside.items())
print(f"  share of norms outside the 99 % of N(0, I): {shares}")
if lesson.length != "quick":
    lesson.claim("N17", "90 mixtures of test digits: share with an untypical norm", outside["mixed"], 0.2, nfedu.fit)
chosen = [np.flatnonzero(split.test.labels == digit)[0] for digit in (0, 3, 4, 6)]
side, right = 7, np.pi / 2
t, t_prime = (grid.ravel() for grid in np.meshgrid(*2 * [np.linspace(0, 1, side)], indexing="ij"))
weights = np.stack([(1 - t) * (1 - t_prime), (1 - t) * t_prime, t * (1 - t_prime), t * t_prime])
long = with_weights("RealNVP, convolutions", image_real_nvp((1, 8, 8), filters=24, rng=rng)).astype(np.float64)
z_four = long.x_to_z(x[chosen])[0]  # by lesson 04c's model after its long training
between = {"mixed by angles (N17)": nfedu.mix_latents(*z_four, right * t, right * t_prime)}
between |= {"mixed by straight lines": weights.T @ z_four}
corners = long.z_to_x(between["mixed by angles (N17)"])[0][[0, side - 1, -side, -1]]
lesson.claim("N17", "the corners are the four originals", abs(corners - x[chosen]).max(), 1e-9, nfedu.mix_latents)

# %% [markdown]
# **Are styles mixed?** (将可能混合) The eye is kind. Two numbers for 90 quadruples of test digits, mixed at the middle.
# First, *all four count*: regress the mixture's slant on the slants of the four, its ink on their inks. (For an affine
# $f$ each ink counts with its $c_k = \tfrac12$.)

# %%
middle, least = flow.z_to_x(mixed)[0], np.inf
for f in (datasets.slant, datasets.ink):
    A = np.column_stack([f(x)[quads].T, np.ones(90)])
    share, (rest,), *_ = np.linalg.lstsq(A, f(middle), rcond=None)
    spread = np.sqrt(rest / 85 * np.diag(np.linalg.inv(A.T @ A)))
    print(f"  {f.__name__}: how much each of the four counts,", *share[:4].round(2), f"each ± {spread[:4].max():.2f}")
    least = min(least, *(share / spread)[:4])
if lesson.length != "quick":
    statement = "slant and ink of mixtures: 4 / the least of the four's shares, in standard errors"
    lesson.claim("N17", statement, 4 / max(least, 1e-9), 1, nfedu.mix_latents)

# %% [markdown]
# A cross-fade of pixels has that too. So second, *it is a digit*: what the result costs, in bits per pixel, under
# another model, the *judge*, which was trained apart and knows nothing of the mixing.

# %%
lines = [masks.checkerboard((1, 8, 8)), np.arange(64) % 2 == 0, np.arange(64) // 8 % 2 == 0]
options = {"activation": "tanh", "rng": rng}
layers = [nfedu.AffineCoupling(64, (128, 128), mask=lines[m // 2 % 3], flip=bool(m % 2), **options) for m in range(8)]
judge = nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Rescale(64), *layers, nfedu.Logit(64)]).astype(np.float32)
judged = nfedu.fit_digits(judge, rng=rng, epochs=lesson.pick(3, 40))
print(f"  the judge: {judged}")
results = {"test digits": x, "samples": flow.sample(360, rng), "mixed by angles": middle}
results |= {"straight middles": flow.z_to_x(straight)[0], "means of pixels": x[quads].mean(axis=0)}
bits = {}
for name, images in results.items():
    cost = -judge.log_prob(np.clip(images, 1e-6, 1 - 1e-6).astype(np.float32)) / (64 * np.log(2)) + np.log2(17)
    bits[name] = cost.mean(), cost.std() / np.sqrt(len(cost))
    print(f"  {name:<17} {bits[name][0]:.3f} ± {bits[name][1]:.3f} bits")
if lesson.length != "quick":
    error = max(bits["test digits"][0] - bits["mixed by angles"][0], bits["mixed by angles"][0] - bits["samples"][0])
    statement = "a model trained apart: mixtures cost more than digits and less than samples, the worse in bits"
    lesson.claim("N17", statement, error, 0, nfedu.mix_latents)
    error = bits["mixed by angles"][0] - bits["means of pixels"][0]
    lesson.claim("N17", "… and less than means of pixels: difference in bits", error, -0.1, nfedu.fit)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(9.8, 3.9), width_ratios=[1, 1, 1.05])
for ax, (name, latents) in zip(axes, between.items(), strict=False):
    plotting.show_manifold(ax, long.z_to_x(latents)[0], side)
    ax.set_title(name)
plotting.show_costs(axes[2], bits, ["0.4", "0.4", "tab:blue", "tab:green", "tab:red"])
axes[2].set_title("cost under a model trained apart")
caption = f"""Four test digits in the red corners, encoded and decoded by lesson 04c's model after its long training;
all else is decoded from mixtures. Right, this lesson's own model at the middle of 90 quadruples (lines: two standard
errors): mixtures by angles cost more than digits and less than the model's own samples; straight middles even less than
digits: likelier, but not typical; means of pixels, four digits at once, the most. Untypical norms:
{outside["mixed"]:.0%} of the mixtures, {outside["straight"]:.0%} of the straight middles."""
lesson.show(fig, "05_manifold", caption)

turns, (fig, axes) = np.linspace(0, right, 19), plt.subplots(1, 2, figsize=(8, 2.8), width_ratios=[1, 2.6])
caption = """The same four digits, a row of such a picture at a time: φ turns from the upper two digits to the lower
two, φ' differs from column to column. The upper row is mixed by angles, the lower one by straight lines: at the
corners they agree, half-way the latents of the lower row are shorter."""
lesson.slide(fig, lambda k: plotting.show_mixtures(*axes, lambda z: long.z_to_x(z)[0], z_four, turns[k]),
             [f"φ = {np.degrees(turn):.0f}°" for turn in turns], "05_turn", caption, "angle φ", start=9)  # fmt: skip

# %% [markdown]
# ## Has the model just memorised? (优化目标)
#
# A tempting test: if samples were copies of training images, they would lie nearer to them than fresh test digits do.
# But white noise passes it, and so do copies that are moved by one pixel. Distances of pixels can find blunt copies,
# they cannot exclude memory. The objective itself can measure it, since a flow knows its density: what test images
# cost more than training images is what was learned of these images and not of digits.


# %%
def nearest(images):
    """For each image, the closest training image and its distance, in grey levels."""
    squared = ((images[:, None] - split.train.images[None]) ** 2).sum(axis=2)
    return split.train.images[squared.argmin(axis=1)], np.sqrt(squared.min(axis=1))


samples, noise = np.clip(np.floor(17 * results["samples"]), 0, 16), rng.integers(0, 17, (360, 64))
moved = np.stack([np.roll(v.reshape(8, 8), 1, axis=1).ravel() for v in split.train.images[:360]])
sets = {"test digits": split.test.images, "samples": samples, "training images moved by a pixel": moved}
distances = {name: nearest(images)[1] for name, images in (sets | {"white noise": noise}).items()}
medians = {name: float(np.median(d)) for name, d in distances.items()}
near = ", ".join(f"{name} {d:.1f}" for name, d in medians.items())
print(f"  median distance to the nearest training image: {near}")
error = medians["test digits"] - medians["training images moved by a pixel"]
lesson.claim("N8", "test digits' distance − that of copies moved by a pixel: the test is blind", error, 0, nearest)
gaps = [r.test[0] - r.train[0] for r in (run, judged)]
print("  memory by the objective, test − train bits per pixel: {:.3f}, and {:.3f} of the judge".format(*gaps))
if lesson.length != "quick":
    error = 3 * np.hypot(judged.test[1], judged.train[1]) / gaps[1]
    lesson.claim("N8", "memory, the judge's test − train: three standard errors / that", error, 1, nfedu.fit)

# %% tags=["hide-input"]
fig, (left, axis) = plt.subplots(1, 2, figsize=(9.2, 3.6), width_ratios=[1, 1.4])
plotting.show_images(left, np.stack([samples[:8], nearest(samples[:8])[0]], axis=1).reshape(-1, 64) / 16, 4)
left.set_title("pairs: a sample, its nearest training image")
for name, d in distances.items():
    axis.hist(d, np.linspace(0, 70, 50), alpha=0.6, label=name, density=True)
axis.set(xlabel="distance to the nearest training image (grey levels)", ylabel="share per grey level")
axis.set_ylim(0, 0.15)  # room for the legend
axis.legend()
caption = f"""Samples are no blunt copies. But neither do copies moved by a pixel come near their originals, nor does
noise: distances of pixels cannot exclude memory. The likelihood shows it: test images cost {gaps[0]:.3f} bits per
pixel more than training images, and {gaps[1]:.3f} under the judge, MLPs that were trained for longer."""
lesson.show(fig, "05_nearest", caption)

# %% [markdown]
# ## Summary
#
# Cosines make the squares of the coefficients sum to 1, so mixtures of draws of N(0, I) are draws of N(0, I) (N17), and
# their images draws of the model. For given latents it holds as far as they are like draws, the better the larger n is.
# Straight lines leave the shell where draws live. Mixtures of digits carry the slant and ink of all four and cost
# another model more than digits, less than samples. Memory is measured by the likelihood, not by distances of pixels.
#
# **Exercise.** Mix two latents only, with $\varphi = 0$: what path does the latent take on its sphere? Replace the
# base by `StandardLogistic`: mix 20,000 draws, and see by the Kolmogorov distance that the result is no longer
# logistic.
# %%
lesson.end()
