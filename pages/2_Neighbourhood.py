"""The neighbourhood of a sample on the gradient graph: what teaches alike, what teaches against it."""

from g2is.app.neighbourhood.page import show

show()
