"""Claims about two losses: see `engine.sources`."""
