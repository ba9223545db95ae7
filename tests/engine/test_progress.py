"""Progress: a bar for a person, a few lines for a file."""

from __future__ import annotations

import io

import pytest

from engine.progress import Progress, duration, notice


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def test_a_file_gets_a_line_a_quarter():
    stream, clock = io.StringIO(), Clock()
    progress = Progress(1000, "steps", stream, clock)
    for n in range(0, 1001, 10):
        clock.now_s = 100.0 + n / 100
        progress.show(n, f"loss {1 / (n + 1):.1g}")
    progress.close()
    lines = stream.getvalue().splitlines()
    assert [line.split("%")[0].strip() for line in lines] == ["25", "50", "75", "100"]
    assert lines[0] == " 25%  250 of 1,000 steps  loss 0.004  7.5 s left"
    assert lines[-1] == "100%  1,000 of 1,000 steps  loss 0.001"
    assert "\r" not in stream.getvalue()


def test_big_leaps_give_fewer_lines():
    stream = io.StringIO()
    progress = Progress(100, "steps", stream, Clock())
    for n in (1, 80, 81, 100):
        progress.show(n)
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["80%", "100%"]


def test_a_terminal_gets_a_bar_that_goes_away():
    stream, clock = Terminal(), Clock()
    progress = Progress(1000, "steps", stream, clock)
    progress.show(1)  # too early: nothing is drawn yet
    assert stream.getvalue() == ""
    clock.now_s += 5
    progress.show(500, "loss 0.5")
    drawn = stream.getvalue()
    bar = drawn.partition("[")[2].partition("]")[0]
    assert drawn.startswith("\r[") and drawn.endswith("50%  500 of 1,000 steps  loss 0.5  5.0 s left")
    assert len(drawn) <= 80 and set(bar) == {"#", "."} and bar.count("#") == len(bar) // 2
    progress.close()
    assert stream.getvalue()[len(drawn) :] == "\r" + " " * (len(drawn) - 1) + "\r"


def test_a_bar_is_drawn_at_most_ten_times_a_second():
    stream, clock = Terminal(), Clock()
    progress = Progress(1000, "steps", stream, clock)
    for n in range(1000):
        clock.now_s += 0.001
        progress.show(n)
    assert 8 <= stream.getvalue().count("\r") <= 10


def test_a_shorter_line_covers_a_longer_one():
    stream, clock = Terminal(), Clock()
    progress = Progress(10, "steps", stream, clock)
    clock.now_s += 1
    progress.show(1, "a long note")
    first = stream.getvalue()
    clock.now_s += 1
    progress.show(9)
    assert len(stream.getvalue()) >= 2 * len(first)


def test_a_bar_that_was_never_drawn_needs_no_wiping():
    stream = Terminal()
    Progress(10, "steps", stream, Clock()).close()
    assert stream.getvalue() == ""


def test_a_notice_lasts_as_long_as_the_work():
    stream = Terminal()
    with pytest.raises(ValueError, match="no"), notice("wait ...", stream):
        assert stream.getvalue() == "wait ..."
        raise ValueError("no")
    assert stream.getvalue() == "wait ...\r        \r"


def test_a_notice_is_for_terminals_only():
    stream = io.StringIO()
    with notice("wait ...", stream):
        pass
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_as_a_person_says_them(seconds, text):
    assert duration(seconds) == text
