"""The claims: what the sources say of training, measured and judged. One file a claim, one folder a source."""
