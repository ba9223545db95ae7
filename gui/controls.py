"""The bar of controls: run, steps, start, learning rate, kicks. It shows what the snapshot says."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QWidget,
)

from engine.config import RunConfig
from engine.snapshot import Snapshot, State
from gui import icons
from gui.fields import NumberField, read_real
from gui.kicks import DEFAULT_STRENGTH
from gui.theme import Theme, set_role

_ICON: Final = QSize(18, 18)
# (action, text, whether it has its icon): the bar must fit a screen that is 1,024 pixels wide.
_BUTTONS: Final = (
    ("step_1", "1", True),
    ("step_10", "10", False),
    ("step_100", "100", False),
    ("reset", "Reset", True),
    ("new_seed", "New seed", False),
)


class ControlBar(QWidget):
    """Buttons for the actions of the table, and fields for what has a value.

    Attributes:
        rate: the field of the learning rate.
        strength: the field of the strength of kicks.
    """

    def __init__(self, actions: dict[str, QAction], kick_menu: QMenu, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("controls")
        self._actions = actions
        self._shown: tuple[State, bool, Theme] | None = None
        self.run_button = QToolButton()
        self.run_button.clicked.connect(actions["run_pause"].trigger)
        self.kick_button = _button(actions["kick"], "Kick")
        self.rate = NumberField("Learning rate", _read_rate)
        self.strength = NumberField(
            "Strength of kicks", lambda text: read_real("strength", text, at_least=0.0)
        )
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 5, 8, 5)
        self._row.setSpacing(4)
        self._lay_out_run()
        self._lay_out_rate()
        self._lay_out_kick(kick_menu)
        self._row.addStretch(1)
        self._row.addWidget(_button(actions["settings"], "Settings"))
        self.set_theme(theme)
        self.show_state(State.COMPILING, has_run=False)

    def show_state(self, state: State, has_run: bool) -> None:
        """Let the run button say what a press of it would do now."""
        if (shown := (state, has_run, self._theme)) == self._shown:
            return  # another icon, even the same one, has the bar laid out anew
        self._shown = shown
        word, name = ("Pause", "pause") if state is State.RUNNING else ("Run", "run")
        self.run_button.setText(word)
        self.run_button.setAccessibleName(f"{word}; the state is {state.value}")
        self.run_button.setEnabled(has_run)
        role = "on_accent" if has_run else "disabled"
        self.run_button.setIcon(icons.icon(name, getattr(self._theme, role)))
        self._actions["run_pause"].setText(word)
        self._actions["run_pause"].setIcon(icons.icon(name, self._theme.text, self._theme.disabled))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the learning rate in use."""
        self.rate.show_value(snapshot.learning_rate)

    def set_theme(self, theme: Theme) -> None:
        """Remember the colours for icons; `show_state` draws them."""
        self._theme = theme

    def reserve(self) -> None:
        """Keep room for the wider word of the run button; called when the style is known."""
        self.run_button.ensurePolished()
        shown = self.run_button.text()
        widths = []
        for word in ("Run", "Pause"):
            self.run_button.setText(word)
            widths.append(self.run_button.sizeHint().width())
        self.run_button.setText(shown)
        self.run_button.setFixedWidth(max(widths) + 12)

    def _lay_out_run(self) -> None:
        set_role(self.run_button, "main")
        self.run_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.run_button.setToolTip(self._actions["run_pause"].toolTip())
        self.run_button.setIconSize(_ICON)
        self._row.addWidget(self.run_button)
        for action_id, text, has_icon in _BUTTONS:
            if action_id == "reset":
                self._add_line()
            self._row.addWidget(_button(self._actions[action_id], text, has_icon))
        self._add_line()

    def _lay_out_rate(self) -> None:
        label = QLabel("Rate")
        label.setBuddy(self.rate)
        self.rate.setFixedWidth(80)
        self.rate.setToolTip(self._actions["edit_rate"].toolTip())
        halve = _button(self._actions["halve_rate"], "÷2", has_icon=False)
        double = _button(self._actions["double_rate"], "×2", has_icon=False)
        for widget in (label, halve, self.rate, double):
            self._row.addWidget(widget)
        self._add_line()

    def _lay_out_kick(self, menu: QMenu) -> None:
        self.kick_button.setMenu(menu)
        self.kick_button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.strength.setFixedWidth(68)
        self.strength.setToolTip(self._actions["edit_strength"].toolTip())
        self.strength.show_value(DEFAULT_STRENGTH)
        label = QLabel("by")
        label.setBuddy(self.strength)
        for widget in (self.kick_button, label, self.strength):
            self._row.addWidget(widget)

    def _add_line(self) -> None:
        line = QFrame(frameShape=QFrame.Shape.VLine, frameShadow=QFrame.Shadow.Sunken)
        line.setFixedHeight(26)
        self._row.addWidget(line)


def _button(action: QAction, text: str, has_icon: bool = True) -> QToolButton:
    """Return a button for an action; screen readers say the action's own, longer text."""
    action.setIconText(text)
    button = QToolButton()
    button.setAccessibleName(action.text())
    button.setDefaultAction(action)
    button.setIconSize(_ICON)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if has_icon else Qt.ToolButtonStyle.ToolButtonTextOnly
    button.setToolButtonStyle(style)
    return button


def _read_rate(text: str) -> float:
    return RunConfig().with_text("learning_rate", text).learning_rate
