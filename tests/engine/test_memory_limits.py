"""What a run takes beyond its data and parameters: at most 64 MB for a step, 300 MB for ten million steps."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from engine.datasets import Dataset
from engine.evaluator import make_evaluator
from engine.kernels.layout import chunk_bounds, make_plan, work_sizes
from engine.mlp import MLP

MB = 2**20
NETS = (
    MLP((784, 100, 10)),
    MLP((784, 1000, 10), "softplus"),
    MLP((3072, 1000, 100, 10), "relu"),
    MLP((64, *(10,) * 150, 10), "tanh"),
    MLP((64, *(100,) * 150, 10), "erf", skip=(1, 150)),
    MLP((20, *(1000,) * 3, 10), "logistic", "quadratic"),
    MLP((2, 200_000, 2), "tanh"),
)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("is_noisy", [False, True])
@pytest.mark.parametrize("n_samples", [1, 1797, 60_000, 10**9])
@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.layer_sizes[:2]}")
def test_work_arrays_of_a_step_whatever_the_number_of_samples(net, n_samples, is_noisy, dtype):
    plan = make_plan(net, n_samples, dtype=dtype)
    sizes = work_sizes(net, plan, is_noisy, dtype)
    n_numbers = sum(sizes.values()) - sizes["gradient"]
    n_chunks = len(chunk_bounds(net, n_samples, plan.block, n_numbers)) - 1
    n_bytes = np.dtype(dtype).itemsize * n_chunks
    assert n_bytes * sum(sizes.values()) <= 64 * MB


@pytest.mark.parametrize("arithmetic", ["ordered", "blas"])
@pytest.mark.parametrize("rows", [None, np.arange(150_000)], ids=["all", "a large batch"])
def test_a_step_takes_no_more_than_that(arithmetic, rows):
    x = np.zeros((150_000, 60))
    x[:, 0] = np.arange(150_000) % 7
    x.flags.writeable = False  # the Dataset keeps it as it is
    data, net = Dataset(x, np.arange(150_000) % 3), MLP((60, 30, 3))
    theta, gradient = net.init("glorot_uniform"), np.empty(net.n_params)
    make_evaluator(net, data.first(10), arithmetic=arithmetic).evaluate(theta, gradient)  # compiles
    tracemalloc.start()
    evaluator = make_evaluator(net, data, arithmetic=arithmetic)
    evaluator.evaluate(theta, gradient, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert x.nbytes > 64 * MB and peak <= 64 * MB


def test_a_large_batch_in_parts_is_the_mean_over_all_of_it():
    rng = np.random.default_rng(0)
    data = Dataset(rng.standard_normal((40_000, 60)), rng.integers(0, 3, 40_000))
    net, rows = MLP((60, 9, 3)), rng.permutation(40_000)
    theta, whole, part = net.init("glorot_uniform"), np.empty(579), np.empty(579)
    evaluator = make_evaluator(net, data)
    expected, got = evaluator.evaluate(theta, whole), evaluator.evaluate(theta, part, rows)
    np.testing.assert_allclose(part, whole, rtol=1e-9, atol=1e-15)
    assert got.loss == pytest.approx(expected.loss, rel=1e-12) and got.n_errors == expected.n_errors


HISTORY = """
import sys
import numpy as np
from engine.history import History

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024

n, a_call = 10_000_000, 50_000
steps = np.arange(a_call)
before, history = resident(), History()
for first in range(0, n, a_call):
    k = first + steps
    loss = 1.0 / (1.0 + k) + (k % 1000 == 999) * 1e-3  # up at every thousandth step, down at the next
    errors = (k % 5000 == 3).astype(np.int32)
    entries = {"loss": loss, "gradient_norm": loss, "symmetry_spread": loss, "n_errors": errors}
    history.extend(entries, np.zeros(a_call, dtype=np.int32))
    if first % 1_000_000 == 0:
        view = history.view()  # a reader that looks now and then
grown, view = peak() - before, history.view()
assert view.n_entries == n
assert view.loss_rises.tolist() == list(range(999, n, 1000)), len(view.loss_rises)
assert view.error_rises.tolist() == [k for k in range(3, n, 5000)], len(view.error_rises)
steps, values = view.decimated("loss", 0, n - 1, 1000)
assert values.max() == history["loss"].max() and values.min() == history["loss"].min()
print(grown)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_ten_million_steps_fit_and_no_rise_is_lost():
    """In a process of its own, by what the system says it held at most; reading views on the way."""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", HISTORY], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 250 * MB < int(done.stdout) <= 300 * MB
