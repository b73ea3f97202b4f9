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
from nfedu.lesson import begin
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
# The same from the distribution function: for increasing $h$, $P(X \le x) = P(Z \le h(x)) = \Phi_Z(h(x))$;
# differentiate. For decreasing $h$ it is $1 - \Phi_Z(h(x))$, whose derivative has a minus: hence the modulus.
#
# In logarithms, which is how every layer of this library returns it: $\log p_X(x) = \log p_Z(z) + \log|dz/dx|$.
#
# We try it on maps whose result SciPy knows in closed form.

# %%
x = np.linspace(0.05, 4, 200)[:, None]
normal, logistic = nfedu.StandardNormal(1), nfedu.StandardLogistic(1)
sinh_arcsinh = nfedu.SinhArcsinh(1, skew=0.5, tail=0.8)
known = {
    "affine, −2z + 1, is N(1, 2²)": (normal, nfedu.Affine(1, -2.0, 1.0), stats.norm(1, 2).logpdf),
    "exp of N(0, 1) is log-normal": (normal, nfedu.Exp(1), stats.lognorm(1).logpdf),
    "logistic of a logistic is uniform": (logistic, nfedu.Logit(1, margin=0.0), stats.uniform.logpdf),
    "sinh-arcsinh: d/dx of Φ(h(x))": (normal, sinh_arcsinh, None),
}
fig, axes = plt.subplots(1, 4, figsize=(12, 3.4))
for ax, (name, (base, layer, logpdf)) in zip(axes, known.items(), strict=True):
    flow = nfedu.Flow(base, layer)
    at = x / 4.1 if "uniform" in name else x
    if logpdf is None:  # Φ(h(x)) differentiated by the complex step: nothing of N2 is used
        cdf = jacobians(lambda v, flow=flow: np.asarray(stats.norm.cdf(flow.x_to_z(v)[0])), at, method="central")
        expected, tolerance = np.log(cdf[:, 0, 0]), 1e-8
    else:
        expected, tolerance = logpdf(at[:, 0]), 1e-12
    lesson.claim("N2", name, abs(flow.log_prob(at) - expected).max(), tolerance, type(layer))

    # Ten slices of equal probability before and after: their areas stay, their widths and heights change.
    edges_z = (stats.norm if base is normal else stats.logistic).ppf(np.linspace(0.001, 0.999, 11))
    edges_x = np.sort(layer.z_to_x(edges_z[:, None])[0][:, 0])
    for i in range(10):
        slice_x = np.linspace(edges_x[i], edges_x[i + 1], 40)[:, None]
        ax.fill_between(slice_x[:, 0], np.exp(flow.log_prob(slice_x)), color=plt.cm.viridis(i / 9))
    ax.set(xlabel="x", ylabel="p(x)", title=name, xlim=(max(edges_x[0], -6), min(edges_x[-1], 8)))
caption = """Each coloured slice holds the same mass of x. Where the map stretches (wide slices) the density is low,
where it compresses it is high: that factor is |h'(x)|."""
lesson.show(fig, "01_equal_mass", caption)

# %% [markdown]
# **Trap.** $h'$ is the slope of the *inverse*. With the slope of $f$ in its place the density is off by its square. In
# code: `x_to_z` returns $\log|dz/dx|$, `z_to_x` returns $\log|dx/dz|$, and the two differ in sign.
#
# ## Why not a VAE? (flow-based models, VAE 对比)
#
# A variational autoencoder has $p(z)$ and a decoder $p(x|z)$ at hand. The marginal $p(x) = \int p(x|z)\,p(z)\,dz$ and
# the posterior $p(z|x)$ are not: it trains on a bound. A flow gives up the noise of the decoder. Its $x = f(z)$ is
# exactly undone, and $p(x)$ is one formula (N1). The price: $f$ must be invertible, and its determinant affordable.
#
# Take a toy decoder, $x|z \sim N(\sinh z, 0.1^2)$, and estimate its $p(x)$ by averaging $p(x|z_k)$ over $S$ draws of
# $z$.

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
ax.loglog(counts, errors, "o-", color="tab:red", label="decoder: Monte-Carlo error of p(x)")
ax.loglog(counts, errors[0] * (counts / counts[0]) ** -0.5, ":", color="0.5", label="slope −½")
ax.axhline(max(exact, 1e-17), color="tab:blue", label="flow: N2, one evaluation")
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
# e^{-x_2/4}$ first, then $z_2 = x_2 - z_1^2/4$.


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
caption = """The grid's cells show |det ∂U/∂z|: above they are large and the samples thin, below they are small and
the samples crowd. The density says the same, and integrates to one."""
lesson.show(fig, "01_u_and_v", caption)
lesson.claim(
    "N4", "∂V/∂x by hand equals the complex step", abs(V_jacobian(x) - jacobians(V, x)).max(), 1e-12, jacobians
)
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
# If $h(f(z)) = z$ and $f(h(x)) = x$ are differentiable, the chain rule gives $J_h J_f = I_k$ and $J_f J_h = I_n$ for
# $f: \mathbb{R}^k \to \mathbb{R}^n$. A product through $k$ dimensions has rank at most $k$, and $I_n$ has rank $n$: so
# $k = n$ (N5). Send a line into the plane by $f(z) = (z, z^2)$: then $J_f J_h$ has determinant 0, whatever left inverse
# $h$ we take.

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
# **Exercise.** Write the layer $x = z + \tfrac12 \sin z$ by hand, inverse by Newton's method, and let `python -m nfedu
# check my_layer.py:Sine` judge it. What happens to the log-det at $x = z + \sin z$, where the slope touches 0?
