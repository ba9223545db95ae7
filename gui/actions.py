"""The table of actions and keys. Menus, tool tips and the page of keys are built from it, so they agree.

The keys are letters and signs that lie unshifted, or at worst shifted, on the common Latin keyboards. Space
and the letters type as usual while a text field has the focus; Space runs and pauses everywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from gui import icons
from gui.theme import Theme


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    Attributes:
        menu: title of the menu that it stands in.
        text: what the menu calls it.
        keys: shortcuts, the first is the one that tool tips name.
        tip: one sentence on what it does.
        icon: name of a bundled icon, or "".
        starts_group: whether a line is drawn above it in the menu.
        needs_run: whether it can be used only while there is a run.
    """

    action_id: str
    menu: str
    text: str
    keys: tuple[str, ...]
    tip: str
    icon: str = ""
    starts_group: bool = False
    needs_run: bool = True
    checkable: bool = False


MENUS: Final = ("Run", "Lesson", "Kick", "Data", "View", "Help")

ACTIONS: Final = (
    ActionSpec("run_pause", "Run", "Run", ("Space",), "Train without end, or pause.", "run"),
    ActionSpec(
        "run_unanswered",
        "Run",
        "Run without an answer",
        ("Shift+Space",),
        "Run although the lesson's question waits for an answer.",
    ),
    ActionSpec("step_1", "Run", "1 step", (".",), "Take one step, then pause.", "step"),
    ActionSpec("step_10", "Run", "10 steps", ("T",), "Take ten steps, then pause.", "step"),
    ActionSpec("step_100", "Run", "100 steps", ("H",), "Take a hundred steps, then pause.", "step"),
    ActionSpec(
        "step_back", "Run", "1 step back", (",",), "Go back to the step before, to the last bit.", "back"
    ),
    ActionSpec(
        "branch_here",
        "Run",
        "Branch from here ...",
        ("B",),
        "Keep the run as it was, and go on from this step with something changed.",
    ),
    ActionSpec(
        "branches",
        "Run",
        "Branches ...",
        ("Ctrl+B",),
        "List the branches of the run: go on with another one, name or remove it.",
    ),
    ActionSpec(
        "reset",
        "Run",
        "Reset",
        ("R",),
        "Go back to step 0 with the present rate; the timeline leads forward again.",
        "reset",
        starts_group=True,
    ),
    ActionSpec(
        "new_seed", "Run", "New seed", ("N",), "Start anew from other random weights: seed + 1.", "seed"
    ),
    ActionSpec(
        "halve_rate", "Run", "Halve the learning rate", ("-",), "Use half the rate.", starts_group=True
    ),
    ActionSpec("double_rate", "Run", "Double the learning rate", ("+",), "Use twice the rate."),
    ActionSpec("edit_rate", "Run", "Type a learning rate", ("L",), "Go to the field of the learning rate."),
    ActionSpec(
        "slower",
        "Run",
        "Slower",
        ("<",),
        "Take fewer steps a second, so that one can watch.",
        starts_group=True,
    ),
    ActionSpec("faster", "Run", "Faster", (">",), "Take more steps a second."),
    ActionSpec("full_speed", "Run", "Full speed", ("F",), "Take as many steps a second as there can be."),
    ActionSpec(
        "stop_at_errors",
        "Run",
        "Stop where the errors rise",
        ("E",),
        "Pause at the very step on which the errors rose while the loss fell.",
        starts_group=True,
        checkable=True,
    ),
    ActionSpec(
        "stop_at_loss",
        "Run",
        "Stop where the loss rises",
        ("Shift+E",),
        "Pause at the very step on which the loss rose.",
        checkable=True,
    ),
    ActionSpec(
        "save_point",
        "Run",
        "Remember this point",
        ("M",),
        "Keep the present weights as an end of a slice through the landscape.",
        "mark",
        starts_group=True,
    ),
    ActionSpec(
        "settings",
        "Run",
        "Settings of the run ...",
        ("Ctrl+E",),
        "Network, data, start, arithmetic.",
        "settings",
    ),
    ActionSpec(
        "open_run",
        "Run",
        "Open a run ...",
        ("Ctrl+Shift+O",),
        "Go on with a run from a file.",
        starts_group=True,
        needs_run=False,
    ),
    ActionSpec(
        "save_run", "Run", "Save the run ...", ("Ctrl+S",), "Keep the run in a file, with its history."
    ),
    ActionSpec("save_history", "Run", "Save the history as CSV ...", (), "Every step, a line each."),
    ActionSpec(
        "save_film",
        "Run",
        "Save a film ...",
        ("Ctrl+Shift+F",),
        "Of the run from its start to now, in the window or in one panel, as MP4 or GIF.",
    ),
    ActionSpec("copy_settings", "Run", "Copy the settings", ("Ctrl+Shift+C",), "As text, to share this run."),
    ActionSpec(
        "paste_settings",
        "Run",
        "Paste settings",
        ("Ctrl+Shift+V",),
        "Start the run whose settings are on the clipboard.",
    ),
    ActionSpec("quit", "Run", "Quit", ("Ctrl+Q",), "Close the window.", starts_group=True, needs_run=False),
    ActionSpec(
        "edit_lesson",
        "Lesson",
        "Find a lesson ...",
        ("Ctrl+L",),
        "Search the lessons by what they show.",
        needs_run=False,
    ),
    ActionSpec("kick", "Kick", "Kick again", ("K",), "Give the last kick again.", "kick"),
    ActionSpec(
        "undo_kick", "Kick", "Undo the last kick", ("Ctrl+Z",), "Go back to just before the last kick."
    ),
    ActionSpec("edit_strength", "Kick", "Type a strength", ("G",), "Go to the field of the strength."),
    ActionSpec(
        "kick_options", "Kick", "Kick with options ...", ("Ctrl+K",), "Choose kick, layer, unit and seed."
    ),
    ActionSpec(
        "open_data",
        "Data",
        "Open a CSV or NPZ file ...",
        ("Ctrl+O",),
        "Train the present network on samples of your own.",
    ),
    ActionSpec(
        "mnist_folder",
        "Data",
        "Folder of MNIST ...",
        (),
        "Name the folder with the four files of MNIST; it is checked and remembered.",
        starts_group=True,
        needs_run=False,
    ),
    ActionSpec(
        "download_mnist",
        "Data",
        "Download MNIST (12 MB) ...",
        (),
        "Bring the four files from the network; they are checked and kept.",
        needs_run=False,
    ),
    ActionSpec("recompute", "View", "Recompute", ("U",), "Compute the landscape anew, at the present point."),
    ActionSpec(
        "save_picture",
        "View",
        "Save a picture ...",
        ("Ctrl+P",),
        "Of the panel that has the focus, or of the window, as PNG, SVG or PDF.",
        starts_group=True,
        needs_run=False,
    ),
    ActionSpec(
        "copy_picture",
        "View",
        "Copy a picture",
        ("Ctrl+C",),
        "Of the panel that has the focus, or of the window.",
        needs_run=False,
    ),
    ActionSpec(
        "dark",
        "View",
        "Dark",
        ("Ctrl+D",),
        "Light lines on a dark ground.",
        starts_group=True,
        needs_run=False,
        checkable=True,
    ),
    ActionSpec(
        "presentation",
        "View",
        "Presentation",
        ("F11",),
        "Fill the screen with large type, thick lines, and only what the lesson needs.",
        needs_run=False,
        checkable=True,
    ),
    ActionSpec(
        "full_screen",
        "View",
        "Full screen",
        ("Ctrl+F11",),
        "Use the whole screen.",
        needs_run=False,
        checkable=True,
    ),
    ActionSpec(
        "fill_panel",
        "View",
        "Fill the window",
        ("F8",),
        "Let the panel that has the focus fill the window; again puts all back.",
        needs_run=False,
    ),
    ActionSpec(
        "arrange",
        "View",
        "Arrange as a lab",
        ("Ctrl+0",),
        "Show all panels in their first places.",
        starts_group=True,
        needs_run=False,
    ),
    ActionSpec(
        "arrange_lecture",
        "View",
        "Arrange for a lecture",
        ("F6",),
        "Show what an audience can follow: loss, errors, landscape and lesson.",
        needs_run=False,
    ),
    ActionSpec(
        "arrange_research",
        "View",
        "Arrange for research",
        ("F7",),
        "The ledger in the lesson's place, curvature and gradients on the left.",
        needs_run=False,
    ),
    ActionSpec(
        "panel_help",
        "Help",
        "Explain this panel",
        ("F1",),
        "Explain the panel that has the focus; elsewhere all panels.",
        needs_run=False,
    ),
    ActionSpec("keys", "Help", "Keys", ("Shift+F1",), "Show all keys.", needs_run=False),
    ActionSpec(
        "panels_help",
        "Help",
        "What the panels show",
        ("F2",),
        "Explain each panel, with its numbers.",
        needs_run=False,
    ),
    ActionSpec("about", "Help", "About Lossoscope", (), "Version and licence.", needs_run=False),
)

OTHER_KEYS: Final = (
    ("Tab, Shift+Tab", "Go to the next or the previous button or field"),
    ("Enter", "Press the button that has the focus; use what was typed into a field"),
    ("Arrows", "Move the reading point of the plot that has the focus; with Shift ten times as far"),
    ("Ctrl+Left, Ctrl+Right", "On the timeline: go to where branches part"),
    ("Esc", "Close the message; give back the old value of a field"),
    ("Ctrl+1 ... Ctrl+9", "Load the first ... ninth lesson"),
    ("Alt and the underlined letter", "Open a menu"),
)


def make_actions(parent: QWidget) -> dict[str, QAction]:
    """Return a QAction for each entry of the table, by its id, with keys that work in the whole window."""
    return {spec.action_id: _make(spec, parent) for spec in ACTIONS}


def set_icons(actions: dict[str, QAction], theme: Theme) -> None:
    """Draw the icons of all actions in the colours of a theme."""
    for spec in ACTIONS:
        if spec.icon:
            actions[spec.action_id].setIcon(icons.icon(spec.icon, theme.text, theme.disabled))


def key_text(keys: tuple[str, ...]) -> str:
    """Return keys as the platform writes them."""
    return ", ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys)


def key_rows() -> list[tuple[str, str]]:
    """Return (keys, what they do) for all actions that have keys, then for what the tool kit does itself."""
    return [(key_text(spec.keys), spec.tip) for spec in ACTIONS if spec.keys] + list(OTHER_KEYS)


def _make(spec: ActionSpec, parent: QWidget) -> QAction:
    action = QAction(spec.text, parent, checkable=spec.checkable)
    action.setObjectName(spec.action_id)
    action.setShortcuts([QKeySequence(key) for key in spec.keys])
    action.setToolTip(f"{spec.tip} ({key_text(spec.keys)})" if spec.keys else spec.tip)
    parent.addAction(action)
    return action
