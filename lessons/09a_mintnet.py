# %% [markdown]
# # 09a · MintNet: masked convolutions
#
# *Notes: MintNet. Statement N23.*
# *Paper: Song, Meng & Ermon 2019, "MintNet: Building Invertible Neural Networks with Masked Convolutions".*
#
# **What the notes say (MintNet).** One sentence: it is a way to make convolutions invertible, so that they can serve in
# a flow. How, they leave open. Until here a layer kept some coordinates as they were (NICE, RealNVP), or looked at them
# one after the other (MAF, IAF). Here a whole residual network of convolutions *is* the bijection.
#
# **What you need.** A triangular matrix has the product of its diagonal for a determinant
# ([02b](02b_learning_flows.py), N9); the chain rule for matrices. [09b](09b_mintnet_inverse.py) finds the inverse, and
# learns digits.

# %%
from copy import deepcopy

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets
from nfedu.bijections.mint.network import triangle
from nfedu.checks import check_bijection, layer_jacobians
from nfedu.course.lesson import begin
from nfedu.plotting import show_density, show_jacobian, show_taps, show_warp

lesson = begin("09a · MintNet: masked convolutions")
rng = np.random.default_rng(9)
log2, log3 = np.log(2), np.log(3)

# %% [markdown]
# ## What is wrong with a plain convolution?
#
# By itself, little. If an image of one channel is closed to a ring in both directions, a shifted wave is the same wave
# times a number: waves are the eigenvectors of every such convolution, and the eigenvalues are the kernel's Fourier
# transform $\hat K$. So $\log|\det| = \sum_k \log|\hat K_k|$, in $O(n \log n)$. It is invertible where no $\hat K_k$ is
# 0: the mean of two neighbours is not, since it sends $(1, -1, 1, -1, \dots)$ to 0. But a network has $h'(a)$ between
# its convolutions, which is another diagonal for every $x$, and a sum around them: $t + W^3 D_2 W^2 D_1 W^1$ is
# diagonal in no basis that is known beforehand. Its determinant takes $O(n^3)$ at each point, and nothing says that it
# is not 0.

# %%
K = rng.standard_normal((3, 3))
waves = np.fft.fft2(K, (8, 8))
shift = [(dy, dx) for dy in range(3) for dx in range(3)]
columns = [sum(K[s] * np.roll(e.reshape(8, 8), s, (0, 1)) for s in shift).ravel() for e in np.eye(64)]
off = abs(np.log(abs(waves)).sum() - np.linalg.slogdet(np.array(columns).T)[1])
lesson.claim("N23", "a circular convolution, 8×8: Σ log|K̂| = slogdet of its matrix", off, 1e-11, "numpy fft")

# %% [markdown]
# ## The layer (MintNet)
#
# $$
# z = t \odot x + \sum_{i=1}^K W^3_i\, h\Bigl(\sum_{j=1}^K W^2_{ij}\, h(W^1_j x + b^1_j) + b^2_i\Bigr) + b^3,
# \qquad t > 0
# $$ (N23)
#
# with $h = \tanh$. $i$ and $j$ number the $K$ filters; each $W$ is a 3×3 convolution from all channels of an image to
# as many, hence a matrix $(W)_{pq}$, where $p, q$ number *coordinates*: channel by channel, row by row. All are masked:
# $(W)_{pq} = 0$ where $q$ comes after $p$. A pixel sees the channels before its own, and of its own the raster past and
# itself. By the chain rule
#
# $$
# \frac{\partial z_p}{\partial x_r} = t_p\,[p = r] + \sum_{ij} \sum_{q,s} (W^3_i)_{pq}\, h'(a^2_{iq})\,
# (W^2_{ij})_{qs}\, h'(a^1_{js})\, (W^1_j)_{sr}
# $$
#
# A term needs $p \ge q \ge s \ge r$. For $r > p$ there is none: the Jacobian is triangular. For $r = p$ there is one
# path, $q = s = p$: through the centre taps $w$ of p's channel, from that channel to itself. So
#
# $$
# \frac{\partial z_p}{\partial x_p} = t_p + \sum_{ij} w^3_i\, h'(a^2_{ip})\, w^2_{ij}\, h'(a^1_{jp})\, w^1_j
# $$
#
# may have any sign. Therefore $w^2_{ij}$ is *used* as $\mathrm{sign}(w^3_i)\,\mathrm{sign}(w^1_j)\,|w^2_{ij}|$. Then
# every term is $|w^3_i|\,h'\,|w^2_{ij}|\,h'\,|w^1_j| \ge 0$, since $h' > 0$: the diagonal is at least $t > 0$, whatever
# is learned, and the log-det, $\sum_p \log$ of it, is known after one pass. A *unit* is two layers, the second with the
# order of all coordinates reversed, so that everybody sees everybody.
#
# ```{literalinclude} ../nfedu/bijections/mint/network.py
# :pyobject: MintNetwork.convolve
# ```
#
# ```{literalinclude} ../nfedu/bijections/mint/network.py
# :pyobject: MintNetwork.multiply_slopes
# ```
#
# **By hand.** One pixel, one filter, $t = 1$, no biases, $x = \log 2$, $w^1 = 1$: $h = 3/5$, $h' = 16/25$ (00a). Stored
# $w^2 = -\frac53 \log 3$, $w^3 = 2$: used is $+\frac53 \log 3$, so $a^2 = \log 3$, $h = 4/5$, $h' = 9/25$. Then $z =
# \log 2 + 8/5$, and the diagonal is $1 + 2 \cdot \frac{9}{25} \cdot \frac53 \log 3 \cdot \frac{16}{25}$, that is $1 +
# 0.768 \log 3 \approx 1.8437$; with the sign as stored it would be $0.1563$, and for twice the $w^3$ it would be
# negative.

# %%
pixel = nfedu.MintLayer((1, 1, 1), filters=1, rng=rng)
w1, w2, w3 = (kernel.value[1, 1] for kernel in pixel.network.kernels)
w1[...], w2[...], w3[...] = 1, -5 / 3 * log3, 2
z, log_det, _ = pixel.x_to_z(np.array([[log2]]))
error = abs(np.array([z.item() - log2 - 1.6, np.exp(log_det.item()) - 1 - 0.768 * log3])).max()
lesson.claim("N23", "pencil: z = log 2 + 8/5, diagonal 1 + 0.768 log 3", error, 1e-14, nfedu.MintLayer.x_to_z)

# %% [markdown]
# Two channels of 3×3 pixels. Do the signs hold the diagonal above t, with weights so large that without them the layer
# would fold?

# %%
wild = np.random.default_rng(90)
bold = nfedu.MintLayer((2, 3, 3), filters=3, rng=wild)
for p in bold.parameters().values():
    p.value += 2 * wild.standard_normal(p.value.shape)
J, _ = layer_jacobians(bold, "x_to_z", rng.standard_normal((40, 18)))
below = np.exp(bold.network.log_t.value) - np.diagonal(J, axis1=1, axis2=2)
lesson.claim("N23", "large weights: the largest t − diagonal", below.max(), 1e-12, bold)

# %% [markdown]
# Is the Jacobian triangular, is its log-det what the diagonal says, and does the inverse
# ([09b](09b_mintnet_inverse.py)) come back?

# %%
layer = nfedu.MintLayer((2, 3, 3), filters=3, rng=rng)
unit = nfedu.MintUnit((2, 3, 3), filters=3, rng=rng)
for p in (*layer.parameters().values(), *unit.parameters().values()):
    p.value += 0.3 * rng.standard_normal(p.value.shape)
x = rng.standard_normal((40, 18))
z, log_det, _ = layer.x_to_z(x)
J, _ = layer_jacobians(layer, "x_to_z", x)
above = abs(J[:, ~np.tri(18, dtype=bool)]).max()
lesson.claim("N23", "largest entry of ∂z/∂x above the diagonal", above, 0, nfedu.MintLayer)
error = abs(log_det - np.linalg.slogdet(J)[1]).max()
lesson.claim("N23", "Σ log diag = slogdet of the dense Jacobian", error, 1e-10, nfedu.MintLayer.x_to_z)
back = abs(layer.z_to_x(z)[0] - x).max()
lesson.claim("N23", "z_to_x undoes it", back, 1e-12, nfedu.MintLayer.z_to_x)

# %% [markdown]
# **The price: jumps in θ.** Where $w^1_j$ crosses 0, the used $w^2_{ij}$ changes sign, but $h(a^1_j)$ need not be 0
# there: it has a bias and other taps. So $z$ *jumps*. By hand: one pixel, $w^1 \to \pm 0$, $b^1 = \log 2$, $|w^2| = 1$,
# $w^3 = 2$: $a^2 = \pm \frac35$, and $z$ goes from $-2\tanh\frac35$ to $2\tanh\frac35$, a jump of $2.1482$. On either
# side the gradient is that side's, and right; it does not see the step, and descent may land on a higher side.

# %%
w2[...], pixel.network.biases[0].value[...] = 1, log2
taps, heights = np.linspace(-1, 1, 400), []
for w1[...] in taps:
    heights.append(pixel.x_to_z(np.array([[-0.5], [0.0], [0.5]]))[0][:, 0])
jump = []
for w1[...] in (-1e-12, 1e-12):
    jump.append(pixel.x_to_z(np.zeros((1, 1)))[0].item())
lesson.claim(
    "N23", "pencil: at w¹ = 0 z jumps by 2.1482", abs(jump[1] - jump[0] - 2.1482), 5e-5, pixel.network.effective
)

# %% [markdown]
# Away from the jumps all is as it should be; the checker, on the layer of two channels:

# %%
print(check_bijection(layer, x[:4]).raise_if_failed().summary())

# %% tags=["hide-input"]
A = triangle(3, 1, 1)[:, :, :, 1].transpose(2, 0, 1)  # what the second of three channels sees of each, (3, 3, 3)
fig, axes = plt.subplots(2, 2, figsize=(9, 6.6), width_ratios=[1, 1.15])
axes = axes.ravel()[[0, 2, 3, 1]]
show_taps(axes[0], np.stack([A, A[::-1, ::-1, ::-1]]), ["before", "its own", "after"], ["type A", "type B"])
axes[0].set(title="taps to three channels")
fig.colorbar(show_jacobian(axes[1], J[0], "z", "x"), ax=axes[1], shrink=0.75)
both = layer_jacobians(unit, "x_to_z", x)[0]
fig.colorbar(show_jacobian(axes[2], both[0], "z", "x"), ax=axes[2], shrink=0.75)
axes[1].set_title("∂z/∂x of a layer, 2×3×3")
axes[2].set_title("of a unit, A and B")
for curve, x0 in zip(np.array(heights).T, (-0.5, 0, 0.5), strict=True):
    colour = plt.cm.viridis(0.45 + 0.8 * x0)
    axes[3].plot(taps[:200], curve[:200], color=colour)
    axes[3].plot(taps[200:], curve[200:], color=colour, label=f"x = {x0:g}".replace("-", "−"))
axes[3].set(xlabel="centre tap $w^1$", ylabel="z", title="one pixel: a jump in θ", xticks=np.linspace(-1, 1, 5))
axes[3].legend()
caption = """Upper left: what a pixel sees of the channel before its own, of its own, of the one after (light taps;
red: its own place). Type A: all before, and of its own the raster past and itself; type B: the reverse. Below: the
Jacobian of a layer, triangular (grey: exactly 0, above the diagonal and where three kernels do not reach), and of a
unit, full. Upper right: z of one pixel against a learned tap: it jumps where the tap changes sign, for every x."""
lesson.show(fig, "09a_masks", caption)

# %% [markdown]
# ## What a layer does to the plane
#
# Two channels of one pixel: the smallest image with a "before". A layer of type A is $z_1 = f_1(x_1)$, $z_2 = f_2(x_2;
# x_1)$, both increasing, and *curved*: where an affine layer has a scale and a shift for $x_2$, this has a sum of tanhs
# of tanhs.

# %%
rng = np.random.default_rng(3)  # the test loss goes with the start: from 1.34, this one, to 1.71 in five seeds
units = [nfedu.MintUnit((2, 1, 1), lesson.pick(12, 24), rng=rng) for _ in range(3)]
plane = nfedu.Flow(nfedu.StandardNormal(2), [nfedu.Rescale(2), *units])
moons, test = datasets.two_moons(20_000, rng), datasets.two_moons(5000, rng)
options = {"batch_size": 500, "optimizer": nfedu.Adam(1e-2), "anneal": True, "average": 0.99}
nfedu.fit(plane, moons, rng=rng, epochs=lesson.pick(10, 20), **options)
loss = -plane.log_prob(test).mean()
gaussian = 0.5 * np.log(np.linalg.det(2 * np.pi * np.e * np.cov(moons.T)))
print(f"  two moons: test loss {loss:.3f} nats; that of the best Gaussian {gaussian:.3f}")
if lesson.length != "quick":
    lesson.claim("N8", "MintNet on two moons: test loss, nats", loss, 1.6, nfedu.fit)

# %% tags=["hide-input"]
parts = [plane.bijection.bijections[0], *(layer for unit in units for layer in unit.bijections)]  # 4 to a unit
stages = {"layer of type B": 4, "unit: types A and B": 5, "2 units": 9, "3 units: the model": 13}
fig, axes = plt.subplots(2, 4, figsize=(10, 5.2), sharex=True, sharey=True)
for (top, bottom), (title, m) in zip(axes.T, stages.items(), strict=True):
    stage = nfedu.Flow(plane.base, deepcopy(parts[:m]))
    show_warp(top, lambda z, stage=stage: stage.z_to_x(z)[0])
    show_density(bottom, stage, -6, 6, points=lesson.pick(200, 500), most=0.6, bar=m == 13)
    top.set_title(title)
    top.set(xlim=(-3, 3), ylim=(-3, 3))
for ax in axes.ravel():
    ax.label_outer()
caption = """Two moons, learned by three units, z→x, all by iteration. Above the image of a square grid of latents,
below the density (∫ p over a wider box). A layer moves both coordinates, one of them by itself, the other given the
first: so in a layer of type B horizontal lines stay horizontal. An affine layer's vertical lines would cross each of
them at equal distances; here they need not, though in this first layer they nearly do. The later layers bend."""
lesson.show(fig, "09a_plane", caption)

# %% [markdown]
# **In short.** What spoils a convolutional network is not the convolution but the determinant of the whole. Masked
# convolutions are triangular; of a residual network of three only the path through the centre taps reaches the
# diagonal. Their signs keep it above $t$, so the network is a bijection, and the log-det is a sum of logarithms that
# one pass gives. A pair of layers with opposite orders mixes all coordinates. The price of the signs: jumps in θ.
#
# **Exercise.** Make $t$ the only thing that keeps the diagonal positive: leave the signs of $w^2$ as they are. Which
# rung of `check_bijection` objects first, and for which weights does none?

# %%
lesson.end()
