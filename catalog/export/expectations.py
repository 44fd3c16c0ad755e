"""The gate: what an export must hold, or it is not published. Pure.

Expectations on rows and on GPTs that are gone are about a whole export; one that was narrowed, by a
filter or to what is new, is held to the others alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from catalog.errors import ExpectationFailed, SettingsError
from catalog.export.release import Coverage, Manifest, Release
from catalog.settings import ExpectSettings

Expectations = ExpectSettings
"""What is expected, as ``[export.expect]`` says it."""


class Unmet(msgspec.Struct, frozen=True, kw_only=True):
    """An expectation that was not met.

    Attributes:
        key: of ``[export.expect]``, as ``least_rows.gizmos``.
        reason: what was found and what was expected, as a sentence without its end.
    """

    key: str
    reason: str


def check(
    release: Release, previous: Manifest | None, expectations: Expectations
) -> tuple[Unmet, ...]:
    """What a release does not hold of what is expected; empty: it may be published.

    Args:
        release: the release, its tables counted.
        previous: the manifest of the release before it; None: it is the first.
        expectations: what is expected. Of tables that the release does not have, nothing is.
    """
    found = [*_nulls(release, expectations), *_freshness(release, expectations)]
    if is_whole(release):
        found += [*_rows(release, expectations), *_gone(release, previous, expectations)]
    return tuple(sorted(found, key=lambda unmet: unmet.key))


def is_whole(release: Release) -> bool:
    """Whether a release holds all GPTs, from the beginning on."""
    return release.filter is None and release.since is None


def demand(unmet: Iterable[Unmet]) -> None:
    """Stop a release that does not hold what is expected.

    Args:
        unmet: what :func:`check` found.

    Raises:
        ExpectationFailed: there is any.
    """
    reasons = [f"{each.key}: {each.reason}" for each in unmet]
    if reasons:
        raise ExpectationFailed(reasons)


def refuse_unknown(expectations: Expectations, known: Mapping[str, Collection[str]]) -> None:
    """Refuse expectations on what no export has: a slip of the pen would else never be noticed.

    Args:
        expectations: what is expected.
        known: the columns of all tables that any export can have.

    Raises:
        SettingsError: it names a table or a column that there is not.
    """
    for key in ("least_rows", "most_rows"):
        for name in getattr(expectations, key):
            if name not in known:
                raise SettingsError(
                    f"export.expect.{key}.{name}: no export has such a table; "
                    f"there are {', '.join(sorted(known))}"
                )
    for name in expectations.most_null:
        table, _, column = name.partition(".")
        if column not in known.get(table, ()):
            raise SettingsError(
                f'export.expect.most_null."{name}": no export has such a column; '
                "docs/datasets.md says where the columns are listed"
            )


def gone_since(now: Coverage, before: Coverage) -> float:
    """The share of GPTs that stood at an export and are gone, or not there at all, at the next.

    Of the numbers alone, so it is the least that it can be: a GPT that came back hides one that
    went.

    Args:
        now: of the next.
        before: of the one before.
    """
    stood = before.listed + before.missing
    went = max(0, now.gone - before.gone) + max(0, before.gpts - now.gpts)
    return min(1.0, went / stood) if stood else 0.0


def _rows(release: Release, expectations: Expectations) -> Iterator[Unmet]:
    rows = release.rows()
    for name, least in expectations.least_rows.items():
        if name in rows and rows[name] < least:
            yield Unmet(
                key=f"least_rows.{name}",
                reason=f"{rows[name]:,} rows, where {least:,} are expected at least",
            )
    for name, most in expectations.most_rows.items():
        if name in rows and rows[name] > most:
            yield Unmet(
                key=f"most_rows.{name}",
                reason=f"{rows[name]:,} rows, where {most:,} are expected at most",
            )


def _nulls(release: Release, expectations: Expectations) -> Iterator[Unmet]:
    for name, most in expectations.most_null.items():
        table, _, column = name.partition(".")
        share = release.null_shares.get(table, {}).get(column)
        if share is not None and share > most:
            yield Unmet(
                key=f"most_null.{name}",
                reason=f"null in {share:.2%} of the rows, where {most:.2%} are expected at most",
            )


def _gone(
    release: Release, previous: Manifest | None, expectations: Expectations
) -> Iterator[Unmet]:
    most = expectations.most_gone
    if most is None or previous is None or not is_whole(previous.release):
        return
    share = gone_since(release.coverage, previous.release.coverage)
    if share > most:
        yield Unmet(
            key="most_gone",
            reason=f"{share:.2%} of the GPTs of the export before (version"
            f" {previous.release.version}) are gone since, where {most:.2%} are expected at most",
        )


def _freshness(release: Release, expectations: Expectations) -> Iterator[Unmet]:
    for days, least in expectations.least_fresh.items():
        share = release.coverage.confirmed_within.get(int(days), 0.0)
        if release.coverage.listed and share < least:
            yield Unmet(
                key=f"least_fresh.{days}",
                reason=f"{share:.2%} of the listed GPTs were seen within {days} days,"
                f" where {least:.2%} are expected at least",
            )
