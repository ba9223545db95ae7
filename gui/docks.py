"""The panels' places: one dock each, and one for the lesson's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QByteArray, QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMainWindow, QToolBar, QToolButton, QWidget

from gui import icons
from gui.guards import painting
from gui.shields import Shield
from gui.theme import Theme

ROWS: Final = (("loss", "errors"), ("symmetry", "weights"))
"""The panels on the left, two by two, by id."""
RIGHT: Final = ("landscape", "lesson")
"""The panels on the right, the upper and the lower one: a picture that needs room, and text."""
BEHIND: Final = {
    "ledger": "landscape",
    "curvature": "symmetry",
    "gradients": "symmetry",
    "surface": "landscape",
    "paths": "landscape",
    "examples": "landscape",
    "regions": "landscape",
    "network": "landscape",
    "phase": "landscape",
}
"""The panels that share a place with another, and lie behind it at first."""
TITLES: Final = {
    "loss": "Loss",
    "errors": "Errors",
    "symmetry": "Weight symmetry",
    "weights": "First-layer weights",
    "landscape": "Landscape",
    "lesson": "What to look for",
    "ledger": "Ledger",
    "surface": "Surface",
    "paths": "Paths",
    "curvature": "Curvature",
    "gradients": "Gradients",
    "examples": "Examples",
    "regions": "Regions",
    "network": "Network",
    "phase": "Phase diagram",
}
LECTURE: Final = ("loss", "errors", "landscape", "lesson")
"""What an audience can follow; everything else is hidden."""
RESEARCH: Final = {"ledger": "lesson", "curvature": "symmetry", "gradients": "weights"}
"""The panels that take the front place of another, for whoever looks on all day."""
_FILL: Final = "Let this panel fill the window. (F8 where it has the focus)"
_PUT_BACK: Final = "Put all panels back where they were. (F8)"
_LEFT_WIDTH: Final = 50  # all in hundredths of what is shared
_TEXT_WIDTH: Final = 38  # of the lesson in a presentation
_PRESENTED_HEIGHTS: Final = (58, 42)  # a lesson names first what matters most
_ROW_WIDTHS: Final = ((50, 50), (62, 38))
_LEFT_HEIGHTS: Final = (50, 50)
_RIGHT_HEIGHTS: Final = (56, 44)


class Docks(QObject):
    """Creates the docks empty, so that the window is there at once; the panels come when they are made."""

    help_wanted = Signal(str)
    """The id of a panel to be explained."""

    def __init__(self, window: QMainWindow, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._brought: tuple[str, ...] = ()
        self._before: QByteArray | None = None  # the arrangement, while one panel fills the window
        self._docks = {panel_id: self._make(panel_id) for panel_id in TITLES}
        self.arrange()

    def fill(self, panel_id: str, panel: QWidget, title: str = "") -> None:
        """Put a panel into its dock; one that has no place of its own goes behind the weights."""
        dock = self._docks.get(panel_id)
        if dock is None:
            dock = self._docks[panel_id] = self._make(panel_id)
            self._window.tabifyDockWidget(self._docks["weights"], dock)
        dock.setWindowTitle(title or dock.windowTitle())
        dock.setWidget(Shield(panel))
        self._bar(dock).allow_help(bool(title))

    def view_actions(self) -> list[QAction]:
        """Return a checkable action for each dock, which shows and hides it."""
        return [dock.toggleViewAction() for dock in self._docks.values()]

    @property
    def is_filled(self) -> bool:
        """Whether one panel fills the window."""
        return self._before is not None

    def toggle_fill(self, panel_id: str) -> None:
        """Let a panel fill the window; when one does, put all back where they were."""
        if self._before is not None:
            self.take_back()
            return
        self._before = self._window.saveState()
        self._docks[panel_id].setFloating(False)
        self.show_only([panel_id])
        self._bar(self._docks[panel_id]).show_filled(True)

    def take_back(self) -> None:
        """Put all panels where they were before one filled the window, if one does."""
        if self._before is None:
            return
        before, self._before = self._before, None
        for dock in self._docks.values():
            self._bar(dock).show_filled(False)
        self.restore(before)

    def restore(self, arrangement: QByteArray) -> None:
        """Put the docks where a `saveState` had them; which bars are to be seen is not theirs to say."""
        bars = {bar: bar.isHidden() for bar in self._window.findChildren(QToolBar)}
        self._window.restoreState(arrangement)
        for bar, is_hidden in bars.items():
            bar.setHidden(is_hidden)

    def show(self, panel_ids: Iterable[str]) -> None:
        """Show these panels, in front where they share a place, the first named foremost; the others stay."""
        self.take_back()
        wanted = [panel_id for panel_id in panel_ids if panel_id in self._docks]
        for panel_id in reversed(wanted):
            self._docks[panel_id].show()
            self._docks[panel_id].raise_()

    def show_lesson(self, panel_ids: Sequence[str]) -> None:
        """Show a lesson's panels as `show` does; what only the lesson before had brought goes behind again."""
        for panel_id in self._brought:
            front = self._docks.get(BEHIND.get(panel_id, ""))
            dock = self._docks.get(panel_id)
            if panel_id in panel_ids or front is None or dock is None or dock.visibleRegion().isEmpty():
                continue
            if front in self._window.tabifiedDockWidgets(dock):
                front.raise_()
        self._brought = tuple(panel_ids)
        self.show(panel_ids)

    def show_only(self, panel_ids: Iterable[str]) -> None:
        """Show these panels and hide all others."""
        wanted = [panel_id for panel_id in panel_ids if panel_id in self._docks]
        for panel_id, dock in self._docks.items():
            dock.setVisible(panel_id in wanted)

    def present(self, panel_ids: Iterable[str], has_text: bool) -> None:
        """Show these panels only, side by side, or one above the other where the lesson's text is beside them."""
        self.take_back()
        wanted = [panel_id for panel_id in panel_ids if panel_id in self._docks]
        shown = [*wanted, "lesson"] if has_text else wanted
        self.show_only(())
        for panel_id in shown:
            self._window.removeDockWidget(self._docks[panel_id])  # or it comes back to where it was
        self._window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self._docks[shown[0]])
        if has_text and wanted:
            self._split(self._docks[wanted[0]], self._docks["lesson"], Qt.Orientation.Horizontal)
        direction = Qt.Orientation.Vertical if has_text else Qt.Orientation.Horizontal
        for first, second in pairwise(wanted):
            self._split(self._docks[first], self._docks[second], direction)
        self.show(shown)
        if has_text and wanted:
            widths = 100 - _TEXT_WIDTH, _TEXT_WIDTH
            self._share((wanted[0], "lesson"), widths, self._window.width(), Qt.Orientation.Horizontal)
        if not has_text and len(wanted) == 2:  # or a list takes what a plot needs
            self._share(wanted, (50, 50), self._window.width(), Qt.Orientation.Horizontal)
        if has_text and len(wanted) == 2:
            self._share(wanted, _PRESENTED_HEIGHTS, self._window.height(), Qt.Orientation.Vertical)

    def arrange(self) -> None:
        """Show all docks in their first places."""
        self.take_back()
        for dock in self._docks.values():
            dock.setFloating(False)
            # Side by side for a moment, all of them would make the window grow.
            self._window.removeDockWidget(dock)
        loss, symmetry, landscape = (self._docks[row[0]] for row in (*ROWS, RIGHT))
        self._window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, loss)
        self._split(loss, landscape, Qt.Orientation.Horizontal)
        self._split(loss, symmetry, Qt.Orientation.Vertical)
        for left, right in ROWS:
            self._split(self._docks[left], self._docks[right], Qt.Orientation.Horizontal)
        self._split(landscape, self._docks[RIGHT[1]], Qt.Orientation.Vertical)
        for panel_id, front in BEHIND.items():
            self._window.tabifyDockWidget(self._docks[front], self._docks[panel_id])
        for panel_id in self._docks.keys() - set(TITLES):
            self._window.tabifyDockWidget(self._docks["weights"], self._docks[panel_id])
        for panel_id in (*self._docks, *(panel_id for row in (*ROWS, RIGHT) for panel_id in row)):
            self._docks[panel_id].show()
            self._docks[panel_id].raise_()
        self.share_out()

    def arrange_lecture(self) -> None:
        """Show only what an audience can follow."""
        self.arrange()
        self.show_only(LECTURE)
        self.share_out()

    def arrange_research(self) -> None:
        """Put the ledger in the lesson's place, curvature and gradients on the left."""
        self.arrange()
        for panel_id, front in RESEARCH.items():
            self._window.tabifyDockWidget(self._docks[front], self._docks[panel_id])
            self._docks[panel_id].raise_()
        self.share_out()

    def share_out(self) -> None:
        """Give rows and columns their shares of the window; it must have its size by then."""
        width, height = self._window.width(), self._window.height()
        left_width = width * _LEFT_WIDTH // 100
        self._share(
            (ROWS[0][0], RIGHT[0]), (_LEFT_WIDTH, 100 - _LEFT_WIDTH), width, Qt.Orientation.Horizontal
        )
        self._share((ROWS[0][0], ROWS[1][0]), _LEFT_HEIGHTS, height, Qt.Orientation.Vertical)
        self._share(RIGHT, _RIGHT_HEIGHTS, height, Qt.Orientation.Vertical)
        for row, shares in zip(ROWS, _ROW_WIDTHS, strict=True):
            self._share(row, shares, left_width, Qt.Orientation.Horizontal)

    def _split(self, first: QDockWidget, second: QDockWidget, direction: Qt.Orientation) -> None:
        self._window.splitDockWidget(first, second, direction)

    def _share(
        self, panel_ids: Sequence[str], shares: Sequence[int], length: int, direction: Qt.Orientation
    ) -> None:
        docks = [self._docks[panel_id] for panel_id in panel_ids]
        if not any(dock.isHidden() for dock in docks):
            self._window.resizeDocks(docks, [share * length // 100 for share in shares], direction)

    def set_theme(self, theme: Theme) -> None:
        """Draw the signs in the title bars in the colours of a theme."""
        self._theme = theme
        for dock in self._docks.values():
            dock.set_frame(theme.outline)
            self._bar(dock).set_theme(theme)

    def _make(self, panel_id: str) -> Dock:
        dock = Dock(TITLES.get(panel_id, panel_id), self._window)
        dock.setObjectName(f"dock_{panel_id}")
        dock.setWidget(QLabel(alignment=Qt.AlignmentFlag.AlignCenter))
        dock.set_frame(self._theme.outline)
        bar = TitleBar(dock)
        bar.set_theme(self._theme)
        bar.fill_button.clicked.connect(lambda: self.toggle_fill(panel_id))
        bar.close_button.clicked.connect(lambda: self.take_back() if self.is_filled else dock.close())
        bar.help_button.clicked.connect(lambda: self.help_wanted.emit(panel_id))
        dock.setTitleBarWidget(bar)
        # Shown from the menu it would stay behind the others in its place.
        dock.toggleViewAction().triggered.connect(lambda is_shown: dock.raise_() if is_shown else None)
        return dock

    def _bar(self, dock: QDockWidget) -> TitleBar:
        bar = dock.titleBarWidget()
        assert isinstance(bar, TitleBar)
        return bar


class Dock(QDockWidget):
    """A dock with a line around it while it floats: without one nothing tells it from the window below."""

    def set_frame(self, colour: str) -> None:
        """Draw the line in a colour, #rrggbb."""
        self._colour = colour
        self.update()

    @painting
    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line; the rest is drawn by the title and the panel."""
        super().paintEvent(event)
        if self.isFloating():
            painter = QPainter(self)
            painter.setPen(QColor(self._colour))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            painter.end()


class TitleBar(QWidget):
    """Title of a dock; buttons that let the panel fill the window, explain and hide it; it can be dragged.

    The buttons take no focus: the menus View and Help do the same by keyboard.
    """

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__(dock)
        self.setObjectName("dock_title")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        title = QLabel(dock.windowTitle())
        dock.windowTitleChanged.connect(title.setText)
        self.fill_button = _small_button(_FILL)
        self.help_button = _small_button("Explain this panel. (F1 where it has the focus; F2 explains all)")
        self.close_button = _small_button("Hide this panel; the menu View shows it again.")
        self.allow_help(False)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 4, 2)
        layout.setSpacing(2)
        layout.addWidget(title, 1)
        for button in (self.fill_button, self.help_button, self.close_button):
            layout.addWidget(button)

    def allow_help(self, is_allowed: bool) -> None:
        """Show or hide the button that explains the panel."""
        self.help_button.setVisible(is_allowed)

    def show_filled(self, is_filled: bool) -> None:
        """Say what the button that fills the window would do now."""
        tip = _PUT_BACK if is_filled else _FILL
        self.fill_button.setToolTip(tip)
        self.fill_button.setAccessibleName(tip)

    def set_theme(self, theme: Theme) -> None:
        """Draw the signs in the colours of a theme."""
        self.fill_button.setIcon(icons.icon("fill", theme.muted))
        self.help_button.setIcon(icons.icon("help", theme.muted))
        self.close_button.setIcon(icons.icon("close", theme.muted))


def _small_button(tip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setIconSize(QSize(14, 14))
    return button
