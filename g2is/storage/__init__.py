"""Bytes without meaning: whole files, tables, shards, number types, CSV.

May import: errors.
"""
