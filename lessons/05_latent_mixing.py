# %% [markdown]
# # 05 · Mixing latents
#
# *Notes: 混合 — styles of four samples in one. Statement N17.*
# *Paper: Dinh, Sohl-Dickstein & Bengio 2016, section 4.2 and figure 6.*
#
# A flow gives each image a latent, exactly, and each latent an image. So we can compute with images where they are
# Gaussian: encode four, mix their latents, decode.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import stats

import nfedu
from nfedu import datasets
from nfedu.course.lesson import begin
from nfedu.models import image_real_nvp
from nfedu.plotting import show_images

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
# Why cosines? The four coefficients $c_k$ are products of a cosine or sine of φ with one of φ', so
#
# $$
# \sum_k c_k^2 = (\cos^2\varphi + \sin^2\varphi)(\cos^2\varphi' + \sin^2\varphi') = 1 .
# $$
#
# A sum of independent Gaussians is Gaussian, with mean 0 and covariance $\sum_k c_k^2 I = I$: what is mixed from four
# draws of the base is a draw of the base. Weights that sum to 1, as on a straight line, give $\sum_k c_k^2 < 1$
# instead: at the middle of four, covariance $I/4$.
#
# ```{literalinclude} ../nfedu/mixing.py
# :pyobject: mix_latents
# ```

# %%
phi, phi_prime = rng.uniform(0, 2 * np.pi, (2, 1000))
squares = (nfedu.mixing_coefficients(phi, phi_prime) ** 2).sum(axis=0)
lesson.claim("N17", "the squared coefficients sum to 1, 1000 pairs of angles", abs(squares - 1).max(), 1e-14,
             nfedu.mixing_coefficients)  # fmt: skip

n, N = 64, 20_000
z = rng.standard_normal((4, N, n))
mixed, straight = nfedu.mix_latents(*z, np.pi / 4, np.pi / 4), z.mean(axis=0)
norms = {"drawn": np.linalg.norm(z[0], axis=1), "mixed": np.linalg.norm(mixed, axis=1)}
norms["straight line"] = np.linalg.norm(straight, axis=1)
for name, r in norms.items():
    print(f"  norms, {name:<14} {r.mean():.3f} ± {r.std():.3f}   (√n = {np.sqrt(n):.3f})")
covariance = np.cov(mixed.T)
lesson.claim("N17", "covariance of 20,000 mixtures is I, largest entry off", abs(covariance - np.eye(n)).max(), 0.05,
             nfedu.mix_latents)  # fmt: skip
distance = stats.kstest(norms["mixed"] ** 2, stats.chi2(n).cdf).statistic
line = stats.kstest(norms["straight line"] ** 2, stats.chi2(n).cdf).statistic
print(f"  Kolmogorov distance of ‖z‖² from χ²(64): mixed {distance:.4f}, straight line {line:.4f}")
lesson.claim("N17", "‖mixed‖² is χ²(n): Kolmogorov distance, 1.95/√N at 0.1 %", distance, 1.95 / np.sqrt(N),
             nfedu.mix_latents)  # fmt: skip
shrunk = abs(norms["straight line"].mean() / norms["drawn"].mean() - 0.5)
lesson.claim("N17", "the straight line's middle has half the norm: |ratio − 1/2|", shrunk, 0.01, "numpy mean")

# %% [markdown]
# ## A model of the digits
#
# RealNVP for images, as in lesson 04, on a standard normal base (the argument above needs it), trained for less long.


# %%
split = datasets.digits()
flow = image_real_nvp((1, 8, 8), filters=lesson.pick(8, 16), rng=rng).astype(np.float32)
run = nfedu.fit_digits(flow, rng=rng, epochs=lesson.pick(3, 45, 150))
print(f"  {run}")
flow = flow.astype(np.float64)  # float32 was for training; encoding and decoding are to be exact

# %% [markdown]
# ## Four test digits, and everything between them
#
# Encode four digits of the test split, which the model has never seen; walk φ and φ' from 0 to π/2; decode. At the
# corners one coefficient is 1 and the originals come back, to rounding.

# %%
chosen = [np.flatnonzero(split.test.labels == digit)[0] for digit in (0, 3, 4, 6)]
x = datasets.dequantise(split.test.images[chosen], np.random.default_rng(1))
z = flow.x_to_z(x)[0]
side, right = 9, np.pi / 2
t, t_prime = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side), indexing="ij"))
mixed = nfedu.mix_latents(*z, right * t, right * t_prime)
weights = np.stack([(1 - t) * (1 - t_prime), (1 - t) * t_prime, t * (1 - t_prime), t * t_prime])
straight = weights.T @ z
images = {"mixed": flow.z_to_x(mixed)[0], "straight line": flow.z_to_x(straight)[0]}
corners = images["mixed"][[0, side - 1, -side, -1]]
lesson.claim("N17", "the corners are the four originals", abs(corners - x).max(), 1e-9, nfedu.mix_latents)

fig, axes = plt.subplots(1, 3, figsize=(12, 4.6), width_ratios=[1, 1, 0.95])
latents = {"mixed": mixed, "straight line": straight}
for ax, (name, pictures) in zip(axes, images.items(), strict=False):
    show_images(ax, pictures, side)
    for corner in (0, side - 1, side**2 - side, side**2 - 1):
        row, column = divmod(corner, side)
        ax.add_patch(plt.Rectangle((9 * column, 9 * row), 9, 9, fill=False, edgecolor="tab:red", lw=1.5))
    ax.set_title({"mixed": "mixed by angles (N17)", "straight line": "mixed by straight lines"}[name])
path = np.linspace(0, 1, 50)
diagonal = np.stack([(1 - path) ** 2, path * (1 - path), path * (1 - path), path**2]).T @ z
axes[2].plot(path, np.linalg.norm(nfedu.mix_latents(*z, right * path, right * path), axis=1), label="by angles")
axes[2].plot(path, np.linalg.norm(diagonal, axis=1), label="by straight lines")
low, high = stats.chi(n).ppf([0.005, 0.995])
axes[2].axhspan(low, high, color="0.9", label="99 % of N(0, I)")
axes[2].set(
    xlabel="diagonal, from one corner to the opposite", ylabel="‖z‖", ylim=(0, 12), title="norms of the latents"
)
axes[2].legend(loc="lower left")
caption = """Four test digits in the red corners, encoded and decoded; all else is decoded from mixtures. Angles keep
the norms typical; straight lines go through the middle of the ball, where a Gaussian in 64 dimensions has no mass. To
the eye the images differ little; the norms tell the two apart."""
lesson.show(fig, "05_manifold", caption)

# %% [markdown]
# ## Has the model just memorised?
#
# If samples were copies of training images, they would lie nearer to them than fresh test digits do.


# %%
def nearest(images):
    """For each image, the closest training image and its distance, in grey levels."""
    squared = ((images[:, None] - split.train.images[None]) ** 2).sum(axis=2)
    return split.train.images[squared.argmin(axis=1)], np.sqrt(squared.min(axis=1))


samples = np.clip(np.floor(17 * flow.sample(360, rng)), 0, 16)
neighbours, of_samples = nearest(samples)
of_test = nearest(split.test.images)[1]
medians = np.median(of_samples), np.median(of_test)
print(f"  median distance to the nearest training image: samples {medians[0]:.1f}, test {medians[1]:.1f}")
statement = "samples are no nearer to training images than test images are: max(0, 1 − ratio of medians)"
lesson.claim("N8", statement, max(0, 1 - medians[0] / medians[1]), 0.05, nfedu.Flow.sample)

fig, (left, middle, axis) = plt.subplots(1, 3, figsize=(12, 4.2), width_ratios=[1, 1, 0.95])
show_images(left, samples[:64] / 16, 8)
left.set_title("samples, as drawn")
show_images(middle, np.stack([samples[:32], neighbours[:32]], axis=1).reshape(-1, 64) / 16, 8)
middle.set_title("pairs: a sample, its nearest training image")
bins = np.linspace(0, 60, 40)
axis.hist(of_test, bins, alpha=0.6, label="test digits", density=True)
axis.hist(of_samples, bins, alpha=0.6, label="samples", density=True)
axis.set(xlabel="distance to the nearest training image (grey levels)", ylabel="share per grey level")
axis.legend()
caption = """Samples have the strokes of digits and are not copies: they lie farther from the training images than fresh
test digits do. What is wrong with them is error, not memory."""
lesson.show(fig, "05_nearest", caption)
lesson.end()

# %% [markdown]
# **Exercise.** Mix two latents only, with $\varphi = 0$: what path does the latent take on its sphere? Replace the base
# by `StandardLogistic`: mix 20,000 draws, and see by the Kolmogorov distance that the result is no longer logistic.
