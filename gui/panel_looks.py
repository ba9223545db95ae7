"""What is chosen in the panels, as a table for a file: a film has the directions, axes and camera of its window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtWidgets import QComboBox

from gui.cameras import Camera
from gui.plots import Plot
from gui.surfaces import SurfaceView

if TYPE_CHECKING:
    from gui.panels.panel import Panel

Looks = Mapping[str, Mapping[str, Any]]
"""By the ids of panels: what is chosen in boxes by their names, axes and cameras in their order."""
_APART: Final = frozenset({"phase"})  # it shows sweeps, which are not the run's


def looks_of(panels: Sequence[Panel]) -> dict[str, dict[str, Any]]:
    """Return what is chosen in panels, of which JSON can be made."""
    return {panel.panel_id: _looks(panel) for panel in panels if panel.panel_id not in _APART}


def restore_looks(panels: Sequence[Panel], looks: Looks) -> None:
    """Choose the same in other panels of the same kinds; what they do not offer stays as it is."""
    for panel in panels:
        if panel.panel_id in looks:
            _restore(panel, looks[panel.panel_id])


def _looks(panel: Panel) -> dict[str, Any]:
    return {
        "boxes": {box.accessibleName(): box.currentText() for box in panel.findChildren(QComboBox)},
        "logs": [plot.is_log for plot in panel.findChildren(Plot)],
        "cameras": [asdict(view.camera) for view in panel.findChildren(SurfaceView)],
    }


def _restore(panel: Panel, looks: Mapping[str, Any]) -> None:
    for box in panel.findChildren(QComboBox):
        place = box.findText(looks["boxes"].get(box.accessibleName(), ""))
        if place >= 0:
            box.setCurrentIndex(place)
    for plot, is_log in zip(panel.findChildren(Plot), looks["logs"], strict=True):
        plot.set_log(is_log)
    for view, camera in zip(panel.findChildren(SurfaceView), looks["cameras"], strict=True):
        view.set_camera(Camera(**camera))
