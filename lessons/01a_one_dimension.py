# %% [markdown]
# # 01a · From a VAE to a change of variables
#
# *Notes: flow-based models; 变量替换定理, in one dimension. Statements N1 and N2, misprint M11.*
#
# **What the notes say here** (under flow-based models):
#
# 1. The trouble with a VAE is the marginal (边缘分布) $p(x)$.
# 2. A flow is like a VAE with the space's structure (有空间结构的 VAE): training is far simpler (训练过程大大简化).
# 3. In a VAE $p(x|z)$ is at hand; for $p(z|x)$ one needs help. A flow makes $z \to x$ invertible, so that $x \to z$ is
#    as easy.
# 4. The theorem of the change of variables (变量替换定理): $X = f(Z)$, $Z = f^{-1}(X) = h(X)$, $p_X(x) =
#    p_Z(h(x))\,|h'(x)|$.
#
# **What you need:** densities and distribution functions on the line, Bayes' rule, the derivative of an inverse,
# logarithms. Numbers are in nats; $N(m, v)$ has variance $v$; $z$ is the latent side, $x$ the data side, $h = f^{-1}$.
# Batches are `(N, n)`, points in rows; `z_to_x` and `x_to_z` are the two directions, each called "forward" by somebody.

# %%
from types import SimpleNamespace

import numpy as np
from matplotlib import pyplot as plt
from scipy import integrate, optimize, stats

import nfedu
from nfedu.checks import jacobians
from nfedu.course.lesson import begin
from nfedu.plotting import joined_axes, show_density, show_joined

lesson = begin("01a · From a VAE to a change of variables")
rng = np.random.default_rng(1)

# %% [markdown]
# ## A VAE: decoder, encoder, bound (flow-based models, VAE 对比)
#
# A variational autoencoder has a prior $p(z)$ and a *decoder* $p(x|z)$, say a network's output plus noise. Two things
# that one would like to have take an integral:
#
# $$
# p(x) = \int p(x|z)\,p(z)\,dz, \qquad p(z|x) = \frac{p(x|z)\,p(z)}{p(x)}.
# $$
#
# With a network in it and $z$ of many dimensions nobody can compute it. So a second network, the *encoder* $q(z|x)$,
# stands in for the posterior (后验) $p(z|x)$. For any density $q$, put $p(x) = p(x|z)\,p(z)/p(z|x)$ into $\log p(x) =
# \mathbb{E}_q \log p(x)$, which is true as $p(x)$ does not depend on $z$, and add and subtract $\log q$:
#
# $$
# \log p(x) = \underbrace{\mathbb{E}_q \log p(x|z) - \mathrm{KL}\big(q \,\|\, p(z)\big)}_{\text{ELBO}}
# + \mathrm{KL}\big(q \,\|\, p(z|x)\big) \;\ge\; \text{ELBO}, \qquad
# \mathrm{KL}(q\,\|\,p) = \mathbb{E}_q \log \frac{q}{p} \ge 0.
# $$ (N1)
#
# A VAE maximizes the ELBO. How far that is from $\log p(x)$, the last KL, it cannot tell: that would take the
# posterior. (Kingma & Welling 2014, "Auto-Encoding Variational Bayes", equations 1–3.)
#
# **By hand.** A decoder whose integrals can be done: $z \sim N(0, 1)$, $x|z \sim N(2z, 1)$. Then $x \sim N(0, 2^2 +
# 1)$, and $p(z|x)$ is $N(2x/5, 1/5)$ (multiply the two Gaussians, complete the square). At $x = 3$ with the encoder
# $q = N(1, 1)$:
#
# - $\log p(3) = -\frac12 \log 10\pi - \frac{9}{10} = -2.6237$;
# - $\mathbb{E}_q (3 - 2z)^2 = (3 - 2)^2 + 2^2 = 5$, so $\mathbb{E}_q \log p(3|z) = -\frac12 \log 2\pi -
#   \frac52$, which is $-3.4189$;
# - $\mathrm{KL}(q\|p(z)) = \frac12 (1 + 1^2 - 1 - \log 1)$ is $0.5$: the ELBO is $-3.9189$, too low by $1.2953$;
# - $\mathrm{KL}(q\|p(z|3)) = \frac12 \big(\frac{1 + (1 - 1.2)^2}{0.2} - 1 + \log 0.2\big)$ is $1.2953$, that
#   gap.
#
# We ask quadrature for the same four numbers, none of them by a formula for Gaussians.


# %%
def integral(f):
    """∫ f over the line, where f lives near the origin."""
    return integrate.quad(f, -12, 12, points=np.linspace(-3, 3, 13), limit=400, epsabs=1e-13)[0]


def kl(log_q, log_p):
    return integral(lambda z: np.exp(log_q(z)) * (log_q(z) - log_p(z)))


def vae(log_decoder, log_q, x):
    """log p(x), E_q log p(x|z), KL(q‖p(z)) and KL(q‖p(z|x)), each an integral over z, prior N(0, 1)."""
    log_prior = stats.norm.logpdf
    log_marginal = np.log(integral(lambda z: np.exp(log_decoder(x, z) + log_prior(z))))
    reconstruction = integral(lambda z: np.exp(log_q(z)) * log_decoder(x, z))
    to_posterior = kl(log_q, lambda z: log_decoder(x, z) + log_prior(z) - log_marginal)
    return np.array([log_marginal, reconstruction, kl(log_q, log_prior), to_posterior])


pencil = vae(lambda x, z: stats.norm.logpdf(x, 2 * z, 1), stats.norm(1, 1).logpdf, 3.0)
error = abs(pencil - [-2.6237, -3.4189, 0.5, 1.2953]).max()
lesson.claim("N1", "pencil: log p(3), reconstruction and both KLs, by quadrature", error, 5e-5, vae)

# %% [markdown]
# There $q = p(z|x)$ would be an encoder without a gap. With a decoder that is not linear a Gaussian encoder has one,
# however well it is trained. Let $x|z \sim N(z^2, \sigma^2)$: both $z$ and $-z$ explain $x$, so the posterior has two
# humps, and a Gaussian can sit on one. It then has twice the posterior's density there, and $\mathrm{KL} \approx \log
# 2$. For $q = N(m, v)$ the ELBO has a closed form, as $\mathbb{E} z^2 = m^2 + v$ and $\mathbb{E} z^4 = m^4 + 6m^2v +
# 3v^2$; we maximize it.

# %%
SIGMA = 0.5


def square(x, z):
    return stats.norm.logpdf(x, z**2, SIGMA)


def elbo(m, v, x):
    misfit = x**2 - 2 * x * (m**2 + v) + m**4 + 6 * m**2 * v + 3 * v**2  # E_q (x − z²)²
    return -0.5 * np.log(2 * np.pi * SIGMA**2) - misfit / (2 * SIGMA**2) - 0.5 * (m**2 + v - 1 - np.log(v))


def best_encoder(x):
    loss = lambda p: -elbo(p[0], np.exp(p[1]), x)  # noqa: E731
    p = min((optimize.minimize(loss, (m, v)) for m in (0.0, 1.0) for v in (-1.0, -3.0)), key=lambda run: run.fun).x
    return abs(p[0]), np.exp(p[1])


xs = np.linspace(-0.5, 5, lesson.pick(12, 45))
exact = [np.log(integral(lambda z, x=x: np.exp(square(x, z) + stats.norm.logpdf(z)))) for x in xs]
bound = [elbo(*best_encoder(x), x) for x in xs]
m, v = best_encoder(2.0)
log_p, reconstruction, to_prior, gap = vae(square, stats.norm(m, np.sqrt(v)).logpdf, 2.0)
error = abs(elbo(m, v, 2.0) + gap - log_p)
lesson.claim("N1", "two humps: ELBO in closed form + KL to the posterior = log p(2)", error, 1e-7, elbo)
lesson.claim("N1", "two humps: the best Gaussian encoder's gap is log 2", abs(gap - np.log(2)), 0.02, best_encoder)

# %% tags=["hide-input"]
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.1))
joint = SimpleNamespace(n=2, log_prob=lambda at: stats.norm.logpdf(at[:, 0]) + square(at[:, 1], at[:, 0]))
show_density(left, joint, (-3, -2), (3, 6), bar=True)
left.axhline(2, color="white", linestyle=":")
left.set(xlabel="z", ylabel="x", aspect="auto", title="p(z) p(x|z); dotted: x = 2")
z = np.linspace(-2.5, 2.5, 400)
middle.fill_between(z, np.exp(square(2.0, z) + stats.norm.logpdf(z) - log_p), color="0.8", label="posterior p(z|2)")
middle.plot(z, stats.norm.pdf(z, m, np.sqrt(v)), color="tab:red", label="best Gaussian q(z|2)")
middle.set(xlabel="z", ylim=(0, 3.4))
middle.legend(loc="upper left")
right.plot(xs, exact, color="0.2", label="log p(x), by quadrature")
right.plot(xs, bound, color="tab:red", label="best ELBO")
right.plot(xs, np.array(bound) + np.log(2), color="tab:red", linestyle=":", label="best ELBO + log 2")
right.set(xlabel="x", ylabel="nats", ylim=(None, 1))
right.legend(loc="upper right")
caption = """A VAE whose decoder is N(z², 0.25). Where the dotted line cuts the joint density, it shows the posterior
(middle): two humps, of which a Gaussian encoder takes one. Right: what a VAE maximizes stays log 2 below log p(x) as
soon as the humps are apart, and no training of this encoder mends it."""
lesson.show(fig, "01a_vae", caption)

# %% [markdown]
# ## What a flow does instead
#
# Take the decoder's noise away: $x = f(z)$ with $f$ invertible and smooth. What becomes of the ELBO? Let the decoder be
# $N(f(z), \sigma^2)$ and choose the encoder $q(z|x) = N\big(h(x), (\sigma h'(x))^2\big)$: the inverse, and a spread
# that $f$ turns into σ. A draw is $z = h(x) + \sigma h'(x)\,\epsilon$, $\epsilon \sim N(0, 1)$, and to first order in σ
# $f(z) = x + f'(h(x))\,\sigma h'(x)\,\epsilon = x + \sigma\epsilon$, since $f' h' = 1$. So, as σ falls to 0,
#
# $$
# \underbrace{\log p(x|z)}_{-\frac12 \log 2\pi\sigma^2 - \frac12 \epsilon^2} \;+\; \log p(z) \;-\;
# \underbrace{\log q(z|x)}_{-\frac12 \log 2\pi\sigma^2 - \log|h'(x)| - \frac12 \epsilon^2}
# \;\to\; \log p_Z(h(x)) + \log|h'(x)| .
# $$
#
# The noise cancels, draw by draw: what is left is the theorem of the next section, and it holds with "=". A flow *is* a
# VAE whose decoder has no noise and whose encoder is the decoder's inverse (Nielsen et al. 2020, "SurVAE Flows",
# section 2). No second network, no bound, no sampling in the loss: that is 训练过程大大简化. And $z$ lies in the same
# space as $x$, neighbours staying neighbours, as $f$ and $h$ are continuous: so we read 空间结构. The posterior shrinks
# to one point: given $x$, $z$ is $h(x)$, a Dirac mass. What is given up: the decoder's noise, and the freedom to choose
# a $z$ of fewer dimensions.

# %%
layer = nfedu.SinhArcsinh(1, skew=0.5, tail=0.8)
flow = nfedu.Flow(nfedu.StandardNormal(1), layer)
at, sigmas = np.array([[-1.0], [0.5], [3.0]]), 10.0 ** np.arange(-3, 0.1, 0.5)
nodes, weights = np.polynomial.hermite_e.hermegauss(40)  # E over ε ~ N(0, 1)
h = np.sinh(0.8 * np.arcsinh(at) - 0.5)  # the inverse, by hand
slope = np.sqrt(1 + h**2) * 0.8 / np.sqrt(1 + at**2)
off, spread = np.empty((2, len(sigmas)))
for k, sigma in enumerate(sigmas):
    z = h + sigma * slope * nodes
    f = np.sinh((np.arcsinh(z) + 0.5) / 0.8)
    log_ratio = stats.norm.logpdf(at, f, sigma) + stats.norm.logpdf(z) - stats.norm.logpdf(z, h, sigma * slope)
    mean = log_ratio @ weights / weights.sum()  # the ELBO
    off[k] = abs(mean - flow.log_prob(at)).max()
    spread[k] = np.sqrt(((log_ratio - mean[:, None]) ** 2) @ weights / weights.sum()).max()
lesson.claim("N1", "ELBO of decoder f + noise σ = 10⁻³ and its inverse = the flow's log p", off[0], 1e-5, nfedu.Flow)
error = abs(np.log10(off[2] / off[0]) - 2)
lesson.claim("N1", "from 10⁻³ to 10⁻² the difference grows like σ²: exponent − 2", error, 0.05, nfedu.Flow)
lesson.claim("N1", "and one draw is enough: its standard deviation", spread[0], 0.01, nfedu.Flow.log_prob)
z = flow.base.sample(1000, rng)
lesson.claim("N1", "a flow undoes z→x exactly", abs(flow.x_to_z(flow.z_to_x(z)[0])[0] - z).max(), 1e-12, nfedu.Flow)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5.6, 3))
ax.loglog(sigmas, off, "o-", color="tab:blue", label="|ELBO − log p of the flow|")
ax.loglog(sigmas, spread, "o-", color="tab:orange", label="one draw's standard deviation")
ax.set(xlabel="σ, the decoder's noise", ylabel="nats, the worst of three x")
ax.legend()
caption = """As the noise of a decoder f falls to 0, with h for its encoder, the bound becomes the flow's log p (slope
2), and one draw tells the bound (slope 1)."""
lesson.show(fig, "01a_limit", caption)

# %% [markdown]
# ## The theorem (变量替换定理, 1-D)
#
# Probability is conserved: the mass of $Z$ in a small interval $dz$ is the mass of $X$ in the interval $dx$ that it is
# mapped to, $p_X(x)\,|dx| = p_Z(z)\,|dz|$. With $z = h(x)$ this reads
#
# $$
# p_X(x) = p_Z(h(x))\,\left|h'(x)\right|
# $$ (N2)
#
# The same from the distribution function $F_Z$ of $Z$. An invertible continuous $f$ on the line is monotone. If it
# increases, $f(Z) \le x$ means $Z \le h(x)$: $F_X(x) = F_Z(h(x))$, and the chain rule gives $p_X = p_Z(h)\,h'$. If it
# decreases, $f(Z) \le x$ means $Z \ge h(x)$: $F_X(x) = 1 - F_Z(h(x))$, and the derivative is $-p_Z(h)\,h'$ with $h' <
# 0$: hence the modulus. In logarithms, as every layer returns it: $\log p_X(x) = \log p_Z(z) + \log|dz/dx|$.
#
# **By hand.** $x = -2z + 1$ with $Z \sim N(0, 1)$: $h(x) = (1 - x)/2$, $h' = -\frac12$. At $x = 3$: $z = -1$,
# $p_Z(-1) = 0.2420$, so $p_X(3) = 0.2420 \cdot \frac12 = 0.1210$. Without the modulus it would be negative.
#
# **Trap.** $h'$ is the slope of the *inverse*. With the slope of $f$ in its place the density is off by its square: in
# the example by 4. In code `x_to_z` returns $\log|dz/dx|$, `z_to_x` returns $\log|dx/dz|$: they differ in sign.
#
# Three maps whose results SciPy knows, and the one from above: there $\Phi(h(x))$, Φ the normal $F_Z$, by differences.

# %%
x, normal, logistic = np.linspace(0.05, 4, 200)[:, None], nfedu.StandardNormal(1), nfedu.StandardLogistic(1)
known = {
    "affine, −2z + 1, is N(1, 2²)": (normal, nfedu.Affine(1, -2.0, 1.0), stats.norm(1, 2).logpdf),
    "exp of N(0, 1) is log-normal": (normal, nfedu.Exp(1), stats.lognorm(1).logpdf),
    "logistic of a logistic is uniform": (logistic, nfedu.Logit(1, margin=0.0), stats.uniform.logpdf),
    "sinh-arcsinh is d/dx Φ(h(x))": (normal, nfedu.SinhArcsinh(1, skew=0.5, tail=0.8), None),
}
flows = {name: nfedu.Flow(base, layer) for name, (base, layer, _) in known.items()}
error = abs(np.exp(flows["affine, −2z + 1, is N(1, 2²)"].log_prob(np.array([[3.0]])))[0] - 0.1210)
lesson.claim("N2", "pencil: p(3) = 0.1210 for x = −2z + 1", error, 5e-5, nfedu.Affine)
for name, (_, one, logpdf) in known.items():
    at = x / 4.1 if "uniform" in name else x
    if logpdf is None:  # Φ(h(x)) differentiated numerically: nothing of N2 is used
        slope = jacobians(lambda v: stats.norm.cdf(np.sinh(0.8 * np.arcsinh(v) - 0.5)), at, method="central")
        expected, tolerance = np.log(slope[:, 0, 0]), 1e-8
    else:
        expected, tolerance = logpdf(at[:, 0]), 1e-12
    lesson.claim("N2", name, abs(flows[name].log_prob(at) - expected).max(), tolerance, type(one))

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 4, figsize=(10, 4.2))
for (above, below), (name, (base, one, _)) in zip(axes.T, known.items(), strict=True):
    edges = (stats.norm if base is normal else stats.logistic).ppf(np.linspace(0.002, 0.998, 11))
    for i in range(10):  # ten slices of equal probability before, and what becomes of them
        z = np.linspace(edges[i], edges[i + 1], 40)[:, None]
        for ax, points, density in ((above, z, base), (below, one.z_to_x(z)[0], flows[name])):
            ax.fill_between(points[:, 0], np.exp(density.log_prob(points)), color=plt.cm.viridis(i / 9))
    above.set(xlabel="z", ylabel="p(z)", title=name)
    below.set(xlabel="x", ylabel="p(x)")
caption = """Ten slices of equal mass, before (above) and after the map (below; same colour, same mass). Where the map
widens a slice, the density falls as much: it is multiplied by |h'(x)|. The affine map has a negative slope: its
slices change sides."""
lesson.show(fig, "01a_equal_mass", caption)

fig, edges, slopes = plt.figure(figsize=(8, 3.8)), stats.norm.ppf(np.linspace(0.02, 0.98, 9)), np.arange(0.5, 2.41, 0.1)
bend = lambda s: nfedu.SinhArcsinh(1, tail=1 / s), "x = sinh(s arcsinh z)", (-5, 5), 1.0
squash = lambda s: nfedu.Chain([nfedu.Rescale(1, s), nfedu.Logit(1, margin=0.0)]), "x = 1/(1 + exp(−sz))", (0, 1), 4.0
halves = [joined_axes(half) for half in fig.subfigures(1, 2)]


def joined(k):
    for axes, (family, title, box, most) in zip(halves, (bend, squash), strict=True):
        one = family(slopes[k])
        show_joined(axes, one, edges, normal, nfedu.Flow(normal, one), box, most).set_title(title)


caption = """The map joins its two axes: slices of p(z) below go up to the curve and from there to the left, where the
same masses stand on the x-axis. A steep piece of the curve spreads its slice and lowers the density, a flat one gathers
it. Left, the Gaussian (s = 1) gets long tails; right, one narrow hump becomes, above s = 1.4, two."""
lesson.slide(fig, joined, [f"s = {s:.1f}" for s in slopes], "01a_joined", caption, "steepness s", start=13)

# %% [markdown]
# ### Erratum
#
# **M11.** The notes say "$X = f(Z)$, and $f(x)$ is invertible". But $f$ takes latents, $f(z)$, and $h$ takes data. With
# data put into $f$, as printed, $h$ gives the data back, and not their latents.

# %%
z = rng.standard_normal((1000, 1))
back, printed = (abs(layer.x_to_z(layer.z_to_x(v)[0])[0] - z).max() for v in (z, layer.z_to_x(z)[0]))
lesson.claim("M11", "|h(f(z)) − z|; printed: f(x), and |h(f(x)) − z|", back, 1e-12, nfedu.SinhArcsinh, printed)

# %% [markdown]
# ## In five lines
#
# - A VAE has $p(x|z)$; $p(x)$ and $p(z|x)$ are integrals, so it trains on a bound, short of $\log p(x)$ by a KL.
# - A flow has no noise between $z$ and $x$: the encoder is the inverse, the bound becomes an equality.
# - $p_X(x) = p_Z(h(x))\,|h'(x)|$: mass is conserved, and $|h'|$ says how much an interval has been squeezed.
# - It is the slope of the inverse, with its modulus; in logarithms a sum.
# - Given $x$ a flow knows $z$ to the last digit: its posterior is a single point.
#
# **Exercise.** What is left of the gap if the encoder of $z^2$ is a mixture of two Gaussians?
# %%
lesson.end()
