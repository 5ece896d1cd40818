"""Core knowledge: what the validation examples ask for, component by component, in each gradient regime."""

from g2is.app.core_knowledge.page import show

show()
