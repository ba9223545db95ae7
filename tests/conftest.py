"""Environment of the tests. It is set here because it must be set before numpy and Qt are imported.

Qt is not imported here: the tests of the engine run where it is not installed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

_VARIABLES = {
    "OPENBLAS_NUM_THREADS": "1",  # a fork beside a threaded product hangs for ever
    "QT_NO_GUI_THREADPOOL": "1",
    "QT_QPA_PLATFORM": "offscreen",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",  # Qt's D-Bus library forks at start without a bus
}
for _name, _value in _VARIABLES.items():
    os.environ.setdefault(_name, _value)

_USER_FOLDERS = ("LOSSOSCOPE_CONFIG_DIR", "LOSSOSCOPE_DATA_DIR")


@pytest.fixture(scope="session", autouse=True)
def _keep_off_the_users_folders() -> object:
    """Let no test read or change what the user's own program remembers or has downloaded."""
    with (
        tempfile.TemporaryDirectory(prefix="lossoscope-tests-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in _USER_FOLDERS:
            patch.setenv(name, str(Path(folder) / name.lower()))
        yield


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Leave pytest-qt out where there is no Qt: it would end the whole run."""
    if find_spec("PySide6") is None and pluginmanager.hasplugin("pytest-qt"):
        pluginmanager.unregister(name="pytest-qt")


def pytest_configure(config: pytest.Config) -> None:
    """Let Qt's remark that the offscreen platform has no window manager pass; any other warning fails a test."""
    if config.pluginmanager.hasplugin("pytest-qt"):
        config.addinivalue_line("qt_log_ignore", "This plugin does not support propagateSizeHints")
