# %% [markdown]
# # 04c · RealNVP for images
#
# *Notes: Real-NVP splits 1:d and d+1:n and leaves open which pixels these are; 优化目标. Statements N7 and N16.*
# *Paper: Dinh, Sohl-Dickstein & Bengio 2016, sections 3.4–3.7.*
#
# **What the notes say**: $Z$ is cut into $Z_{1:d}$ and $Z_{d+1:n}$; the first part passes. For images they do not say
# what comes first. The paper does: this lesson takes its masks, squeeze, several scales, and convolutions as
# networks, and asks of each what becomes of the Jacobian.
#
# **Before this**: affine couplings ([04a](04a_real_nvp.py)), normalization ([04b](04b_deep_stacks.py)), dequantization
# and what memory costs ([03c](03c_digits.py)).

# %%
import re

import numpy as np
from matplotlib import pyplot as plt

import nfedu
from nfedu import datasets, masks
from nfedu.checks import layer_jacobians
from nfedu.course.lesson import begin
from nfedu.course.trained import Outcome, long_training
from nfedu.models import image_real_nvp
from nfedu.plotting import show_images, show_jacobian, show_pattern, show_stage, stages

lesson = begin("04c · RealNVP for images")
rng = np.random.default_rng(4)

# %% [markdown]
# ## Masks: which half passes?
#
# Cut in the middle, one half of an image would be told about by the other half, far away. A *checkerboard* lets every
# second pixel pass, so that each pixel that changes sees all its neighbours. It is the notes' split after a
# permutation $P$ that puts the pixels that pass first: $x = P^\top f(P z)$, so
#
# $$
# \frac{\partial x}{\partial z} = P^\top \begin{pmatrix} I & 0 \\ \cdot & \mathrm{diag}\, e^{\alpha} \end{pmatrix} P,
# \qquad \det = (\det P)^2 \prod_i e^{\alpha_i} = \exp\Bigl(\sum_i \alpha_i\Bigr)
# $$
#
# since $\det P^\top = \det P = \pm 1$: N16 again, and no permutation is ever carried out. The next coupling exchanges
# the roles (`flip`), otherwise half of the pixels would never change.
#
# The network's input is the image with the changed pixels set to 0, its output a μ and an r for each pixel; it may be
# any function, so 3×3 *convolutions* in residual blocks: the same weights at every pixel, and neighbours only.

# %%
image = nfedu.ImageCoupling((1, 4, 4), filters=4, blocks=0, rng=rng)
image.net.last.K.value *= 20
z = rng.standard_normal((5, 16))
J = layer_jacobians(image, "z_to_x", z)[0]
i, j = np.divmod(np.arange(16), 4)
first = np.argsort((i + j) % 2, kind="stable")  # pixels that pass, then the others: P
inner = J[:, first][:, :, first]
lesson.claim("N16", "checkerboard, sorted: blocks I and 0, all beside the diagonal 0",
             max(abs(inner[:, :8] - np.eye(8, 16)).max(), abs(inner[:, 8:, 8:] * (1 - np.eye(8))).max()), 0,
             nfedu.ImageCoupling)  # fmt: skip
error = abs(image.z_to_x(z)[1] - np.linalg.slogdet(J)[1]).max()
lesson.claim("N16", "checkerboard: Σ α = slogdet of the dense Jacobian", error, 1e-10, nfedu.ImageCoupling)
far = np.maximum(abs(np.subtract.outer(i, i)), abs(np.subtract.outer(j, j))) > 2
lesson.claim(
    "N16", "two 3×3 convolutions, more than 2 pixels apart: largest ∂y/∂x", abs(J[:, far]).max(), 0, nfedu.ConvNet
)

# %% [markdown]
# ## Squeeze: pixels become channels
#
# A *squeeze* cuts an image into 2×2 squares and stacks their four places as four channels of half the size. It is a
# permutation: nothing is lost, $\log|\det| = 0$. Then half of the *channels* may pass, and a 3×3 convolution sees
# twice as far. **By hand**, the pixels of a 4×4 image numbered row by row:
#
# $$
# \begin{pmatrix} 1 & 2 & 3 & 4 \\ 5 & 6 & 7 & 8 \\ 9 & 10 & 11 & 12 \\ 13 & 14 & 15 & 16 \end{pmatrix} \to
# \begin{pmatrix} 1 & 3 \\ 9 & 11 \end{pmatrix}, \begin{pmatrix} 2 & 4 \\ 10 & 12 \end{pmatrix},
# \begin{pmatrix} 5 & 7 \\ 13 & 15 \end{pmatrix}, \begin{pmatrix} 6 & 8 \\ 14 & 16 \end{pmatrix}
# $$
#
# ## Several scales
#
# After some couplings half of the channels are declared finished: they are latents already, and only the rest goes on
# (`FactorOut`). With $f$ for what is still to come, $x_{1:k} = f(z_{1:k})$ and $x_{k+1:n} = z_{k+1:n}$, the Jacobian
# is $\begin{pmatrix} \partial f & 0 \\ 0 & I \end{pmatrix}$, its log-det that of $f$. All $n$ numbers stay latents,
# so nothing is thrown away (维度一致); what is saved is work, and what is gained is that fine details reach the loss
# without passing all layers. **By hand.** $n = 3$, $k = 1$, $f(z) = 2z$: $(1, 5, -1) \to (2, 5, -1)$, $\log|\det| =
# \log 2$.

# %%
squeeze = nfedu.Squeeze((1, 4, 4))
squeezed, log_det, _ = squeeze.x_to_z(np.arange(1.0, 17)[None])
pencil = [1, 3, 9, 11, 2, 4, 10, 12, 5, 7, 13, 15, 6, 8, 14, 16]
error = max(abs(squeezed[0] - pencil).max(), abs(log_det).max())
lesson.claim("N7", "pencil: 16 pixels squeezed, log-det 0", error, 0, nfedu.Squeeze)
x, log_det, _ = nfedu.FactorOut(3, nfedu.Rescale(1, 2.0)).z_to_x(np.array([[1.0, 5.0, -1.0]]))
error = max(abs(x - [2, 5, -1]).max(), abs(log_det - np.log(2)).max())
lesson.claim("N7", "pencil: two of three coordinates factored out", error, 1e-15, nfedu.FactorOut)
whole = image_real_nvp((1, 4, 4), filters=3, couplings=2, rng=rng).bijection
for p in whole.parameters().values():
    p.value += 0.1 * rng.standard_normal(p.value.shape)
x = rng.uniform(0.1, 0.9, (4, 16))
error = abs(whole.x_to_z(x)[1] - np.linalg.slogdet(layer_jacobians(whole, "x_to_z", x)[0])[1]).max()
lesson.claim("N7", "the whole model, 4×4: its log-dets add to slogdet", error, 1e-9, nfedu.FactorOut)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 5, figsize=(9.8, 2.7), width_ratios=[1, 1, 1, 1, 1.35])
show_pattern(axes[0], masks.halves(64).reshape(8, 8), "halves, d = 32")
show_pattern(axes[1], masks.checkerboard((1, 8, 8)).reshape(8, 8), "checkerboard")
origin = np.add.outer(2 * (np.arange(8) % 2), np.arange(8) % 2)  # the place in its 2×2 square
show_pattern(axes[2], origin, "places in squares …")
four = nfedu.Squeeze((1, 8, 8)).x_to_z(origin.reshape(1, 64))[0].reshape(4, 4, 4)
show_pattern(axes[3], four, "… as four channels")
fig.colorbar(show_jacobian(axes[4], inner[0]), ax=axes[4], shrink=0.8)
axes[4].set_title("∂x/∂z, 4×4, sorted")
caption = """Light pixels pass, dark ones are changed; the next coupling exchanges them. After a squeeze whole
channels may pass. Right: a checkerboard coupling's Jacobian, pixels that pass first: the triangle of blocks of N16
(grey: exactly 0). Below the diagonal only pairs up to two pixels apart are not 0, as far as two 3×3 convolutions
reach."""
lesson.show(fig, "04c_masks", caption)

base, draw = nfedu.StandardNormal(2), np.random.default_rng(2)
start = nfedu.Rescale(2, [1.6, 0.7])
coarse = nfedu.FactorOut(2, nfedu.SinhArcsinh(1, -0.6, 1.1))
pixels = nfedu.ImageCoupling((1, 1, 2), filters=8, blocks=1, rng=draw)
pixels.net.last.K.value *= 12
fig, axes = plt.subplots(2, 4, figsize=(9.8, 5.2))
kinds = {"start: x = (1.6 z₁, 0.7 z₂)": [], "Reverse: a permutation": [nfedu.Reverse(2)]}
kinds |= {"FactorOut: x₁ goes on, x₂ is done": [coarse], "ImageCoupling of 1×2 pixels": [pixels]}
for column, (title, layers) in zip(axes.T, kinds.items(), strict=True):
    show_stage(*column, stages(base, [start, *layers])[-1], title, 4)
caption = """What this lesson's layers do to the plane: a grid, and a density (colour: p^0.6); each of the three acts
on the start. A permutation, as squeeze is one, moves nothing together or apart. FactorOut warps the coordinate that
goes on, here by a curve that packs it to the right, and leaves the other. A convolution that sees two pixels is a
coupling like any."""
lesson.show(fig, "04c_layers", caption)

# %% [markdown]
# ## Handwritten digits (优化目标)
#
# Two models, each with the logit next to the image and a standard normal as its base. With MLPs as conditioners: eight
# couplings, masks of checkerboard, columns and rows in turn, each followed by its exchange of roles. With convolutions:
# the layers below.
#
# ```{literalinclude} ../nfedu/models/images.py
# :pyobject: image_real_nvp
# ```
#
# Memory is the enemy again, not likelihood. To what lesson 03 did against it (fresh noise, weight decay, a running
# mean of θ) comes one more: some training images move sideways by a pixel. All of this was chosen on the validation
# images.


# %%
def perceptrons(rng):
    lines = [masks.checkerboard((1, 8, 8)), np.arange(64) % 2 == 0, np.arange(64) // 8 % 2 == 0]
    options = {"hidden": (128, 128), "activation": "tanh", "rng": rng}
    layers = [nfedu.AffineCoupling(64, mask=lines[m // 2 % 3], flip=bool(m % 2), **options) for m in range(8)]
    return nfedu.Flow(nfedu.StandardNormal(64), [nfedu.Rescale(64), *layers, nfedu.Logit(64)]).astype(np.float32)


def convolutions(rng, filters=24):
    return image_real_nvp((1, 8, 8), filters=filters, rng=rng).astype(np.float32)


models = {"RealNVP, MLP": perceptrons(rng), "RealNVP, convolutions": convolutions(rng, lesson.pick(8, 12))}
runs = {}
for (name, model), epochs in zip(models.items(), lesson.pick((5, 3), (90, 26)), strict=True):
    run = runs[name] = nfedu.fit_digits(model, rng=rng, epochs=epochs)
    print(f"  {name}, {model.theta.size} weights: {run}")
    if lesson.length != "quick":
        lesson.claim("N8", f"{name}, on the digits, test bits per pixel", run.test[0], 2.32, nfedu.fit)

# %% [markdown]
# That took seconds. The samples below are drawn from much longer trainings ([results](RESULTS.md)) of three seeds each:
# from the seed that did best on the validation images, while the table, and the figure, quote the mean of the three.

# %%
longer = {"RealNVP, MLP": (perceptrons, 200, 2.319), "RealNVP, convolutions": (convolutions, 250, 2.058)}
long = {}
for name, (build, epochs, peer) in longer.items():
    train = lambda flow, rng, epochs=epochs: Outcome.of(nfedu.fit_digits(flow, rng=rng, epochs=epochs))  # noqa: E731
    long[name] = long_training(lesson, name, build, train, peer=peer)
reached = dict(re.findall(r"^\| (RealNVP, \w+) \| ([\d.]+)", (lesson.folder / "lessons/RESULTS.md").read_text(), re.M))

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(9.8, 3.1), width_ratios=[1.8, 1, 1, 1])
for (name, run), colour in zip(runs.items(), ("tab:blue", "tab:orange"), strict=True):
    seconds = np.linspace(0, run.history.seconds, len(run.history.validation))
    bits = np.array(run.history.validation) / (64 * np.log(2)) + np.log2(17)
    axes[0].plot(
        seconds, bits, color=colour, label=f"{name.split()[1]}: train {run.train[0]:.2f}, test {run.test[0]:.2f}"
    )
    axes[0].axhline(float(reached[name]), color=colour, linestyle=":", label=f"  long trainings, test: {reached[name]}")
axes[0].set(xlabel="seconds of training", ylabel="bits per pixel, validation", ylim=(1.9, 3.3))
axes[0].legend(loc="upper right", fontsize=8)
pictures = {
    "data": datasets.digits().train.images[:16] / 16,
    "MLP, samples as drawn": long["RealNVP, MLP"].sample(16, rng),
}
pictures["convolutions"] = long["RealNVP, convolutions"].sample(16, rng)
for ax, (title, images) in zip(axes[1:], pictures.items(), strict=True):
    show_images(ax, images, 4)
    ax.set_title(title)
gaps = [f"{run.test[0] - run.train[0]:.3f}" for run in runs.values()]
caption = f"""Left: validation loss of the running mean of θ over time; dotted, the test loss of the long trainings,
mean of their three seeds. At this length MLPs are ahead: a step of the convolutions takes several times as long. Given
time it is the other way round, {reached["RealNVP, MLP"]} bits to {reached["RealNVP, convolutions"]}. Test minus
training images, here: {gaps[0]} bits for the MLPs, {gaps[1]} for the convolutions, which have learned less so far: no
proof yet that they remember less. Right: data, and samples of the long trainings."""
lesson.show(fig, "04c_digits", caption)

# %% [markdown]
# ## Summary
#
# Which coordinates pass is a permutation's choice, and permutations do not change determinants: with checkerboards or
# channels a coupling is one like any. A squeeze is a permutation; factoring out is a Jacobian with a block I.
# Convolutions see neighbours with few weights; they cost more time a step, and reach fewer bits when they get it. What
# a model remembers shows as test minus training bits.
#
# **Exercise.** Train the MLP model with halves for checkerboards: how many bits does it cost? Put `BatchNorm(64)`
# between the couplings: what does it change, with batches of 100 and of 10?

# %%
lesson.end()
