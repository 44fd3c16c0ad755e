from __future__ import annotations

import re

import pytest

from catalog import errors

_LINE = re.compile(r"^ {4}([│├└─ ]*)(\w+)(?: \(T\))?(?: +exit (\d))?(?: .*)?$")


def _drawn() -> dict[str, tuple[str | None, bool, int | None]]:
    """What the module's docstring draws: name → (parent, transient, exit status where it says)."""
    drawing = (errors.__doc__ or "").split("::\n", 1)[1].split("\n(T) =")[0]
    tree: dict[str, tuple[str | None, bool, int | None]] = {}
    above: list[tuple[int, str]] = []
    for line in drawing.splitlines():
        if not line.strip():
            continue
        match = _LINE.match(line)
        assert match, f"not understood: {line!r}"
        indent, name, status = len(match[1]), match[2], match[3]
        above = [each for each in above if each[0] < indent]
        parent = above[-1][1] if above else None
        tree[name] = (parent, f"{name} (T)" in line, int(status) if status else None)
        above.append((indent, name))
    return tree


def _real() -> dict[str, type[errors.CatalogError]]:
    return {
        name: each
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.CatalogError)
    }


def test_drawing_names_every_error_and_no_other() -> None:
    assert _drawn().keys() == _real().keys()


@pytest.mark.parametrize("name", sorted(_real()))
def test_drawing_tells_parent_kind_and_exit_status(name: str) -> None:
    error = _real()[name]
    parent, transient, status = _drawn()[name]
    assert (error.__bases__[0].__name__ if parent else None) == parent
    assert issubclass(error, errors.Transient) is transient
    if status is not None:
        assert error.exit_status == status


@pytest.mark.parametrize("error", _real().values(), ids=_real())
def test_exit_status_is_one_of_the_contract(error: type[errors.CatalogError]) -> None:
    assert error.exit_status in {1, 2, 3, 4}
    assert error.__doc__


def test_invalid_reference_says_what_was_typed_and_why() -> None:
    error = errors.InvalidReference("g-p-1", "a project is no GPT")
    assert str(error) == "'g-p-1' names no GPT: a project is no GPT"
