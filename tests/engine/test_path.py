"""The path walked: evenly spread checkpoints within a fixed memory, whatever happens along the way."""

from __future__ import annotations

import numpy as np
import pytest

from engine.path import Path


def walk(path: Path, n_steps: int, theta: np.ndarray) -> None:
    """Go from checkpoint to checkpoint up to step n_steps; theta[0] is the number of the step."""
    step = 0
    path.add(0, theta, 0.0)
    while step < n_steps:
        step = min(n_steps, step + path.steps_to_next(step))
        theta[0] = step
        path.add(step, theta, float(step))


def test_a_short_run_keeps_every_step():
    path = Path()
    walk(path, 100, np.zeros(3))
    assert [point.step for point in path.points] == list(range(101))
    assert [point.theta[0] for point in path.points] == list(range(101))
    assert [point.loss for point in path.points] == list(range(101))


@pytest.mark.parametrize("n_steps", [511, 512, 513, 1024, 1025, 5000, 100_000])
def test_a_long_run_keeps_evenly_spaced_steps_from_the_first_on(n_steps):
    path = Path()
    walk(path, n_steps, np.zeros(3))
    steps = np.array([point.step for point in path.points])
    assert steps[0] == 0 and 256 <= len(steps) <= 512
    assert len(set(np.diff(steps))) == 1 and n_steps - steps[-1] < steps[1]
    assert [point.theta[0] for point in path.points] == steps.tolist()


@pytest.mark.parametrize("n_before", [0, 300, 511, 700])
@pytest.mark.parametrize("n_new", [0, 1, 2, 211, 212, 213, 1000, 4096])
def test_many_steps_at_once_leave_what_one_after_the_other_leaves(n_before, n_new):
    one_by_one, at_once = Path(), Path()
    for path in (one_by_one, at_once):
        walk(path, n_before, np.zeros(3))
    stride, first = at_once.stride, n_before + at_once.steps_to_next(n_before)
    steps = range(first, first + n_new * stride, stride)
    thetas = np.array([[step, 1.0, 2.0] for step in steps]).reshape(n_new, 3)
    for step, theta in zip(steps, thetas, strict=True):
        one_by_one.add(step, theta, 0.5 * step)
    at_once.extend(steps, thetas, 0.5 * np.array(steps))
    thetas[:] = 0.0  # what is kept is a copy
    got, wanted = (
        [(p.step, p.loss, p.theta.tolist()) for p in path.points] for path in (at_once, one_by_one)
    )
    assert got == wanted and at_once.stride == one_by_one.stride


def test_large_nets_keep_fewer_points():
    path, theta = Path(), np.zeros(500_000)
    walk(path, 100, theta)
    assert sum(point.theta.nbytes for point in path.points) <= 16 * theta.nbytes
    assert len(path.points) >= 8


def test_it_says_how_far_the_next_checkpoint_is():
    path = Path()
    assert path.steps_to_next(0) == path.stride == 1
    walk(path, 600, np.zeros(2))
    assert path.stride == 2
    assert [path.steps_to_next(step) for step in (600, 601, 602)] == [2, 1, 2]


def test_points_are_copies_that_nobody_can_change():
    path, theta = Path(), np.zeros(3)
    path.add(0, theta, 1.0)
    theta[:] = 5.0
    (point,) = path.points
    assert point.theta.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        point.theta[0] = 1.0
    path.add(1, theta, 1.0)
    assert path.points[0] is point


def test_a_kick_adds_a_second_point_at_the_same_step():
    path, theta = Path(), np.zeros(3)
    path.add(0, theta, 1.0)
    path.add(0, theta + 1, 2.0)
    assert [(point.step, point.loss) for point in path.points] == [(0, 1.0), (0, 2.0)]


def test_thousands_of_kicks_at_one_step_cost_no_memory_and_do_not_stop_the_record():
    path, theta = Path(), np.zeros(3)
    for kick in range(2000):
        path.add(0, theta + kick, float(kick))
    assert len(path.points) <= 512
    assert path.points[0].loss == 0.0 and path.points[-1].loss == 1999.0
    assert path.steps_to_next(0) == 1
    walk(path, 5, theta)
    assert [point.step for point in path.points if point.step] == [1, 2, 3, 4, 5]
