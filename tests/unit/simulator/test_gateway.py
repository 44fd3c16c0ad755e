"""The simulated gateway speaks every dialect in every wrapping, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from catalog.simulator import START, Mount, Population, RunningGateway, running_gateway
from catalog.times import DAY, HOUR, from_iso, to_iso

UNKNOWN = "g-000000000"


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(31, 120)


@pytest.fixture(scope="module")
def gateway(population: Population) -> Iterator[RunningGateway]:
    with running_gateway(population) as running:
        yield running


@pytest.fixture(autouse=True)
def _clock_at_start(gateway: RunningGateway) -> None:
    gateway.clock.set(START)


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    with httpx.Client(headers=headers, trust_env=False, timeout=5) as client:
        yield client


@pytest.fixture(scope="module")
def gizmo_id(population: Population) -> str:
    return next(each for each in population.ids() if population.exists(each, START))


@pytest.fixture(scope="module")
def vanished(population: Population) -> str:
    return next(each for each in population.ids() if not population.exists(each, START))


def _chat(
    client: httpx.Client, base_url: str, model: str, text: str, *, stream: bool = False
) -> httpx.Response:
    question = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": stream,
    }
    return client.post(f"{base_url}/v1/chat/completions", json=question)


def _fenced(answer: httpx.Response) -> Any:
    content = answer.json()["choices"][0]["message"]["content"]
    assert content.startswith(("```json\n{", "```json\n["))
    assert content.endswith("\n```")
    return json.loads(content.removeprefix("```json").removesuffix("```"))


@pytest.mark.parametrize("path", ["v1/gpts/?id={}", "v2/gpts/{}"])
def test_plain_answers_hold_the_document_in_data(
    client: httpx.Client,
    gateway: RunningGateway,
    population: Population,
    gizmo_id: str,
    path: str,
) -> None:
    answer = client.get(f"{gateway.url('plain')}/{path.format(gizmo_id)}").json()
    assert (answer["code"], answer["msg"]) == (0, "ok")
    assert answer["data"] == population.document(gizmo_id, START)


@pytest.mark.parametrize("path", ["v1/gpts/?id={}", "v2/gpts/{}"])
def test_info_answers_come_from_a_cache_that_names_its_time(
    client: httpx.Client,
    gateway: RunningGateway,
    population: Population,
    gizmo_id: str,
    path: str,
) -> None:
    url = f"{gateway.url(Mount.INFO)}/{path.format(gizmo_id)}"
    said = []
    for _ in range(8):
        data = client.get(url).json()["data"]
        at = from_iso(data["@timestamp"])
        assert data["info"] == population.document(gizmo_id, at)
        assert set(data["stat"]) == {"read", "favorite", "use"}
        assert gateway.clock.now() - 6 * HOUR < at <= gateway.clock.now()
        said.append(at)
        gateway.clock.advance(HOUR)
    assert len(set(said)) == 2


def test_bare_answers_are_the_document(
    client: httpx.Client, gateway: RunningGateway, population: Population, gizmo_id: str
) -> None:
    answer = client.get(f"{gateway.url('/bare')}/v2/gpts/{gizmo_id}")
    assert answer.json() == population.document(gizmo_id, START)


def test_flat_answers_hold_the_main_fields(
    client: httpx.Client, gateway: RunningGateway, population: Population, gizmo_id: str
) -> None:
    answer = client.get(f"{gateway.url('mj')}/mj/gpts/info", params={"id": gizmo_id}).json()
    document = population.document(gizmo_id, START)
    assert document is not None
    assert answer["id"] == gizmo_id
    assert answer["name"] == document["gizmo"]["display"]["name"]
    assert sorted(answer["tools"]) == sorted(tool["type"] for tool in document["tools"])
    assert answer["created_at"].endswith("Z")


def test_chat_answers_hold_the_document_in_a_fence(
    client: httpx.Client, gateway: RunningGateway, population: Population, gizmo_id: str
) -> None:
    answer = _chat(client, gateway.url("chat"), "get-gpts", gizmo_id)
    assert answer.json()["object"] == "chat.completion"
    assert _fenced(answer) == population.document(gizmo_id, START)


def test_batches_come_as_an_array_or_as_an_object_without_the_unknown(
    client: httpx.Client, gateway: RunningGateway, population: Population
) -> None:
    ids = [each for each in population.ids() if population.exists(each, START)][:3]
    text = ",".join([*ids, UNKNOWN])
    array = _fenced(_chat(client, gateway.url("chat"), "batch-get-gpts", text))
    assert [document["gizmo"]["id"] for document in array] == ids
    by_id = _fenced(_chat(client, gateway.url("chat-object"), "batch-get-gpts", text))
    assert set(by_id) == set(ids)
    assert by_id[ids[0]] == array[0]


@pytest.mark.parametrize("mount", list(Mount))
def test_unknown_and_vanished_gpts_are_not_found(
    client: httpx.Client, gateway: RunningGateway, mount: Mount, vanished: str
) -> None:
    for gizmo_id in (UNKNOWN, vanished):
        if mount.is_chat:
            answer = _chat(client, gateway.url(mount), "get-gpts", gizmo_id)
        elif mount is Mount.MJ:
            answer = client.get(f"{gateway.url(mount)}/mj/gpts/info?id={gizmo_id}")
        else:
            answer = client.get(f"{gateway.url(mount)}/v2/gpts/{gizmo_id}")
        if mount.has_envelope:
            assert answer.status_code == 200
            assert answer.json()["code"] != 0
            assert "not found" in answer.json()["msg"]
        else:
            assert answer.status_code == 404
            assert "not found" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["v1/gpts/search?search={}", "v2/gpts/search?query={}", "v1/gpts/?keyword={}"]
)
def test_searches_name_gpts_with_links(
    client: httpx.Client,
    gateway: RunningGateway,
    population: Population,
    gizmo_id: str,
    path: str,
) -> None:
    document = population.document(gizmo_id, START)
    assert document is not None
    name = document["gizmo"]["display"]["name"]
    word = name.split()[0]
    found = client.get(f"{gateway.url('plain')}/{path.format(word)}").json()["data"]
    assert 0 < len(found) <= 10
    assert all(word.casefold() in item["title"].casefold() for item in found)
    assert all(item["link"].split("/g/")[1].startswith(item["id"]) for item in found)
    assert all(population.exists(item["id"], START) for item in found)


def test_searches_find_gpts_born_since(
    client: httpx.Client, gateway: RunningGateway, population: Population
) -> None:
    gateway.clock.set(START + 5 * DAY)
    new = {gizmo_id for gizmo_id, _ in population.born(START, START + 5 * DAY)}
    answer = client.get(f"{gateway.url('plain')}/v2/gpts/search?query=")
    assert new & {item["id"] for item in answer.json()["data"]}


def test_chat_searches_answer_in_prose(client: httpx.Client, gateway: RunningGateway) -> None:
    answer = _chat(client, gateway.url("chat"), "search-gpts", "a").json()
    text = answer["choices"][0]["message"]["content"]
    assert "https://chat.openai.com/g/g-" in text
    nothing = _chat(client, gateway.url("chat"), "search-gpts", "qqqqqq").json()
    assert "/g/" not in nothing["choices"][0]["message"]["content"]


def test_gpts_answer_probes_and_unknown_ones_have_no_channel(
    client: httpx.Client, gateway: RunningGateway, gizmo_id: str
) -> None:
    base_url = gateway.url("chat")
    answer = _chat(client, base_url, f"gpt-4-gizmo-{gizmo_id}", "hello")
    assert "Hello" in answer.json()["choices"][0]["message"]["content"]
    events = _chat(client, base_url, f"gpt-4-gizmo-{gizmo_id}", "hello", stream=True).text
    assert events.rstrip().endswith("data: [DONE]")
    assert _chat(client, base_url, f"gpt-4-gizmo-{UNKNOWN}", "hello").status_code == 503
    assert _chat(client, base_url, "no-such-model", "hello").json()["error"]["code"] == (
        "model_not_found"
    )


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong-key"}])
def test_a_wrong_key_is_refused(
    gateway: RunningGateway, gizmo_id: str, headers: dict[str, str]
) -> None:
    answer = httpx.get(
        f"{gateway.url('plain')}/v2/gpts/{gizmo_id}", headers=headers, trust_env=False
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "one_api_error"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/plain/v3/gpts"),
        ("POST", "/plain/v2/gpts/x"),
        ("GET", "/chat/v2/gpts/x"),
        ("GET", "/mj/v2/gpts/x"),
        ("GET", "/nothing/here"),
    ],
)
def test_other_paths_do_not_exist(
    client: httpx.Client, gateway: RunningGateway, method: str, path: str
) -> None:
    answer = client.request(method, gateway.root + path)
    assert answer.status_code == 404
    assert "detail" not in answer.json()


def test_a_chat_question_without_a_model_is_refused(
    client: httpx.Client, gateway: RunningGateway
) -> None:
    answer = client.post(f"{gateway.url('chat')}/v1/chat/completions", content=b"[]")
    assert answer.status_code == 400


def test_the_same_question_gives_the_same_bytes_until_the_clock_moves(
    client: httpx.Client, gateway: RunningGateway, gizmo_id: str
) -> None:
    url = f"{gateway.url('plain')}/v2/gpts/{gizmo_id}"
    first = client.get(url).content
    assert client.get(url).content == first
    with running_gateway(Population(31, 120)) as other:
        headers = {"Authorization": f"Bearer {other.key}"}
        again = httpx.get(
            f"{other.url('plain')}/v2/gpts/{gizmo_id}", headers=headers, trust_env=False
        )
    assert again.content == first
    gateway.clock.advance(DAY)
    assert client.get(url).content != first


def test_more_questions_than_the_rate_limit_get_an_empty_429(
    population: Population, gizmo_id: str
) -> None:
    with running_gateway(population, rate_limit=5) as limited:
        headers = {"Authorization": f"Bearer {limited.key}"}
        with httpx.Client(headers=headers, trust_env=False) as client:
            url = f"{limited.url('plain')}/v2/gpts/{gizmo_id}"
            answers = [client.get(url) for _ in range(30)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 15 < len(refused) < 30
        assert {answer.content for answer in refused} == {b""}
        assert "retry-after" not in refused[0].headers
        assert limited.stats["rate_limited"] == len(refused)


def test_the_clock_is_read_and_moved_over_http(gateway: RunningGateway) -> None:
    with httpx.Client(trust_env=False) as client:
        url = gateway.clock_url
        assert client.get(url).json() == {"now": to_iso(START)}
        moved = client.post(url, json={"advance_seconds": 90})
        assert moved.json() == {"now": "2026-01-01T00:01:30Z"}
        assert client.post(url, json={"now": "2026-02-03"}).json() == {
            "now": "2026-02-03T00:00:00Z"
        }
        for wrong in (
            {},
            {"now": "soon"},
            {"advance": 1},
            {"now": "2026-02-03", "advance_seconds": 1},
        ):
            assert client.post(url, json=wrong).status_code == 400
        assert client.get(url).json() == {"now": "2026-02-03T00:00:00Z"}


def test_truth_and_counts_are_told_over_http(
    client: httpx.Client,
    gateway: RunningGateway,
    population: Population,
    gizmo_id: str,
    vanished: str,
) -> None:
    before = gateway.stats["attempts"].get(gizmo_id, 0)
    client.get(f"{gateway.url('plain')}/v2/gpts/{gizmo_id}")
    control = f"{gateway.root}/_sim"
    told = client.get(f"{control}/truth", params={"ids": f"{gizmo_id},{vanished}"}).json()
    assert told == {gizmo_id: "document", vanished: "not_found"}
    every = client.get(f"{control}/truth?ids=all&mount=/info").json()
    assert set(every) >= set(population.ids())
    stats = client.get(f"{control}/stats?attempts=1").json()
    assert stats["attempts"][gizmo_id] == before + 1
    assert "attempts" not in client.get(f"{control}/stats").json()
    assert client.get(f"{control}/nothing").status_code == 400
    assert client.get(f"{control}/truth?mount=nowhere").status_code == 400
