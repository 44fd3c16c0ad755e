"""Looking after the catalog by itself: the work of the jobs that ask nobody."""
