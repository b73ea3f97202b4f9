"""Does the checker accuse anything right? Every layer of the registry, and random correct flows, over many seeds.

    python tests/benchmarks/false_alarms.py --seeds 200            every layer, its dimensions in turn
    python tests/benchmarks/false_alarms.py --flows 200            random flows, half of them over columns of all sizes

Prints a line for every accusation, and the counts; exits with 1 if there is any.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import nfedu
from nfedu import checks
from tests.registry import ENTRIES, built, points


def judge_layer(job: tuple[int, int]) -> tuple[str, str | None, float]:
    """Judge one layer of the registry with one seed: of its parameters, its points and the checker."""
    entry, seed = ENTRIES[job[0]], job[1]
    n = entry.dimensions[seed % len(entry.dimensions)]
    start = time.perf_counter()
    layer = built(entry, n, seed)
    report = checks.check_bijection(layer, points(layer, seed=seed + 1), rng=np.random.default_rng(seed))
    return f"{entry.name}, n = {n}, seed {seed}", None if report.ok else str(report), time.perf_counter() - start


def judge_flow(seed: int) -> tuple[str, str | None, float]:
    """Judge a random correct flow: n = 1 … 8, up to six layers, a fifth bounded, half with columns of all sizes."""
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    layers = [random_layer(n, rng) for _ in range(rng.integers(1, 7))]
    flow = nfedu.Flow(random_base(n, rng), layers)
    flow.theta += 0.2 * rng.standard_normal(flow.theta.size)
    ends = [*flow.bijection.bijections]
    if rng.random() < 0.5:  # the user's units
        ends.append(nfedu.Affine(n, 10 ** rng.uniform(-4, 5, n), rng.standard_normal(n) * 10 ** rng.uniform(-4, 5, n)))
    elif rng.random() < 0.4:
        ends.append([nfedu.Exp(n), nfedu.Logit(n)][rng.integers(2)])
    flow = nfedu.Flow(flow.base, nfedu.parameters.cast(nfedu.Chain(ends), np.float64).bijections)
    x = flow.sample(8, rng)
    try:
        report = checks.check_flow(flow, x, rng=rng)
    except ValueError as problem:
        return f"flow, seed {seed}", f"refused: {problem}", time.perf_counter() - start
    names = ", ".join(type(layer).__name__ for layer in ends)
    words = None if report.ok else str(report)
    return f"flow, seed {seed}: n = {n}, {names}", words, time.perf_counter() - start


def random_base(n: int, rng: np.random.Generator) -> nfedu.distributions.Distribution:
    """Return a normal, a logistic or a mixture."""
    kind = rng.integers(3)
    if kind == 2:
        return nfedu.GaussianMixture(2 * rng.standard_normal((3, n)), rng.uniform(0.3, 1.5), rng.uniform(0.5, 1, 3))
    return [nfedu.StandardNormal, nfedu.StandardLogistic][kind](n)


def random_layer(n: int, rng: np.random.Generator) -> nfedu.Bijection:
    """Return a layer of any kind that has this n."""
    activation = str(rng.choice(["relu", "tanh", "softplus"]))
    hidden = (int(rng.integers(4, 24)),) * int(rng.integers(1, 3))
    simple = [
        lambda: nfedu.Rescale(n, rng.choice([-1, 1], n) * rng.uniform(0.3, 3, n)),
        lambda: nfedu.SinhArcsinh(n, rng.standard_normal(n), rng.uniform(0.5, 2, n)),
        lambda: nfedu.Permute(rng.permutation(n)),
        lambda: nfedu.ActNorm(n),
        lambda: nfedu.BatchNorm(n, mean=rng.standard_normal(n), variance=rng.uniform(0.2, 3, n)),
        lambda: nfedu.MaskedAutoregressive(n, hidden, activation=activation, rng=rng),
        lambda: nfedu.InverseAutoregressive(n, hidden, activation=activation, rng=rng),
    ]
    if n > 1:
        for kind in (nfedu.AdditiveCoupling, nfedu.AffineCoupling, nfedu.AffineCoupling):
            flip = bool(rng.integers(2))
            simple.append(lambda kind=kind, flip=flip: kind(n, hidden, flip=flip, activation=activation, rng=rng))
    return simple[rng.integers(len(simple))]()


def main() -> int:
    """Run what was asked for, on two processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--flows", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    jobs = [(judge_layer, (k, seed)) for seed in seeds for k in range(len(ENTRIES))]
    jobs += [(judge_flow, seed) for seed in range(options.first, options.first + options.flows)]
    accused, spent = 0, []
    with ProcessPoolExecutor(2) as pool:
        for name, words, seconds in (f.result() for f in [pool.submit(*job) for job in jobs]):
            spent.append(seconds)
            if words is not None:
                accused += 1
                print(f"ACCUSED {name}\n{words}\n", flush=True)
    print(f"{len(jobs)} right ones, {accused} accused; seconds: median {np.median(spent):.2f}, most {max(spent):.1f}")
    return 1 if accused else 0


if __name__ == "__main__":
    sys.exit(main())
