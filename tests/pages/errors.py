"""``docs/errors.md``: every error that a user can meet, from the tree in ``catalog/errors.py``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from catalog import errors

_HEAD = """\
# Errors

Made from `catalog/errors.py` by `make docs`; do not edit.

A command that cannot do what it was asked prints one line on stderr, which says what is wrong,
where, and what to do next, and ends with the exit status below. Python raises the same errors; all
of them are `catalog.CatalogError`. Those marked *may pass* are also `catalog.errors.Transient`: the
very same call may succeed later.
"""


def errors_page() -> str:
    """``docs/errors.md``: the tree, and each error with what to do."""
    tree = re.search(r"::\n\n(.*?)\n\n\(T\)", inspect.cleandoc(errors.__doc__ or ""), re.DOTALL)
    if tree is None:
        raise errors.UsageError("catalog/errors.py has lost its tree: draw it in its docstring")
    lines = [_HEAD, "## The tree", "", "```text", inspect.cleandoc(tree[1]), "```", ""]
    for error in tree_of(errors.CatalogError):
        passing = ", may pass" if issubclass(error, errors.Transient) else ""
        means, todo = said_of(error)
        lines += [
            f"## `{error.__name__}`",
            "",
            f"Exit status {error.exit_status}{passing}. {means}",
            "",
            f"*What to do:* {todo}",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def tree_of(error: type[errors.CatalogError]) -> Iterator[type[errors.CatalogError]]:
    """An error and all below it that stand in the tree, in its order."""
    yield error
    for each in error.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from tree_of(each)


def said_of(error: type[errors.CatalogError]) -> tuple[str, str]:
    """What an error means and what to do, of its own docstring; empty where it says nothing."""
    said = inspect.cleandoc(error.__doc__ or "")
    means = " ".join(said.split("\n\n", maxsplit=1)[0].split())
    todo = re.search(r"^What to do: (.*?)(?:\n\n|\Z)", said, re.DOTALL | re.MULTILINE)
    return means, " ".join(todo[1].split()).replace("``", "`") if todo else ""


PAGES = {"docs/errors.md": errors_page}
"""The pages that are made, and by what."""
