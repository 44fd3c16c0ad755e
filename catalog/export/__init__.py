"""Datasets and their descriptions; comes with a later part."""
