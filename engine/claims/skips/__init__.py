"""Claims about skip connections: see `engine.sources`."""
