"""The panels, one file each. To add one: write its file, name its class in `registry.PANELS`."""
