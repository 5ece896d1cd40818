"""Files, whatever they contain: atomic writes, tables, shards, number types, CSV.

May import: errors.
"""
