"""Tables, engines, the archive and the one write path: the only writer of SQL."""
