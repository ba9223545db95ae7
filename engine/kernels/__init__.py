"""The numerical kernels. Everything that imports numba lives in here."""
