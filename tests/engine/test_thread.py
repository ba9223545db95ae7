"""EngineThread: commands, refusals, failures and the end of it. Waiting is for a report, never for a time."""

from __future__ import annotations

import threading
import time

import pytest

from engine import descent as descent_module
from engine import history
from engine.commands import (
    Load,
    OpenRun,
    Pause,
    PauseAtRise,
    Perturb,
    Reset,
    Run,
    SavePoint,
    SetLearningRate,
    Step,
)
from engine.config import RunConfig
from engine.lessons import load_lesson
from engine.run_files import save_run
from engine.snapshot import Report, State
from engine.thread import EngineThread, Mailbox
from engine.trainer import Trainer

DEADLINE_S = 60.0  # compiling takes some 20 s where nothing is compiled yet
NAME = "lossoscope-engine"
CONFIG = RunConfig(data="xor", hidden=(3,), activation=("tanh",), learning_rate=0.1, seed=1)


class Reader(Mailbox):
    """A mailbox that wakes whoever waits for a report of some kind, and remembers all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.condition = threading.Condition()
        self.reports: list[Report] = []

    def put(self, report: Report) -> None:
        super().put(report)
        with self.condition:
            self.reports.append(report)
            self.condition.notify_all()

    def wait(self, is_wanted, after: int = 0) -> Report:
        """Return the first report from number `after` on that is wanted; fail at the deadline."""

        def found():
            return next((report for report in self.reports[after:] if is_wanted(report)), None)

        with self.condition:
            report = self.condition.wait_for(found, DEADLINE_S)
            last = self.reports[-1] if self.reports else None
        assert report is not None, f"no such report; the last of {len(self.reports)} is {last}"
        return report


class Gate:
    """Holds the engine's thread at a function of the Trainer until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def hold(self) -> None:
        self.reached.set()
        assert self.opened.wait(DEADLINE_S)


@pytest.fixture
def start(request):
    """Start an EngineThread with a Reader; every one must be gone at the end of the test."""
    engines: list[EngineThread] = []

    def make(config=CONFIG, **options) -> EngineThread:
        engine = EngineThread(config, **options)
        engine.mailbox = Reader()
        engines.append(engine)
        engine.start()
        return engine

    yield make
    stopped = [engine.stop(DEADLINE_S) for engine in engines]
    assert all(stopped)
    assert not [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.fixture
def gate(monkeypatch):
    """A gate at Trainer.from_config, that is in the middle of loading and compiling."""
    gate, load = Gate(), Trainer.from_config

    def from_config(config, n_threads=1):
        gate.hold()
        return load(config, n_threads)

    monkeypatch.setattr(Trainer, "from_config", from_config)
    yield gate
    gate.opened.set()


def send(engine: EngineThread, *commands) -> int:
    """Send commands; return how many reports there were before, for `wait(..., after)`."""
    after = len(engine.mailbox.reports)
    for command in commands:
        engine.send(command)
    return after


def wait_ready(engine: EngineThread) -> Report:
    return engine.mailbox.wait(lambda report: report.state is State.READY)


def wait_state(engine: EngineThread, state: State, after: int = 0) -> Report:
    return engine.mailbox.wait(lambda report: report.state is state, after)


# ------------------------------------------------------------------------------- the mailbox


def test_a_newer_report_replaces_an_unread_one():
    box = Mailbox()
    assert box.take() is None
    first, second = Report(State.READY, "1", None), Report(State.READY, "2", None)
    box.put(first)
    box.put(second)
    assert box.take() is second and box.take() is None


# ------------------------------------------------------------------------------- commands


def test_from_compiling_to_ready(start):
    engine = start()
    report = wait_ready(engine)
    assert [thread.daemon for thread in threading.enumerate() if thread.name == NAME] == [True]
    compiling = [r for r in engine.mailbox.reports if r.state is State.COMPILING]
    assert compiling == engine.mailbox.reports[: len(compiling)] and compiling[0].snapshot is None
    assert all(r.message for r in compiling)
    snapshot = report.snapshot
    assert (snapshot.n_steps, snapshot.config, snapshot.state) == (0, CONFIG, State.READY)
    assert report.message == "" and report.refusals == ()


def test_commands_are_carried_out_in_order(start, gate):
    engine = start()
    assert gate.reached.wait(DEADLINE_S)
    send(engine, Step(3), SavePoint("a"), SetLearningRate(0.25), Perturb("noise"), Step(4))
    gate.opened.set()
    report = wait_state(engine, State.PAUSED)
    assert report.snapshot.n_steps == 4
    # Step(4) takes the place of Step(3), of which nothing was done yet: commands do not wait for steps.
    assert report.snapshot.learning_rate == 0.25 and len(report.snapshot.history.jumps) == 1
    assert [point.label for point in report.snapshot.saved] == ["a"]


def test_a_pause_at_a_rise_says_why_and_stays_in_force_for_the_next_run(start):
    engine = start()
    wait_ready(engine)
    send(engine, PauseAtRise(errors=True), Load(load_lesson("five-flips").config), Run())
    report = wait_state(engine, State.PAUSED)
    snapshot = report.snapshot
    assert snapshot.history.error_rises.tolist() == [snapshot.n_steps] and snapshot.pause_at.errors
    assert report.message == snapshot.reason and "the errors rose from 1 to 6" in report.message


def test_a_run_pauses_for_good_where_its_record_is_full_and_one_from_a_file_too(start, monkeypatch, tmp_path):
    monkeypatch.setattr(history, "MOST_STEPS", 37)
    longer = Trainer.from_config(CONFIG)
    longer.step(40)
    save_run(tmp_path / "long.run", longer.record())
    engine = start()
    wait_state(engine, State.READY)
    for n_steps, command in ((37, Run()), (37, Step(5)), (40, OpenRun(str(tmp_path / "long.run")))):
        after = send(engine, command)
        if isinstance(command, OpenRun):
            engine.mailbox.wait(lambda r: r.state is State.PAUSED and not r.message, after)
            after = send(engine, Run())
        report = engine.mailbox.wait(lambda r: r.state is State.PAUSED and r.snapshot.is_full, after)
        assert report.snapshot.n_steps == n_steps and f"it holds {n_steps} steps" in report.message
    after = send(engine, Reset(), Step(5))
    report = wait_state(engine, State.PAUSED, after)
    assert (report.snapshot.n_steps, report.message) == (5, "")


def test_steps_end_in_a_pause_at_exactly_the_step(start):
    engine = start()
    wait_ready(engine)
    for n_steps in (1, 10, 100):
        before = engine.mailbox.reports[-1].snapshot.n_steps
        after = send(engine, Step(n_steps))
        assert wait_state(engine, State.PAUSED, after).snapshot.n_steps == before + n_steps


def test_what_the_thread_trains_has_the_bits_of_a_trainer(start):
    engine = start()
    report = wait_state(engine, State.PAUSED, send(engine, Step(500)))
    run = Trainer.from_config(CONFIG)
    run.step(500)
    assert report.snapshot.theta.tolist() == run.theta.tolist()
    assert report.snapshot.history["loss"].tolist() == run.history["loss"].tolist()


@pytest.mark.parametrize("pause_at", [PauseAtRise(), PauseAtRise(loss=True)])
def test_pauses_in_the_middle_of_long_steps_change_no_bit(start, pause_at):
    config = CONFIG.replace(data="digits", hidden=(256,), learning_rate=0.05)
    engine = start(config)
    wait_ready(engine)
    after = send(engine, pause_at)
    for _ in range(8):
        send(engine, Run())
        begun = wait_state(engine, State.RUNNING, after).snapshot
        engine.mailbox.wait(lambda report, n=begun.n_steps: report.snapshot.n_steps > n, after)
        after = send(engine, Pause())
        last = wait_state(engine, State.PAUSED, after).snapshot
        after = len(engine.mailbox.reports)
    alone = Trainer.from_config(config)
    alone.step(last.n_steps)
    assert last.n_steps > 0 and last.theta.tolist() == alone.theta.tolist()
    for name in ("loss", "n_errors", "gradient_norm", "symmetry_spread"):
        assert last.history[name].tolist() == alone.history[name].tolist()
    assert [point.step for point in last.path] == [point.step for point in alone.snapshot().path]


def test_a_pause_takes_effect_and_holds(start):
    engine = start()
    send(engine, Run())
    engine.mailbox.wait(lambda r: r.state is State.RUNNING and r.snapshot.n_steps > 100)
    report = wait_state(engine, State.PAUSED, send(engine, Pause()))
    n_steps = report.snapshot.n_steps
    for label in "abc":  # each of these makes a report
        after = send(engine, SavePoint(label))
        report = engine.mailbox.wait(
            lambda r, label=label: r.snapshot.saved[-1:] and r.snapshot.saved[-1].label == label, after
        )
        assert (report.snapshot.n_steps, report.state) == (n_steps, State.PAUSED)


def test_a_slow_pace_waits_without_working_and_hears_commands(start):
    engine = start()
    wait_state(engine, State.READY)
    send(engine, Run(steps_per_s=0.01))  # the second step would be due in 100 s
    engine.mailbox.wait(lambda r: r.snapshot and r.snapshot.n_steps == 1)
    n_reports = len(engine.mailbox.reports)
    report = wait_state(engine, State.PAUSED, send(engine, Pause()))
    assert report.snapshot.n_steps == 1
    assert len(engine.mailbox.reports) <= n_reports + 2
    report = wait_state(engine, State.PAUSED, send(engine, Run(until=4, steps_per_s=500.0)))
    assert report.snapshot.n_steps == 4 and report.snapshot.steps_per_s <= 500.0


def test_running_goes_on_and_a_new_rate_is_taken_live(start):
    engine = start()
    send(engine, Run())
    report = engine.mailbox.wait(lambda r: r.state is State.RUNNING and r.snapshot.n_steps > 10)
    after = send(engine, SetLearningRate(0.01))
    changed = engine.mailbox.wait(lambda r: r.snapshot.learning_rate == 0.01, after)
    assert changed.state is State.RUNNING
    assert engine.mailbox.wait(lambda r: r.snapshot.n_steps > changed.snapshot.n_steps, after) is not report


def test_reset_while_running(start):
    engine = start()
    first = wait_ready(engine).snapshot
    send(engine, Run())
    engine.mailbox.wait(lambda r: r.state is State.RUNNING and r.snapshot.n_steps > 10)
    report = wait_state(engine, State.READY, send(engine, Reset()))
    assert report.snapshot.n_steps == 0 and report.snapshot.generation > first.generation
    assert report.snapshot.theta.tolist() == first.theta.tolist()


def test_a_divergence_is_reported_with_its_reason(start):
    engine = start(CONFIG.replace(activation=("identity",), loss="squared", learning_rate=50.0))
    send(engine, Run())
    report = wait_state(engine, State.STOPPED)
    assert report.message == report.snapshot.reason != "" and report.snapshot.suggested_rate == 25.0


# ------------------------------------------------------------------------------- load


def test_load_while_running(start):
    engine = start()
    send(engine, Run())
    old = engine.mailbox.wait(lambda r: r.state is State.RUNNING and r.snapshot.n_steps > 10).snapshot
    other = CONFIG.replace(data="blobs", hidden=(4,))
    after = send(engine, Load(other))
    compiling = wait_state(engine, State.COMPILING, after)
    assert compiling.snapshot.config == CONFIG  # the old run stays on the screen meanwhile
    new = wait_state(engine, State.READY, after).snapshot
    assert (new.config, new.n_steps, new.data.name) == (other, 0, "blobs")
    assert new.run_id > old.run_id and new.generation > old.generation


def test_a_load_that_fails_leaves_the_run_running(start):
    engine = start()
    send(engine, Run())
    engine.mailbox.wait(lambda r: r.state is State.RUNNING and r.snapshot.n_steps > 10)
    after = send(engine, Load(CONFIG.replace(data="csv:/there/is/no/such.csv")))
    report = engine.mailbox.wait(lambda r: r.refusals and r.state is State.RUNNING, after)
    assert "such.csv" in report.refusals[0].sentence and report.snapshot.config == CONFIG
    engine.mailbox.wait(lambda r: r.snapshot.n_steps > report.snapshot.n_steps, after)


def test_a_first_load_that_fails_is_told_and_the_next_one_works(start):
    engine = start(CONFIG.replace(data="nothing-like-it"))
    report = wait_state(engine, State.STOPPED)
    assert report.snapshot is None and "nothing-like-it" in report.message == report.refusals[0].sentence
    after = send(engine, Run())
    report = engine.mailbox.wait(lambda r: len(r.refusals) == 2, after)
    assert report.state is State.STOPPED and "no run yet" in report.refusals[1].sentence
    send(engine, Load(CONFIG))
    assert wait_ready(engine).snapshot.config == CONFIG


def test_numbers_of_runs_and_generations_only_grow(start):
    engine = start()
    seen = [wait_ready(engine).snapshot]
    for command in (Perturb("duplicate"), Load(CONFIG), Perturb("duplicate"), Reset(), Load(CONFIG)):
        generation = seen[-1].generation
        after = send(engine, command)
        report = engine.mailbox.wait(lambda r, g=generation: r.snapshot.generation > g, after)
        seen.append(report.snapshot)
    run_ids = [snapshot.run_id for snapshot in seen]
    assert run_ids == sorted(set(run_ids))


# ------------------------------------------------------------------------------- refusals


def test_refusals_are_not_lost_when_nobody_reads(start, gate):
    engine = start()
    assert gate.reached.wait(DEADLINE_S)
    bad = Perturb("noise", {"scale": -1.0}), Perturb("shake"), Perturb("duplicate", {"unit": 77})
    send(engine, bad[0], SavePoint("a"), bad[1], bad[2], SavePoint("b"), Step(5))
    gate.opened.set()
    report = engine.mailbox.wait(lambda r: r.snapshot is not None and r.snapshot.n_steps == 5)
    assert [refusal.number for refusal in report.refusals] == [1, 2, 3]
    assert [refusal.command for refusal in report.refusals] == list(bad)
    for refusal, name in zip(report.refusals, ("scale", "perturbation", "unit"), strict=True):
        assert refusal.sentence.startswith(name)
    assert [point.label for point in report.snapshot.saved] == ["a", "b"]
    newest = engine.mailbox.take()
    assert newest.refusals == report.refusals  # one slot, and still all three are in it


def test_only_the_last_refusals_are_kept_and_their_numbers_go_on(start):
    engine = start()
    wait_ready(engine)
    send(engine, *[Perturb("shake")] * 30)
    report = engine.mailbox.wait(lambda r: r.refusals and r.refusals[-1].number == 30)
    numbers = [refusal.number for refusal in report.refusals]
    assert numbers == list(range(30 - len(numbers) + 1, 31)) and 4 <= len(numbers) <= 30


def test_a_refusal_changes_nothing(start):
    engine = start()
    before = wait_ready(engine).snapshot
    report = engine.mailbox.wait(lambda r: r.refusals, send(engine, Perturb("shake")))
    assert report.state is State.READY and report.message == ""
    assert report.snapshot.theta.tolist() == before.theta.tolist()
    assert report.snapshot.generation == before.generation


# ------------------------------------------------------------------------------- failure


@pytest.mark.parametrize(
    ("error", "words"), [(RuntimeError("out of cheese."), "out of cheese"), (KeyError(), "KeyError")]
)
def test_a_failure_is_reported_and_the_thread_lives_on(start, monkeypatch, capfd, error, words):
    engine = start()
    before = wait_ready(engine).snapshot
    after = send(engine, Perturb("duplicate"))
    run_id = engine.mailbox.wait(lambda r: r.snapshot.run_id > before.run_id, after).snapshot.run_id
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "advance", lambda run, budget_s: (_ for _ in ()).throw(error))
        report = wait_state(engine, State.STOPPED, send(engine, Run()))
        assert report.message == f"The engine failed: {words}. Load a lesson to start again."
        assert report.snapshot is None
        assert "Traceback" in capfd.readouterr().err
    report = engine.mailbox.wait(lambda r: r.refusals, send(engine, Run()))
    assert report.state is State.STOPPED and words in report.message
    after = send(engine, Load(CONFIG))
    assert wait_state(engine, State.READY, after).snapshot.run_id > run_id  # no number is given twice
    assert wait_state(engine, State.PAUSED, send(engine, Step(3))).snapshot.n_steps == 3


def test_a_failure_while_loading_is_reported_too(start, monkeypatch, capfd):
    with monkeypatch.context() as patch:
        patch.setattr(
            descent_module, "make_evaluator", lambda *a, **k: (_ for _ in ()).throw(RuntimeError("full"))
        )
        engine = start()
        assert "The engine failed: full." in wait_state(engine, State.STOPPED).message
    assert wait_state(engine, State.READY, send(engine, Load(CONFIG))).snapshot.n_steps == 0
    assert "RuntimeError" in capfd.readouterr().err


def test_settings_that_take_too_much_memory_leave_the_run_as_it_is(start, monkeypatch):
    engine = start()
    before = wait_state(engine, State.PAUSED, send(engine, Step(3))).snapshot
    with monkeypatch.context() as patch:
        patch.setattr(
            descent_module, "make_evaluator", lambda *a, **k: (_ for _ in ()).throw(MemoryError("full"))
        )
        after = send(engine, Load(CONFIG))
        report = engine.mailbox.wait(lambda r: r.refusals and r.state is State.PAUSED, after)
    assert report.refusals[-1].sentence == "There is not enough memory for these settings and this data."
    assert report.snapshot.run_id == before.run_id and report.snapshot.n_steps == 3
    assert wait_state(engine, State.PAUSED, send(engine, Step(2))).snapshot.n_steps == 5


# ------------------------------------------------------------------------------- the end


def test_stop_while_running(start):
    engine = start()
    send(engine, Run())
    engine.mailbox.wait(lambda r: r.state is State.RUNNING)
    assert engine.stop(DEADLINE_S) and engine.stop(DEADLINE_S)


def test_stop_while_compiling(start, gate):
    engine = start()
    assert gate.reached.wait(DEADLINE_S)
    assert wait_state(engine, State.COMPILING).snapshot is None
    started = time.monotonic()
    assert not engine.stop(timeout_s=0.01)  # it says so and does not hang
    assert time.monotonic() - started < 5.0
    gate.opened.set()
    assert engine.stop(DEADLINE_S)


def test_commands_behind_the_end_are_not_carried_out(start, gate):
    engine = start()
    assert gate.reached.wait(DEADLINE_S)
    engine.stop(timeout_s=0.0)
    send(engine, Step(5))
    gate.opened.set()
    assert engine.stop(DEADLINE_S)
    assert all(r.snapshot is None or r.snapshot.n_steps == 0 for r in engine.mailbox.reports)


def test_stop_before_start():
    engine = EngineThread(CONFIG)
    assert engine.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == NAME]


def test_two_engines_at_a_time(start):
    engines = [start(CONFIG.replace(seed=seed)) for seed in (1, 2)]
    for engine in engines:
        send(engine, Step(300))
    ends = [wait_state(engine, State.PAUSED).snapshot.theta.tolist() for engine in engines]
    for seed, end in zip((1, 2), ends, strict=True):
        run = Trainer.from_config(CONFIG.replace(seed=seed))
        run.step(300)
        assert run.theta.tolist() == end
