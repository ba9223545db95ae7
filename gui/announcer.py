"""Announcer: a sentence for whoever listens to the window in place of looking at it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def announce(widget: QWidget, sentence: str, is_urgent: bool = False) -> None:
    """Have a screen reader say a sentence in words, at once if it is urgent; nothing happens where there is none."""
    from PySide6.QtGui import (
        QAccessible,
        QAccessibleAnnouncementEvent,
    )  # large tables, not needed at the start

    from gui.speech import spoken

    if not sentence or not QAccessible.isActive():
        return
    event = QAccessibleAnnouncementEvent(widget, spoken(sentence))
    politeness = QAccessible.AnnouncementPoliteness
    event.setPoliteness(politeness.Assertive if is_urgent else politeness.Polite)
    QAccessible.updateAccessibility(event)
