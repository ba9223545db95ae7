"""Sweep files: what they say, what each cell is, and one sentence for whatever is wrong with them."""

from __future__ import annotations

import pytest
from sweep_tools import content, small_sweep

from engine.sweeps.sweep import load_sweep, read_sweep, sweep_ids, sweep_of_text


def test_those_that_come_with_the_program_can_be_used():
    assert set(sweep_ids()) >= {
        *(
            "zero-error-width",
            "largest-rate",
            "xor-starts",
            "depth-with-and-without-skips",
            "batch-sharpness",
        ),
    }
    for name in sweep_ids():
        sweep = load_sweep(name)
        assert sweep.claims and sweep.n_cells > 10
        for cell in (0, sweep.n_cells // 2, sweep.n_cells - 1):
            sweep.config(cell)


def test_cells_are_all_combinations_the_last_axis_fastest():
    sweep = small_sweep()
    assert sweep.shape == (2, 2, 10) and sweep.n_cells == 40
    assert sweep.values(0) == {"width": 2, "learning_rate": 0.5, "seed": 0}
    assert sweep.values(11) == {"width": 2, "learning_rate": 1.0, "seed": 1}
    assert sweep.values(39) == {"width": 3, "learning_rate": 1.0, "seed": 9}
    assert [sweep.cell(sweep.places(cell)) for cell in range(40)] == list(range(40))
    config = sweep.config(31)
    assert (config.hidden, config.learning_rate, config.seed, config.data) == ((3,), 1.0, 1, "xor")


def test_ranges_seeds_and_settings_that_go_together():
    axes = {
        "learning_rate": {"from": 0.1, "to": 10.0, "n": 3, "scale": "log"},
        "n_samples": {"from": 1, "to": 4},
        "hidden": [[2], [3, 2]],
        "seed": {"seeds": 3, "first": 5, "also": ["noise_seed"]},
    }
    sweep = small_sweep(axes=axes)
    assert [list(axis.values) for axis in sweep.axes] == [
        [0.1, 1.0, 10.0],
        [1, 2, 3, 4],
        ["2", "3,2"],
        [5, 6, 7],
    ]
    config = sweep.config(sweep.n_cells - 1)
    assert (config.hidden, config.seed, config.noise_seed, config.n_samples) == ((3, 2), 7, 7, 4)


def test_depth_and_skips():
    settings = {"data": "digits", "hidden": [10], "activation": "tanh"}
    sweep = small_sweep(settings=settings, axes={"skips": ["none", "all"], "depth": [1, 3]})
    found = [(sweep.config(cell).hidden, sweep.config(cell).skip) for cell in range(4)]
    assert found == [((10,), ()), ((10,) * 3, ()), ((10,), (1,)), ((10,) * 3, (1, 2, 3))]


def test_a_million_seeds_take_no_memory():
    sweep = small_sweep(axes={"seed": {"seeds": 10**8}})
    assert sweep.n_cells == 10**8 and sweep.config(10**8 - 1).seed == 10**8 - 1


def test_its_text_reads_back_to_the_same_sweep_with_the_lesson_filled_in():
    sweep = small_sweep(lesson="xor-luck", settings={"learning_rate": 0.25})
    again = sweep_of_text(sweep.as_text())
    assert "lesson" not in again.content and again.as_text() == sweep.as_text()
    assert again.base == sweep.base and again.base.data == "xor" and again.base.learning_rate == 0.25
    assert (again.axes, again.stop, again.measures) == (sweep.axes, sweep.stop, sweep.measures)
    assert again.question() == sweep.question() != small_sweep(title="another").question()
    assert small_sweep(title="another").question() == small_sweep().question()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"titel": "XOR"}, "titel"),
        ({"axes": None}, "axes is missing"),
        ({"settings": None}, "neither is there"),
        ({"settings": {"rate": 1.0}}, "a setting must be one of"),
        ({"settings": {"learning_rate": -1.0}}, "learning_rate must be"),
        ({"settings": {"data": ["nowhere"]}}, "none of the data sets nowhere"),
        ({"settings": {"data": "nowhere"}}, "data must be one of digits, mnist, "),
        ({"settings": {"data": "nowhere"}}, "npz:PATH, not 'nowhere'."),
        ({"settings": {"data": "witness:nothing"}}, "not 'witness:nothing'."),
        ({"axes": {"data": ["xor", "diggits"], "seed": [1, 2]}}, "npz:PATH, not 'diggits'."),
        ({"lesson": "nothing"}, "lesson must be one of exam, "),
        ({"lesson": "nothing"}, "not 'nothing'."),
        ({"claims": ["nothing"]}, "a claim must be one of"),
        ({"axes": {}}, "axes must be a table"),
        ({"axes": {"rate": [1]}}, "an axis must be one of"),
        ({"axes": {"seed": 5}}, "a list of values or a table"),
        ({"axes": {"seed": []}}, "at least one value"),
        ({"axes": {"seed": [1, 1]}}, "1 is there twice"),
        ({"axes": {"seed": {}}}, "must have values, from and to, or seeds"),
        ({"axes": {"seed": [1, -1]}}, "seed must be a whole number"),
        ({"axes": {"seed": {"seeds": 0}}}, "seeds of the axis seed"),
        ({"axes": {"seed": {"seeds": 2, "also": ["x"]}}}, "also of the axis seed"),
        ({"axes": {"seed": {"seeds": 2, "also": ["seed"]}}}, "one axis only"),
        ({"axes": {"learning_rate": {"from": 1.0, "to": 0.5, "n": 3}}}, "to of the axis learning_rate"),
        ({"axes": {"learning_rate": {"from": 0.1, "to": 0.5}}}, "n of the axis learning_rate"),
        ({"axes": {"learning_rate": {"from": 0.0, "to": 1.0, "n": 3, "scale": "log"}}}, "above 0"),
        ({"axes": {"width": {"from": 1, "to": 4, "n": 9}}}, "is there twice"),
        ({"axes": {"skips": ["some"]}}, "skips must be one of none, all"),
        ({"stop": {}}, "stop must be a table"),
        ({"stop": {"loss_below": 0.1}}, "n_steps of stop is missing"),
        ({"stop": {"n_steps": 5, "loss_below": 0}}, "loss_below of stop"),
        ({"stop": {"n_steps": 5, "cooled": 1}}, "true or false"),
        ({"stop": {"steps": 5}}, "a key of stop"),
        ({"measures": {"seconds": "loss"}}, "a measure must have a name"),
        ({"measures": {"a b": "loss"}}, "a measure must have a name"),
        ({"measures": {"loss": "lost"}}, "kind of the measure loss must be one of"),
        ({"measures": {"end": {"kind": "end_point", "balance": 0.0}}}, "balance of the measure end"),
        ({"measures": {"v": {"kind": "verdict", "claim": "flat-channel"}}}, "claim of the measure v"),
        ({"measures": {"v": {"kind": "loss", "claim": "descent"}}}, "a key of the measure v"),
        ({"measures": {"t": "first_loss_below"}}, "value of the measure t"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(changes, words):
    with pytest.raises((ValueError, TypeError)) as error:
        read_sweep("bad", content(**changes))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_data_are_looked_for_once_before_any_run(tmp_path):
    small_sweep().check_data()
    missing = tmp_path / "points.csv"
    for changes in (
        {"settings": {"data": f"csv:{missing}"}},
        {"axes": {"data": ["xor", f"csv:{missing}"], "seed": [1, 2]}},
    ):
        sweep = small_sweep(**changes)  # which can be opened where the files are not
        with pytest.raises(ValueError, match=r"points\.csv"):
            sweep.check_data()
    missing.write_text("0,1,0\n1,0,1\n")
    sweep.check_data()


def test_a_file_that_is_not_there_or_no_toml(tmp_path):
    with pytest.raises(ValueError, match=r"must be the path of a file, or one of .*xor-starts"):
        load_sweep(str(tmp_path / "nothing.toml"))
    bad = tmp_path / "bad.toml"
    bad.write_text("title = ")
    with pytest.raises(ValueError, match=r"The sweep file bad\.toml cannot be used"):
        load_sweep(str(bad))
