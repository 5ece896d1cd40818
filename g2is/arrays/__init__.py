"""Gradient rows as arrays: reading, unit length, blocks, threads.

May import: errors.
"""
