"""What must be fast: the import, and a training step beside its matrix products."""

import subprocess
import sys

import pytest

from tests.benchmarks import sampling
from tests.benchmarks.training_step import MODELS, measure

IMPORT = """
import sys, time
import numpy
start = time.perf_counter()
import nfedu
print(time.perf_counter() - start)
print(*[name for name in ("matplotlib", "tqdm", "scipy") if name in sys.modules])
"""


def test_import_takes_a_tenth_of_a_second_and_brings_no_plotting():
    runs = [
        subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True) for _ in range(5)
    ]
    seconds, brought = zip(*(run.stdout.split("\n")[:2] for run in runs), strict=True)
    assert min(float(s) for s in seconds) <= 0.1
    assert set(brought) == {""}, (
        "importing nfedu must import neither Matplotlib nor tqdm, and SciPy only where it is used"
    )


@pytest.mark.parametrize("model", MODELS)
def test_a_training_step_is_mostly_its_matrix_products(model):
    step, products = measure(model, repeats=40)
    assert step <= 2.5 * products


@pytest.mark.parametrize(("n", "times", "passes"), [(64, 10, 8), (784, 100, 8)])
def test_cached_sampling_is_much_faster_than_naive(n, times, passes):
    seconds, work = sampling.measure(n, repeats=10)
    assert seconds["naive"] >= times * seconds["cached"]
    assert seconds["cached"] <= passes * seconds["density"]
    assert work["cached"] <= 0.6
