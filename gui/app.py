"""The way from the command line to the window: is there a screen, and then one call."""

from __future__ import annotations

import builtins
import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from engine.lessons import Lesson
    from gui.memory import WindowMemory
    from gui.window import Window

_SWITCH_INTERVAL_S: Final = 0.0005
"""How long the engine waits before it may ask the window for the interpreter, between two of its calls.

With Python's 5 ms training kept 0.84 to 0.86 of its headless speed with the window open on two cores, with 0.5 ms
0.93; 0.1 ms cost more switches than it won.
"""
_asked: list[Callable[[], object]] = []
"""Ends the connections to X servers that were asked. They are kept until Qt has its own: a server that loses its last
client begins anew, and turns away whoever comes just then."""
_XCB_LIBRARIES: Final = ("libxcb.so.1", "libxcb-cursor.so.0")


def has_screen(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a window can be opened. Qt aborts the process where it cannot, so this is asked before.

    On Linux there must be a Wayland or an X server that answers; an X server must also let us in. A platform
    that draws without a screen (QT_QPA_PLATFORM=offscreen) counts as one: somebody asked for it.
    """
    if not platform.startswith("linux"):
        return True
    wanted = environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    if wanted and wanted not in ("xcb", "wayland", "wayland-egl"):
        return True
    has_wayland = wanted != "xcb" and _wayland_answers(environ)
    return has_wayland or (not wanted.startswith("wayland") and _x_answers(environ.get("DISPLAY", "")))


def open_window(lesson_id: str | None = None, run_file: Path | None = None) -> int:
    """Open the window with a lesson (None for the default one); return the exit status when it is closed.

    A run_file is opened in place of the lesson's start; if it cannot be, the window says why.

    Raises:
        ValueError: one sentence, for an unknown lesson; nothing was opened then.
    """
    _prepare_environment()
    # A tenth of the time to the window. Once that is there it searches for garbage itself, see gui.garbage.
    gc.disable()
    try:
        app, window = _first_window(lesson_id)
        if run_file is not None:
            window.open_run(run_file)
        window.show()
    finally:
        gc.enable()
    with Hooks(window):
        return app.exec()


def _first_window(lesson_id: str | None) -> tuple[QApplication, Window]:
    from engine.lessons import first_lesson, load_lesson

    lesson = first_lesson() if lesson_id is None else load_lesson(lesson_id)
    app = make_application()
    from gui.memory import WindowMemory

    return app, make_window(lesson, WindowMemory())


def make_window(lesson: Lesson, memory: WindowMemory | None = None) -> Window:
    """Return the window with a lesson, not shown yet; there must be a QApplication."""
    from gui.window import Window

    window = Window(lesson, memory)
    window.polish()
    return window


def make_application() -> QApplication:
    """Return the one QApplication, dressed in the light theme."""
    from PySide6.QtWidgets import QApplication

    _import_as_before()
    from gui import theme

    app = QApplication.instance() or QApplication(["lossoscope"])
    assert isinstance(app, QApplication)
    while _asked:
        _asked.pop()()
    app.setApplicationName("Lossoscope")
    app.setApplicationDisplayName("")
    app.setDesktopFileName("lossoscope")
    theme.dress(app, theme.LIGHT)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return app


def _import_as_before() -> None:
    """Take back what PySide6 puts in place of Python's import, for the sake of `from __feature__ import ...`.

    It reads, and keeps, the source of every module that is imported after Qt, those of numba and scipy as well:
    35 MB.
    """
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


class Hooks:
    """While the window is open: exceptions are shown in it, and Ctrl+C in the terminal closes it."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def __enter__(self) -> None:
        self._hook = sys.excepthook
        sys.excepthook = self._window.show_exception
        self._handler = signal.signal(signal.SIGINT, self._close)

    def __exit__(self, *error: object) -> None:
        sys.excepthook = self._hook
        signal.signal(signal.SIGINT, self._handler)

    def _close(self, number: int, frame: FrameType | None) -> None:
        self._window.close()


def _prepare_environment() -> None:
    """Set what must be set before numpy and Qt are imported; main.py does so too, a notebook does not."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a fork beside a threaded product hangs for ever
    os.environ.setdefault(
        "QT_NO_GUI_THREADPOOL", "1"
    )  # six plots: 20 frames a second with the pool, 60 without


def _wayland_answers(environ: Mapping[str, str]) -> bool:
    name = environ.get("WAYLAND_DISPLAY", "")
    if not name:
        return False
    import socket  # most have no Wayland

    path = Path(environ.get("XDG_RUNTIME_DIR", "/")) / name  # an absolute name stands for itself
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2.0)
            client.connect(str(path))
    except OSError:
        return False
    return True


def _x_answers(display: str) -> bool:
    """Whether an X server lets us in, asked as Qt will ask it: by libxcb, with its address and its keys."""
    if not display:
        return False
    try:
        xcb, _ = (ctypes.CDLL(name) for name in _XCB_LIBRARIES)
    except OSError:  # Qt cannot open a window without them either
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(display.encode(), None)
    _asked.append(partial(xcb.xcb_disconnect, connection))
    return not xcb.xcb_connection_has_error(connection)
