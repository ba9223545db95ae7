"""The hunter: searches within a time for smaller or starker witnesses against a claim, and keeps the best."""
