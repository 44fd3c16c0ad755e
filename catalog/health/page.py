"""``docs/monitoring.md``: how monitors and people are told, and every metric."""

from __future__ import annotations

from catalog.health.metrics import METRICS, PREFIX

_HEAD = """\
# Monitoring

The table below is made from `catalog/health/metrics.py` by `make docs`, the text from
`catalog/health/page.py`; do not edit.

Nothing of this needs anything but the catalog: what is wrong is told from its tables, by whoever
asks. [alarms](alarms.md) has every kind, when it is raised, and what to do.

## One line, one exit status

`gpts-catalog status` begins with a line that says all. `gpts-catalog status --check` prints that
line and the alarms, and ends with 0 if all is well or only warnings stand, 1 if an alarm stands, 4
if the catalog cannot be read. It reads by indexes alone, so it may be called every minute. A
harvest that is at work is named in the line, and so is one that was cut off (by `kill -9`, or as
the machine went down) as long as authors and mass events of what it brought are not counted: the
same command, given again, goes on with it and counts them. Where a scheduler was here and is no
more, the line says that in place of the next job. A scheduler that is dead cannot say so: let
something else than the scheduler call it, as cron, systemd's timers or the monitor of the machine.

## Prometheus

`gpts-catalog schedule --listen 127.0.0.1:9877`, or `listen` in `[metrics]` of the settings, serves
`/metrics`, and `/healthz`: HTTP 200 if all is well, 503 if an alarm stands or the catalog cannot be
read, and JSON with the line and the alarms. It listens where it is told, answers only to its own
name or an address in the `Host` header, has no other route, and cannot write. A look serves all who
ask within 10 seconds.

Where nothing listens, `gpts-catalog status --metrics > gpts_catalog.prom` writes the same for the
node exporter's textfile collector (write it to another name and rename it).

Alert on `gpts_catalog_well == 0`, on its absence, and where a textfile is collected on
`time() - gpts_catalog_looked_timestamp_seconds > 900`.

| metric | labels | what it says |
|---|---|---|
"""

_TAIL = """\

All are gauges; times are seconds since 1970, and what is not known has no sample.

## Notifications

```toml
[notify]
webhook_env = "EXAMPLE_WEBHOOK"   # the variable with the URL that takes JSON by POST
urls_env = "EXAMPLE_NOTIFY"       # the variable with Apprise's URLs, blanks between
on = ["alarm", "report", "watch"]
```

The addresses are secrets: they stand in the environment, and never in the file, a log, an error or
the catalog. The webhook gets one JSON object a message: `text` (whole, as chat services read it),
`kind` (`alarm`, `report` or `watch`), `title`, `at` and `items`, of alarms with `kind`, `subject`,
`severity`, `message`, `raised_at` and `cleared_at`. It is repeated up to three times where it may
help. Apprise (`pip install 'gpts-catalog[notify]'`) knows mail, chat services and some hundred
more.

Each alarm is told once when it is raised and once when it is over, all of a look in one message. If
no service takes a message it is told at the next look; that a service did not is an alarm of its
own, `notification`. What strangers wrote is sent as plain text: signs that steer, hide, or call
people are written as their likes.
"""


def monitoring_page() -> str:
    """``docs/monitoring.md``: the line, the metrics, the notifications."""
    rows = [
        f"| `{PREFIX}{metric.name}` | {', '.join(f'`{label}`' for label in metric.labels)} |"
        f" {metric.help} |"
        for metric in METRICS.values()
    ]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


PAGES = {"docs/monitoring.md": monitoring_page}
"""The pages that are made, and by what."""
