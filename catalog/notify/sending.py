"""Delivers a message to whom ``[notify]`` names. Never raises for a service's sake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from catalog.notify.apprised import deliver_apprise
from catalog.notify.webhook import deliver_webhook
from catalog.secrets import MIN_LENGTH, Redactor
from catalog.settings import known_secrets

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from catalog.notify.messages import Message
    from catalog.settings import Settings
    from catalog.times import Clock


class Undelivered(msgspec.Struct, frozen=True, kw_only=True):
    """A service that did not take a message.

    Attributes:
        service: ``webhook`` or ``apprise``.
        why: for people, without addresses.
    """

    service: str
    why: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """How a message went.

    Attributes:
        services: those that were to take it; none where nobody wants this kind of news.
        undelivered: those that did not.
    """

    services: tuple[str, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()

    @property
    def told(self) -> bool:
        """Whether somebody was told: no service is then given the same again."""
        return len(self.undelivered) < len(self.services)


def send(
    message: Message,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock,
    rng: random.Random,
) -> Sent:
    """Tell people, if they want this kind of news; each service gets the message once.

    Args:
        message: what.
        settings: whom, and of what they want to be told.
        environ: holds the addresses, which are secrets.
        clock: the clock.
        rng: for the pauses between attempts.
    """
    wanted = settings.notify
    if message.kind not in wanted.on:
        return Sent()
    secrets = known_secrets(settings, environ)
    redactor = Redactor([each for each in secrets if len(each) >= MIN_LENGTH])
    message = msgspec.structs.replace(
        message,
        title=redactor.text(message.title),
        text=redactor.text(message.text),
        items=msgspec.json.decode(
            redactor.bytes(msgspec.json.encode(message.items))[0],
            type=tuple[dict[str, object], ...],
        ),
    )

    def to_webhook(url: str) -> str | None:
        return deliver_webhook(message, url, clock, rng)

    def to_apprise(urls: str) -> str | None:
        return deliver_apprise(message, urls)

    ways: tuple[tuple[str, str | None, Callable[[str], str | None]], ...] = (
        ("webhook", wanted.webhook_env, to_webhook),
        ("apprise", wanted.urls_env, to_apprise),
    )
    services, undelivered = [], []
    for service, variable, deliver in ways:
        if variable is None:
            continue
        services.append(service)
        address = environ.get(variable, "").strip()
        why = (
            deliver(address)
            if address
            else f"the environment variable {variable} is not set; [notify] names it"
        )
        if why is not None:
            undelivered.append(Undelivered(service=service, why=redactor.text(why)))
    return Sent(services=tuple(services), undelivered=tuple(undelivered))
