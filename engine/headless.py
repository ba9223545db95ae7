"""The commands of the command line. Each prints its result and returns the exit status.

0 is done, 1 means that the work failed, 2 that an argument or a file could not be used (one line on standard
error says why), 130 that Ctrl-C ended it.
"""

from __future__ import annotations

import dataclasses
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from engine import checks
from engine.console import (
    DONE,
    FAILED,
    INTERRUPTED,
    UNUSABLE,
    CommandError,
    as_target,
    command,
    number,
    reading_input,
    write,
)
from engine.cores import default_threads

if TYPE_CHECKING:  # numpy, numba and scipy come with these, and a mistyped argument need not wait for them
    from engine.commands import PauseAtRise
    from engine.config import RunConfig
    from engine.films import FilmPlan
    from engine.lessons import Lesson
    from engine.snapshot import Snapshot
    from engine.trainer import Trainer

_BUDGET_S: Final = 0.05  # training between two looks at the clock and at Ctrl-C


@command
def run(
    lesson_id: str,
    steps: str | None = None,
    settings: Sequence[str] = (),
    json: str | None = None,
    csv: str | None = None,
    save: str | None = None,
    stop_at_rise: str | None = None,
) -> int:
    """Train a lesson without a window and print what came of it.

    Args:
        lesson_id: which lesson.
        steps: number of steps as text; None for the lesson's own.
        settings: "KEY=VALUE" each.
        json, csv: files for the history, written whole or not at all.
        save: file for the run itself, which the window opens again.
        stop_at_rise: "errors", "loss" or "any": stop at the very step on which that rose; None for no such stop.
    """
    from engine import outputs, progress, report

    with reading_input():
        lesson, n_steps = _lesson_and_steps(lesson_id, steps)
        pause_at = _rises(stop_at_rise)
        config = lesson.config.with_texts(dict(map(_setting, settings)))
        given = {"json": json, "csv": csv, "save": save}
        targets = {name: as_target(name, text) for name, text in given.items() if text is not None}
        outputs.check_targets(**targets)
        with progress.notice("Loading the data and compiling the kernels ...", sys.stderr):
            trainer = _ready_trainer(config)
    trainer.apply(pause_at)
    start = trainer.snapshot()
    with _interruptible() as interrupted:
        seconds = _train(trainer, n_steps, interrupted)
    end = trainer.snapshot()
    print(report.run_report(lesson, start, end, seconds))
    if "json" in targets:
        write(targets["json"], outputs.as_json(_result(end, seconds)))
    if "csv" in targets:
        write(targets["csv"], outputs.as_csv(trainer.history))
    if "save" in targets:
        _save(targets["save"], trainer)
    return _status(end, n_steps, interrupted.is_set())


@command
def show_list() -> int:
    """Print lessons, claims and data sets, one a line."""
    from engine.claims.registry import CLAIM_IDS, load_claim
    from engine.datasets import DATASETS, is_available
    from engine.lessons import readable_lessons

    lessons, faults = readable_lessons()
    print("Lessons")
    for lesson in lessons:
        print(f"  {lesson.lesson_id:<20}{lesson.title} ({lesson.config.data})")
    print("Claims")
    for claim_id in CLAIM_IDS:
        print(f"  {claim_id:<32}{load_claim(claim_id).statement}")
    print("Data sets")
    for name, entry in DATASETS.items():
        here = "here" if is_available(name) else "not here"
        print(f"  {name:<20}{entry.description}: {here}")
    if faults:
        raise CommandError(" ".join(faults), UNUSABLE)
    return DONE


@command
def data(name: str, folder: str | None = None, download: bool = False) -> int:
    """Name the folder of a data set, download it, or tell where it is."""
    from engine.datasets import command

    meter = _Meter()
    with reading_input(), _interruptible() as interrupted:
        try:
            sentence = command.run(name, folder, download, meter.show, interrupted.is_set)
        except RuntimeError as error:
            raise CommandError(str(error), INTERRUPTED if interrupted.is_set() else FAILED) from error
        finally:
            meter.close()
    print(sentence)
    return DONE


@command
def picture(
    lesson_id: str,
    steps: str | None,
    size: str,
    out: str,
    save: Callable[[str, int, tuple[int, int], Path, str | None, str], object],
    panel: str | None = None,
    theme: str = "light",
) -> int:
    """Draw the window after some steps of a lesson into a file.

    Args:
        lesson_id, steps: as in `run`.
        size: "WxH" in pixels.
        out: the file, written whole or not at all.
        save: draws it, given lesson_id, n_steps, (width, height), a path, a panel and a theme.
        panel: id of one panel to be drawn alone; None for the window.
        theme: "light" or "dark".
    """
    from engine import outputs

    with reading_input():
        _, n_steps = _lesson_and_steps(lesson_id, steps)
        pixels, path = _size(size), as_target("out", out)
        outputs.check_targets(out=path)
    try:
        save(lesson_id, n_steps, pixels, path, panel, theme)
    except ValueError as error:
        raise CommandError(str(error), UNUSABLE) from error
    except ImportError as error:
        raise CommandError(f"Nothing can be drawn, because Qt cannot be loaded ({error}).", FAILED) from error
    except (OSError, RuntimeError) as error:
        raise CommandError(str(error), FAILED) from error
    return DONE


@command
def film(
    lesson_id: str | None,
    run_file: str | None,
    texts: Mapping[str, str | None],
    make: Callable[[str | Path, FilmPlan, Callable[[int, int], object], Callable[[], bool]], str],
) -> int:
    """Film a run from its start to one of its steps.

    Args:
        lesson_id: which lesson; None for a run that was saved.
        run_file: that run.
        texts: of the plan: out, steps, seconds, fps, size, panel, theme and spacing; None for what is usual.
        make: makes the film, given lesson or file, plan, progress and is_cancelled; returns why the run
            stopped early, or "".
    """
    from engine.progress import Progress

    with reading_input():
        source, plan = _film_source(lesson_id, run_file, texts)
    progress = Progress(plan.n_frames, "frames", sys.stderr)
    with _interruptible() as interrupted:
        try:
            reason = make(source, plan, lambda n_done, n_frames: progress.show(n_done), interrupted.is_set)
        except (ValueError, TypeError) as error:
            raise CommandError(str(error), UNUSABLE) from error
        except ImportError as error:
            raise CommandError(
                f"Nothing can be filmed, because Qt cannot be loaded ({error}).", FAILED
            ) from error
        except OSError as error:
            raise CommandError(
                f"{plan.out} could not be written: {error.strerror or error}.", FAILED
            ) from error
        except RuntimeError as error:
            raise CommandError(str(error), INTERRUPTED if interrupted.is_set() else FAILED) from error
        finally:
            progress.close()
    print(f"{plan.n_frames:,} frames, from step 0 to step {plan.n_steps:,}, are in {plan.out}.")
    if reason:
        print(f"The last of them show where the run stopped. {reason}")
    return DONE


@command
def window(
    lesson_id: str | None,
    run_file: str | None,
    has_screen: Callable[[], bool],
    open_window: Callable[[str, Path | None], int],
) -> int:
    """Open the window on a lesson, or train it here where there is no screen.

    Args:
        lesson_id: which lesson; None for the default.
        run_file: a run to open instead of the lesson's start; None for none.
        has_screen: whether a window could be seen; ImportError where Qt is not there or not complete.
        open_window: shows the window and returns the exit status when it was closed.
    """
    from engine import lessons

    chosen = lessons.DEFAULT if lesson_id is None else lesson_id
    with reading_input():
        lessons.load_lesson(chosen)
        path = _run_file(run_file)
    try:
        if has_screen():
            return open_window(chosen, path)
        reason = "There is no screen to open a window on"
    except ImportError as error:
        reason = f"The window cannot be opened, because Qt cannot be loaded ({error})"
    print(f"{reason}; the lesson {chosen!r} is trained here instead.", flush=True)
    return run(chosen)


def _rises(name: str | None) -> PauseAtRise:
    from engine.commands import PauseAtRise

    if name not in (None, "errors", "loss", "any"):
        raise ValueError(f"--stop-at-rise must be errors, loss or any, not {name!r}.")
    return PauseAtRise(errors=name in ("errors", "any"), loss=name in ("loss", "any"))


def _ready_trainer(config: RunConfig) -> Trainer:
    """Return the Trainer of a config at its start, with every kernel that a step needs compiled."""
    from engine.kernels.cache import is_compiled

    if not is_compiled():  # asked before the import below compiles the first of them
        print("Compiling the kernels, once after an installation: about half a minute.", file=sys.stderr)
    from engine.trainer import Trainer

    trainer = Trainer.from_config(config, default_threads())
    trainer.load_kernels()  # compiling is no part of the speed that is reported
    return trainer


def _train(trainer: Trainer, n_steps: int, interrupted: threading.Event) -> float:
    """Take n_steps steps unless interrupted, and return how many seconds that took."""
    from engine.commands import Pause, Step
    from engine.progress import Progress
    from engine.snapshot import State

    if not n_steps:
        return 0.0
    progress, started = Progress(n_steps, "steps", sys.stderr), time.perf_counter()
    trainer.apply(Step(n_steps))
    while trainer.state is State.RUNNING:
        trainer.advance(_BUDGET_S)
        progress.show(trainer.n_steps, f"loss {trainer.history['loss'][-1]:.4g}")
        if interrupted.is_set():
            trainer.apply(Pause())
    progress.close()
    return time.perf_counter() - started


def _save(path: Path, trainer: Trainer) -> None:
    from engine.run_files import save_run

    try:
        save_run(path, trainer.record())
    except OSError as error:
        raise CommandError(f"{path} could not be written: {error.strerror or error}.", FAILED) from error


def _status(end: Snapshot, n_steps: int, is_interrupted: bool) -> int:
    from engine.snapshot import State

    if end.state is State.STOPPED:
        raise CommandError(end.reason, FAILED)
    if is_interrupted:
        sentence = f"Stopped by Ctrl-C after {end.n_steps:,} of {n_steps:,} steps."
        raise CommandError(sentence, INTERRUPTED)
    return DONE


def _result(end: Snapshot, seconds: float) -> dict[str, object]:
    from engine.outputs import JSON_SERIES

    settings = dataclasses.asdict(end.config)
    return {
        "lesson": settings.pop("lesson"),
        "settings": settings,
        "n_steps": end.n_steps,
        **{name: end.history[name].tolist() for name in JSON_SERIES},
        "seconds": seconds,
        "steps_per_second": end.n_steps / seconds if seconds else 0.0,
        "arithmetic": end.config.arithmetic,
    }


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets; a second Ctrl-C, from somebody who cannot wait, ends the program."""
    interrupted = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupted.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


class _Meter:
    """Progress of a download, whose size is known only when it begins."""

    def __init__(self) -> None:
        from engine.progress import Progress

        self._make = Progress
        self._progress: Progress | None = None

    def show(self, n_done: int, n_total: int) -> None:
        """Show done and total bytes, in kB."""
        if self._progress is None:
            self._progress = self._make(max(1, n_total // 1000), "kB", sys.stderr)
        self._progress.show(n_done // 1000)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.close()


def _run_file(text: str | None) -> Path | None:
    """Return the path of a run to be opened; ValueError unless there is such a file."""
    if text is None:
        return None
    path = as_target("open", text)
    if not path.is_file():
        raise ValueError(f"--open must name a file that a run was saved to; there is no file {path}.")
    return path


def _lesson_and_steps(lesson_id: str, steps: str | None) -> tuple[Lesson, int]:
    from engine.lessons import load_lesson

    lesson = load_lesson(lesson_id)
    if steps is None:
        return lesson, lesson.n_steps
    return lesson, checks.whole_number("--steps", number(steps), at_least=0)


def _film_source(
    lesson_id: str | None, run_file: str | None, texts: Mapping[str, str | None]
) -> tuple[str | Path, FilmPlan]:
    """Return what is filmed and how; ValueError or TypeError names what will not do."""
    from engine.films import FilmPlan
    from engine.outputs import check_targets

    if (lesson_id is None) == (run_file is None):
        raise ValueError("film must be given either a lesson or --open RUN.")
    given = {name: text for name, text in texts.items() if text is not None}
    path = as_target("out", given.pop("out"))
    options: dict[str, Any] = {name: given[name] for name in ("panel", "theme", "spacing") if name in given}
    if "seconds" in given:
        options["seconds"] = _real(given["seconds"])
    if "fps" in given:
        options["fps"] = number(given["fps"])
    if "size" in given:
        options["size"] = _size(given["size"])
    source, n_steps = _run_to_film(lesson_id, run_file, given.get("steps"))
    plan = FilmPlan(path, n_steps, **options)
    check_targets(out=path)
    return source, plan


def _run_to_film(lesson_id: str | None, run_file: str | None, steps: str | None) -> tuple[str | Path, int]:
    if lesson_id is not None:
        return lesson_id, _lesson_and_steps(lesson_id, steps)[1]
    path = _run_file(run_file)
    assert path is not None
    if steps is not None:
        return path, checks.whole_number("--steps", number(steps), at_least=1)
    from engine.run_files import open_run

    return path, open_run(path).n_steps


def _real(text: str) -> float | str:
    """Return text as a number where it is one; else as it is, for the check to name."""
    try:
        return float(text)
    except ValueError:
        return text


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set must be followed by KEY=VALUE, as in --set learning_rate=0.2, not {text!r}.")
    return key.strip(), value


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,6})[xX]([0-9]{1,6})", text)
    if not found:
        raise ValueError(f"--size must be WxH in pixels, as 1280x720, not {text!r}.")
    return int(found[1]), int(found[2])
