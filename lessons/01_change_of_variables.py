# %% [markdown]
# # 01 · Change of variables
#
# *Notes: flow-based models; 变量替换定理; 维度一致. Statements N1–N5, misprints M1 and M2.*
#
# A flow makes data $x$ from simple noise $z$ by an invertible map $x = f(z)$ and asks one question: if $z$ has a
# density that we know, what is the density of $x$? This lesson answers it in one dimension, then in $n$.
#
# Notation, here and everywhere: $z$ is the latent side, $x$ the data side, $h = f^{-1}$. Batches are `(N, n)`: points
# in rows. `z_to_x` and `x_to_z` are the two directions; the literature calls either of them "forward", so we call
# neither.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import integrate, stats

import nfedu
from nfedu.checks import density_on_grid, jacobians
from nfedu.course.lesson import begin
from nfedu.plotting import samples_axes, show_density, show_warp

lesson = begin("01 · Change of variables")
rng = np.random.default_rng(1)

# %% [markdown]
# ## In one dimension (变量替换定理, 1-D)
#
# Probability is conserved: the mass of $Z$ in a small interval $dz$ is the mass of $X$ in the interval $dx$ that it is
# mapped to, $p_X(x)\,|dx| = p_Z(z)\,|dz|$. With $z = h(x)$ this reads
#
# $$
# p_X(x) = p_Z(h(x))\,\left|h'(x)\right|
# $$ (N2)
#
# The same from the distribution function $F_Z$ of $Z$: for increasing $h$, $P(X \le x) = P(Z \le h(x)) = F_Z(h(x))$;
# differentiate. For decreasing $h$ it is $1 - F_Z(h(x))$, whose derivative has a minus: hence the modulus.
#
# In logarithms, which is how every layer of this library returns it: $\log p_X(x) = \log p_Z(z) + \log|dz/dx|$.
#
# We try it on three maps whose result SciPy knows in closed form, and on one that skews and fattens tails, $x =
# \sinh\big((\operatorname{arcsinh} z + \varepsilon)/\delta\big)$, where we differentiate $\Phi(h(x))$, $\Phi$ being the
# normal $F_Z$.

# %%
x = np.linspace(0.05, 4, 200)[:, None]
normal, logistic = nfedu.StandardNormal(1), nfedu.StandardLogistic(1)
known = {
    "affine, −2z + 1, is N(1, 2²)": (normal, nfedu.Affine(1, -2.0, 1.0), stats.norm(1, 2).logpdf),
    "exp of N(0, 1) is log-normal": (normal, nfedu.Exp(1), stats.lognorm(1).logpdf),
    "logistic of a logistic is uniform": (logistic, nfedu.Logit(1, margin=0.0), stats.uniform.logpdf),
    "sinh-arcsinh is d/dx Φ(h(x))": (normal, nfedu.SinhArcsinh(1, skew=0.5, tail=0.8), None),
}
fig, axes = plt.subplots(2, 4, figsize=(12, 5))
for (above, below), (name, (base, layer, logpdf)) in zip(axes.T, known.items(), strict=True):
    flow = nfedu.Flow(base, layer)
    at = x / 4.1 if "uniform" in name else x
    if logpdf is None:  # Φ(h(x)) differentiated numerically: nothing of N2 is used
        slope = jacobians(lambda v, flow=flow: stats.norm.cdf(flow.x_to_z(v)[0]), at, method="central")
        expected, tolerance = np.log(slope[:, 0, 0]), 1e-8
    else:
        expected, tolerance = logpdf(at[:, 0]), 1e-12
    lesson.claim("N2", name, abs(flow.log_prob(at) - expected).max(), tolerance, type(layer))

    # Ten slices of equal probability before, and what becomes of them.
    edges = (stats.norm if base is normal else stats.logistic).ppf(np.linspace(0.002, 0.998, 11))
    for i in range(10):
        z = np.linspace(edges[i], edges[i + 1], 40)[:, None]
        mapped = layer.z_to_x(z)[0]
        for ax, points, density in ((above, z, base), (below, mapped, flow)):
            ax.fill_between(points[:, 0], np.exp(density.log_prob(points)), color=plt.cm.viridis(i / 9))
    above.set(xlabel="z", ylabel="p(z)", title=name)
    below.set(xlabel="x", ylabel="p(x)")
caption = """Ten slices of equal mass, before (above) and after the map (below; same colour, same mass). Where the map
widens a slice, the density falls as much: it is multiplied by |h'(x)|. The affine map has a negative slope: its
slices change sides."""
lesson.show(fig, "01_equal_mass", caption)

# %% [markdown]
# **Trap.** $h'$ is the slope of the *inverse*. With the slope of $f$ in its place the density is off by its square. In
# code: `x_to_z` returns $\log|dz/dx|$, `z_to_x` returns $\log|dx/dz|$, and the two differ in sign.
#
# ## Why not a VAE? (flow-based models, VAE 对比)
#
# A variational autoencoder has $p(z)$ and a decoder $p(x|z)$ at hand. Its marginal and its posterior are integrals; a
# flow has both by one formula:
#
# $$
# p(x) = \int p(x|z)\,p(z)\,dz, \quad p(z|x) = \frac{p(x|z)\,p(z)}{p(x)}
# \qquad\text{against}\qquad p(x) = p(z)\left|\det \frac{\partial z}{\partial x}\right|, \quad z = f^{-1}(x)
# $$ (N1)
#
# So a VAE trains on a lower bound of $\log p(x)$. A flow gives up the noise of the decoder: its $x = f(z)$ is exactly
# undone, and $p(x)$ is exact. The price: $f$ must be invertible, and its determinant affordable.
#
# Take a toy decoder, $x|z \sim N(\sinh z, 0.1^2)$, and estimate its $p(x)$ by averaging $p(x|z_k)$ over $S$ draws of
# $z$. (Drawing $z$ near the posterior makes the error smaller by a factor, not steeper.)

# %%
SIGMA, at = 0.1, 1.0
truth = integrate.quad(
    lambda z: stats.norm.pdf(at, np.sinh(z), SIGMA) * stats.norm.pdf(z), -8, 8, points=[np.arcsinh(at)]
)[0]
counts = 10 ** np.arange(1, lesson.pick(5, 6))
errors = [
    np.sqrt(
        np.mean([(stats.norm.pdf(at, np.sinh(rng.standard_normal(S)), SIGMA).mean() - truth) ** 2 for _ in range(60)])
    )
    for S in counts
]
slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
flow = nfedu.Flow(nfedu.StandardNormal(1), nfedu.SinhArcsinh(1, tail=0.5))
z = flow.base.sample(1000, rng)
back = flow.x_to_z(flow.z_to_x(z)[0])[0]
total = integrate.quad(lambda v: float(np.exp(flow.log_prob([[v]])[0])), -1e4, 1e4, points=[0, -100, 100], limit=500)[0]
lesson.claim("N1", "a decoder's marginal by Monte Carlo: error ∝ S^−½, slope + ½", abs(slope + 0.5), 0.1, "numpy mean")
lesson.claim("N1", "a flow undoes z→x exactly", abs(back - z).max(), 1e-12, nfedu.Flow)
lesson.claim("N1", "a flow's p(x) is exact: ∫p = 1 by quadrature", abs(total - 1), 1e-7, nfedu.Flow.log_prob)

exact = abs(
    np.exp(flow.log_prob(x))
    - stats.norm.pdf(np.sinh(0.5 * np.arcsinh(x[:, 0])))
    * 0.5
    * np.cosh(0.5 * np.arcsinh(x[:, 0]))
    / np.sqrt(1 + x[:, 0] ** 2)
).max()  # N2 written out by hand
fig, ax = plt.subplots(figsize=(5.2, 3.4))
ax.loglog(counts, errors, "o-", color="tab:red", label="decoder: r.m.s. error of p(1), 60 runs")
ax.loglog(counts, errors[0] * (counts / counts[0]) ** -0.5, ":", color="0.5", label="slope −½")
ax.axhline(max(exact, 1e-17), color="tab:blue", label="flow: N2, largest error on (0, 4)")
ax.set(xlabel="samples S of z", ylabel="error of p(x)", ylim=(1e-18, 1))
ax.legend(loc="center right")
caption = """The decoder's marginal costs a hundred times the samples for one more digit; the flow's density is exact
to rounding at the price of one inverse."""
lesson.show(fig, "01_decoder_or_flow", caption)

# %% [markdown]
# ## In n dimensions (变量替换定理, n-D)
#
# A small cube of volume $dz$ becomes a small parallelepiped. Its edges are the columns of the Jacobian $\partial
# f/\partial z$, its volume $|\det \partial f/\partial z|\,dz$. The mass is the same, so the density is divided by that
# factor, which is to say multiplied by the determinant of the inverse's Jacobian:
#
# $$
# p_X(x) = p_Z(h(x))\,\left|\det \frac{\partial h(x)}{\partial x}\right|
# $$ (N3)
#
# For $X = AZ$, $Z \sim N(0, I)$, this must be $N(0, AA^\top)$.

# %%
worst = 0.0
for n in (1, 2, 3, 5):
    A = rng.standard_normal((n, n))
    points = rng.standard_normal((50, n)) @ A.T
    log_p = (
        nfedu.StandardNormal(n).log_prob(np.linalg.solve(A, points.T).T) + np.linalg.slogdet(np.linalg.inv(A))[1]
    )  # N3
    worst = max(worst, abs(log_p - stats.multivariate_normal(np.zeros(n), A @ A.T).logpdf(points)).max())
lesson.claim("N3", "X = AZ has the density of N(0, AAᵀ), n ∈ {1, 2, 3, 5}", worst, 1e-10, "numpy slogdet")

# %% [markdown]
# ## Two dimensions in full (U and V)
#
# $X = U(Z)$, $Z = V(X)$ with $U = (U_1, U_2)$ and $V = (V_1, V_2)$:
#
# $$
# p_X(x_1, x_2) = p_Z\big(V_1(x), V_2(x)\big)\,
# \left|\det \begin{pmatrix} \partial V_1/\partial x_1 & \partial V_1/\partial x_2 \\
# \partial V_2/\partial x_1 & \partial V_2/\partial x_2 \end{pmatrix}\right|
# $$ (N4)
#
# An example that can be undone by hand: $x_2 = z_2 + z_1^2/4$, then $x_1 = z_1 e^{x_2/4}$. Going back, $z_1 = x_1
# e^{-x_2/4}$ first, then $z_2 = x_2 - z_1^2/4$. The determinant of $\partial V/\partial x$ is $e^{-x_2/4}$.


# %%
def U(z):
    x2 = z[:, 1] + z[:, 0] ** 2 / 4
    return np.stack([z[:, 0] * np.exp(x2 / 4), x2], axis=1)


def V(x):
    z1 = x[:, 0] * np.exp(-x[:, 1] / 4)
    return np.stack([z1, x[:, 1] - z1**2 / 4], axis=1)


def V_jacobian(x):
    """(N, 2, 2), differentiated by hand: row i holds ∂V_i/∂x₁ and ∂V_i/∂x₂."""
    z1, shrink = V(x)[:, 0], np.exp(-x[:, 1] / 4)
    return np.stack([np.stack([shrink, -z1 / 4], axis=1), np.stack([-z1 * shrink / 2, 1 + z1**2 / 8], axis=1)], axis=1)


class Fan:
    """The density N4, with the factor that `volume` computes from the Jacobian of V."""

    n, base = 2, nfedu.StandardNormal(2)

    def __init__(self, volume):
        self.volume = volume

    def log_prob(self, x):
        return self.base.log_prob(V(x)) + np.log(self.volume(V_jacobian(x)))  # N4


fan = Fan(lambda J: abs(np.linalg.det(J)))
z = rng.standard_normal((4000, 2))
x = U(z)
low, high = (-10, -4), (10, 8)
fig, axes = plt.subplots(1, 4, figsize=(12, 3.6))
samples_axes(axes[0], z, -4, 4, "tab:blue", "z")
show_warp(axes[1], U)
samples_axes(axes[2], x, low, high, "tab:orange")
integral = show_density(axes[3], fan, low, high, points=600).integral
for ax in axes[2:]:
    ax.set(xlim=(-6, 6), ylim=(-4, 6))
for ax, title in zip(axes, ["z ~ N(0, I)", "the grid under U", "x = U(z)", "p(x) by N4"], strict=True):
    ax.set_title(title)
caption = """The grid's cells grow upwards, by |det ∂U/∂z| = exp(x₂/4): there the density is the base's, thinned by
that factor; below it is the base's, thickened. What is missing from 1 lies outside the box, which is larger than what
is shown."""
lesson.show(fig, "01_u_and_v", caption)
error = abs(V_jacobian(x) - jacobians(V, x)).max()
lesson.claim("N4", "∂V/∂x by hand equals the complex step (see lesson 02)", error, 1e-12, jacobians)
lesson.claim("N4", "with both rows the density integrates to 1", abs(integral - 1), 1e-3, density_on_grid)

# %% [markdown]
# ### Errata
#
# **M1.** The notes print the determinant with the first row alone. A 1×2 matrix has none; the nearest thing that it
# has, the length $\sqrt{JJ^\top}$ of the row, does not make a density.
#
# **M2.** They write $X_1, X_2 \sim U_1(Z_1, Z_2)$. These are equations between random variables, not distributions: an
# independent $X'$ with the distribution of $U(Z)$ tells nothing about this $Z$.

# %%
first_row = Fan(lambda J: np.sqrt((J[:, 0] ** 2).sum(axis=1)))
printed = abs(density_on_grid(first_row, low, high, points=600).integral - 1)
lesson.claim("M1", "|∫p − 1| with the 2×2 matrix", abs(integral - 1), 1e-3, density_on_grid, printed)
drawn_apart = U(rng.standard_normal(z.shape))  # "X ~ U(Z)"
lesson.claim(
    "M2", "max|V(X) − Z| for X = U(Z)", abs(V(x) - z).max(), 1e-12, "U and V", printed=abs(V(drawn_apart) - z).max()
)

# %% [markdown]
# ## Same dimension on both sides (维度一致)
#
# If $h(f(z)) = z$ and $f(h(x)) = x$ are differentiable, the chain rule gives, for their Jacobians, $J_h J_f = I_k$ and
# $J_f J_h = I_n$ for $f: \mathbb{R}^k \to \mathbb{R}^n$. A product through $k$ dimensions has rank at most $k$, and
# $I_n$ has rank $n$: so $k = n$ (N5). Send a line into the plane by $f(z) = (z, z^2)$: then $J_f J_h$ has determinant
# 0, whatever left inverse $h$ we take.

# %%
t = rng.standard_normal((200, 1))
J_f = jacobians(lambda v: np.concatenate([v, v**2], axis=1), t)  # (N, 2, 1)
determinants = []
for c in (0.0, 0.7, -2.0):  # left inverses h(x) = x₁ + c (x₂ − x₁²)
    J_h = jacobians(
        lambda v, c=c: v[:, :1] + c * (v[:, 1:] - v[:, :1] ** 2), np.concatenate([t, t**2], axis=1)
    )  # (N, 1, 2)
    determinants.append(abs(np.linalg.det(J_f @ J_h)).max())
lesson.claim("N5", "1→2 dimensions: det J_f J_h = 0, where an inverse needs 1", max(determinants), 1e-12, jacobians)
for k, n in ((2, 3), (3, 2)):
    try:
        nfedu.Flow(nfedu.StandardNormal(k), nfedu.Rescale(n))
        refused = np.inf
    except ValueError as error:
        refused = 0.0
        print(f"  refused, as it should be: {error}")
    lesson.claim("N5", f"a flow from {k} to {n} dimensions is refused", refused, 0, nfedu.Flow)

# %% [markdown]
# **Exercise.** Write the layer $x = z + \tfrac12 \sin z$ by hand, inverse by Newton's method, and let `.venv/bin/python
# -m nfedu check my_layer.py:Sine` judge it. Then try $x = z + \sin z$ with `nfedu.checks.check_bijection(layer, x)` at
# $x = \pi$, the image of $z = \pi$, where the slope is 0: which rung notices first?
