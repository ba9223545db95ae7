"""HelpDesk: opens the pages that explain panels, keys and program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QWidget

if TYPE_CHECKING:  # pyqtgraph comes with the panels, and the window is up before that
    from gui.panels.panel import Panel


class HelpDesk(QObject):
    """Opens pages of help.

    Args:
        window: what the pages belong to.
        panels: returns all panels.
        focused_panel: returns the panel that has the focus, or None.
        show: shows a dialogue.
    """

    def __init__(
        self,
        window: QWidget,
        panels: Callable[[], Sequence[Panel]],
        focused_panel: Callable[[], Panel | None],
        show: Callable[[QDialog], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._panels = panels
        self._focused_panel = focused_panel
        self._show = show

    def explain(self) -> None:
        """Explain the panel that has the focus; elsewhere all panels."""
        panel = self._focused_panel()
        if panel is not None:
            self.show_panel(panel.panel_id)
        else:
            self.show_all()

    def show_panel(self, panel_id: str) -> None:
        """Explain one panel."""
        panels = [panel for panel in self._panels() if panel.panel_id == panel_id]
        self._show_panels(panels[0].title, panels)

    def show_all(self) -> None:
        """Explain all panels."""
        self._show_panels("What the panels show", self._panels())

    def show_keys(self) -> None:
        """Show all keys."""
        from gui.help_pages import HelpPage, keys_page

        self._show(HelpPage("Keys", keys_page(), self._window))

    def show_about(self) -> None:
        """Show version and licence."""
        from gui.help_pages import ABOUT, HelpPage

        self._show(HelpPage("About Lossoscope", ABOUT, self._window))

    def _show_panels(self, title: str, panels: Sequence[Panel]) -> None:
        from gui.help_pages import HelpPage, panels_page

        self._show(HelpPage(title, panels_page(panels), self._window))
