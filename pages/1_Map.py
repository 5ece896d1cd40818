"""The pool in the plane: colour it, read it, draw a lasso around what you want."""

from g2is.app.map.page import show

show()
