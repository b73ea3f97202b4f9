# %% [markdown]
# # 02b · Learning a flow, and what a determinant costs
#
# *Notes: 优化目标; 三角 Jacobian. Statements N8 and N9.*
#
# **What the notes say here:**
#
# 1. The objective (优化目标) over a data set $D$: the sum of $\log p_X(x; \theta)$, that is of $\log
#    p_Z(f_\theta^{-1}(x))$ and the log-determinant, as large as possible. For a VAE this sum could only be bounded
#    (01a); here it is at hand.
# 2. Another question is how to compute the Jacobian, *or an approximation* (或近似), and its determinant.
# 3. What one does: constrain $f_\theta$ so that its Jacobian is triangular (三角阵).
#
# **What you need:** [02a](02a_composing_flows.py); that `backward` gives gradients ([00a](00a_backward_by_hand.py)) and
# how to check them ([00d](00d_is_it_right.py)); the expansion of a determinant along a row.

# %%
import copy
from itertools import permutations
from timeit import repeat

import numpy as np
from matplotlib import pyplot as plt
from numpy.linalg import slogdet
from scipy import optimize

import nfedu
from nfedu.checks import complex_step, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.plotting import samples_axes, show_density

lesson = begin("02b · Learning a flow, and what a determinant costs")
rng = np.random.default_rng(2)

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
# layers, from a point's $\partial(-\log p)/\partial z = z$ (for the normal base) and $\partial(-\log p)/\partial \ell =
# -1$, ℓ being the log-determinant, both over the number of points.
#
# **The affine flow, to the end.** $x = sz + t$ with $s > 0$ and a normal base: $z = (x - t)/s$, $\ell = -\log s$, so
#
# $$
# L(s, t) = \tfrac12 \log 2\pi + \log s + \frac{1}{2 s^2}\,\overline{(x - t)^2}, \qquad
# \frac{\partial L}{\partial t} = -\frac{\overline{x - t}}{s^2}, \qquad
# \frac{\partial L}{\partial s} = \frac1s - \frac{\overline{(x - t)^2}}{s^3},
# $$
#
# bars being means over the data. The first is 0 where $t$ is the mean, the second where $s^2$ is then the variance
# $\overline{(x - \bar x)^2}$. That is the minimum: no other point has both derivatives 0, and $L$ grows without bound
# as $s \to 0$, $s \to \infty$ or $|t| \to \infty$. The last term of $L$ is ½ there: $L = \frac12 \log(2\pi e\,s^2)$, a
# Gaussian's entropy.
#
# **By hand**, data 1, 2, 6: $t = 3$; squares 4, 1, 9: $s^2 = 14/3$, $s = 2.1602$; $L = \frac12 \log(17.0795 \cdot
# 4.6667) = 2.1892$. L-BFGS on the flat `theta`, which holds $\log|s|$ and $t$, must find it.

# %%
affine = nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1))
loss = nfedu.fit_lbfgs(affine, np.array([[1.0], [2.0], [6.0]])).loss
error = abs(np.array([np.exp(affine.theta[0]), affine.theta[1], loss]) - [2.1602, 3, 2.1892]).max()
lesson.claim("N8", "pencil: s, t and the loss for data 1, 2, 6, by L-BFGS", error, 5e-5, nfedu.fit_lbfgs)

data = rng.gamma(3.0, size=(2000, 1))
affine = nfedu.Flow(nfedu.StandardNormal(1), nfedu.Affine(1))
loss = nfedu.fit_lbfgs(affine, data).loss
found = np.exp(affine.theta[0]), affine.theta[1], loss
error = abs(np.array(found) - [data.std(), data.mean(), 0.5 * np.log(2 * np.pi * np.e * data.var())]).max()
lesson.claim("N8", "2000 points: s = standard deviation, t = mean, L = ½ log 2πe s²", error, 1e-6, nfedu.fit_lbfgs)

# %% [markdown]
# With two parameters more, a skew and tails, there is no formula. We let L-BFGS follow our gradient, and hold its
# optimum against the one that Nelder & Mead's simplex finds from values of `log_prob` alone.

# %%
skewed = nfedu.Flow(nfedu.StandardNormal(1), [nfedu.SinhArcsinh(1), nfedu.Affine(1, data.std(), data.mean())])
by_adam, blind = copy.deepcopy(skewed), copy.deepcopy(skewed)
loss = nfedu.fit_lbfgs(skewed, data).loss


def without_gradient(theta):
    blind.theta = theta
    return -blind.log_prob(data).mean()


exact = {"xatol": 1e-7, "fatol": 1e-10, "maxfev": 4000}
simplex = optimize.minimize(without_gradient, blind.theta.copy(), method="Nelder-Mead", options=exact)
error = max(abs(loss - simplex.fun), abs(skewed.theta - simplex.x).max() / 100)  # θ is flat there: to 1e-4
lesson.claim("N8", "L-BFGS with our gradient and a simplex without find the same optimum", error, 1e-6, nfedu.Flow.nll)
optimizer, path = nfedu.Adam(0.02), []
for _ in range(lesson.pick(150, 400)):
    path.append(by_adam.nll(data))
    optimizer.step(by_adam.theta, by_adam.grad)
print(f"  mean −log p, nats: affine {affine.nll(data):.4f}, sinh-arcsinh by L-BFGS {loss:.4f}, by Adam {path[-1]:.4f}")

# %% tags=["hide-input"]
grid = np.linspace(-1, 10, 500)[:, None]
fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.1))
left.hist(data[:, 0], bins=60, range=(-1, 10), density=True, color="0.85", label="2000 points, gamma(3)")
left.plot(grid, np.exp(affine.log_prob(grid)), color="tab:blue", label=f"affine: {affine.nll(data):.3f} nats")
left.plot(grid, np.exp(skewed.log_prob(grid)), color="tab:orange", label=f"affine, sinh-arcsinh: {loss:.3f} nats")
left.set(xlabel="x", ylabel="p(x)", ylim=(0, 0.42))
left.legend()
right.semilogy(np.maximum(np.array(path) - loss, 1e-16), color="tab:orange")
right.set(xlabel="Adam step", ylabel="loss above L-BFGS's, nats")
caption = """Left: an affine flow can only be a Gaussian; two more parameters give the skew. Right: Adam approaches
the optimum that L-BFGS found on the same loss."""
lesson.show(fig, "02b_maximum_likelihood", caption)

# %% [markdown]
# ## Watching it learn
#
# In the plane: points on a bent ridge, four layers. First the gradient, along one direction in θ against the complex
# step; then Adam on `flow.nll`. The same flow seen from both sides: its density comes to lie over the data, and the
# data's latents come to look like the base. Lesson 10 shows that these are one and the same number.


# %%
def bent(x):
    return np.stack([x[:, 0], 0.7 * x[:, 0] ** 2 - 1 + 0.3 * x[:, 1]], axis=1)


ridge, new = bent(rng.standard_normal((3000, 2))), bent(np.random.default_rng(0).standard_normal((20_000, 2)))
couplings = [nfedu.AdditiveCoupling(2, (32,), flip=flip, activation="tanh", rng=rng) for flip in (False, True, False)]
flow = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *couplings])
direction = rng.standard_normal(flow.theta.size)
flow.nll(ridge[:100])
exact, twin = direction @ flow.grad, flow.astype(complex)


def loss_at(theta):
    twin.theta = theta
    return -twin.log_prob(ridge[:100]).mean()


error = abs(complex_step(loss_at, flow.theta, direction) / exact - 1)
lesson.claim("N8", "θ-gradient by hand against the complex step", error, 1e-11, nfedu.Flow.nll)

# %%
stages, optimizer, reached = (0, 30, 100, lesson.pick(200, 800)), nfedu.Adam(0.01), {}
for step in range(stages[-1] + 1):
    loss = flow.nll(ridge)
    if step in stages:
        reached[step] = loss, copy.deepcopy(flow)
    optimizer.step(flow.theta, flow.grad)
best = 0.5 * np.log(2 * np.pi * np.e) * 2 + np.log(0.3)  # the entropy: x₁ is N(0, 1), x₂ given x₁ is N(·, 0.3²)
missed = -flow.log_prob(new).mean() - best
if lesson.length != "quick":
    lesson.claim("N8", "bent ridge: |loss on new points − entropy|, nats", abs(missed), 0.05, nfedu.Adam)

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 4, figsize=(10, 5.2))
for (above, below), (step, (loss, stage)) in zip(axes.T, reached.items(), strict=True):
    show_density(above, stage, (-3.5, -3), (3.5, 4), points=300, most=0.55, bar=step == stages[-1])
    above.scatter(*ridge[:300].T, s=1, color="tab:cyan", linewidths=0)
    above.set(title=f"step {step}: {loss:.3f} nats", xlim=(-3.5, 3.5), ylim=(-3, 4))
    samples_axes(below, stage.x_to_z(ridge)[0], -4, 4, "tab:blue", "z")
    for radius in (1, 2, 3):
        below.add_patch(plt.Circle((0, 0), radius, fill=False, color="0.5", linewidth=0.8))
caption = f"""Learning a bent ridge (points in cyan), whose entropy is {best:.3f} nats: no density can cost less on new
points, on the average; this one costs {missed:.3f} more on 20,000. Above, the flow's density after so many steps (one
scale of colours); below, the data's latents under the same flow, with circles of radius 1, 2 and 3: they become a
standard normal."""
lesson.show(fig, "02b_learning", caption)

# %% [markdown]
# ## What a determinant costs (三角 Jacobian)
#
# Two costs. To *form* a Jacobian from a layer's `backward` takes $n$ passes, one a row: pass $i$ gives the gradient of
# output $i$. Then a general determinant takes an LU factorisation, about $\frac23 n^3$ operations. Both for every data
# point and every step. If each layer's Jacobian is triangular, its determinant is the product of the diagonal:
#
# $$
# \frac{\partial x_i}{\partial z_j} = 0 \text{ for } j > i \quad\Rightarrow\quad
# \det \frac{\partial x}{\partial z} = \prod_{i=1}^n \frac{\partial x_i}{\partial z_i}
# $$ (N9)
#
# *Proof*, by induction over $n$. For $n = 1$ there is nothing to show. In the first row of a lower triangular matrix
# only $J_{11}$ is not 0, so the expansion along that row has one term: $\det J = J_{11} \det J'$, $J'$ being $J$
# without its first row and column. $J'$ is lower triangular of size $n - 1$, and the claim holds for it. (For an upper
# triangle expand along the first column. In blocks the same argument gives the product of the diagonal blocks'
# determinants.)
#
# That is $O(n)$, and nothing but the diagonal need be computed. **By hand:**
# $\det \begin{pmatrix} 2 & 0 & 0 \\ 5 & 3 & 0 \\ 7 & -1 & \frac12 \end{pmatrix} = 2 \cdot 3 \cdot \frac12 = 3$.
#
# We hold that, and the log-det of two of the library's triangular layers, against Leibniz's sum over all permutations,
# 120 products for $n = 5$, which knows no triangles; the Jacobians are numerical. Then we measure what each way costs.


# %%
def leibniz(J):
    """det J = Σ over permutations of sign · Π_i J[i, π(i)]."""
    total = 0.0
    for order in permutations(range(len(J))):
        swaps = sum(order[i] > order[j] for i in range(len(J)) for j in range(i + 1, len(J)))
        total += (-1) ** swaps * np.prod([J[i, j] for i, j in enumerate(order)])
    return total


error = abs(leibniz(np.array([[2, 0, 0], [5, 3, 0], [7, -1, 0.5]])) - 3)
lesson.claim("N9", "pencil: the 3×3 determinant is 3, by Leibniz's six products", error, 1e-14, leibniz)
z = rng.standard_normal((3, 5))
triangular = nfedu.AffineCoupling(5, (8,), rng=rng), nfedu.InverseAutoregressive(5, (8,), rng=rng)
for layer in triangular:
    for p in layer.parameters().values():
        p.value += 0.3 * rng.standard_normal(p.value.shape)
    _, log_det, _ = layer.z_to_x(z)
    dense = [np.log(abs(leibniz(J))) for J in layer_jacobians(layer, "z_to_x", z)[0]]
    statement = f"{type(layer).__name__}, n = 5: log-det from the diagonal = 120 products of a numerical Jacobian"
    lesson.claim("N9", statement, abs(log_det - dense).max(), 1e-10, type(layer))

# %%
sizes = 2 ** np.arange(3, lesson.pick(8, 10))
seconds = {"n passes and LU": [], "LU alone": [], "the layer, with its log-det": []}
for n in sizes:
    layer, one = nfedu.AffineCoupling(int(n), (64,), rng=rng), rng.standard_normal((1, n))

    def jacobian(layer=layer, one=one, n=n):
        _, _, backward = layer.z_to_x(np.repeat(one, n, axis=0))
        return backward(np.eye(n), np.zeros(n))

    J = jacobian()
    ways = lambda f=jacobian: slogdet(f()), lambda J=J: slogdet(J), lambda f=layer.z_to_x, z=one: f(z)
    for name, way in zip(seconds, ways, strict=True):
        seconds[name].append(np.median(repeat(way, number=1, repeat=9)))
for name, s in seconds.items():
    slope = np.polyfit(np.log(sizes[-3:]), np.log(s[-3:]), 1)[0]
    print(f"  {name}: {1e6 * s[-1]:.0f} µs at n = {sizes[-1]}, time ∝ n^{slope:.1f} at the end")
share = seconds["the layer, with its log-det"][-1] / seconds["n passes and LU"][-1]
lesson.claim("N9", f"n = {sizes[-1]}: time of the layer's own log-det / of n passes and LU", share, 0.2, jacobian)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5.6, 3.4))
for (name, s), colour in zip(seconds.items(), ("tab:red", "tab:orange", "tab:blue"), strict=True):
    ax.loglog(sizes, np.array(s) * 1e6, "o-", ms=4, color=colour, label=name)
ax.loglog(sizes, seconds["LU alone"][-1] * 1e6 * (sizes / sizes[-1]) ** 3.0, ":", color="0.5", label="slope 3")
ax.set(xlabel="dimension n", ylabel="one point's log-det, µs", xticks=sizes, xticklabels=sizes, ylim=(1, None))
ax.minorticks_off()
ax.legend()
caption = """One point, one affine coupling with 64 hidden units. Forming its Jacobian and factorising it costs ever
more, for every point, layer and step; the layer's own log-det comes with the map and stays near the overhead of a
call. (Measured on the machine that drew this.)"""
lesson.show(fig, "02b_determinant_cost", caption)

# %% [markdown]
# ## Or an approximation (或近似)
#
# The notes say "or approximately", and go on with triangles. The other way: layers $x = z + g(z)$ with $g$ a
# contraction, Jacobian $I + A$, $\|A\| < 1$. Then $\log\det(I + A) = \operatorname{tr} \log(I + A) = \sum_k
# \frac{(-1)^{k+1}}{k} \operatorname{tr} A^k$, and each trace is estimated without forming $A$: $\operatorname{tr} A^k =
# \mathbb{E}\,v^\top A^k v$ for random $v$ with $\mathbb{E}\,vv^\top = I$ (Hutchinson 1990), products that one backward
# pass each gives. Invertible residual networks and their unbiased relatives do this (Behrmann et al. 2019; Chen et al.
# 2019), continuous flows with one trace (Grathwohl et al. 2019). The price is noise in the loss. We try it once, and
# stay with exact ones.

# %%
A = rng.standard_normal((20, 20))
A *= 0.5 / np.linalg.norm(A, 2)
v = rng.choice([-1.0, 1.0], (4000, 20))
estimates, power = np.zeros(len(v)), v
for k in range(1, 40):
    power = power @ A.T
    estimates += (-1) ** (k + 1) / k * (v * power).sum(axis=1)
exact = slogdet(np.eye(20) + A)[1]
deviation = estimates.std() / np.sqrt(len(v))
print(f"  log det(I + A) = {exact:.4f}; 4000 estimates: {estimates.mean():.4f} ± {deviation:.4f}")
error = abs(estimates.mean() - exact) / deviation
lesson.claim("N9", "或近似: Hutchinson's series for log det(I + A), in standard errors", error, 4, "numpy slogdet")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5.6, 2.8))
ax.hist(estimates, bins=60, color="0.8", label="4000 estimates, one v each")
ax.axvline(estimates.mean(), color="tab:blue", linewidth=4, label="their mean")
ax.axvline(exact, color="tab:red", label="log det(I + A) by LU")
ax.set(xlabel="log det(I + A), nats", ylabel="estimates")
ax.legend()
caption = f"""The approximation: one random v gives the log-det right on the average (red on blue), with a standard
deviation of {estimates.std():.2f} nats (n = 20), which the loss of that point then has, too."""
lesson.show(fig, "02b_estimates", caption)

# %% [markdown]
# ## In five lines
#
# - Train by the exact mean of $-\log p$: one term pulls latents to the base's peak, the log-det resists.
# - For an affine flow the optimum is mean and standard deviation, at a Gaussian's entropy.
# - Never believe a gradient that no number has shown: the complex step agrees to all digits.
# - A general Jacobian costs $n$ passes to form and $n^3$ to factorise; a triangular one is its diagonal.
# - Hence the layers of all coming lessons: triangular, with a diagonal that is at hand.
#
# **Exercise.** Is $L$ above convex in $\log s$, and in $(\log s, t)$? Why does `Adam` survive a start at $s = 10^{-3}$?
# %%
lesson.end()
