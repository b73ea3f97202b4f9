"""Maximum likelihood with minibatches (N8): the training loop."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from zlib import crc32

import numpy as np

from nfedu.arrays import Array, as_batch, as_generator, is_whole
from nfedu.bijections.normalization.base import in_mode, normalizations
from nfedu.flow import Flow
from nfedu.precision import warn_of_lost_digits
from nfedu.training.checkpoint import History, Run
from nfedu.training.divergence import finite
from nfedu.training.optimizers import Optimizer, annealed, as_optimizer, matrices_of, shrink
from nfedu.training.parallel import check_team, team_of
from nfedu.training.rows import Rows, Transform, as_weights, at_least_two
from nfedu.training.session import Progress, epochs_of, session
from nfedu.training.validation import Judge


def fit(
    flow: Flow,
    x: Array,
    *,
    rng: np.random.Generator,
    validation: Array | None = None,
    weights: Array | None = None,
    validation_weights: Array | None = None,
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
    progress: Progress = True,
) -> History:
    """Minimise the mean of −log p over the rows of `x` by stochastic gradients; change `flow.theta` in place.

    - `x`, `validation`: (N, n), N ≥ 2; `validation` is taken as it is, without `transform`. With it, theta ends where
      that loss was least, before the first step or after an epoch, and training stops after `patience` epochs without
      gain; without, it ends where `epochs` end. `seconds` is a limit on the clock.
    - `weights`, `validation_weights`: how often each row counts, (N,) numbers ≥ 0 of any scale, relative to the others.
      Normalization's statistics count each row once.
    - `transform(batch, rng)` makes each training batch anew, such as with fresh dequantisation noise.
    - `average` β > 0: a running mean is validated and kept, θ̄ ← β θ̄ + (1 − β) θ (Polyak & Juditsky 1992).
    - `weight_decay` λ > 0 shrinks all matrices by ηλ a step, apart from the gradient (Loshchilov & Hutter 2019);
      biases, shifts and scales are left alone.
    - `anneal`: let the learning rate fall to zero over `epochs`, along half a cosine (Loshchilov & Hutter 2017).
    - `optimizer`: Adam() unless given. `rng` shuffles the rows and feeds `transform`. `progress`: a bar, on a terminal;
      or a function of the history, called after each epoch.
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

    Ctrl-C ends it at once where it stands, with θ at its best; the history then says so, `interrupted`.
    A float32 flow that loses more than rounding has a PrecisionWarning say how much.
    Raises DivergedError, with the step and the layer, when a number stops being finite.
    """
    x = at_least_two(as_batch(x, flow.n, "fit"), "x")
    weights = as_weights(weights, len(x), "fit")
    if validation is not None:
        validation = as_batch(validation, flow.n, "fit", "validation")
        validation_weights = as_weights(validation_weights, len(validation), "fit: validation")
    elif validation_weights is not None:
        raise ValueError("fit: validation_weights without validation; give the rows that they weigh, too")
    check_numbers(batch_size, epochs, patience, average, weight_decay, seconds)
    as_generator(rng, "fit")
    check_team(flow, threads, executor)
    optimizer = as_optimizer(optimizer, "fit")
    rows, rate = Rows(x, weights, batch_size, transform), optimizer.learning_rate
    matrices = matrices_of(flow) if weight_decay else []
    settings = {"batch_size": batch_size, "average": average, "weight_decay": weight_decay, "anneal": anneal}
    settings |= {"learning_rate": rate, "epochs": epochs if anneal else 0}
    data = {"validation": validation, "weights": weights, "validation_weights": validation_weights}
    settings |= {name: 0 if rows is None else crc32(rows.tobytes()) for name, rows in data.items()}
    seen = rows.made(x, np.random.default_rng(0)) if normalizations(flow.bijection) else x
    run, judge = (
        Run(flow, x, optimizer, rng, average, settings, checkpoint),
        Judge(flow, validation, validation_weights, seen),
    )
    run.begin(seen)
    judge.begin(run)
    run.save()  # before the first epoch: a file that cannot be written is refused now
    with session(run, rows, seen, reversible, epochs_of(run, epochs, patience, seconds, progress)) as remaining:
        team = team_of(flow, threads, executor)
        for epoch in remaining:
            if anneal:
                optimizer.learning_rate = annealed(rate, epoch / epochs)
            losses = []
            for batch in rows.epoch(rng):
                with in_mode("training", flow.bijection):
                    losses.append(finite(team.nll(*batch), flow.grad))  # N8
                optimizer.step(flow.theta, flow.grad)
                shrink(matrices, optimizer.learning_rate * weight_decay)
                run.count_step()
            judge.end_epoch(run, float(np.mean(losses)))
    if flow.dtype == np.float32:
        warn_of_lost_digits(flow, flow.astype(np.float64), seen)
    return run.history


def check_numbers(
    batch_size: int, epochs: int, patience: float, average: float, weight_decay: float, seconds: float
) -> None:
    """Raise ValueError for a number that makes no sense."""
    bounds = (
        ("batch_size", batch_size, is_whole(batch_size, 1), "an integer ≥ 1"),
        ("epochs", epochs, is_whole(epochs, 1), "an integer ≥ 1"),
        ("patience", patience, is_whole(patience, 0) or patience == np.inf, "an integer ≥ 0, or infinity"),
        ("average", average, 0 <= average < 1, "a number in [0, 1)"),
        ("weight_decay", weight_decay, 0 <= weight_decay < np.inf, "a number ≥ 0"),
        ("seconds", seconds, seconds > 0, "a number > 0"),
    )
    for name, value, right, words in bounds:
        if not right:
            raise ValueError(f"fit: {name} = {value}, expected {words}")
