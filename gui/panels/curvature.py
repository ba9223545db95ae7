"""CurvaturePanel: extreme eigenvalues of the Hessian along the run, 2 / rate beside them, and the spectrum."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from engine.snapshot import Snapshot
from gui import numerals
from gui.findings import Findings
from gui.inquiries import Inquiry, IsCancelled
from gui.legends import Key
from gui.panel_keys import AXIS, READ, RECOMPUTE, ZOOM
from gui.panels.asking_panel import AskingPanel, corner_button, name_button
from gui.plot_pairs import PlotPair
from gui.plots import Plot, log_range
from gui.step_certificates import rates_of, sure_curvatures
from gui.symlog import SymlogPlot, fitting_unit
from gui.theme import Theme
from gui.time_plots import N_POINTS

if TYPE_CHECKING:  # numba and scipy come with them; they are imported when something is computed
    from engine.certificate import Certificate
    from engine.curvature.spectrum import SpectralDensity
    from engine.curvature.trace import Trace

FloatArray = npt.NDArray[np.float64]

_TOLERANCE: Final = 1e-6
_DENSE_UP_TO: Final = 300  # parameters up to which every diagonal element is computed for the trace
_TRACE_PROBES: Final = 30
_SPECTRUM_PROBES: Final = 10
_MARGIN: Final = 0.02
_DECADES: Final = 6.0  # of the density that are drawn
_NOTHING: Final = np.empty(0)
_STEPS_A_FRAME: Final = 100_000  # of a long run that is seen for the first time: more would be felt


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """What was found at one step.

    Attributes:
        smallest, largest: the extreme eigenvalues of the Hessian of the mean loss.
        residual: length of H v - lambda v, the larger of both.
        n_products: Hessian-vector products that they took.
        learning_rate: of the next step.
        trace: None until it is known.
        next_step: the certificate of the step that gradient descent would take here; None while unknown,
            and where its loss is not finite.
    """

    smallest: float
    largest: float
    residual: float
    n_products: int
    learning_rate: float
    trace: Trace | None = None
    next_step: Certificate | None = None


class CurvaturePanel(AskingPanel):
    """Eigenvalues of the Hessian over the steps, and their density; see `help_text`."""

    panel_id = "curvature"
    title = "Curvature"
    interval_s = 0.25
    answer_name = "the eigenvalues"
    help_text = f"""How strongly the loss bends: the largest eigenvalue of the Hessian H of the mean
loss (its "sharpness", diamonds) and the smallest one (squares), at the steps at which they were
computed. Below 0 the loss bends downwards: the point is no minimum.

Dashed: 2 / rate. On a quadratic loss gradient descent falls along an eigenvector exactly while its
eigenvalue is below 2 / rate. On a network it is a guide: a step falls exactly when the curvature along
that step is below 2 / rate (see the panel Loss), and along a step it is a mean of values that lie
between the two eigenvalues there. It is the line without symbols: every step of the run has one, read
off two losses and a gradient, but for those of mini-batches, kicks, and where rounding hides it. Large
rates often bring the sharpness up to 2 / rate and hold it there (Cohen, Kaur, Li, Kolter and Talwalkar,
"Gradient descent on neural networks typically occurs at the edge of stability", 2021).

Eigenvalues: Lanczos' method on exact products H v (Pearlmutter, "Fast exact multiplication by the
Hessian", 1994), from a fixed random start, until the residual ‖H v − λ v‖ is at most {_TOLERANCE:g}
|λ|; below {_DENSE_UP_TO} parameters all eigenvalues of the full matrix. The caption says at which step,
with which residual, and after how many products.

Trace: the sum of all eigenvalues; exact below {_DENSE_UP_TO} parameters, else Hutchinson's (1990) mean
of z H z over {_TRACE_PROBES} random vectors z of signs, with its standard error.

Next step: predicted drop = rate ‖g‖² − ½ rate² g H g, and the drop that the step would have in truth.

Spectrum: the density of all eigenvalues, by stochastic Lanczos quadrature from {_SPECTRUM_PROBES}
random vectors (Ghorbani, Krishnan and Xiao, "An investigation into neural net optimization via Hessian
eigenvalue density", 2019): the share of eigenvalues per unit, each drawn as a bell of a hundredth of
the whole width. Below a millionth of the highest value it is drawn at that value. Its largest
eigenvalues need not be exact; the diamonds' are. Computed when you press the button, for the present
step; the button also hides it again.

Follow computes anew while the run goes on, beside training, with rests. The scale is logarithmic away
from 0 and linear around it, so that both signs have a place; the right button makes it linear."""
    sources = ("exam", "minima", "convexity")
    key_table = (*READ, *ZOOM, *AXIS, *RECOMPUTE)

    def make_plots(self) -> QWidget:
        """Create both plots; see AskingPanel."""
        self.plot = SymlogPlot(self.theme, "steps", "eigenvalue", (True, False), can_be_log=True)
        self.plot.set_log(True)
        self.zero = self.plot.add_curve("muted")
        self.along = self.plot.add_curve("loss")
        self.limit = self.plot.add_curve("ceiling", is_dashed=True)
        self.largest = self.plot.add_curve("symmetry")
        self.smallest = self.plot.add_curve("gradient", is_dashed=True)
        self.largest_marks = self.plot.add_marks("symmetry", "diamond")
        self.smallest_marks = self.plot.add_marks("gradient", "square")
        self.plot.setAccessibleName("Extreme eigenvalues over the steps")
        self.spectrum = Plot(self.theme, "eigenvalue", "share per unit", can_be_log=True)
        self.spectrum.set_log(True)
        self.density = self.spectrum.add_curve("loss")
        self.spectrum_limit = self.spectrum.add_curve("ceiling", is_dashed=True)
        self.spectrum.setAccessibleName("Density of the eigenvalues")
        self.spectrum.setVisible(False)
        self.found: Findings[Curvature] = Findings()
        self._along = AlongSteps()
        self._spectral: tuple[Snapshot, SpectralDensity] | None = None
        self._spectrum_inquiry: Inquiry | None = None
        self._spectrum_problem = ""
        self._connect()
        return PlotPair(self.plot, self.spectrum)

    def corner(self) -> tuple[QWidget, ...]:
        """Return the button for the spectrum; see AskingPanel."""
        self.spectrum_button = corner_button("Spectrum", "Compute the density of all eigenvalues here.")
        self.spectrum_button.clicked.connect(self.ask_spectrum)
        return (self.spectrum_button,)

    def work(self, snapshot: Snapshot, is_cancelled: IsCancelled) -> Generator[tuple[float, Any], None, None]:
        """Yield a Curvature, first without what takes longer; see AskingPanel."""
        from engine.curvature import extreme_eigenpairs

        yield 0.0, None
        at = snapshot.net, snapshot.data, snapshot.theta
        pairs = extreme_eigenpairs(*at, tolerance=_TOLERANCE, is_cancelled=is_cancelled)
        low, high = float(pairs.smallest[0]), float(pairs.largest[0])
        found = Curvature(low, high, pairs.residual, pairs.n_products, snapshot.learning_rate)
        yield 0.6, found
        found = replace(found, next_step=_next_step(snapshot))
        yield 0.65, found
        for done, trace in _trace(snapshot):
            yield 0.65 + 0.35 * done, replace(found, trace=trace)

    def take_answer(self, snapshot: Snapshot, answer: Curvature) -> None:
        """Keep an answer and draw it; see AskingPanel."""
        known = self.found.nearest(snapshot.n_steps)
        if known is None or known[1] is not answer:
            self.found.add(snapshot, answer)
            if self._newest is not None:
                self.draw_run(self._newest)

    def draw_run(self, snapshot: Snapshot) -> None:
        """Draw what was found on this run, and 2 / rate along it; see AskingPanel."""
        self.found.keep_those_of(snapshot.history)
        if self._spectral is not None and self._spectral[0].generation != snapshot.generation:
            self._drop_spectrum()
        last = max(snapshot.n_steps, 10)
        right = numerals.round_above(last)
        x_range = -_MARGIN * right, right * (1.0 + _MARGIN)
        self.plot.move_view(x_range, self.plot.view[1])
        steps = np.array(self.found.steps, dtype=np.float64)
        largest = np.array([one.largest for one in self.found.values])
        smallest = np.array([one.smallest for one in self.found.values])
        x, limit = _limit_line(snapshot, right)
        values = np.concatenate((largest, smallest, limit))
        self.plot.y_axis.set_unit(fitting_unit(values))
        self._feed(steps, largest, smallest)
        values = np.concatenate((values, self._feed_along(snapshot)))
        self.limit.set_points(x, self.plot.to_view(limit))
        self.zero.set_points(np.array([0.0, right]), np.zeros(2))
        self.plot.move_view(x_range, self.plot.range_of(values))

    def _feed(self, steps: FloatArray, largest: FloatArray, smallest: FloatArray) -> None:
        high, low = self.plot.to_view(largest), self.plot.to_view(smallest)
        self.largest.set_points(steps, high)
        self.smallest.set_points(steps, low)
        apart = _apart(steps, self.plot)
        self.largest_marks.set_points(steps[apart], high[apart])
        self.smallest_marks.set_points(steps[apart], low[apart])

    def _feed_along(self, snapshot: Snapshot) -> FloatArray:
        """Feed the curvature along the steps in sight; return what is drawn of it."""
        (left, right), _ = self.plot.view
        steps, values = self._along.decimated(snapshot, int(left), int(right) + 1)
        self.along.set_points(steps, self.plot.to_view(values))
        return values

    def forget(self) -> None:
        """Drop everything; see AskingPanel."""
        self.found.clear()
        self._drop_spectrum()

    def keys(self) -> tuple[Key, ...]:
        """Return the entries of the legend; see AskingPanel."""
        found = self.found.values[-1] if len(self.found) else None
        rate = self._newest.learning_rate if self._newest is not None else None
        high, low = (numerals.short(found.largest), numerals.short(found.smallest)) if found else ("–", "–")
        limit = f"2/rate {numerals.short(2.0 / rate)}" if rate else "2/rate"
        along = numerals.short(self._along.last) if np.isfinite(self._along.last) else "–"
        if self.is_small:
            return (
                Key("diamond", "symmetry", high),
                Key("square", "gradient", low),
                Key("dash", "ceiling", limit),
                Key("line", "loss", f"step {along}"),
            )
        return (
            Key("diamond", "symmetry", f"largest {high}"),
            Key("square", "gradient", f"smallest {low}"),
            Key("dash", "ceiling", limit),
            Key("line", "loss", f"along the step {along}"),
        )

    def caption_text(self) -> str:
        """Return everything found last, with its step, residual and products; see AskingPanel."""
        parts = []
        if len(self.found):
            parts.append(_sentence(self.found.steps[-1], self.found.values[-1]))
        elif self._newest is not None:
            parts.append("Computing the extreme eigenvalues.")
        if self._spectrum_problem:
            parts.append(self._spectrum_problem)
        elif self._spectral is not None:
            parts.append(_spectrum_sentence(*self._spectral))
        return " ".join(parts)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        super().apply_theme(theme)
        for plot in (self.plot, self.spectrum):
            plot.apply_theme(theme)

    # The spectrum

    def ask_spectrum(self) -> None:
        """Compute the density of the eigenvalues at the present step; cancel that; hide what is computed."""
        if self._spectrum_inquiry is not None:
            self._end_spectrum_inquiry()
        elif self._has_spectrum_of(self._newest):
            self._drop_spectrum()
            self.write()
        elif self._newest is not None:
            self._spectrum_inquiry = Inquiry(self.jobs, _spectral_work, self._newest)
            self._spectrum_problem = ""
            name_button(self.spectrum_button, "Cancel")

    def _has_spectrum_of(self, snapshot: Snapshot | None) -> bool:
        known = self._spectral[0] if self._spectral is not None else None
        if known is None or snapshot is None:
            return False
        return (known.generation, known.n_steps) == (snapshot.generation, snapshot.n_steps)

    def _show_plots(self) -> None:
        """Show both plots, or the spectrum alone where there is no room for two."""
        self.spectrum.setVisible(self._spectral is not None)
        self.plot.setVisible(self._spectral is None or not self.is_small)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many plots as there is room for; see AskingPanel."""
        super().resizeEvent(event)
        self._show_plots()

    def poll(self) -> None:
        """Follow both questions; see Panel."""
        super().poll()
        if self._drawn is not None and self._along.is_behind(self._drawn):
            self.draw_run(self._drawn)
        inquiry = self._spectrum_inquiry
        if inquiry is None or self._newest is None:
            return
        if inquiry.snapshot.generation != self._newest.generation:
            self._end_spectrum_inquiry()
            return
        progress = inquiry.latest
        if progress.result is not None and not progress.error:
            self._show_spectrum(inquiry.snapshot, progress.result)
        name_button(self.spectrum_button, f"Cancel {round(100 * progress.done)} %")
        if progress.finished:
            self._spectrum_problem = progress.error
            self._end_spectrum_inquiry()
        self.write()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop computing what nobody sees."""
        super().hideEvent(event)
        self._end_spectrum_inquiry()

    def _end_spectrum_inquiry(self) -> None:
        if self._spectrum_inquiry is not None:
            self._spectrum_inquiry.cancel()
            self._spectrum_inquiry = None
        name_button(self.spectrum_button, "Spectrum")

    def _drop_spectrum(self) -> None:
        self._spectral = None
        self._spectrum_problem = ""
        self._end_spectrum_inquiry()
        self._show_plots()

    def _show_spectrum(self, snapshot: Snapshot, density: SpectralDensity) -> None:
        if self._spectral is None or self._spectral[1] is not density:
            self._spectral = (snapshot, density)
            self._draw_spectrum()

    def _draw_spectrum(self) -> None:
        if self._spectral is None:
            return
        snapshot, density = self._spectral
        x, top = density.eigenvalues, float(density.density.max())
        floor = top * 10.0**-_DECADES
        drawn = np.maximum(density.density, floor) if self.spectrum.is_log else density.density
        self.density.set_points(x, self.spectrum.to_view(drawn))
        limit = 2.0 / snapshot.learning_rate
        height = self.spectrum.to_view(np.array([floor, top]))
        right = max(x[-1], limit) if limit < 2.0 * x[-1] else x[-1]
        shown = np.array([limit, limit]) if limit <= right else _NOTHING
        self.spectrum_limit.set_points(shown, height[: len(shown)])
        pad = _MARGIN * (right - x[0])
        y_range = log_range(floor, top) if self.spectrum.is_log else (-0.03 * top, 1.05 * top)
        self.spectrum.move_view((x[0] - pad, right + pad), y_range)
        self._show_plots()

    # Reading

    def _connect(self) -> None:
        self.plot.pointed.connect(self._point_at_steps)
        self.spectrum.pointed.connect(self._point_at_spectrum)
        for signal in (self.plot.view_moved, self.plot.scale_changed):
            signal.connect(self._draw_again)
        for signal in (self.spectrum.view_moved, self.spectrum.scale_changed):
            signal.connect(self._draw_spectrum)

    def _draw_again(self) -> None:
        if self._newest is not None:
            self.draw_run(self._newest)

    def _point_at_steps(self, point: tuple[float, float] | None) -> None:
        known = self.found.nearest(point[0]) if point is not None else None
        self.plot.point_at(known[0] if known is not None else None)
        self.point_out(_sentence(*known) if known is not None else "")

    def _point_at_spectrum(self, point: tuple[float, float] | None) -> None:
        text, x = "", None
        if point is not None and self._spectral is not None:
            density = self._spectral[1]
            k = int(np.abs(density.eigenvalues - point[0]).argmin())
            x = float(density.eigenvalues[k])
            text = (
                f"Eigenvalue {x:.6g}: density {density.density[k]:.6g} ± {density.standard_error[k]:.2g}; "
                f"{100.0 * density.share_below(x):.4g} % of the eigenvalues are below."
            )
        self.spectrum.point_at(x)
        self.point_out(numerals.signed(text))


class AlongSteps:
    """The curvature along every step of a run, computed once for each; NaN where it cannot be told.

    Attributes:
        last: that of the last step.
    """

    def __init__(self) -> None:
        self._values: FloatArray = np.empty(0)
        self._run = (-1, -1)

    @property
    def last(self) -> float:
        """The curvature along the last step, NaN where there is none."""
        return float(self._values[-1]) if len(self._values) else np.nan

    def is_behind(self, snapshot: Snapshot) -> bool:
        """Whether there are steps that it has not read yet."""
        return len(self._values) < snapshot.n_steps and None in snapshot.batch_sizes

    def decimated(self, snapshot: Snapshot, first: int, last: int) -> tuple[FloatArray, FloatArray]:
        """Return (steps, values) of the steps first .. last as at most N_POINTS points: no extreme is lost."""
        self._read(snapshot)
        first, last = max(1, first), min(len(self._values), last)
        values = self._values[first - 1 : last]
        steps = np.arange(first, first + len(values), dtype=np.float64)
        if len(values) > N_POINTS:
            width = -(-len(values) // (N_POINTS // 2))
            starts = np.arange(0, len(values), width)
            extremes = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
            steps, values = np.repeat(steps[starts], 2), np.stack(extremes, axis=1).reshape(-1)
        known = np.isfinite(values)
        return steps[known], values[known]

    def _read(self, snapshot: Snapshot) -> None:
        run = snapshot.run_id, snapshot.generation
        if run != self._run or len(self._values) > snapshot.n_steps:
            self._run, self._values = run, np.empty(0)
        if self.is_behind(snapshot):
            done = len(self._values)
            new = sure_curvatures(snapshot, done + 1, min(snapshot.n_steps, done + _STEPS_A_FRAME))
            self._values = np.concatenate((self._values, new))


def _next_step(snapshot: Snapshot) -> Certificate | None:
    from engine.certificate import certify

    if snapshot.config.batch_size is not None:
        return None
    try:
        at = snapshot.net, snapshot.data, snapshot.theta
        return certify(*at, snapshot.learning_rate, n_points=2, train=snapshot.config.train)
    except ValueError:  # the step would lead to where the loss is not finite
        return None


def _trace(snapshot: Snapshot) -> Generator[tuple[float, Trace | None], None, None]:
    from engine.curvature.trace import iter_trace

    is_exact = snapshot.net.n_params <= _DENSE_UP_TO
    return iter_trace(snapshot.net, snapshot.data, snapshot.theta, n_probes=_TRACE_PROBES, exact=is_exact)


def _spectral_work(snapshot: Snapshot, is_cancelled: IsCancelled) -> Generator[tuple[float, Any], None, None]:
    from engine.curvature.spectrum import iter_spectral_density

    yield 0.0, None
    at = snapshot.net, snapshot.data, snapshot.theta
    yield from iter_spectral_density(*at, n_probes=_SPECTRUM_PROBES)


def _limit_line(snapshot: Snapshot, right: float) -> tuple[FloatArray, FloatArray]:
    """Return 2 / rate as a line of stairs (n,) from step 0 to the right end: the present rate goes on."""
    changes = [at for at, _ in snapshot.rates if 0 < at <= snapshot.n_steps]
    edges = sorted({0, *changes, snapshot.n_steps})
    x, y = [0.0], [2.0 / float(rates_of(snapshot, 1, 1)[0])]
    for left in edges:
        limit = 2.0 / float(rates_of(snapshot, left + 1, left + 1)[0])
        x += [float(left), float(left)]
        y += [y[-1], limit]
    return np.array([*x, right]), np.array([*y, y[-1]])


def _apart(steps: FloatArray, plot: Plot) -> npt.NDArray[np.int64]:
    """Return which steps (n,) have a symbol: with less than ten pixels each they would hide the line."""
    (left, right), _ = plot.view
    seen = np.flatnonzero((steps >= left) & (steps <= right))
    room = max(2, int(plot.getViewBox().width() // 10))
    if len(seen) <= room:
        return seen
    return seen[np.unique(np.linspace(0, len(seen) - 1, room).round().astype(np.int64))]


def _sentence(step: int, found: Curvature) -> str:
    """Return the numbers of one step with how sure they are."""
    limit = 2.0 / found.learning_rate
    sign = "above" if found.largest > limit else "below"
    text = (
        f"Step {step:,}: eigenvalues from {found.smallest:.7g} to {found.largest:.7g}, {sign} 2/rate = "
        f"{limit:.4g} (residual {found.residual:.1e}, {numerals.plural(found.n_products, 'product')})."
    )
    if found.trace is not None:
        error = "" if found.trace.is_exact else f" ± {found.trace.standard_error:.2g}"
        text += f" Trace {found.trace.value:.5g}{error}."
    if found.next_step is not None:
        one = found.next_step
        moves = "falls" if one.drop >= 0.0 else "rises"
        text += (
            f" Next step: predicted drop {one.predicted_drop:.4g}, in truth it {moves} {abs(one.drop):.4g}."
        )
    return numerals.signed(text)


def _spectrum_sentence(snapshot: Snapshot, density: SpectralDensity) -> str:
    below = 100.0 * density.share_below(-_TOLERANCE * float(np.abs(density.nodes).max()))
    return (
        f"Spectrum of step {snapshot.n_steps:,}: {below:.3g} % of the eigenvalues below 0 "
        f"({numerals.plural(density.n_probes, 'random vector')}, {density.n_products:,} products)."
    )
