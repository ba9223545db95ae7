"""A process that holds one contestant and runs a round whenever it is told so: `python -m engine.bench.worker`.

Arguments: module, way, number of threads, file with the problem, file for the result. On standard output it
writes one JSON object a line: first its units, then the seconds of each round that a line "go" asked for. It
ends when standard input does.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from engine.bench.contestant import Contestant
from engine.bench.problem import Problem


def main(arguments: list[str]) -> None:
    """Serve one contestant until standard input ends."""
    module, way, n_threads, problem_path, result_path = arguments
    answers = _private_output()
    peer = import_module(f"engine.bench.peers.{module}")
    contestant: Contestant = peer.make(Problem.load(Path(problem_path)), way, int(n_threads))
    _time_round(contestant)  # compiles whatever is compiled on first use
    result: dict[str, Any] = contestant.result()
    np.savez(result_path, **result)
    gc.collect()
    gc.disable()
    _answer(answers, {"units": contestant.units})
    for _ in sys.stdin:
        _answer(answers, {"seconds": _time_round(contestant)})


def _time_round(contestant: Contestant) -> float:
    contestant.prepare()
    started = time.perf_counter()
    contestant.run()
    return time.perf_counter() - started


def _private_output() -> TextIO:
    """Return what was standard output, and have everything that a library prints go to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, content: dict[str, float]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
