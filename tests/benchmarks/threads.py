"""When threads and an executor pay: `python tests/benchmarks/threads.py --out lessons/THREADS.md`.

A step is loss, gradient and Adam in float64, of 8 affine couplings at n = 8. All ways of taking it are timed in turn,
round after round, in one run. Needs the extra `threads`; Dask's column needs `cluster`, and is left out without it.
"""

import argparse
import os
import pickle
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import nfedu
from nfedu.training.parallel.remote import RemoteTeam
from nfedu.training.parallel.team import Team
from tests.benchmarks.page import milliseconds

N_DIM, COUPLINGS, PARTS = 8, 8, 2
WIDTHS, BATCHES, ROWS = (64, 256), (256, 1024, 10_000), (10_000, 100_000)
SECONDS = 0.5  # of a way in a round, at least
MEASURED = """## Measured

Made by `python tests/benchmarks/threads.py --out lessons/THREADS.md`, in one run: 8 affine couplings, n = 8, float64,
with medians over the rounds of a round's median, and their spread.

"""
HEADING = MEASURED.splitlines()[0]


def real_nvp(width):
    rng = np.random.default_rng(0)
    layers = [nfedu.AffineCoupling(N_DIM, (width, width), flip=bool(m % 2), rng=rng) for m in range(COUPLINGS)]
    return nfedu.Flow(nfedu.StandardNormal(N_DIM), layers)


def step_of(team, flow, x):
    """Return a function that takes a step by what `team` says of the loss."""
    adam = nfedu.Adam(1e-6)

    def step():
        team.nll(x)
        adam.step(flow.theta, flow.grad)

    return step


def alone(step):
    """Return a step whose matrix products take one thread."""

    def limited():
        with threadpool_limits(1, user_api="blas"):
            step()

    return limited


def measure(ways, rounds):
    """Return each way's median seconds in each round; the first round warms up and is left out."""
    times = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, call in ways.items():
            seconds = []
            while sum(seconds) < SECONDS:
                start = perf_counter()
                call()
                seconds.append(perf_counter() - start)
            times[name].append(float(np.median(seconds)))
    return {name: seconds[1:] for name, seconds in times.items()}


def row_of(work, times):
    """Return a row of a table: the medians over the rounds in milliseconds, with the spread."""
    spread = [[milliseconds(t) for t in (np.median(ts), min(ts), max(ts))] for ts in times.values()]
    cells = [f"{median} ({low}–{high})" for median, low, high in spread]
    return f"| {work} | " + " | ".join(cells) + " |"


def steps(executors, rounds):
    """Yield the lines of the table of steps."""
    names = ["one thread", "one thread, BLAS as it is", f"{PARTS} threads", *executors]
    yield f"| width, batch; ms a step | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for width in WIDTHS:
        flow = real_nvp(width)
        for batch in BATCHES:
            x = np.random.default_rng(1).standard_normal((batch, N_DIM))
            plain = step_of(flow, flow, x)
            teams = [Team(flow, PARTS), *(RemoteTeam(flow, PARTS, executor) for executor in executors.values())]
            calls = [alone(plain), plain, *(step_of(team, flow, x) for team in teams)]
            yield row_of(f"{width}, {batch:,}", measure(dict(zip(names, calls, strict=True)), rounds))


def evaluations(rounds):
    """Yield the lines of the table of log_prob."""
    names = ["one thread", "one thread, BLAS as it is", f"{PARTS} threads"]
    yield f"| width, rows; ms of log_prob | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for width in WIDTHS:
        flow = real_nvp(width)
        for rows in ROWS:
            x = np.random.default_rng(1).standard_normal((rows, N_DIM))
            calls = [alone(lambda: flow.log_prob(x)), lambda: flow.log_prob(x), lambda: flow.log_prob(x, PARTS)]  # noqa: B023
            yield row_of(f"{width}, {rows:,}", measure(dict(zip(names, calls, strict=True)), rounds))


def messages():
    """Yield the lines of a table of what is sent to each part in a step, beside θ."""
    rng = np.random.default_rng(0)
    layers = nfedu.models.autoregressive(nfedu.MaskedAutoregressive, 64, 8, (256, 256), rng=rng)
    flows = {f"RealNVP, width {width}": real_nvp(width) for width in WIDTHS}
    flows["MAF, n = 64, width 256"] = nfedu.Flow(nfedu.StandardNormal(64), layers)
    flows |= {"image_real_nvp": nfedu.models.image_real_nvp(rng=rng), "mint_net": nfedu.models.mint_net(rng=rng)}
    yield "| message | θ, kB | pickled flow, kB |"
    yield "|---|---|---|"
    for name, flow in flows.items():
        yield f"| {name} | {flow.theta.nbytes / 1e3:,.0f} | {len(pickle.dumps(flow)) / 1e3:,.0f} |"


def machine():
    """Return what the numbers depend on: processor, versions, and the kernels that OpenBLAS has chosen."""
    blas = next(info for info in threadpool_info() if info["user_api"] == "blas")
    packages = ["numpy", "threadpoolctl", *(["distributed"] if find_spec("distributed") else [])]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    busy = os.getloadavg()[0]
    load = f"load {busy:.1f} at the start" + (
        ": BUSY, so that parts wait for a core; measure again" if busy > 1 else ""
    )
    kernels = f"{blas['internal_api']} {blas['version']}, {blas['architecture']} kernels, {blas['num_threads']} threads"
    return f"{processor()}, {os.cpu_count()} cores; {load}; Python {platform.python_version()}, {versions}; {kernels}."


def processor():
    """Return the processor's name where Linux tells it, otherwise its kind."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a page whose last section, Measured, is written anew")
    options = parser.parse_args()
    lines = [machine(), ""]
    with ExitStack() as stack:
        pool = ProcessPoolExecutor(PARTS, get_context("spawn"))
        executors = {f"{PARTS} processes": stack.enter_context(pool)}
        if find_spec("distributed"):
            from distributed import Client, LocalCluster

            workers = {"n_workers": PARTS, "threads_per_worker": 1, "dashboard_address": None}
            client = stack.enter_context(Client(stack.enter_context(LocalCluster(**workers))))
            executors[f"{PARTS} processes by Dask"] = client.get_executor(pure=False)
        print(lines[0])
        for table in (steps(executors, options.rounds), evaluations(options.rounds), messages()):
            for line in table:
                print(line, flush=True)
                lines.append(line)
            lines.append("")
    if options.out:
        text = options.out.read_text().partition(HEADING)[0]
        options.out.write_text(text + MEASURED + "\n".join(lines).strip() + "\n")


if __name__ == "__main__":
    main()
