"""The views of GPTs, their authors, their numbers and their changes."""

from __future__ import annotations

from catalog.fields import LISTS
from catalog.storage import tables as t
from catalog.storage.view_parts import (
    GPT,
    GPT_NAME,
    LATEST,
    OBSERVATION,
    SAID,
    SOURCE,
    calendar,
    column,
    interval,
    taken,
)
from catalog.storage.view_sql import View, ViewColumn


def _average(alias: str) -> ViewColumn:
    """The mean of the stars of reviews."""
    return column(
        "stars_average",
        f"CAST({alias}.review_total AS DOUBLE PRECISION) / NULLIF({alias}.review_count, 0)",
        "stars a review, 1 to 5; NULL without reviews; not the rating that searches sort by",
    )


def _child(name: str, table: str, comment: str, *columns: str) -> View:
    """A view of the elements of a list over time."""
    return View(
        name,
        comment,
        (
            GPT,
            GPT_NAME,
            *taken(t.CHILDREN[table], "x", *columns),
            column(
                "from_start",
                "(x.valid_from = g.first_seen_at)",
                "whether it was there when the GPT was first seen: nobody saw it being added",
            ),
            *interval(),
            SOURCE,
            OBSERVATION,
        ),
        f"FROM {table} AS x\n{SAID}",
    )


def _count(table: str) -> str:
    current = f"FROM {table} AS e WHERE e.gizmo_id = g.gizmo_id AND e.valid_to IS NULL"
    return f"(SELECT COUNT(*) {current})"


def _members(column: str, table: str) -> str:
    return (
        f"@list(e.{column}; FROM {table} AS e WHERE e.gizmo_id = g.gizmo_id AND e.valid_to IS NULL)"
    )


def _gpt_times() -> list[ViewColumn]:
    found = []
    for name, comment in (
        ("created_at", "when it was made, as its documents say"),
        ("first_seen_at", "when a source first gave its document"),
        ("last_seen_at", "when a source last gave a document that was no stale copy"),
        ("last_asked_at", "when a source was last asked and answered, whatever it said"),
        ("last_changed_at", "when its content last changed; NULL: never"),
    ):
        prefix = name.removesuffix("at")
        found += [
            column(name, f"@moment(g.{name})", comment),
            *calendar(f"g.{name}", prefix, of=name),
            column(f"{prefix}daynum", f"@daynum(g.{name})", f"{name} in days since 1970-01-01"),
        ]
    return found


_GPTS = View(
    "v_gpts",
    "One row a GPT: its current state.",
    (
        column("gizmo_id", "g.gizmo_id", "the GPT"),
        column("name", "g.name", "its name"),
        column("description", "g.description", "what it says of itself"),
        column(
            "author",
            "COALESCE(a.display_name, u.display_name)",
            "its author's name as its document shows it, else as the author's others do",
        ),
        column("user_id", "g.user_id", "its author"),
        column("status", "g.status", "listed, missing or gone"),
        column("categories", _members("category", "categories"), "its categories, by commas"),
        column("tools", _members("type", "tools"), "the types of its tools, by commas"),
        column("tags", _members("tag", "tags"), "the platform's marks, by commas"),
        column("starters", _count("prompt_starters"), "how many prompt starters it has"),
        column("files", _count("files"), "how many files it has"),
        column("conversations", "m.conversations_at_least", "conversations, or their lower bound"),
        column("conversations_exact", "m.conversations_exact", "whether that is the number"),
        column("conversations_text", "m.num_conversations_str", "as sent: 96, 25K+, 1M+"),
        column("reviews", "m.review_count", "number of reviews"),
        column("stars", "m.review_total", "sum of stars"),
        _average("m"),
        *taken(
            t.gizmos,
            "g",
            *("short_url", "welcome_message", "voice", "model", "default_model", "picture"),
            *("emoji", "theme", "share_recipient", "gizmo_type", "is_archived", "memory_enabled"),
            "updated_at",
        ),
        *_gpt_times(),
        column(
            "age_days",
            "(@daynum(g.last_seen_at) - @daynum(g.created_at))",
            "days from created_at to last_seen_at",
        ),
        column(
            "unchanged_days",
            "(@daynum(g.last_seen_at) - @daynum(COALESCE(g.last_changed_at, g.first_seen_at)))",
            "days for which its content was seen not to change, until last_seen_at",
        ),
        column(
            "changes",
            "(SELECT COUNT(*) FROM changes AS c WHERE c.gizmo_id = g.gizmo_id"
            " AND c.class = 'content' AND NOT c.flap AND NOT c.disagreement)",
            "changes of its content, without flaps and disagreements",
        ),
        column("stale_copies", "g.stale_copies", t.gizmos.c.stale_copies.comment or ""),
        column("observation_id", "g.observation_id", "the observation that says so"),
    ),
    "FROM gizmos AS g\n"
    "LEFT JOIN authors AS u ON u.user_id = g.user_id\n"
    "LEFT JOIN gizmo_authors AS a ON a.gizmo_id = g.gizmo_id AND a.valid_to IS NULL\n"
    f"LEFT JOIN vanity_metrics AS m ON m.gizmo_id = g.gizmo_id AND {LATEST}",
)

_REVISIONS = View(
    "v_revisions",
    "Stretches of time in which a GPT's content did not change.",
    (
        GPT,
        *interval(),
        column(
            "days",
            "CAST(x.valid_to - x.valid_from AS DOUBLE PRECISION) / 86400000000",
            "how long it held; NULL: it holds now",
        ),
        *taken(
            t.gizmo_revisions,
            "x",
            *("name", "description", "short_url", "welcome_message", "voice", "model"),
            *("default_model", "instructions", "picture", "emoji", "theme", "share_recipient"),
            *("gizmo_type", "is_archived", "memory_enabled", "created_at"),
            *(each.count_column for each in LISTS if each.owner == "gizmo_revisions"),
            *("null_fields", "unstated_fields"),
        ),
        SOURCE,
        OBSERVATION,
    ),
    f"FROM gizmo_revisions AS x\n{SAID}",
)

_CHILDREN = (
    _child(
        "v_tools",
        "tools",
        "What GPTs can use, over time.",
        *("element", "type", "domain", "privacy_policy_url", "auth", "json_schema"),
        "element_count",
    ),
    _child(
        "v_files",
        "files",
        "What GPTs know, over time.",
        *("element", "type", "name", "size", "file_size_tokens"),
    ),
    _child(
        "v_starters",
        "prompt_starters",
        "What GPTs offer to be asked, over time.",
        *("element", "text", "position"),
    ),
    _child("v_categories", "categories", "The store's categories of GPTs, over time.", "category"),
    _child("v_tags", "tags", "The platform's marks on GPTs, over time.", "tag"),
    _child(
        "v_socials",
        "author_socials",
        "Accounts that GPTs show of their authors, over time.",
        *("element", "type", "display_name", "verified"),
    ),
)

_STATUSES = View(
    "v_statuses",
    "Listed, missing, gone: over time.",
    (
        GPT,
        GPT_NAME,
        column("status", "x.status", "listed, missing or gone"),
        *interval(),
        SOURCE,
        OBSERVATION,
    ),
    f"FROM statuses AS x\n{SAID}",
)

_AUTHOR_FACTS = ("display_name", "link_to", "selected_display", "is_verified")

_AUTHORSHIPS = View(
    "v_authorships",
    "What GPTs' documents say about their author, over time.",
    (
        GPT,
        GPT_NAME,
        *taken(t.gizmo_authors, "x", "user_id", *_AUTHOR_FACTS),
        *interval(),
        SOURCE,
        OBSERVATION,
    ),
    f"FROM gizmo_authors AS x\n{SAID}",
)


def _sum(column: str) -> str:
    return (
        f"(SELECT CAST(SUM(m.{column}) AS BIGINT) FROM gizmos AS g"  # noqa: S608  (our own words)
        f" JOIN vanity_metrics AS m ON m.gizmo_id = g.gizmo_id AND {LATEST}"
        " WHERE g.user_id = x.user_id)"
    )


_AUTHORS = View(
    "v_authors",
    "One row an author that a current document names.",
    (
        column("user_id", "x.user_id", "the author"),
        *taken(t.authors, "x", *_AUTHOR_FACTS),
        column("gpts", "x.gpt_count", "GPTs whose current document names the author"),
        column(
            "listed",
            "(SELECT COUNT(*) FROM gizmos AS g"
            " WHERE g.user_id = x.user_id AND g.status = 'listed')",
            "those of them that are listed",
        ),
        column("conversations", _sum("conversations_at_least"), "of all these, at least"),
        column("reviews", _sum("review_count"), "of all these"),
        column("stars", _sum("review_total"), "sum of stars of all these"),
        column("first_seen_at", "@moment(x.first_seen_at)", "when a document first named it"),
        *calendar("x.first_seen_at", "first_seen_", of="first_seen_at"),
    ),
    "FROM authors AS x",
)

_NUMBERS = (
    ("conversations", "x.conversations_at_least", "conversations, or their lower bound"),
    ("reviews", "x.review_count", "number of reviews"),
    ("stars", "x.review_total", "sum of stars"),
    *(
        (f"rating_{n}", f"x.rating_{n}", f"reviews of {n} stars, or their share")
        for n in range(1, 6)
    ),
    ("pins", "x.num_pins", "pins; until 2024-04"),
)

_METRICS = View(
    "v_metrics",
    "A GPT's numbers as points in time, each beside the one before.",
    (
        GPT,
        column("observed_at", "@moment(x.observed_at)", "when they were said"),
        *calendar("x.observed_at", of="observed_at"),
        column("daynum", "@daynum(x.observed_at)", "observed_at in days since 1970-01-01"),
        *(column(*each) for each in _NUMBERS),
        column("conversations_exact", "x.conversations_exact", "whether that is the number"),
        column("conversations_text", "x.num_conversations_str", "as sent: 96, 25K+, 1M+"),
        _average("x"),
        column(
            "previous_at", "@moment(LAG(x.observed_at) OVER before)", "the point before; NULL: none"
        ),
        column(
            "days",
            "CAST(x.observed_at - LAG(x.observed_at) OVER before AS DOUBLE PRECISION)"
            " / 86400000000",
            "days since the point before",
        ),
        *(
            column(f"{name}_moved", f"{sql} - LAG({sql}) OVER before", f"{name}: more than before")
            for name, sql, _ in _NUMBERS
        ),
        column(
            "is_latest",
            "(LEAD(x.observed_at) OVER before IS NULL)",
            "whether it is the GPT's latest point",
        ),
        SOURCE,
        OBSERVATION,
    ),
    "FROM vanity_metrics AS x\n"
    "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
    "LEFT JOIN sources AS s ON s.source_id = o.source_id\n"
    "WINDOW before AS (PARTITION BY x.gizmo_id ORDER BY x.observed_at)",
)

_COUNTERS = View(
    "v_counters",
    "The gateways' own counters as points in time: they belong to the source.",
    (
        GPT,
        SOURCE,
        column("observed_at", "@moment(x.observed_at)", "when they were said"),
        *calendar("x.observed_at", of="observed_at"),
        *taken(t.source_stats, "x", "stat_read", "stat_favorite", "stat_use", "observation_id"),
    ),
    "FROM source_stats AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id",
)

_CHANGES = View(
    "v_changes",
    "One field's difference between two neighbouring statements.",
    (
        GPT,
        GPT_NAME,
        column("user_id", "g.user_id", "the GPT's current author"),
        column("observed_at", "@moment(x.observed_at)", "when the new value was first said"),
        *calendar("x.observed_at", of="observed_at"),
        column("daynum", "@daynum(x.observed_at)", "observed_at in days since 1970-01-01"),
        column("not_before", "@moment(x.not_before)", "when the old value was last confirmed"),
        column(
            "window_days",
            "CAST(x.observed_at - x.not_before AS DOUBLE PRECISION) / 86400000000",
            "days between the two: it changed some time in between",
        ),
        *taken(t.changes, "x", "field", "element"),
        column("class", "x.class", "content, lifecycle or platform"),
        *taken(t.changes, "x", "kind", "old", "new", "flap", "disagreement"),
        column("event_id", "x.event_id", "the mass event it is part of, see v_mass_events"),
        column(
            "is_news",
            "(x.class <> 'platform' AND NOT x.flap AND NOT x.disagreement AND x.event_id IS NULL)",
            "whether it is a change of this GPT's own: not the platform's, unmarked, no mass event",
        ),
        SOURCE,
        OBSERVATION,
    ),
    "FROM changes AS x\n"
    "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
    "LEFT JOIN sources AS s ON s.source_id = x.source_id",
)

GPT_VIEWS: tuple[View, ...] = (
    _GPTS,
    _REVISIONS,
    *_CHILDREN,
    _STATUSES,
    _AUTHORSHIPS,
    _AUTHORS,
    _METRICS,
    _COUNTERS,
    _CHANGES,
)
