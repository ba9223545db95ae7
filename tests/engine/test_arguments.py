"""Arguments of another kind are named in one sentence by every public function."""

from __future__ import annotations

import numpy as np
import pytest

import engine

NET = engine.MLP((2, 3, 2))
DATA = engine.Dataset([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
THETA = NET.init("glorot_uniform", seed=0)

CALLS = {
    "align": lambda net, data: engine.align(net, THETA, THETA),
    "barrier": lambda net, data: engine.barrier(net, data, THETA, THETA),
    "clarke_residual": lambda net, data: engine.clarke_residual(net, data, THETA),
    "compare_with_flow": lambda net, data: engine.compare_with_flow(net, data, THETA, 0.1, 2),
    "DisparityMeter": lambda net, data: engine.DisparityMeter(net, data),
    "extreme_eigenpairs": lambda net, data: engine.extreme_eigenpairs(net, data, THETA),
    "features": lambda net, data: engine.features(net, data, THETA),
    "gradient_flow": lambda net, data: engine.gradient_flow(net, data, THETA, [0.0, 0.1]),
    "hessian_trace": lambda net, data: engine.hessian_trace(net, data, THETA),
    "keskar_sharpness": lambda net, data: engine.keskar_sharpness(net, data, THETA),
    "line_slice": lambda net, data: engine.line_slice(net, data, THETA, THETA, [0.0]),
    "per_example": lambda net, data: engine.per_example(net, data, THETA),
    "plane_slice": lambda net, data: engine.plane_slice(net, data, THETA, THETA, THETA, [0.0], [0.0]),
    "rescaled": lambda net, data: engine.rescaled(net, THETA, 1, 2.0),
    "sharpness": lambda net, data: engine.sharpness(net, data, THETA),
    "spectral_density": lambda net, data: engine.spectral_density(net, data, THETA),
    "train_curve": lambda net, data: engine.train_curve(net, data, THETA, THETA),
    "Trainer": lambda net, data: engine.Trainer(net, data, THETA, 0.1),
}


@pytest.mark.parametrize("wrong", [None, 3, "mnist", THETA], ids=repr)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_network_and_no_data_is_named(name, wrong):
    with pytest.raises(TypeError, match=rf"^net must be an engine\.MLP, not {type(wrong).__name__}\.$"):
        CALLS[name](wrong, DATA)
    if name not in ("align", "rescaled"):
        with pytest.raises(
            TypeError, match=rf"^data must be an engine\.Dataset, not {type(wrong).__name__}\.$"
        ):
            CALLS[name](NET, wrong)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: engine.line_slice(NET, DATA, THETA, THETA, [1j]), "alphas must be"),
        (lambda: engine.gradient_flow(NET, DATA, THETA, [1j]), "times must be"),
        (lambda: engine.numerical_rank([[1j]]), "matrix must be"),
        (lambda: engine.features(NET, DATA, THETA, layers=1), "layers must be a list"),
        (lambda: engine.curve_loss(NET, DATA, THETA), "curve must be what engine.train_curve"),
        (
            lambda: engine.Dataset([[1.0]], [0], noise=0.5),
            "noise must be an engine.noise.Noise or None, not 0.5",
        ),
        (lambda: engine.Dataset([[1.0]], [0], numbers=[0.5]), "numbers must be 1 whole numbers"),
        (lambda: engine.Dataset([[1.0]], [0], numbers=[0, 1]), "numbers must be 1 whole numbers"),
        (lambda: engine.RunConfig(hidden=3), "hidden must be a tuple, not 3"),
        (lambda: engine.RunConfig(activation="tanh"), "activation must be a tuple, not 'tanh'"),
        (lambda: engine.RunConfig(skip=None), "skip must be a tuple, not None"),
        (lambda: engine.RunConfig(data=3), "data must be text, not 3"),
        (lambda: engine.RunConfig(lesson=None), "lesson must be text, not None"),
    ],
)
def test_other_kinds_are_named(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_numpy_numbers_are_as_good_as_pythons():
    assert engine.Dataset([[1.0]], [0], numbers=np.array([7], dtype=np.int32)).numbers.tolist() == [7]
    assert engine.line_slice(NET, DATA, THETA, THETA, np.array([0, 1])).loss.shape == (2,)
