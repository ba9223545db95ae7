"""Draws the picture of branches for the user guide: the loss of a run that went three ways."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def draw(out: Path, size: tuple[int, int] = (960, 600)) -> None:
    """Train the exam's network, go back and change the rate, go back and kick it, and save the panel Loss."""
    from engine.commands import GoTo, Perturb, SetLearningRate
    from engine.lessons import load_lesson
    from gui import exports, stage

    with stage.quiet():
        window = stage.open_offscreen(load_lesson("exam"), size)
        try:
            panel = stage.choose(window, "loss", size)
            stage.wait_for_run(window)
            stage.train_to(window, 600)
            for step, change in (
                (200, SetLearningRate(0.2)),
                (300, Perturb("noise", {"scale": 0.3, "seed": 1})),
            ):
                window.bridge.send(GoTo(step))
                window.bridge.send(change)
                n_branches = len(window.bridge.snapshot.branches) + 1 if window.bridge.snapshot else 0
                stage.wait(lambda n=n_branches: len(window.bridge.snapshot.branches) == n)  # type: ignore[union-attr,misc]
                stage.train_to(window, 500)
            stage.settle(window)
            out.write_bytes(exports.picture(panel, ".png"))
        finally:
            window.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
