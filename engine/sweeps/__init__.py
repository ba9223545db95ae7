"""Sweeps: one question over thousands of runs, on all cores or on a cluster, and the maps that come of it."""
