"""Tests of the threads that help: who does what, and on which cores."""

from __future__ import annotations

import os
import threading

import pytest

from engine.kernels import helpers
from engine.kernels.helpers import Helpers


@pytest.fixture
def two():
    made = Helpers(2)
    yield made
    made.shutdown()


def test_each_member_works_once_and_the_caller_gets_its_own_result(two):
    meeting = threading.Barrier(3)

    def work(member: int) -> tuple[int, int]:
        meeting.wait(10)  # all three are at it at the same time
        return member, threading.get_ident()

    assert two.share(2, work) == (0, threading.get_ident())


def test_an_error_of_a_helper_reaches_the_caller(two):
    meeting = threading.Barrier(2)

    def work(member: int) -> None:
        meeting.wait(10)
        if member:
            raise ArithmeticError("a helper failed")

    with pytest.raises(ArithmeticError, match="a helper failed"):
        two.share(1, work)


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="threads cannot be moved"
)
def test_no_helper_may_use_the_core_of_the_caller(monkeypatch):
    cores, one = os.sched_getaffinity(0), Helpers(1)
    for core in sorted(cores):
        monkeypatch.setattr(helpers, "_core_here", lambda core=core: core)
        one.submit(int).result()  # there is a thread by now
        one.keep_off()
        assert one.submit(os.sched_getaffinity, 0).result() <= cores - {core}
    assert os.sched_getaffinity(0) == cores
    one.shutdown()


def test_a_system_that_does_not_tell_cores_goes_on_without(two, monkeypatch):
    monkeypatch.setattr(helpers, "_core_here", None)
    assert two.share(1, lambda member: member) == 0
