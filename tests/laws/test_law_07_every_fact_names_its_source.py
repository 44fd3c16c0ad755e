from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from sqlalchemy import and_, func, or_, select

from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from tests.laws.worlds import keep, scratch, worlds

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

    from catalog.records import Observation

STARTS = {
    "gizmos": "last_seen_at",
    "gizmo_revisions": "valid_from",
    "gizmo_authors": "valid_from",
    "attachments": "valid_from",
    "statuses": "valid_from",
    **dict.fromkeys(t.CHILDREN, "valid_from"),
    "vanity_metrics": "observed_at",
    "source_stats": "observed_at",
    "changes": "observed_at",
}
"""Derived tables whose rows name an observation, and the column that says when it was said."""

WITHOUT = {
    "mime_sets": "a set is not of a GPT: attachments rows name it, and their observation",
    "mass_events": "the changes that are part of it name it, and their observation",
    "drift": "names its source itself, and the document by its time",
    "unmapped_fields": "counts over all sources; its times are the documents'",
    "fold_states": "no fact: where the fold stands",
    "stage_queue": "no fact: work to do",
    "listings": "repeats rows of gizmos, gizmo_authors and vanity_metrics, which name theirs",
    "category_ranks": "repeats rows of categories, which name theirs",
    "facet_sets": "a set is not of a GPT: listings name it",
}
OF_ITS_OWN = {"authors": "quotes a row of gizmo_authors: see below"}


def test_every_derived_table_names_an_observation_or_has_its_reason() -> None:
    named = {table.name for table in t.DERIVED if "observation_id" in table.c}
    assert named == {*STARTS, *OF_ITS_OWN}
    assert {table.name for table in t.DERIVED} - named == WITHOUT.keys()


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
def test_each_row_joins_to_what_was_said_of_its_gpt_at_its_start(
    engine: Engine, world: list[Observation]
) -> None:
    o, s = t.observations.c, t.sources.c
    with scratch(engine) as conn:
        keep(conn, world)
        for name, start in STARTS.items():
            table: Table = t.metadata.tables[name]
            same = [o.observation_id == table.c.observation_id, o.gizmo_id == table.c.gizmo_id]
            same.append(o.observed_at == table.c[start])
            if "source_id" in table.c:
                same.append(o.source_id == table.c.source_id)
            joined = (
                select(func.count())
                .select_from(table)
                .join(t.observations, and_(*same))
                .join(t.sources, s.source_id == o.source_id)
                .where(o.recorded_at > 0)
            )
            rows = conn.execute(select(func.count()).select_from(table)).scalar_one()
            assert conn.execute(joined).scalar_one() == rows, name
        a, g = t.authors.c, t.gizmo_authors.c
        unquoted = (
            select(a.user_id)
            .outerjoin(
                t.gizmo_authors,
                and_(
                    g.gizmo_id == a.gizmo_id,
                    g.observation_id == a.observation_id,
                    g.user_id == a.user_id,
                    g.valid_to.is_(None),
                ),
            )
            .where(g.gizmo_id.is_(None))
        )
        assert list(conn.execute(unquoted)) == []


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
def test_a_change_of_a_text_stands_in_the_payload_of_its_observation(
    engine: Engine, world: list[Observation]
) -> None:
    with scratch(engine) as conn:
        keep(conn, world)
        c, o = t.changes.c, t.observations.c
        query = (
            select(c.new, o.payload_id)
            .join(t.observations, o.observation_id == c.observation_id)
            .where(
                or_(c.field == "gizmo.display.name", c.field == "gizmo.author.display_name"),
                c.new.is_not(None),
            )
        )
        for new, payload_id in conn.execute(query):
            assert new.encode() in get_payloads(conn, [payload_id])[payload_id]
