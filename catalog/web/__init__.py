"""Read-only pages and JSON API over :mod:`catalog.query`.

Its place among the layers is fixed, and proved, before its first line is written.
"""
