"""The Home page: runs, their state, and building the demo.

May import: app.shared and everything below app.
"""
