"""``docs/alarms.md``, made from the declarations."""

from __future__ import annotations

from catalog.alarms.kinds import KINDS

_HEAD = """\
# Alarms

Made from `catalog/alarms/kinds.py` by `make docs`; do not edit.

`gpts-catalog status` begins with one line that says all; `gpts-catalog status --check` ends with
status 1 if an alarm stands, and with 0 where all is well or only warnings stand. After each run of
a job, and now and then between, the scheduler looks, writes into the table `alarms` what is raised
and what is over, and tells whom `[notify]` names: once when it is raised, once when it is over. A
standing alarm is not told again. What hovers about its threshold is over only after some quiet
hours. The page [monitoring](monitoring.md) has the metrics and how to be told.
"""


def alarms_page() -> str:
    """``docs/alarms.md``: every kind of alarm, when it is raised, and what to do."""
    lines = [_HEAD]
    for severity, title in (("alarm", "Alarms: somebody is needed"), ("warning", "Warnings")):
        lines += [f"## {title}", ""]
        for kind in KINDS.values():
            if kind.severity == severity:
                lines += [
                    f"### `{kind.name}`",
                    "",
                    kind.means,
                    "",
                    f"*Raised:* {kind.raised}",
                    "",
                    f"*What to do:* {kind.todo}",
                    "",
                ]
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"docs/alarms.md": alarms_page}
"""The pages that are made, and by what."""
