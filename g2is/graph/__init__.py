"""The gradient graph as pages and other programs see it."""
