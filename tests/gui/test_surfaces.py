"""The surface in its box, the camera, and the panel that shows it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from panel_tools import HandJobs, hand_jobs, hand_panel
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

import engine
from gui.cameras import HALF_HEIGHT, HIGHEST, LOWEST, Camera, lit
from gui.colour_scales import ColourScale
from gui.panels.surface import SurfacePanel
from gui.surfaces import Relief, SurfaceView
from gui.theme import DARK, LIGHT

LABELS = ("a direction", "another", "loss (nats)")


def bowl(n: int = 21) -> Relief:
    x, y = np.meshgrid(np.linspace(-2.0, 2.0, n), np.linspace(-1.0, 1.0, n), indexing="ij")
    values = 0.1 + x**2 + 2.0 * y**2
    return Relief((-2.0, 2.0), (-1.0, 1.0), values, ColourScale.of(values))


@pytest.fixture
def view(qtbot) -> SurfaceView:
    view = SurfaceView(LIGHT)
    qtbot.addWidget(view)
    view.resize(420, 320)
    view.apply_theme(LIGHT)
    view.show()
    view.show_relief(bowl(), LABELS)
    return view


def picture(view: SurfaceView) -> QImage:
    return view.grab().toImage()


def bytes_of(image: QImage) -> bytes:
    return bytes(image.constBits())


def test_camera_turns_without_stretching() -> None:
    points = np.random.default_rng(0).normal(size=(7, 3))
    lengths = np.linalg.norm(points, axis=1)
    for camera in (Camera(0.0, 20.0), Camera(130.0, 55.0), Camera(-77.0, 90.0)):
        np.testing.assert_allclose(np.linalg.norm(camera.seen(points), axis=1), lengths, rtol=1e-12)


def test_camera_at_0_sees_x_to_the_right_and_z_upwards_and_from_above_a_map() -> None:
    axes = np.eye(3)
    level = Camera(0.0, LOWEST).seen(axes)
    assert level[0].tolist() == [1.0, 0.0, 0.0]
    assert level[2][1] == pytest.approx(math.cos(math.radians(LOWEST)))
    assert level[1][2] > 0.9  # y points away
    above = Camera(0.0, 90.0).seen(axes)
    np.testing.assert_allclose(above[:2, :2], np.eye(2), atol=1e-12)
    assert above[2][2] == pytest.approx(-1.0)  # what is higher is nearer


def test_camera_keeps_its_bounds() -> None:
    camera = Camera(170.0, 80.0).turned(azimuth=20.0, elevation=40.0, zoom=100.0)
    assert camera.azimuth == -170.0
    assert camera.elevation == HIGHEST
    assert camera.zoom == 6.0
    assert camera.turned(elevation=-500.0).elevation == LOWEST


@pytest.mark.parametrize("azimuth", range(-180, 180, 30))
def test_the_front_corner_is_the_nearest(azimuth: int) -> None:
    camera = Camera(azimuth + 7.0, 30.0)
    corners = np.array([(x, y, 0.0) for x in (-1.0, 1.0) for y in (-1.0, 1.0)])
    nearest = corners[camera.seen(corners)[:, 2].argmin()]
    assert camera.front == (nearest[0], nearest[1])


def test_light_is_full_towards_the_light_and_the_same_on_a_plain() -> None:
    plain = lit(np.zeros((4, 5)), Camera())
    assert plain.shape == (3, 4)
    assert np.ptp(plain) == 0.0
    assert plain[0, 0] == pytest.approx(1.0)
    x = np.linspace(-1.0, 1.0, 9)[:, None] * np.ones(9)
    camera = Camera(0.0, 30.0)
    assert lit(x, camera).mean() > lit(-x, camera).mean() + 0.1  # the light comes from the left


@pytest.mark.parametrize("camera", [Camera(), Camera(60.0, 10.0), Camera(-150.0, 80.0), Camera(0.0, 90.0)])
def test_the_box_fits_into_the_widget(view, camera) -> None:
    view.set_camera(camera)
    corners = np.array(
        [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-HALF_HEIGHT, HALF_HEIGHT)], dtype=float
    )
    placed = view._placed(corners)
    assert placed[:, 0].min() >= 0.0
    assert placed[:, 0].max() <= view.width()
    assert placed[:, 1].min() >= 0.0
    assert placed[:, 1].max() <= view.height()


def test_heights_are_the_log_of_the_values() -> None:
    relief = Relief((0.0, 1.0), (0.0, 1.0), np.array([[1.0, 10.0], [100.0, np.inf]]), ColourScale(1.0, 100.0))
    expected = [[-HALF_HEIGHT, 0.0], [HALF_HEIGHT, np.nan]]
    np.testing.assert_allclose(relief.heights, expected, atol=1e-12)


def test_the_picture_shows_the_colours_of_the_scale_from_above(view) -> None:
    view.set_camera(Camera(0.0, 90.0))
    image = picture(view)
    low = view._placed(np.array([0.06, 0.06, 0.0]))
    high = view._placed(np.array([0.97, 0.97, 0.0]))
    dark, bright = (QColor(image.pixel(round(at[0]), round(at[1]))) for at in (low, high))
    assert dark.lightness() < 80
    assert bright.red() > 120
    assert bright.green() > 120
    assert bright.blue() < 100


def test_a_hole_where_the_loss_is_not_finite(view) -> None:
    relief = bowl()
    relief.values[14:, 14:] = np.nan
    view.set_camera(Camera(0.0, 90.0))
    view.show_relief(relief, LABELS)
    picture(view)
    x, y, _ = view._placed(np.array([0.8, 0.8, 0.0]))
    assert not np.isfinite(view._buffer[round(2 * y), round(2 * x)])
    x, y, _ = view._placed(np.array([-0.8, 0.8, 0.0]))
    assert np.isfinite(view._buffer[round(2 * y), round(2 * x)])


def test_a_turn_draws_anew_and_nothing_else_does(view, monkeypatch) -> None:
    import engine.kernels.zbuffer as zbuffer

    calls = []
    whole = zbuffer.draw_surface
    monkeypatch.setattr(zbuffer, "draw_surface", lambda *args: (calls.append(1), whole(*args)))
    picture(view)
    view._drawn = ()
    picture(view)
    n_calls = len(calls)
    picture(view)
    view.show_path(np.array([0.0, 1.0]), np.array([0.0, 0.5]), False)
    picture(view)
    assert len(calls) == n_calls
    view.set_camera(Camera(10.0, 20.0))
    picture(view)
    assert len(calls) == n_calls + 1


def test_mouse_turns_wheel_zooms_and_a_double_click_brings_all_back(view, qtbot) -> None:
    first = view.camera
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    move = QPointF(240.0, 130.0)
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QMouseEvent.Type.MouseMove,
        move,
        view.mapToGlobal(move),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    view.mouseMoveEvent(event)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(240, 130))
    assert view.camera.azimuth == pytest.approx(first.azimuth - 16.0)
    assert view.camera.elevation == pytest.approx(first.elevation - 8.0)
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    assert view.camera == first


def test_keys_turn_zoom_and_read(view, qtbot) -> None:
    first, read = view.camera, []
    view.pointed.connect(read.append)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert (view.camera.azimuth, view.camera.elevation) == (first.azimuth - 5.0, first.elevation + 5.0)
    assert f"{first.elevation + 5.0:.0f} degrees above" in view.accessibleName()
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.camera.zoom > 1.0
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.camera.zoom == pytest.approx(1.0)
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view.camera == first
    qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert read == [(10, 10), (11, 10)]


def test_the_mouse_reads_what_is_seen_and_not_what_is_hidden(view) -> None:
    hill = bowl()
    hill = Relief(hill.x, hill.y, 1.0 / hill.values, ColourScale.of(1.0 / hill.values))
    view.show_relief(hill, LABELS)
    view.set_camera(Camera(0.0, 12.0))
    picture(view)
    placed = view._placed(view._grid())
    assert not view._is_seen(placed)[10, 18]  # behind the top
    x, y, _ = placed[10, 4]
    assert view._nearest(QPointF(x, y)) == (10, 4)
    x, y, _ = placed[10, 18]
    assert view._nearest(QPointF(x, y)) != (10, 18)
    view.set_camera(Camera(0.0, 85.0))
    picture(view)
    x, y, _ = view._placed(view._grid())[10, 18]
    assert view._nearest(QPointF(x, y)) == (10, 18)


def test_the_underside_lies_in_the_shade(view) -> None:
    view.set_camera(Camera(0.0, 5.0))  # from so low the bowl is seen from below
    image = picture(view)
    x, y, _ = view._placed(np.array([0.0, 0.0, -HALF_HEIGHT + 0.15]))
    below = QColor(image.pixel(round(x), round(y)))
    assert below.lightness() < 45
    assert view._nearest(QPointF(-500.0, 0.0)) is None


def test_the_path_lies_on_the_surface(view) -> None:
    relief = bowl()
    found = view._on_surface(np.array([[0.0, 0.0], [1.0, 0.5], [9.0, 0.0]]))
    assert len(found) == 2  # the third lies beside the picture
    [at_0, at_1] = found
    assert at_0[:2].tolist() == [0.0, 0.0]
    assert at_1[:2].tolist() == [0.5, 0.5]
    assert at_1[2] == pytest.approx(relief.heights[15, 15], abs=0.01)
    view.set_camera(Camera(0.0, 60.0))
    before = bytes_of(picture(view))
    view.show_path(np.array([-1.5, 1.5]), np.array([0.5, 0.5]), False)
    solid = bytes_of(picture(view))
    view.show_path(np.array([-1.5, 1.5]), np.array([0.5, 0.5]), True)
    assert len({before, solid, bytes_of(picture(view))}) == 3


def test_nothing_is_drawn_of_no_relief(view) -> None:
    view.clear()
    image = picture(view)
    inside = {image.pixel(x, y) for x in range(20, 400, 20) for y in range(20, 300, 20)}
    assert len(inside) == 1


# The panel


jobs, panel = hand_jobs(), hand_panel(SurfacePanel, 560, 420)


@pytest.fixture(scope="module")
def trainer() -> engine.Trainer:
    config = engine.RunConfig(data="digits", n_samples=30, hidden=(4,), learning_rate=0.3)
    trainer = engine.Trainer.from_config(config)
    trainer.step(8)
    return trainer


def show(panel: SurfacePanel, jobs: HandJobs, trainer: engine.Trainer) -> None:
    panel.show_snapshot(trainer.snapshot())
    jobs.finish()
    panel.tick()


def test_panel_asks_nothing_while_hidden(panel, jobs, trainer) -> None:
    panel.hide()
    panel.show_snapshot(trainer.snapshot())
    panel.tick()
    assert jobs.jobs == []


def test_panel_shows_the_plane_and_the_path(panel, jobs, trainer) -> None:
    show(panel, jobs, trainer)
    relief = panel.surface.relief
    assert relief.values.shape == (51, 51)
    np.testing.assert_array_equal(relief.values, panel._survey.plane.loss)
    assert len(panel.surface.path) == len(trainer.snapshot().path) + 1
    assert panel.surface.path[-1].tolist() == [0.0, 0.0]
    assert "51 × 51 points, computed at step 8" in panel.caption.text()
    assert "of the gradient's squared length" in panel.caption.text()
    assert "Height: the same" in panel.caption.text()
    assert panel.summary().startswith(panel.caption.text())
    assert panel.shown_error == ""


def test_panel_never_cuts_off_what_the_scale_can_hold(panel, jobs, trainer) -> None:
    panel.controls.zoom_box.setCurrentIndex(0)
    show(panel, jobs, trainer)
    narrow = panel._scale
    panel.controls.zoom_box.setCurrentIndex(panel.controls.zoom_box.count() - 1)
    jobs.finish()
    panel.tick()
    assert panel._scale.high > narrow.high
    highest = panel._survey.plane.loss.max()
    assert panel._scale.high >= highest
    assert "cut off" not in panel.caption.text()


def test_panel_reads_exact_numbers(panel, jobs, trainer, qtbot) -> None:
    show(panel, jobs, trainer)
    qtbot.keyClick(panel.surface, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    plane = panel._survey.plane
    assert f"loss {float(plane.loss[25, 25])!r}" in panel.caption.text()
    assert panel.surface.accessibleDescription() == panel.caption.text()


def test_panel_changes_its_theme_and_forgets_another_run(panel, jobs, trainer) -> None:
    show(panel, jobs, trainer)
    light = bytes_of(picture(panel.surface))
    panel.set_theme(DARK)
    assert bytes_of(picture(panel.surface)) != light
    panel._forget()
    assert panel.surface.relief is None
