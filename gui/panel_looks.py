"""What is chosen in the panels, as a table for a file: a film has the directions, points, axes of its window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtWidgets import QComboBox

from gui.cameras import Camera
from gui.plots import Plot
from gui.surfaces import SurfaceView

if TYPE_CHECKING:
    from engine.snapshot import Snapshot
    from gui.panels.panel import Panel

Looks = Mapping[str, Mapping[str, Any]]
"""By the ids of panels: what is chosen in boxes by their names, axes and cameras in their order, whether the panel
follows the run, and the step of a picture that does not."""
_APART: Final = frozenset({"phase"})  # it shows sweeps, which are not the run's


def looks_of(panels: Sequence[Panel]) -> dict[str, dict[str, Any]]:
    """Return what is chosen in panels, of which JSON can be made."""
    return {panel.panel_id: _looks(panel) for panel in panels if panel.panel_id not in _APART}


def restore_looks(panels: Sequence[Panel], looks: Looks, snapshot: Snapshot | None = None) -> None:
    """Choose the same in other panels of the same kinds; what they do not offer for a run stays as it is."""
    for panel in panels:
        if panel.panel_id in looks:
            if snapshot is not None:
                panel.offer_choices(snapshot)
            _restore(panel, looks[panel.panel_id])


def _looks(panel: Panel) -> dict[str, Any]:
    return {
        "boxes": {box.accessibleName(): box.currentText() for box in panel.findChildren(QComboBox)},
        "logs": [plot.is_log for plot in panel.findChildren(Plot)],
        "cameras": [asdict(view.camera) for view in panel.findChildren(SurfaceView)],
        "follows": panel.follow_box.isChecked() if panel.follow_box is not None else None,
        "held_step": panel.held_step(),
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
    if panel.follow_box is not None and looks["follows"] is not None:
        panel.follow_box.setChecked(looks["follows"])
