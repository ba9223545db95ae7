"""Pages of help: the keys, and what the panels show."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from engine.sources import SOURCES
from gui.actions import key_rows
from gui.panel_keys import EVERYWHERE

if TYPE_CHECKING:
    from gui.panels.panel import Panel

ABOUT: Final = """
<h2>Lossoscope</h2>
<p>An oscilloscope for full-batch gradient descent: a network trains before your eyes, and you stop it, step
it and kick it.</p>
<p>Every step that raised the loss or the errors is marked; none is smoothed away.</p>
<p>Licence: BSD-3-Clause.</p>
"""


class HelpPage(QDialog):
    """A page of text with a button to close it; Esc closes it too."""

    def __init__(self, title: str, page: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.browser = QTextBrowser(openExternalLinks=False, openLinks=False)
        self.browser.setHtml(page)
        self.browser.setAccessibleName(title)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.browser)
        layout.addWidget(buttons)
        self.resize(760, 640)


def keys_page() -> str:
    """Return the table of keys as HTML."""
    return f"<h2>Keys</h2>{_table(key_rows())}"


def panels_page(panels: Iterable[Panel]) -> str:
    """Return what each panel shows: its present numbers, words and formulas, keys and sources, as HTML."""
    return "".join(panel_page(panel) for panel in panels)


def panel_page(panel: Panel) -> str:
    """Return what one panel shows, as HTML."""
    now = panel.summary() or "Nothing is drawn yet: the panel computes only while it is seen."
    cited = "".join(f"<li>{html.escape(SOURCES[key].citation)}</li>" for key in panel.sources)
    return (
        f"<h2>{html.escape(panel.title)}</h2><p><b>Now:</b> {html.escape(now)}</p>{_paragraphs(panel.help_text)}"
        f"<h3>Keys on this panel</h3>{_table((*panel.key_table, *EVERYWHERE))}"
        f"<h3>Sources</h3><ul>{cited}</ul>"
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    made = "".join(
        f"<tr><td style='padding: 3px 24px 3px 0; white-space: nowrap'><b>{html.escape(keys)}</b></td>"
        f"<td style='padding: 3px 0'>{html.escape(what)}</td></tr>"
        for keys, what in rows
    )
    return f"<table>{made}</table>"


def _paragraphs(text: str) -> str:
    """Return text as paragraphs, parted by empty lines; a line that begins with • stays one."""
    return "".join(f"<p>{_lines(part)}</p>" for part in text.strip().split("\n\n"))


def _lines(part: str) -> str:
    items = f"\n{part}".split("\n• ")
    return "<br>• ".join(html.escape(" ".join(item.split())) for item in items).removeprefix("<br>")
