"""Films as files: MP4 that plays everywhere, and GIF with one palette for all frames. The package av does it.

The libraries of FFmpeg, which come with av, are asked for: H.264 in the pixel format that browsers, slides and
telephones know; and for a GIF the 256 colours that fit all frames best, found while the frames are kept
without loss in a temporary file, so that any length takes little memory and a pixel that stays costs nothing.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3), red, green and blue."""
Add = Callable[[Pixels], None]

_N_THREADS: Final = 2  # a fixed number, and the same frames always give the same file
_BT709: Final = 1  # FFmpeg's number for the colours of HD; without it players guess, and greens change
_MP4_OPTIONS: Final = {"crf": "16", "preset": "medium"}  # 16: thin lines keep their edges
_LOSSLESS_OPTIONS: Final = {"qp": "0", "preset": "ultrafast"}


def check_library() -> None:
    """Raise ValueError, which says how to install it, where the package that writes films is missing."""
    if find_spec("av") is None:
        raise ValueError(
            f"A film needs the package av, which is not installed: {sys.executable} -m pip install av"
        )


def open_film(
    path: Path, size: tuple[int, int], fps: int, check: Callable[[], None] = lambda: None
) -> AbstractContextManager[Add]:
    """Return a context that gives a function to add frames with, and has the whole film in path at its end.

    Args:
        path: the file; its ending, .mp4 or .gif, says as what.
        size: (width, height) of all frames.
        fps: frames a second.
        check: called now and then during long work at the end; what it raises ends it.
    """
    if path.suffix.lower() == ".gif":
        return _gif(path, size, fps, check)
    return _mp4(path, size, fps)


@contextmanager
def _mp4(path: Path, size: tuple[int, int], fps: int) -> Iterator[Add]:
    import av

    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = _add_stream(container, "libx264", size, fps, "yuv420p", _MP4_OPTIONS)
        context, clock = stream.codec_context, _Clock(fps)
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = _BT709

        def add(pixels: Pixels) -> None:
            frame = clock.frame(pixels).reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            container.mux(stream.encode(frame))

        yield add
        container.mux(stream.encode(None))


@contextmanager
def _gif(path: Path, size: tuple[int, int], fps: int, check: Callable[[], None]) -> Iterator[Add]:
    with tempfile.TemporaryDirectory(prefix="lossoscope-film-") as folder:
        lossless, palette, clock = Path(folder) / "frames.mkv", _PaletteMaker(size, fps), _Clock(fps)
        with _lossless(lossless, size, fps) as keep:

            def add(pixels: Pixels) -> None:
                frame = clock.frame(pixels)
                palette.look(frame)
                keep(frame)

            yield add
        _write_gif(path, size, fps, _painted(lossless, palette.finish(), size, fps, check))


@contextmanager
def _lossless(path: Path, size: tuple[int, int], fps: int) -> Iterator[Callable[[Any], None]]:
    import av

    with av.open(str(path), "w") as container:
        stream = _add_stream(container, "libx264rgb", size, fps, "rgb24", _LOSSLESS_OPTIONS)
        yield lambda frame: container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _write_gif(path: Path, size: tuple[int, int], fps: int, frames: Iterator[Any]) -> None:
    import av

    with av.open(str(path), "w", options={"loop": "0"}) as container:  # 0: for ever
        stream = _add_stream(container, "gif", size, fps, "pal8", {})
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


class _PaletteMaker:
    """Finds 256 colours for all frames that it is shown."""

    def __init__(self, size: tuple[int, int], fps: int) -> None:
        from av.filter import Graph

        self._graph = Graph()
        source = _source(self._graph, size, "rgb24", fps)
        _chain(source, self._graph.add("palettegen", "stats_mode=full"), self._graph.add("buffersink"))
        self._graph.configure()

    def look(self, frame: Any) -> None:
        """Count the colours of a frame."""
        self._graph.push(frame)

    def finish(self) -> Any:
        """Return the palette, a frame of 16 x 16 pixels."""
        self._graph.push(None)
        return self._graph.pull()


def _painted(
    lossless: Path, palette: Any, size: tuple[int, int], fps: int, check: Callable[[], None]
) -> Generator[Any, None, None]:
    """Yield the frames of a file in the colours of a palette, without dithering: areas stay calm."""
    import av

    graph = av.filter.Graph()
    source, colours = (
        _source(graph, size, "rgb24", fps),
        _source(graph, (palette.width, palette.height), palette.format.name, fps),
    )
    use = graph.add("paletteuse", "dither=none:diff_mode=rectangle")
    source.link_to(use, 0, 0)
    colours.link_to(use, 0, 1)
    _chain(use, graph.add("buffersink"))
    graph.configure()
    clock = _Clock(fps)
    colours.push(clock.stamp(palette, 0))
    colours.push(None)
    with av.open(str(lossless)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            check()
            source.push(clock.stamp(frame.reformat(format="rgb24"), number))
            yield from _ready(graph)
    source.push(None)
    yield from _ready(graph)


def _ready(graph: Any) -> Generator[Any, None, None]:
    """Yield what a graph has finished so far."""
    import av

    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


class _Clock:
    """Makes frames of pixels, each at its time."""

    def __init__(self, fps: int) -> None:
        self._tick = Fraction(1, fps)
        self._n_frames = 0

    def frame(self, pixels: Pixels) -> Any:
        """Return the next frame."""
        import av

        self._n_frames += 1
        return self.stamp(av.VideoFrame.from_ndarray(pixels, format="rgb24"), self._n_frames - 1)

    def stamp(self, frame: Any, number: int) -> Any:
        """Return a frame with the time of frame number."""
        frame.time_base, frame.pts = self._tick, number
        return frame


def _add_stream(
    container: Any, codec: str, size: tuple[int, int], fps: int, pixel_format: str, options: dict[str, str]
) -> Any:
    stream = container.add_stream(codec, rate=fps, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = pixel_format
    stream.codec_context.thread_count = _N_THREADS
    return stream


def _source(graph: Any, size: tuple[int, int], pixel_format: str, fps: int) -> Any:
    width, height = size
    return graph.add_buffer(width=width, height=height, format=pixel_format, time_base=Fraction(1, fps))


def _chain(*filters: Any) -> None:
    for one, other in pairwise(filters):
        one.link_to(other)
