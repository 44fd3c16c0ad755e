from __future__ import annotations

from catalog.notify import alarm_message, plain
from catalog.notify.messages import LINES, LONGEST
from catalog.storage.alarms import Standing
from catalog.times import DAY, from_iso

NOW = from_iso("2026-06-10T09:00:00Z")


def standing(subject: str, severity: str = "alarm", *, over: bool = False) -> Standing:
    return Standing(
        kind="source_dead" if severity == "alarm" else "drift",
        subject=subject,
        severity=severity,
        message=f"{subject} is gone",
        raised_at=NOW - DAY,
        seen_at=NOW,
        cleared_at=NOW if over else None,
    )


def test_plain_text_steers_hides_and_calls_nobody() -> None:
    text = plain("a\x1b[2J \u202eb\u202c @everyone <!here|x> `code`\nnext\U000e0041")
    assert not set(text) & set("\x1b\u202e@<>`\n\U000e0041")
    assert text.startswith("a\\u001b[2J")
    assert plain("a\nb", lines=True) == "a\nb"


def test_plain_text_keeps_what_scripts_need() -> None:
    assert plain("क्\u200dष 👩\u200d💻 “é” — ok") == "क्\u200dष 👩\u200d💻 “é” — ok"


def test_one_message_has_all_of_a_look_alarms_first() -> None:
    told = alarm_message(
        [standing("path", "warning"), standing("one")], [standing("two", over=True)], NOW, "x.db"
    )
    assert told.title == "GPTs catalog x.db: 1 alarm, 1 warning, 1 over"
    first, second, third = told.text.splitlines()
    assert first == "ALARM source_dead one: one is gone"
    assert second == "warning drift path: path is gone"
    assert third.startswith("over: source_dead two, raised 2026-06-09")
    assert [item["subject"] for item in told.items] == ["path", "one", "two"]
    assert told.items[2]["cleared_at"] == "2026-06-10T09:00:00Z"


def test_a_message_has_an_end() -> None:
    many = alarm_message([standing(str(n)) for n in range(LINES + 3)], [], NOW, "x.db")
    assert many.text.splitlines()[-1] == "and 3 more: gpts-catalog status"
    long = alarm_message([standing("x" * LONGEST)], [], NOW, "x.db")
    assert len(long.text) == LONGEST
