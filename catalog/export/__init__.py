"""Datasets and their descriptions."""
