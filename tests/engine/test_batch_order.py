"""The order of mini-batches: what is skipped is what would have been taken."""

from __future__ import annotations

import pytest

from engine.batch_order import BatchOrder


@pytest.mark.parametrize("batch_size", [1, 3, 7, 10])
@pytest.mark.parametrize("n_taken", [0, 1, 4])
@pytest.mark.parametrize("n_skipped", [0, 1, 2, 5, 23])
def test_after_a_skip_come_the_batches_that_come_after_as_many(batch_size, n_taken, n_skipped):
    skipping, taking = (BatchOrder(10, batch_size, seed=3) for _ in range(2))
    for _ in range(n_taken):
        skipping.next_rows()
    skipping.skip(n_skipped)
    for _ in range(n_taken + n_skipped):
        taking.next_rows()
    for _ in range(12):
        assert skipping.next_rows().tolist() == taking.next_rows().tolist()


def test_an_epoch_takes_no_sample_twice_and_leaves_out_what_makes_no_batch():
    order = BatchOrder(10, 3, seed=0)
    for _ in range(5):
        taken = [row for _ in range(3) for row in order.next_rows().tolist()]
        assert len(set(taken)) == 9 and set(taken) < set(range(10))


def test_the_full_batch_has_no_order_to_skip_in():
    order, twin = (BatchOrder(10, None, seed=0) for _ in range(2))
    order.skip(5)
    assert order.mark() == twin.mark()


def test_from_a_mark_the_same_batches_come_again():
    order = BatchOrder(10, 4, seed=1)
    order.next_rows()
    mark = order.mark()
    first = [order.next_rows().tolist() for _ in range(6)]
    order.go_back(mark)
    assert [order.next_rows().tolist() for _ in range(6)] == first
