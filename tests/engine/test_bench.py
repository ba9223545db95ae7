"""The benchmark: everybody computes the same, a wrong result is found, and what is written is what was measured."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from engine.bench import command, contest, entrants, page, report, works
from engine.bench.comparison import difference
from engine.bench.contest import Outcome, Row
from engine.bench.contestant import Contestant
from engine.bench.entrants import BLAS, MACHINE, OURS, Entrant
from engine.bench.problem import EIGENPAIRS, PRODUCTS, SLICE, STEPS, Problem
from engine.bench.process import WorkerError, WorkerProcess, environment
from engine.bench.works import WORKS, Goal, Work
from engine.datasets import Dataset, load_dataset
from engine.mlp import MLP
from main import main

ROOT = Path(__file__).resolve().parents[2]
NUMPY = Entrant("numpy", "numpy_peer", ("whole",))


def make_problem(
    kind: str = STEPS, activation: str = "logistic", hidden: tuple[int, ...] = (7, 5)
) -> Problem:
    rng = np.random.default_rng(0)
    net = MLP((6, *hidden, 4), activation)
    theta = net.init("glorot_uniform", seed=1)
    y = np.concatenate([np.arange(4), rng.integers(0, 4, 1200)])
    x = rng.standard_normal((len(y), 6))
    places = np.array([[0, 0], [2, 1], [1, 2], [2, 2]])
    n_vectors = 2 if kind == SLICE else 3
    return Problem(
        kind,
        net.layer_sizes,
        activation,
        x,
        y,
        theta,
        n_repeats=4 if kind == STEPS else n_vectors,
        vectors=rng.standard_normal((n_vectors, net.n_params)),
        ticks=np.array([-0.5, 0.0, 0.5]),
        points=places,
    )


def run_once(problem: Problem, module: str, way: str):
    contestant: Contestant = import_module(f"engine.bench.peers.{module}").make(problem, way, 1)
    contestant.prepare()
    contestant.run()
    contestant.prepare()  # a second round must start from the same place
    contestant.run()
    return contestant.result()


def all_ways():
    for kind in (STEPS, SLICE, PRODUCTS, EIGENPAIRS):
        for entrant in entrants.others(make_problem(kind)):
            for way in entrant.ways:
                if entrant.name != MACHINE and way != "compiled":  # which takes a C++ compiler half a minute
                    yield pytest.param(kind, entrant, way, id=f"{kind}-{entrant.name}-{way}")


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
@pytest.mark.parametrize(("kind", "entrant", "way"), list(all_ways()))
def test_everybody_computes_the_same(kind, entrant, way, activation):
    if not entrant.is_installed:
        pytest.skip(f"{entrant.package} is not installed")
    problem = make_problem(kind, activation)
    own = run_once(problem, "ours", "ordered")
    theirs = run_once(problem, entrant.module, way)
    assert difference(own, theirs, len(problem.y), "float64") == ""
    assert set(theirs) >= {"loss"} or set(theirs) <= {"products", "eigenvalues"}


def test_many_equal_layers_scanned_by_jax_are_the_same():
    pytest.importorskip("jax")
    problem = make_problem(activation="tanh", hidden=(5,) * 25)
    way = next(e.ways for e in entrants.others(problem) if e.name == "JAX")[-1]
    own, theirs = run_once(problem, "ours", "ordered"), run_once(problem, "jax_peer", way)
    assert way == "scanned layers"
    assert difference(own, theirs, len(problem.y), "float64") == ""


def test_float32_is_compared_with_its_own_tolerance():
    problem = replace(make_problem(), dtype="float32")
    own, theirs = (
        run_once(problem, "ours", *entrants.ours(problem).ways),
        run_once(problem, "numpy_peer", "whole"),
    )
    assert difference(own, theirs, len(problem.y), "float32") == ""
    assert "loss differs" in difference(own, theirs, len(problem.y), "float64")


@pytest.mark.parametrize("name", ["loss", "n_errors", "theta", "products", "eigenvalues"])
@pytest.mark.parametrize("wrong", ["changed", "nan", "shape"])
def test_a_difference_is_found(name, wrong):
    own = {key: np.arange(1.0, 6.0) for key in ("loss", "n_errors", "theta", "products", "eigenvalues")}
    theirs = {key: value.copy() for key, value in own.items()}
    assert difference(own, theirs, 1000, "float64") == ""
    if wrong == "shape":
        theirs[name] = theirs[name][:-1]
    else:
        theirs[name][2] = np.nan if wrong == "nan" else theirs[name][2] + 1e-5
    assert difference(own, theirs, 1000, "float64").startswith(name)


def test_a_problem_survives_its_file(tmp_path):
    problem = make_problem(SLICE)
    problem.save(tmp_path / "problem.npz")
    again = Problem.load(tmp_path / "problem.npz")
    assert (again.kind, again.layer_sizes, again.n_repeats) == (SLICE, (6, 7, 5, 4), 2)
    assert np.array_equal(again.point(1), problem.point(1))


def test_operations_of_a_step_are_counted():
    problem = make_problem(hidden=(7,))
    # forward and gradient of both matrices, and the way back through the second alone
    assert problem.step_operations == 2 * len(problem.y) * (2 * (6 * 7 + 7 * 4) + 7 * 4)


def test_peers_run_without_tuning_that_ours_may_have(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    own, theirs = environment(entrants.ours(make_problem()), 3), environment(NUMPY, 3)
    assert (own["OPENBLAS_CORETYPE"], own["OPENBLAS_L2_SIZE"]) == ("Haswell", "512")
    assert not {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"} & set(theirs)
    assert theirs["OPENBLAS_NUM_THREADS"] == theirs["OMP_NUM_THREADS"] == "3"


def test_a_worker_that_fails_says_why(tmp_path):
    make_problem().save(tmp_path / "problem.npz")
    with pytest.raises(WorkerError, match="No module named"):
        WorkerProcess(Entrant("x", "nobody", ("way",)), "way", 1, tmp_path / "problem.npz", tmp_path)


class InlineWorker(contextlib.AbstractContextManager):
    """A worker without a process: those have tests of their own."""

    def __init__(self, entrant, way, n_threads, problem_path, folder) -> None:
        module = import_module(f"engine.bench.peers.{entrant.module}")
        self.contestant = module.make(Problem.load(problem_path), way, n_threads)
        self.way, self.name = way, f"{way}, {n_threads} threads"
        self.time_round()
        self.result = self.contestant.result()

    def time_round(self) -> float:
        self.contestant.prepare()
        started = time.perf_counter()
        self.contestant.run()
        return (time.perf_counter() - started) / self.contestant.units

    def close(self) -> None:
        pass

    def __exit__(self, *error) -> None:
        self.close()


def test_a_work_is_held_and_everybody_has_as_many_rounds(monkeypatch):
    absent = Entrant("absent", "nobody", ("way",), "no_such_package")
    broken = Entrant("broken", "nobody", ("way",))
    machine = Entrant(MACHINE, "ours", ("product",), is_peer=False)
    monkeypatch.setattr(contest, "others", lambda problem: [NUMPY, absent, broken, machine])

    def start(entrant, *arguments):
        """Start ours and numpy as it is done; the machine's products need no numba of their own to be loaded."""
        if entrant is broken:
            raise WorkerError("it was never there")
        return (InlineWorker if entrant is machine else WorkerProcess)(entrant, *arguments)

    monkeypatch.setattr(contest, "WorkerProcess", start)
    monkeypatch.setattr(contest, "_TRIAL_S", 0.0)
    told: list[str] = []
    outcome = contest.hold(make_problem(), 0.01, told.append)
    numpy, missing, failed, product = outcome.rows
    assert outcome.n_rounds == 5 and numpy.way.startswith("whole") and told[0] == OURS
    assert numpy.peer_s > 0 and numpy.ratio == pytest.approx(numpy.peer_s / outcome.ours_s)
    assert missing.is_missing and failed.problem.startswith("failed: ") and not failed.is_missing
    assert 0 < product.ratio < 2
    assert report.has_failed(outcome)
    assert not report.has_failed(replace(outcome, rows=(numpy, missing, product)))


class FakeWorker:
    def __init__(self, name: str, log: list[str], fails_at: int = -1) -> None:
        self.name, self.log, self.fails_at, self.n_rounds = name, log, fails_at, 0

    def time_round(self) -> float:
        self.log.append(self.name)
        self.n_rounds += 1
        if self.n_rounds == self.fails_at:
            raise WorkerError("it was killed")
        return float(self.n_rounds)


def test_rounds_alternate_and_begin_with_another():
    log: list[str] = []
    workers = {name: FakeWorker(name, log) for name in (OURS, "a", "b")}
    times, failures = contest._interleave(workers, 0.0)
    assert log[:9] == [OURS, "a", "b", "a", "b", OURS, "b", OURS, "a"]
    assert times == {name: [1.0, 2.0, 3.0, 4.0, 5.0] for name in workers} and failures == {}


def test_a_peer_that_dies_between_rounds_is_told_and_the_rest_goes_on():
    log: list[str] = []
    workers = {OURS: FakeWorker(OURS, log), "a": FakeWorker("a", log, fails_at=3)}
    times, failures = contest._interleave(workers, 0.0)
    assert list(times) == [OURS] and len(times[OURS]) == 5 and failures == {"a": "failed: it was killed"}
    assert contest._finished(Row("a"), times, failures).problem == "failed: it was killed"
    with pytest.raises(WorkerError):
        contest._interleave({OURS: FakeWorker(OURS, log, fails_at=1)}, 0.0)


def make_outcome() -> Outcome:
    rows = (
        Row("numpy", "whole, 1 thread", 2e-3, 1e-3),
        Row("PyTorch", "eager, 1 thread", 5e-3, 1e-3),
        Row("JAX", problem="not installed", is_missing=True),
        Row(BLAS, "blas, 1 thread", 0.5e-3, 1e-3, is_peer=False),
        Row(MACHINE, "product, 2 threads", 0.4e-3, 1e-3, is_peer=False),
    )
    return Outcome(1e-3, rows, 7)


def test_goals_are_judged_by_the_fastest_library_or_the_named_one():
    outcome = make_outcome()
    assert (
        report.goal_line(Goal(2), outcome)
        == "wanted: 2 times the fastest library; reached with 2, beside numpy"
    )
    assert report.goal_line(Goal(6, "PyTorch"), outcome) == "wanted: 6 times PyTorch; missed with 5"
    assert "missed with 0.5" in report.goal_line(Goal(1 / 1.3, BLAS), outcome)
    assert report.goal_line(Goal(2, "JAX"), outcome).endswith("not measured")


@pytest.mark.parametrize(
    ("seconds", "text"), [(93.14, "93.1 s"), (1.5e-3, "1.50 ms"), (140e-6, "140 us"), (2e-9, "2.00 ns")]
)
def test_times_have_three_digits(seconds, text):
    assert report.duration(seconds) == text


def test_every_goal_names_somebody_who_takes_part(monkeypatch):
    empty = Dataset(
        np.zeros((10_000, 784)), np.arange(10_000) % 10
    )  # who takes part does not depend on pixels
    monkeypatch.setattr(works, "load_dataset", lambda name: empty if name == "mnist" else load_dataset(name))
    for work in WORKS.values():
        if work.missing or work.name == "step-dense":  # a third of a gigabyte
            continue
        names = {entrant.name for entrant in entrants.others(work.make())}
        assert {goal.peer for goal in work.goals} - {""} <= names, work.name


def test_a_page_keeps_the_remarks_that_people_wrote(tmp_path):
    path = tmp_path / "benchmarks.md"
    text = page.as_page(
        [(WORKS["step-small"], make_outcome())], [(WORKS["step-mnist"], "no data")], {"cores": "2"}
    )
    path.write_text(page.with_remarks(text, path), encoding="utf-8")
    assert path.read_text(encoding="utf-8").endswith("## Remarks\n\nNone.\n")
    path.write_text(path.read_text(encoding="utf-8").replace("None.", "Because of this."), encoding="utf-8")
    written = page.with_remarks(text, path)
    assert written.endswith("## Remarks\n\nBecause of this.\n") and written.count("## Remarks") == 1
    assert "| 1.00 ms | 2.00 ms (2) | 5.00 ms (5) |  | not installed |  |" in written
    assert "| `step-small` | 0.769 times BLAS arithmetic | 0.5 (BLAS arithmetic) | **missed** |" in written
    assert "| `step-small` | 0.5 | 40% |" in written and "`step-mnist` was skipped: no data." in written


@pytest.fixture
def one_small_work(monkeypatch):
    """Only one work, with numpy alone, and all in this process."""
    work = Work("small", "a small work", "step", make_problem, (Goal(1e-6),))
    monkeypatch.setattr(works, "WORKS", {"small": work})
    monkeypatch.setattr(contest, "others", lambda problem: [NUMPY])
    monkeypatch.setattr(contest, "WorkerProcess", InlineWorker)
    monkeypatch.setattr(contest, "_TRIAL_S", 0.0)
    return work


def test_the_command_prints_and_writes(one_small_work, tmp_path, capsys):
    status = command.bench(["small"], "0.01", str(tmp_path / "out.json"), str(tmp_path / "page.md"))
    printed = capsys.readouterr()
    assert status == 0, printed.err
    assert "small: a small work" in printed.out and "reached with" in printed.out
    (row,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert list(row) == ["work", "ours_s", "peer", "peer_s", "ratio"]
    assert row["ratio"] == row["peer_s"] / row["ours_s"] and (row["work"], row["peer"]) == ("small", "numpy")
    assert "## Machine" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_wrong_result_is_status_1_and_has_no_time(one_small_work, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(contest, "difference", lambda *given: "loss differs by 1.0e-03, more than 1e-09")
    assert command.bench([], "0.01", str(tmp_path / "out.json"), None) == 1
    assert "loss differs by 1.0e-03" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == []


def test_data_that_is_not_there_is_said_and_skipped(one_small_work, monkeypatch, capsys):
    monkeypatch.setattr(works, "WORKS", {"small": replace(one_small_work, data="cifar10-nowhere")})
    assert command.bench([], "0.01", None, None) == 0
    assert "small is skipped: the data set cifar10-nowhere is not here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], ["'nope'", "step-tiny, step-small"]),
        (["--seconds", "soon"], ["--seconds", "above 0", "'soon'"]),
        (["--seconds", "0"], ["--seconds", "above 0"]),
        (["--json", "no/out.json"], ["--json", "no folder"]),
        (["--markdown", "a.md", "--json", "a.md"], ["--markdown", "--json", "a.md"]),
        (["--fly"], ["--fly", "main.py bench", "[--markdown FILE]"]),
    ],
)
def test_unusable_arguments_are_one_line_and_status_2(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(["bench", *arguments])
    except SystemExit as end:  # as the parser leaves
        status = end.code
    assert status == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert all(word in said.err for word in words), said.err
    assert list(tmp_path.iterdir()) == []
