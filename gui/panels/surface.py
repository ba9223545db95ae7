"""SurfacePanel: the loss on a plane as a surface that one can turn, with the path walked on it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engine.datasets.dataset import Dataset
from engine.landscape.scene import Scene
from engine.landscape.survey import Survey
from engine.snapshot import Snapshot
from gui.captions import Caption
from gui.colour_scales import ScaleBar
from gui.legends import Key, Legend
from gui.panel_keys import RECOMPUTE
from gui.panels.landscape import LandscapePanel
from gui.panels.landscape_choices import LandscapeControls
from gui.panels.landscape_words import is_far, point_text
from gui.surfaces import Relief, SurfaceView
from gui.theme import Theme

_HELP: Final = """\
The loss on a plane through the space of all parameters as a surface: the same numbers, the same directions and the
same path as in the panel Landscape, whose help explains them.

Across the floor: the coordinates (a, b) of θ₀ + a d₁ + b d₂. The height is the logarithm of the loss there, between
the two round ends that the numbers on the upright edge show; what is higher is cut off flat. The colour says the same
as the height (the bar has its numbers, and a diamond at the present loss). Brightness is only light from the upper
left, by Lambert's law, n · l, half of it everywhere: a cell's slope can be seen, no number. Each of the 50 × 50 cells
between 51 × 51 computed points has one colour; the view is parallel, so that equal heights look equal, near and far.
Lines on the surface join points of equal loss. Undersides lie in the shade. Where the loss is not a finite
number there is a hole.

The line with a square (start) and a diamond (now) is the path walked, projected on the plane and laid on the surface.
It is dotted where a hill hides it, and dashed where it runs far from the plane: its own losses were then not those of
the surface under it. A surface over two directions says nothing of the others: the text says which share of the
gradient and of the path lies in them.

"Follow" and "Recompute" as in the panel Landscape."""

_KEYS: Final = (Key("line", "path", "path"), Key("box", "path", "start"), Key("diamond", "path", "now"))


class SurfacePanel(LandscapePanel):
    """The landscape's plane as a surface; it asks as that panel does and draws otherwise. See `help_text`."""

    panel_id = "surface"
    title = "Surface"
    help_text = _HELP
    sources = ("skips",)
    key_table = (
        ("Arrows, drag", "Turn"),
        ("Shift and arrows, pointer", "Read the exact loss and errors at a computed point"),
        ("+, −, wheel", "Zoom"),
        ("Home, double click", "The first view"),
        *RECOMPUTE,
    )

    def build(self, layout: QVBoxLayout) -> None:
        """Create the widgets; see Panel."""
        self.controls = LandscapeControls()
        self.legend = Legend(self.theme)
        self.legend.set_keys(*_KEYS)
        self.surface = SurfaceView(self.theme)
        self.bar = ScaleBar(self.theme, "loss")
        self.caption = Caption()
        self._lay_out(layout)
        self.controls.asked.connect(self.recompute)
        self.controls.point_saved.connect(self.save_point)
        self.surface.pointed.connect(self._point_at_surface)
        self._begin()

    def iter_answers(
        self, data: Dataset, view: str, scene: Scene
    ) -> Generator[tuple[float, Survey | None], None, None]:
        """Yield the answers to a question; the renderer is compiled first, where nobody waits for it."""
        from engine.kernels.zbuffer import prepare

        yield 0.0, None
        prepare()
        yield from super().iter_answers(data, view, scene)

    def apply_theme(self, theme: Theme) -> None:
        """Set the colours; see Panel."""
        for part in (self.legend, self.surface, self.bar):
            part.apply_theme(theme)

    # What is drawn

    def _show_plane(self, survey: Survey) -> None:
        self.plots.setVisible(True)
        self.legend.setVisible(True)
        view, loss = survey.view, survey.plane.filled_loss()
        # A hill that is cut off flat would look like a plain: unlike that of the map, this scale gives way.
        if self._is_cut(survey):
            self._scale = None
        self._scale = self._scale_for(survey, loss)
        relief = Relief(view.alphas, view.betas, loss, self._scale)
        self.surface.show_relief(relief, (view.x_label, view.y_label, f"loss ({self._unit()})"))
        self.bar.set_scale(self._scale, is_clipped=self._is_cut(survey))

    def _is_cut(self, survey: Survey) -> bool:
        """Whether part of the surface is higher than the scale."""
        loss = survey.plane.filled_loss()
        return self._scale is not None and bool(
            np.where(np.isfinite(loss), loss, 0.0).max() > self._scale.high
        )

    def _show_line(self, survey: Survey) -> None:
        """Show nothing: the cut along a line is for the other panel."""

    def _draw_path(self, snapshot: Snapshot) -> None:
        """Move the path and its end: what the surface was computed for stays, the run goes on."""
        survey = self._survey
        if survey is None:
            return
        known, plane = self._walked, survey.view.plane
        self._walked = {point: known.get(point) or plane.project(point.theta) for point in snapshot.path}
        x, y, away = np.array([*self._walked.values(), plane.project(snapshot.theta)]).T
        self.surface.show_path(x, y, is_dashed=is_far(survey, away.max()))

    def _clear(self) -> None:
        self._survey = self._shown_for = None
        self._walked = {}
        self.plots.setVisible(False)
        self.legend.setVisible(False)
        self.surface.clear()
        self.bar.set_scale(None)

    def _caption_text(self) -> str:
        text = super()._caption_text()
        survey = self._survey
        if survey is None or self._error_text or not survey.plane.known.any():
            return text
        cut = "; what is higher is cut off flat" if self._is_cut(survey) else ""
        return f"{text} Height: the same{cut}."

    def _point_at_surface(self, place: tuple[int, int] | None) -> None:
        survey, text = self._survey, ""
        if place is not None and survey is not None and survey.plane.known[place]:
            plane, (i, j) = survey.plane, place
            at = f"({plane.alphas[i]:.4g}, {plane.betas[j]:.4g})"
            text = point_text(at, plane.loss[i, j], plane.n_errors[i, j], self._n_judged)
        self.surface.setAccessibleDescription(text)
        self._show_pointed(text)

    # How it is put together

    def _lay_out(self, layout: QVBoxLayout) -> None:
        self.plots = QWidget()
        for part in (self.plots, self.legend):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
            part.setVisible(False)
        plots = QHBoxLayout(self.plots)
        plots.setContentsMargins(0, 0, 0, 0)
        plots.setSpacing(4)
        plots.addWidget(self.surface, 1)
        plots.addWidget(self.bar)
        layout.addWidget(self.controls)
        layout.addWidget(self.legend)
        layout.addWidget(self.plots, 1)
        layout.addWidget(self.caption)
