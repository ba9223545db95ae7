"""Plans of films: which steps the frames show, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.films import FilmPlan, plan_as_table, plan_of_table


def plan(n_steps=100, **changes) -> FilmPlan:
    return FilmPlan(changes.pop("out", Path("a.mp4")), n_steps, **changes)


@pytest.mark.parametrize("spacing", ["linear", "log"])
@pytest.mark.parametrize("n_steps", [1, 2, 7, 249, 250, 10_001])
@pytest.mark.parametrize("seconds", [0.08, 0.12, 10.0])
def test_frames_go_from_the_start_to_the_last_step_and_never_back(n_steps, seconds, spacing) -> None:
    steps = plan(n_steps, seconds=seconds, spacing=spacing).steps()
    assert len(steps) == round(seconds * 25) == plan(seconds=seconds).n_frames
    assert steps[0] == 0 and steps[-1] == n_steps
    assert all(isinstance(step, int) for step in steps)
    assert list(steps) == sorted(steps)


def test_linear_steps_lie_evenly_and_log_steps_close_at_the_start() -> None:
    assert plan(40, seconds=0.2).steps() == (0, 10, 20, 30, 40)
    assert plan(1000, seconds=0.2, spacing="log").steps() == (0, 1, 10, 100, 1000)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_steps": 0}, "steps must be a whole number of at least 1, not 0"),
        ({"seconds": 0.0}, "seconds must be a finite number above 0"),
        ({"seconds": float("nan")}, "seconds must be a finite number"),
        ({"seconds": "soon"}, "seconds must be a finite number"),
        ({"seconds": 601.0}, "seconds must be at most 600, not 601"),
        ({"seconds": 0.04}, "enough for two frames at 25 a second, not 0.04"),
        ({"fps": 0}, "fps must be a whole number from 1 to 60"),
        ({"fps": "x"}, "fps must be a whole number from 1 to 60"),
        ({"fps": 51, "out": Path("a.gif")}, "fps must be at most 50 for a GIF, not 51"),
        ({"out": Path("a.avi")}, "out must end in .mp4 or .gif, not 'a.avi'"),
        ({"size": (640, 400)}, "size must lie between 960x600"),
        ({"size": (300, 240), "panel": "loss"}, "size must lie between 320x240"),
        ({"size": (1281, 720)}, "two even numbers for an MP4, not 1281x720"),
        ({"size": (100_000, 720)}, "size must lie between"),
        ({"theme": "blue"}, "theme must be one of light, dark"),
        ({"spacing": "square"}, "spacing must be one of linear, log"),
    ],
)
def test_what_will_not_do_is_named(changes, words) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        plan(**changes)
    assert words in str(caught.value)


def test_a_gif_may_have_odd_sides() -> None:
    assert plan(out=Path("a.GIF"), size=(1281, 721)).size == (1281, 721)


def test_a_plan_survives_json() -> None:
    made = plan(out=Path("x") / "a.gif", panel="loss", fps=10, theme="dark", spacing="log", size=(400, 300))
    assert plan_of_table(json.loads(json.dumps(plan_as_table(made)))) == made
