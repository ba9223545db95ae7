"""The table of panels, in the order in which the window offers them."""

from __future__ import annotations

from typing import Final

from gui.panels.curvature import CurvaturePanel
from gui.panels.errors import ErrorsPanel
from gui.panels.examples import ExamplesPanel
from gui.panels.gradients import GradientsPanel
from gui.panels.landscape import LandscapePanel
from gui.panels.ledger import LedgerPanel
from gui.panels.loss import LossPanel
from gui.panels.network import NetworkPanel
from gui.panels.panel import Panel
from gui.panels.paths import PathsPanel
from gui.panels.phase import PhasePanel
from gui.panels.regions import RegionsPanel
from gui.panels.surface import SurfacePanel
from gui.panels.symmetry import SymmetryPanel
from gui.panels.weights import WeightsPanel

PANELS: Final[tuple[type[Panel], ...]] = (
    LossPanel,
    ErrorsPanel,
    SymmetryPanel,
    LandscapePanel,
    WeightsPanel,
    LedgerPanel,
    SurfacePanel,
    PathsPanel,
    CurvaturePanel,
    GradientsPanel,
    ExamplesPanel,
    RegionsPanel,
    NetworkPanel,
    PhasePanel,
)
