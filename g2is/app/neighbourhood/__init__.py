"""The Neighbourhood page: one instruction with what is aligned to it and what conflicts.

May import: app.shared and everything below app.
"""
