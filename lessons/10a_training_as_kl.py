# %% [markdown]
# # 10a · Training seen as KL
#
# *Notes: 训练目标的另一种看法. Statement N24, misprint M12.*
# *Paper: Papamakarios et al. 2017, "Masked Autoregressive Flow", section 3.*
#
# **What the notes say (训练目标的另一种看法).** A last page, one chain of equalities: to bring the model near the data
# is to bring the data's latents near the base. Maximum likelihood (优化目标, lesson 02) fits a density to data; seen
# from the other end of the flow it fits data to a density: it makes them Gaussian.
#
# **What you need.** $D_{KL}(P \| Q) = \int p \log(p/q)$, which is ≥ 0, and 0 only for $P = Q$ (lesson 08); the change
# of variables (lesson 01, N3). [10b](10b_gaussianization.py) looks at latents of digits, and makes an algorithm of it.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import special, stats

import nfedu
from nfedu.checks import density_on_grid, jacobians
from nfedu.course.lesson import begin
from nfedu.plotting import density_axes, show_density, show_warp
from nfedu.plotting.style import SIGNED

lesson = begin("10a · Training seen as KL")
rng = np.random.default_rng(10)

# %% [markdown]
# ## The chain of equalities (训练目标的另一种看法)
#
# $\tilde x$ are data, $x$ samples of the model, $x = f_\theta(z)$, $z \sim p_Z$. Then
#
# $$
# \min_\theta D_{KL}(P_{data} \| P_\theta) = \min_\theta D_{KL}(P_{\tilde x} \| P_x)
# = \min_\theta D_{KL}(P_{f_\theta^{-1}(\tilde x)} \| P_{f_\theta^{-1}(x)})
# = \min_\theta D_{KL}(P_{f_\theta^{-1}(\tilde x)} \| P_Z)
# $$ (N24)
#
# The first two are one thing written twice. The last: $f_\theta^{-1}(x)$ *is* $z$. The third holds for any bijection
# $h$ at all. With $y = h(x)$, $p_{h(a)}(y) = p_a(x)\,|\det \partial x/\partial y|$, and the same factor for $b$:
#
# $$
# \int p_{h(a)}(y) \log \frac{p_{h(a)}(y)}{p_{h(b)}(y)}\, dy
# = \int p_a(x)\, \log\frac{p_a(x)\,|\det \partial x/\partial y|}{p_b(x)\,|\det \partial x/\partial y|}
# \underbrace{\left|\det \frac{\partial x}{\partial y}\right| dy}_{dx} = \int p_a(x) \log\frac{p_a(x)}{p_b(x)}\, dx
# $$
#
# In the ratio the factors cancel, in front of it one turns $dy$ into $dx$. And
#
# $$
# D_{KL}(P_{data} \| P_\theta) = \int p_{data} \log p_{data} - \int p_{data} \log p_\theta = -H(P_{data}) -
# \mathbb{E} \log p_\theta(\tilde x),
# $$
#
# where the entropy $H$ of the data knows no θ, so minimising KL over θ *is* maximum likelihood.
#
# **By hand.** Data $N(2, 1)$, the model $x = 2z + 1$, hence $N(1, 4)$. For two Gaussians take the mean over
# $p$ of $\log\frac pq = \log\frac{s'}s - \frac{(x - m)^2}{2 s^2} + \frac{(x - m')^2}{2 s'^2}$: there $\mathbb E(x -
# m)^2 = s^2$, $\mathbb E(x - m')^2 = s^2 + (m - m')^2$, so
#
# $$
# D_{KL}\bigl(N(m, s^2) \,\|\, N(m', s'^2)\bigr) = \log\frac{s'}{s} + \frac{s^2 + (m - m')^2}{2 s'^2} - \frac12 .
# $$
#
# In x: $\log 2 + \frac{1 + 1}{8} - \frac12 = \log 2 - \frac14$. In z: $\tilde z = (\tilde x - 1)/2 \sim N(\frac12,
# \frac14)$ against $N(0, 1)$: $\log 2 + \frac{1/4 + 1/4}{2} - \frac12 = \log 2 - \frac14 \approx 0.4431$, the same.
#
# **Misprint (M12).** The transcript has $f_0^{-1}$, $f_e^{-1}$ and $f_\theta^{-1}$ in one chain. They are one map,
# $f_\theta^{-1}$ (a handwritten θ): the factors cancel only if both sides go through the same. Read as two, say $(x -
# 1)/2$ for the data and $x - 1$ for the model, $N(\frac12, \frac14)$ would meet $N(0, 4)$: $\log 4 + \frac{1/2}{8} -
# \frac12 = 0.9488$, which is no KL of the model's.


# %%
def quadrature(p, q, cell):
    """∫ p log(p/q) on a grid; where p is 0, so is what is summed."""
    return (special.xlogy(p, p) - special.xlogy(p, q)).sum() * cell


def pushed(mean, deviation, shift, scale):
    """The density on a line of (x − shift)/scale, x ~ N(mean, deviation²), by the change of variables (N2)."""
    return stats.norm.pdf(line * scale + shift, mean, deviation) * scale


line = np.linspace(-15, 15, 30_001)
in_x = quadrature(pushed(2, 1, 0, 1), pushed(1, 2, 0, 1), line[1] - line[0])
in_z = quadrature(pushed(2, 1, 1, 2), pushed(1, 2, 1, 2), line[1] - line[0])
two_maps = quadrature(pushed(2, 1, 1, 2), pushed(1, 2, 1, 1), line[1] - line[0])
error = max(abs(kl - np.log(2) + 0.25) for kl in (in_x, in_z))
lesson.claim("N24", "pencil: log 2 − ¼, in x and in z", error, 1e-9, quadrature)
statement = "KL of the latents − KL in x, one map; printed: two maps"
lesson.claim("M12", statement, abs(in_z - in_x), 1e-9, quadrature, abs(two_maps - in_x))

# %% [markdown]
# In three dimensions: two Gaussians with any means and covariances, and a bijection $x \mapsto Ax + b$ of both.


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
error = abs(after / before - 1)
lesson.claim("N24", "KL of two Gaussians before and after an affine bijection, relative", error, 1e-12, gaussian_kl)

# %% [markdown]
# Now for a trained flow. The data are eight Gaussians twice as wide ($\sigma = 0.4$) as those of other lessons: at 0.2
# the same training sends four latents in 100,000 beyond $\pm 6$, where each counts more than ten nats, and the sum over
# z would miss 0.0005 of 0.27.

# %%
angle = np.arange(8) * np.pi / 4
data = nfedu.GaussianMixture(2 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.4**2)
layers = [nfedu.AffineCoupling(2, (64, 64), flip=bool(m % 2), activation="tanh", rng=rng) for m in range(6)]
flow = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *layers])
options = {"batch_size": 500, "optimizer": nfedu.Adam(5e-3), "anneal": True, "average": 0.99}
nfedu.fit(flow, data.sample(20_000, rng), rng=rng, epochs=lesson.pick(3, 15), **options)

# %% [markdown]
# Its KL in x is a sum over a grid of x; its KL in z one over a grid of *z*, with the latents' density there,
# $p_{data}(x(z))\,|\det \partial x/\partial z|$, whose determinant is that of the dense numerical Jacobian, not the
# layers'. And a third time, as what training sees: the mean loss, less the data's entropy.


# %%
cells = lesson.pick(200, 500)


class Latents:
    """The density of the latents of data, by a dense Jacobian."""

    n = 2

    def log_prob(self, z):
        J = jacobians(lambda z: flow.z_to_x(z)[0], z, method="central")
        return data.log_prob(flow.z_to_x(z)[0]) + np.linalg.slogdet(J)[1]


p, q = (density_on_grid(density, -6, 6, cells).density for density in (data, flow))
p_z, base = (density_on_grid(density, -6, 6, cells).density for density in (Latents(), flow.base))
kl_x, kl_z = (quadrature(*pair, (12 / cells) ** 2) for pair in ((p, q), (p_z, base)))
x = data.sample(50_000, rng)
at_x = data.log_prob(x) - flow.log_prob(x)
entropy, spread = -data.log_prob(x).mean(), at_x.std() / np.sqrt(len(x))
print(f"  KL in x {kl_x:.5f}, in z {kl_z:.5f} nats; mean loss − entropy {flow.nll(x) - entropy:.4f} ± {spread:.4f}")
statement = "a trained flow: KL by quadrature in x − KL by quadrature in z, nats"
lesson.claim("N24", statement, abs(kl_x - kl_z), lesson.pick(2e-3, 5e-4), Latents)
error = abs(kl_x - (flow.nll(x) - entropy)) / spread
lesson.claim("N24", "∫ p log(p/q) = mean loss − entropy of the data, in standard errors", error, 4, nfedu.Flow.nll)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 3, figsize=(10, 6.3))
axes = axes.ravel()
show_density(axes[0], data, -3.5, 3.5, most=0.14)
show_density(axes[1], flow, -3.5, 3.5, most=0.14, bar=True)
show_warp(axes[2], lambda x: flow.x_to_z(x)[0], 2.5, letter="z")
show_density(axes[3], Latents(), -6, 6, points=lesson.pick(100, 300), most=0.3)
show_density(axes[4], flow.base, -6, 6, most=0.3, bar=True)
part = special.xlogy(p_z, p_z) - special.xlogy(p_z, base)
most = abs(part).max() / 2
image = axes[5].imshow(part.T, cmap=SIGNED, vmin=-most, vmax=most, origin="lower", extent=(-6, 6, -6, 6))
fig.colorbar(image, ax=axes[5], shrink=0.85, extend="both").outline.set_visible(False)
for ax in axes[3:]:
    density_axes(ax, "z")
for ax in axes[2:]:
    ax.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5))
titles = ("data, in x", f"model, in x: KL {kl_x:.4f}", "the lines of an x-grid, in z")
titles += (f"latents of data, in z: KL {kl_z:.4f}", "base, in z", "p log(p/q) in z: its integral is KL")
for ax, title in zip(axes, titles, strict=True):
    ax.set_title(title)
caption = """One number twice: the KL of the data from the model, and of the data's latents from the base, by sums over
different grids (∫ p in z over a wider box). Latents of data keep streaks of the eight modes; what that costs is seen at
the lower right: red where more of them arrive than the base expects, blue where fewer do."""
lesson.show(fig, "10a_chain", caption)

# %% [markdown]
# **In short.** KL does not change under a bijection, since the determinants cancel in the ratio and turn $dy$ into $dx$
# in front of it. So a flow's KL from the data in x is that of the latents from the base in z. It is the mean loss, less
# the data's entropy, which θ does not reach: maximum likelihood minimises it. Both sides must go through the same map.
#
# **Exercise.** Let the latents of data be $N(0, \Sigma)$. Which linear layer after the flow makes KL 0, and what does
# it do in x? And if only the base may be changed, to $N(m, S)$: which $m$, $S$ are best, by the same formula?

# %%
lesson.end()
