"""The Map page: the whole pool in the plane.

May import: app.shared and everything below app.
"""
