# %% [markdown]
# # 10 · Training seen as KL, and as Gaussianization
#
# *Notes: 训练目标的另一种看法. Statement N24.*
# *Papers: Chen & Gopinath 2000, "Gaussianization"; Papamakarios et al. 2017, section 3.*
#
# Maximum likelihood fits a density to data. Seen from the other end of the flow it fits data to a density: it makes the
# latents of the data Gaussian.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import interpolate, special, stats

import nfedu
from nfedu import datasets, masks
from nfedu.checks import density_on_grid, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.plotting import samples_axes, show_images

lesson = begin("10 · Training seen as KL, and as Gaussianization")
rng = np.random.default_rng(10)

# %% [markdown]
# ## The chain of equalities (训练目标的另一种看法)
#
# $\tilde x$ are data, $x$ samples of the model, $z = f_\theta^{-1}(x) \sim p_Z$. Then
#
# $$
# \min_\theta D_{KL}(P_{data} \| P_\theta) = \min_\theta D_{KL}(P_{\tilde x} \| P_x)
# = \min_\theta D_{KL}(P_{f_\theta^{-1}(\tilde x)} \| P_{f_\theta^{-1}(x)})
# = \min_\theta D_{KL}(P_{f_\theta^{-1}(\tilde x)} \| P_Z)
# $$ (N24)
#
# The first two are one thing written twice. The third holds since a bijection $h$ multiplies both densities by the same
# $|\det|$, which cancels in the ratio: $D_{KL}(P_{h(a)} \| P_{h(b)}) = D_{KL}(P_a \| P_b)$. The last is what a flow is.
# And $D_{KL}(P_{data} \| P_\theta) = -H(P_{data}) - \mathbb{E} \log p_\theta(\tilde x)$: minimising it over θ *is*
# maximum likelihood.
#
# First by closed form, for Gaussians under an affine map; then by Monte Carlo for a trained flow and data of known
# density.


# %%
def gaussian_kl(m, S, m2, S2):
    """KL of N(m, S) from N(m2, S2) in nats."""
    P = np.linalg.inv(S2)
    return 0.5 * (np.trace(P @ S) + (m2 - m) @ P @ (m2 - m) - len(m) + np.log(np.linalg.det(S2) / np.linalg.det(S)))


A, b = rng.standard_normal((3, 3)), rng.standard_normal(3)
means, roots = rng.standard_normal((2, 3)), rng.standard_normal((2, 3, 3))
covariances = roots @ roots.swapaxes(1, 2) + 0.3 * np.eye(3)
before = gaussian_kl(means[0], covariances[0], means[1], covariances[1])
after = gaussian_kl(A @ means[0] + b, A @ covariances[0] @ A.T, A @ means[1] + b, A @ covariances[1] @ A.T)
lesson.claim(
    "N24",
    "KL of two Gaussians before and after an affine bijection, relative",
    abs(after / before - 1),
    1e-12,
    gaussian_kl,
)

data = datasets.eight_gaussians_density()
layers = [nfedu.AffineCoupling(2, (64, 64), flip=bool(m % 2), activation="tanh", rng=rng) for m in range(6)]
flow = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *layers])
options = {"batch_size": 500, "optimizer": nfedu.Adam(5e-3), "anneal": True, "average": 0.99}
nfedu.fit(flow, data.sample(20_000, rng), rng=rng, epochs=lesson.pick(3, 15), **options)
x = data.sample(50_000, rng)
z, log_det, _ = flow.x_to_z(x)
log_data, log_model = data.log_prob(x), flow.log_prob(x)
at_x = log_data - log_model  # its mean is KL(data ‖ model)
kl, error = at_x.mean(), at_x.std() / np.sqrt(len(x))
J = layer_jacobians(flow.bijection, "z_to_x", z[:1000])[0]  # log-dets of the way back, from dense Jacobians
at_z = data.log_prob(flow.z_to_x(z[:1000])[0]) + np.linalg.slogdet(J)[1] - flow.base.log_prob(z[:1000])
lesson.claim(
    "N24",
    "log ratio of densities at x = that of the latents' density and N(0, I) at z, 1000 points",
    abs(at_x[:1000] - at_z).max(),
    1e-10,
    nfedu.Flow.log_prob,
)
entropy = -log_data.mean()
p, q = (density_on_grid(density, -6, 6, 600).density for density in (data, flow))
integral = (p * np.log(p / q)).sum() * (12 / 600) ** 2
print(f"  KL(data‖model) = {integral:.4f} nats by quadrature; mean loss − entropy = {kl:.4f} ± {error:.4f}")
lesson.claim(
    "N24",
    "∫ p log(p/q) = mean −log-likelihood − entropy of the data, in standard errors",
    abs(integral - (flow.nll(x) - entropy)) / error,
    4,
    nfedu.Flow.nll,
)

# %% [markdown]
# ## Maximum likelihood as Gaussianization
#
# So a trained flow should turn its data into noise: $\|z\|^2$ as χ²(n), each coordinate as N(0, 1). It comes close
# for digits, on either side: the latents of training images lie a little too near to 0, those of test images too far
# out. For images that are no digits it does not come close. (SciPy's test of each coordinate's skew and kurtosis is
# stricter than the eye: it tells a third of the coordinates from normal ones even where the Q–Q plot looks straight.)

# %%
split = datasets.digits()
lines = [masks.checkerboard((1, 8, 8)), np.arange(64) % 2 == 0, np.arange(64) // 8 % 2 == 0]
layers = [
    nfedu.AffineCoupling(64, (128, 128), mask=lines[m // 2 % 3], flip=bool(m % 2), activation="tanh", rng=rng)
    for m in range(8)
]
digits = nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Rescale(64), *layers, nfedu.Logit(64)]).astype(np.float32)
print(f"  {nfedu.fit_digits(digits, rng=rng, epochs=lesson.pick(5, 100))}")
images = {"training digits": split.train.images, "test digits": split.test.images}
images["test digits, upside down"] = split.test.images.reshape(-1, 8, 8)[:, ::-1].reshape(-1, 64)
images["test digits, pixels shuffled"] = split.test.images[:, rng.permutation(64)]
latents = {
    name: digits.x_to_z(datasets.dequantise(k, np.random.default_rng(0)))[0].astype(float) for name, k in images.items()
}
fig, axes = plt.subplots(1, 3, figsize=(12.5, 3.8), width_ratios=[1, 1, 1])
quantiles = np.linspace(0.002, 0.998, 250)
distances = {}
for name, z in latents.items():
    distances[name] = stats.kstest(z.ravel(), "norm").statistic
    normal = stats.normaltest(z[:360], axis=0).pvalue  # for each of the 64 coordinates, as many rows of each kind
    print(f"  {name:<30} Kolmogorov distance {distances[name]:.4f}; skew and kurtosis normal at 1 %: "
          f"{(normal > 0.01).mean():4.0%} of the coordinates; mean |z|²/n {np.mean(z**2):.2f}")  # fmt: skip
    axes[0].plot(stats.norm.ppf(quantiles), np.quantile(z, quantiles), label=name)
    radii = np.quantile((z**2).sum(axis=1), quantiles)
    axes[1].plot(stats.chi2(64).ppf(quantiles), radii, label=name)
for ax, (low, high), title in (
    (axes[0], (-3, 3), "latents against N(0, 1)"),
    (axes[1], (30, 110), "|z|² against χ²(64)"),
):
    same = np.linspace(low, high)
    ax.plot(same, same, color="0.6", linestyle=":")
    ax.set(xlabel="quantiles of the base", ylabel="quantiles of the latents", title=title)
axes[0].set_ylim(-6, 6)
axes[1].set(yscale="log", ylim=(20, 3000))
axes[0].legend()
show_images(axes[2], np.concatenate([images[name][:8] for name in images]) / 16, 8)
axes[2].set_title("of each kind, eight images")
caption = """Q–Q plots: what lies on the dotted line is distributed as the base. Training digits lie a little too close
to 0 (memory), test digits a little too far out, digits upside down far, and shuffled pixels farther."""
lesson.show(fig, "10_latents", caption)
if lesson.length != "quick":
    worse = distances["test digits"] / distances["test digits, pixels shuffled"]
    lesson.claim("N24", "Kolmogorov distance of latents, test / shuffled", worse, 0.5, nfedu.Flow.x_to_z)
    lesson.claim(
        "N24", "Kolmogorov distance of test latents from N(0, 1)", distances["test digits"], 0.05, nfedu.Flow.x_to_z
    )

# %% [markdown]
# ## Gaussianization as an algorithm
#
# The chain suggests how to build a flow without gradient descent. $D_{KL}(P_z \| N(0, I))$ splits into the dependence
# of the coordinates and the KL of each marginal from N(0, 1). Make every marginal normal, by $\Phi^{-1} \circ F_i$ with
# $F_i$ its distribution function: the second part is gone, the first unchanged. Rotate: KL stays, dependence becomes
# marginal again. Repeat. Here $\Phi^{-1} \circ F_i$ is a smooth monotone curve through 100 quantiles of the data, so
# all steps have a known log-det, and KL is known on held-out data.


# %%
def marginal(data, x):
    """Map one coordinate of x by Φ⁻¹∘F, F through quantiles of `data`, with straight lines beyond; and log|dz/dx|."""
    q = (np.arange(100) + 0.5) / 100
    knots = np.quantile(data, q)
    curve = interpolate.PchipInterpolator(knots, special.ndtri(q))  # monotone, as a bijection must be
    inside = np.clip(x, knots[0], knots[-1])
    slope = curve.derivative()(inside)
    return curve(inside) + slope * (x - inside), np.log(slope)


fitted, held_out = data.sample(100_000, rng), data.sample(10_000, rng)
log_data, log_det, kls, stages = data.log_prob(held_out), np.zeros(len(held_out)), [], [held_out]
rounds = lesson.pick(16, 40)
for _ in range(rounds + 1):
    at_z = log_data - log_det + 0.5 * (held_out**2).sum(axis=1) + np.log(2 * np.pi)
    kls.append(at_z.mean())
    angle = rng.uniform(0, np.pi)
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    fitted, held_out = fitted @ R, held_out @ R
    mapped = [marginal(fitted[:, i], held_out[:, i]) for i in range(2)]
    fitted = np.stack([marginal(fitted[:, i], fitted[:, i])[0] for i in range(2)], axis=1)
    held_out = np.stack([z for z, _ in mapped], axis=1)
    log_det = log_det + mapped[0][1] + mapped[1][1]
    stages.append(held_out)
print(
    f"  KL of held-out latents from N(0, I): {kls[0]:.3f}; after one round {kls[1]:.3f}, after {rounds} {kls[-1]:.3f}"
)
lesson.claim("N24", "Gaussianization: KL at the end / at the start", kls[-1] / kls[0], lesson.pick(0.25, 0.1), marginal)
lesson.claim("N24", "no round raises KL: largest rise, nats", max(0, max(np.diff(kls))), 0.01, marginal)
fig, axes = plt.subplots(1, 5, figsize=(14, 3.1), width_ratios=[1, 1, 1, 1, 1.2])
for ax, k in zip(axes, (0, 1, 6, rounds), strict=False):
    samples_axes(ax, stages[k], -4, 4, letter="z" if k else "x")
    ax.set_title(f"after {k} round{'s' * (k > 1)}: KL {kls[k]:.3f}" if k else f"data: KL {kls[0]:.3f}")
axes[4].semilogy(kls, "o-", markersize=3)
axes[4].set(xlabel="rounds of rotation and marginals", ylabel="KL from N(0, I), nats, held out")
caption = f"""Rotate, make both marginals normal, repeat: held-out points lose their modes and become nearly a
Gaussian cloud, and KL falls. No gradient was taken. (The six couplings above, trained for {lesson.pick(3, 15)}
epochs: KL {kl:.2f}.)"""
lesson.show(fig, "10_gaussianization", caption)
lesson.end()

# %% [markdown]
# **Exercise.** Replace the random angles by those that make the marginals least normal: how many rounds less does it
# take? And which part of the KL is left when every marginal, in every direction, is normal?
