"""The record of a run against slow loops that do the obvious."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.history import LOSS_RISE_TOLERANCE, SERIES, History, HistoryView, Jump


def entries(loss: Any, errors: Any = None, spread: Any = None) -> dict[str, Any]:
    loss = np.asarray(loss, dtype=np.float64)
    whole = np.zeros(len(loss), dtype=np.int32) if errors is None else np.asarray(errors, dtype=np.int32)
    spread = loss if spread is None else np.asarray(spread, dtype=np.float64)
    return {"loss": loss, "n_errors": whole, "gradient_norm": loss * 2.0, "symmetry_spread": spread}


def no_ties(n: int) -> Any:
    return np.zeros(n, dtype=np.int32)


def random_history(n: int, seed: int = 0, chunk: int = 777) -> History:
    rng = np.random.default_rng(seed)
    history = History()
    loss, errors = rng.standard_normal(n), rng.integers(0, 1000, n)
    for start in range(0, n, chunk):
        part = slice(start, min(start + chunk, n))
        history.extend(entries(loss[part], errors[part]), no_ties(part.stop - part.start))
    return history


def check_decimated(view: HistoryView, name: str, first: int, last: int, n_points: int) -> None:
    """Compare with a loop over the bins that the steps themselves name."""
    steps, values = view.decimated(name, first, last, n_points)
    first, last = max(0, first), min(view.n_entries - 1, last)
    series = view[name]
    assert len(steps) == len(values) <= max(2, n_points)
    if last - first + 1 <= n_points:
        assert steps.tolist() == list(range(first, last + 1))
        assert values.tolist() == series[first : last + 1].tolist()
        return
    starts = steps[0::2].astype(int).tolist()
    assert starts == steps[1::2].astype(int).tolist()
    assert starts[0] == first
    assert starts == sorted(set(starts))
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else last + 1
        part = series[start:stop].tolist()
        assert values[2 * number] == min(part)
        assert values[2 * number + 1] == max(part)
    widths = np.diff(starts)
    if len(widths) > 2:
        assert len(set(widths[1:].tolist())) == 1


@pytest.mark.parametrize("name", ["loss", "n_errors"])
@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000, 1001, 4096, 70_001])
@pytest.mark.parametrize("n_points", [2, 3, 5, 100, 1000])
def test_decimated_is_what_a_loop_over_the_bins_gives(name: str, n: int, n_points: int) -> None:
    check_decimated(random_history(n).view(), name, 0, n - 1, n_points)


VIEW = random_history(40_000).view()


@settings(max_examples=150, deadline=None)
@given(st.integers(-10, 40_010), st.integers(0, 40_000), st.integers(2, 300))
def test_decimated_of_any_part_loses_no_extreme(first: int, length: int, n_points: int) -> None:
    last = first + length
    if max(first, 0) > min(last, VIEW.n_entries - 1):
        assert len(VIEW.decimated("loss", first, last, n_points)[0]) == 0
    else:
        check_decimated(VIEW, "loss", first, last, n_points)


def test_every_entry_of_a_short_history_is_kept_in_order() -> None:
    history = History()
    history.extend(entries([3.0, 1.0, 2.0]), no_ties(3))
    steps, values = history.view().decimated("loss", 0, 2, 1000)
    assert steps.tolist() == [0, 1, 2]
    assert values.tolist() == [3.0, 1.0, 2.0]


def test_a_growing_history_keeps_the_bins_it_had() -> None:
    history = random_history(600_000)
    before = history.view().decimated("loss", 0, 10**9, 1000)
    history.extend(entries(np.zeros(2000)), no_ties(2000))
    after = history.view().decimated("loss", 0, 10**9, 1000)
    n_full = len(before[0]) - 2  # the last bin may have been cut short
    assert after[0][:n_full].tolist() == before[0][:n_full].tolist()
    assert after[1][:n_full].tolist() == before[1][:n_full].tolist()


def test_one_spike_among_a_million_entries_is_drawn() -> None:
    loss = np.ones(1_000_000)
    loss[654_321] = 50.0
    history = History()
    history.extend(entries(loss), no_ties(len(loss)))
    steps, values = history.view().decimated("loss", 0, len(loss), 1000)
    assert len(steps) <= 1000
    [place] = np.flatnonzero(values == 50.0)
    assert steps[place] <= 654_321 < steps[place + 1]


def test_a_view_does_not_change_when_the_history_grows() -> None:
    history = random_history(100)
    view = history.view()
    copy = view["loss"].copy()
    for _ in range(50):
        history.extend(entries(np.full(100, 9.0)), no_ties(100))
    assert view.n_entries == 100
    assert view["loss"].tolist() == copy.tolist()
    with pytest.raises(ValueError, match="read-only"):
        view["loss"][0] = 1.0


def test_an_unknown_series_is_named() -> None:
    with pytest.raises(KeyError, match="'accuracy' is no series; the series are loss, n_errors"):
        History()["accuracy"]


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_rises_are_what_a_loop_finds_whatever_the_chunks(chunk: int) -> None:
    rng = np.random.default_rng(3)
    loss, errors = 1.0 + 0.1 * rng.standard_normal(500), rng.integers(0, 9, 500)
    tied = (rng.random(500) < 0.2).astype(np.int32)
    history = History()
    for start in range(0, 500, chunk):
        part = slice(start, start + chunk)
        history.extend(entries(loss[part], errors[part]), tied[part])
    view = history.view()
    steps = range(1, 500)
    assert view.loss_rises.tolist() == [k for k in steps if loss[k] - loss[k - 1] > 1e-12 * loss[k - 1]]
    assert view.error_rises.tolist() == [
        k for k in steps if errors[k] > errors[k - 1] and loss[k] < loss[k - 1] and not tied[k - 1]
    ]


def test_a_rise_of_rounding_size_is_none() -> None:
    history = History()
    small = 0.5 * LOSS_RISE_TOLERANCE
    history.extend(entries([1.0, 1.0 + small, 1.0 + small + 3.0 * LOSS_RISE_TOLERANCE]), no_ties(3))
    assert history.view().loss_rises.tolist() == [2]


def test_a_kick_is_no_rise_and_the_next_step_is_compared_with_what_it_left() -> None:
    history = History()
    history.extend(entries([1.0, 0.9]), no_ties(2))
    history.add_jump(Jump(1, "noise", 0.9, 5.0, 0, 0))
    history.rebase(5.0, 0, 0)
    history.extend(entries([4.0]), no_ties(1))  # above entry 1, below what the kick left
    assert history.view().loss_rises.tolist() == []
    assert history.view().jumps[0].name == "noise"


@pytest.mark.parametrize("place", [0, 1, 63, 64, 65, 127, 128, 4999, None])
@pytest.mark.parametrize("first", [0, 1, 64, 65, 100, 4999, 6000])
def test_first_above_is_what_a_loop_finds(place: int | None, first: int) -> None:
    spread = np.zeros(5000)
    if place is not None:
        spread[place] = 1e-17
        spread[min(place + 300, 4999)] = 1.0
    history = History()
    history.extend(entries(np.ones(5000), spread=spread), no_ties(5000))
    expected = next((k for k in range(first, 5000) if spread[k] > 0.0), None)
    assert history.view().first_above("symmetry_spread", 0.0, first) == expected


@pytest.mark.parametrize("n_entries", [1, 63, 64, 65, 5000, 40_000])
def test_a_view_of_given_series_is_read_as_the_history_that_they_came_from(n_entries: int) -> None:
    """A branch in a run file is such a view; a long one was drawn by a pyramid that it did not have."""
    history = History()
    loss = np.random.default_rng(0).uniform(size=n_entries)
    history.extend(entries(loss), no_ties(n_entries))
    view = history.view()
    series = {name: view[name] for name in SERIES}
    opened = HistoryView.of(
        series, view.loss_rises, view.error_rises, (), view.disparity_steps, view.disparities
    )
    for n_points in (2, 20, 100):
        for ours, theirs in zip(
            opened.decimated("loss", 0, n_entries, n_points),
            view.decimated("loss", 0, n_entries, n_points),
            strict=True,
        ):
            assert np.array_equal(ours, theirs)
    assert opened.first_above("loss", 0.99) == view.first_above("loss", 0.99)
