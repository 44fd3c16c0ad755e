"""Profiles: which columns an export may hold, and how. An allow-list: what is not named is out.

``public`` tells nothing by which a person is known: authors are keyed pseudonyms, what people say
about themselves is out, and links, addresses and handles in texts are replaced. ``research`` names
authors, but not how to reach them. ``full`` is all that the catalog tells, and the archive itself.
A field that a source begins to send tomorrow is in none of them until it is named here, but in the
archive's own bytes, which ``full`` alone holds. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast, get_args

import msgspec

from catalog.errors import UsageError
from catalog.export.release import Column, ProfileName, Table
from catalog.fields import BY_PATH, FIELDS, LISTS, Field
from catalog.query.exported import TABLES

Action = Literal["k", "p", "e", "i", "l", "m", "-"]
"""What happens to a column: kept; its values replaced by pseudonyms; what names elements by a
stranger's words replaced by them; what looks like somebody's id in its paths replaced by them;
links, addresses and handles in its texts replaced; mail addresses in them replaced; left out."""

PROFILES: tuple[ProfileName, ...] = get_args(ProfileName)
"""The profiles, in the order in which rules name them."""

Rules = Mapping[str, str]
"""Columns, parted by blanks, by what happens to them in each profile: one letter each."""

_REVISION: Rules = {
    # A slug repeats the name, and no link in it can be told any more.
    "-kk": "short_url",
    "kkk": "voice model default_model emoji theme share_recipient created_at gizmo_type"
    " gizmo_snorlax_type memory_enabled memory_scope is_archived archived_at training_disabled"
    " workspace_approved workspace_approval_date",
    "pkk": "organization_id workspace_id picture",
    "lmk": "name description welcome_message",
    # An owner alone is told these, and a person may stand in them.
    "--k": "instructions goal",
}
_SAID: Rules = {"kkk": "source"}
_INTERVAL: Rules = {"kkk": "gizmo_id valid_from valid_to source"}
_ELEMENT: Rules = {
    "kkk": "gizmo_id valid_from valid_to element_count source",
    # An action's host, which may be somebody's own; a starter's hash, from which the text could
    # be guessed.
    "ekk": "element",
}
_STATED: Rules = {"kkk": "null_fields unstated_fields"}
_AUTHOR: Rules = {
    "pkk": "user_id",
    "-kk": "display_name",
    "kkk": "selected_display is_verified",
    "--k": "link_to will_receive_support_emails",
    "---": "user_email",
}

RULES: dict[str, tuple[Rules, ...]] = {
    "gizmos": (
        _REVISION,
        _SAID,
        {
            "kkk": "gizmo_id updated_at last_interacted_at version live_version version_created_at"
            " version_updated_at is_unassigned context_stuffing_budget"
            " conversation_copy_in_progress created_ago_str status first_seen_at last_seen_at"
            " last_asked_at last_changed_at stale_copies said_at",
            "pkk": "user_id profile_pic_id",
            "-kk": "profile_picture_url",
            # Their members are not fixed: what is new in them tomorrow would leak.
            "--k": "version_author current_user_permission sharing sharing_targets"
            " allowed_sharing_recipients",
        },
    ),
    "gizmo_revisions": (
        _REVISION,
        _INTERVAL,
        _STATED,
        {"kkk": "tools_count files_count prompt_starters_count categories_count tags_count"},
    ),
    "gizmo_authors": (_AUTHOR, _INTERVAL, _STATED, {"kkk": "author_socials_count"}),
    "authors": (_AUTHOR, _SAID, {"kkk": "gpt_count first_seen_at gizmo_id said_at"}),
    "tools": (
        _ELEMENT,
        {"kkk": "type tool_id action_id", "pkk": "domain"},
        {"-kk": "privacy_policy_url", "--k": "auth"},
        # Free text of megabytes, with a contact in it where people follow the standard.
        {"-mk": "json_schema"},
    ),
    "files": (
        _INTERVAL,
        {"kkk": "element type size file_size_tokens file_response_type", "-kk": "name"},
        {"-kk": "file_ref file_id location"},
    ),
    "prompt_starters": (_ELEMENT, {"kkk": "position", "lmk": "text"}),
    "categories": (_INTERVAL, {"kkk": "element category"}),
    "tags": (_INTERVAL, {"kkk": "element tag"}),
    "author_socials": (
        {
            "--k": "gizmo_id element valid_from valid_to type display_name verified verified_data"
            " social_id source"
        },
    ),
    "attachments": (
        _INTERVAL,
        _STATED,
        {"kkk": "type can_accept_all_mime_types accepted_mime_types image_mime_types"},
    ),
    "mime_sets": ({"kkk": "set_digest mime_type"},),
    "statuses": (_INTERVAL, {"kkk": "status"}),
    "vanity_metrics": (
        _SAID,
        {
            "kkk": "gizmo_id observed_at num_interactions num_conversations num_conversations_str"
            " num_pins num_users_interacted_with review_total review_count rating_1 rating_2"
            " rating_3 rating_4 rating_5 conversations_at_least conversations_exact"
        },
    ),
    "source_stats": (_SAID, {"kkk": "gizmo_id observed_at stat_read stat_favorite stat_use"}),
    "changes": (
        _SAID,
        {
            # What happens to values is their field's affair: see Profile.change.
            "kkk": "gizmo_id observed_at field not_before class kind old new flap disagreement"
            " event_id",
            "ekk": "element",
        },
    ),
    "mass_events": ({"kkk": "event_id field added removed first_day last_day gpts compared"},),
    "drift": (
        _SAID,
        {"kkk": "wrapping kind at first_seen_at last_seen_at", "ikk": "path", "--k": "example"},
    ),
    "unmapped_fields": (
        {"kkk": "first_seen_at last_seen_at count", "ikk": "path", "--k": "example"},
    ),
    "sources": ({"kkk": "name", "-kk": "dialect added_at"},),
    "observations": (
        _SAID,
        {
            "kkk": "gizmo_id observed_at wrapping verdict digest",
            "-kk": "recorded_at run_id redacted",
            "--k": "payload payload_base64",
        },
    ),
    "discoveries": (
        {
            "-kk": "gizmo_id source query at rank title redacted",
            "--k": "payload payload_base64",
        },
    ),
    "probes": (
        _SAID,
        {
            "kkk": "gizmo_id at model verdict status seconds streamed first_seconds prompt_tokens"
            " completion_tokens finish_reason",
            "-kk": "run_id redacted parameters cost question answer",
        },
    ),
}
"""What happens to each column of each table. Each stands here once, and a test sees to it."""

PERSONAL: frozenset[str] = frozenset(
    {
        "display_name",
        "link_to",
        "user_email",
        "user_id",
        "will_receive_support_emails",
        "selected_display",
        "is_verified",
        "verified_data",
        "social_id",
        "version_author",
        "organization_id",
        "workspace_id",
        "payload",
        "payload_base64",
    }
)
"""Columns that say something about a person."""

_PREFIXES = {
    "user_id": "author",
    "organization_id": "organization",
    "workspace_id": "workspace",
    "picture": "picture",
    "profile_pic_id": "picture",
    "domain": "domain",
}
_ELEMENTS = {"tools": "domain", "prompt_starters": "starter"}
"""What an element of a list names, where strangers choose the words."""
_LIST_ACTIONS: dict[str, str] = {
    "tools": "--k",
    "files": "-kk",
    "prompt_starters": "lmk",
    "categories": "kkk",
    "tags": "kkk",
}
"""What happens to the values of changes of lists; of lists that are not here, rows are out."""
_STATUS = "status"

_TLD = "com|net|org|edu|gov|info|biz|io|ai|co|dev|app|me|xyz|site|online|store|tech|de|uk|fr|es|it"
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"\\]+"
    rf"|(?<![\w.-])(?:[\w-]{{1,63}}\.){{1,8}}(?:{_TLD})\b(?:/[^\s<>\"\\]*)?",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@/.])@\w{2,64}")
_MEMBER = re.compile(r"[^.\[\]:]+")
_ID = re.compile(r"[a-z]{1,8}-[\w-]+|(?=.*\d)[\w-]{16,}|.*[\[@\s].*")
"""What no platform calls a member, and people are called by."""
_PHONE = re.compile(r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\d)")

Pseudonym = Callable[[str, str], str]
"""Makes the pseudonym of a value: what kind of thing it names, then the value."""


def without_mail(text: str) -> str:
    """``text`` without mail addresses."""
    return _MAIL.sub("[mail]", text) if "@" in text else text


def without_links(text: str) -> str:
    """``text`` without mail addresses, links, handles and telephone numbers."""
    text = without_mail(text)
    if "." in text:
        text = _LINK.sub("[link]", text)
    if "@" in text:
        text = _HANDLE.sub("[handle]", text)
    return _PHONE.sub("[phone]", text) if "+" in text else text


def action(profile: ProfileName, table: str, column: str) -> Action:
    """What happens to a column: what no rule names is left out."""
    for rules in RULES.get(table, ()):
        for letters, names in rules.items():
            if column in names.split():
                return _letter(letters, profile)
    return "-"


def _letter(letters: str, profile: ProfileName) -> Action:
    """A rule's letter for a profile: one stands for each, in the order of :data:`PROFILES`."""
    return cast("Action", letters[PROFILES.index(profile)])


def fields(profile: ProfileName) -> tuple[str, ...] | None:
    """The fields whose changes a profile tells of; None: all, and those that nobody knows."""
    if profile == "full":
        return None
    lists = [each.path for each in LISTS if each.table in _LIST_ACTIONS]
    scalars = [each.path for each in FIELDS if _of_field(profile, each) != "-"]
    return (*sorted((*lists, *scalars)), _STATUS)


def _of_field(profile: ProfileName, field: Field) -> Action:
    return action(profile, field.table, field.column)


def _of_path(profile: ProfileName, path: str) -> tuple[Action, str]:
    """What happens to the values of changes of a field, and what it names."""
    found = BY_PATH.get(path)
    if isinstance(found, Field):
        return _of_field(profile, found), _PREFIXES.get(found.column, "value")
    if found is not None and found.table in _LIST_ACTIONS:
        return _letter(_LIST_ACTIONS[found.table], profile), ""
    return ("k", "") if path == _STATUS or profile == "full" else ("-", "")


def _given(pseudonym: Pseudonym | None, profile: ProfileName) -> Pseudonym:
    if pseudonym is None:
        raise UsageError(f"profile {profile} replaces authors by pseudonyms: hand in their key")
    return pseudonym


class Profile:
    """A profile at work.

    Args:
        name: which.
        pseudonym: makes pseudonyms; needed by ``public`` alone.

    Attributes:
        name: which.
    """

    def __init__(self, name: ProfileName, pseudonym: Pseudonym | None = None) -> None:
        self.name = name
        self._pseudonym = _given(pseudonym, name) if name == "public" else pseudonym
        self._paths: dict[str, tuple[Action, str]] = {}

    def table(self, name: str) -> Table | None:
        """A table as the profile exports it; None: it does not."""
        exported = TABLES[name]
        columns = tuple(
            Column(
                name=each.name,
                type=each.type,
                description=each.comment + _NOTES[self._action(name, each.name)],
                nullable=each.nullable,
                unit=each.unit,
                personal=self._is_personal(name, each.name),
            )
            for each in exported.columns
            if self._action(name, each.name) != "-"
        )
        if not columns:
            return None
        names = {each.name for each in columns}
        return Table(
            name=name,
            description=exported.comment,
            columns=columns,
            key=tuple(each for each in exported.key if each in names),
        )

    def _action(self, table: str, column: str) -> Action:
        return action(self.name, table, column)

    def _is_personal(self, table: str, column: str) -> bool:
        by_table = table == "author_socials"
        return by_table or (column in PERSONAL and self._action(table, column) != "p")

    def transform(self, table: str, column: str) -> Callable[[Any], Any] | None:
        """What is done to each value of a column that is exported; None: nothing."""
        what = self._action(table, column)
        if what == "p":
            return self._replace(_PREFIXES[column])
        if what == "i":
            return self._path
        if what == "e":
            kind = _ELEMENTS.get(table)
            return None if kind is None else lambda value: self._element(kind, value)
        return {"l": _optional(without_links), "m": _optional(without_mail)}.get(what)

    def _replace(self, kind: str) -> Callable[[Any], Any]:
        pseudonym = _given(self._pseudonym, self.name)
        return lambda value: pseudonym(kind, value) if value else value

    def hides(self, table: str, column: str) -> bool:
        """Whether a column holds pseudonyms: the order of what they stand for would tell."""
        return self._action(table, column) in {"p", "e", "i"}

    def order(self, names: Sequence[str]) -> list[str]:
        """Authors in an order that says nothing of them that the profile does not."""
        pseudonym = self._pseudonym
        if pseudonym is None or not self.hides("authors", "user_id"):
            return sorted(names)
        return sorted(names, key=lambda name: pseudonym("author", name))

    def elements(self, paths: Sequence[str], elements: Sequence[str]) -> list[str]:
        """The elements that changes are of, as the profile tells them.

        Args:
            paths: the field of each.
            elements: the elements.
        """
        if self._action("changes", "element") != "e":
            return list(elements)
        return [self._of_list(path, each) for path, each in zip(paths, elements, strict=True)]

    def _of_list(self, path: str, element: str) -> str:
        found = BY_PATH.get(path)
        kind = None if found is None else _ELEMENTS.get(found.table)
        return element if kind is None else self._element(kind, element)

    def _element(self, kind: str, element: str) -> str:
        """What names an element: a type stays, the host behind it does not."""
        if kind == "starter":
            return self._named(kind, element)
        type_, blank, host = element.partition(" ")
        return f"{type_}{blank}{self._named(kind, host)}"

    def _path(self, path: str) -> str:
        """A path of members without those that look like somebody's id."""

        def member(found: re.Match[str]) -> str:
            return self._named("id", found[0]) if _ID.fullmatch(found[0]) else found[0]

        return _MEMBER.sub(member, without_mail(path))

    def _named(self, kind: str, value: str) -> str:
        return str(self._replace(kind)(value))

    def values(self, paths: Sequence[str], values: Sequence[str | None]) -> list[str | None]:
        """Values of changes and mass events, each canonical JSON, as the profile tells them.

        Args:
            paths: the field of each.
            values: the values.
        """
        return [
            None if value is None else self._value(path, value)
            for path, value in zip(paths, values, strict=True)
        ]

    def _value(self, path: str, value: str) -> str | None:
        if path not in self._paths:
            self._paths[path] = _of_path(self.name, path)
        what, kind = self._paths[path]
        if what == "-":
            return None
        if what == "p":
            found = msgspec.json.decode(value)
            if not isinstance(found, str) or self._pseudonym is None:
                return None
            return msgspec.json.encode(self._pseudonym(kind, found)).decode()
        if what == "l":
            return _in_texts(value, without_links)
        return _in_texts(value, without_mail) if what == "m" else value


def _in_texts(value: str, change: Callable[[str], str]) -> str:
    """JSON with a change in its texts: as JSON writes them, an escape would be taken for words."""
    found = msgspec.json.decode(value)
    told = _changed(found, change)
    return value if told == found else msgspec.json.encode(told, order="sorted").decode()


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _changed(each, change) for name, each in value.items()}
    return value


def _optional(change: Callable[[str], str]) -> Callable[[Any], Any]:
    def changed(value: Any) -> Any:
        return change(value) if value else value

    return changed


_NOTES: dict[Action, str] = {
    "k": "",
    "p": "; as a keyed pseudonym",
    "e": "; an action's host and a starter's hash as keyed pseudonyms",
    "i": "; what looks like an id in it as a keyed pseudonym",
    "l": "; links, mail addresses, handles and telephone numbers replaced",
    "m": "; mail addresses replaced",
    "-": "",
}
