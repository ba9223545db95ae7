"""Data sets: built in, read from files, or downloaded when the user says so.

Importing this package is cheap: scikit-learn is imported when "digits" is loaded, and the network module when
a download is asked for.
"""

from engine.datasets.catalogue import (
    DATASETS,
    Entry,
    check_dataset_name,
    dataset_names,
    is_available,
    load_dataset,
)
from engine.datasets.dataset import Dataset
from engine.datasets.folders import MissingDatasetError, find_folder, set_folder

__all__ = [
    "DATASETS",
    "Dataset",
    "Entry",
    "MissingDatasetError",
    "check_dataset_name",
    "dataset_names",
    "find_folder",
    "is_available",
    "load_dataset",
    "set_folder",
]
