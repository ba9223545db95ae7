"""The state of a run in words: for the readings, for the title of the window, and for being heard."""

from __future__ import annotations

from engine.lessons import Lesson
from engine.snapshot import Report, Snapshot, State
from gui.readouts import ERRORS_ROSE, LESSONS_END, LOSS_ROSE, RECORD_FULL, is_tied, loss_text


def state_word(report: Report, lesson: Lesson) -> str:
    """Return the state as a word or two; a pause at a step that the lesson is about has its own."""
    snapshot = report.snapshot
    if snapshot is not None and report.state is State.PAUSED and snapshot.is_full:
        return RECORD_FULL
    if snapshot is not None and report.state is State.PAUSED and snapshot.reason:
        return LOSS_ROSE if snapshot.n_steps in snapshot.history.loss_rises[-1:] else ERRORS_ROSE
    if report.state is not State.PAUSED or snapshot is None or snapshot.config.lesson != lesson.lesson_id:
        return report.state.value
    return LESSONS_END if lesson.is_at_a_stop(snapshot.n_steps) else report.state.value


def state_sentence(report: Report, word: str) -> str:
    """Return what a change of the state is told as, in words without signs."""
    snapshot = report.snapshot
    if snapshot is None or report.state in (State.RUNNING, State.COMPILING):
        return f"{word}. {report.message}".strip()
    if report.state is State.STOPPED:
        return f"Stopped at step {snapshot.n_steps:,}, because: {report.message}"
    end = " Run goes on." if word == LESSONS_END else ""
    wrong = (
        "the outputs are tied"
        if is_tied(snapshot)
        else f"{snapshot.n_errors:,} of {snapshot.data.n_samples:,} samples are wrong"
    )
    if snapshot.is_full:
        return f"Paused. {snapshot.reason}"
    if snapshot.reason:
        return f"Paused, because the {word}. {snapshot.reason}"
    values = f"The loss is {loss_text(snapshot.loss)}, {wrong}."
    return f"{word.capitalize()} at step {snapshot.n_steps:,}. {values}{end}"


def window_title(report: Report, lesson: Lesson, words: str) -> str:
    """Return the title of the window: what the run does, where it stands, and its lesson."""
    if report.snapshot is not None and report.state is not State.RUNNING:
        words += f" at step {report.snapshot.n_steps:,}"
    return f"Lossoscope: {words} ({lesson.title})"


def changed_settings(snapshot: Snapshot, lesson: Lesson) -> str:
    """Return which settings a run has instead of its lesson's: "seed 1 instead of 0, ...", or ""."""
    config = snapshot.config
    if config == lesson.config and snapshot.learning_rate == config.learning_rate:
        return ""
    now, before = config.replace(learning_rate=snapshot.learning_rate).as_text(), lesson.config.as_text()
    changed = [key for key in before if now[key] != before[key]]
    return ", ".join(f"{key.replace('_', ' ')} {now[key]} instead of {before[key]}" for key in changed)
