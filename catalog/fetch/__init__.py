"""Asks sources over HTTP: the only user of httpx.

Imports nothing by itself: whoever only needs the clock does not load an HTTP client.
"""
