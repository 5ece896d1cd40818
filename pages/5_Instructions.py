"""Search the pool, filter it, and read any instruction in full."""

from g2is.app.instructions.page import show

show()
