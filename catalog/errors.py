"""The one error tree of the project.

Every error that a user can meet is one of these; the command line prints its text and exits with
its status, without a traceback. The text says what is wrong, where, and what to do next.

::

    CatalogError                     exit 1
    ├── UsageError                   exit 2   wrong words on the command line or in an argument
    │   ├── InvalidReference         exit 2   a text that names no GPT
    │   ├── InvalidQuery             exit 2   a search text that cannot be understood
    │   ├── InvalidFilter            exit 2   a condition on GPTs that makes no sense
    │   ├── InvalidCursor            exit 2   a page mark that is damaged or of another search
    │   └── InvalidSql               exit 2   SQL that cannot be read, or does more than read
    ├── SettingsError                exit 2   catalog.toml or the environment
    ├── BudgetUsedUp                 exit 1   the day's requests to a source are spent
    ├── TimeUp                       exit 1   a query took longer than it may
    ├── FetchError                   exit 3   a source did not answer as asked
    │   ├── FetchTransient (T)                the same question may be answered later
    │   ├── FetchTerminal                     repeating cannot help
    │   └── SourceRefused            exit 3   the key is refused, or the source is down
    ├── NormalizeError               exit 1   bytes that hold no document
    ├── StorageError                 exit 4
    │   ├── CatalogMissing           exit 4   there is no catalog yet
    │   ├── CatalogBusy (T)          exit 4   locked by another process
    │   ├── SchemaMismatch           exit 4   older or newer than this program
    │   └── CatalogCorrupt           exit 4   what is stored contradicts itself
    └── NotFound                     exit 1   the catalog holds nothing of that name

(T) = also :class:`Transient`: the same call may succeed later.
"""

from __future__ import annotations

from typing import ClassVar


class CatalogError(Exception):
    """The root: anything this program raises on purpose."""

    exit_status: ClassVar[int] = 1


class Transient:
    """Mixed into errors after which the very same call may succeed."""


class UsageError(CatalogError):
    """The command line or an argument cannot be understood."""

    exit_status: ClassVar[int] = 2


class InvalidReference(UsageError):
    """A text that names no GPT.

    Args:
        text: what was typed.
        reason: why it names none, as a sentence without its subject.
    """

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} names no GPT: {reason}")
        self.text = text
        self.reason = reason


class InvalidQuery(UsageError):
    """A search text that cannot be understood.

    Args:
        text: what was typed.
        reason: what is wrong with it and what to write instead.
        position: the character it is about, counted from 1; None: the whole.
    """

    def __init__(self, text: str, reason: str, position: int | None = None) -> None:
        where = "" if position is None else f"at character {position}, "
        super().__init__(f"the search text {text!r} cannot be understood: {where}{reason}")
        self.text = text
        self.reason = reason
        self.position = position


class InvalidFilter(UsageError):
    """A condition on GPTs that makes no sense, or that nobody knows.

    Args:
        key: the condition, by its name in a URL query.
        reason: what is wrong with it and what to write instead.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"filter {key!r}: {reason}")
        self.key = key
        self.reason = reason


class InvalidCursor(UsageError):
    """A mark of a page that is damaged, or belongs to another search.

    Args:
        reason: which of the two.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the cursor {reason}; begin again at the first page, without a cursor")
        self.reason = reason


class InvalidSql(UsageError):
    """SQL that cannot be read, or does more than read."""


class SettingsError(CatalogError):
    """``catalog.toml`` or the environment is wrong."""

    exit_status: ClassVar[int] = 2


class BudgetUsedUp(CatalogError):
    """The day's requests to a source are spent; what was not asked is left (rule 13)."""


class TimeUp(CatalogError):
    """A query took longer than it may."""


class FetchError(CatalogError):
    """A source did not answer as asked. Says nothing about any GPT (law 4)."""

    exit_status: ClassVar[int] = 3


class FetchTransient(FetchError, Transient):
    """Repeating may help: connection, timeout, throttling, 5xx."""


class FetchTerminal(FetchError):
    """Repeating cannot help: an answer too large, a redirect to another host, a broken URL."""


class SourceRefused(FetchError):
    """The source refuses the key, or is down: the run stops early."""


class NormalizeError(CatalogError):
    """Bytes that hold no GPT document."""


class StorageError(CatalogError):
    """The catalog cannot be used."""

    exit_status: ClassVar[int] = 4


class CatalogMissing(StorageError):
    """There is no catalog at the given place yet."""


class CatalogBusy(StorageError, Transient):
    """Another process holds the catalog's write lock longer than we wait."""


class SchemaMismatch(StorageError):
    """The catalog's schema is older or newer than this program's."""


class CatalogCorrupt(StorageError):
    """What is stored contradicts itself, or the file is damaged."""


class NotFound(CatalogError):
    """The catalog holds nothing of that name."""
