"""exp, log, logistic, tanh and softplus of whichever type a kernel's numbers have, float64 or float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import overload

from engine.kernels import math, singles


def exp_of_negative(x: float) -> float:
    """Return e^x for x <= 0."""
    raise NotImplementedError  # kernels get what _by_type chooses


def log(x: float) -> float:
    """Return the natural logarithm of x."""
    raise NotImplementedError


def logistic(x: float) -> float:
    """Return 1 / (1 + e^-x)."""
    raise NotImplementedError


def tanh(x: float) -> float:
    """Return tanh x."""
    raise NotImplementedError


def softplus(x: float) -> float:
    """Return log(1 + e^x)."""
    raise NotImplementedError


def _by_type(function: Callable[..., Any], double: Any, single: Any) -> None:
    """Let kernels that call function get double for a float64 and single for a float32.

    Numba wants the chooser's signature to be that of what it chooses, annotations with it.
    """

    @overload(function, jit_options={"forceinline": True, "error_model": "numpy"})
    def choose(x):
        return (lambda x: single(x)) if x == types.float32 else (lambda x: double(x))


_by_type(exp_of_negative, math.exp_of_negative, singles.exp_of_negative)
_by_type(log, math.log, singles.log)
_by_type(logistic, math.logistic, singles.logistic)
_by_type(tanh, math.tanh, singles.tanh)
_by_type(softplus, math.softplus, singles.softplus)
