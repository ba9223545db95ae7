"""Where a run forks: what changes it, where it is left, and how one comes back to a way that was left."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine.branches import Branches, is_on_the_way, too_long
from engine.changes import Events, parting_step
from engine.commands import Change, SetLearningRate
from engine.descent import Descent
from engine.path import Path
from engine.rewind import rewind
from engine.run_record import RunRecord

_BRANCH_BYTES: Final = 8 * 2**20  # for the checkpoints of a branch


class Forks:
    """The ways of one run beside the one that its descent goes on.

    Attributes:
        branches: the ways that were kept, and the name of the one that goes on.
        ahead: the run as it was before one went back, as long as it can be gone along again; else None.
        notice: what was done beside what was asked for, in one sentence that somebody should read; or "".
    """

    def __init__(
        self, descent: Descent, branches: Branches | None = None, ahead: RunRecord | None = None
    ) -> None:
        self._descent = descent
        self.branches = branches or Branches()
        self.ahead = ahead
        self.notice = ""

    @property
    def furthest(self) -> int:
        """The last step that one can go to."""
        return self._descent.n_steps if self.ahead is None else self.ahead.n_steps

    def change(self, change: Change) -> None:
        """Change something from here on; a way that the run then no longer goes becomes a branch, unless too long.

        On ValueError or TypeError nothing has changed.
        """
        descent = self._descent
        if isinstance(change, SetLearningRate) and change.learning_rate == descent.settings.learning_rate:
            return
        branches, told = self._parted((*descent.events, (descent.n_steps, change)))
        descent.carry_out(change)
        self._take(branches, told)

    def branch_off(self, changes: tuple[Change, ...], name: str) -> None:
        """Carry out a `BranchOff`; on ValueError or TypeError nothing has changed."""
        descent = self._descent
        before = descent.record()
        events = (*descent.events, *((descent.n_steps, change) for change in changes))
        branches, told = self.branches.with_kept(_slim(self.ahead or before), events, True, name)
        try:
            for change in changes:
                descent.carry_out(change)
        except (ValueError, TypeError):
            descent.stand_at(before)
            raise
        self.ahead = None
        self._take(branches, told)

    def switch_to(self, number: int) -> None:
        """Carry out a `SwitchTo`; on ValueError nothing has changed."""
        left = _slim(self.ahead or self._descent.record())
        self.branches, record = self.branches.switched(number, left)
        self.ahead = None
        self._descent.stand_at(record)

    def go_to(self, step: int) -> None:
        """Carry out a `GoTo`; on ValueError nothing has changed."""
        descent = self._descent
        whole = self.ahead or descent.record()
        if step > whole.n_steps:
            raise ValueError(
                f"step must be at most {whole.n_steps:,}, the last one of this run, not {step:,}."
            )
        if descent.n_steps < step == whole.n_steps:
            descent.stand_at(whole)
        else:
            rewind(descent, whole, step)
        is_left = step < whole.n_steps or len(descent.events) < len(whole.events)
        self.ahead = whole if is_left else None
        self.branches = self.branches.seen_from(whole.events)

    def begin_anew(self) -> None:
        """Let the run begin again from its start; what was kept stays."""
        self._descent.restart()
        self.ahead, self.branches = None, self.branches.begun_anew()

    def follow(self) -> None:
        """After steps: keep the way ahead as a branch once they have led elsewhere, forget it at its end."""
        descent, ahead = self._descent, self.ahead
        if ahead is None:
            return
        if is_on_the_way(ahead, descent.events, descent.n_steps):
            if descent.n_steps == ahead.n_steps and len(descent.events) == len(ahead.events):
                self.ahead = None
            return
        try:
            self._take(*self._parted(descent.events))
        except ValueError as error:
            self.notice, self.ahead = _not_kept(str(error)), None

    def _parted(self, events: Events) -> tuple[Branches, str]:
        """Return the branches once the run has these events, with the way that it then no longer goes, if any."""
        ahead = self.ahead
        if ahead is None:
            return self.branches.seen_from(events), ""
        if is_on_the_way(ahead, events, self._descent.n_steps):
            return self.branches.seen_from(ahead.events), ""
        parted_at = parting_step(ahead.events, events)
        if parted_at is None or parted_at >= ahead.n_steps:  # it has no step of its own
            return self.branches.seen_from(events), ""
        if is_long := too_long(ahead):  # nothing that one could remove would make room
            return self.branches.seen_from(events), _not_kept(is_long)
        return self.branches.with_kept(_slim(ahead), events)

    def _take(self, branches: Branches, told: str) -> None:
        descent = self._descent
        self.branches, self.notice = branches, told or self.notice
        if self.ahead is not None and not is_on_the_way(self.ahead, descent.events, descent.n_steps):
            self.ahead = None


def _not_kept(reason: str) -> str:
    return f"The way that the run had gone before is not kept: {reason}"


def _slim(record: RunRecord) -> RunRecord:
    """Return a record with fewer checkpoints, to be kept as a branch."""
    path = Path.of(record.path, record.stride).thinned(_BRANCH_BYTES)
    return replace(record, path=path.points, stride=path.stride)
