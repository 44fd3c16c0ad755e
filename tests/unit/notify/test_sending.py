from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from catalog.notify import Message, Sent, send
from catalog.notify import webhook as webhooks
from catalog.settings import NotifySettings, Settings, SourceSettings, known_secrets
from catalog.times import FixedClock, from_iso
from tests.unit.notify.hooks import Hook, running_hook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.settings.work import NewsName

NOW = from_iso("2026-06-10T09:00:00Z")
KEY = "sk-0123456789abcdef"
TOKEN = "token-0123456789"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    quick = msgspec.structs.replace(webhooks.HOOK, backoff_base=0.001, backoff_max=0.001)
    monkeypatch.setattr(webhooks, "HOOK", quick)
    with running_hook() as running:
        yield running


def news(kind: NewsName = "alarm", text: str = "it is gone") -> Message:
    return Message(kind=kind, title="A title", text=text, at=NOW, items=({"key": text},))


def told(
    message: Message, *, webhook: str | None = None, urls: str | None = None, **more: object
) -> Sent:
    environ = {"HOOK": webhook, "URLS": urls, "EXAMPLE_KEY": KEY}
    settings = Settings(
        sources={"one": SourceSettings(name="one", dialect="gpts-v2", api_key_env="EXAMPLE_KEY")},
        notify=NotifySettings(
            webhook_env="HOOK" if webhook is not None else None,
            urls_env="URLS" if urls is not None else None,
            **more,  # type: ignore[arg-type]
        ),
    )
    return send(
        message,
        settings,
        {name: value for name, value in environ.items() if value},
        clock=FixedClock(NOW),
        rng=random.Random(1),
    )


def test_webhook_gets_one_json_object(hook: Hook) -> None:
    sent = told(news(), webhook=f"{hook.url}/{TOKEN}")
    assert (sent.services, sent.undelivered, sent.told) == (("webhook",), (), True)
    assert hook.paths == [f"/{TOKEN}"]
    assert hook.came == [
        {
            "text": "A title\nit is gone",
            "kind": "alarm",
            "title": "A title",
            "at": "2026-06-10T09:00:00Z",
            "items": [{"key": "it is gone"}],
        }
    ]


def test_webhook_is_asked_again_where_that_may_help(hook: Hook) -> None:
    hook.answers = [503, 429]
    assert told(news(), webhook=hook.url).told
    assert len(hook.came) == 3


def test_webhook_that_refuses_is_asked_once_and_its_address_is_kept_secret(hook: Hook) -> None:
    hook.answers = [403] * 9
    sent = told(news(), webhook=f"{hook.url}/{TOKEN}")
    assert (len(hook.came), sent.told) == (1, False)
    assert [each.why for each in sent.undelivered] == ["the webhook answered HTTP 403"]


def test_webhook_that_is_away_says_so_without_its_address() -> None:
    with running_hook() as gone:
        url = f"{gone.url}/{TOKEN}"
    (undelivered,) = told(news(), webhook=url).undelivered
    assert undelivered.service == "webhook"
    assert "no connection" in undelivered.why
    assert TOKEN not in undelivered.why
    assert url not in undelivered.why


@pytest.mark.parametrize("address", ["ftp://host/x", "no address", "http://[bad"])
def test_webhook_without_an_address_says_so(address: str) -> None:
    (undelivered,) = told(news(), webhook=address).undelivered
    assert "no http:// or https:// URL" in undelivered.why
    assert address not in undelivered.why


def test_a_variable_that_is_not_set_is_named() -> None:
    (undelivered,) = told(news(), webhook="").undelivered
    assert "HOOK is not set" in undelivered.why


def test_secrets_are_in_no_message(hook: Hook) -> None:
    told(news(text=f"the key {KEY} of {hook.url}/{TOKEN}"), webhook=f"{hook.url}/{TOKEN}")
    (came,) = hook.came
    assert KEY not in str(came)
    assert TOKEN not in str(came)
    assert came["items"]


def test_nobody_is_told_what_nobody_wants(hook: Hook) -> None:
    assert told(news("report"), webhook=hook.url) == Sent()
    assert told(news("report"), webhook=hook.url, on=("report",)).told
    assert told(news()) == Sent()
    assert not Sent().told
    assert len(hook.came) == 1


# Apprise loads all its plugins, and those what Python is about to drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_apprise_takes_every_url_and_says_which_fails(hook: Hook) -> None:
    place = hook.url.removeprefix("http://")
    sent = told(news(), urls=f"json://{place}/one nonsense://x json://{place}/three")
    assert [came["message"] for came in hook.came] == ["it is gone"] * 2
    assert hook.paths == ["/one", "/three"]
    (undelivered,) = sent.undelivered
    assert undelivered.why == "URL 2 of the list is none that Apprise knows"
    hook.answers = [500]
    (undelivered,) = told(news(), urls=f"json://{place}/{TOKEN}").undelivered
    assert undelivered.why == "the service of URL 1 of the list did not take it"


def test_apprise_that_is_not_installed_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    (undelivered,) = told(news(), urls="json://127.0.0.1").undelivered
    assert "gpts-catalog[notify]" in undelivered.why


def test_one_service_that_takes_it_is_enough_not_to_tell_it_again(hook: Hook) -> None:
    sent = told(news(), webhook=hook.url, urls="")
    assert sent.told
    assert [each.service for each in sent.undelivered] == ["apprise"]


def test_addresses_of_notifications_are_known_secrets() -> None:
    settings = Settings(notify=NotifySettings(webhook_env="HOOK", urls_env="URLS"))
    secrets = known_secrets(
        settings, {"HOOK": "https://host/T0/token", "URLS": "mail://u:passw0rd@host json://h2/x"}
    )
    assert {"https://host/T0/token", "host/T0/token", "T0/token", "passw0rd", "json://h2/x"} <= set(
        secrets
    )
