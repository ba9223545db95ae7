"""The engine alone: no Qt, no thread, no output, whoever imports it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import MLP, Trainer, load_dataset

ROOT = Path(__file__).resolve().parents[2]

WITHOUT_QT = """
import sys

class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "PyQt6", "PyQt5", "pyqtgraph", "gui"):
            raise ModuleNotFoundError(f"{name} must not be imported here", name=name)

sys.meta_path.insert(0, NoQt())
"""


def run(code, tmp_path):
    """Run code in a fresh Python and return what it printed; what it prints on standard error fails the test."""
    environ = {
        **os.environ,
        "LOSSOSCOPE_CONFIG_DIR": str(tmp_path / "config"),
        "LOSSOSCOPE_DATA_DIR": str(tmp_path / "data"),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_block_of_these_tests_blocks(tmp_path):
    code = "try:\n    import gui.theme\nexcept ModuleNotFoundError as error:\n    print(error)"
    assert run(WITHOUT_QT + code, tmp_path) == "gui must not be imported here\n"


def test_no_module_of_the_engine_imports_qt_or_the_window(tmp_path):
    code = """
import pkgutil, sys
import engine

names = [module.name for module in pkgutil.walk_packages(engine.__path__, "engine.")]
for name in names:
    __import__(name)
assert len(names) > 15, names
print(sorted({name.partition(".")[0] for name in sys.modules} & {"PySide6", "shiboken6", "pyqtgraph", "gui"}))
"""
    assert run(code, tmp_path) == "[]\n"


def test_the_engine_and_the_command_line_work_where_qt_cannot_be_imported(tmp_path):
    code = """
import engine

data = engine.load_dataset("xor")
net = engine.MLP((2, 3, 2))
trainer = engine.Trainer(net, data, net.init("glorot_uniform", seed=1), learning_rate=0.5)
trainer.step(5)
trainer.perturb("noise", scale=1e-3, seed=1)
trainer.step(5)
print(trainer.n_steps, len(trainer.history["loss"]), engine.LESSONS[0], sorted(engine.PERTURBATIONS)[0])

from main import main

print(main(["list"]), main(["run", "five-flips", "--steps", "0"]))
"""
    printed = run(WITHOUT_QT + code, tmp_path)
    assert printed.startswith("10 11 exam break_symmetry\n") and printed.endswith("\n0 0\n")


@pytest.mark.parametrize("name", ["engine", "engine.headless", "main"])
def test_an_import_starts_no_thread_prints_nothing_and_loads_no_numba(name, tmp_path):
    code = f"""
import threading, sys
import {name}

assert threading.active_count() == 1, threading.enumerate()
assert "numba" not in sys.modules and "sklearn" not in sys.modules
"""
    assert run(code, tmp_path) == ""


@pytest.fixture(scope="module")
def compiled():
    """Compile here what the test needs, so that its own Python only loads it.

    Numba's cache takes no lock: of processes that compile at the same time one may find the cache half written.
    """
    data, net = load_dataset("xor"), MLP((2, 3, 2))
    Trainer(net, data, net.init("constant", value=0.1)).step(3)


def test_training_on_one_thread_starts_none(compiled, tmp_path):
    code = """
import threading
import engine

data = engine.load_dataset("xor")
net = engine.MLP((2, 3, 2))
before = threading.enumerate()
engine.Trainer(net, data, net.init("constant", value=0.1)).step(3)
print([thread for thread in threading.enumerate() if thread not in before])
"""
    assert run(code, tmp_path) == "[]\n"


def test_what_is_offered_is_there(tmp_path):
    code = """
import engine

for name in engine.__all__:
    assert getattr(engine, name) is not None, name
assert set(engine.__all__) <= set(dir(engine))
try:
    engine.nothing
except AttributeError as error:
    print(error)
"""
    assert run(code, tmp_path) == "module 'engine' has no attribute 'nothing'\n"


def test_main_sets_what_numpy_reads_before_numpy_is_loaded(tmp_path):
    code = """
import os, sys

os.environ.pop("QT_NO_GUI_THREADPOOL", None)
os.environ["OPENBLAS_NUM_THREADS"] = "3"

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print(os.environ["OPENBLAS_NUM_THREADS"], os.environ["QT_NO_GUI_THREADPOOL"])

sys.meta_path.insert(0, Watch())
import main
import numpy
"""
    assert run(code, tmp_path) == "1 1\n"
