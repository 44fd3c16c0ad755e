from __future__ import annotations

import copy
import html
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from catalog.storage import tables as t
from catalog.times import DAY, to_iso
from tests.laws.worlds import (
    SOURCES,
    START,
    document,
    file,
    keep,
    scratch,
    social,
    state_document,
    tool,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

Document = dict[str, Any]
PICTURE = "file-AbCdEfGhIjKlMnOpQrSt"


def whole() -> Document:
    """A document with something in every place that noise gets at."""
    return document(
        name="Tide & ebb",
        description='He said "high" <b>water</b>',
        starters=["When & where?", "How high?", "How low?"],
        categories=["other", "research"],
        picture_url=f"https://files.oaiusercontent.com/{PICTURE}?se=1&sig=one",
        tags=["public", "reportable", "first"],
        updated_at=to_iso(START - DAY),
        version=1,
        interactions=3,
        conversations="25K+",
        ago="3 months ago",
        ratings={"5": 7, "1": 0},
        user_id="user-one",
        author="Ann",
        socials=[social("github"), social("linkedin", 2)],
        tools=[
            tool("dalle"),
            tool("browser", 2),
            tool("plugins_prototype", 3, domain="a.test", json_schema={"a": 1, "b": [1]}),
        ],
        files=[file("a"), file("b", kind="text/html")],
        mime_types=["a/b", "c/d", "e/f"],
    )


def _shuffle(said: Document, rng: random.Random) -> None:
    gizmo = said["gizmo"]
    for items in (
        said["tools"],
        said["files"],
        gizmo["tags"],
        gizmo["display"]["categories"],
        gizmo["display"]["prompt_starters"],
        gizmo["author"]["display_socials"],
        said["product_features"]["attachments"]["accepted_mime_types"],
    ):
        rng.shuffle(items)


def _sign_again(said: Document, rng: random.Random) -> None:
    display = said["gizmo"]["display"]
    path = display["profile_picture_url"].partition("?")[0]
    display["profile_picture_url"] = f"{path}?se={rng.randrange(99)}&sig={rng.randrange(99)}"


def _host_again(said: Document, rng: random.Random) -> None:
    host = rng.choice(("https://pictures.gateway.test", "https://cdn.test/copies"))
    said["gizmo"]["display"]["profile_picture_url"] = f"{host}/{rng.randrange(99)}.png"


def _issue_again(said: Document, rng: random.Random) -> None:
    for item in (*said["tools"], *said["files"]):
        item["id"] = f"gzm_cnf_{rng.randrange(10**6)}~{item['id'].partition('~')[2]}"
    for item in said["tools"]:
        item["id"] = f"{item['id'].partition('~')[0]}~gzm_tool_{rng.randrange(10**6)}"
        if item["metadata"]:
            item["metadata"]["action_id"] = f"g-{rng.randrange(10**6):040x}"


def _escape(said: Document, _: random.Random) -> None:
    display = said["gizmo"]["display"]
    for name in ("name", "description"):
        display[name] = html.escape(display[name])
    display["prompt_starters"] = [html.escape(text) for text in display["prompt_starters"]]


def _count_on(said: Document, rng: random.Random) -> None:
    gizmo = said["gizmo"]
    gizmo["updated_at"] = to_iso(START + rng.randrange(DAY))
    gizmo["version"] = rng.randrange(99)
    gizmo["num_interactions"] = rng.randrange(99)
    gizmo["vanity_metrics"] |= {
        "num_conversations_str": rng.choice(("30K+", "", None)),
        "created_ago_str": "4 个月前",
        "review_stats": {"by_rating": {"5": rng.randrange(99)}},
    }


def _change_case(said: Document, _: random.Random) -> None:
    for item in said["tools"]:
        item["type"] = item["type"].upper()
    display = said["gizmo"]["display"]
    display["categories"] = [each.title() for each in display["categories"]]


def _write_schema_otherwise(said: Document, _: random.Random) -> None:
    for item in said["tools"]:
        if item["metadata"] and "json_schema" in item["metadata"]:
            del item["metadata"]["json_schema"]
            item["metadata"]["raw_spec"] = "b: [1]\na: 1\n"


def _leave_out(said: Document, rng: random.Random) -> None:
    gizmo = said["gizmo"]
    del gizmo[rng.choice(("display", "author", "tags", "vanity_metrics"))]
    del said[rng.choice(("tools", "files", "product_features"))]


NOISES: tuple[Callable[[Document, random.Random], None], ...] = (
    _shuffle,
    _sign_again,
    _host_again,
    _issue_again,
    _escape,
    _count_on,
    _change_case,
    _write_schema_otherwise,
)


def changes_after(engine: Engine, *noisy: Document) -> list[tuple[Any, ...]]:
    """The changes of a GPT whose document comes again and again, with noise in it."""
    said = [
        state_document(each, at=START + day * DAY, source=SOURCES[day % 2])
        for day, each in enumerate((whole(), *noisy, whole()))
    ]
    with scratch(engine) as conn:
        keep(conn, said)
        c = t.changes.c
        return [tuple(row) for row in conn.execute(select(c.field, c.old, c.new))]


@pytest.mark.parametrize("noise", [*NOISES, _leave_out])
def test_a_kind_of_noise_makes_no_change(
    engine: Engine, noise: Callable[[Document, random.Random], None]
) -> None:
    noisy = whole()
    noise(noisy, random.Random(5))
    assert noisy != whole()
    assert changes_after(engine, noisy) == [("status", None, '"listed"')]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10**6),
    chosen=st.lists(st.lists(st.sampled_from(NOISES)), min_size=1, max_size=3),
)
def test_any_noise_upon_noise_makes_no_change(
    engine: Engine, seed: int, chosen: list[list[Callable[[Document, random.Random], None]]]
) -> None:
    rng = random.Random(seed)
    noisy = []
    for noises in chosen:
        said = copy.deepcopy(whole())
        # Text is escaped once at most: escaped twice it is another text.
        for noise in dict.fromkeys(noises):
            noise(said, rng)
        noisy.append(said)
    assert changes_after(engine, *noisy) == [("status", None, '"listed"')]


def test_what_is_no_noise_is_a_change(engine: Engine) -> None:
    said = whole()
    said["gizmo"]["display"]["name"] = "Tide and ebb"
    assert changes_after(engine, said) == [
        ("status", None, '"listed"'),
        ("gizmo.display.name", '"Tide & ebb"', '"Tide and ebb"'),
        ("gizmo.display.name", '"Tide and ebb"', '"Tide & ebb"'),
    ]
