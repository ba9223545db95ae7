"""What each step of a run promised and kept, read off a snapshot's history alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.snapshot import Snapshot
from engine.step_curvature import curvature_along, curvature_rounding
from gui import numerals

FloatArray = npt.NDArray[np.float64]

_SURE: Final = 0.1
"""A curvature is told when rounding of the losses is at most this share of it, or of 2 / rate."""
_FLOAT32_TIMES: Final = float(np.finfo(np.float32).eps / np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class StepCertificate:
    """One full-batch step, measured; see `engine.certificate`.

    Attributes:
        step: the step; the numbers are of the move from entry step - 1 to entry step.
        learning_rate: of the step.
        promised: rate ||g||^2, the drop if the loss were a plane.
        drop: how far the loss fell; below 0 where it rose.
        curvature: along the step; NaN where rounding hides it.
        rounding: how far off the curvature may be.
    """

    step: int
    learning_rate: float
    promised: float
    drop: float
    curvature: float
    rounding: float = 0.0

    @property
    def limit(self) -> float:
        """2 / rate: the step falls exactly when the curvature along it is below."""
        return 2.0 / self.learning_rate

    @property
    def is_above(self) -> bool:
        """Whether the curvature along the step was above 2 / rate."""
        return self.curvature > self.limit

    @property
    def comparison(self) -> str:
        """The curvature beside 2 / rate, as text."""
        sign = ">" if self.is_above else "=" if self.curvature == self.limit else "<"
        texts = numerals.short(self.curvature), numerals.short(self.limit)
        if self.rounding > _SURE * abs(self.curvature):  # even the sign may be rounding's
            texts = _with_rounding(self.curvature, self.rounding), texts[1]
        elif sign != "=" and texts[0] == texts[1]:
            texts = numerals.signed(f"{self.curvature:.8g}"), numerals.signed(f"{self.limit:.8g}")
        return f"curvature {texts[0]} {sign} 2/rate = {texts[1]}"

    @property
    def sentence(self) -> str:
        """What the step promised and kept, in one line."""
        moved = "fell" if self.drop >= 0.0 else "rose"
        kept = f"the loss {moved} {numerals.short(abs(self.drop))}, "
        kept += f"rate × ‖g‖² = {numerals.short(self.promised)}"
        return f"{self.brief[:-1]}{';' if math.isnan(self.curvature) else ':'} {kept}."

    @property
    def brief(self) -> str:
        """The first half of the sentence, a sentence itself."""
        if math.isnan(self.curvature):
            return f"Rounding hides the curvature at step {self.step:,}."
        comparison = f"▲ {self.comparison}" if self.is_above else f"C{self.comparison[1:]}"
        return f"{comparison} at step {self.step:,}."


def _with_rounding(number: float, rounding: float) -> str:
    """Return a number with how far off it may be: one digit of that, rounded up, and the number as far as that."""
    exponent = math.floor(math.log10(rounding))
    digit = math.ceil(rounding / 10.0**exponent * (1.0 - 1e-9))
    if not -4 <= exponent <= 3:
        return numerals.signed(f"{number:.1g} ± {digit * 10.0**exponent:.1g}")
    decimals = max(0, -exponent)
    told = round(number, -exponent) + 0.0  # no -0.00
    texts = f"{told:,.{decimals}f}", f"{digit * 10.0**exponent:,.{decimals}f}"
    return numerals.signed(" ± ".join(texts))


def why_none(snapshot: Snapshot, step: int) -> str:
    """Return why a step has no certificate, as a sentence, or ""."""
    if step < 1:
        return "No step was taken yet."
    if snapshot.takes_mini_batches(step, step)[0]:
        return "Mini-batches: a step follows the gradient of its batch, not of this loss, and promises nothing of it."
    if any(jump.step == step - 1 for jump in snapshot.history.jumps):
        return f"A kick came just before step {step:,}: no certificate."
    return ""


def certificate_of(snapshot: Snapshot, step: int) -> StepCertificate | None:
    """Return the certificate of a step, or None where `why_none` has a reason."""
    if why_none(snapshot, step):
        return None
    history, rate = snapshot.history, rate_of(snapshot, step)
    loss, norm = history["loss"][step - 1 : step + 1], history["gradient_norm"][step - 1 : step + 1]
    [curvature] = sure_curvatures(snapshot, step, step)
    [rounding] = _rounding(snapshot, loss, norm, np.array([rate]))
    promised, drop = rate * float(norm[0]) ** 2, float(loss[0]) - float(loss[1])
    return StepCertificate(step, rate, promised, drop, float(curvature), float(rounding))


def rate_of(snapshot: Snapshot, step: int) -> float:
    """Return the rate of a step that was taken, or of the next one."""
    return float(rates_of(snapshot, step, step)[0])


def rates_of(snapshot: Snapshot, first: int, last: int) -> FloatArray:
    """Return the rate of each step first .. last (included), (last - first + 1,)."""
    rates = np.full(last - first + 1, snapshot.learning_rate)
    for number, (after, rate) in enumerate(snapshot.rates):
        begin = 0 if number == 0 else max(0, after + 1 - first)
        rates[begin:] = rate
    return rates


def sure_curvatures(snapshot: Snapshot, first: int, last: int) -> FloatArray:
    """Return the curvature along each step first .. last (included, from 1), NaN where it cannot be told."""
    entries = slice(first - 1, last + 1)
    loss, norm = snapshot.history["loss"][entries], snapshot.history["gradient_norm"][entries]
    rates = rates_of(snapshot, first, last)
    curvatures, rounding = curvature_along(loss, norm, rates), _rounding(snapshot, loss, norm, rates)
    is_hidden = ~(rounding <= _SURE * np.maximum(np.abs(curvatures), 2.0 / rates))
    curvatures[is_hidden | snapshot.takes_mini_batches(first, last)] = np.nan
    for jump in snapshot.history.jumps:
        if first <= jump.step + 1 <= last:
            curvatures[jump.step + 1 - first] = np.nan
    return curvatures


def _rounding(snapshot: Snapshot, loss: FloatArray, norm: FloatArray, rates: FloatArray) -> FloatArray:
    """Return how far off the curvature along each step may be, in the run's own arithmetic."""
    rounding = curvature_rounding(loss, norm, rates)
    return rounding * _FLOAT32_TIMES if snapshot.config.dtype == "float32" else rounding
