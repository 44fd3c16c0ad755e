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
    ├── Stopped                      exit 1   a query was ended by whoever asked it
    ├── ExpectationFailed            exit 1   an export does not hold what is expected of it
    ├── FetchError                   exit 3   a source did not answer as asked
    │   ├── FetchTransient (T)                the same question may be answered later
    │   ├── FetchTerminal                     repeating cannot help
    │   └── SourceRefused            exit 3   the key is refused, or the source is down
    ├── NormalizeError               exit 1   bytes that hold no document
    ├── StorageError                 exit 4
    │   ├── CatalogMissing           exit 4   there is no catalog yet
    │   ├── CatalogBusy (T)          exit 4   locked by another process
    │   ├── CatalogAway (T)          exit 4   its server cannot be reached, or ended the connection
    │   ├── CommitUnknown (T)        exit 4   nobody can say whether the last rows are stored
    │   ├── SchemaMismatch           exit 4   older or newer than this program
    │   └── CatalogCorrupt           exit 4   what is stored contradicts itself
    └── NotFound                     exit 1   the catalog holds nothing of that name

(T) = also :class:`Transient`: the same call may succeed later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class CatalogError(Exception):
    """The root: anything this program raises on purpose.

    What to do: Read on to its end: it says what to do next.
    """

    exit_status: ClassVar[int] = 1


class Transient:
    """Mixed into errors after which the very same call may succeed."""


class UsageError(CatalogError):
    """The command line or an argument cannot be understood.

    What to do: Look at ``gpts-catalog COMMAND --help``; the message names the word it is about.
    """

    exit_status: ClassVar[int] = 2


class InvalidReference(UsageError):
    """A text that names no GPT.

    What to do: Give an id (``g-…``), a short URL, a chatgpt.com address or a model name.

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

    What to do: Mend the text at the place that is named; put it into single quotes for the shell.

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

    What to do: Mend the condition that is named; bounds must not cross, names must be known.

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

    What to do: Ask for the first page again, and follow its own mark.

    Args:
        reason: which of the two.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the cursor {reason}; begin again at the first page, without a cursor")
        self.reason = reason


class InvalidSql(UsageError):
    """SQL that cannot be read, or does more than read.

    What to do: Write one SELECT; ``gpts-catalog sql --list`` has examples, docs/data-dictionary.md
    the views and columns.
    """


class SettingsError(CatalogError):
    """``catalog.toml`` or the environment is wrong.

    What to do: Mend the key that is named in ``catalog.toml``, or set the environment variable.
    """

    exit_status: ClassVar[int] = 2


class BudgetUsedUp(CatalogError):
    """The day's requests to a source are spent; what was not asked is left (rule 13).

    What to do: Wait for the next UTC day, or raise ``requests_per_day``; ``gpts-catalog plan`` says
    what that buys.
    """


class TimeUp(CatalogError):
    """A query took longer than it may.

    What to do: Ask for less, or allow more: ``gpts-catalog sql --seconds S``.
    """


class ExpectationFailed(CatalogError):
    """An export does not hold what is expected of it, and is not published.

    What to do: Look into each reason; if the data is right, change ``[export.expect]``.

    Args:
        reasons: what is not as expected, a sentence each, with the setting that expects it.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(
            "\n  ".join(["not published, as it is not what [export.expect] expects:", *reasons])
            + "\nThe export before it, if there is one, stands as it was. "
            "Look into the reasons; if the data is right, change [export.expect]"
        )
        self.reasons = tuple(reasons)


class Stopped(CatalogError):
    """A query was ended by whoever asked it.

    What to do: Nothing; ask again if it was not meant.
    """


class FetchError(CatalogError):
    """A source did not answer as asked. Says nothing about any GPT (law 4).

    What to do: ``gpts-catalog sources check NAME`` asks once and says what is wrong.
    """

    exit_status: ClassVar[int] = 3


class FetchTransient(FetchError, Transient):
    """Repeating may help: connection, timeout, throttling, 5xx.

    What to do: Give the same command again later: what was stored is not asked twice.
    """


class FetchTerminal(FetchError):
    """Repeating cannot help: an answer too large, a redirect to another host, a broken URL.

    What to do: Look at ``base_url`` and the limits of the source in ``catalog.toml``.
    """


class SourceRefused(FetchError):
    """The source refuses the key, or is down: the run stops early.

    What to do: ``gpts-catalog sources check NAME``: is the key set and good, is the quota used up?
    """


class NormalizeError(CatalogError):
    """Bytes that hold no GPT document.

    What to do: Nothing is lost: the bytes are kept. ``gpts-catalog status`` names the failures.
    """


class StorageError(CatalogError):
    """The catalog cannot be used.

    What to do: ``gpts-catalog verify`` says whether the catalog is whole.
    """

    exit_status: ClassVar[int] = 4


class CatalogMissing(StorageError):
    """There is no catalog at the given place yet.

    What to do: ``gpts-catalog init`` makes one; or name the right one with ``--catalog``.
    """


class CatalogBusy(StorageError, Transient):
    """Another process holds the catalog's write lock longer than we wait.

    What to do: Give the same command again when the other command has ended.
    """


class CatalogAway(StorageError, Transient):
    """PostgreSQL cannot be reached, or ended the connection; nothing of the transaction is stored.

    What to do: Look whether the server runs, then give the same command again.
    """


class CommitUnknown(StorageError, Transient):
    """PostgreSQL went away as a transaction ended: its last rows are stored whole, or not at all.

    What to do: Look whether the server runs, then give the same command again: it is safe, since
    what is stored already is not stored twice.
    """


class SchemaMismatch(StorageError):
    """The catalog's schema is older or newer than this program's.

    What to do: Older: ``gpts-catalog upgrade``. Newer: install the newer version of this program.
    """


class CatalogCorrupt(StorageError):
    """What is stored contradicts itself, or the file is damaged.

    What to do: ``gpts-catalog restore BACKUP``; where there is none, ``gpts-catalog recover FILE``.
    """


class NotFound(CatalogError):
    """The catalog holds nothing of that name.

    What to do: Look at how it is spelled; ``gpts-catalog search`` and ``--list`` say what there is.
    """
