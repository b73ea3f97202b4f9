# %% [markdown]
# # 01b · Change of variables in many dimensions
#
# *Notes: 变量替换定理, in n and in two dimensions; 维度一致. Statements N3–N5, misprints M1 and M2.*
#
# **What the notes say here** (still under 变量替换定理):
#
# 1. In many dimensions the slope becomes a matrix, the Jacobian (雅可比矩阵) $\partial h/\partial x$, and its modulus
#    $|\det \partial h/\partial x|$.
# 2. The latents are like those of a VAE (类比 VAE 中的隐变量), but come from an invertible map (可逆变换).
# 3. In the plane: $U = (U_1, U_2)$ invertible, $V = (V_1, V_2)$ its inverse, $X = U(Z)$, $Z = V(X)$, and the density of
#    $X$ in full.
# 4. For $U$ to be invertible, $Z$ and $X$ must have the same dimension (维度应一致).
#
# **What you need:** [01a](01a_one_dimension.py); partial derivatives and the chain rule for Jacobians; determinants of
# 2×2 matrices, $\det AB = \det A \det B$, and the rank of a matrix.

# %%
import numpy as np
from matplotlib import pyplot as plt
from scipy import stats

import nfedu
from nfedu.checks import density_on_grid, jacobians, misfit
from nfedu.course.lesson import begin
from nfedu.plotting import samples_axes, show_density, show_warp
from nfedu.plotting.scenes.cells import area, boundary, show_cell

lesson = begin("01b · Change of variables in many dimensions")
rng = np.random.default_rng(1)

# %% [markdown]
# ## A determinant is a volume
#
# Close to a point a smooth map is its Jacobian: $f(z + \delta) = f(z) + J\delta + o(|\delta|)$, $J_{ij} = \partial
# f_i/\partial z_j$. A step along $z_j$ moves $x$ along column $j$. So a small cube with sides $dz$ becomes nearly the
# *parallelepiped* spanned by the columns of $J\,dz$. Its volume is $|\det J|\,dz^n$, and here is why:
#
# - Multiply a column by $c$: the volume is multiplied by $|c|$, the determinant by $c$.
# - Add a multiple of one column to another: the parallelepiped is sheared along one of its faces. Slices parallel to
#   that face only slide (Cavalieri), so the volume stays; so does the determinant.
# - Exchange two columns: the same body; the determinant changes its sign, and we take the modulus.
#
# By such steps (Gauss's elimination, on columns) every $J$ of full rank becomes the identity, whose cube has volume 1
# and whose determinant is 1. So both change by the same factors from the same end. And if the columns are dependent,
# the body is flat: volume 0, determinant 0. In the plane the formula is $|J_{11}J_{22} - J_{12}J_{21}|$.
#
# ## In n dimensions (变量替换定理, n-D)
#
# The mass in the cube is the mass in its image, $p_X(x)\,|\det J|\,dz^n = p_Z(z)\,dz^n$. By the chain rule $h(f(z)) =
# z$ gives $\frac{\partial h}{\partial x} J = I$, so $1/|\det J| = |\det \partial h/\partial x|$:
#
# $$
# p_X(x) = p_Z(h(x))\,\left|\det \frac{\partial h(x)}{\partial x}\right|
# $$ (N3)
#
# (That "nearly" may be dropped as the cube shrinks: Rudin 1987, "Real and Complex Analysis", theorems 7.24 and 7.26.)
#
# Two ways to see it in numbers. First, an area: the image of a small square, measured as a polygon, over the square's
# own. The map, `U`, is one that we shall meet again.


# %%
def U(z):
    x2 = z[:, 1] + z[:, 0] ** 2 / 4
    return np.stack([z[:, 0] * np.exp(x2 / 4), x2], axis=1)


sides, corner = [1.0, 0.5, 0.1, 0.001], np.array([0.5, -0.5])
J = jacobians(U, corner[None])[0]
ratios = np.array([area(U(boundary(corner - side / 2, side))) / side**2 for side in sides[1:]])  # around the point
error = abs(ratios[-1] / abs(np.linalg.det(J)) - 1)
lesson.claim("N3", "area of a square's image, by shoelace, is |det J| times the square's", error, 1e-6, area)

# %% [markdown]
# Second, a density. Layers of the library whose networks have no hidden layer make a linear flow, $X = AZ + b$. That
# must be $N(b, AA^\top)$; we find $b$ and $A$ by pushing 0 and the unit vectors through it.

# %%
worst = 0.0
for n in (2, 3, 5):
    linear = {"hidden": (), "rng": rng}
    layers = [nfedu.Rescale(n, rng.uniform(0.5, 2, n)), nfedu.AdditiveCoupling(n, **linear), nfedu.Reverse(n)]
    layers += [nfedu.AdditiveCoupling(n, flip=True, **linear), nfedu.Affine(n, -0.5, rng.standard_normal(n))]
    for layer in (layers[1], layers[3]):
        layer.net.weights[-1].value *= 10
    flow = nfedu.Flow(nfedu.StandardNormal(n), layers)
    b, *columns = flow.z_to_x(np.concatenate([np.zeros((1, n)), np.eye(n)]))[0]
    A = (np.array(columns) - b).T
    x = flow.sample(50, rng)
    worst = max(worst, abs(flow.log_prob(x) - stats.multivariate_normal(b, A @ A.T).logpdf(x)).max())
lesson.claim("N3", "a flow of linear layers has the density of N(b, AAᵀ), n ∈ {2, 3, 5}", worst, 1e-10, nfedu.Flow)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(10.4, 3.2), width_ratios=[1.6, 1, 1, 1])
show_warp(axes[0], U, lines=9)
axes[0].fill(*U(boundary(corner, 0.5)).T, color="tab:blue", alpha=0.35)
axes[0].set_title("a square grid under U")
for ax, side in zip(axes[1:], sides, strict=False):
    image, parallelogram = show_cell(ax, U, J, corner, side)
    ax.set_title(f"side {side}: area {image:.3f},\nparallelogram {parallelogram:.3f}")
caption = """A cell with its lower left corner at z = (0.5, −0.5), shaded, and the parallelogram of the Jacobian's
columns there (blue, orange), for ever smaller cells; areas are relative to the cell's before the map. The smaller the
cell, the closer its image comes to the parallelogram, whose area is |det J|."""
lesson.show(fig, "01b_cell", caption)

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
# The map above can be undone by hand: it makes $x_2 = z_2 + z_1^2/4$, then $x_1 = z_1 e^{x_2/4}$. Going back, $z_1 =
# x_1 e^{-x_2/4}$ first, then $z_2 = x_2 - z_1^2/4$. The four derivatives:
#
# $$
# \frac{\partial V_1}{\partial x_1} = e^{-x_2/4}, \quad \frac{\partial V_1}{\partial x_2} = -\frac{z_1}{4}, \quad
# \frac{\partial V_2}{\partial x_1} = -\frac{z_1}{2} e^{-x_2/4}, \quad
# \frac{\partial V_2}{\partial x_2} = 1 + \frac{z_1^2}{8},
# $$
#
# the lower two by the chain rule through $z_1$. The determinant: $e^{-x_2/4}(1 + z_1^2/8) - \frac{z_1}{4} \cdot
# \frac{z_1}{2} e^{-x_2/4} = e^{-x_2/4}$.
#
# **By hand**, at $x = (1, 0)$: $z_1 = 1 \cdot e^0 = 1$, $z_2 = 0 - \frac14 = -\frac14$. The matrix is
# $\begin{pmatrix} 1 & -1/4 \\ -1/2 & 9/8 \end{pmatrix}$, its determinant $\frac98 - \frac18 = 1$. So $p_X(1, 0) =
# \frac{1}{2\pi} e^{-(1 + 1/16)/2} = 0.0936$.


# %%
def V(x):
    z1 = x[:, 0] * np.exp(-x[:, 1] / 4)
    return np.stack([z1, x[:, 1] - z1**2 / 4], axis=1)


def V_jacobian(x):
    """(N, 2, 2), differentiated by hand: row i holds ∂V_i/∂x₁ and ∂V_i/∂x₂."""
    z1, shrink = V(x)[:, 0], np.exp(-x[:, 1] / 4)
    return np.stack([np.stack([shrink, -z1 / 4], axis=1), np.stack([-z1 * shrink / 2, 1 + z1**2 / 8], axis=1)], axis=1)


# %% [markdown]
# The density N4, first at that point. (`volume`, what is done with the matrix, is an argument for an erratum's sake.)


# %%
class Fan:
    """The density N4, with the factor that `volume` computes from the Jacobian of V."""

    n, base = 2, nfedu.StandardNormal(2)

    def __init__(self, volume):
        self.volume = volume

    def log_prob(self, x):
        return self.base.log_prob(V(x)) + np.log(self.volume(V_jacobian(x)))  # N4


fan = Fan(lambda J: abs(np.linalg.det(J)))
point = np.array([[1.0, 0.0]])
error = abs(np.array([*V(point)[0], *V_jacobian(point).ravel(), np.exp(fan.log_prob(point))[0]])
            - [1, -0.25, 1, -0.25, -0.5, 1.125, 0.0936]).max()  # fmt: skip
lesson.claim("N4", "pencil, at x = (1, 0): z, the four derivatives, p = 0.0936", error, 5e-5, "Fan")

# %% [markdown]
# Then everywhere: the derivatives against the complex step, the density against counts of samples.

# %%
x = U(rng.standard_normal((200_000, 2)))
error = abs(V_jacobian(x[:4000]) - jacobians(V, x[:4000])).max()
lesson.claim("N4", "∂V/∂x by hand equals the complex step (lesson 00d)", error, 1e-12, jacobians)
error = abs(misfit(x, fan, (-3, -2), (3, 4)))
lesson.claim("N4", "200 000 samples U(z) counted in 145 cells: χ² against p, in deviations", error, 4, misfit)

# %% tags=["hide-input"]
z = rng.standard_normal((4000, 2))
low, high = (-10, -4), (10, 8)
fig, axes = plt.subplots(1, 4, figsize=(10, 2.9))
samples_axes(axes[0], z, -4, 4, "tab:blue", "z")
most = 1.15 / (2 * np.pi)
show_density(axes[1], nfedu.StandardNormal(2), -4, 4, most=most)
samples_axes(axes[2], U(z), low, high, "tab:orange")
integral = show_density(axes[3], fan, low, high, 600, most=most, bar=True).integral
axes[1].set(xlabel="$z_1$", ylabel="$z_2$")
for ax in axes[2:]:
    ax.set(xlim=(-5, 5), ylim=(-4, 6), xticks=(-4, 0, 4))
for ax, title in zip(axes, ["z ~ N(0, I)", "its density", "x = U(z)", "p(x) by N4"], strict=True):
    ax.set_title(title)
caption = """One scale of colours. Areas are multiplied by det ∂U/∂z = exp(x₂/4): where x₂ > 0 the base's density is
thinned by that factor, where x₂ < 0 it is thickened. (∫ p on the right is over a box larger than what is shown.)"""
lesson.show(fig, "01b_u_and_v", caption)

# %% [markdown]
# ### Errata
#
# **M1.** The notes print the determinant with the first row alone. A 1×2 matrix has no determinant, so the printed form
# has no number. We put a surrogate of ours in its place, the row's length $\sqrt{JJ^\top}$, which is what a 1×2 matrix
# has instead (it is the factor for lengths of curves): it does not make a density.
#
# **M2.** They write $X_1, X_2 \sim U_1(Z_1, Z_2)$. These are equations between random variables, not distributions: an
# independent $X'$ with the distribution of $U(Z)$ tells nothing about this $Z$.

# %%
first_row = Fan(lambda J: np.sqrt((J[:, 0] ** 2).sum(axis=1)))
printed = abs(density_on_grid(first_row, low, high, points=600).integral - 1)
statement = "|∫p − 1| with the 2×2 matrix; printed: a row, its length for want of a determinant"
lesson.claim("M1", statement, abs(integral - 1), 1e-3, density_on_grid, printed)
drawn_apart = U(rng.standard_normal(z.shape))  # "X ~ U(Z)"
error, printed = abs(V(U(z)) - z).max(), abs(V(drawn_apart) - z).max()
lesson.claim("M2", "max|V(X) − Z| for X = U(Z); printed: X ~ U(Z)", error, 1e-12, "U and V", printed)

# %% [markdown]
# ## Same dimension on both sides (维度一致)
#
# Let $f: \mathbb{R}^k \to \mathbb{R}^n$ and $h$ be differentiable, $h(f(z)) = z$ and $f(h(x)) = x$. By the chain rule
# their Jacobians have $J_h J_f = I_k$ and $J_f J_h = I_n$. A product through $k$ dimensions has rank at most $k$, so $n
# \le k$; a product through $n$ has rank at most $n$, so $k \le n$: they are equal (N5). (Without derivatives it is
# still true of continuous maps with continuous inverses, and harder: Brouwer 1912, invariance of domain.)
#
# Send a line into the plane by $f(z) = (z, z^2)$: then $J_f J_h$, 2×2, has determinant 0, whatever left inverse $h$ we
# take. The image is a curve, of area 0: cut the plane into squares of side δ. Over $|z| \le 2$ the curve crosses $4/δ$
# of their vertical and $8/δ$ of their horizontal sides, so it meets about $12/δ$ squares: their area, $12\,δ$, goes to
# 0 with δ. What lies on it has no density in the plane at all. A VAE may have fewer latents than pixels, as its noise
# fills the rest; a flow may not. And from two dimensions to one, $f$ gives whole curves of latents the same $x$.

# %%
t = rng.standard_normal((200, 1))
curve = np.concatenate([t, t**2], axis=1)
J_f = jacobians(lambda v: np.concatenate([v, v**2], axis=1), t)  # (N, 2, 1)
worst = 0.0
for c in (0.0, 0.7, -2.0):  # left inverses h(x) = x₁ + c (x₂ − x₁²)
    J_h = jacobians(lambda v, c=c: v[:, :1] + c * (v[:, 1:] - v[:, :1] ** 2), curve)  # (N, 1, 2)
    worst = max(worst, abs(J_h @ J_f - 1).max(), abs(np.linalg.det(J_f @ J_h)).max())
lesson.claim("N5", "1→2 dimensions: J_h J_f = 1, yet det J_f J_h = 0 where an inverse needs 1", worst, 1e-12, jacobians)

# %% [markdown]
# The squares that meet the curve, counted; and what the library says to a base and a layer of two dimensions:


# %%
def squares(side):
    """The squares (K, 2) of that side, by their lower left corners over the side, that meet the curve, |z| ≤ 2."""
    t = np.linspace(-2, 2, 400_001)
    return np.unique(np.floor(np.stack([t, t**2], axis=1) / side), axis=0)


error = abs(len(squares(1 / 251)) / 251 / 12 - 1)
lesson.claim("N5", "squares of side δ = 1/251 that meet the curve: their area / 12 δ − 1", error, 0.01, squares)
for k, n in ((2, 3), (3, 2)):
    refused = np.inf
    try:
        nfedu.Flow(nfedu.StandardNormal(k), nfedu.Rescale(n))
    except ValueError as error:
        refused = 0.0
        print(f"  refused, as it should be: {error}")
    lesson.claim("N5", f"a flow from {k} to {n} dimensions is refused", refused, 0, nfedu.Flow)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(10, 2.9))
t = np.linspace(-2, 2, 400)
for ax, side in zip(axes, (0.5, 0.125), strict=False):
    cells = squares(side)
    for corner in cells * side:
        ax.add_patch(plt.Rectangle(corner, side, side, color="0.8", linewidth=0))
    ax.plot(t, t**2, color="tab:blue")
    ax.set_title(f"squares of side {side}: area {len(cells) * side**2:.2f}")
noisy = rng.standard_normal((3000, 1))
samples_axes(axes[2], np.c_[noisy, noisy**2] + 0.3 * rng.standard_normal((3000, 2)), colour="tab:orange")
axes[2].set_title("(z, z²) and a VAE's noise")
for ax in axes[:3]:
    ax.set(xlim=(-2.6, 2.6), ylim=(-0.6, 4.6), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
mesh = np.stack(np.meshgrid(t, t), axis=-1)
image = axes[3].contourf(t, t, mesh[..., 1] + mesh[..., 0] ** 2 / 2, levels=np.linspace(-2, 4, 13))
fig.colorbar(image, ax=axes[3], ticks=[-2, 0, 2, 4], shrink=0.85, label="x")
axes[3].set(title="2→1: one x for a whole curve", xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
caption = """1→2: z goes onto a curve (blue). The squares that meet it have ever less area: no room for a density. The
noise of a VAE spreads it over the plane. 2→1, x = z₂ + z₁²/2: all latents along a border of two colours have the same
x, and which of them it was cannot be told."""
lesson.show(fig, "01b_dimension", caption)

# %% [markdown]
# ## In five lines
#
# - Near a point a map is its Jacobian; a small cube becomes a parallelepiped with the columns for edges.
# - $|\det J|$ is that body's volume: both obey the same rules, and agree for the identity.
# - $p_X(x) = p_Z(h(x))\,|\det \partial h/\partial x|$, the Jacobian of the *inverse*, at $x$.
# - All its rows count: a determinant needs a square matrix.
# - So $Z$ and $X$ have the same dimension.
#
# **Exercise.** Write the layer $x = z + \tfrac12 \sin z$ by hand, inverse by Newton's method, and let `.venv/bin/python
# -m nfedu check my_layer.py:Sine` judge it. Then try $x = z + \sin z$ with `nfedu.checks.check_bijection(layer, x)` at
# $x = \pi$, the image of $z = \pi$, where the slope is 0: which rung notices first?
# %%
lesson.end()
