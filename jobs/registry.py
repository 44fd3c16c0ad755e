"""All jobs, in the order in which they are listed, and run where several are owed at once."""

from __future__ import annotations

from jobs import backup, confirm, discover, export, probe, prune, refresh, report, verify
from jobs.declare import Job

JOBS: dict[str, Job] = {
    module.JOB.name: module.JOB
    for module in (discover, refresh, confirm, probe, verify, backup, export, prune, report)
}
