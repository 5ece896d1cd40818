"""Home: choose a run, see its state, or build the demo run."""

from g2is.app.home.page import show

show()
