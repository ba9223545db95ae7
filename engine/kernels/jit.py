"""How kernels are compiled: the decorators, and the few instructions that numba has no name for.

No fastmath: its reassociation would sum equal units in different orders. Where a multiplication and an
addition are meant to be one operation, `fma` says so, and then it is one on every machine and in every
lane, so that results do not depend on how a loop was vectorised.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, sigutils, typing
from numba.extending import intrinsic

from engine.kernels.cache import CACHE_FOLDER, TURN, in_turn, own_cache

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile function with numba on its first call, without the GIL, and keep the machine code."""
    return _kept(function, {})


def lean_kernel(function: Function) -> Function:
    """Do what `kernel` does for a function that neither makes nor returns an array, only looks at parts of some.

    Numba counts who holds an array, with an atomic operation for each array that is handed on or taken apart:
    hundreds of them in a step of a small network. Without that the caller must hold the arrays, as Python does.
    """
    return _kept(function, {"_nrt": False})


def _kept(function: Function, options: dict[str, bool]) -> Function:
    keeps = CACHE_FOLDER is not None
    with own_cache():
        made = numba.njit(cache=keeps, nogil=True, error_model="numpy", **options)(function)
    return in_turn(made) if keeps else made


def lean(function: Function) -> Function:
    """Do what `inner` does, without counting who holds an array; only `lean_kernel`s may get arrays from it."""
    return numba.njit(
        no_cpython_wrapper=True, no_cfunc_wrapper=True, nogil=True, error_model="numpy", _nrt=False
    )(function)


def inner(function: Function) -> Function:
    """Compile function for other kernels only: without the code that Python would need to call it.

    Taking arrays apart for Python is most of what there is to compile in a small kernel.
    """
    return numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, nogil=True, error_model="numpy")(
        function
    )


def inlined(function: Function) -> Function:
    """Make function part of every kernel that calls it, so that loops over it can be vectorised."""
    return numba.njit(
        forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, nogil=True, error_model="numpy"
    )(function)


def external(signature: str, is_late: bool = False) -> Callable[[Function], Any]:
    """Compile function now, for one signature of plain numbers; kernels call it by name, without inlining.

    Numba optimises everything that a kernel calls anew with that kernel; a big function that many call would
    be compiled a dozen times over. Only kernels can call the result. A late one is compiled by
    `compile_late`, before any kernel runs that calls it.
    """

    def decorate(function: Function) -> Any:
        if is_late:
            _LATE.append((signature, function))
        else:
            _compile_external(signature, function)
        arguments, result = sigutils.normalize_signature(signature)
        return types.ExternalFunction(_symbol(function), typing.signature(result, *arguments))

    return decorate


def compile_late() -> None:
    """Compile the externals that not every run needs: those for float32."""
    with _LATE_LOCK:
        while _LATE:
            _compile_external(*_LATE[-1])
            _LATE.pop()


def _compile_external(signature: str, function: Callable[..., Any]) -> None:
    with own_cache(), TURN:
        compiled = numba.cfunc(signature, nopython=True, cache=CACHE_FOLDER is not None, error_model="numpy")(
            function
        )
    binding.add_symbol(_symbol(function), compiled.address)
    _EXTERNALS.append(compiled)  # the machine code lives as long as this object


def _symbol(function: Callable[..., Any]) -> str:
    return f"lossoscope_{function.__name__}"


_EXTERNALS: Final[list[Any]] = []
_LATE: Final[list[tuple[str, Callable[..., Any]]]] = []
_LATE_LOCK: Final = threading.Lock()


def _lanes() -> int:
    """Return how many float64 fit a vector register of this machine."""
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx2") else 2


LANES: Final = _lanes()
"""Float64 lanes of a vector. Lanes are different units or samples, never parts of one sum: results do not
depend on their number."""

VECTOR_BYTES: Final = 8 * LANES


@intrinsic
def bytes_of(typing_context: Any, array: Any) -> Any:
    """Return the bytes of one number of an array, known when a kernel is compiled."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(ir.IntType(64), array.dtype.bitwidth // 8)

    return types.int64(array), generate


@inlined
def lanes_of(array: Any) -> int:
    """Return how many numbers of an array fit a vector register."""
    return VECTOR_BYTES // bytes_of(array)


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c rounded once."""
    if not (a == b == c and isinstance(a, types.Float)):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        llvm_type = args[0].type
        name = "llvm.fma.f64" if signature.return_type == types.float64 else "llvm.fma.f32"
        function_type = ir.FunctionType(llvm_type, [llvm_type] * 3)
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        return builder.call(function, args)

    return a(a, a, a), generate


@intrinsic
def bits_of(typing_context: Any, x: Any) -> Any:
    """Return the bits of a float64 as int64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def float_of(typing_context: Any, bits: Any) -> Any:
    """Return the float64 that has these int64 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


@intrinsic
def _pointer_at(typing_context: Any, address: Any, example: Any) -> Any:
    pointer = types.CPointer(example)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(types.int64, example), generate


@inlined
def array_at(address: int, size: int) -> Any:
    """Return the float64 numbers from an address on as an array (size,)."""
    return numba.carray(_pointer_at(address, 0.0), (size,))


@inlined
def singles_at(address: int, size: int) -> Any:
    """Return the float32 numbers from an address on as an array (size,)."""
    return numba.carray(_pointer_at(address, numba.float32(0.0)), (size,))


@inlined
def array_of_ints_at(address: int, size: int) -> Any:
    """Return the int64 numbers from an address on as an array (size,)."""
    return numba.carray(_pointer_at(address, numba.int64(0)), (size,))


@inlined
def address_of(array: Any, index: int) -> int:
    """Return the address of array.ravel()[index] for a contiguous array."""
    return numba.int64(array.ctypes.data) + bytes_of(array) * index


@inlined
def address_of_shorts(array: Any) -> int:
    """Return the address of a contiguous array of any numbers."""
    return numba.int64(array.ctypes.data)


def _cell(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.IntType(64).as_pointer())


@intrinsic
def atomic_add(typing_context: Any, address: Any, amount: Any) -> Any:
    """Add amount to the int64 at address and return what stood there; no thread can come between."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _cell(builder, args[0]), args[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def atomic_get(typing_context: Any, address: Any) -> Any:
    """Return the int64 at address; what another thread wrote before it set this is seen afterwards."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_cell(builder, args[0]), "seq_cst", 8)

    return types.int64(types.int64), generate


@intrinsic
def atomic_set(typing_context: Any, address: Any, value: Any) -> Any:
    """Set the int64 at address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[1], _cell(builder, args[0]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


def _register_yield() -> Any:
    """Return the system's call that lets another thread have the core, for kernels that wait."""
    library = ctypes.CDLL("kernel32") if sys.platform == "win32" else ctypes.CDLL(None)
    function = library.SwitchToThread if sys.platform == "win32" else library.sched_yield
    address = ctypes.cast(function, ctypes.c_void_p).value
    binding.add_symbol("lossoscope_yield", address)
    return types.ExternalFunction("lossoscope_yield", types.int32())


yield_core: Final = _register_yield()
