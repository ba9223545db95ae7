"""One clear sentence for each bad argument: its name, what it was, what is allowed.

Every function returns the checked value or raises ``TypeError`` (wrong kind) or ``ValueError`` (wrong
value), so that a notebook, the command line and a field in the window all show the same sentence.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return value if it is one of the allowed names."""
    names = tuple(allowed)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(names)}, not {value!r}.")
    if value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, not {value!r}.")
    return value


def whole_number(name: str, value: Any, at_least: int, at_most: int | None = None) -> int:
    """Return value as an int within the bounds (both included)."""
    span = f"a whole number of at least {at_least}"
    if at_most is not None:
        span = f"a whole number from {at_least} to {at_most}"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be {span}, not {value!r}.") from None
    if number < at_least or (at_most is not None and number > at_most):
        raise ValueError(f"{name} must be {span}, not {value!r}.")
    return number


def real_number(name: str, value: Any, above: float = -math.inf, at_least: float = -math.inf) -> float:
    """Return value as a finite float above one bound and at least another."""
    span = "a finite number"
    if above > -math.inf:
        span += f" above {above:g}"
    if at_least > -math.inf:
        span += f" of at least {at_least:g}"
    if isinstance(value, (bool, str, bytes)):
        raise TypeError(f"{name} must be {span}, not {value!r}.")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be {span}, not {value!r}.") from None
    if not math.isfinite(number) or number <= above or number < at_least:
        raise ValueError(f"{name} must be {span}, not {value!r}.")
    return number


def real_array(value: Any) -> npt.NDArray[np.float64]:
    """Return value as a float64 array, itself where it is one.

    TypeError or ValueError, without a sentence of ours, where it can be none.
    """
    if np.iscomplexobj(value):  # numpy would drop the imaginary parts with a warning only
        raise TypeError
    return np.asarray(value, dtype=np.float64)


def vector(name: str, value: Any, length: int) -> npt.NDArray[np.float64]:
    """Return value as a contiguous float64 array of shape (length,)."""
    try:
        array = np.ascontiguousarray(real_array(value))
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of {length} numbers, not {type(value).__name__}.") from None
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), not {array.shape}.")
    return array
