"""Parts of theta: which parameters are trained and which stay as they were at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine import checks
from engine.config import TRAIN_NAMES

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.mlp import MLP

_EXPLANATIONS: Final = {
    "all": "every parameter",
    "weights": "all weights, no bias",
    "hidden": "weights and biases of the hidden layers",
    "hidden_weights": "weights of the hidden layers",
    "output": "weights and bias of the output layer, and skip weights",
    "output_weights": "weights of the output layer, and skip weights",
}
PARTS: Final = {name: _EXPLANATIONS[name] for name in TRAIN_NAMES}
"""What may be trained, and what it is. Training "output" alone is what is called random features."""


def trained(net: MLP, train: str) -> npt.NDArray[np.bool_]:
    """Return which parameters of net a part of `PARTS` holds, (n_params,).

    Raises:
        TypeError, ValueError: where there is no such part, or it holds no parameter of this network.
    """
    checks.choice("train", train, PARTS)
    if train.startswith("hidden") and not net.n_hidden:
        raise ValueError(f"train must not be {train} for a network without hidden layers.")
    mask = np.zeros(net.n_params, dtype=np.bool_)
    last = net.layer_blocks[-1]
    for block in (*net.layer_blocks, *net.skip_blocks):
        is_output = block is last or block in net.skip_blocks
        if not train.startswith("hidden" if is_output else "output"):
            mask[block.offset : block.bias_offset if train.endswith("weights") else block.stop] = True
    return mask


def frozen_ranges(net: MLP, train: str) -> npt.NDArray[np.int64]:
    """Return first and end of each run of parameters that are not trained, (n_ranges, 2)."""
    mask = np.concatenate(([True], trained(net, train), [True]))
    return np.flatnonzero(mask[1:] != mask[:-1]).astype(np.int64).reshape(-1, 2)
