"""Paths through parameter space that somebody built, rather than a gradient: where they lead, and how high."""
