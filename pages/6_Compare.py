"""Selections side by side: what they share, what they are made of, how they pull, and what they taught a model."""

from g2is.app.compare.page import show

show()
