"""Draws every picture of the README and of the user guide anew: `make pictures`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WINDOW, PANEL = "1280x720", "960x600"
PICTURES = (
    # file in docs/, lesson, steps, panel ("" for the window), size
    ("window.png", "exam", 600, "", WINDOW),
    ("guide/ledger.png", "mistakes-can-rise", 300, "ledger", PANEL),
    ("guide/errors.png", "mistakes-can-rise", 300, "errors", PANEL),
    ("guide/symmetry.png", "constant-start", 1600, "symmetry", PANEL),
    ("guide/landscape.png", "rate-too-large", 400, "landscape", PANEL),
    ("guide/surface.png", "rate-too-large", 400, "surface", PANEL),
    ("guide/curvature.png", "rate-too-large", 400, "curvature", PANEL),
    ("guide/gradients.png", "half-as-steep", 400, "gradients", PANEL),
    ("guide/examples.png", "mistakes-can-rise", 300, "examples", PANEL),
    ("guide/regions.png", "bowl", 1000, "regions", PANEL),
    ("guide/network.png", "two-starts", 600, "network", PANEL),
    ("guide/paths.png", "halfway", 600, "paths", PANEL),
)

BRANCHES = "guide/branches.png"  # no picture of one lesson: see branch_picture.py


def main() -> int:
    """Draw all pictures; return the number of those that failed."""
    (ROOT / "docs" / "guide").mkdir(exist_ok=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LOSSOSCOPE_")}
    failed = 0
    for name, lesson, n_steps, panel, size in PICTURES:
        arguments = ["picture", lesson, "--steps", str(n_steps), "--size", size]
        arguments += ["--panel", panel] if panel else []
        arguments += ["--out", str(ROOT / "docs" / name)]
        print(name, flush=True)
        done = subprocess.run([sys.executable, str(ROOT / "main.py"), *arguments], env=environ, check=False)
        failed += done.returncode != 0
    print(BRANCHES, flush=True)
    command = [sys.executable, str(ROOT / "tools" / "branch_picture.py"), str(ROOT / "docs" / BRANCHES)]
    failed += subprocess.run(command, env=environ, check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
