"""One sentence for an argument of another kind than a network or a data set; see `engine.checks` for numbers."""

from __future__ import annotations

from typing import Any

from engine.datasets.dataset import Dataset
from engine.mlp import MLP


def check_net(net: Any) -> None:
    """Raise TypeError unless net is a network."""
    if not isinstance(net, MLP):
        raise TypeError(f"net must be an engine.MLP, not {type(net).__name__}.")


def check_data(data: Any) -> None:
    """Raise TypeError unless data is a data set."""
    if not isinstance(data, Dataset):
        raise TypeError(f"data must be an engine.Dataset, not {type(data).__name__}.")


def check_net_and_data(net: Any, data: Any) -> None:
    """Raise TypeError unless both are."""
    check_net(net)
    check_data(data)
