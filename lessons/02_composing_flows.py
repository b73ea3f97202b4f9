# %% [markdown]
# # 02 · Composing flows, and learning them
#
# *Notes: 归一化流模型; 组合; 优化目标; 三角 Jacobian. Statements N6–N9, misprint M3.*
#
# One invertible map with an affordable determinant is a poor model. Many of them, one after the other, are a rich one,
# and stay as easy. This lesson composes maps, fits them by maximum likelihood, and asks what a determinant costs.

# %%
import copy
import timeit

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu.checks import check_bijection, check_flow, complex_step, density_on_grid, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.plotting import show_density, show_warp

lesson = begin("02 · Composing flows, and learning them")
rng = np.random.default_rng(2)

# %% [markdown]
# ## A flow with parameters (归一化流模型)
#
# Let the map be a network's, $X = f_\theta(Z)$, $Z = f_\theta^{-1}(X)$. The change of variables (N3) reads
#
# $$
# p_X(x; \theta) = p_Z\big(f_\theta^{-1}(x)\big)\,\left|\det \frac{\partial f_\theta^{-1}(x)}{\partial x}\right|
# $$ (N6)
#
# The second factor is what *normalizes*: it makes the integral one whatever $\theta$ is. In the library this is `Flow`:
# a base distribution and bijections, given in the order in which $z$ meets them.


# %%
def twisted(rng):
    """Four layers in the plane, with weights large enough to be seen."""
    first, second = (nfedu.AdditiveCoupling(2, (16,), flip=flip, activation="tanh", rng=rng) for flip in (False, True))
    flow = nfedu.Flow(
        nfedu.StandardNormal(2), [nfedu.Rescale(2, [1.2, 0.6]), first, second, nfedu.SinhArcsinh(2, 0.4, 1.3)]
    )
    for layer in (first, second):
        layer.net.weights[-1].value[...] = 0.8 * rng.standard_normal((16, 1))
    return flow


flow = twisted(rng)
report = check_flow(flow, flow.sample(6, rng)).raise_if_failed()
print(report.summary())
lesson.claim("N6", "checks of a 2-D flow that fail", len(report.failures), 0, check_flow)
lesson.claim("N6", "|∫p − 1|", abs(density_on_grid(flow, -6, 6, 500).integral - 1), 1e-3, nfedu.Flow.log_prob)

# %% [markdown]
# ## Composition (组合)
#
# Let $Z_0 = Z$, $Z_m = f^{(m)}(Z_{m-1})$ and $X = Z_M$, so $X = f^{(M)} \circ \dots \circ f^{(1)}(Z_0)$. The inverse
# undoes the last layer first, and by the chain rule its Jacobian is a product of matrices, each taken at the point that
# the data have reached by then. The determinant of a product is the product of determinants:
#
# $$
# p_X(x; \theta) = p_Z\big(f_\theta^{-1}(x)\big)
# \prod_{m=1}^{M} \left|\det \frac{\partial (f^{(m)})^{-1}(Z_m)}{\partial Z_m}\right|
# $$ (N7)
#
# So log-dets add: `Chain` does nothing else, and its `backward` hands the same `g_log_det` to every layer. Below, the
# density after 0, 1, …, 4 layers: each picture is a flow by itself, with its own integral.

# %%
x = flow.sample(200, rng)
_, log_det, _ = flow.x_to_z(x)
dense = np.linalg.slogdet(layer_jacobians(flow.bijection, "x_to_z", x)[0])[1]
lesson.claim(
    "N7", "sum of the layers' log-dets = slogdet of the whole Jacobian", abs(log_det - dense).max(), 1e-10, nfedu.Chain
)

fig, axes = plt.subplots(2, 5, figsize=(12, 5.2))
for m in range(5):
    layers = [nfedu.Shift(2), *copy.deepcopy(flow.bijection.bijections[:m])]  # a shift by 0 stands for no layer at all
    prefix = nfedu.Flow(flow.base, layers)
    integral = show_density(axes[0, m], prefix, -9, 9, points=600).integral
    lesson.claim("N7", f"|∫p − 1| after {m} layers", abs(integral - 1), 1e-3, nfedu.Chain)
    show_warp(axes[1, m], lambda z, prefix=prefix: prefix.z_to_x(z)[0])
    axes[0, m].set_title(f"after {m}: {type(layers[m]).__name__}" if m else "base, N(0, I)")
    for ax in axes[:, m]:
        ax.set(xlim=(-4.5, 4.5), ylim=(-4.5, 4.5))
caption = """Above the density after each layer (each on its own colour scale; ∫ p over a box twice as wide), below
what has become of a square grid. Rescaling and sinh-arcsinh change the cells' areas; the couplings only shear
them."""
lesson.show(fig, "02_layer_by_layer", caption)

# %% [markdown]
# ### Erratum
#
# **M3.** The notes print the factor as $\partial f^{(m)}(Z_{m-1})/\partial Z_m$. But $f^{(m)}(Z_{m-1})$ *is* $Z_m$, so
# that factor is $\partial Z_m/\partial Z_m = 1$: a density without its normalizing part.


# %%
class Printed:
    n = 2

    def log_prob(self, x):
        return flow.base.log_prob(flow.x_to_z(x)[0])  # every factor 1


printed = abs(density_on_grid(Printed(), -6, 6, 500).integral - 1)
corrected = abs(density_on_grid(flow, -6, 6, 500).integral - 1)
lesson.claim("M3", "|∫p − 1| with the inverses' Jacobians", corrected, 1e-3, nfedu.Chain, printed)

# %% [markdown]
# ## Maximum likelihood (优化目标)
#
# $$
# \max_\theta \sum_{x \in D} \left[ \log p_Z\big(f_\theta^{-1}(x)\big)
# + \log\left|\det \frac{\partial f_\theta^{-1}(x)}{\partial x}\right| \right]
# $$ (N8)
#
# The first term pulls the data's latents to where the base is dense. The second resists: without it, mapping everything
# to one point would win. `Flow.nll` returns the mean with a minus, and sets `flow.grad` by one pass back through the
# layers.
#
# For $x = sz + t$ and a normal base the optimum is known: $t$ is the mean, $|s|$ the standard deviation of the data
# (the layer learns $\log|s|$). L-BFGS on the flat `theta` finds it.

# %%
data = rng.gamma(3.0, size=(2000, 1))
affine = nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1))
nfedu.fit_lbfgs(affine, data)
s, t = np.exp(affine.theta[0]), affine.theta[1]  # theta holds log|s| and t
error = max(abs(s - data.std()), abs(t - data.mean()))
lesson.claim("N8", "L-BFGS finds s = standard deviation, t = mean", error, 1e-6, nfedu.fit_lbfgs)

skewed = nfedu.Flow(nfedu.StandardNormal(1), [nfedu.SinhArcsinh(1), nfedu.Affine(1, data.std(), data.mean())])
by_adam = copy.deepcopy(skewed)
loss = nfedu.fit_lbfgs(skewed, data)
lesson.claim("N8", "gradient at the optimum of a skewed flow", abs(skewed.grad).max(), 1e-5, nfedu.Flow.nll)
optimizer, path = nfedu.Adam(0.02), []
for _ in range(lesson.pick(150, 400)):
    path.append(by_adam.nll(data))
    optimizer.step(by_adam.theta, by_adam.grad)
print(f"  mean −log p, nats: affine {affine.nll(data):.4f}, sinh-arcsinh by L-BFGS {loss:.4f}, by Adam {path[-1]:.4f}")

grid = np.linspace(-1, 10, 500)[:, None]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
left.hist(data[:, 0], bins=60, range=(-1, 10), density=True, color="0.85", label="2000 points, gamma(3)")
left.plot(grid, np.exp(affine.log_prob(grid)), color="tab:blue", label=f"affine: {affine.nll(data):.3f} nats")
left.plot(grid, np.exp(skewed.log_prob(grid)), color="tab:orange", label=f"affine, sinh-arcsinh: {loss:.3f} nats")
left.set(xlabel="x", ylabel="p(x)")
left.legend()
right.semilogy(np.maximum(np.array(path) - loss, 1e-16), color="tab:orange")
right.set(xlabel="Adam step", ylabel="loss above L-BFGS's, nats")
caption = """Left: an affine flow can only be a Gaussian; two more parameters give the skew. Right: Adam approaches
the optimum that L-BFGS found on the same loss."""
lesson.show(fig, "02_maximum_likelihood", caption)

# %% [markdown]
# ### Is the gradient right?
#
# Never believe a gradient that no number has shown. A central difference $(L(\theta + h) - L(\theta - h))/2h$ is off by
# $O(h^2)$ for large $h$ and by rounding, $\varepsilon/h$, for small $h$: at best ten digits. The *complex step*
# $\operatorname{Im} L(\theta + ih)/h$ subtracts nothing, so $h$ can be as small as we like, and all digits are right.
# That is why every layer of this library is written with functions that accept complex numbers.

# %%
x, v = flow.sample(100, rng), rng.standard_normal(flow.theta.size)
flow.nll(x)
exact = v @ flow.grad
steps = 10.0 ** np.arange(-20, 0.5)
twin, complex_twin = flow.astype(float), flow.astype(complex)


def loss_at(theta):
    called = complex_twin if np.iscomplexobj(theta) else twin
    called.theta[:] = theta
    return -called.log_prob(x).mean()


central = [abs((loss_at(flow.theta + h * v) - loss_at(flow.theta - h * v)) / (2 * h) / exact - 1) for h in steps]
by_complex = [abs(loss_at(flow.theta + 1j * h * v).imag / h / exact - 1) for h in steps]
fig, ax = plt.subplots(figsize=(5.6, 3.4))
ax.loglog(steps, np.maximum(central, 1e-17), "o-", ms=3, color="tab:red", label="central difference")
ax.loglog(steps, np.maximum(by_complex, 1e-17), "o-", ms=3, color="tab:blue", label="complex step")
ax.set(xlabel="step h", ylabel="relative error", ylim=(1e-17, 10))
ax.legend()
caption = """The same derivative of the loss, along a random direction in θ. Differences lose digits to rounding as h
shrinks; the complex step does not, from h = 1e-9 down it agrees with backward to all digits."""
lesson.show(fig, "02_gradient_check", caption)
error = abs(complex_step(loss_at, flow.theta, v) / exact - 1)
lesson.claim("N8", "θ-gradient by hand against the complex step", error, 1e-11, nfedu.Flow.nll)

# %% [markdown]
# ## What a determinant costs (三角 Jacobian)
#
# A general determinant takes an LU factorisation: $O(n^3)$, for every data point and every step. If each layer's
# Jacobian is triangular, its determinant is the product of the diagonal:
#
# $$
# \frac{\partial x_i}{\partial z_j} = 0 \text{ for } j > i \quad\Rightarrow\quad
# \det \frac{\partial x}{\partial z} = \prod_{i=1}^n \frac{\partial x_i}{\partial z_i}
# $$ (N9)
#
# in $O(n)$. Couplings and autoregressive layers are built for this. Here is the simplest of them, and a first example
# of how a layer is written: both directions, and under each the lines that differentiate it.


# %%
class Triangular(nfedu.Bijection):
    """x = Lz with L lower triangular; the diagonal is e^a, so never 0."""

    def __init__(self, n, rng):
        self.n = n
        self.below = nfedu.Parameter(rng.standard_normal((n, n)) / n)
        self.a = nfedu.Parameter(0.1 * rng.standard_normal(n))

    def matrix(self):
        return np.tril(self.below.value, -1) + np.diag(np.exp(self.a.value))

    def z_to_x(self, z):
        L = self.matrix()

        def backward(g_x, g_log_det):
            g_L = g_x.T @ z
            self.below.grad += np.tril(g_L, -1)
            self.a.grad += np.diag(g_L) * np.diag(L) + g_log_det.sum()
            return g_x @ L

        return z @ L.T, np.full(len(z), self.a.value.sum()), backward  # N9

    def x_to_z(self, x):
        L = self.matrix()
        z = np.linalg.solve(L, x.T).T

        def backward(g_z, g_log_det):
            g_x = np.linalg.solve(L.T, g_z.T).T
            g_L = -g_x.T @ z
            self.below.grad += np.tril(g_L, -1)
            self.a.grad += np.diag(g_L) * np.diag(L) - g_log_det.sum()
            return g_x

        return z, np.full(len(x), -self.a.value.sum()), backward  # N9

    def parameters(self):
        return {"below": self.below, "a": self.a}

    def jacobian_pattern(self):
        pattern = np.where(np.tri(self.n), np.nan, 0.0)
        return pattern, pattern


layer = Triangular(4, rng)
print(check_bijection(layer, rng.standard_normal((6, 4))).raise_if_failed().summary())

sizes, errors = 2 ** np.arange(3, lesson.pick(9, 11)), []
seconds = {"general: LU": [], "triangular: diagonal": []}
for n in sizes:
    L = np.tril(rng.standard_normal((n, n)) / n, -1) + np.diag(rng.uniform(0.5, 2, n))
    methods = (lambda L=L: np.linalg.slogdet(L)[1], lambda L=L: np.log(abs(np.diagonal(L))).sum())
    errors.append(abs(methods[0]() - methods[1]()) / n)
    for name, f in zip(seconds, methods, strict=True):
        seconds[name].append(np.median(timeit.repeat(f, number=1, repeat=9)))
lesson.claim("N9", f"log|det| from the diagonal, per dimension, n ≤ {n}", np.max(errors), 1e-12, "numpy slogdet")

fig, ax = plt.subplots(figsize=(5.2, 3.4))
for (name, s), colour in zip(seconds.items(), ("tab:red", "tab:blue"), strict=True):
    ax.loglog(sizes, np.array(s) * 1e6, "o-", ms=4, color=colour, label=name)
    slope = np.polyfit(np.log(sizes[-3:]), np.log(s[-3:]), 1)[0]
    print(f"  {name}: {1e6 * s[-1]:.0f} µs at n = {sizes[-1]}, time ∝ n^{slope:.1f} at the end")
ax.loglog(sizes, seconds["general: LU"][-1] * 1e6 * (sizes / sizes[-1]) ** 3.0, ":", color="0.5", label="slope 3")
ax.set(xlabel="dimension n", ylabel="one log-determinant, µs")
ax.legend()
caption = """A general Jacobian needs a determinant for every point, layer and step, whose time approaches n³. The sum
over the diagonal of a triangular one hardly leaves the overhead of a call up to n = 1000."""
lesson.show(fig, "02_determinant_cost", caption)

# %% [markdown]
# **Exercise.** Show that two lower triangular layers in a row are one, so nothing is gained; then put
# `nfedu.Reverse(n)` between them. Which matrices can you reach now that you could not before? (Hint: what is reverse ·
# lower · reverse?)
