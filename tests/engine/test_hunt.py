"""The hunter: what it finds is a witness indeed, it keeps the best, and it ends when told."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

import engine
from engine.claims.registry import CLAIM_IDS
from engine.hunt.command import hunt
from engine.hunt.registry import HUNT_IDS, load_hunt
from engine.hunt.search import Hunt, Judgement, hunting
from engine.hunt.variation import varied
from engine.witnesses import Witness, load_witness

N_TRIED = 250
NET = engine.MLP((1, 1, 3), "relu")
DATA = engine.Dataset([[1.0]], [0], n_classes=3)


def catches(claim_id, n_tried, seed=0):
    return [best for _, best in hunting(load_hunt(claim_id), 60.0, seed, n_tried)]


@pytest.mark.parametrize("claim_id", HUNT_IDS)
def test_every_hunt_finds_something_that_stands_when_replayed(claim_id):
    given = load_hunt(claim_id)
    assert claim_id == given.claim_id and claim_id in CLAIM_IDS
    found = [best for best in catches(claim_id, N_TRIED) if best]
    assert found
    scores = [best.judgement.score for best in found]
    assert scores == sorted(scores)
    again = given.judge(found[-1].witness)
    assert again == found[-1].judgement


def test_the_same_seed_tries_the_same_candidates():
    one, other = (catches("sign-retention", 120, seed=5)[-1] for _ in range(2))
    assert one.n_tried == other.n_tried and one.witness.theta.tobytes() == other.witness.theta.tobytes()
    another = catches("sign-retention", 120, seed=6)[-1]
    assert another.witness.theta.tobytes() != one.witness.theta.tobytes()


def test_it_ends_when_the_time_is_over_and_when_it_is_closed():
    drawn = []
    given = Hunt("none", "", lambda rng: drawn.append(rng), lambda one, rng: one, lambda one: None)
    shares = [share for share, best in hunting(given, 1e-9) if best is None]
    assert shares == [1.0] and len(drawn) == 1
    search = hunting(given, 60.0)
    next(search)
    search.close()
    assert len(drawn) == 2


def test_only_what_is_better_is_kept():
    scores = iter([1.0, 3.0, 2.0, 3.0, 4.0])
    witness = Witness("x", "", NET, DATA, np.zeros(NET.n_params), 0.1, 1)
    given = Hunt(
        "none", "", lambda rng: witness, lambda one, rng: one, lambda one: Judgement((next(scores),), 2, "")
    )
    found = [best for _, best in hunting(given, 60.0, most_tried=5)]
    assert [best.judgement.score[0] for best in found if best] == [1.0, 3.0, 3.0, 3.0, 4.0]
    assert [best.n_tried for best in found if best] == [1, 2, 2, 2, 5]
    assert found[-1].witness.n_steps == 2


@pytest.mark.parametrize("name", ["two-samples", "five-flips", "two-for-one"])
def test_the_known_witnesses_are_judged_too(name):
    judgement = load_hunt("errors-never-rise").judge(load_witness(name))
    assert judgement is not None
    assert judgement.score[0] == {"two-samples": 1 / 8, "five-flips": 5 / 16, "two-for-one": 1 / 5}[name]


def test_a_start_that_shows_nothing_is_no_witness():
    zero = Witness("zero", "", NET, DATA, np.zeros(NET.n_params), 0.01, 1)
    for claim_id in ("gradient-bound-weights", "sign-retention", "errors-never-rise-one-example"):
        assert load_hunt(claim_id).judge(zero) is None
    assert load_hunt("convex-in-weights").judge(zero) is None


def test_a_bound_on_gradients_is_broken_as_finite_differences_see_it():
    witness = catches("gradient-bound-weights", N_TRIED)[-1].witness
    norms = []
    for loss in ("quadratic", "cross_entropy"):
        net, h = engine.MLP(witness.net.layer_sizes, witness.net.activation, loss), 1e-5
        rows = h * np.eye(net.n_params)
        slopes = [
            net.loss(witness.theta + row, witness.data) - net.loss(witness.theta - row, witness.data)
            for row in rows
        ]
        norms.append(np.linalg.norm(slopes) / (2 * h))
    assert norms[0] > 0.5 * norms[1] * (1 + 1e-6)


def test_varying_keeps_frozen_numbers_and_the_bound():
    rng = np.random.default_rng(0)
    witness = load_witness("two-samples")
    start = witness.theta.copy()
    for _ in range(200):
        witness = varied(witness, rng, 3.0, data=True, rate=True)
        assert not witness.theta[4:].any() and np.abs(witness.theta).max() <= 3.0
        assert witness.data.n_samples >= 1
    assert load_witness("two-samples").theta.tobytes() == start.tobytes()


# ------------------------------------------------------------------------------------- the command


def test_the_command_saves_what_it_found(tmp_path, monkeypatch, capsys):
    ticks = itertools.count(step=0.5 / 1_500)  # a clock of its own: under load half a second is not enough
    monkeypatch.setattr("engine.hunt.search.time", SimpleNamespace(perf_counter=ticks.__next__))
    path = tmp_path / "caught.toml"
    assert hunt("sign-retention", "0.5", "1", str(path)) == 0
    printed = capsys.readouterr().out
    assert "Wanted against sign-retention" in printed
    witness = load_witness("caught", tmp_path)
    judgement = load_hunt("sign-retention").judge(witness)
    assert judgement is not None and judgement.summary == witness.text and witness.text in printed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("descent",), "'descent' cannot be hunted; these claims can: errors-never-rise, "),
        (("sign-retention", "0"), "--seconds must be a finite number above 0, not 0"),
        (("sign-retention", "soon"), "--seconds must be a finite number above 0, not 'soon'"),
        (("sign-retention", "1", "-1"), "--seed must be a whole number of at least 0, not -1"),
        (("sign-retention", "1", "0", "x.txt"), "--save must name a file that ends in .toml, not 'x.txt'"),
        (("sign-retention", "1", "0", "nowhere/x.toml"), "--save must name a file that can be written"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(arguments, sentence, capsys):
    assert hunt(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(sentence) and error.count("\n") == 1


def test_nothing_found_is_status_1(tmp_path, monkeypatch, capsys):
    empty = Hunt("none", "nothing", lambda rng: None, lambda one, rng: one, lambda one: None)
    monkeypatch.setattr("engine.hunt.registry.load_hunt", lambda claim_id: empty)
    assert hunt("none", "0.01", "0", str(tmp_path / "x.toml")) == 1
    assert "Nothing was found among" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_ctrl_c_keeps_the_best(tmp_path, monkeypatch, capsys):
    real, n_judged = load_hunt("sign-retention"), []

    def judge(witness):
        n_judged.append(1)
        if len(n_judged) == 250:
            raise KeyboardInterrupt
        return real.judge(witness)

    given = Hunt(real.claim_id, real.looks_for, real.draw, real.vary, judge)
    monkeypatch.setattr("engine.hunt.registry.load_hunt", lambda claim_id: given)
    assert hunt("sign-retention", "60", "0", str(tmp_path / "kept.toml")) == 130
    assert "Found as number" in capsys.readouterr().out
    assert real.judge(load_witness("kept", tmp_path)) is not None
