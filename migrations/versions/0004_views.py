# ruff: noqa: E501, S608  a statement is put together here, of nothing that is typed in
"""The views that people query in SQL.

No table is touched. The views are those of the day this was written; a later migration that changes
one drops it and makes it again. What a macro (``@name(...)``) means on each engine stands below.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SECOND = 1_000_000
DAY = 86_400 * SECOND
MACRO = re.compile(r"@([a-z]+)\(")


def upgrade() -> None:
    """Make the views."""
    postgres = op.get_context().dialect.name == "postgresql"
    for name, comment, columns, source in VIEWS:
        shown = ",\n".join(f"  {sql} AS {column}" for column, sql, _ in columns)
        statements = [
            _expand(f"CREATE VIEW {name} AS\nSELECT\n{shown}\n{source}", postgres=postgres)
        ]
        if postgres:
            statements.append(f"COMMENT ON VIEW {name} IS {_quoted(comment)}")
            statements += [
                f"COMMENT ON COLUMN {name}.{column} IS {_quoted(said)}"
                for column, _, said in columns
            ]
        for statement in statements:
            # No sign in it stands for a parameter.
            op.get_bind().exec_driver_sql(statement, execution_options={"no_parameters": True})


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _expand(sql: str, *, postgres: bool) -> str:
    macros = POSTGRES if postgres else SQLITE
    while (found := MACRO.search(sql)) is not None:
        depth, end = 1, found.end()
        while depth:
            depth += (sql[end] == "(") - (sql[end] == ")")
            end += 1
        inner = _expand(sql[found.end() : end - 1], postgres=postgres)
        sql = sql[: found.start()] + macros[found[1]](inner) + sql[end:]
    return sql


def _below(x: str, unit: int) -> str:
    return f"(({x}) % {unit} + {unit}) % {unit}"


def _whole(x: str, unit: int) -> str:
    return f"((({x}) - {_below(x, unit)}) / {unit})"


def _strftime(x: str, form: str) -> str:
    return f"strftime('{form}', {_whole(x, SECOND)}, 'unixepoch')"


def _sqlite_list(inner: str) -> str:
    column, rows = (each.strip() for each in inner.split(";"))
    return f"(SELECT group_concat(member, ', ') FROM (SELECT DISTINCT {column} AS member {rows} ORDER BY 1))"


def _moment(x: str) -> str:
    return f"(TIMESTAMPTZ '1970-01-01 00:00:00+00' + ({x}) * INTERVAL '1 microsecond')"


def _to_char(x: str, form: str) -> str:
    return f"(to_char({_moment(x)} AT TIME ZONE 'UTC', '{form}') COLLATE \"C\")"


def _postgres_list(inner: str) -> str:
    column, rows = (each.strip() for each in inner.split(";"))
    return f"(SELECT string_agg(DISTINCT {column}, ', ' ORDER BY {column}) {rows})"


SQLITE: dict[str, Callable[[str], str]] = {
    "moment": lambda x: (
        f"({_strftime(x, '%Y-%m-%dT%H:%M:%S')} || printf('.%06dZ', {_below(x, SECOND)}))"
    ),
    "day": lambda x: _strftime(x, "%Y-%m-%d"),
    "month": lambda x: _strftime(x, "%Y-%m"),
    "year": lambda x: f"CAST({_strftime(x, '%Y')} AS INTEGER)",
    "daynum": lambda x: _whole(x, DAY),
    "list": _sqlite_list,
    "hex": lambda x: f"lower(hex({x}))",
    "code": lambda x: f"({x})",
}
POSTGRES: dict[str, Callable[[str], str]] = {
    "moment": _moment,
    "day": lambda x: _to_char(x, "YYYY-MM-DD"),
    "month": lambda x: _to_char(x, "YYYY-MM"),
    "year": lambda x: f"CAST(extract(year FROM {_moment(x)} AT TIME ZONE 'UTC') AS INTEGER)",
    "daynum": lambda x: _whole(x, DAY),
    "list": _postgres_list,
    "hex": lambda x: f"(encode({x}, 'hex') COLLATE \"C\")",
    "code": lambda x: f'(({x}) COLLATE "C")',
}

View = tuple[str, str, tuple[tuple[str, str, str], ...], str]
VIEWS: tuple[View, ...] = (
    (
        "v_gpts",
        "One row a GPT: its current state.",
        (
            ("gizmo_id", "g.gizmo_id", "the GPT"),
            ("name", "g.name", "its name"),
            ("description", "g.description", "what it says of itself"),
            (
                "author",
                "COALESCE(a.display_name, u.display_name)",
                "its author's name as its document shows it, else as the author's others do",
            ),
            ("user_id", "g.user_id", "its author"),
            ("status", "g.status", "listed, missing or gone"),
            (
                "categories",
                "@list(e.category; FROM categories AS e WHERE e.gizmo_id = g.gizmo_id AND e.valid_to IS NULL)",
                "its categories, by commas",
            ),
            (
                "tools",
                "@list(e.type; FROM tools AS e WHERE e.gizmo_id = g.gizmo_id AND e.valid_to IS NULL)",
                "the types of its tools, by commas",
            ),
            (
                "tags",
                "@list(e.tag; FROM tags AS e WHERE e.gizmo_id = g.gizmo_id AND e.valid_to IS NULL)",
                "the platform's marks, by commas",
            ),
            (
                "starters",
                "(SELECT COUNT(*) FROM prompt_starters AS e WHERE e.gizmo_id = g.gizmo_id AND e.valid_to IS NULL)",
                "how many prompt starters it has",
            ),
            (
                "files",
                "(SELECT COUNT(*) FROM files AS e WHERE e.gizmo_id = g.gizmo_id AND e.valid_to IS NULL)",
                "how many files it has",
            ),
            ("conversations", "m.conversations_at_least", "conversations, or their lower bound"),
            ("conversations_exact", "m.conversations_exact", "whether that is the number"),
            ("conversations_text", "m.num_conversations_str", "as sent: 96, 25K+, 1M+"),
            ("reviews", "m.review_count", "number of reviews"),
            ("stars", "m.review_total", "sum of stars"),
            (
                "stars_average",
                "CAST(m.review_total AS DOUBLE PRECISION) / NULLIF(m.review_count, 0)",
                "stars a review, 1 to 5; NULL without reviews; not the rating that searches sort by",
            ),
            ("short_url", "g.short_url", "the id, with a slug of the name behind it"),
            ("welcome_message", "g.welcome_message", "its first words"),
            ("voice", "g.voice", "the voice it speaks with"),
            ("model", "g.model", "the model it is fixed to"),
            ("default_model", "g.default_model", "the model it starts with"),
            ("picture", "g.picture", "the picture's file id, or the stable path of its URL"),
            ("emoji", "g.emoji", "the sign shown for it"),
            ("theme", "g.theme", "the colour shown for it"),
            ("share_recipient", "g.share_recipient", "marketplace, link or private"),
            ("gizmo_type", "g.gizmo_type", "what kind of gizmo it is"),
            ("is_archived", "g.is_archived", "whether its owner archived it"),
            ("memory_enabled", "g.memory_enabled", "whether it remembers"),
            ("updated_at", "@moment(g.updated_at)", "moved by the platform almost daily"),
            ("created_at", "@moment(g.created_at)", "when it was made, as its documents say"),
            ("created_day", "@day(g.created_at)", "the UTC day of created_at"),
            ("created_month", "@month(g.created_at)", "the UTC month of created_at"),
            ("created_year", "@year(g.created_at)", "the UTC year of created_at"),
            ("created_daynum", "@daynum(g.created_at)", "created_at in days since 1970-01-01"),
            ("first_seen_at", "@moment(g.first_seen_at)", "when a source first gave its document"),
            ("first_seen_day", "@day(g.first_seen_at)", "the UTC day of first_seen_at"),
            ("first_seen_month", "@month(g.first_seen_at)", "the UTC month of first_seen_at"),
            ("first_seen_year", "@year(g.first_seen_at)", "the UTC year of first_seen_at"),
            (
                "first_seen_daynum",
                "@daynum(g.first_seen_at)",
                "first_seen_at in days since 1970-01-01",
            ),
            (
                "last_seen_at",
                "@moment(g.last_seen_at)",
                "when a source last gave a document that was no stale copy",
            ),
            ("last_seen_day", "@day(g.last_seen_at)", "the UTC day of last_seen_at"),
            ("last_seen_month", "@month(g.last_seen_at)", "the UTC month of last_seen_at"),
            ("last_seen_year", "@year(g.last_seen_at)", "the UTC year of last_seen_at"),
            (
                "last_seen_daynum",
                "@daynum(g.last_seen_at)",
                "last_seen_at in days since 1970-01-01",
            ),
            (
                "last_asked_at",
                "@moment(g.last_asked_at)",
                "when a source was last asked and answered, whatever it said",
            ),
            ("last_asked_day", "@day(g.last_asked_at)", "the UTC day of last_asked_at"),
            ("last_asked_month", "@month(g.last_asked_at)", "the UTC month of last_asked_at"),
            ("last_asked_year", "@year(g.last_asked_at)", "the UTC year of last_asked_at"),
            (
                "last_asked_daynum",
                "@daynum(g.last_asked_at)",
                "last_asked_at in days since 1970-01-01",
            ),
            (
                "last_changed_at",
                "@moment(g.last_changed_at)",
                "when its content last changed; NULL: never",
            ),
            ("last_changed_day", "@day(g.last_changed_at)", "the UTC day of last_changed_at"),
            ("last_changed_month", "@month(g.last_changed_at)", "the UTC month of last_changed_at"),
            ("last_changed_year", "@year(g.last_changed_at)", "the UTC year of last_changed_at"),
            (
                "last_changed_daynum",
                "@daynum(g.last_changed_at)",
                "last_changed_at in days since 1970-01-01",
            ),
            (
                "age_days",
                "(@daynum(g.last_seen_at) - @daynum(g.created_at))",
                "days from created_at to last_seen_at",
            ),
            (
                "unchanged_days",
                "(@daynum(g.last_seen_at) - @daynum(COALESCE(g.last_changed_at, g.first_seen_at)))",
                "days for which its content was seen not to change, until last_seen_at",
            ),
            (
                "changes",
                "(SELECT COUNT(*) FROM changes AS c WHERE c.gizmo_id = g.gizmo_id AND c.class = 'content' AND NOT c.flap AND NOT c.disagreement)",
                "changes of its content, without flaps and disagreements",
            ),
            ("stale_copies", "g.stale_copies", "documents older than one seen before"),
            ("observation_id", "g.observation_id", "the observation that says so"),
        ),
        (
            "FROM gizmos AS g\n"
            "LEFT JOIN authors AS u ON u.user_id = g.user_id\n"
            "LEFT JOIN gizmo_authors AS a ON a.gizmo_id = g.gizmo_id AND a.valid_to IS NULL\n"
            "LEFT JOIN vanity_metrics AS m ON m.gizmo_id = g.gizmo_id AND m.observed_at = (SELECT MAX(l.observed_at) FROM vanity_metrics AS l WHERE l.gizmo_id = g.gizmo_id)"
        ),
    ),
    (
        "v_revisions",
        "Stretches of time in which a GPT's content did not change.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            (
                "days",
                "CAST(x.valid_to - x.valid_from AS DOUBLE PRECISION) / 86400000000",
                "how long it held; NULL: it holds now",
            ),
            ("name", "x.name", "its name"),
            ("description", "x.description", "what it says of itself"),
            ("short_url", "x.short_url", "the id, with a slug of the name behind it"),
            ("welcome_message", "x.welcome_message", "its first words"),
            ("voice", "x.voice", "the voice it speaks with"),
            ("model", "x.model", "the model it is fixed to"),
            ("default_model", "x.default_model", "the model it starts with"),
            ("instructions", "x.instructions", "its prompt; only owners are told"),
            ("picture", "x.picture", "the picture's file id, or the stable path of its URL"),
            ("emoji", "x.emoji", "the sign shown for it"),
            ("theme", "x.theme", "the colour shown for it"),
            ("share_recipient", "x.share_recipient", "marketplace, link or private"),
            ("gizmo_type", "x.gizmo_type", "what kind of gizmo it is"),
            ("is_archived", "x.is_archived", "whether its owner archived it"),
            ("memory_enabled", "x.memory_enabled", "whether it remembers"),
            ("created_at", "@moment(x.created_at)", "when it was made"),
            (
                "tools_count",
                "x.tools_count",
                "elements of tools; NULL: never said, -1: stated as null",
            ),
            (
                "files_count",
                "x.files_count",
                "elements of files; NULL: never said, -1: stated as null",
            ),
            (
                "prompt_starters_count",
                "x.prompt_starters_count",
                "elements of gizmo.display.prompt_starters; NULL: never said, -1: stated as null",
            ),
            (
                "categories_count",
                "x.categories_count",
                "elements of gizmo.display.categories; NULL: never said, -1: stated as null",
            ),
            (
                "tags_count",
                "x.tags_count",
                "elements of gizmo.tags; NULL: never said, -1: stated as null",
            ),
            ("null_fields", "x.null_fields", "JSON list of the fields stated as null (law 3)"),
            (
                "unstated_fields",
                "x.unstated_fields",
                "JSON list of the fields never stated (law 3)",
            ),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM gizmo_revisions AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_tools",
        "What GPTs can use, over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("element", "x.element", "the element's key"),
            ("type", "x.type", "its type, in lower case"),
            ("domain", "x.domain", "an action's host"),
            ("privacy_policy_url", "x.privacy_policy_url", "an action's privacy policy"),
            (
                "auth",
                "x.auth",
                "an action's way to authenticate, canonical JSON: its members depend on the kind",
            ),
            (
                "json_schema",
                "x.json_schema",
                "an action's OpenAPI document, canonical JSON: open-ended",
            ),
            ("element_count", "x.element_count", "how many equal elements were sent"),
            (
                "from_start",
                "(x.valid_from = g.first_seen_at)",
                "whether it was there when the GPT was first seen: nobody saw it being added",
            ),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM tools AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_files",
        "What GPTs know, over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("element", "x.element", "the element's key"),
            ("type", "x.type", "its type, in lower case"),
            ("name", "x.name", "the file's name"),
            ("size", "x.size", "bytes"),
            ("file_size_tokens", "x.file_size_tokens", "tokens, as last sent"),
            (
                "from_start",
                "(x.valid_from = g.first_seen_at)",
                "whether it was there when the GPT was first seen: nobody saw it being added",
            ),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM files AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_starters",
        "What GPTs offer to be asked, over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("element", "x.element", "the element's key"),
            ("text", "x.text", "the starter"),
            ("position", "x.position", "its place in the list when last sent, from 0"),
            (
                "from_start",
                "(x.valid_from = g.first_seen_at)",
                "whether it was there when the GPT was first seen: nobody saw it being added",
            ),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM prompt_starters AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_categories",
        "The store's categories of GPTs, over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("category", "x.category", "the category, in lower case"),
            (
                "from_start",
                "(x.valid_from = g.first_seen_at)",
                "whether it was there when the GPT was first seen: nobody saw it being added",
            ),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM categories AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_tags",
        "The platform's marks on GPTs, over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("tag", "x.tag", "the tag"),
            (
                "from_start",
                "(x.valid_from = g.first_seen_at)",
                "whether it was there when the GPT was first seen: nobody saw it being added",
            ),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM tags AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_socials",
        "Accounts that GPTs show of their authors, over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("element", "x.element", "the element's key"),
            ("type", "x.type", "its type, in lower case"),
            ("display_name", "x.display_name", "the account's name"),
            ("verified", "x.verified", "whether it was verified"),
            (
                "from_start",
                "(x.valid_from = g.first_seen_at)",
                "whether it was there when the GPT was first seen: nobody saw it being added",
            ),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM author_socials AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_statuses",
        "Listed, missing, gone: over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("status", "x.status", "listed, missing or gone"),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM statuses AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_authorships",
        "What GPTs' documents say about their author, over time.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            (
                "user_id",
                "x.user_id",
                "who made it; may carry a workspace suffix. Rare changes of ownership, so not flapping",
            ),
            ("display_name", "x.display_name", "the author's name as shown"),
            ("link_to", "x.link_to", "the author's website"),
            ("selected_display", "x.selected_display", "name or website"),
            ("is_verified", "x.is_verified", "whether the name was verified"),
            ("valid_from", "@moment(x.valid_from)", "from this moment on"),
            ("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
            ("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
            ("day", "@day(x.valid_from)", "the UTC day of valid_from"),
            ("month", "@month(x.valid_from)", "the UTC month of valid_from"),
            ("year", "@year(x.valid_from)", "the UTC year of valid_from"),
            ("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
            ("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
            ("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM gizmo_authors AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id"
        ),
    ),
    (
        "v_authors",
        "One row an author that a current document names.",
        (
            ("user_id", "x.user_id", "the author"),
            ("display_name", "x.display_name", "the author's name as shown"),
            ("link_to", "x.link_to", "the author's website"),
            ("selected_display", "x.selected_display", "name or website"),
            ("is_verified", "x.is_verified", "whether the name was verified"),
            ("gpts", "x.gpt_count", "GPTs whose current document names the author"),
            (
                "listed",
                "(SELECT COUNT(*) FROM gizmos AS g WHERE g.user_id = x.user_id AND g.status = 'listed')",
                "those of them that are listed",
            ),
            (
                "conversations",
                "(SELECT CAST(SUM(m.conversations_at_least) AS BIGINT) FROM gizmos AS g JOIN vanity_metrics AS m ON m.gizmo_id = g.gizmo_id AND m.observed_at = (SELECT MAX(l.observed_at) FROM vanity_metrics AS l WHERE l.gizmo_id = g.gizmo_id) WHERE g.user_id = x.user_id)",
                "of all these, at least",
            ),
            (
                "reviews",
                "(SELECT CAST(SUM(m.review_count) AS BIGINT) FROM gizmos AS g JOIN vanity_metrics AS m ON m.gizmo_id = g.gizmo_id AND m.observed_at = (SELECT MAX(l.observed_at) FROM vanity_metrics AS l WHERE l.gizmo_id = g.gizmo_id) WHERE g.user_id = x.user_id)",
                "of all these",
            ),
            (
                "stars",
                "(SELECT CAST(SUM(m.review_total) AS BIGINT) FROM gizmos AS g JOIN vanity_metrics AS m ON m.gizmo_id = g.gizmo_id AND m.observed_at = (SELECT MAX(l.observed_at) FROM vanity_metrics AS l WHERE l.gizmo_id = g.gizmo_id) WHERE g.user_id = x.user_id)",
                "sum of stars of all these",
            ),
            ("first_seen_at", "@moment(x.first_seen_at)", "when a document first named it"),
            ("first_seen_day", "@day(x.first_seen_at)", "the UTC day of first_seen_at"),
            ("first_seen_month", "@month(x.first_seen_at)", "the UTC month of first_seen_at"),
            ("first_seen_year", "@year(x.first_seen_at)", "the UTC year of first_seen_at"),
        ),
        "FROM authors AS x",
    ),
    (
        "v_metrics",
        "A GPT's numbers as points in time, each beside the one before.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("observed_at", "@moment(x.observed_at)", "when they were said"),
            ("day", "@day(x.observed_at)", "the UTC day of observed_at"),
            ("month", "@month(x.observed_at)", "the UTC month of observed_at"),
            ("year", "@year(x.observed_at)", "the UTC year of observed_at"),
            ("daynum", "@daynum(x.observed_at)", "observed_at in days since 1970-01-01"),
            ("conversations", "x.conversations_at_least", "conversations, or their lower bound"),
            ("reviews", "x.review_count", "number of reviews"),
            ("stars", "x.review_total", "sum of stars"),
            ("rating_1", "x.rating_1", "reviews of 1 stars, or their share"),
            ("rating_2", "x.rating_2", "reviews of 2 stars, or their share"),
            ("rating_3", "x.rating_3", "reviews of 3 stars, or their share"),
            ("rating_4", "x.rating_4", "reviews of 4 stars, or their share"),
            ("rating_5", "x.rating_5", "reviews of 5 stars, or their share"),
            ("pins", "x.num_pins", "pins; until 2024-04"),
            ("conversations_exact", "x.conversations_exact", "whether that is the number"),
            ("conversations_text", "x.num_conversations_str", "as sent: 96, 25K+, 1M+"),
            (
                "stars_average",
                "CAST(x.review_total AS DOUBLE PRECISION) / NULLIF(x.review_count, 0)",
                "stars a review, 1 to 5; NULL without reviews; not the rating that searches sort by",
            ),
            (
                "previous_at",
                "@moment(LAG(x.observed_at) OVER before)",
                "the point before; NULL: none",
            ),
            (
                "days",
                "CAST(x.observed_at - LAG(x.observed_at) OVER before AS DOUBLE PRECISION) / 86400000000",
                "days since the point before",
            ),
            (
                "conversations_moved",
                "x.conversations_at_least - LAG(x.conversations_at_least) OVER before",
                "conversations: more than before",
            ),
            (
                "reviews_moved",
                "x.review_count - LAG(x.review_count) OVER before",
                "reviews: more than before",
            ),
            (
                "stars_moved",
                "x.review_total - LAG(x.review_total) OVER before",
                "stars: more than before",
            ),
            (
                "rating_1_moved",
                "x.rating_1 - LAG(x.rating_1) OVER before",
                "rating_1: more than before",
            ),
            (
                "rating_2_moved",
                "x.rating_2 - LAG(x.rating_2) OVER before",
                "rating_2: more than before",
            ),
            (
                "rating_3_moved",
                "x.rating_3 - LAG(x.rating_3) OVER before",
                "rating_3: more than before",
            ),
            (
                "rating_4_moved",
                "x.rating_4 - LAG(x.rating_4) OVER before",
                "rating_4: more than before",
            ),
            (
                "rating_5_moved",
                "x.rating_5 - LAG(x.rating_5) OVER before",
                "rating_5: more than before",
            ),
            ("pins_moved", "x.num_pins - LAG(x.num_pins) OVER before", "pins: more than before"),
            (
                "is_latest",
                "(LEAD(x.observed_at) OVER before IS NULL)",
                "whether it is the GPT's latest point",
            ),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM vanity_metrics AS x\n"
            "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
            "LEFT JOIN sources AS s ON s.source_id = o.source_id\n"
            "WINDOW before AS (PARTITION BY x.gizmo_id ORDER BY x.observed_at)"
        ),
    ),
    (
        "v_counters",
        "The gateways' own counters as points in time: they belong to the source.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("source", "s.name", "the source that says so"),
            ("observed_at", "@moment(x.observed_at)", "when they were said"),
            ("day", "@day(x.observed_at)", "the UTC day of observed_at"),
            ("month", "@month(x.observed_at)", "the UTC month of observed_at"),
            ("year", "@year(x.observed_at)", "the UTC year of observed_at"),
            ("stat_read", "x.stat_read", "the gateway's stat.read"),
            ("stat_favorite", "x.stat_favorite", "the gateway's stat.favorite"),
            ("stat_use", "x.stat_use", "the gateway's stat.use"),
            ("observation_id", "x.observation_id", "the observation that says so (law 7)"),
        ),
        ("FROM source_stats AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id"),
    ),
    (
        "v_changes",
        "One field's difference between two neighbouring statements.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("gpt_name", "g.name", "the GPT's current name"),
            ("user_id", "g.user_id", "the GPT's current author"),
            ("observed_at", "@moment(x.observed_at)", "when the new value was first said"),
            ("day", "@day(x.observed_at)", "the UTC day of observed_at"),
            ("month", "@month(x.observed_at)", "the UTC month of observed_at"),
            ("year", "@year(x.observed_at)", "the UTC year of observed_at"),
            ("daynum", "@daynum(x.observed_at)", "observed_at in days since 1970-01-01"),
            ("not_before", "@moment(x.not_before)", "when the old value was last confirmed"),
            (
                "window_days",
                "CAST(x.observed_at - x.not_before AS DOUBLE PRECISION) / 86400000000",
                "days between the two: it changed some time in between",
            ),
            ("field", "x.field", "the path in the document"),
            ("element", "x.element", "of a list: the element's key; else empty"),
            ("class", "x.class", "content, lifecycle or platform"),
            ("kind", "x.kind", "added, removed or changed"),
            ("old", "x.old", "canonical JSON of the old value"),
            ("new", "x.new", "canonical JSON of the new value"),
            ("flap", "x.flap", "the old value came back soon (rule 8)"),
            ("disagreement", "x.disagreement", "sources contradict (rule 4)"),
            ("event_id", "x.event_id", "the mass event it is part of, see v_mass_events"),
            (
                "is_news",
                "(x.class <> 'platform' AND NOT x.flap AND NOT x.disagreement AND x.event_id IS NULL)",
                "whether it is a change of this GPT's own: not the platform's, unmarked, no mass event",
            ),
            ("source", "s.name", "the source that says so"),
            ("observation_id", "x.observation_id", "the observation that says so"),
        ),
        (
            "FROM changes AS x\n"
            "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
            "LEFT JOIN sources AS s ON s.source_id = x.source_id"
        ),
    ),
    (
        "v_mass_events",
        "Differences that many GPTs show at once.",
        (
            ("event_id", "x.event_id", "digest of field, difference and first day"),
            ("field", "x.field", "the path"),
            ("added", "x.added", "JSON: elements that came, or the new value"),
            ("removed", "x.removed", "JSON: elements that went, or the old value"),
            ("first_day", "x.first_day", "the first UTC day"),
            ("last_day", "x.last_day", "the last UTC day"),
            ("gpts", "x.gpts", "GPTs that show it"),
            ("compared", "x.compared", "GPTs with a neighbouring pair then"),
            (
                "share",
                "CAST(x.gpts AS DOUBLE PRECISION) / NULLIF(x.compared, 0)",
                "gpts by compared, 0 to 1",
            ),
        ),
        "FROM mass_events AS x",
    ),
    (
        "v_observations",
        "Source S said payload P, or 'no such GPT', about GPT G at time T; without the bytes.",
        (
            ("observation_id", "x.observation_id", "this catalog's number for it"),
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("source", "s.name", "the source that says so"),
            ("observed_at", "@moment(x.observed_at)", "when it was said"),
            ("day", "@day(x.observed_at)", "the UTC day of observed_at"),
            ("month", "@month(x.observed_at)", "the UTC month of observed_at"),
            ("year", "@year(x.observed_at)", "the UTC year of observed_at"),
            (
                "said",
                "@code(CASE WHEN x.payload_id = 0 THEN 'not_found' ELSE 'document' END)",
                "document or not_found",
            ),
            (
                "verdict",
                "x.verdict",
                "of a 'no such GPT': counted, held, or empty while its run is open (rule 6)",
            ),
            ("digest", "@hex(p.digest)", "SHA-256 of the payload in hex, empty for none"),
            ("bytes", "p.size", "length of the payload"),
            ("redacted", "p.redacted", "whether a secret was replaced in it"),
            ("wrapping", "x.wrapping", "where in the payload the gizmo object lies"),
            ("recorded_at", "@moment(x.recorded_at)", "when it was written down here"),
            ("recorded_day", "@day(x.recorded_at)", "the UTC day of recorded_at"),
            ("recorded_month", "@month(x.recorded_at)", "the UTC month of recorded_at"),
            ("recorded_year", "@year(x.recorded_at)", "the UTC year of recorded_at"),
            ("run_id", "x.run_id", "the run that brought it, empty for none"),
        ),
        (
            "FROM observations AS x\n"
            "LEFT JOIN sources AS s ON s.source_id = x.source_id\n"
            "LEFT JOIN payloads AS p ON p.payload_id = x.payload_id"
        ),
    ),
    (
        "v_discoveries",
        "Which query or file named which id, at which rank, when.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("source", "s.name", "the source that says so"),
            ("query", "x.query", "the words, or the file"),
            ("discovered_at", "@moment(x.at)", "when it was said"),
            ("day", "@day(x.at)", "the UTC day of discovered_at"),
            ("month", "@month(x.at)", "the UTC month of discovered_at"),
            ("year", "@year(x.at)", "the UTC year of discovered_at"),
            ("rank", "x.rank", "its place there, from 1"),
            ("title", "x.title", "its name there"),
        ),
        ("FROM discoveries AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id"),
    ),
    (
        "v_frontier",
        "The ids known, with when each is next due.",
        (
            ("gizmo_id", "x.gizmo_id", "the id; it need not have a document yet"),
            ("added_at", "@moment(x.added_at)", "when it was first heard of here"),
            ("due_at", "@moment(x.due_at)", "when it is to be asked next"),
            ("due_day", "@day(x.due_at)", "the UTC day of due_at"),
            ("due_month", "@month(x.due_at)", "the UTC month of due_at"),
            ("due_year", "@year(x.due_at)", "the UTC year of due_at"),
            ("attempts", "x.attempts", "visits without a fact since the last one"),
            ("last_asked_at", "@moment(x.last_asked_at)", "when it was last asked"),
            ("last_verdict", "x.last_verdict", "how that ended"),
        ),
        "FROM frontier AS x",
    ),
    (
        "v_probes",
        "Questions put to GPTs over chat completions; without the texts.",
        (
            ("gizmo_id", "x.gizmo_id", "the GPT"),
            ("source", "s.name", "the source that says so"),
            ("asked_at", "@moment(x.at)", "when it was asked"),
            ("day", "@day(x.at)", "the UTC day of asked_at"),
            ("month", "@month(x.at)", "the UTC month of asked_at"),
            ("year", "@year(x.at)", "the UTC year of asked_at"),
            ("model", "x.model", "the model name that was used"),
            ("verdict", "x.verdict", "how it ended"),
            ("status", "x.status", "HTTP status, 0 for none"),
            ("seconds", "x.seconds", "how long the answer took"),
            ("run_id", "x.run_id", "the run"),
        ),
        ("FROM probes AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id"),
    ),
    (
        "v_runs",
        "Executions of a job, with their totals.",
        (
            ("run_id", "x.run_id", "a global id, sortable by time"),
            ("command", "x.command", "what was run"),
            ("source", "x.source", "its source's name, empty for none or several"),
            ("started_at", "@moment(x.started_at)", "when it began"),
            ("finished_at", "@moment(x.finished_at)", "when it ended; NULL: unfinished"),
            ("day", "@day(x.started_at)", "the UTC day of started_at"),
            ("month", "@month(x.started_at)", "the UTC month of started_at"),
            ("year", "@year(x.started_at)", "the UTC year of started_at"),
            (
                "seconds",
                "CAST(x.finished_at - x.started_at AS DOUBLE PRECISION) / 1000000",
                "from started_at to finished_at; NULL: unfinished",
            ),
            ("status", "x.status", "open, finished, stopped or failed"),
            ("reason", "x.reason", "why it stopped, for people"),
            ("requested", "x.requested", "ids asked for"),
            ("documents", "x.documents", "ids that gave their document"),
            ("new", "x.new", "documents of GPTs not known before"),
            ("changed", "x.changed", "documents that changed content"),
            ("unchanged", "x.unchanged", "documents that changed none"),
            ("not_found", "x.not_found", "ids that the source says do not exist"),
            ("mismatched", "x.mismatched", "ids answered with another GPT's document"),
            ("failed", "x.failed", "ids that ended in no fact"),
            ("not_asked", "x.left", "ids not asked: stopped or out of budget"),
            ("requests", "x.requests", "HTTP requests sent, retries counted"),
            ("cost", "x.cost", "requests times price, where a price is set"),
        ),
        "FROM runs AS x",
    ),
    (
        "v_outcomes_daily",
        "How asking went: outcomes by UTC day, source and verdict, those that were pruned as well.",
        (
            ("day", "x.day", "the UTC day"),
            ("source", "s.name", "the source that says so"),
            ("verdict", "x.verdict", "document, not_found, mismatched, throttled, ..."),
            ("ids", "CAST(SUM(x.ids) AS BIGINT)", "ids that ended so"),
            ("requests", "CAST(SUM(x.requests) AS BIGINT)", "HTTP requests spent on them"),
        ),
        (
            "FROM (\n"
            "  SELECT @day(at) AS day, source_id, verdict, 1 AS ids, requests FROM outcomes\n"
            "  UNION ALL\n"
            "  SELECT day, source_id, verdict, ids, requests FROM outcome_days\n"
            ") AS x\n"
            "LEFT JOIN sources AS s ON s.source_id = x.source_id\n"
            "GROUP BY x.day, s.name, x.verdict"
        ),
    ),
    (
        "v_drift",
        "Paths and types that appeared in, or vanished from, a source's documents.",
        (
            ("source", "s.name", "the source that says so"),
            ("wrapping", "x.wrapping", "where the gizmo object lies in its payloads"),
            ("path", "x.path", "the path"),
            ("kind", "x.kind", "appeared, vanished or type"),
            (
                "drifted_at",
                "@moment(x.at)",
                "when the first document with, or the last before the change, was said",
            ),
            ("day", "@day(x.at)", "the UTC day of drifted_at"),
            ("month", "@month(x.at)", "the UTC month of drifted_at"),
            ("year", "@year(x.at)", "the UTC year of drifted_at"),
            (
                "first_seen_at",
                "@moment(x.first_seen_at)",
                "since when documents have it, or had it until it vanished",
            ),
            (
                "last_seen_at",
                "@moment(x.last_seen_at)",
                "when a document last had it, before it vanished if it did",
            ),
            ("example", "x.example", "canonical JSON of a value, cut"),
        ),
        ("FROM drift AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id"),
    ),
    (
        "v_unmapped",
        "Paths that no table knows, and values that their column cannot take.",
        (
            ("path", "x.path", "the JSON path"),
            ("count", "x.count", "observations that have it"),
            ("first_seen_at", "@moment(x.first_seen_at)", "when it was first said"),
            ("last_seen_at", "@moment(x.last_seen_at)", "when it was last said"),
            ("example", "x.example", "canonical JSON of its first value, cut"),
            ("first_seen_day", "@day(x.first_seen_at)", "the UTC day of first_seen_at"),
            ("first_seen_month", "@month(x.first_seen_at)", "the UTC month of first_seen_at"),
            ("first_seen_year", "@year(x.first_seen_at)", "the UTC year of first_seen_at"),
        ),
        "FROM unmapped_fields AS x",
    ),
)
