"""The picture of the window: a whole PNG of the size asked for, or nothing and one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from gui.picture import save_picture

pytestmark = pytest.mark.usefixtures("qapp")


def test_a_picture_is_saved_whole_in_its_size_over_an_older_one(tmp_path: Path) -> None:
    out = tmp_path / "window.png"
    out.write_text("old")
    save_picture("exam", 20, (1280, 720), out)
    picture = QImage(str(out))
    assert (picture.width(), picture.height()) == (1280, 720)
    assert len({picture.pixel(x, y) for x in range(0, 1280, 7) for y in range(0, 720, 7)}) > 20
    assert [path.name for path in tmp_path.iterdir()] == ["window.png"]


@pytest.mark.parametrize(
    ("lesson", "n_steps", "size", "name", "words"),
    [
        ("no-such-lesson", 0, (1280, 720), "a.png", "'no-such-lesson' is no lesson"),
        ("exam", -1, (1280, 720), "a.png", "n_steps must be"),
        ("exam", 0, (10, 10), "a.png", "size must lie between"),
        ("exam", 0, (100_000, 720), "a.png", "size must lie between"),
        ("exam", 0, (1280, 720), "a.jpg", "must end in .png"),
    ],
)
def test_bad_wishes_are_refused_before_anything_is_done(
    tmp_path: Path, lesson: str, n_steps: int, size: tuple[int, int], name: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        save_picture(lesson, n_steps, size, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="there is no folder"):
        save_picture("exam", 0, (1280, 720), tmp_path / "none" / "a.png")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OSError, match="is a folder"):
        save_picture("exam", 0, (1280, 720), tmp_path / "a.png")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="cannot be written"):
        save_picture("exam", 0, (1280, 720), tmp_path / "a.png")
    tmp_path.chmod(0o700)


def test_a_picture_in_the_dark(tmp_path: Path) -> None:
    greys = []
    for theme in ("light", "dark"):
        save_picture("two-starts", 5, (960, 600), tmp_path / f"{theme}.png", "loss", theme)
        greys.append(QColor(QImage(str(tmp_path / f"{theme}.png")).pixel(2, 2)).lightness())
    assert greys[0] > 200 > 60 > greys[1]


def test_an_unknown_theme_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="theme must be one of light, dark, not 'grey'"):
        save_picture("exam", 0, (1280, 720), tmp_path / "a.png", theme="grey")
