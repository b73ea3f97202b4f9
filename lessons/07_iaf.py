# %% [markdown]
# # 07 · IAF: inverse autoregressive flow
#
# *Notes: IAF; the figure of both. Statements N19 and N20, misprint M9.*
# *Papers: Kingma et al. 2016 (IAF); Papamakarios et al. 2017 (MAF and IAF).*
#
# MAF scores x in one pass and makes x step by step. Exchange the roles of z and x, and so are the costs.

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import check_bijection, complex_step, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.models import autoregressive
from nfedu.networks import MADE, counting
from nfedu.plotting import samples_axes, show_density, show_dependencies, show_jacobian

lesson = begin("07 · IAF: inverse autoregressive flow")
rng = np.random.default_rng(7)

# %% [markdown]
# ## The map (IAF)
#
# $$
# x_i = \exp(\alpha_i(z_{<i}))\, z_i + \mu_i(z_{<i}), \qquad \log\left|\det \frac{\partial x}{\partial z}\right| =
# \sum_i \alpha_i(z_{<i})
# $$ (N19)
#
# The scales and shifts of $x_i$ look at the *latents* before it. All of z is there at once, so x is made in one
# parallel pass. Given x instead, $z_1$ must be solved for before $\alpha_2(z_1), \mu_2(z_1)$ are known, and so on: the
# density of a given x is the slow direction now. Of its *own* samples the density is free: z is known.
#
# **M9.** The notes write $\mu_i(z_{\le i}), \alpha_i(z_{\le i})$; it must be $z_{<i}$. Otherwise $z_i$ stands inside
# and outside of the networks, and the diagonal of the Jacobian is not $e^{\alpha_i}$.

# %%
layer = nfedu.InverseAutoregressive(6, (24, 24), activation="tanh", rng=rng)
for p in layer.parameters().values():
    p.value += 0.3 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((50, 6))
x, log_det, _ = layer.z_to_x(z)
maf = layer.maf  # whose roles are exchanged
m, a = maf.net(z)[0][:, :, 0], maf.log_scale(maf.net(z)[0][:, :, 1])[0]
alpha, mu = -a, -m * np.exp(-a)
by_hand = np.stack([np.exp(alpha[:, i]) * z[:, i] + mu[:, i] for i in range(6)], axis=1)  # N19
lesson.claim("N19", "x = e^α(z) z + μ(z)", abs(x - by_hand).max(), 1e-13, nfedu.InverseAutoregressive)
lesson.claim("N19", "log-det = Σ α", abs(log_det - alpha.sum(axis=1)).max(), 1e-13, nfedu.InverseAutoregressive)
J, _ = layer_jacobians(layer, "z_to_x", z)
lesson.claim("N19", "Σ α = slogdet of the dense ∂x/∂z", abs(log_det - np.linalg.slogdet(J)[1]).max(), 1e-10, MADE)
lesson.claim("N19", "x_to_z, step by step, undoes it", abs(layer.x_to_z(x)[0] - z).max(), 1e-12,
             nfedu.InverseAutoregressive.x_to_z)  # fmt: skip
print(check_bijection(layer, x[:5]).raise_if_failed().summary())


class PrintedMADE(MADE):
    def mask(self, layer):
        return (self.degrees[layer][:, None] <= self.degrees[layer + 1]).astype(float)  # ≤ where the outputs need <


printed = nfedu.InverseAutoregressive(6, (24, 24), activation="tanh", rng=rng)
printed.maf.net = PrintedMADE(6, (24, 24), 2, "tanh", output_scale=1.0, rng=rng)
off = abs(printed.z_to_x(z)[1] - np.linalg.slogdet(layer_jacobians(printed, "z_to_x", z)[0])[1]).max()
error = abs(log_det - np.linalg.slogdet(J)[1]).max()
lesson.claim("M9", "log-det with μ_i(z_{<i}); printed: μ_i(z_{≤i})", error, 1e-10, MADE, off)

# %% [markdown]
# ## Two names for one computation (the notes' figure, N20)
#
# Put MAF's inverse pass, $z_i = (x_i - \mu_i(x_{<i})) e^{-\alpha_i(x_{<i})}$, beside IAF's forward pass: the same
# computation, with z and x exchanged. In nfedu an IAF *is* a MAF with its directions exchanged, so the same weights
# give the same numbers. With $m, a$ the network's answers, IAF's $\alpha$ is $-a$ and its $\mu$ is $-m e^{-a}$.
#
# ```{literalinclude} ../nfedu/bijections/autoregressive.py
# :pyobject: InverseAutoregressive
# ```

# %%
u = rng.standard_normal((100, 4))
twins = []
for kind in (nfedu.MaskedAutoregressive, nfedu.InverseAutoregressive):
    twins.append(kind(4, (16,), activation="tanh", rng=np.random.default_rng(1)))
    for p in twins[-1].parameters().values():
        p.value += 0.5 * np.random.default_rng(2).standard_normal(p.value.shape)
left, right = twins[0].x_to_z(u), twins[1].z_to_x(u)
same = max(abs(left[0] - right[0]).max(), abs(left[1] - right[1]).max())
lesson.claim("N20", "MAF's x→z at u = IAF's z→x at u, output and log-det", same, 0, nfedu.InverseAutoregressive)
step_by_step = np.zeros_like(u)
for i in range(4):  # by hand: the network looks at what is there already
    out = twins[0].net(step_by_step)[0]
    step_by_step[:, i] = u[:, i] * np.exp(twins[0].log_scale(out[:, :, 1])[0][:, i]) + out[:, i, 0]
slow = max(abs(way(u)[0] - step_by_step).max() for way in (twins[0].z_to_x, twins[1].x_to_z))
lesson.claim("N20", "MAF's z→x and IAF's x→z at u = one loop by hand", slow, 1e-13, nfedu.InverseAutoregressive)

fig, axes = plt.subplots(1, 4, figsize=(12.5, 3.6), width_ratios=[1, 1, 0.8, 0.8])
J_left, J_right = (layer_jacobians(twin, way, u)[0] for twin, way in zip(twins, ("x_to_z", "z_to_x"), strict=True))
for ax, J, inputs, outputs, title in (
    (axes[0], J_left, "x", "z", "inverse pass of MAF"),
    (axes[1], J_right, "z", "x", "forward pass of IAF"),
):
    show_dependencies(ax, abs(J[0]), inputs, outputs)
    ax.set_title(title)
for ax, J, inputs, outputs in ((axes[2], J_left, "x", "z"), (axes[3], J_right, "z", "x")):
    show_jacobian(ax, J[0], outputs, inputs)
    ax.set_title(f"∂{outputs}/∂{inputs}")
caption = """The notes' figure, drawn from the Jacobians of two layers with the same weights, at one point: an arrow
where the output depends on the input, as wide as |∂output/∂input| is large; orange: what is scaled and shifted. No
arrow leads from a later input to an earlier output: grey, exactly 0. Red is positive, blue negative."""
lesson.show(fig, "07_duality", caption)

# %% [markdown]
# ## What each direction costs, counted
#
# Multiply-adds of each direction, in units of one pass through a dense (unmasked) network of the same widths.

# %%
n, N, ways = lesson.pick(16, 64), 100, ("z_to_x", "x_to_z")
print(f"  n = {n}: multiply-adds / a dense pass    z→x naive  cached    x→z naive  cached")
for kind in (nfedu.MaskedAutoregressive, nfedu.InverseAutoregressive):
    cost = {}
    for method in ("naive", "cached"):
        wide = kind(n, (256, 256), method=method, rng=rng)
        weights = sum(p.value.size for p in wide.parameters().values() if p.value.ndim == 2)
        for way in ways:
            with counting() as count:
                getattr(wide, way)(rng.standard_normal((N, n)))
            cost[way, method] = count.multiply_adds / (N * weights)
    naive_cached = [f"{cost[way, 'naive']:12.2f} {cost[way, 'cached']:7.2f}" for way in ways]
    print(f"  {kind.__name__:<37}{'  '.join(naive_cached)}")
    slow, fast = ways if kind is nfedu.MaskedAutoregressive else ways[::-1]
    passes = cost[slow, "naive"] / cost[fast, "naive"]
    statement = f"{kind.__name__}: naive passes in the slow direction / n, less 1"
    lesson.claim("N20", statement, abs(passes / n - 1), 1e-12, counting)

# %% [markdown]
# ## Learning through the slow direction
#
# Maximum likelihood needs the density of *given* x, which for an IAF is the slow way: rarely done, since the obvious
# implementation costs $n$ passes and their memory. But the solution of a triangular system has a triangular system for
# a derivative: backward goes from the last coordinate to the first, each unit once, for half a dense pass, and the
# weights' gradients cost no more than they always do.
#
# ```{literalinclude} ../nfedu/networks/incremental.py
# :pyobject: propagate_back
# ```

# %%
deep = nfedu.Flow(
    nfedu.StandardNormal(5), autoregressive(nfedu.InverseAutoregressive, 5, 3, (16,), activation="tanh", rng=rng)
)
deep.theta += 0.2 * rng.standard_normal(deep.theta.size)
x, v = deep.sample(40, rng), rng.standard_normal(deep.theta.size)
deep.nll(x)
twin = deep.astype(complex)


def loss(theta):
    twin.theta[:] = theta
    return -twin.log_prob(x).mean()


expected = complex_step(loss, deep.theta, v)
error = abs(v @ deep.grad - expected) / abs(expected)
lesson.claim("N8", "θ-gradient of an IAF's likelihood, three layers, against the complex step", error, 1e-11,
             nfedu.Flow.nll)  # fmt: skip

layers = autoregressive(nfedu.InverseAutoregressive, 2, 6, (64, 64), activation="tanh", rng=rng)
iaf = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *layers]).astype(np.float32)
options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True, "average": 0.99}
history = nfedu.fit(iaf, datasets.two_moons(20_000, rng), rng=rng, epochs=lesson.pick(3, 20), **options)
print(f"  {history.steps} steps in {history.seconds:.1f} s, {history.train[-1]:.3f} nats")
fig, axes = plt.subplots(1, 3, figsize=(10.5, 2.9))
samples_axes(axes[0], datasets.two_moons(4000, rng), (-3, -2), (3, 2))
samples_axes(axes[1], iaf.sample(4000, rng), (-3, -2), (3, 2), "tab:orange")
integral = show_density(axes[2], iaf, -6, 6, lesson.pick(600, 800)).integral
axes[2].set(xlim=(-3, 3), ylim=(-2, 2))
lesson.claim("N6", "|∫p − 1|, IAF on two moons", abs(integral - 1), 1e-3, nfedu.Flow.log_prob)
for ax, title in zip(axes, ("two moons", "IAF, samples", "IAF, density"), strict=True):
    ax.set_title(title)
caption = """An IAF trained by maximum likelihood, through its slow direction, and its density by the same direction."""
lesson.show(fig, "07_two_moons", caption)
lesson.end()

# %% [markdown]
# **Exercise.** With the order reversed between layers, is a stack of two IAF layers still triangular? Look at its
# Jacobian. Then compare the time of `nll` for a MAF and an IAF of n = 64: which factor do you expect from the counts?
