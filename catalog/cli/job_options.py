"""Options of one run of a job, as ``--set`` takes them."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from typing import Any

import msgspec

from catalog.errors import UsageError
from catalog.settings import JobSettings
from catalog.settings.wording import mismatch, nearest


def read_option(text: str, job: str, known: Collection[str], config: object) -> tuple[str, Any]:
    """``NAME=VALUE`` of ``--set``, the value as TOML has it, or a bare text.

    Args:
        text: as it was written.
        job: the job's name.
        known: the options it has.
        config: the file of the settings, for errors.

    Returns:
        The option's name, and its value.

    Raises:
        UsageError: it is not of that form, no option of the job, or nothing that it can be.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: expected NAME=VALUE, as limit=100")
    if name not in known:
        near = nearest(name, known)
        hint = f"; did you mean {near}?" if near else "."
        raise UsageError(
            f"--set {text}: job {job} has no option {name!r}{hint} It has:"
            f" {', '.join(known) or 'none'}, as [jobs.{job}] of {config} may"
            " have them"
        )
    types = {field.name: field.type for field in msgspec.structs.fields(JobSettings)}
    try:
        found = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        found = value
    try:
        return name, msgspec.convert(found, types[name])
    except msgspec.ValidationError:
        raise UsageError(f"--set {text}: {mismatch(types[name], found)}") from None
