"""The read side: everything that a catalog can be asked, as typed records. Prints nothing."""
