"""Read-only pages and JSON API over :mod:`catalog.query`; comes with a later part.

Its place among the layers is fixed, and proved, before its first line is written.
"""
