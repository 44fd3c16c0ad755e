"""The command line: parse, call, print. A file for each group of commands."""
