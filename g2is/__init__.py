"""G2IS Explorer: select instruction-tuning data by gradients, on a graph that can be seen and steered."""

__version__ = "0.1.0"
