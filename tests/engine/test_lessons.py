"""The lessons: their files, and that each shows what its text promises."""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.commands import SetLearningRate
from engine.lessons import DEFAULT, all_lessons, first_lesson, lesson_ids, load_lesson, readable_lessons
from engine.snapshot import State
from engine.sources import SOURCES
from engine.trainer import Trainer

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist"
MNIST = Path(os.environ.get("LOSSOSCOPE_MNIST") or BESIDE)

GOOD = """
order = 5
title = "A title"
source = "A book"
n_steps = 10
panels = ["loss"]
text = "It runs."
predict = "What comes?"
look = "There."
answer = "This."
[settings]
data = "xor"
"""


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep the user's own data out of the tests: without MNIST the exam's lesson takes digits."""
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LOSSOSCOPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("LOSSOSCOPE_MNIST", raising=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "good.toml").write_text(GOOD, encoding="utf-8")
    return tmp_path


def write(folder, old, new):
    assert old in GOOD
    (folder / "bad.toml").write_text(GOOD.replace(old, new), encoding="utf-8")


def trained(lesson_id, n_steps=None, **changes):
    lesson = load_lesson(lesson_id)
    trainer = Trainer.from_config(lesson.config.replace(**changes))
    trainer.step(n_steps or lesson.n_steps)
    return trainer


@cache
def exam():
    return trained("exam")


@cache
def mistakes(learning_rate):
    """The lesson mistakes-can-rise over the same time, rate times steps, at any rate."""
    return trained("mistakes-can-rise", round(4 / learning_rate), learning_rate=learning_rate)


@cache
def too_large(learning_rate):
    return trained("rate-too-large", learning_rate=learning_rate)


def loss_rises(trainer):
    return trainer.history.view().loss_rises.tolist()


def error_rises(trainer):
    return trainer.history.view().error_rises.tolist()


# ------------------------------------------------------------------------------------- the files


def test_the_lessons_there_are_in_order():
    lessons = all_lessons()
    places = [(list(SOURCES).index(lesson.group), lesson.order) for lesson in lessons]
    assert places == sorted(places) and len(set(places)) == len(places)
    assert lesson_ids() == engine.LESSONS == tuple(lesson.lesson_id for lesson in lessons)
    assert lesson_ids()[0] == DEFAULT


@pytest.mark.parametrize("lesson_id", lesson_ids())
def test_a_text_asks_before_it_answers(lesson_id):
    text = load_lesson(lesson_id).text
    places = [text.index(word) for word in ("Predict, before you press Run:", "Look for:", "Answer:")]
    assert places == sorted(places)
    assert "?" in text[: places[1]]


@pytest.mark.parametrize("lesson_id", lesson_ids())
def test_commands_in_a_text_can_be_typed(lesson_id):
    for line in re.findall(r"^python main\.py run (\S+) (.*)$", load_lesson(lesson_id).text, re.MULTILINE):
        changes = dict(part.split("=") for part in line[1].split() if part != "--set")
        assert load_lesson(line[0]).config.with_texts(changes).replace(lesson="") != engine.RunConfig()


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.lesson_id)
def test_other_lessons_named_in_a_text_exist(lesson):
    assert set(re.findall(r"lesson\s+([a-z]+(?:-[a-z]+)*)", lesson.text)) <= set(lesson_ids())


def test_a_lesson_is_read(folder):
    lesson = load_lesson("good", folder)
    assert (lesson.lesson_id, lesson.order, lesson.title) == ("good", 5, "A title")
    assert (lesson.source, lesson.intro, lesson.n_steps, lesson.panels) == (
        "A book",
        "It runs.",
        10,
        ("loss",),
    )
    assert (lesson.predict, lesson.look, lesson.answer) == ("What comes?", "There.", "This.")
    assert (lesson.group, lesson.claims, lesson.choices, lesson.right) == ("", (), (), "")
    assert lesson.text.splitlines()[::2] == [
        "It runs.",
        "Predict, before you press Run: What comes?",
        "Look for: There.",
        "Answer: This.",
    ]
    assert lesson.config == engine.RunConfig(lesson="good", data="xor")


def test_lessons_stand_by_their_source(folder):
    for group, name in (("convexity", "a"), ("exam", "z")):
        (folder / group).mkdir()
        (folder / group / f"{name}.toml").write_text(GOOD, encoding="utf-8")
    assert [(lesson.group, lesson.lesson_id) for lesson in all_lessons(folder)] == [
        ("exam", "z"),
        ("convexity", "a"),
        ("", "good"),
    ]


def test_lessons_of_equal_order_stand_by_name(folder):
    (folder / "a.toml").write_text(GOOD, encoding="utf-8")
    (folder / "z.toml").write_text(GOOD.replace("order = 5", "order = 4"), encoding="utf-8")
    assert lesson_ids(folder) == ("z", "a", "good")


def test_an_unknown_lesson_is_told_which_there_are(folder):
    with pytest.raises(ValueError, match=r"^'nope' is no lesson; the lessons are good\.$"):
        load_lesson("nope", folder)
    with pytest.raises(ValueError, match="no lesson"):
        load_lesson("../good", folder)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("order = 5\n", "", "order is missing; a lesson has order, title"),
        ("order = 5", "order = -1", "order must be a whole number of at least 0, not -1"),
        ("order = 5", "order = 5\nwidth = 3", "a key must be one of order, .*, not 'width'"),
        ("n_steps = 10", "n_steps = 0", "n_steps must be a whole number of at least 1, not 0"),
        ('"A title"', '" "', "title must be text"),
        ('["loss"]', '"loss"', "panels must be a list of texts, not 'loss'"),
        ('["loss"]', "[3]", "panels must be text, not 3"),
        ('[settings]\ndata = "xor"', "", "settings must be a table"),
        ('data = "xor"', "rate = 1", "a setting must be one of data, .*, not 'rate'"),
        ('data = "xor"', "learning_rate = 0", "learning_rate must be a finite number above 0"),
        ('data = "xor"', 'data = ["mnist", "nope"]', "none of the data sets mnist, nope is here"),
        ("order = 5", "order = ", "Invalid value"),
        ("order = 5", 'order = 5\nclaims = ["nope"]', "claims must be one of symmetry-stays, .*, not 'nope'"),
        (
            "order = 5",
            'order = 5\nchoices = ["Yes", "No"]\nright = "Perhaps"',
            "right must be one of Yes, No",
        ),
        ("order = 5", 'order = 5\nright = "Yes"', "right must be one of choices, but there are none"),
    ],
)
def test_a_bad_file_gives_one_sentence_with_its_name(folder, old, new, sentence):
    write(folder, old, new)
    with pytest.raises(ValueError, match=rf"^The lesson file bad\.toml cannot be used: {sentence}") as caught:
        load_lesson("bad", folder)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("pace = 0", "pace must be a finite number above 0"),
        ("n_runs = 0", "n_runs must be a whole number of at least 1"),
        ("reveal = 0", "reveal must be a whole number of at least 1"),
        (
            'reveal = "soon"',
            "reveal must be one of loss rises, mistakes rise, no mistakes, a kick, not 'soon'",
        ),
    ],
)
def test_a_bad_pace_or_moment_is_told(folder, line, sentence):
    write(folder, "n_steps = 10", f"n_steps = 10\n{line}")
    with pytest.raises(ValueError, match=sentence):
        load_lesson("bad", folder)


def test_files_that_cannot_be_used_are_left_out_and_named(folder):
    write(folder, "order = 5", "order =")
    (folder / "worse.toml").mkdir()
    lessons, faults = readable_lessons(folder)
    assert [lesson.lesson_id for lesson in lessons] == ["good"] == [*lesson_ids(folder)]
    assert [fault.split(" cannot ")[0] for fault in faults] == [
        "The lesson file bad.toml",
        "The lesson file worse.toml",
    ]
    assert all(fault.endswith((".", ")")) and "\n" not in fault for fault in faults)
    assert first_lesson(folder).lesson_id == "good"
    (folder / "good.toml").unlink()
    with pytest.raises(ValueError, match=r"bad\.toml"):
        first_lesson(folder)


def test_a_run_pauses_at_the_stops_of_its_lesson(folder):
    lesson = load_lesson("good", folder)
    assert [lesson.next_stop(n) for n in (0, 9, 10, 11)] == [10, 10, None, None]
    assert [lesson.is_at_a_stop(n) for n in (0, 10)] == [False, True]
    later = replace(lesson, reveal=25)
    assert [later.next_stop(n) for n in (0, 10, 24, 25)] == [10, 25, 25, None]
    assert later.is_at_a_stop(25)
    sooner = replace(lesson, reveal=5)
    assert sooner.next_stop(0) == 10 and not sooner.is_at_a_stop(5)


@pytest.mark.parametrize(("reveal", "step"), [(10, 10), ("mistakes rise", 4), ("loss rises", 30)])
def test_a_lesson_knows_when_its_question_is_answered(reveal, step):
    lesson = replace(load_lesson("five-flips"), reveal=reveal, n_steps=30)
    trainer = Trainer.from_config(lesson.config)
    shown = [lesson.has_shown(trainer.snapshot())]
    for _ in range(30):
        trainer.step()
        shown.append(lesson.has_shown(trainer.snapshot()))
    assert shown.index(True) == step


def test_a_question_about_a_kick_waits_for_one():
    lesson = replace(load_lesson("five-flips"), reveal="a kick", n_steps=2)
    trainer = Trainer.from_config(lesson.config)
    trainer.step(3)
    assert not lesson.has_shown(trainer.snapshot())
    trainer.perturb("noise", scale=1e-3)
    assert lesson.has_shown(trainer.snapshot())


@pytest.mark.parametrize("lesson_id", [x.lesson_id for x in all_lessons() if isinstance(x.reveal, str)])
def test_what_a_question_waits_for_comes_before_the_last_step(lesson_id):
    lesson = load_lesson(lesson_id)
    trainer = Trainer.from_config(lesson.config)
    while lesson.reveal != "a kick" and not lesson.has_shown(trainer.snapshot()):
        trainer.step(10)
    assert trainer.n_steps < lesson.n_steps


def test_a_file_that_is_no_text_is_named(folder):
    (folder / "bad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"bad\.toml cannot be used"):
        load_lesson("bad", folder)


def test_the_first_data_set_that_is_here_is_taken(folder):
    (folder / "few.toml").write_text(
        GOOD.replace('data = "xor"', 'data = ["mnist", "moons", "xor"]'), encoding="utf-8"
    )
    assert load_lesson("few", folder).config.data == "moons"
    assert load_lesson("exam").config.data == "digits"


def test_one_name_stands_for_a_list_of_one(folder):
    (folder / "one.toml").write_text(GOOD + 'activation = "tanh"\nhidden = 7\n', encoding="utf-8")
    config = load_lesson("one", folder).config
    assert (config.activation, config.hidden) == (("tanh",), (7,))


# ------------------------------------------------------------------------------------- exam


def test_exam_is_the_64_input_twin_and_learns():
    trainer = exam()
    assert trainer.net.layer_sizes == (64, 32, 10) and trainer.net.activation == ("logistic",)
    assert trainer.n_steps == 2000
    assert trainer.history["loss"][-1] < 0.25


def test_exam_no_step_raises_the_loss_but_some_raise_the_mistakes():
    assert loss_rises(exam()) == []
    assert len(error_rises(exam())) >= 3


def test_exam_mistakes_stay_under_the_ceiling():
    history, n = exam().history, exam().data.n_samples
    assert (history["n_errors"] <= np.floor(n * history["loss"] / math.log(2))).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exam_its_rate_is_safe_from_other_starts_too(seed):
    assert loss_rises(trained("exam", 150, seed=seed)) == []


def test_exam_takes_mnist_where_it_is(monkeypatch):
    if not MNIST.is_dir():
        pytest.skip(f"MNIST is not in {MNIST}; LOSSOSCOPE_MNIST may name its folder")
    monkeypatch.setenv("LOSSOSCOPE_MNIST", str(MNIST))
    assert load_lesson("exam").config.data == "mnist"
    trainer = trained("exam", 300, n_samples=2000)  # all 60,000 would take minutes
    assert trainer.net.layer_sizes == (784, 32, 10)
    assert loss_rises(trainer) == []
    assert len(error_rises(trainer)) > 0
    assert trainer.history["loss"][-1] < 0.3


# ------------------------------------------------------------------------------------- constant-start


@cache
def constant_start():
    return trained("constant-start")


def test_constant_start_units_stay_identical():
    assert constant_start().n_steps == 1600
    assert not constant_start().history["symmetry_spread"].any()


def test_constant_start_rests_near_ln_10_then_falls_but_not_far():
    loss = constant_start().history["loss"]
    assert np.abs(loss[:501] - math.log(10)).max() < 0.01
    assert 20 * exam().history["loss"][-1] < loss[-1] < 2.0
    assert constant_start().history["n_errors"][-1] > constant_start().data.n_samples / 2


def test_constant_start_all_outputs_are_tied_at_first():
    trainer = Trainer.from_config(load_lesson("constant-start").config)
    assert trainer.snapshot().n_tied == trainer.data.n_samples


def test_constant_start_the_one_unit_learns_different_weights():
    trainer = trained("constant-start", 800)
    weights, _ = trainer.net.layers(trainer.theta)[0]
    assert np.unique(weights[:, 0]).size > 50
    assert (weights == weights[:, :1]).all()


@pytest.mark.parametrize("strength", [1e-6, 1e-9])
def test_constant_start_a_hair_breaks_it_by_a_constant_factor(strength):
    end = constant_start()
    trainer = Trainer(end.net, end.data, end.theta, end.learning_rate)
    plateau = trainer.history["loss"][0]
    trainer.perturb("break_symmetry", scale=strength, seed=1)
    trainer.step(2000)
    spread = trainer.history["symmetry_spread"]
    early = np.log(spread[(spread > 10 * strength) & (spread < 1e-2)])
    line = np.polyval(np.polyfit(np.arange(len(early)), early, 1), np.arange(len(early)))
    assert np.abs(early - line).max() < 0.1 * np.ptp(early)  # nearly straight on a log axis
    assert spread[-1] > 1
    assert trainer.history["loss"][-1] < 0.7 * plateau
    assert loss_rises(trainer) == []


# ------------------------------------------------------------------------------------- rate-too-large


def test_rate_too_large_the_first_step_rises_and_then_every_second_or_so():
    rises = loss_rises(too_large(16.0))
    assert load_lesson("rate-too-large").config.learning_rate == 16.0
    assert rises[0] == 1
    assert 0.35 < len(rises) / too_large(16.0).n_steps < 0.65
    assert rises[-1] > 380


def test_rate_too_large_the_loss_wanders_around_that_of_a_guess():
    loss = too_large(16.0).history["loss"][10:200]
    assert abs(loss.mean() - np.log(10.0)) < 0.2
    assert loss.max() - loss.min() > 0.5


def test_rate_too_large_the_first_step_goes_down_a_part_of_the_way_only():
    trainer = Trainer.from_config(load_lesson("rate-too-large").config)
    start = trainer.theta
    trainer.step(1)
    line = engine.line_slice(
        trainer.net, trainer.data, start, trainer.theta - start, np.linspace(0, 1, 21)
    ).loss
    lowest = int(np.argmin(line))
    assert 0 < lowest < 10
    assert (np.diff(line[lowest:]) > 0).all()


def test_rate_too_large_at_8_it_rises_early_and_then_no_more():
    rises = loss_rises(too_large(8.0))
    assert rises[0] == 1 and len(rises) > 10
    assert rises[-1] < 150


def test_rate_too_large_at_2_only_the_first_step_rises_and_at_1_none():
    assert loss_rises(too_large(2.0)) == [1]
    assert loss_rises(too_large(1.0)) == []


def test_rate_too_large_the_guarantee_costs_speed():
    assert too_large(8.0).history["loss"][-1] < 0.5 * too_large(1.0).history["loss"][-1]
    assert too_large(16.0).history["loss"][-1] > too_large(1.0).history["loss"][-1]


def test_rate_too_large_lowered_live_the_marks_stop_at_once():
    trainer = trained("rate-too-large")
    trainer.apply(SetLearningRate(1.0))
    trainer.step(200)
    assert loss_rises(trainer)[-1] <= 400


def test_rate_too_large_without_bounds_it_breaks():
    trainer = trained("rate-too-large", hidden=(32, 32), activation=("identity",))
    assert trainer.state is State.STOPPED and trainer.n_steps < 50
    assert f"Step {trainer.n_steps + 1} at learning rate 16" in trainer.reason
    assert trainer.suggested_rate == 8.0
    assert np.isfinite(trainer.history["loss"]).all()


# ------------------------------------------------------------------------------------- mistakes-can-rise


def test_mistakes_rise_ten_times_in_a_row_within_the_first_dozen_steps():
    trainer = mistakes(load_lesson("mistakes-can-rise").config.learning_rate)
    assert error_rises(trainer)[:10] == list(range(3, 13))
    errors = trainer.history["n_errors"]
    assert errors[12] - errors[2] > 50
    assert loss_rises(trainer) == []


def test_mistakes_can_rise_while_no_image_is_sure():
    trainer = trained("mistakes-can-rise", 12)
    logits = trainer.net.logits(trainer.theta, trainer.data.x)
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    assert share.max() < 0.25


def test_mistakes_can_rise_while_many_images_lose():
    trainer = trained("mistakes-can-rise", 5)
    before = trainer.net.per_example_loss(trainer.theta, trainer.data)
    trainer.step(1)
    assert (trainer.net.per_example_loss(trainer.theta, trainer.data) > before).sum() > 100


def test_mistakes_rise_again_by_a_few_when_the_network_is_good():
    trainer = trained("mistakes-can-rise")
    errors = trainer.history["n_errors"]
    late = [step for step in error_rises(trainer) if errors[step] < trainer.data.n_samples / 3]
    assert late and all(1 <= errors[step] - errors[step - 1] <= 3 for step in late)


@pytest.mark.parametrize("rate", [0.05, 0.025])
def test_mistakes_rise_over_the_same_time_with_shorter_steps(rate):
    errors, longest = mistakes(rate).history["n_errors"], mistakes(0.1).history["n_errors"]
    n = round(0.1 / rate)
    assert loss_rises(mistakes(rate)) == []
    assert errors[12 * n] - errors[2 * n] > 50
    assert abs(errors[12 * n] - longest[12]) < 15  # the two curves agree, step for step of equal time
    assert len(error_rises(mistakes(rate))) > len(error_rises(mistakes(0.1)))
