"""Claims about convexity: see `engine.sources`."""
