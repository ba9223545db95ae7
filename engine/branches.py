"""Branches: the ways that a run has gone from one start, kept beside the one that goes on.

All here are values that never change: the Trainer replaces its `Branches` by another when one is kept,
chosen, named or removed, and a snapshot shows them without a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.changes import Events, own_words, parting_step
from engine.commands import check_name

if TYPE_CHECKING:  # these import the kernels, which take seconds; a snapshot must not
    from engine.history import HistoryView
    from engine.run_record import RunRecord

MOST: Final = 6
"""Branches of a run in all, the one that goes on included: more could not be told apart in a plot."""
MOST_ENTRIES: Final = 2**23
"""Entries of history of all kept branches together, about 300 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A way that a run has gone, as it was left.

    Attributes:
        number: from 1 to MOST; no other branch of the run has it.
        name: what it is called, or what tells it from the others.
        record: the run as it stood.
        parted_at: the last step that it shares with the run that goes on, as far as that one has come.
        partings: the last steps that it shares with each other branch that was kept, sorted.
        is_by_hand: whether a person asked for it; others are the first to go when there are too many.
        is_named: whether a person named it.
    """

    number: int
    name: str
    record: RunRecord
    parted_at: int
    is_by_hand: bool
    is_named: bool = False
    partings: tuple[int, ...] = ()

    @property
    def history(self) -> HistoryView:
        """The series of the branch, from step 0."""
        return self.record.history

    @property
    def n_steps(self) -> int:
        """The step at which it was left."""
        return self.record.n_steps


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """All branches of a run but the one that goes on, and number and name of that one.

    Attributes:
        kept: oldest first.
        number, name: of the run that goes on; name is "" while nothing tells it from the others.
        is_named: whether a person named it.
    """

    kept: tuple[Branch, ...] = ()
    number: int = 1
    name: str = ""
    is_named: bool = False

    @property
    def n_beyond(self) -> int:
        """Entries of all kept ones beyond MOST_ENTRIES: whoever switches keeps what is left, however long it is."""
        return max(0, sum(branch.history.n_entries for branch in self.kept) - MOST_ENTRIES)

    def with_kept(
        self, record: RunRecord, events: Events, is_by_hand: bool = False, name: str = ""
    ) -> tuple[Branches, str]:
        """Return the branches after the run left its old way, and a sentence on what had to be forgotten, or "".

        Args:
            record: the old way; it keeps the number and name that the run had.
            events: of the run that goes on, which gets a new number.
            is_by_hand: whether a person asked for it.
            name: of the run that goes on; "" names it by its changes.

        Raises:
            ValueError: there are too many, and a person asked for all of them.
        """
        check_name(name)
        room, told = self._with_room(record.history.n_entries, is_by_hand)
        old_name, new_name = room._name_of(record, events), name.strip()
        old = Branch(self.number, old_name, record, _parted_at(record, events), is_by_hand, self.is_named)
        kept = with_partings((*room.kept, old))
        free = min(set(range(1, MOST + 1)) - {branch.number for branch in kept})
        if new_name:
            new_name = room._unused(new_name, old_name)
        return Branches(kept, free, new_name, bool(new_name)).seen_from(events), told

    def seen_from(self, events: Events) -> Branches:
        """Return the same for a run that goes on with these events, named by them if nothing else names it."""
        if not self.kept:
            return self
        places = [_parted_at(branch.record, events) for branch in self.kept]
        name = self.name
        if not self.is_named:
            words = own_words(events, [branch.record.events for branch in self.kept])
            name = self._unused(words) if words else name
        if name == self.name and places == [branch.parted_at for branch in self.kept]:
            return self
        kept = tuple(
            replace(branch, parted_at=place) for branch, place in zip(self.kept, places, strict=True)
        )
        return replace(self, kept=kept, name=name)

    def begun_anew(self) -> Branches:
        """Return the same for a run that begins again: nothing tells it from the others as yet."""
        return replace(self, name="", is_named=False).seen_from(())

    def switched(self, number: int, left: RunRecord) -> tuple[Branches, RunRecord]:
        """Return the branches when another one goes on, and the record of that; the one that was left is kept."""
        chosen = self.find(number)
        old = Branch(self.number, self._name_of(left, chosen.record.events), left, 0, True, self.is_named)
        kept = with_partings((*(branch for branch in self.kept if branch is not chosen), old))
        after = Branches(kept, chosen.number, chosen.name, is_named=True)
        return replace(after.seen_from(chosen.record.events), is_named=chosen.is_named), chosen.record

    def renamed(self, number: int, name: str) -> Branches:
        """Return the branches after one of them, or the run that goes on, got another name."""
        if number == self.number:
            return replace(self, name=self._unused(name.strip(), own=number), is_named=True)
        chosen = self.find(number)
        new = replace(chosen, name=self._unused(name.strip(), own=number), is_named=True)
        return replace(self, kept=tuple(new if branch is chosen else branch for branch in self.kept))

    def without(self, number: int) -> Branches:
        """Return the branches without one of them."""
        chosen = self.find(number)
        kept = with_partings(tuple(branch for branch in self.kept if branch is not chosen))
        return replace(self, kept=kept)

    def find(self, number: int) -> Branch:
        """Return a kept branch; ValueError names those that there are."""
        if number == self.number:
            raise ValueError(f"Branch {number} is the run that goes on: switch to another branch first.")
        for branch in self.kept:
            if branch.number == number:
                return branch
        numbers = ", ".join(str(branch.number) for branch in self.kept) or "none"
        raise ValueError(f"There is no branch {number}; the branches beside the run are {numbers}.")

    def _with_room(self, n_entries: int, is_by_hand: bool) -> tuple[Branches, str]:
        """Return the branches with room for one more, and a sentence on what was forgotten for it."""
        kept, gone = list(self.kept), []
        while len(kept) > MOST - 2 or sum(b.history.n_entries for b in kept) + n_entries > MOST_ENTRIES:
            loose = next((b for b in kept if not (b.is_by_hand or b.is_named)), None)
            if loose is None:
                raise ValueError(self._too_many(len(kept), n_entries))
            kept.remove(loose)
            gone.append(f"branch {loose.number} ({loose.name})")
        told = f"A run has at most {MOST} branches; forgotten for a new one: {', '.join(gone)}."
        return replace(self, kept=tuple(kept)), told if gone else ""

    def _too_many(self, n_kept: int, n_entries: int) -> str:
        if n_kept > MOST - 2:
            return (
                f"A run has at most {MOST} branches, this one included, and all were kept or named by hand: "
                "remove one first."
            )
        remedy = "save it in a file instead" if n_entries > MOST_ENTRIES else "remove a branch first"
        return (
            f"Branches hold at most {MOST_ENTRIES:,} steps together, too few for the {n_entries - 1:,} of this "
            f"run: {remedy}."
        )

    def _name_of(self, record: RunRecord, now: Events) -> str:
        """Return the name under which the run is kept, whose other way has the events now."""
        if self.name:
            return self.name
        words = own_words(record.events, [now, *(branch.record.events for branch in self.kept)])
        return self._unused(words or f"first run, rate {record.start_config.learning_rate:.4g}")

    def _unused(self, name: str, *others: str, own: int | None = None) -> str:
        """Return a name that no branch has: the name itself, or with a number behind it."""
        used = {branch.name for branch in self.kept if branch.number != own} | set(others)
        used |= {self.name} if own not in (None, self.number) else set()
        names = (name, *(f"{name} ({k})" for k in range(2, MOST + 2)))
        return next(free for free in names if free not in used)


def _parted_at(record: RunRecord, events: Events) -> int:
    """Return the last step that a branch shares with a run of these events, however far that one has come."""
    step = parting_step(record.events, events)
    return record.n_steps if step is None else min(step, record.n_steps)


def too_long(record: RunRecord) -> str:
    """Return a sentence where a way could not be kept as a branch even if it were the only one, else ""."""
    n_entries = record.history.n_entries
    return Branches()._too_many(0, n_entries) if n_entries > MOST_ENTRIES else ""


def with_partings(kept: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """Return branches that know where they part from one another."""
    return tuple(replace(branch, partings=_partings(branch, kept)) for branch in kept)


def _partings(branch: Branch, others: Sequence[Branch]) -> tuple[int, ...]:
    """Return the last steps that a branch shares with each of the others, each once."""
    steps = {
        min(_parted_at(branch.record, other.record.events), other.n_steps)
        for other in others
        if other is not branch
    }
    return tuple(sorted(steps))


def check_numbers(numbers: Sequence[object]) -> None:
    """Raise ValueError unless these can be the numbers of the branches of a run."""
    if len(set(numbers)) != len(numbers) or not set(numbers) <= set(range(1, MOST + 1)):
        raise ValueError(f"branches must have numbers of their own from 1 to {MOST}, not {numbers}.")


def is_on_the_way(record: RunRecord, events: Events, n_steps: int) -> bool:
    """Whether a run with these events, at n_steps, is still on the way of a record and can go on along it."""
    ahead = record.events[len(events) :]
    if tuple(record.events[: len(events)]) != tuple(events) or n_steps > record.n_steps:
        return False
    return not ahead or ahead[0][0] >= n_steps
