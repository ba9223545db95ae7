"""The commands of the command line, called in this process."""

from __future__ import annotations

import json
import signal
import threading

import numpy as np
import pytest

import engine
from engine import console, headless, outputs, progress, report
from engine.lessons import load_lesson
from engine.run_files import open_run

SMALL = ("hidden=4", "n_samples=40")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSOSCOPE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LOSSOSCOPE_DATA_DIR", str(tmp_path / "data"))
    for name in ("LOSSOSCOPE_MNIST", "LOSSOSCOPE_CIFAR10"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def small_trainer(n_steps):
    config = load_lesson("exam").config.with_texts(dict(setting.split("=") for setting in SMALL))
    trainer = engine.Trainer.from_config(config)
    if n_steps:
        trainer.step(n_steps)
    return trainer


def refused(capsys, status, expected=console.UNUSABLE):
    """The one line on standard error of a command that ended with `status`; nothing else was printed."""
    printed = capsys.readouterr()
    assert status == expected
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    return printed.err.strip()


# ------------------------------------------------------------------------------------- run


def test_run_writes_json_as_agreed(folder, capsys):
    path = folder / "out.json"
    assert headless.run("exam", "12", (*SMALL, "learning_rate=0.25"), json=str(path)) == 0
    content = json.loads(path.read_text(encoding="utf-8"))
    assert list(content) == [
        "lesson",
        "settings",
        "n_steps",
        "loss",
        "n_errors",
        "gradient_norm",
        "seconds",
        "steps_per_second",
        "arithmetic",
    ]
    assert (content["lesson"], content["n_steps"], content["arithmetic"]) == ("exam", 12, "ordered")
    assert {len(content[name]) for name in ("loss", "n_errors", "gradient_norm")} == {13}
    assert content["steps_per_second"] == pytest.approx(12 / content["seconds"])
    settings = content["settings"]
    assert set(settings) == set(engine.RunConfig().as_text())
    assert (settings["hidden"], settings["learning_rate"], settings["n_samples"]) == ([4], 0.25, 40)
    trainer = small_trainer(0)
    again = engine.Trainer(trainer.net, trainer.data, trainer.theta, learning_rate=0.25)
    again.step(12)
    assert content["loss"] == again.history["loss"].tolist()
    assert content["n_errors"] == again.history["n_errors"].tolist()


def test_run_writes_csv_of_the_same_run(folder):
    assert headless.run("exam", "5", SMALL, json=str(folder / "a.json"), csv=str(folder / "a.csv")) == 0
    header, *lines = (folder / "a.csv").read_text(encoding="utf-8").splitlines()
    assert header.split(",") == list(outputs.CSV_HEADER) and len(lines) == 6
    losses = [float(line.split(",")[1]) for line in lines]
    assert losses == json.loads((folder / "a.json").read_text())["loss"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "a.json"]


def test_run_prints_a_result_for_a_person(capsys):
    assert headless.run("exam", "40", SMALL) == 0
    printed = capsys.readouterr()
    trainer = small_trainer(40)
    lines = {line[:18].strip(): line[18:] for line in printed.out.splitlines()[1:]}
    assert printed.out.splitlines()[0] == load_lesson("exam").title
    assert lines["settings"].startswith("digits, 40 samples; 64-4-10 logistic; cross_entropy; ")
    assert lines["loss"].endswith(f"{trainer.history['loss'][-1]:.4g} after 40 steps")
    assert lines["errors"].endswith(f"{trainer.history['n_errors'][-1]} after 40 steps, of 40")
    assert lines["loss rose"] == "on no step"
    assert lines["hidden units"].startswith("different")
    assert "steps/s, 40 steps in " in lines["speed"]
    assert printed.err.splitlines()[-1].startswith("100%  40 of 40 steps  loss ")


def test_run_takes_the_lessons_own_number_of_steps(folder):
    assert headless.run("mistakes-can-rise", None, SMALL, json=str(folder / "a.json")) == 0
    assert json.loads((folder / "a.json").read_text())["n_steps"] == load_lesson("mistakes-can-rise").n_steps


def test_run_stops_at_a_rise_when_asked_to(folder, capsys):
    target = folder / "out.json"
    assert headless.run("five-flips", "60", json=str(target), stop_at_rise="errors") == console.DONE
    found = json.loads(target.read_text(encoding="utf-8"))
    *before, last = found["n_errors"]
    assert found["n_steps"] == len(before) < 60 and set(before) == {before[0]} and last > before[0]
    assert f"Step {len(before)}: the errors rose from {before[0]} to {last}," in capsys.readouterr().out
    headless.run("five-flips", "60", json=str(target), stop_at_rise="loss")
    assert json.loads(target.read_text(encoding="utf-8"))["n_steps"] == 60
    capsys.readouterr()
    sentence = refused(capsys, headless.run("exam", stop_at_rise="often"))
    assert sentence == "--stop-at-rise must be errors, loss or any, not 'often'."


def test_run_of_no_steps_is_the_start(folder, capsys):
    assert headless.run("exam", "0", SMALL, json=str(folder / "a.json")) == 0
    content = json.loads((folder / "a.json").read_text())
    assert (content["n_steps"], len(content["loss"]), content["steps_per_second"]) == (0, 1, 0.0)
    printed = capsys.readouterr()
    assert "no step was taken" in printed.out and printed.err == ""


def test_run_of_a_constant_start_says_tied_and_identical(capsys):
    assert headless.run("constant-start", "3", ("n_samples=40",)) == 0
    out = capsys.readouterr().out
    assert "tied at the start" in out and "identical to the last bit" in out


def test_settings_are_taken_in_any_order():
    forth = ("activation=tanh,relu", "hidden=3,4", "n_samples=10")
    assert headless.run("exam", "1", forth) == 0
    assert headless.run("exam", "1", forth[::-1]) == 0


def test_the_last_of_two_equal_keys_counts(folder):
    assert headless.run("exam", "0", (*SMALL, "seed=1", "seed=2"), json=str(folder / "a")) == 0
    assert json.loads((folder / "a").read_text())["settings"]["seed"] == 2


def test_a_run_that_diverges_says_so_fails_and_still_writes(folder, capsys):
    settings = ("hidden=8,8", "activation=identity", "learning_rate=1e6")
    assert headless.run("exam", "50", settings, json=str(folder / "a.json")) == console.FAILED
    printed = capsys.readouterr()
    content = json.loads((folder / "a.json").read_text())
    assert 0 < content["n_steps"] < 50
    assert printed.err.splitlines()[-1].startswith(f"Step {content['n_steps'] + 1} at learning rate 1e+06")
    assert f"after {content['n_steps']} step" in printed.out
    assert np.isfinite(content["loss"]).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"lesson_id": "nope"}, "'nope' is no lesson; the lessons are exam,"),
        ({"steps": "-1"}, "--steps must be a whole number of at least 0, not -1"),
        ({"steps": "1e3"}, "--steps must be a whole number of at least 0, not '1e3'"),
        ({"settings": ("seed",)}, "--set must be followed by KEY=VALUE"),
        ({"settings": ("speed=1",)}, "'speed' is no setting"),
        ({"settings": ("learning_rate=0",)}, "learning_rate must be a finite number above 0"),
        ({"settings": ("hidden=0",)}, "hidden must be a whole number of at least 1"),
        ({"settings": ("data=nope",)}, "name must be one of digits,"),
        ({"settings": ("data=mnist",)}, "mnist is missing"),
        ({"settings": ("data=csv:/nope/a.csv",)}, "/nope/a.csv"),
        ({"settings": ("n_samples=5000",)}, "n_samples must be a whole number from 1 to 1797"),
        ({"settings": ("batch_size=5000",)}, "batch_size must be a whole number from 1 to 1797"),
        ({"settings": ("init=constant", "init_value=1e308")}, "theta must give a finite loss"),
        ({"json": "/nope/a.json"}, "--json must name a file that can be written"),
        ({"csv": ""}, "--csv must be a path"),
        ({"json": "same", "csv": "same"}, "--csv must name another file than --json"),
    ],
)
def test_run_of_bad_input_is_one_line_and_status_2(arguments, sentence, capsys, folder, monkeypatch):
    monkeypatch.chdir(folder)
    status = headless.run(**({"lesson_id": "exam", "steps": "1"} | arguments))
    assert sentence in refused(capsys, status)
    assert list(folder.iterdir()) == []


def test_targets_are_checked_before_training(capsys, monkeypatch):
    def train(config, n_threads):
        raise AssertionError("the data was loaded")

    monkeypatch.setattr(engine.Trainer, "from_config", train)
    assert "--csv" in refused(capsys, headless.run("exam", csv="/nope/a.csv"))


def test_too_large_a_network_is_unusable_input(capsys, monkeypatch):
    def no_room(config, n_threads):
        raise MemoryError

    monkeypatch.setattr(engine.Trainer, "from_config", no_room)
    assert "not enough memory" in refused(capsys, headless.run("exam"))


def test_a_disk_that_fills_up_fails_but_the_result_is_shown(folder, capsys, monkeypatch):
    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    assert headless.run("exam", "1", SMALL, json=str(folder / "a.json")) == console.FAILED
    printed = capsys.readouterr()
    assert (
        printed.err.splitlines()[-1] == f"{folder / 'a.json'} could not be written: No space left on device."
    )
    assert "after 1 step" in printed.out
    assert list(folder.iterdir()) == []


def test_ctrl_c_stops_after_the_step_and_keeps_what_was_done(folder, capsys, monkeypatch):
    def interrupt(self, n_done, note=""):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(progress.Progress, "show", interrupt)
    before = signal.getsignal(signal.SIGINT)
    status = headless.run("exam", "100000000", SMALL, json=str(folder / "a.json"))
    printed = capsys.readouterr()
    content = json.loads((folder / "a.json").read_text())
    assert status == console.INTERRUPTED
    assert 0 < content["n_steps"] < 100_000_000 and len(content["loss"]) == content["n_steps"] + 1
    assert printed.err == f"Stopped by Ctrl-C after {content['n_steps']:,} of 100,000,000 steps.\n"
    assert "errors" in printed.out
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_at_once(folder, capsys, monkeypatch):
    def interrupt(self, n_done, note=""):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(progress.Progress, "show", interrupt)
    before = signal.getsignal(signal.SIGINT)
    status = headless.run("exam", "100000000", SMALL, json=str(folder / "a.json"))
    assert refused(capsys, status, console.INTERRUPTED) == "Interrupted."
    assert list(folder.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_fault_of_the_program_is_not_taken_for_bad_input(monkeypatch):
    def broken(*args):
        raise ValueError("a bug")

    monkeypatch.setattr(report, "run_report", broken)
    with pytest.raises(ValueError, match="a bug"):
        headless.run("exam", "1", SMALL)


# ------------------------------------------------------------------------------------- list, data


def test_list_has_one_line_for_each_lesson_and_data_set(capsys):
    assert headless.show_list() == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ")]
    from engine.datasets import dataset_names

    assert names == [*engine.LESSONS, *engine.CLAIMS, *dataset_names()]
    assert [line for line in lines if not line.startswith("  ")] == ["Lessons", "Claims", "Data sets"]
    there = {line.split()[0]: line.rsplit(": ", 1)[1] for line in lines[lines.index("Data sets") + 1 :]}
    assert there["digits"] == "here" and there["mnist"] == "not here"


def test_data_tells_where_it_is(capsys):
    assert headless.data("digits") == 0
    assert capsys.readouterr().out.startswith("digits is built in")
    assert headless.data("mnist") == 0
    assert capsys.readouterr().out.startswith("mnist is missing")


def test_data_of_bad_input_is_one_line_and_status_2(capsys):
    assert "name must be one of digits" in refused(capsys, headless.data("nope"))
    assert "/nope" in refused(capsys, headless.data("mnist", folder="/nope"))
    assert "cannot be downloaded" in refused(capsys, headless.data("cifar10", download=True))


def test_data_shows_the_download_and_its_failure(capsys, monkeypatch):
    from engine.datasets import command, download

    def fail(name, folder, wanted, show, is_cancelled):
        assert (name, folder, wanted, is_cancelled()) == ("mnist", None, True, False)
        show(6_000_000, 12_000_000)
        raise download.DownloadError("The server hung up.")

    monkeypatch.setattr(command, "run", fail)
    assert headless.data("mnist", download=True) == console.FAILED
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert lines[0].startswith(" 50%  6,000 of 12,000 kB") and lines[1:] == ["The server hung up."]


def test_ctrl_c_cancels_a_download(capsys, monkeypatch):
    from engine.datasets import command, download

    def cancel(name, folder, wanted, show, is_cancelled):
        signal.raise_signal(signal.SIGINT)
        assert is_cancelled()
        raise download.DownloadCancelledError("The download was cancelled.")

    monkeypatch.setattr(command, "run", cancel)
    status = headless.data("mnist", download=True)
    assert refused(capsys, status, console.INTERRUPTED) == "The download was cancelled."


# ------------------------------------------------------------------------------------- picture, window


def test_picture_hands_over_what_was_asked(folder, capsys):
    calls = []
    path = folder / "a.png"
    assert headless.picture("exam", "7", "1920x1080", str(path), lambda *args: calls.append(args)) == 0
    assert headless.picture("exam", None, "1280X720", str(path), lambda *args: calls.append(args)) == 0
    assert calls == [
        ("exam", 7, (1920, 1080), path, None, "light"),
        ("exam", load_lesson("exam").n_steps, (1280, 720), path, None, "light"),
    ]


@pytest.mark.parametrize("size", ["", "1280", "1280x", "x720", "1280x720x3", "-1x5", "1e3x700", "12.5x3"])
def test_picture_sizes_that_are_none(size, folder, capsys):
    status = headless.picture("exam", None, size, str(folder / "a.png"), pytest.fail)
    assert refused(capsys, status) == f"--size must be WxH in pixels, as 1280x720, not {size!r}."


def test_picture_target_is_checked_before_anything_is_drawn(capsys):
    status = headless.picture("exam", None, "1280x720", "/nope/a.png", pytest.fail)
    assert "--out must name a file that can be written" in refused(capsys, status)


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (ValueError("size must lie between."), console.UNUSABLE, "size must lie between."),
        (RuntimeError("The engine failed."), console.FAILED, "The engine failed."),
        (OSError("a.png cannot be written."), console.FAILED, "a.png cannot be written."),
        (ImportError("libGL.so.1"), console.FAILED, "Nothing can be drawn, because Qt cannot be loaded"),
    ],
)
def test_picture_that_fails_is_one_line(error, status, sentence, folder, capsys):
    def fail(*args):
        raise error

    got = headless.picture("exam", "1", "1280x720", str(folder / "a.png"), fail)
    assert refused(capsys, got, status).startswith(sentence)


def test_window_opens_on_the_lesson_and_its_status_is_ours():
    asked = []
    assert headless.window("constant-start", None, lambda: True, lambda *args: asked.append(args) or 5) == 5
    assert headless.window(None, None, lambda: True, lambda *args: asked.append(args) or 0) == 0
    assert asked == [("constant-start", None), ("exam", None)]


def test_window_opens_a_run_that_is_there(folder, capsys):
    asked = []
    path = folder / "mine.npz"
    words = "--open must name a file that a run was saved to; there is no file"
    assert words in refused(capsys, headless.window(None, str(path), pytest.fail, pytest.fail))
    path.write_bytes(b"anything: the window says what is wrong with it")
    assert headless.window(None, str(path), lambda: True, lambda *args: asked.append(args) or 0) == 0
    assert asked == [("exam", path)]


def test_a_run_is_saved_and_goes_on(folder, capsys):
    path = folder / "mine.npz"
    assert headless.run("exam", "5", ["data=xor", "hidden=2"], save=str(path)) == 0
    opened = open_run(path)
    assert opened.n_steps == 5 and opened.config.data == "xor"


def test_window_of_an_unknown_lesson_is_refused_before_it_opens(capsys):
    assert "'nope' is no lesson" in refused(capsys, headless.window("nope", None, pytest.fail, pytest.fail))


def no_qt():
    raise ImportError("libGL.so.1: cannot open shared object file")


@pytest.mark.parametrize(
    ("has_screen", "reason"),
    [
        (lambda: False, "There is no screen to open a window on"),
        (no_qt, "The window cannot be opened, because Qt cannot be loaded (libGL.so.1: "),
    ],
)
def test_without_a_screen_the_lesson_is_trained_here(has_screen, reason, capsys, monkeypatch):
    trained = []
    monkeypatch.setattr(headless, "run", lambda lesson: trained.append(lesson) or 0)
    assert headless.window(None, None, has_screen, pytest.fail) == 0
    assert trained == ["exam"]
    assert capsys.readouterr().out.startswith(reason)


# ------------------------------------------------------------------------------------- report


def test_the_report_counts_every_rise():
    trainer = engine.Trainer.from_config(load_lesson("rate-too-large").config)
    start = trainer.snapshot()
    trainer.step(1)
    assert "loss rose       on 1 step: step 1" in report.run_report(
        load_lesson("rate-too-large"), start, trainer.snapshot(), 1.0
    )
    trainer.step(99)
    end = trainer.snapshot()
    rises = end.history.loss_rises
    text = report.run_report(load_lesson("rate-too-large"), start, end, 2.0)
    assert f"on {len(rises)} steps: first on step 1, last on step {rises[-1]}" in text
    assert "50 steps/s, 100 steps in 2.0 s" in text


def test_the_report_of_a_net_without_hidden_units_does_not_speak_of_them():
    data = engine.load_dataset("xor")
    net = engine.MLP((2, 2))
    trainer = engine.Trainer(net, data, net.init("constant", value=0.0))
    start = trainer.snapshot()
    text = report.run_report(load_lesson("exam"), start, start, 0.0)
    assert "hidden units" not in text and "2-2 no hidden layer" in text
    assert "tied at the start, of 4" in text


def test_no_command_leaves_a_thread_behind():
    before = threading.active_count()
    assert headless.run("exam", "2", SMALL) == 0
    assert threading.active_count() == before


def test_list_leaves_out_a_lesson_that_cannot_be_used_and_names_it(capsys, monkeypatch):
    from engine import lessons

    good, _ = lessons.readable_lessons()
    fault = "The lesson file kink.toml cannot be used: order is missing."
    monkeypatch.setattr(lessons, "readable_lessons", lambda: (good[:1], (fault,)))
    assert headless.show_list() == 2
    told = capsys.readouterr()
    assert good[0].lesson_id in told.out and "digits" in told.out
    assert told.err.strip().endswith(fault) and len(told.err.splitlines()) == 1
