"""Claims about the exam's question: see `engine.sources`."""
