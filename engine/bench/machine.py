"""What a benchmark ran on: processor, cores, versions, and the settings that change the speed of BLAS."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from engine.bench.process import TUNING
from engine.cores import usable_cores

_PACKAGES: Final = ("numpy", "scipy", "numba", "torch", "jax", "scikit-learn")


def describe() -> dict[str, str]:
    """Return what there is to know of this machine, by the names that a reader looks for."""
    return {
        "processor": _processor(),
        "cores": f"{usable_cores()} usable of {os.cpu_count()}",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "BLAS of numpy": _blas(),
        "threads": f"ours {usable_cores()}, peers the best of 1 and {usable_cores()}",
        "settings of ours": _settings(),
        "settings of peers": f"{', '.join(TUNING)} not set",
        "other load": _load(),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _blas() -> str:
    import numpy as np
    from threadpoolctl import threadpool_info

    np.zeros((1, 1)) @ np.zeros((1, 1))  # so that it is loaded
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    words = {f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in pools}
    return "; ".join(sorted(word.strip() for word in words))


def _settings() -> str:
    found = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("OPENBLAS_")]
    return ", ".join(found) or "none"


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return "unknown"
    return f"{os.getloadavg()[0]:.1f} processes in the last minute"
