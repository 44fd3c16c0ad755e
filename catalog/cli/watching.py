"""What a scheduler does beside its jobs: looks whether all is well, tells people, serves it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from catalog.cli.context import App
from catalog.cli.text import harmless

if TYPE_CHECKING:
    from catalog.health import Watch
    from catalog.working import PlannedJob


def make_watch(command: App, jobs: Mapping[str, PlannedJob]) -> Watch:
    """What looks after each run whether all is well, and tells people."""
    from catalog.health import Watch

    return Watch(
        settings=command.settings,
        environ=command.environ,
        clock=command.clock,
        rng=command.rng,
        jobs=list(jobs.values()),
        out=lambda text: command.out.note(harmless(text)),
    )


def serve(command: App, stack: ExitStack, watch: Watch, listen: str | None) -> None:
    """Look now and then, and tell whoever asks over HTTP, until ``stack`` is left.

    Args:
        command: the settings, and where notes go.
        stack: ends it.
        watch: what looks.
        listen: ``--listen``; None goes by ``[metrics] listen``.

    Raises:
        UsageError: it cannot listen there.
    """
    from catalog.health import Looks, listen_address, serve_health

    stack.enter_context(watch.now_and_then())
    said, where = command.settings.metrics.listen, "[metrics] listen"
    if listen is not None:
        said, where = listen, "--listen"
    if said is not None:
        looks = Looks(watch.settings, watch.clock, watch.jobs)
        at = stack.enter_context(serve_health(listen_address(said, where), looks))
        command.out.note(f"serving /metrics and /healthz on {at.host} port {at.port}")
