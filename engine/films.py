"""What a film of a run is: which steps its frames show, how long they last, and which files it can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine import checks

ENDINGS: Final = (".mp4", ".gif")
SPACINGS: Final = ("linear", "log")
THEMES: Final = ("light", "dark")
DEFAULT_SIZE: Final = (1280, 720)
LONGEST_S: Final = 600.0
MOST_FPS: Final = 60
GIF_FPS: Final = 50  # a GIF counts in hundredths of a second, and browsers slow down what lasts but one
SMALLEST: Final = (960, 600)
SMALLEST_PANEL: Final = (320, 240)
LARGEST: Final = (3840, 2160)


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """A film of the first n_steps steps of a run. ValueError or TypeError in one sentence for what will not do.

    Attributes:
        out: the file; .mp4 or .gif.
        n_steps: the step that the last frame shows; the first shows step 0.
        seconds: how long it lasts; rounded to whole frames.
        fps: frames a second.
        size: (width, height) in pixels.
        panel: id of the panel that is filmed alone; None for the window.
        theme: "light" or "dark".
        spacing: "linear", as many steps from each frame to the next; or "log", many frames for the first steps.
    """

    out: Path
    n_steps: int
    seconds: float = 10.0
    fps: int = 25
    size: tuple[int, int] = DEFAULT_SIZE
    panel: str | None = None
    theme: str = "light"
    spacing: str = "linear"

    def __post_init__(self) -> None:
        checks.whole_number("steps", self.n_steps, at_least=1)
        _check_out(self.out)
        self._check_time()
        _check_size(self.size, self.out, self.panel)
        checks.choice("theme", self.theme, THEMES)
        checks.choice("spacing", self.spacing, SPACINGS)

    @property
    def n_frames(self) -> int:
        """How many frames it has."""
        return round(self.seconds * self.fps)

    def steps(self) -> tuple[int, ...]:
        """Return the step that each frame shows: 0 first, n_steps last, never falling.

        Where there are more frames than steps, some show the same step.
        """
        if self.spacing == "linear":
            return tuple(i * self.n_steps // (self.n_frames - 1) for i in range(self.n_frames))
        later = np.geomspace(1.0, self.n_steps, self.n_frames - 1) if self.n_frames > 2 else [self.n_steps]
        return 0, *(round(float(step)) for step in later)

    def _check_time(self) -> None:
        seconds = checks.real_number("seconds", self.seconds, above=0.0)
        if seconds > LONGEST_S:
            raise ValueError(f"seconds must be at most {LONGEST_S:g}, not {seconds:g}.")
        is_gif = self.out.suffix.lower() == ".gif"
        if is_gif and isinstance(self.fps, int) and GIF_FPS < self.fps <= MOST_FPS:
            raise ValueError(f"fps must be at most {GIF_FPS} for a GIF, not {self.fps}.")
        checks.whole_number("fps", self.fps, 1, MOST_FPS)
        if self.n_frames < 2:
            raise ValueError(
                f"seconds must be enough for two frames at {self.fps} a second, not {seconds:g}."
            )


def plan_as_table(plan: FilmPlan) -> dict[str, Any]:
    """Return a plan as what JSON knows."""
    return {name: getattr(plan, name) for name in FilmPlan.__slots__} | {"out": str(plan.out)}


def plan_of_table(table: dict[str, Any]) -> FilmPlan:
    """Return the plan that `plan_as_table` made a table of."""
    width, height = table["size"]
    return FilmPlan(**(table | {"out": Path(table["out"]), "size": (width, height)}))


def _check_out(out: Path) -> None:
    if out.suffix.lower() not in ENDINGS:
        raise ValueError(f"out must end in {' or '.join(ENDINGS)}, not {out.name!r}.")


def _check_size(size: tuple[int, int], out: Path, panel: str | None) -> None:
    (width, height), (least_width, least_height) = size, SMALLEST if panel is None else SMALLEST_PANEL
    if not (least_width <= width <= LARGEST[0] and least_height <= height <= LARGEST[1]):
        raise ValueError(
            f"size must lie between {least_width}x{least_height} and {LARGEST[0]}x{LARGEST[1]}, "
            f"not {width}x{height}."
        )
    if out.suffix.lower() == ".mp4" and (width % 2 or height % 2):
        raise ValueError(f"size must be two even numbers for an MP4, not {width}x{height}.")
