"""The morning's reading: what happened in a window of time, as pages and feeds."""
