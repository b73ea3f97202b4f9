# %% [markdown]
# # 03 · NICE: additive coupling
#
# *Notes: NICE — additive coupling layers; NICE 重缩放. Statements N10–N13, misprints M4, M5 and M10.*
# *Paper: Dinh, Krueger & Bengio 2014, "NICE: Non-linear Independent Components Estimation".*
#
# We want a map that is as rich as a neural network, is undone exactly, and has a triangular Jacobian. A network is none
# of these. The trick: never invert the network. Let it look at one part of the coordinates and move the other part.

# %%
import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.checks import check_bijection, density_on_grid, layer_jacobians, level_area
from nfedu.course.lesson import begin
from nfedu.plotting import samples_axes, show_density, show_images, show_jacobian, show_warp

lesson = begin("03 · NICE: additive coupling")
rng = np.random.default_rng(3)

# %% [markdown]
# ## There and back (NICE 正向, 反向)
#
# Split the coordinates at $d$. The first part passes; a network $m_\theta$ of it shifts the second:
#
# $$
# x_{1:d} = z_{1:d}, \qquad x_{d+1:n} = z_{d+1:n} + m_\theta(z_{1:d})
# $$ (N10)
#
# On the way back the first part is still there, so the same network gives the same shift, which we subtract:
#
# $$
# z_{1:d} = x_{1:d}, \qquad z_{d+1:n} = x_{d+1:n} - m_\theta(x_{1:d})
# $$ (N11)
#
# ```{literalinclude} ../nfedu/bijections/coupling.py
# :pyobject: AdditiveCoupling.z_to_x
# ```
#
# ## Its Jacobian (NICE Jacobian)
#
# $$
# \frac{\partial x}{\partial z} =
# \begin{pmatrix} I_d & 0 \\ \partial m_\theta/\partial z_{1:d} & I_{n-d} \end{pmatrix}, \qquad \det = 1
# $$ (N12)
#
# No network enters the determinant: whatever $m_\theta$ does, volume is preserved. In `backward`, the gradient that
# arrives at $x_{d+1:n}$ goes on to $z_{d+1:n}$ and, through the network, to $z_{1:d}$ and θ. On the way x→z it enters
# the network with a minus.

# %%
coupling = nfedu.AdditiveCoupling(8, hidden=(16, 16), activation="tanh", rng=rng)
for p in coupling.parameters().values():
    p.value += 0.5 * rng.standard_normal(p.value.shape)
z = rng.standard_normal((200, 8))
x, log_det, _ = coupling.z_to_x(z)
m, _ = coupling.net(z[:, :4])
by_hand = np.concatenate([z[:, :4], z[:, 4:] + m], axis=1)  # N10
lesson.claim("N10", "x = (z_a, z_b + m(z_a))", abs(x - by_hand).max(), 0, nfedu.AdditiveCoupling.z_to_x)
lesson.claim("N11", "x_to_z undoes it", abs(coupling.x_to_z(x)[0] - z).max(), 1e-12, nfedu.AdditiveCoupling.x_to_z)
J, _ = layer_jacobians(coupling, "z_to_x", z)
error = abs(log_det - np.linalg.slogdet(J)[1]).max()
lesson.claim("N12", "log|det| = 0 = slogdet of the dense Jacobian", error, 1e-10, nfedu.AdditiveCoupling)
off = np.nanmax(abs(J - coupling.jacobian_pattern()[0]))
lesson.claim("N12", "blocks I, 0 and I of the Jacobian, every point", off, 0, nfedu.AdditiveCoupling)
print(check_bijection(coupling, x[:6]).raise_if_failed().summary())

same = {"activation": "tanh", "rng": np.random.default_rng(5)}
pair = [nfedu.AdditiveCoupling(2, (16,), flip=flip, **same) for flip in (False, True)]
for layer in pair:
    layer.net.weights[-1].value *= 12  # fresh couplings are nearly the identity: make it visible
fig, axes = plt.subplots(1, 5, figsize=(13, 3.2))
titles = ["before: x = z", "one coupling: x₂ moves", "then flipped: x₁ moves"]
for m, (ax, title) in enumerate(zip(axes, titles, strict=False)):
    chain = nfedu.Chain([nfedu.Shift(2), *pair[:m]])
    show_warp(ax, lambda v, chain=chain: chain.z_to_x(v)[0])
    ax.set(title=title, xlim=(-4, 4), ylim=(-4, 4))
three = [coupling, *(nfedu.AdditiveCoupling(8, (16, 16), flip=flip, rng=rng) for flip in (True, False))]
for layer in three[1:]:
    layer.net.weights[-1].value *= 8
for ax, layer, title in (
    (axes[3], coupling, "∂x/∂z, one coupling"),
    (axes[4], nfedu.Chain(three), "three, flipped in turn"),
):
    show_jacobian(ax, layer_jacobians(layer, "z_to_x", z[:1])[0][0])
    ax.set_title(title)
caption = """A coupling slides each vertical line along itself: cells change their shape, never their area. Right: the
identity blocks and exact zeros (grey) of N12. Three couplings, flipped in turn, let every output depend on every
input; det is still 1."""
lesson.show(fig, "03_shear", caption)

# %% [markdown]
# ### Errata
#
# **M4.** The notes ask for $1 < d < n$. It must be $1 \le d < n$: with the printed range nothing is left for $n = 2$.
#
# **M5.** The lower left block is printed as a quotient, $\partial m_\theta(z_{1:d})/z_{1:d}$. It is the Jacobian
# $\partial m_\theta/\partial z_{1:d}$.

# %%
plane = nfedu.AdditiveCoupling(2, (16,), d=1, activation="tanh", rng=rng)
plane.net.weights[-1].value *= 10
z2 = rng.uniform(0.5, 2, (200, 2))
error = abs(plane.x_to_z(plane.z_to_x(z2)[0])[0] - z2).max()
left_out = 1 - len([d for d in range(1, 2) if 1 < d < 2])
statement = "n = 2, d = 1 works: round trip; printed range 1 < d < 2: share of the splits it misses"
lesson.claim("M4", statement, error, 1e-12, nfedu.AdditiveCoupling, left_out)
block = layer_jacobians(plane, "z_to_x", z2)[0][:, 1, 0]
m, net_backward = plane.net(z2[:, :1])
error = abs(net_backward(np.ones_like(m))[:, 0] - block).max()
quotient = abs(m[:, 0] / z2[:, 0] - block).max()
lesson.claim("M5", "the block is ∂m/∂z, by backward; printed: m/z", error, 1e-11, nfedu.MLP, quotient)

# %% [markdown]
# ## Rescaling (NICE 重缩放)
#
# A chain of couplings has determinant 1: it moves mass about but never compresses it. So NICE adds one diagonal layer:
#
# $$
# x_i = s_i z_i, \qquad z_i = x_i / s_i, \qquad \left|\det \frac{\partial x}{\partial z}\right| = \prod_i |s_i|
# $$ (N13)
#
# and $\log p_X$ loses $\sum_i \log|s_i|$. **Trap:** the paper scales on the way x→z, the notes on the way z→x. The sign
# of $\sum \log s$ differs, and both are right about their own $s$.
#
# **M10.** The notes write $\det J = \prod s_i$ with neither modulus nor condition. One negative $s_i$ and the printed
# density is negative; $s_i = 0$ cannot be undone, and `Rescale` refuses it.

# %%
s = np.array([1.5, -0.5])
rescaled, points = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Rescale(2, s)), rng.standard_normal((100, 2))
expected = rescaled.base.log_prob(points / s) - np.log(abs(s)).sum()  # N13
lesson.claim("N13", "log p loses Σ log|s|", abs(rescaled.log_prob(points) - expected).max(), 1e-12, nfedu.Rescale)
corrected = density_on_grid(rescaled, [-12, -4], [12, 4]).integral
printed = corrected * np.sign(1 / s.prod())  # without the modulus the factor 1/∏s is negative
lesson.claim("M10", "|∫p − 1| with |∏ s|, s = (1.5, −0.5)", abs(corrected - 1), 1e-3, nfedu.Rescale, abs(printed - 1))
refused = np.inf
try:
    nfedu.Rescale(2, [1.0, 0.0])
except ValueError as error:
    refused = 0.0
    print(f"  refused, as it should be: {error}")
lesson.claim("M10", "s_i = 0 is refused", refused, 0, nfedu.Rescale)


# %% [markdown]
# ## What preserving volume cannot do
#
# Under a map with $|\det| = 1$ the density is carried along unchanged: $p_X(x) = p_Z(h(x))$. Its peak stays $1/(2\pi)$
# in the plane, and the area where it exceeds any level stays too. How good can such a model $q$ of a density $p$ be?
# Put its dense places where the data are dense: sort the plane by $p$ and match areas with the discs of the Gaussian.
# With $A(x)$ the area where $p$ exceeds $p(x)$, and one overall scale $S = |s_1 s_2|$, the best mean loss is $\log 2\pi
# S + \mathbb{E}[A]/2\pi S$; the best $S$ is $\mathbb{E}[A]/2\pi$, and
#
# $$
# -\mathbb{E} \log q \;\ge\; \log 2\pi + \frac{\mathbb{E}_p[A]}{2\pi} \;\; (S = 1),
# \qquad -\mathbb{E} \log q \;\ge\; 1 + \log \mathbb{E}_p[A] \;\; (\text{with rescaling}).
# $$
#
# No other matching of areas does better (the rearrangement inequality), and continuous maps come as near to this one as
# we like. Eight equal Gaussians fill areas just as one Gaussian of their total area does: with rescaling, the bound is
# their entropy, and what NICE stays above it is what the network has not learned. The conditioners are tanh networks:
# bounded shifts cannot throw points far out, as ReLU's linear tails do.


# %%
def nice_2d(rng, couplings, rescale=True):
    options = {"hidden": (64, 64), "activation": "tanh", "rng": rng}
    layers = [nfedu.AdditiveCoupling(2, flip=bool(m % 2), **options) for m in range(couplings)]
    return nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2)] * rescale + layers).astype(np.float32)


def train(flow, x, epochs):
    options = {"batch_size": 500, "optimizer": nfedu.Adam(4e-3), "anneal": True, "average": 0.99}
    history = nfedu.fit(flow, x, rng=rng, epochs=epochs, **options)
    print(f"  {history.steps} steps in {history.seconds:.1f} s")
    return flow


target = datasets.eight_gaussians_density()
grid = density_on_grid(target, -4, 4, 1000)
A = level_area(grid.density, (8 / 1000) ** 2)
bounds = {"additive couplings": np.log(2 * np.pi) + A / (2 * np.pi), "and rescaling": 1 + np.log(A)}
held_out = target.sample(20_000, rng)
fig, axes = plt.subplots(1, 4, figsize=(12.5, 3.4))
show_density(axes[0], target)
axes[0].set_title(f"target, entropy {-target.log_prob(held_out).mean():.3f} nats")
for ax, (name, bound) in zip(axes[1:], bounds.items(), strict=False):
    flow = nice_2d(rng, 8, rescale="rescaling" in name)
    train(flow, target.sample(20_000, rng), lesson.pick(3, 20))
    loss = -flow.log_prob(held_out).mean()
    grid = show_density(ax, flow, -6, 6, lesson.pick(600, 800))
    ax.set(title=f"{name}: {loss:.3f}, bound {bound:.3f}", xlim=(-3, 3), ylim=(-3, 3))
    below = np.maximum(0, bound - loss)
    lesson.claim("N12", f"{name}: max(0, bound − loss of NICE)", below, 0.02, level_area)
    lesson.claim("N6", f"|∫p − 1|, {name}", abs(grid.integral - 1), 1e-3, nfedu.Flow.log_prob)
    if name == "additive couplings":
        error = abs(grid.density.max() * 2 * np.pi - 1)
        lesson.claim("N12", "volume preserved: the peak stays 1/(2π)", error, 1e-3, nfedu.AdditiveCoupling)
    axes[3].plot(np.sort(np.exp(flow.log_prob(held_out)))[::-1], label=name)
axes[3].plot(np.sort(np.exp(target.log_prob(held_out)))[::-1], color="0.3", label="target")
axes[3].axhline(1 / (2 * np.pi), color="0.6", linestyle=":", label="1/(2π)")
axes[3].set(xlabel="held-out points, sorted", ylabel="density there")
axes[3].legend()
caption = """Additive couplings alone keep the Gaussian's peak of 1/(2π) and cannot be dense enough; one scale per
coordinate lifts the cap (right). In both, modes are joined by bridges, since a continuous map cannot tear the plane,
and smeared by what was not learned."""
lesson.show(fig, "03_volume", caption)

# %% [markdown]
# ## Two moons, and a portrait
#
# Any picture is a density: `PictureDensity` samples points by the brightness of a photograph, and knows their exact
# density. The bound of the last section can be computed for it too.

# %%
moons = train(nice_2d(rng, 8), datasets.two_moons(20_000, rng), lesson.pick(10, 25))
picture = datasets.PictureDensity(datasets.portrait(), bright=True, contrast=1.5)
face = train(nice_2d(rng, 16), picture.sample(lesson.pick(20_000, 50_000, 200_000), rng), lesson.pick(2, 15, 40))
test_points = picture.sample(20_000, rng)
loss, bound = -face.log_prob(test_points).mean(), 1 + np.log(level_area(picture.mass, picture.pixel**2))
print(f"  portrait: loss {loss:.3f} nats, bound for NICE {bound:.3f}, entropy {picture.entropy():.3f}")

fig, axes = plt.subplots(2, 3, figsize=(10.5, 6.4))
samples_axes(axes[0, 0], datasets.two_moons(4000, rng), (-3, -2), (3, 2))
samples_axes(axes[0, 1], moons.sample(4000, rng), (-3, -2), (3, 2), "tab:orange")
integral = show_density(axes[0, 2], moons, -6, 6, lesson.pick(600, 800)).integral
axes[0, 2].set(xlim=(-3, 3), ylim=(-2, 2))
lesson.claim("N6", "|∫p − 1|, NICE on two moons", abs(integral - 1), 1e-3, nfedu.Flow.log_prob)
show_density(axes[1, 0], picture, picture.low, -picture.low, points=picture.mass.T.shape)  # cell by cell a pixel
axes[1, 0].set(xlim=(-1.8, 1.8), ylim=(-2.1, 2.1))
samples_axes(axes[1, 1], face.sample(20_000, rng), (-1.8, -2.1), (1.8, 2.1), "tab:orange")
integral = show_density(axes[1, 2], face, -6, 6, lesson.pick(600, 800)).integral
axes[1, 2].set(xlim=(-1.8, 1.8), ylim=(-2.1, 2.1))
lesson.claim("N6", "|∫p − 1|, NICE on the portrait", abs(integral - 1), 1e-3, nfedu.Flow.log_prob)
titles = ["two moons, data", "NICE, samples", "NICE, density", "portrait, density of the data", "NICE, samples"]
for ax, title in zip(axes.flat, [*titles, f"NICE: {loss:.2f} nats, entropy {picture.entropy():.2f}"], strict=True):
    ax.set_title(title)
caption = """Couplings and one rescaling learn the moons up to a thin bridge. Of the portrait (Grace Hopper, US Navy
photograph) they catch the bright regions, not the edges: a sharp edge costs a sharp bend of the map."""
lesson.show(fig, "03_moons_and_portrait", caption)

# %% [markdown]
# ## Handwritten digits
#
# 1,797 images of 8×8 pixels with 17 levels $k$. Noise fills each level's bin, $x = (k+u)/17$; `Logit` takes $[0, 1]$ to
# the line; a fixed permutation puts even pixels before odd ones, so that each half is a coarse copy of the whole image;
# then couplings with roles exchanged, rescaling, and a logistic base, as in the paper. Bits per pixel count every one
# of these changes of variables, $-\log_2 p(x)/64 + \log_2 17$; averaged over the noise they bound the bits of the
# counts from above (Jensen). ± is the standard error over the images.
#
# With 1,257 images to learn from the enemy is not the likelihood but memory. Four things help, all chosen on the 180
# validation images: fresh noise for every batch, softplus instead of ReLU, weight decay, and a running mean of θ.

# %%
split = datasets.digits()
even_odd = np.r_[0:64:2, 1:64:2]
layers = [nfedu.AdditiveCoupling(64, (128, 128), flip=bool(m % 2), activation="softplus", rng=rng) for m in range(8)]
nice = nfedu.Flow(
    nfedu.StandardLogistic(64),
    [nfedu.Rescale(64), *layers, nfedu.Inverse(nfedu.Permute(even_odd)), nfedu.Logit(64, margin=0.05)],
).astype(np.float32)
validation = np.concatenate([datasets.dequantise(split.validation.images, rng) for _ in range(5)])
history = nfedu.fit(
    nice, split.train.images, validation=validation, transform=datasets.dequantise, rng=rng, optimizer=nfedu.Adam(4e-3),
    epochs=lesson.pick(15, 220, 800), patience=100, anneal=True, weight_decay=0.5, average=0.99,
)  # fmt: skip
print(f"  {history.steps} steps in {history.seconds:.1f} s, best epoch {history.best_epoch}, {nice.theta.size} weights")
reached = {}
for name in split._fields:
    bits, error = datasets.bits_per_pixel(nice, getattr(split, name).images, np.random.default_rng(0))
    reached[name] = f"{bits:.3f} ± {error:.3f}"
    print(f"  {name:<10} {reached[name]} bits per pixel")
row = {"test": f"{reached['test']} bits per pixel", "weights": f"{nice.theta.size}"}
lesson.record(f"NICE, {len(layers)} couplings", **row, training=f"{history.seconds:.0f} s")
if lesson.length != "quick":
    lesson.claim("N8", "NICE on the digits, test bits per pixel", bits, 2.36, nfedu.fit)

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.8), width_ratios=[1.2, 1, 1])
to_bits = lambda nats: np.array(nats) / (64 * np.log(2)) + np.log2(17)  # noqa: E731
left.plot(to_bits(history.train), color="0.6", label="training, last θ")
left.plot(to_bits(history.validation), color="tab:blue", label="validation, mean θ")
left.axvline(history.best_epoch, color="tab:blue", linestyle=":", label="kept")
left.set(xlabel="epoch", ylabel="bits per pixel", ylim=(1.9, 3), title=f"test: {reached['test']} bits per pixel")
left.legend()
show_images(middle, split.train.images[:64] / 16, 8)
middle.set_title("data")
show_images(right, nice.sample(64, rng), 8)
right.set_title("NICE, samples as drawn")
caption = f"""Left: losses while learning. At the θ kept, training images cost {reached["train"]} bits and validation
images {reached["validation"]}: the difference is overfitting. Right: samples have the strokes of digits, not always a
digit."""
lesson.show(fig, "03_digits", caption)

# %% [markdown]
# **Exercise.** Give the digits model to `checks.check_bijection` in float64 (rungs 1 to 5). Then leave `Rescale` out
# and train again: how many bits does N13 buy? Which $s_i$ are smallest, and which latents do they switch off? And with
# ReLU and `weight_decay=0`: how far apart do training and validation end?
