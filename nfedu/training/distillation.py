"""Probability density distillation (N21, N22): a student that samples fast learns from a teacher that scores."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from nfedu.arrays import Array, NonFiniteError, as_count, as_generator, as_values
from nfedu.distributions import Distribution
from nfedu.flow import Flow
from nfedu.training.averaging import RunningMean
from nfedu.training.checkpoint import History
from nfedu.training.divergence import DivergedError, finite
from nfedu.training.optimizers import Optimizer, annealed, as_optimizer


def distill(
    student: Flow,
    teacher: Distribution,
    *,
    rng: np.random.Generator,
    steps: int = 2000,
    batch_size: int = 100,
    optimizer: Optimizer | None = None,
    average: float = 0.0,
    anneal: bool = True,
    progress: bool = True,
) -> History:
    """Minimise the KL divergence of the student from the teacher, E_{x~s}[log s(x) − log t(x)], over the student.

    Each step draws a new batch from the student. `teacher` is anything with `log_prob` and `score`, a flow or a
    distribution of the same n; it is not changed. `average` β > 0: θ ends as a running mean; `anneal`: the learning
    rate falls to zero along half a cosine. Keep the edges of a bounded domain out of it: distil before a common last
    layer such as Logit, which does not change the KL. ActNorm and BatchNorm stay as they are. The history's `train`
    holds the Monte-Carlo KL of each step, in nats.

    Raises DivergedError, with the step and the layer, when a number stops being finite; θ then is the mean of those
    whose loss was finite.
    """
    from tqdm import tqdm

    as_generator(rng, "distill")
    check_teacher(student, None if student is teacher else teacher, "distill", "log_prob", "score")
    steps, batch_size = as_count(steps, rng, "distill: steps"), as_count(batch_size, rng, "distill: batch_size")
    if not 0 <= average < 1:
        raise ValueError(f"distill: average = {average}, expected 0 ≤ average < 1")
    optimizer = as_optimizer(optimizer, "distill")
    rate, history, start = optimizer.learning_rate, History(), perf_counter()
    mean = RunningMean(student.theta, average)
    bar = tqdm(range(steps), disable=None if progress else True, desc="distill", leave=False)
    try:
        for step in bar:
            if anneal:
                optimizer.learning_rate = annealed(rate, step / steps)
            history.train.append(finite(reverse_kl(student, teacher, batch_size, rng), student.grad))  # N22
            mean.add(student.theta, history.steps + 1)  # θ, whose loss was finite
            optimizer.step(student.theta, student.grad)
            history.steps += 1
            if step % 50 == 0:
                bar.set_postfix_str(f"KL {np.mean(history.train[-50:]):.3f}")
        reverse_kl(student, teacher, batch_size, rng)  # the last θ is kept only if its loss is finite too
        mean.add(student.theta, history.steps + 1)
    except NonFiniteError as error:
        hint = f"try a smaller learning rate than {rate:g}"
        if history.steps == 0:
            hint = "no step has been taken: where the student's first samples lie, the teacher has no finite log p and "
            hint += "score; start the student nearer, or take a teacher that is positive everywhere"
        raise DivergedError(
            f"distillation diverged at step {history.steps}: {error}. theta is back at the mean before; {hint}"
        ) from error
    finally:
        bar.close()
        student.theta[:], optimizer.learning_rate = mean.theta, rate
        history.seconds = perf_counter() - start
    return history


def reverse_kl(student: Flow, teacher: Distribution, count: int, rng: np.random.Generator) -> float:
    """Return a Monte-Carlo KL(s‖t) from `count` new samples, and set `student.grad` to its gradient (N21, N22).

    x = f_θ(z) with z drawn first, so the gradient goes through x (Kingma & Welling 2014): its log s(x) = log p_Z(z) −
    log|det ∂x/∂z| is known exactly, since the student made x itself, and the teacher adds −∂log t/∂x.
    """
    z = student.base.sample(count, rng).astype(student.dtype)
    x, log_det, backward = student.z_to_x(z)
    log_s = student.base.log_prob(z) - log_det  # N22
    kl = np.mean(log_s - as_values(teacher.log_prob(x), (count,), teacher, "log_prob"))  # N21
    score = as_values(teacher.score(x), x.shape, teacher, "score")
    student.grad[:] = 0
    backward(-score / count, np.full(count, -1 / count, student.dtype))
    return kl


def kl_divergence(student: Flow, teacher: Distribution, count: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return an estimate of KL(s‖t) in nats from `count` ≥ 2 samples of the student, and its standard error."""
    if as_count(count, rng, "kl_divergence") < 2:
        raise ValueError("kl_divergence: count = 1, expected at least 2 samples, for a standard error")
    check_teacher(student, teacher, "kl_divergence", "log_prob")
    z = student.base.sample(count, rng).astype(student.dtype)
    x, log_det, _ = student.z_to_x(z)
    log_t = as_values(teacher.log_prob(x), (count,), teacher, "log_prob")
    terms: Array = (student.base.log_prob(z) - log_det - log_t).astype(np.float64)  # N21
    return float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(count))


def check_teacher(student: Flow, teacher: Any, owner: str, *methods: str) -> None:
    """Raise ValueError unless the teacher is a distribution of the student's n that has these methods."""
    if isinstance(teacher, type) or not all(hasattr(teacher, name) for name in methods):
        raise ValueError(
            f"{owner}: teacher = {teacher!r}, expected another flow or a distribution, with {' and '.join(methods)}"
        )
    if not hasattr(teacher, "n"):
        raise ValueError(
            f"{owner}: the teacher, a {type(teacher).__name__}, has no n; give it that attribute, "
            f"the dimension of its points: the student's is {student.n}"
        )
    if student.n != teacher.n:
        raise ValueError(f"{owner}: the student has n = {student.n}, the teacher n = {teacher.n}; expected the same")
