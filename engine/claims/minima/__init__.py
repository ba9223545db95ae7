"""Claims about no bad local minima: see `engine.sources`."""
