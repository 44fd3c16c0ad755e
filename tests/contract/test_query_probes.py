"""What is told of probes: of one GPT all of them, of all GPTs who began or ceased to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.query.doings import PROBING, Spent, spent
from catalog.query.people import users_called
from catalog.query.probes import Turn, history, turns
from catalog.storage.engine import read, write
from catalog.storage.probes import add_probe
from catalog.storage.runs import Run
from catalog.storage.sources import add_source
from tests.contract.telling import ID, day, document, probed_gpt, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

OTHER = "g-Other0000"


def ask(engine: Engine, gizmo_id: str, number: int, verdict: str, **more: Any) -> None:
    """Write down a probe of that day."""
    with write(engine) as conn:
        source = add_source(conn, "one", "recorded", day(1))
        add_probe(conn, probed_gpt(gizmo_id, source, day(number), verdict=verdict, **more))


def run(run_id: str, source: str, **more: Any) -> Run:
    """A run that is over."""
    usual: dict[str, Any] = dict.fromkeys(Run.__struct_fields__)
    return Run(**usual | {"run_id": run_id, "source": source, "command": "harvest"} | more)


@pytest.fixture
def probed(engine: Engine) -> Engine:
    """One GPT that ceased to answer and began again, and another that always did."""
    tell(engine, said(day(1), document()))
    for number, verdict in ((1, "answered"), (2, "silent"), (3, "denied"), (5, "answered")):
        ask(engine, ID, number, verdict)
        ask(engine, OTHER, number, "answered", question="What?")
    return engine


def test_probes_of_one_gpt_are_told_in_their_order(probed: Engine) -> None:
    with read(probed) as conn:
        found = history(conn, ID)
        assert history(conn, "g-Nobody000") == []

    assert [(each.at, each.verdict) for each in found] == [
        (day(1), "answered"),
        (day(2), "silent"),
        (day(3), "denied"),
        (day(5), "answered"),
    ]
    assert {(each.gizmo_id, each.source, each.question) for each in found} == {(ID, "one", "Who?")}


def test_turn_is_told_against_the_probe_before_that_told_something(probed: Engine) -> None:
    ceased = Turn(gizmo_id=ID, name="A name", at=day(2), before="answered", after="silent")
    began = Turn(gizmo_id=ID, name="A name", at=day(5), before="silent", after="answered")

    with read(probed) as conn:
        assert list(turns(conn, day(1), day(9))) == [ceased, began]
        assert list(turns(conn, day(3), day(9))) == [began]
        assert list(turns(conn, day(2), day(2))) == [ceased]
        assert list(turns(conn, day(6), day(9))) == []


def test_turn_of_a_gpt_without_a_document_has_no_name(engine: Engine) -> None:
    ask(engine, OTHER, 1, "malformed")
    ask(engine, OTHER, 2, "answered")

    with read(engine) as conn:
        (turn,) = turns(conn, day(1), day(9))

    assert (turn.gizmo_id, turn.name, turn.before) == (OTHER, None, "malformed")


def test_what_was_spent_is_told_by_source_and_probes_by_their_own_cost(engine: Engine) -> None:
    ask(engine, ID, 1, "answered", run_id="probing", prompt_tokens=5, cost=0.5)
    ask(engine, ID, 2, "answered", run_id="probing", completion_tokens=7)
    ask(engine, ID, 3, "answered", run_id="another", prompt_tokens=100, cost=9.0)
    runs = [
        run("a", "one", requests=3, cost=0.25),
        run("b", "one", requests=4, cost=None),
        run("c", "idle", requests=0, cost=1.0),
        run("probing", "one", command=PROBING, requests=2, cost=8.0),
        run("d", "two", requests=1, cost=None),
    ]

    with read(engine) as conn:
        assert spent(conn, runs) == (
            Spent(source="one", requests=9, probes=2, tokens=12, cost=0.75),
            Spent(source="two", requests=1, probes=0, tokens=0, cost=None),
        )
        assert spent(conn, runs[:3]) == (
            Spent(source="one", requests=7, probes=0, tokens=0, cost=0.25),
        )


def test_probes_that_cost_nothing_known_have_no_cost(engine: Engine) -> None:
    ask(engine, ID, 1, "answered", run_id="probing", prompt_tokens=5)

    with read(engine) as conn:
        (one,) = spent(conn, [run("probing", "one", command=PROBING, requests=1)])

    assert (one.probes, one.tokens, one.cost) == (1, 5, None)


def test_author_is_meant_by_the_id_or_by_a_name_that_was_ever_shown(engine: Engine) -> None:
    def by(user_id: str | None, name: str) -> dict[str, Any]:
        return {"user_id": user_id, "display_name": name, "display_socials": []}

    tell(
        engine,
        said(day(1), document(author=by("user-ann", "Ann"))),
        said(day(2), document(author=by("user-ann", "Anna"))),
        said(day(1), document(OTHER, author=by("user-bob", "Ann"))),
        said(day(1), document("g-Nobodys00", author=by(None, "Ann"))),
        said(day(1), document("g-Named0000", author=by("Anna", "Zoe"))),
    )

    with read(engine) as conn:
        assert users_called(conn, "Ann") == ["user-ann", "user-bob"]
        assert users_called(conn, "Anna") == ["Anna"]
        assert users_called(conn, "user-ann") == ["user-ann"]
        assert users_called(conn, "ann") == []
