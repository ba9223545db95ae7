"""How fast the window draws, and what it costs training: a benchmark with a real window, on any screen.

`python -m gui.speed [WORK ...] [--json FILE]` measures and prints a table; on a machine without a screen run
it under `xvfb-run -a -s "-screen 0 1920x1080x24"`, on two cores by `taskset -c 0,1`. Works: digits, mnist
(frames, training, clicks on Pause), hidden (panels that nobody sees), start (until the window is there), memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.cores import default_threads, usable_cores

if TYPE_CHECKING:
    from gui.speed_frames import Click, Round

N_STEPS: Final = 1_000_000
"""Steps of history that the runs have when they are measured."""

WORKS: Final = ("digits", "mnist", "hidden", "start", "memory")
_LABELS: Final = {
    "digits": "64-32-10 on digits",
    "mnist": "784-100-10 on MNIST",
    "hidden": "hidden panels",
    "start": "start",
    "memory": "memory, 64-32-10 on digits",
}

_ROUNDS: Final = {"digits": 4, "mnist": 2, "hidden": 4}
"""On MNIST the landscape takes half a minute between two rounds."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: of which work, what it is, how much, and what was wanted (None where nothing was).

    Attributes:
        at_most: whether wanted is an upper bound.
    """

    work: str
    what: str
    value: float
    unit: str
    wanted: float | None = None
    at_most: bool = True

    @property
    def is_missed(self) -> bool:
        """Whether the figure is not what was wanted."""
        if self.wanted is None:
            return False
        return self.value > self.wanted if self.at_most else self.value < self.wanted


def frame_lines(work: str, rounds: Sequence[Round], clicks: Sequence[Click]) -> list[Line]:
    """Return the figures of a work with frames: medians over rounds, the longest gap of all of them."""

    def median(of: Callable[[Round], float]) -> float:
        return statistics.median(map(of, rounds))

    engine, word = (sorted(getattr(click, name) for click in clicks) for name in ("engine_ms", "word_ms"))
    return [
        Line(
            work, "frames a second, median", median(lambda one: one.frames.per_s_median), "1/s", 58.0, False
        ),
        Line(work, "work a frame, median", median(lambda one: one.frames.work_median_ms), "ms"),
        Line(work, "work a frame, 95 %", median(lambda one: one.frames.work_95_ms), "ms", 8.0),
        Line(work, "longest gap", max(one.frames.longest_gap_ms for one in rounds), "ms", 60.0),
        Line(work, "window's share of a core", 100.0 * median(lambda one: one.frames.share), "%"),
        Line(work, "steps a second without the window", median(lambda one: one.alone_per_s), "1/s"),
        Line(work, "steps a second with it", median(lambda one: one.window_per_s), "1/s"),
        Line(
            work,
            "speed kept",
            100.0 * median(lambda one: one.window_per_s / one.alone_per_s),
            "%",
            95.0,
            False,
        ),
        Line(work, "click to engine standing, median", statistics.median(engine), "ms"),
        Line(work, "click to engine standing, longest", engine[-1], "ms", 50.0),
        Line(work, "click to word shown, median", statistics.median(word), "ms"),
        Line(work, "click to word shown, longest", word[-1], "ms", 50.0),
    ]


def measure_frames(work: str, options: argparse.Namespace) -> list[Line]:
    """Measure frames, training and clicks of a run."""
    from gui import speed_frames as frames
    from gui.speed_runs import long_record

    record, n_rounds = long_record(work, options.steps), options.rounds or _ROUNDS[work]
    with frames.window_with(record, work, options.size) as window:
        trainer = frames.trainer_of(record)
        # Between two steps of MNIST there is nothing new: somebody who points at a curve sees frames.
        points = work == "mnist"
        rounds = frames.measure_rounds(window, trainer, options.seconds, n_rounds, points)
        clicks = frames.measure_clicks(window, options.clicks)
    return frame_lines(work, rounds, clicks)


def measure_hidden(work: str, options: argparse.Namespace) -> list[Line]:
    """Measure what hidden panels cost beside training on digits."""
    from gui import speed_frames as frames
    from gui.speed_runs import long_record

    with frames.window_with(long_record("digits", options.steps), "digits", options.size) as window:
        cost = frames.measure_hidden(window, options.seconds, options.rounds or _ROUNDS[work])
    return [
        Line(work, f"{cost.n_panels} hidden panels, time a frame", cost.us_a_frame, "us"),
        Line(work, f"{cost.n_panels} hidden panels, work a frame more than without", cost.work_ms, "ms"),
    ]


def measure_start(work: str, options: argparse.Namespace) -> list[Line]:
    """Measure the time until the window is there."""
    from gui.speed_starts import measure_starts

    found = measure_starts(options.starts)
    lines = [
        Line(work, "to the window, warm, median", found.warm_s, "s", 0.5),
        Line(work, "to the window, warm, longest", found.warm_most_s, "s"),
    ]
    if found.cold_s is not None and found.cold_most_s is not None:
        lines.append(Line(work, "to the window, cold, median", found.cold_s, "s", 1.5))
        lines.append(Line(work, "to the window, cold, longest", found.cold_most_s, "s"))
    return lines


def measure_memory(work: str, options: argparse.Namespace) -> list[Line]:
    """Measure memory while digits train."""
    from gui import speed_frames as frames
    from gui.speed_memory import measure_memory
    from gui.speed_runs import long_record

    with frames.window_with(long_record("digits", options.steps), "digits", options.size) as window:
        found = measure_memory(window, options.minutes)
    title = f"{found.minutes:.1f} minutes"
    return [
        Line(work, f"at the beginning of {title}", found.first_mb, "MB"),
        Line(work, f"at the end of {title}", found.last_mb, "MB"),
        Line(work, "growth, straight line", found.mb_a_minute, "MB/min"),
        Line(work, "of that the record of the steps", found.history_mb_a_minute, "MB/min"),
        Line(work, "the rest", found.rest_mb_a_minute, "MB/min"),
        Line(work, "the rest, second half", found.late_rest_mb_a_minute, "MB/min", 0.5),
    ]


_MEASURES: Final[dict[str, Callable[[str, argparse.Namespace], list[Line]]]] = {
    "digits": measure_frames,
    "mnist": measure_frames,
    "hidden": measure_hidden,
    "start": measure_start,
    "memory": measure_memory,
}


def table(lines: Iterable[Line]) -> str:
    """Return the figures as a Markdown table."""
    rows = ["| work | figure | measured | wanted | |", "| --- | --- | --- | --- | --- |"]
    for line in lines:
        sign = "at most" if line.at_most else "at least"
        wanted = "" if line.wanted is None else f"{sign} {line.wanted:g} {line.unit}"
        missed = "**missed**" if line.is_missed else ""
        rows.append(
            f"| {_LABELS[line.work]} | {line.what} | {line.value:.4g} {line.unit} | {wanted} | {missed} |"
        )
    return "\n".join(rows)


def _apart(work: str, arguments: list[str]) -> list[Line]:
    """Measure one work in a process of its own, so that none inherits another's memory or caches."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        command = [sys.executable, "-m", "gui.speed", work, "--inside", "--json", str(told), *arguments]
        subprocess.run(command, check=True)
        found: list[dict[str, Any]] = json.loads(told.read_text(encoding="utf-8"))["figures"]
    return [Line(**one) for one in found]


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gui.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}; by default all")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each half of a round")
    parser.add_argument("--rounds", type=int, help="by default 4, and 2 on MNIST")
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=4.0, help="that memory is watched")
    parser.add_argument("--steps", type=int, default=N_STEPS, help="of history that the runs have")
    parser.add_argument("--size", type=_size, default=(1920, 1080), metavar="WxH")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser


def main(arguments: list[str]) -> int:
    """Run the benchmark, print the figures as a table, and write them as JSON if asked to."""
    parser = _parser()
    options = parser.parse_args(arguments)
    works = options.works or list(WORKS)
    if set(works) - set(WORKS):
        parser.error(f"WORK must be one of {', '.join(WORKS)}, not {' '.join(works)}")
    if options.inside:
        lines = _MEASURES[works[0]](works[0], options)
    else:
        kept = [argument for argument in arguments if argument not in works]
        lines = [line for work in works for line in _apart(work, _without_json(kept))]
        print(
            f"{usable_cores()} cores, {default_threads()} threads for a step, {options.steps:,} steps of history\n"
        )
        print(table(lines))
    if options.json is not None:
        told = {
            "cores": usable_cores(),
            "threads": default_threads(),
            "figures": [asdict(one) for one in lines],
        }
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 0


def _without_json(arguments: list[str]) -> list[str]:
    """Return the arguments without the file for JSON, which is for all works together."""
    if "--json" not in arguments:
        return arguments
    at = arguments.index("--json")
    return arguments[:at] + arguments[at + 2 :]


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")
    sys.exit(main(sys.argv[1:]))
