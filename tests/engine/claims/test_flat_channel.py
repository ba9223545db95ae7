"""flat-channel: a channel, a rate that leaves it, units that cannot make one, a flow that is too short."""

from __future__ import annotations

import numpy as np
import pytest

import engine

CLAIM = "flat-channel"


def test_it_holds_on_the_wave():
    verdict = engine.verify(CLAIM)
    assert verdict.verdict == "holds" and verdict.is_as_expected and verdict.margin > 0.0
    flow, now = verdict.evidence["flow"], verdict.evidence["flow"][-1]
    assert now["time"] == pytest.approx(1e6)
    assert now["norm"] > 10.0 > 0.3 > now["distance"] and now["cosine"] == pytest.approx(-1.0)
    assert now["share"] > 0.999 and now["gated_error"] < 0.05
    assert (np.diff([row["loss"] for row in flow]) < 0.0).all()
    late = [row["sharpness"] for row in flow if row["time"] > 1e4]
    assert late == sorted(late) and late[-1] > 100.0


def test_the_smaller_the_rate_the_nearer_to_the_flow():
    limit = engine.verify(CLAIM, n_steps=4_000, horizon=100.0).evidence["limit"]
    away = np.array(limit["distance_from_flow"])
    assert away[:-1] / away[1:] == pytest.approx(np.full(3, 2.0), rel=0.05)


def test_a_larger_rate_leaves_the_channel():
    verdict = engine.verify(CLAIM, learning_rate=0.05, horizon=100.0)
    assert verdict.verdict == "not_applicable"
    assert [one.met for one in verdict.assumptions] == [False, True]
    assert verdict.evidence["steps_that_raised_the_loss_in_the_last_half"] > 10_000


def test_linear_units_come_to_rest():
    verdict = engine.verify(CLAIM, activation="identity", n_steps=4_000, horizon=1e4)
    assert verdict.verdict == "violated"
    assert abs(verdict.evidence["d_log_norm_by_d_log_time"]) < 1e-6


def test_a_short_flow_leaves_it_open():
    assert engine.verify(CLAIM, n_steps=400, horizon=10.0).verdict == "undecided"
