"""Machine code on the disk: what one process compiles is loaded by the others, whenever they come."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numba
import pytest

from engine import locks
from engine.kernels import cache, jit

ROOT = Path(__file__).resolve().parent.parent.parent

# Two kernels, one in the other, an external, and two signatures: told are the results, and how often each compiled.
SCRIPT = """
import time
from engine.kernels import cache, jit

rest = time.sleep
def sleep_and_tell(seconds):
    print("waits", flush=True)
    cache.time.sleep = rest
    rest(seconds)
cache.time.sleep = sleep_and_tell

print("ready", cache.CACHE_FOLDER, flush=True)
input()

@jit.external("float64(float64)")
def third_of(x):
    return x / 3.0

@jit.kernel
def inside(x):
    return third_of(x) + 1.0

@jit.lean_kernel
def outside(x):
    return 2 * inside(x)

print(outside(3), outside(1.5), flush=True)
print(sum(sum(made.stats.cache_misses.values()) for made in (inside, outside)),
      jit._EXTERNALS[0].cache_hits, flush=True)
"""


class Process:
    """A process that runs SCRIPT, and is told when to compile."""

    def __init__(self, folder: Path, script: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(folder)}
        self.run = subprocess.Popen(
            [sys.executable, str(script)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self) -> str:
        assert self.run.stdout is not None
        return self.run.stdout.readline().strip()

    def go(self) -> None:
        assert self.run.stdin is not None
        self.run.stdin.write("\n")
        self.run.stdin.flush()

    def end(self) -> tuple[int, bool]:
        """Return how many kernels it compiled, and whether it loaded the external; its results must be right."""
        answers = [line for line in iter(self.read, "") if line != "waits"]
        assert answers[0] == "4.0 3.0" and self.run.wait() == 0
        n_compiled, n_loaded = answers[1].split()
        return int(n_compiled), n_loaded == "1"


@pytest.fixture
def start(tmp_path):
    """Start a process on an empty cache of the test's own; it has said "ready"."""
    script = tmp_path / "kernels.py"
    script.write_text(SCRIPT)
    with ExitStack() as stack:

        def start() -> tuple[Process, Path]:
            process = Process(tmp_path / "cache", script)
            stack.enter_context(process.run)
            stack.callback(process.run.kill)
            said, folder = process.read().split(maxsplit=1)
            assert said == "ready"
            return process, cache._lock_in(Path(folder))

        yield start


def test_of_two_processes_one_compiles_and_both_are_right(start):
    (one, lock), (other, _) = start(), start()
    held = locks.take(lock)
    assert held is not None
    for process in (one, other):
        process.go()
    assert [one.read(), other.read()] == ["waits", "waits"]  # nothing is compiled while somebody has his turn
    assert not list(lock.parent.glob("*/*.nbi"))
    locks.release(lock, held)
    ends = [one.end(), other.end()]
    assert sum(n_compiled for n_compiled, _ in ends) == 4 and sorted(loaded for _, loaded in ends) == [
        False,
        True,
    ]
    assert not lock.exists() and not list(lock.parent.rglob("*.tmp.*"))
    third, _ = start()
    third.go()
    assert third.end() == (0, True)


def test_a_process_that_is_killed_in_its_turn_leaves_it_to_the_next(start, tmp_path):
    waiting, lock = start()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from pathlib import Path; from engine import locks; locks.take(Path({str(lock)!r})); print(); input()",
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None and holder.stdout.readline()
        assert locks.is_held(lock)
        waiting.go()
        assert waiting.read() == "waits"
        holder.kill()
    assert waiting.end() == (4, False) and not lock.exists()


def triple(x):
    return 3 * x


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A folder of the test's own for what is compiled in this process."""
    for module in (cache, jit):
        monkeypatch.setattr(module, "CACHE_FOLDER", tmp_path)
    turn = cache.Turn(cache._lock_in(tmp_path))
    monkeypatch.setattr(cache, "TURN", turn)
    return tmp_path


def test_nobody_waits_for_ever_and_not_twice(own_folder, monkeypatch):
    monkeypatch.setattr(cache.TURN, "_patience_s", 0.05)
    lock = cache._lock_in(own_folder)
    held = locks.take(lock)
    assert held is not None
    tripled = jit.kernel(triple)
    assert tripled(2) == 6
    monkeypatch.setattr(cache.time, "sleep", lambda seconds: pytest.fail("it waits again"))
    assert tripled(0.5) == 1.5 and sum(tripled.stats.cache_misses.values()) == 2
    locks.release(lock, held)
    again = jit.kernel(triple)
    assert again(0.5) == 1.5 and not again.stats.cache_misses


def test_a_kernel_that_cannot_be_compiled_leaves_the_turn_to_others(own_folder):
    broken = jit.kernel(lambda x: x.nothing)
    with pytest.raises(numba.TypingError):
        broken(1)
    assert not locks.is_held(cache._lock_in(own_folder))


def test_where_no_lock_can_be_made_it_compiles_all_the_same(own_folder, monkeypatch):
    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(locks, "take", refuse)
    assert jit.kernel(triple)(2) == 6


def test_what_is_compiled_takes_no_turn(own_folder, monkeypatch):
    assert jit.kernel(triple)(2) == 6
    monkeypatch.setattr(locks, "take", lambda path: pytest.fail("it asks for a turn"))
    assert jit.kernel(triple)(2) == 6


def test_it_is_compiled_once_there_is_code_and_nobody_at_work(own_folder):
    lock = cache._lock_in(own_folder)
    lock.touch()  # as a killed process leaves it
    assert not cache.is_compiled()
    jit.kernel(triple)(2)
    assert cache.is_compiled()
    held = locks.take(lock)
    assert held is not None and not cache.is_compiled()
    locks.release(lock, held)
    lock.touch()
    assert cache.is_compiled()
