"""Pages of help: the keys, and what the panels show."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from gui.actions import key_rows

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
    rows = "".join(
        f"<tr><td style='padding: 3px 24px 3px 0; white-space: nowrap'><b>{html.escape(keys)}</b></td>"
        f"<td style='padding: 3px 0'>{html.escape(what)}</td></tr>"
        for keys, what in key_rows()
    )
    return f"<h2>Keys</h2><table>{rows}</table>"


def panels_page(panels: Iterable[Panel]) -> str:
    """Return what each panel shows, in words and with its present numbers, as HTML."""
    return "".join(
        f"<h2>{html.escape(panel.title)}</h2><p><b>{html.escape(panel.summary())}</b></p>{_paragraphs(panel.help_text)}"
        for panel in panels
    )


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(' '.join(part.split()))}</p>" for part in text.strip().split("\n\n"))
