"""The engine timed beside numpy, PyTorch, JAX and scikit-learn, on the same data from the same start.

Every contestant runs in a process of its own (`worker`), so that thread pools do not disturb each other, and
stands still while another has its round. Results are compared before anything is timed.
"""
