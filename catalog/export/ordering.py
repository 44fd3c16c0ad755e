"""The order of rows whose keys a profile replaces: that of what is told, not of what it stands for.

The catalog gives rows in the order of their keys. Of actions' hosts, one that everybody knows would
then say between which letters a pseudonym stands, and the next release would say it again. Columns
are Python's sequences or Arrow's arrays, and stay what they are. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any


def listed(values: Any) -> Sequence[Any]:
    """Values as Python has them, if they are an array."""
    found: Sequence[Any] = values.to_pylist() if _is_array(values) else values
    return found


def in_told_order(
    batches: Iterable[list[Any]], group: int | None, by: Sequence[int]
) -> Iterator[list[Any]]:
    """The same rows, those of a group in the order of what is told of them.

    Args:
        batches: columns of some rows each, as they are told; groups stand in order.
        group: the column that names a row's group; None: all rows are of one, and held at once.
        by: the columns in whose order the rows of a group are put: they tell every row apart.
    """
    held: list[Any] = []
    for columns in batches:
        if not len(columns[0]):
            continue
        held = [_joined(*both) for both in zip(held, columns, strict=True)] if held else columns
        # The last group may go on in the next batch.
        names = [] if group is None else listed(held[group])
        end = names.index(names[-1]) if names else 0
        if end:
            yield _ordered([each[:end] for each in held], group, by)
            held = [each[end:] for each in held]
    if held:
        yield _ordered(held, group, by)


def _is_array(values: Any) -> bool:
    return hasattr(values, "to_pylist")


def _joined(before: Any, more: Any) -> Any:
    if _is_array(more):
        return import_module("pyarrow").concat_arrays([before, more])
    return [*before, *more]


def _ordered(columns: list[Any], group: int | None, by: Sequence[int]) -> list[Any]:
    places = by if group is None else (group, *by)
    keys = list(zip(*(listed(columns[each]) for each in places), strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [
        each.take(order) if _is_array(each) else [each[place] for place in order]
        for each in columns
    ]
