"""Values, changes and times in words: the same in the terminal, in reports and in feeds."""
