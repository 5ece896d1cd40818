"""How files of instructions will be read and which tokens will be trained, before anything is built."""

from g2is.app.inspect.page import show

show()
