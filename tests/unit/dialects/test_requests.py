from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.dialects import DIALECTS, get_dialect
from catalog.dialects.gateway import SingleGet
from catalog.errors import SettingsError, UsageError
from tests.unit.dialects.builders import ASKED, ONE, TWO, source

SINGLE = {
    "gpts-v1": f"/v1/gpts/?id={ONE}",
    "gpts-v2": f"/v2/gpts/{ONE}",
    "mj-flat": f"/mj/gpts/info?id={ONE}",
}
"""What dialects that ask for one id a GET ask for."""


def test_every_dialect_of_one_id_a_get_is_tried() -> None:
    made = {name for name in DIALECTS if isinstance(get_dialect(source(name)), SingleGet)}
    assert made == SINGLE.keys()


@pytest.mark.parametrize("base", ["https://gateway.example", "https://gateway.example/"])
@pytest.mark.parametrize(("dialect", "path"), SINGLE.items())
def test_details_asks_one_id_by_get(base: str, dialect: str, path: str) -> None:
    request = get_dialect(source(dialect, base_url=base)).details([ONE])
    url = f"https://gateway.example{path}"
    assert (request.method, request.url, request.body) == ("GET", url, None)
    assert request.asked == (ONE,)


def test_details_by_path_leads_to_no_other_path() -> None:
    request = get_dialect(source("gpts-v2")).details(["a/../b?c"])
    assert request.url == "https://gateway.example/v2/gpts/a%2F..%2Fb%3Fc"


@pytest.mark.parametrize("dialect", SINGLE)
@pytest.mark.parametrize("ids", [[], [ONE, TWO]])
def test_details_by_get_takes_exactly_one_id(dialect: str, ids: list[str]) -> None:
    asking = get_dialect(source(dialect, batch_size=20))
    assert asking.batch_size == 1
    with pytest.raises(UsageError, match="one id at a time"):
        asking.details(ids)


@pytest.mark.parametrize(
    ("ids", "model", "content"),
    [([ONE], "get-gpts", ONE), ([ONE, TWO], "batch-get-gpts", f"{ONE},{TWO}")],
)
def test_chat_query_asks_one_or_a_batch(ids: list[str], model: str, content: str) -> None:
    asking = get_dialect(source("chat-query", batch_size=20, base_url="https://gateway.example/"))
    request = asking.details(ids)
    assert asking.batch_size == 20
    assert (request.method, request.url) == ("POST", "https://gateway.example/v1/chat/completions")
    assert request.asked == tuple(ids)
    assert json.loads(request.body or b"") == {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "stream": False,
    }


def test_chat_query_asks_at_the_configured_path() -> None:
    asking = get_dialect(source("chat-query", chat_path="/chat/completions"))
    assert asking.details([ONE]).url == "https://gateway.example/chat/completions"


@pytest.mark.parametrize(
    ("ids", "wrong"),
    [([], "nothing"), (["g-2,g-3"], "['g-2,g-3']"), ([ONE, "nonsense"], "['nonsense']")],
)
def test_chat_query_asks_for_ids_only(ids: list[str], wrong: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"cannot be asked for as ids: {wrong}")):
        get_dialect(source("chat-query")).details(ids)


@pytest.mark.parametrize(
    ("dialect", "path", "name"),
    [("gpts-v1", "/v1/gpts/search", "search"), ("gpts-v2", "/v2/gpts/search", "query")],
)
@given(query=st.text(st.characters(codec="utf-8"), min_size=1))
def test_search_encodes_any_query(dialect: str, path: str, name: str, query: str) -> None:
    request = get_dialect(source(dialect)).search(query)
    parts = urlsplit(request.url)
    assert (request.method, request.body) == ("GET", None)
    assert parts.path == path
    assert parse_qs(parts.query, keep_blank_values=True) == {name: [query]}
    assert parts.fragment == ""
    assert request.asked == ()


def test_search_over_chat_sends_the_query_as_the_message() -> None:
    request = get_dialect(source("chat-query")).search('翻译 "x"')
    body = json.loads(request.body or b"")
    assert body["model"] == "search-gpts"
    assert body["messages"] == [{"role": "user", "content": '翻译 "x"'}]


def test_mj_flat_cannot_search() -> None:
    with pytest.raises(UsageError, match="mj-flat has no search"):
        get_dialect(source("mj-flat")).search("x")


def test_recorded_cannot_be_asked() -> None:
    dialect = get_dialect(source("recorded", base_url=""))
    with pytest.raises(UsageError, match="import PATH"):
        dialect.details([ONE])
    with pytest.raises(UsageError, match="import PATH"):
        dialect.search("x")


@pytest.mark.parametrize("dialect", ASKED)
def test_details_needs_a_base_url(dialect: str) -> None:
    with pytest.raises(SettingsError, match=r"sources\.example has no base_url"):
        get_dialect(source(dialect, base_url="")).details([ONE])


def test_get_dialect_names_those_there_are() -> None:
    with pytest.raises(SettingsError, match=", ".join(DIALECTS)):
        get_dialect(source("gpts-v9"))
