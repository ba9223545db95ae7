"""The text below a panel's plots: as many lines as its panel can spare, the last one cut with dots."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from gui.guards import guarded
from gui.theme import set_role

_MOST_LINES: Final = 4
_LEAST_LINES: Final = 1
_LINES_A_LINE: Final = 6.0  # lines of text as high as the panel, for each line of the caption


class Caption(QLabel):
    """A paragraph of one to four lines, by the height of the widget that it stands in and of the type.

    The tool tip and `text` have all of it. A problem is shown whole.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole, self._is_problem = "", False
        self._n_lines = _MOST_LINES
        self._place: QWidget | None = None
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self, "caption")

    def text(self) -> str:
        """Return the whole text."""
        return self._whole

    def show_text(self, text: str, is_problem: bool = False) -> None:
        """Show a text, as a problem if it is one."""
        if (text, is_problem) == (self._whole, self._is_problem):
            return
        if is_problem != self._is_problem:
            set_role(self, "problem" if is_problem else "caption")
        self._whole, self._is_problem = text, is_problem
        self.setToolTip(text)
        self._cut()

    def hold(self, is_held: bool) -> None:
        """Keep the present height, or not: the plots must not jump when a short text takes a long one's place."""
        self.setMinimumHeight(self.height() if is_held else 0)

    @guarded(False)
    def event(self, event: QEvent) -> bool:
        """Follow the height of whatever the caption is put into, and the type."""
        if event.type() is QEvent.Type.ParentChange:
            self._follow(self.parentWidget())
        elif event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
        return super().event(event)

    @guarded(False)
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what lines the place has for it now."""
        if event.type() is QEvent.Type.Resize and watched is self._place:
            self._fit()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines anew."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._cut()

    def _follow(self, place: QWidget | None) -> None:
        if self._place is not None:
            self._place.removeEventFilter(self)
        self._place = place
        if place is not None:
            place.installEventFilter(self)
            self._fit()

    def _fit(self) -> None:
        if self._place is not None:
            lines_high = self._place.height() / max(1, self.fontMetrics().lineSpacing())
            self._n_lines = max(_LEAST_LINES, min(_MOST_LINES, int(lines_high / _LINES_A_LINE)))
        self._cut()

    def _cut(self) -> None:
        lines = broken_lines(self._whole, self.font(), self.width())
        n_lines = len(lines) if self._is_problem else self._n_lines
        super().setText("\n".join(cut_lines(lines, n_lines, self.fontMetrics(), self.width())))


def broken_lines(text: str, font: QFont, width: int) -> list[str]:
    """Return a text broken into lines of at most that width, in pixels."""
    layout = QTextLayout(text, font)
    layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
    layout.beginLayout()
    lines: list[str] = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(max(1, width))
        lines.append(text[line.textStart() : line.textStart() + line.textLength()])
    layout.endLayout()
    return lines


def cut_lines(lines: list[str], n_lines: int, metrics: QFontMetrics, width: int) -> list[str]:
    """Return at most so many of the lines, the last one cut with dots where more follow."""
    if len(lines) > n_lines:
        rest = "".join(lines[n_lines - 1 :])
        lines = [*lines[: n_lines - 1], cut_before_word(rest, metrics, width)]
    return [line.rstrip() for line in lines]


def cut_before_word(text: str, metrics: QFontMetrics, width: int) -> str:
    """Return as many whole words of a text as have room, in pixels, with dots behind them where some are left out.

    Half a number would be another number, and one that has lost its unit says nothing: it goes, too.
    """
    if metrics.horizontalAdvance(text) <= width:
        return text
    cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width - metrics.horizontalAdvance(" "))
    kept = cut.removesuffix("…")
    words = kept.split(" ")[: -1 if text[len(kept) : len(kept) + 1] != " " else None]
    while words and (not words[-1] or any(letter.isdigit() for letter in words[-1])):
        words.pop()
    return f"{' '.join(words)} …" if words else cut
