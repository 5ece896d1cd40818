"""Write a selection, or the basket, as files that a trainer reads."""

from g2is.app.export.page import show

show()
