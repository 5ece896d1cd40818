"""The Instructions page: search, filter and read the pool.

May import: app.shared and everything below app.
"""
