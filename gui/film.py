"""A film of a run: the run is gone through again in a window without a screen, and photographed on its way.

The frames are what `gui.picture` draws at those steps. A run that somebody had in a window is replayed with all
that was changed on the way, from a run file; the run itself is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands import Change, Command, GoTo, OpenRun, Reset
from engine.films import FilmPlan
from engine.lessons import DEFAULT, load_lesson
from engine.outputs import check_target, replacing
from engine.snapshot import Snapshot, State
from gui import film_files, stage

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from gui.panel_looks import Looks
    from gui.window import Window

Events = Sequence[tuple[int, Change]]
"""(step, command) of whatever changed a run."""
Note = Callable[[int, int], object]
"""Told how many frames are done, and how many there will be."""


class FilmCancelledError(RuntimeError):
    """Somebody cancelled the film; nothing of it is left."""


def make_film(
    source: str | Path,
    plan: FilmPlan,
    note: Note = lambda n_done, n_frames: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    looks: Path | None = None,
    panel_looks: Looks | None = None,
) -> str:
    """Write a film, whole or not at all, and return why the run stopped before its end, or "".

    Args:
        source: the id of a lesson, or a file that a run was saved to.
        plan: which frames, and where they go. A run that diverges stands still from there on.
        note: called after each frame.
        is_cancelled: asked all the time; once it is true, FilmCancelledError ends the work.
        looks: a file of `WindowMemory` with the places of the panels; None for the first places.
        panel_looks: what is chosen in the panels, as `looks_of` has it; None for what they begin with.

    Raises:
        ValueError: one sentence, for a lesson, a file or a panel that will not do, or without the package av.
        OSError: when the film cannot be written, though it could be begun.
        RuntimeError: one sentence, when the engine cannot run it.
    """

    def check() -> None:
        if is_cancelled():
            raise FilmCancelledError("The film was cancelled; nothing was written.")

    film_files.check_library()
    check_target("out", plan.out)
    lesson = load_lesson(source if isinstance(source, str) else DEFAULT)
    events = () if isinstance(source, str) else _events(source, plan.n_steps)
    check()  # what follows cannot be cut short for seconds
    with stage.quiet():
        window = stage.open_offscreen(lesson, plan.size)
        try:
            if looks is not None:
                _arrange(window, looks)
            stage.dress(window, plan.theme)
            replay = Replay(window, events, plan.n_steps, check)
            replay.open(None if isinstance(source, str) else source)
            drawn = stage.choose(window, plan.panel, plan.size)
            if panel_looks:
                _choose_in(window, replay, panel_looks, check)
            replay.rewind()
            _shoot(window, drawn, replay, plan, note, check)
            return replay.reason
        finally:
            window.close()


def _events(path: Path, n_steps: int) -> Events:
    """Return what changed a saved run; ValueError where it is none or has fewer steps."""
    from engine.run_files import open_run

    try:
        trainer = open_run(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from error
    if trainer.n_steps < n_steps:
        raise ValueError(
            f"steps must be at most {trainer.n_steps:,}, the length of that run, not {n_steps:,}."
        )
    return tuple(trainer.events)


def _arrange(window: Window, looks: Path) -> None:
    from gui.memory import WindowMemory

    WindowMemory(looks).arrange(window)


def _choose_in(window: Window, replay: Replay, panel_looks: Looks, check: stage.Check) -> None:
    """Choose in the panels what is to be chosen, and draw the pictures that do not follow the run where they were."""
    from gui.panel_looks import restore_looks

    restore_looks(window.panels, panel_looks, window.bridge.snapshot)
    for panel in window.panels:
        step = panel_looks.get(panel.panel_id, {}).get("held_step")
        if step is not None and replay.stand_at(step) and panel.is_seen:
            panel.recompute()
            stage.settle(window, check)


def _shoot(
    window: Window, drawn: QWidget, replay: Replay, plan: FilmPlan, note: Note, check: stage.Check
) -> None:
    """Photograph one frame after the other of what is drawn in a window into the file."""
    shown, pixels = -1, None
    with (
        replacing(plan.out.absolute()) as temporary,
        film_files.open_film(temporary, plan.size, plan.fps, check) as add,
    ):
        for number, step in enumerate(plan.steps(), start=1):
            check()
            if step != shown and not replay.reason:
                replay.go_to(step)
                stage.settle(window, check)
                shown, pixels = step, _frame(drawn, plan.size)
            assert pixels is not None  # the first frame is never one that was shown
            add(pixels)
            note(number, plan.n_frames)


def _frame(drawn: QWidget, size: tuple[int, int]) -> film_files.Pixels:
    """Return a picture in the size asked for; ValueError where the widget cannot be as small."""
    least = drawn.minimumSizeHint()
    if least.width() > size[0] or least.height() > size[1]:
        raise ValueError(
            f"size must be at least {least.width()}x{least.height()} for what is filmed, not {size[0]}x{size[1]}."
        )
    drawn.setFixedSize(*size)  # a text that grows later must not change the frame
    return stage.photograph(drawn)


class Replay:
    """Takes a window through a run once more, with the changes that somebody made on the way.

    Args:
        window: where it is replayed; its engine is started.
        events: the changes, in their order.
        n_steps: the last step; what was changed there belongs to it.
        check: what it raises ends a wait.
    """

    def __init__(
        self, window: Window, events: Events, n_steps: int, check: stage.Check = stage.never
    ) -> None:
        self._window = window
        self._events = list(events)
        self._n_steps = n_steps
        self._check = check

    @property
    def reason(self) -> str:
        """Why the run has stopped, in one sentence, or ""."""
        report = self._window.bridge.newest
        return report.message if report is not None and report.state is State.STOPPED else ""

    def open(self, run_file: Path | None) -> None:
        """Wait for the lesson that the window has, or for a run file, at the end of that run."""
        stage.wait_for_run(self._window, self._check)
        if run_file is not None:
            first = self._snapshot.run_id
            self._send(OpenRun(str(run_file)), lambda: self._snapshot.run_id > first)

    def stand_at(self, step: int) -> bool:
        """Go to a step of the run; return whether there is one of that number."""
        if step > self._snapshot.furthest:
            return False
        self._move(GoTo(step))
        return True

    def rewind(self) -> None:
        """Go to the start, from which it is gone through again."""
        self._move(Reset())

    def _move(self, command: Command) -> None:
        generation = self._snapshot.generation
        self._send(command, lambda: self._snapshot.generation > generation)

    def go_to(self, step: int) -> None:
        """Train to a step, and change on the way what was changed there: before the step after it was taken."""
        while self._events and self._is_due(self._events[0][0], step):
            at, event = self._events.pop(0)
            stage.train_to(self._window, at, self._check)
            self._change(event)
        stage.train_to(self._window, step, self._check)

    def _is_due(self, at: int, step: int) -> bool:
        return at < step or at == step == self._n_steps

    def _change(self, event: Change) -> None:
        """Send a change while the engine waits: the report that follows is its answer."""
        before = self._window.bridge.newest
        self._send(event, lambda: self._window.bridge.newest is not before)

    def _send(self, command: Command, is_done: Callable[[], bool]) -> None:
        """Send a command and wait until it is carried out; RuntimeError with the engine's sentence if it is not."""

        def has_answer() -> bool:
            for refusal in self._window.bridge.newest.refusals if self._window.bridge.newest else ():
                if refusal.command is command:
                    raise RuntimeError(refusal.sentence)
            return is_done()

        self._window.bridge.send(command)
        stage.wait(has_answer, self._check)

    @property
    def _snapshot(self) -> Snapshot:
        snapshot = self._window.bridge.snapshot
        if snapshot is None:
            raise RuntimeError("There is no run.")
        return snapshot
