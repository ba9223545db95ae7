"""Monitors: what a claim comes to on whatever run is under way. One file a claim."""
