"""What keys, buttons and menus ask of the run: go, pause, step, begin again, another rate; as its lesson wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.commands import GoTo, Load, Pause, Run, SetLearningRate, Step
from engine.lessons import Lesson
from engine.snapshot import Snapshot, State
from gui.bridge import Bridge
from gui.lesson_box import LessonBox
from gui.pace_box import PaceBox
from gui.saved_points import keep_next


class RunControl(QObject):
    """Makes commands of what was pressed. A lesson that asks holds the run at its start until it is answered.

    Args:
        lesson: the lesson that runs.
        bridge: tells what the run does.
        lesson_box: tells whether an answer is wanted.
        pace: steps a second.
        bound_for: returns the step that the run is on its way to on the timeline, or None.
    """

    command_issued = Signal(object)
    """A Command."""
    problem_found = Signal(str)
    """Why a number will not do, as a sentence."""
    answer_wanted = Signal()
    """The run was to go, and its lesson wants an answer first."""
    released = Signal()
    """The lesson wants no answer any more."""

    def __init__(
        self,
        lesson: Lesson,
        bridge: Bridge,
        lesson_box: LessonBox,
        pace: PaceBox,
        bound_for: Callable[[], int | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._lesson = lesson
        self._bridge = bridge
        self._lesson_box = lesson_box
        self._pace = pace
        self._bound_for = bound_for
        self._is_held = False
        pace.show_pace(lesson.pace)
        lesson_box.answered.connect(self.let_go)
        lesson_box.skipped.connect(self.skip)
        pace.pace_changed.connect(self._keep_pace)

    def begin(self, lesson: Lesson) -> None:
        """Follow a lesson from its start, at its pace."""
        self._lesson, self._is_held = lesson, False
        self._pace.show_pace(lesson.pace)

    def run_or_pause(self) -> None:
        """Run, or pause if it runs."""
        if self._runs:
            self.command_issued.emit(Pause())
        elif self._is_free():
            self.run()

    def step(self, n_steps: int) -> None:
        """Take some steps."""
        if self._is_free():
            self.command_issued.emit(Step(n_steps))

    def run(self) -> None:
        """Run to where the lesson wants a pause, at the pace chosen."""
        self.command_issued.emit(Run(self._next_stop(), self._pace.steps_per_s))

    def skip(self) -> None:
        """Run without an answer: whoever asks for that wants the run."""
        self._is_held = self._is_held or not self._runs
        self.let_go()

    def let_go(self) -> None:
        """Start the run that waited for an answer."""
        if self._is_held:
            self._is_held = False
            self.run()
        self.released.emit()

    def stop_at(self, rise: str) -> None:
        """Ask for a stop at rises of the "errors" or the "loss", or for none of it any more."""
        snapshot = self._bridge.snapshot
        if snapshot is not None:
            changed = {rise: not getattr(snapshot.pause_at, rise)}
            self.command_issued.emit(replace(snapshot.pause_at, **changed))

    def slow_down(self) -> None:
        """Choose a slower pace than the present one."""
        snapshot = self._bridge.snapshot
        self._pace.slower(snapshot.steps_per_s if snapshot is not None else None)

    def reset(self) -> None:
        """Go back to the start with the rate in use: one compares rates from the same start.

        What there was stays: forward on the timeline, and as a branch once the run goes another way.
        """
        snapshot = self._bridge.snapshot
        self.command_issued.emit(GoTo(0))
        if snapshot is not None and snapshot.learning_rate != snapshot.config.learning_rate:
            self.set_rate(snapshot.learning_rate)

    def take_new_seed(self) -> None:
        """Begin anew from another start."""
        self._reload(lambda snapshot: {"seed": snapshot.config.seed + 1})

    def use_data(self, name: str) -> None:
        """Begin anew on another data set."""
        self._reload(lambda snapshot: {"data": name, "n_samples": None})

    def set_rate(self, rate: float) -> None:
        """Go on with another rate."""
        self.command_issued.emit(SetLearningRate(rate))

    def scale_rate(self, shown: float | None, factor: float) -> None:
        """Multiply the rate that is shown; None where none is."""
        if shown is None:
            return
        try:
            self.set_rate(shown * factor)
        except (ValueError, TypeError) as error:
            self.problem_found.emit(str(error))

    def halve_and_go_on(self) -> None:
        """Do what is offered where a run has diverged."""
        snapshot = self._bridge.snapshot
        if snapshot is not None and snapshot.suggested_rate is not None:
            self.set_rate(snapshot.suggested_rate)
            self.run()

    def save_point(self) -> None:
        """Keep the present point for the landscape."""
        if self._bridge.snapshot is not None:
            self.command_issued.emit(keep_next(self._bridge.snapshot))

    @property
    def _runs(self) -> bool:
        """Whether the run goes, and is not about to be held by a step that was asked for on the timeline."""
        newest = self._bridge.newest
        return newest is not None and newest.state is State.RUNNING and self._bound_for() is None

    def _place_in(self, snapshot: Snapshot) -> int:
        """Return the step from which the run is going to go on."""
        bound_for = self._bound_for()
        return snapshot.n_steps if bound_for is None else bound_for

    def _next_stop(self) -> int | None:
        """Return the step at which the lesson wants the run to pause."""
        snapshot = self._bridge.snapshot
        if snapshot is None or snapshot.config.lesson != self._lesson.lesson_id:
            return None
        return self._lesson.next_stop(self._place_in(snapshot))

    def _is_free(self) -> bool:
        """Whether a run may go."""
        snapshot = self._bridge.snapshot
        if snapshot is None or self._place_in(snapshot) or not self._lesson_box.holds:
            return True
        self._is_held = True
        self.answer_wanted.emit()
        return False

    def _keep_pace(self) -> None:
        """Let a run under way go on at the pace chosen."""
        if self._runs:
            self.run()

    def _reload(self, changes: Callable[[Snapshot], dict[str, Any]]) -> None:
        snapshot = self._bridge.snapshot
        if snapshot is not None:
            config = snapshot.config.replace(learning_rate=snapshot.learning_rate, **changes(snapshot))
            self.command_issued.emit(Load(config))
