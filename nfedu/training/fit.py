"""Maximum likelihood with minibatches (N8): the training loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from zlib import crc32

import numpy as np

from nfedu.arrays import Array, NonFiniteError, as_batch, as_generator
from nfedu.bijections.normalization import in_mode, normalizations
from nfedu.flow import Flow
from nfedu.training.checkpoint import History, Run
from nfedu.training.optimizers import Optimizer, annealed, as_optimizer
from nfedu.training.remote import RemoteTeam, check_executor
from nfedu.training.team import Team, check_threads

Transform = Callable[[Array, np.random.Generator], Array]


class DivergedError(ValueError):
    """Training met a number that is not finite; theta holds the best values seen before."""


def fit(
    flow: Flow,
    x: Array,
    *,
    rng: np.random.Generator,
    validation: Array | None = None,
    epochs: int = 200,
    batch_size: int = 100,
    optimizer: Optimizer | None = None,
    patience: int = 30,
    transform: Transform | None = None,
    average: float = 0.0,
    weight_decay: float = 0.0,
    anneal: bool = False,
    seconds: float = np.inf,
    threads: int = 1,
    executor: Executor | None = None,
    reversible: bool = False,
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> History:
    """Minimise the mean of −log p over the rows of `x` by stochastic gradients; change `flow.theta` in place.

    - `x`, `validation`: (N, n), N ≥ 2; `validation` is taken as it is, without `transform`. With it, theta ends where
      that loss was least, and training stops after `patience` epochs without gain; without, it ends where `epochs` end.
      `seconds` is a limit on the clock.
    - `transform(batch, rng)` makes each training batch anew, such as with fresh dequantisation noise.
    - `average` β > 0: a running mean is validated and kept, θ̄ ← β θ̄ + (1 − β) θ (Polyak & Juditsky 1992).
    - `weight_decay` λ > 0 shrinks all matrices by ηλ a step, apart from the gradient (Loshchilov & Hutter 2019);
      biases, shifts and scales are left alone.
    - `anneal`: let the learning rate fall to zero over `epochs`, along half a cosine (Loshchilov & Hutter 2017).
    - `optimizer`: Adam() unless given. `rng` shuffles the rows and feeds `transform`. `progress`: a bar, on a terminal.
    - ActNorm and BatchNorm are shown `x` once before the start. BatchNorm uses each batch's statistics in training, and
      those of all of `x`, at the θ in question, for validation and at the end.
    - `threads`: a batch's rows are split over so many, each with one BLAS thread where `threadpoolctl` is installed. It
      pays for batches of a thousand rows, and costs at 256.
    - `executor`: those `threads` parts go to the workers of a `concurrent.futures.Executor`, each with the flow: a
      ProcessPoolExecutor, or Dask's `client.get_executor(pure=False)`. It pays where a step takes long; when, and what
      happens when a worker dies, is measured in `lessons/THREADS.md`.
    - `reversible`: memory that does not grow with depth, for more time; see `Flow`.
    - `checkpoint`: a file that is written after each epoch. If it is there at the start, training goes on from it, and
      ends exactly where it would have ended; asked for with other data or settings it is refused.

    Raises DivergedError, with the step and the layer, when a number stops being finite.
    """
    from tqdm import tqdm

    x = at_least_two(as_batch(x, flow.n, "fit"), "x")
    if validation is not None:
        validation = as_batch(validation, flow.n, "fit", "validation")
    bounds = (
        ("batch_size", batch_size, batch_size >= 1, "≥ 1"),
        ("epochs", epochs, epochs >= 1, "≥ 1"),
        ("average", average, 0 <= average < 1, "in [0, 1)"),
        ("weight_decay", weight_decay, weight_decay >= 0, "≥ 0"),
    )
    for name, value, right, words in bounds:
        if not right:
            raise ValueError(f"fit: {name} = {value}, expected a number {words}")
    as_generator(rng, "fit")
    check_threads(flow, threads)
    if executor is not None:
        check_executor(executor, threads)
    optimizer = as_optimizer(optimizer, "fit")
    matrices = [p for p in flow.parameters().values() if p.value.ndim > 1] if weight_decay else []
    settings = {"batch_size": batch_size, "average": average, "weight_decay": weight_decay, "anneal": anneal}
    settings["learning_rate"], settings["epochs"] = optimizer.learning_rate, epochs if anneal else 0
    settings["validation"] = 0 if validation is None else crc32(validation.tobytes())
    noisy = transform is not None and normalizations(flow.bijection)
    seen = transform(x, np.random.default_rng(0)) if noisy else x  # type: ignore[misc]
    resumed = checkpoint is not None and Path(checkpoint).exists()
    if not resumed:
        flow.observe(seen)
    run = Run(flow, x, optimizer, rng, flow.theta.copy(), flow.theta.copy(), History(), settings)
    if resumed:
        run.resume(checkpoint)  # type: ignore[arg-type]
        flow.observe(seen)
    elif checkpoint is not None:
        run.save(checkpoint)  # before the first epoch: one that cannot be written is refused now
    history, mean, best = run.history, run.mean, run.best  # mean: θ̄; best: the θ̄ or θ to keep
    first, start, rate = len(history.train), perf_counter() - history.seconds, optimizer.learning_rate
    batches = -(-len(x) // batch_size)
    hidden = None if progress else True  # None: hidden unless this is a terminal
    bar = tqdm(range(first, epochs), initial=first, total=epochs, disable=hidden, desc="fit", leave=False)
    was_reversible = flow.reversible
    try:
        flow.reversible = reversible or was_reversible
        team = team_of(flow, threads, executor)
        for epoch in bar:
            if epoch > 0 and (epoch - 1 - history.best_epoch >= patience or history.seconds > seconds):
                break
            if anneal:
                optimizer.learning_rate = annealed(rate, epoch / epochs)
            losses = []
            for rows in np.array_split(rng.permutation(len(x)), batches):
                batch = x[rows] if transform is None else transform(x[rows], rng)
                with in_mode("training", flow.bijection):
                    losses.append(finite(team.nll(batch), flow.grad))  # N8
                optimizer.step(flow.theta, flow.grad)
                for p in matrices:
                    p.value *= 1 - optimizer.learning_rate * weight_decay
                history.steps += 1
                weight = max(1 - average, 1 / history.steps)  # a plain mean at first: the start is forgotten sooner
                mean += weight * (flow.theta - mean)
            history.train.append(float(np.mean(losses)))
            if validation is not None:
                history.validation.append(loss_at(mean, flow, validation, seen))
            latest = history.train[-1] if validation is None else history.validation[-1]
            if validation is None or latest < history.best:
                history.best, history.best_epoch, best[:] = latest, epoch, mean
            history.seconds = perf_counter() - start
            if checkpoint is not None:
                run.save(checkpoint)
            bar.set_postfix_str(f"nll {history.train[-1]:.3f}, latest {latest:.3f}, best epoch {history.best_epoch}")
    except NonFiniteError as error:
        kept = f"its value after epoch {history.best_epoch}" if history.train else "its initial value"
        raise DivergedError(
            f"training diverged at step {history.steps}: {error}. theta is back at {kept}; "
            f"try a smaller learning rate than {rate:g}"
        ) from error
    finally:
        bar.close()
        flow.theta[:], optimizer.learning_rate, flow.reversible = best, rate, was_reversible
        with suppress(NonFiniteError):  # the last θ may be one that overflows: what is raised says more
            flow.observe(seen)
    return history


def team_of(flow: Flow, threads: int, executor: Executor | None) -> Flow | Team | RemoteTeam:
    """Return whose `nll` it is that a step asks for."""
    if executor is not None:
        return RemoteTeam(flow, threads, executor)
    return flow if threads == 1 else Team(flow, threads)


def loss_at(theta: Array, flow: Flow, x: Array, seen: Array) -> float:
    """Return the mean negative log-likelihood of `x` at another theta, whose statistics are those of `seen`."""
    kept, flow.theta[:] = flow.theta.copy(), theta
    flow.observe(seen)
    loss = float(-flow.log_prob(x).mean())
    flow.theta[:] = kept
    return loss


def at_least_two(x: Array, letter: str) -> Array:
    """Return x, or raise ValueError when it has a single row: the likelihood of one point has no maximum."""
    if len(x) < 2:
        raise ValueError(f"{letter} has {len(x)} row, expected at least 2 points to learn a density from")
    return x


def finite(loss: float, grad: Array) -> float:
    """Return the loss, or raise NonFiniteError when it or the gradient is not finite."""
    if not (np.isfinite(loss) and np.isfinite(grad).all()):
        raise NonFiniteError(
            f"the loss is {loss}, its gradient has {np.count_nonzero(~np.isfinite(grad))} non-finite entries"
        )
    return loss
