"""What a run came to, in words for a terminal; plain ASCII, since not every terminal has more."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.config import RunConfig
from engine.lessons import Lesson
from engine.progress import duration
from engine.snapshot import Snapshot, State

_LABEL_WIDTH: Final = 16


def run_report(lesson: Lesson, start: Snapshot, end: Snapshot, seconds: float) -> str:
    """Return the result of a run, a line a quantity; start and end are its first and its last snapshot."""
    lines = {
        "settings": settings_line(end),
        "loss": _loss(start, end),
        "errors": _errors(start, end),
        "gradient": _gradient(start, end),
        "loss rose": _rises(end.history.loss_rises, end.n_steps),
        "errors rose": _rises(end.history.error_rises, end.n_steps, " while the loss fell"),
        "hidden units": _units(end),
        "stopped": end.reason if end.state is State.PAUSED else "",
        "speed": speed_line(end.n_steps, seconds),
    }
    body = [f"  {label:<{_LABEL_WIDTH}}{text}" for label, text in lines.items() if text]
    return "\n".join([lesson.title, *body])


def settings_line(snapshot: Snapshot) -> str:
    """Return the settings that matter most, in one line."""
    net, config = snapshot.net, snapshot.config
    sizes = "-".join(map(str, net.layer_sizes))
    activation = "/".join(dict.fromkeys(net.activation)) or "no hidden layer"
    parts = [
        f"{config.data}, {snapshot.data.n_samples:,} samples",
        f"{sizes} {activation}",
        config.loss,
        f"{_start(config)}, seed {config.seed}",
        f"rate {config.learning_rate:g}",
        f"batch {config.batch_size:,}" if config.batch_size else "full batch",
        f"{config.dtype}, {config.arithmetic}",
    ]
    return "; ".join(parts)


def speed_line(n_steps: int, seconds: float) -> str:
    """Return steps per second and the time taken."""
    if not n_steps:
        return "no step was taken"
    return f"{n_steps / max(seconds, 1e-9):,.4g} steps/s, {_steps(n_steps)} in {duration(seconds)}"


def errors_text(snapshot: Snapshot) -> str:
    """Return the number of errors, or "tied" where all outputs are equal and no class was chosen at all."""
    if snapshot.n_tied == snapshot.data.n_samples:
        return "tied"
    tied = f" ({snapshot.n_tied:,} of all are tied)" if snapshot.n_tied else ""
    return f"{snapshot.n_errors:,}{tied}"


def _start(config: RunConfig) -> str:
    if config.init == "constant":
        return f"every parameter {config.init_value:g}"
    return f"normal, scale {config.init_scale:g}" if config.init == "normal" else config.init


def _loss(start: Snapshot, end: Snapshot) -> str:
    text = f"{start.loss:.4g} at the start"
    return f"{text}, {end.loss:.4g} after {_steps(end.n_steps)}" if end.n_steps else text


def _gradient(start: Snapshot, end: Snapshot) -> str:
    """Return the length of the gradient of the mean loss by the parameters that are trained."""
    text = f"length {start.gradient_norm:.4g} at the start"
    return f"{text}, {end.gradient_norm:.4g} after {_steps(end.n_steps)}" if end.n_steps else text


def _errors(start: Snapshot, end: Snapshot) -> str:
    text = f"{errors_text(start)} at the start"
    if end.n_steps:
        text += f", {errors_text(end)} after {_steps(end.n_steps)}"
    return f"{text}, of {end.data.n_samples:,}"


def _rises(steps: npt.NDArray[np.int32], n_steps: int, addition: str = "") -> str:
    if not n_steps:
        return ""
    if not len(steps):
        return f"on no step{addition}"
    where = (
        f"step {steps[0]:,}" if len(steps) == 1 else f"first on step {steps[0]:,}, last on step {steps[-1]:,}"
    )
    return f"on {_steps(len(steps))}{addition}: {where}"


def _units(end: Snapshot) -> str:
    if end.net.n_hidden == 0 or max(end.net.layer_sizes[1:-1]) < 2:
        return ""
    spread = float(end.history["symmetry_spread"][-1])
    if spread == 0.0:
        return "identical to the last bit"
    return f"different, by at most {spread:.3g} in a weight"


def _steps(n: int) -> str:
    return f"{n:,} step" if n == 1 else f"{n:,} steps"
