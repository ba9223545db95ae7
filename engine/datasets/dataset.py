"""A data set: inputs, class labels, and what is known of their shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine import checks
from engine.noise import Noise

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_CLASSES: Final = (
    65_536  # a label above is a slip (a measured value, an id): the net would have an output for each
)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Dataset:
    """Samples with their class labels, read-only.

    Args:
        x: (n_samples, n_features) numbers, kept as C-ordered float64: a copy, unless `frozen`.
        y: (n_samples,) whole numbers, the class of each sample, 0 .. n_classes - 1.
        name: what the data is called on the screen.
        n_classes: number of classes; by default the largest label + 1; at least 2.
        image_shape: (rows, columns) where a sample is a picture, else None.
        targets: (n_samples,) numbers for the squared loss; by default y as float64.
        noise: fixed noise on the hidden units of any network that is evaluated on this data, see
            `engine.noise`; None for none.
        numbers: (n_samples,) the number that each sample has for the noise; by default 0, 1, 2, ...

    Raises:
        TypeError, ValueError: one sentence naming the argument, when a shape does not fit, a number is
            NaN or infinite, or a label is not a whole number in range.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.int64]
    name: str
    n_classes: int
    image_shape: tuple[int, int] | None
    targets: npt.NDArray[np.float64] = field(repr=False)
    noise: Noise | None
    numbers: npt.NDArray[np.int64] = field(repr=False)

    def __init__(
        self,
        x: Any,
        y: Any,
        name: str = "mine",
        n_classes: int | None = None,
        image_shape: tuple[int, int] | None = None,
        targets: Any = None,
        noise: Noise | None = None,
        numbers: npt.NDArray[np.int64] | None = None,
    ) -> None:
        inputs = _inputs(x)
        labels = _labels(y, len(inputs))
        n_classes = _n_classes(n_classes, int(labels.max()))
        image_shape = _image_shape(image_shape, inputs.shape[1])
        values = labels.astype(np.float64) if targets is None else _targets(targets, len(inputs))
        counted = np.arange(len(inputs)) if numbers is None else _counted(numbers, len(inputs))
        if noise is not None and not isinstance(noise, Noise):
            raise TypeError(f"noise must be an engine.noise.Noise or None, not {noise!r}.")
        for array in (inputs, labels, values, counted):
            array.flags.writeable = False
        for key, value in (
            ("x", inputs),
            ("y", labels),
            ("name", str(name)),
            ("n_classes", n_classes),
            ("image_shape", image_shape),
            ("targets", values),
            ("noise", noise),
            ("numbers", counted),
        ):
            object.__setattr__(self, key, value)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.x.shape[0])

    @property
    def n_features(self) -> int:
        """Numbers in one sample."""
        return int(self.x.shape[1])

    def first(self, n_samples: int) -> Dataset:
        """Return the first n_samples samples, with the same classes and picture shape."""
        n_kept = checks.whole_number("n_samples", n_samples, at_least=1, at_most=self.n_samples)
        return Dataset(
            self.x[:n_kept],
            self.y[:n_kept],
            self.name,
            self.n_classes,
            self.image_shape,
            self.targets[:n_kept],
            self.noise,
            self.numbers[:n_kept],
        )

    def subset(self, rows: npt.NDArray[np.int64]) -> Dataset:
        """Return the samples at rows (n,), in that order, with the same classes and picture shape."""
        return Dataset(
            frozen(self.x[rows]),
            self.y[rows],
            self.name,
            self.n_classes,
            self.image_shape,
            self.targets[rows],
            self.noise,
            self.numbers[rows],
        )

    def with_noise(self, strength: float, seed: int = 0) -> Dataset:
        """Return the same samples with fixed noise on hidden units, see `engine.noise`; strength 0 is none.

        What is computed of a network on such data (loss, errors, gradient, curvature, features) has it; a
        test set without noise beside it is evaluated as it is.
        """
        checks.real_number("noise", strength, at_least=0.0)
        return Dataset(
            self.x,
            self.y,
            self.name,
            self.n_classes,
            self.image_shape,
            self.targets,
            Noise(float(strength), seed) if strength else None,
            self.numbers,
        )


def frozen(array: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Make an array read-only for good and return it; a Dataset then keeps it as it is instead of copying it.

    For an array that nobody else will write: the training images of MNIST are 376 MB, and so is a copy.
    """
    array.flags.writeable = False
    return array


def _is_frozen(x: Any) -> bool:
    """Whether x is already as a Dataset keeps it, and so is the array that it is a view on."""
    if type(x) is not np.ndarray or x.flags.writeable:
        return False
    owner = x.base is None or (
        type(x.base) is np.ndarray and not x.base.flags.writeable and x.base.base is None
    )
    return bool(owner and x.dtype == np.float64 and x.flags.c_contiguous)


def _inputs(x: Any) -> npt.NDArray[np.float64]:
    inputs = x if _is_frozen(x) else _numbers("x", x, "(n_samples, n_features)")
    if inputs.ndim != 2 or 0 in inputs.shape:
        raise ValueError(
            f"x must have shape (n_samples, n_features) with at least one of each, not {inputs.shape}."
        )
    if not np.isfinite(inputs).all():
        row = int(np.flatnonzero(~np.isfinite(inputs).all(axis=1))[0])
        raise ValueError(
            f"x must hold finite numbers only, but sample {row} (counted from 0) holds NaN or infinity."
        )
    return inputs


def _numbers(name: str, value: Any, shape: str) -> npt.NDArray[np.float64]:
    """Return a float64 copy; text and complex numbers are refused here, though numpy would convert them."""
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "biufO":
            raise TypeError
        return np.array(given, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be an array of numbers of shape {shape}.") from None


def _labels(y: Any, n_samples: int) -> npt.NDArray[np.int64]:
    try:
        given = np.asarray(y)
    except (TypeError, ValueError):
        raise TypeError(f"y must be an array of {n_samples} whole numbers, one class a sample.") from None
    if given.shape != (n_samples,):
        raise ValueError(f"y must have shape ({n_samples},), one class a sample, not {given.shape}.")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"y must hold whole numbers, not {given.dtype}.")
    if given.dtype.kind == "f" and not (np.isfinite(given).all() and (given == np.floor(given)).all()):
        raise ValueError(
            "y must hold whole numbers, one class a sample, but some are fractions, NaN or infinity."
        )
    if given.min() < 0 or given.max() >= MAX_CLASSES:
        wrong = given.min() if given.min() < 0 else given.max()
        raise ValueError(f"y must hold classes from 0 to at most {MAX_CLASSES - 1}, not {wrong:g}.")
    return given.astype(np.int64)


def _counted(numbers: Any, n_samples: int) -> npt.NDArray[np.int64]:
    given = np.asarray(numbers)
    if given.shape != (n_samples,) or given.dtype.kind not in "iu":
        raise TypeError(f"numbers must be {n_samples} whole numbers, one a sample.")
    return given.astype(np.int64)


def _n_classes(n_classes: Any, largest_label: int) -> int:
    if n_classes is None:
        return max(2, largest_label + 1)
    count = checks.whole_number("n_classes", n_classes, at_least=2, at_most=MAX_CLASSES)
    if largest_label >= count:
        raise ValueError(f"y must hold classes from 0 to {count - 1}, not {largest_label}.")
    return count


def _image_shape(image_shape: Any, n_features: int) -> tuple[int, int] | None:
    if image_shape is None:
        return None
    allowed = f"image_shape must be (rows, columns) with {n_features} pixels in all, not {image_shape!r}."
    try:
        rows, columns = (checks.whole_number("image_shape", side, at_least=1) for side in image_shape)
    except (TypeError, ValueError):
        raise TypeError(allowed) from None
    if rows * columns != n_features:
        raise ValueError(allowed)
    return rows, columns


def _targets(targets: Any, n_samples: int) -> npt.NDArray[np.float64]:
    values = _numbers("targets", targets, f"({n_samples},)")
    if values.shape != (n_samples,) or not np.isfinite(values).all():
        raise ValueError(f"targets must be {n_samples} finite numbers, one a sample.")
    return values
