"""Going to a step of a run that it has been at: from the last checkpoint before it, by the very same steps."""

from __future__ import annotations

from engine.commands import Perturb
from engine.descent import Descent
from engine.run_record import RunRecord
from engine.snapshot import Point


def rewind(descent: Descent, whole: RunRecord, step: int) -> None:
    """Bring a descent to a step of a record of it, before whatever was changed there, to the last bit."""
    point = _last_usable(whole, step)
    if point is None:
        descent.restart()
    else:
        descent.stand_at_checkpoint(point, whole)
    first = descent.n_steps
    for at, change in whole.events:
        if first <= at < step:
            descent.advance_to(at)
            descent.carry_out(change)
    descent.advance_to(step)


def _last_usable(whole: RunRecord, step: int) -> Point | None:
    """Return the last checkpoint up to a step that no kick touched; None stands for the start."""
    kicked = {at for at, change in whole.events if isinstance(change, Perturb)}
    usable = [point for point in whole.path if 0 < point.step <= step and point.step not in kicked]
    return usable[-1] if usable else None
