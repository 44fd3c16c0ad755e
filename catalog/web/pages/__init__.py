"""The pages, a file each: they ask the reader, and hand what it says to a template."""
