"""Monitors: what each claim comes to on a run, on runs where it holds, is violated, or says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from engine.claims.claim import Answer
from engine.claims.registry import CLAIM_IDS
from engine.config import RunConfig
from engine.monitors.monitor import Monitor
from engine.monitors.registry import MONITORS, make_monitors
from engine.trainer import Trainer

SMALL: dict[str, Any] = {"data": "digits", "n_samples": 100, "hidden": (5,), "learning_rate": 0.5}


def run(n_steps: int = 40, **settings: Any) -> Trainer:
    trainer = Trainer.from_config(RunConfig(**(SMALL | settings)))
    if n_steps:
        trainer.step(n_steps)
    return trainer


def answers(trainer: Trainer) -> dict[str, Answer | None]:
    return {monitor.claim_id: monitor.read(trainer.snapshot()).answer for monitor in make_monitors()}


def read(claim_id: str, trainer: Trainer) -> Any:
    return next(m for m in make_monitors() if m.claim_id == claim_id).read(trainer.snapshot())


def test_each_is_of_a_claim_and_there_is_one_a_claim() -> None:
    ids = [kind.claim_id for kind in MONITORS]
    assert len(set(ids)) == len(ids) and set(ids) <= set(CLAIM_IDS)


@pytest.mark.parametrize("kind", MONITORS, ids=lambda kind: kind.claim_id)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 10},
        {"data": "sine", "n_samples": 20, "loss": "squared"},
        {"hidden": ()},
        {"loss": "quadratic"},
    ],
    ids=["plain", "batches", "squared", "no hidden layer", "quadratic"],
)
@pytest.mark.parametrize("n_steps", [0, 3])
def test_each_reads_any_run(kind: type[Monitor], settings: dict[str, Any], n_steps: int) -> None:
    reading = kind().read(run(n_steps, **settings).snapshot())
    assert reading.line.endswith(".")


@pytest.mark.parametrize(
    ("claim_id", "settings", "answer"),
    [
        ("descent", {}, Answer.HOLDS),
        ("descent", {"learning_rate": 20.0}, Answer.VIOLATED),
        ("descent", {"batch_size": 10}, Answer.NOT_APPLICABLE),
        ("descent-minibatch", {"batch_size": 10}, Answer.VIOLATED),
        ("descent-minibatch", {}, Answer.NOT_APPLICABLE),
        ("errors-never-rise", {"n_samples": 1}, Answer.HOLDS),
        ("error-ceiling", {}, Answer.HOLDS),
        ("error-ceiling", {"loss": "quadratic"}, Answer.NOT_APPLICABLE),
        ("symmetry-stays", {"init": "constant"}, Answer.HOLDS),
        ("symmetry-stays", {}, Answer.NOT_APPLICABLE),
        ("symmetry-stays", {"hidden": ()}, Answer.NOT_APPLICABLE),
        ("symmetry-stays", {"init": "constant", "hidden": (7,), "arithmetic": "blas"}, Answer.VIOLATED),
        ("lemma-2-1", {}, Answer.NOT_APPLICABLE),
        ("lemma-2-1", {"data": "blobs", "n_samples": 3, "learning_rate": 2.0}, Answer.HOLDS),
        ("gradient-bound-logits", {}, Answer.HOLDS),
        ("gradient-bound-weights", {"data": "xor", "n_samples": None}, Answer.HOLDS),
        ("hessian-indefinite", {}, Answer.HOLDS),
        ("hessian-indefinite", {"hidden": ()}, Answer.VIOLATED),
        ("full-rank-features", {}, Answer.NOT_APPLICABLE),
        ("full-rank-features", {"n_samples": 4, "hidden": (6,)}, Answer.HOLDS),
        ("full-rank-features", {"n_samples": 4, "hidden": (6,), "init": "constant"}, Answer.VIOLATED),
        ("permutation-invariance", {}, Answer.HOLDS),
        ("one-parameter-per-layer", {"init": "constant"}, Answer.VIOLATED),
        ("one-parameter-per-layer", {}, Answer.NOT_APPLICABLE),
        ("sign-retention", {}, Answer.VIOLATED),
        ("sign-retention", {"data": "xor", "n_samples": 1}, Answer.HOLDS),
        ("norms", {}, Answer.HOLDS),
        ("norms", {"data": "sine", "n_samples": 20, "loss": "squared"}, Answer.NOT_APPLICABLE),
        ("convex-in-logits", {}, Answer.HOLDS),
        ("convex-in-weights", {"learning_rate": 2.0}, Answer.VIOLATED),
        ("convex-in-weights", {"hidden": ()}, Answer.NOT_APPLICABLE),
        ("convex-in-weights", {"init": "constant"}, Answer.UNDECIDED),
        ("softmax-regression-convex", {"hidden": ()}, Answer.HOLDS),
        ("softmax-regression-convex", {}, Answer.NOT_APPLICABLE),
    ],
)
def test_what_a_claim_comes_to(claim_id: str, settings: dict[str, Any], answer: Answer) -> None:
    n_steps = 400 if claim_id == "lemma-2-1" else 60
    assert read(claim_id, run(n_steps, **settings)).answer is answer


def test_the_mistakes_that_rise_are_found_with_their_step() -> None:
    trainer = run(100, n_samples=None, hidden=(32,), learning_rate=0.1, seed=109)
    reading = read("errors-never-rise", trainer)
    assert reading.answer is Answer.VIOLATED
    assert reading.step == trainer.history.view().error_rises[0]
    errors = trainer.history["n_errors"]
    assert errors[reading.step] > errors[reading.step - 1]


def test_a_kick_is_not_taken_for_rounding() -> None:
    trainer = run(5, init="constant")
    trainer.perturb("break_symmetry", scale=1e-3, seed=1)
    trainer.step(5)
    reading = read("symmetry-stays", trainer)
    assert reading.answer is Answer.NOT_APPLICABLE and "kick" in reading.line


def test_the_ceiling_is_read_step_by_step_and_anew_after_a_reset() -> None:
    from engine.commands import Reset

    monitor = next(m for m in make_monitors() if m.claim_id == "error-ceiling")
    trainer = run(10)
    lines = [monitor.read(trainer.snapshot()).line]
    trainer.step(30)
    lines.append(monitor.read(trainer.snapshot()).line)
    assert lines[1] == read("error-ceiling", trainer).line
    trainer.apply(Reset())
    trainer.step(10)
    assert monitor.read(trainer.snapshot()).line == lines[0]
