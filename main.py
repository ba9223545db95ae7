"""Lossoscope: an oscilloscope for full-batch gradient descent. `python main.py --help` lists the commands."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

# Both are read once, when numpy and Qt are loaded. A fork while a threaded OpenBLAS product runs hangs for
# ever, and the threads of the engine are its own; Qt's pool for painting is slower than painting at once.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["QT_NO_GUI_THREADPOOL"] = "1"

if __name__ == "__main__":  # until a command can say so, Ctrl-C ends the program without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from engine.late import import_late

if (
    "numpy" not in sys.modules
):  # nearly a tenth of a second, and the window's first painting has no use for it
    import_late("numpy")

from engine import console, headless
from engine.bench.command import bench
from engine.claims.command import verify
from engine.hunt.command import hunt
from engine.sweeps.command import sweep

if TYPE_CHECKING:
    from engine.films import FilmPlan


class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is not known here and now, so that the usage named is that of the command."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        """Exit with status 2 and one line: what is wrong, and what is allowed."""
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        self.exit(console.UNUSABLE, f"{message[:1].upper()}{message[1:]}; the usage is: {usage}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line and return its exit status."""
    given = _parser().parse_args(arguments)
    match given.command:
        case "list":
            return headless.show_list()
        case "run":
            return headless.run(
                given.lesson, given.steps, given.set, given.json, given.csv, given.save, given.stop_at_rise
            )
        case "verify":
            return verify(given.claims, given.seed, given.all_seeds, given.json)
        case "hunt":
            return hunt(given.claim, given.seconds, given.seed, given.save)
        case "sweep":
            return sweep(given.file, given.out, given.workers, given.scheduler, given.csv)
        case "picture":
            return headless.picture(
                given.lesson, given.steps, given.size, given.out, _save_picture, given.panel, given.theme
            )
        case "film":
            return headless.film(given.lesson, given.open, vars(given), _make_film)
        case "data":
            return headless.data(given.name, given.folder, given.download)
        case "bench":
            return bench(given.names, given.seconds, given.json, given.markdown)
    return headless.window(given.lesson, given.open, _has_screen, _open_window)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="main.py", description="Without a command, the window opens.", allow_abbrev=False)
    parser.add_argument("--lesson", metavar="ID", help="the lesson to open the window on")
    parser.add_argument("--open", metavar="RUN", help="a run that was saved, to go on with in the window")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add(commands, "list", "list lessons, claims and data sets, one a line")
    run = _add(commands, "run", "train a lesson without a window")
    run.add_argument("lesson", metavar="LESSON", help="a lesson of the list")
    run.add_argument("--steps", metavar="N", help="number of steps; by default the lesson's own")
    run.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="change a setting")
    run.add_argument("--json", metavar="FILE", help="write settings and history as JSON")
    run.add_argument("--csv", metavar="FILE", help="write the history as CSV, a line a step")
    run.add_argument("--save", metavar="RUN", help="keep the run in a file, to be opened in the window")
    run.add_argument(
        "--stop-at-rise", metavar="WHAT", help="errors, loss or any: stop at the very step on which it rose"
    )
    testing = _add(commands, "verify", "test claims and print the ledger of verdicts")
    testing.add_argument("claims", metavar="CLAIM", nargs="*", help="a claim of the list; by default all")
    testing.add_argument("--seed", metavar="N", default="0", help="take other starts")
    testing.add_argument("--all-seeds", metavar="K", help="test from K seeds and tell how often it stood")
    testing.add_argument("--json", metavar="FILE", help="write the verdicts as JSON")
    search = _add(commands, "hunt", "look for smaller or starker counterexamples of a claim")
    search.add_argument("claim", metavar="CLAIM", help="a claim that is violated, as errors-never-rise")
    search.add_argument("--seconds", metavar="S", default="20", help="how long to look")
    search.add_argument("--seed", metavar="N", default="0", help="look elsewhere")
    search.add_argument("--save", metavar="FILE", help="write the best one as a witness file")
    sweeping = _add(commands, "sweep", "run a sweep: one question over many runs, on all cores or a cluster")
    sweeping.add_argument(
        "file", metavar="FILE", help="a sweep file, or a sweep of assets/sweeps by its name"
    )
    sweeping.add_argument(
        "--out", metavar="RESULTS", help="where results are kept; one that is there goes on"
    )
    sweeping.add_argument("--workers", metavar="N", help="processes on this machine; by default one a core")
    sweeping.add_argument(
        "--scheduler", metavar="ADDRESS", help="a Dask scheduler, to use its workers instead"
    )
    sweeping.add_argument("--csv", metavar="FILE", help="write all results as CSV, a line a run")
    picture = _add(commands, "picture", "draw the window without a screen")
    picture.add_argument("lesson", metavar="LESSON", help="a lesson of the list")
    picture.add_argument("--steps", metavar="N", help="after how many steps; by default the lesson's own")
    picture.add_argument("--size", metavar="WxH", default="1280x720", help="size in pixels")
    picture.add_argument("--panel", metavar="ID", help="one panel alone, as loss; by default the window")
    picture.add_argument("--theme", metavar="light|dark", default="light", help="by default light")
    picture.add_argument("--out", metavar="FILE.png", required=True, help="the file; also .svg and .pdf")
    film = _add(commands, "film", "film a run, from its start on, without a screen")
    film.add_argument("lesson", metavar="LESSON", nargs="?", help="a lesson of the list")
    film.add_argument("--open", metavar="RUN", help="a run that was saved, instead of a lesson")
    film.add_argument("--out", metavar="FILE.mp4", required=True, help="the file; also .gif")
    film.add_argument("--panel", metavar="ID", help="one panel alone, as loss; by default the window")
    film.add_argument("--steps", metavar="N", help="up to which step; by default all of them")
    film.add_argument("--seconds", metavar="S", help="how long it lasts; by default 10")
    film.add_argument("--fps", metavar="F", help="frames a second; by default 25")
    film.add_argument("--size", metavar="WxH", help="size in pixels; by default 1280x720")
    film.add_argument("--theme", metavar="light|dark", help="by default light")
    film.add_argument(
        "--spacing", metavar="linear|log", help="log has many frames for the first steps; by default linear"
    )
    data = _add(commands, "data", "tell where a data set is, name its folder, or download it")
    data.add_argument("name", metavar="NAME", help="a data set of the list")
    data.add_argument("--folder", metavar="PATH", help="the folder that holds its files")
    data.add_argument("--download", action="store_true", help="bring it from the network")
    timing = _add(commands, "bench", "time the engine beside numpy, PyTorch, JAX and scikit-learn")
    timing.add_argument("names", metavar="NAME", nargs="*", help="a work, as step-small; by default all")
    timing.add_argument("--seconds", metavar="S", default="20", help="time for the rounds of one work")
    timing.add_argument("--json", metavar="FILE", help="write the times as JSON")
    timing.add_argument("--markdown", metavar="FILE", help="write method, machine and tables as a page")
    return parser


def _add(
    commands: argparse._SubParsersAction[_Parser], name: str, explanation: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=explanation, description=explanation, allow_abbrev=False)


def _has_screen() -> bool:
    from gui.app import has_screen

    return has_screen()


def _open_window(lesson_id: str, run_file: Path | None) -> int:
    from gui.app import open_window

    return open_window(lesson_id, run_file)


def _save_picture(
    lesson_id: str, n_steps: int, size: tuple[int, int], out: Path, panel: str | None, theme: str
) -> None:
    from gui.picture import save_picture

    save_picture(lesson_id, n_steps, size, out, panel, theme)


def _make_film(
    source: str | Path,
    plan: FilmPlan,
    note: Callable[[int, int], object],
    is_cancelled: Callable[[], bool],
) -> str:
    from gui.film import make_film

    return make_film(source, plan, note, is_cancelled)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
