"""The gradient walk: change a parameter, walk again at once, and step through to see why."""

from g2is.app.walk.page import show

show()
