"""Each fault does what it says, and the plan knows how it ends."""

from __future__ import annotations

import gzip
import json
import socket
from collections import Counter
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import pytest

from catalog.errors import UsageError
from catalog.records import Verdict
from catalog.simulator import (
    ALL_KINDS,
    EFFECTS,
    START,
    FaultKind,
    FaultPlan,
    FaultTimes,
    Mount,
    Population,
    RunningGateway,
    running_gateway,
)

TIMES = FaultTimes(hang=0.3, drip=0.05, bomb=2**20, endless=2**22)
IDS = [f"g-{number:09d}" for number in range(3000)]


def _always(kind: FaultKind) -> FaultPlan:
    return FaultPlan(1, 1.0, [kind], permanent=1.0)


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(41, 60)


@pytest.fixture(scope="module")
def gizmo_id(population: Population) -> str:
    return next(each for each in population.ids() if population.exists(each, START))


@pytest.fixture(scope="module")
def gateway(population: Population) -> Iterator[RunningGateway]:
    with running_gateway(population, times=TIMES) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {gateway.key}"}
    with httpx.Client(headers=headers, trust_env=False, timeout=2) as client:
        yield client
    gateway.gateway.misbehave_as(None)


class Asker:
    """Asks the gateway for one GPT while it misbehaves in one way."""

    def __init__(self, gateway: RunningGateway, client: httpx.Client, gizmo_id: str) -> None:
        self.gateway = gateway
        self.client = client
        self.url = f"{gateway.url('plain')}/v2/gpts/{gizmo_id}"

    def __call__(self, kind: FaultKind) -> httpx.Response:
        self.gateway.gateway.misbehave_as(_always(kind))
        return self.client.get(self.url)


@pytest.fixture
def ask(gateway: RunningGateway, client: httpx.Client, gizmo_id: str) -> Asker:
    return Asker(gateway, client, gizmo_id)


@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.HANG])
def test_a_connection_ends_without_a_byte(ask: Asker, kind: FaultKind) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        ask(kind)


@pytest.mark.parametrize("kind", [FaultKind.SHORT_BODY, FaultKind.SLOW_DRIP, FaultKind.ENDLESS])
def test_a_body_ends_in_the_middle(ask: Asker, kind: FaultKind) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        ask(kind)


def test_an_endless_body_goes_on_beyond_any_limit(ask: Asker) -> None:
    ask.gateway.gateway.misbehave_as(_always(FaultKind.ENDLESS))
    size = 0
    with ask.client.stream("GET", ask.url) as response:
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > 2**20:
                break
    assert size > 2**20


def test_a_length_too_small_cuts_the_body(ask: Asker) -> None:
    answer = ask(FaultKind.WRONG_LENGTH)
    assert len(answer.content) == int(answer.headers["content-length"])
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_more_than_the_claimed_length_is_sent(gateway: RunningGateway, gizmo_id: str) -> None:
    gateway.gateway.misbehave_as(_always(FaultKind.WRONG_LENGTH))
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as connection:
        connection.sendall(
            f"GET /plain/v2/gpts/{gizmo_id} HTTP/1.1\r\nHost: here\r\n"
            f"Authorization: Bearer {gateway.key}\r\n\r\n".encode()
        )
        received = b""
        while part := connection.recv(65536):
            received += part
    gateway.gateway.misbehave_as(None)
    head, _, body = received.partition(b"\r\n\r\n")
    claimed = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    assert 0 < claimed < len(body)


def test_bad_gzip_cannot_be_decoded(ask: Asker) -> None:
    with pytest.raises(httpx.DecodingError):
        ask(FaultKind.BAD_GZIP)


def test_a_zip_bomb_is_small_and_grows(ask: Asker) -> None:
    ask.gateway.gateway.misbehave_as(_always(FaultKind.ZIP_BOMB))
    with ask.client.stream("GET", ask.url) as response:
        sent = b"".join(response.iter_raw())
    assert len(sent) < 10_000
    assert len(gzip.decompress(sent)) == TIMES.bomb


def test_throttling_comes_in_three_forms(ask: Asker) -> None:
    empty = ask(FaultKind.THROTTLED)
    assert (empty.status_code, empty.content) == (429, b"")
    assert "retry-after" not in empty.headers
    seconds = ask(FaultKind.THROTTLED_SECONDS)
    assert (seconds.status_code, seconds.headers["retry-after"]) == (429, "1")
    dated = ask(FaultKind.THROTTLED_DATE)
    until = parsedate_to_datetime(dated.headers["retry-after"])
    assert (until - parsedate_to_datetime(dated.headers["date"])).total_seconds() == 1


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        (FaultKind.NO_CHANNEL, 503, "无可用渠道"),
        (FaultKind.SERVER_ERROR, 500, "Internal Server Error"),
        (FaultKind.BAD_KEY, 401, "无效的令牌"),
        (FaultKind.KEY_QUOTA, 401, "额度已用尽"),
        (FaultKind.ACCOUNT_QUOTA, 403, "insufficient_user_quota"),
    ],
)
def test_errors_have_the_shapes_of_their_family(
    ask: Asker, kind: FaultKind, status: int, words: str
) -> None:
    answer = ask(kind)
    assert answer.status_code == status
    assert words in answer.text
    assert answer.json()["error"]["message"]


def test_a_web_page_comes_with_success(ask: Asker) -> None:
    answer = ask(FaultKind.HTML)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")


def test_a_redirect_leads_to_another_host(ask: Asker) -> None:
    answer = ask(FaultKind.REDIRECT)
    assert answer.status_code == 302
    assert httpx.URL(answer.headers["location"]).host not in {"127.0.0.1", "localhost"}


def test_json_is_cut_though_the_body_is_whole(ask: Asker) -> None:
    answer = ask(FaultKind.CUT_JSON)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_the_document_of_another_gpt_is_sent(
    ask: Asker, gizmo_id: str, population: Population
) -> None:
    other = ask(FaultKind.OTHER_ID).json()["data"]["gizmo"]["id"]
    assert other != gizmo_id
    assert population.exists(other, START)
    assert ask(FaultKind.OTHER_ID).json()["data"]["gizmo"]["id"] == other


@pytest.mark.parametrize("mount", list(Mount))
def test_a_success_holds_no_document(
    gateway: RunningGateway, client: httpx.Client, gizmo_id: str, mount: Mount
) -> None:
    gateway.gateway.misbehave_as(_always(FaultKind.NULL_DATA))
    if mount.is_chat:
        question = {"model": "get-gpts", "messages": [{"role": "user", "content": gizmo_id}]}
        answer = client.post(f"{gateway.url(mount)}/v1/chat/completions", json=question)
    elif mount is Mount.MJ:
        answer = client.get(f"{gateway.url(mount)}/mj/gpts/info?id={gizmo_id}")
    else:
        answer = client.get(f"{gateway.url(mount)}/v2/gpts/{gizmo_id}")
    assert answer.status_code == 200
    assert gizmo_id not in answer.text


def test_new_fields_stand_beside_the_known_ones(ask: Asker, gizmo_id: str) -> None:
    data = ask(FaultKind.NEW_FIELD).json()["data"]
    assert data["gizmo"]["id"] == gizmo_id
    assert data["gizmo"]["invented_score"] == 7


def test_bytes_that_are_no_utf8_stand_in_a_document(ask: Asker, gizmo_id: str) -> None:
    answer = ask(FaultKind.INVALID_UTF8)
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()
    readable = json.loads(answer.content.decode(errors="ignore"))
    assert readable["data"]["gizmo"]["id"] == gizmo_id


def test_what_happens_to_documents_alone_spares_not_found(
    gateway: RunningGateway, client: httpx.Client
) -> None:
    gateway.gateway.misbehave_as(_always(FaultKind.OTHER_ID))
    answer = client.get(f"{gateway.url('plain')}/v2/gpts/g-000000000")
    assert answer.json()["msg"] == "gpts not found"
    assert gateway.gateway.truth(["g-000000000"]) == {"g-000000000": Verdict.NOT_FOUND}


def test_a_passing_fault_passes(
    gateway: RunningGateway, client: httpx.Client, gizmo_id: str
) -> None:
    plan = FaultPlan(1, 1.0, [FaultKind.SERVER_ERROR], permanent=0.0)
    fault = plan.for_id(gizmo_id)
    assert fault is not None
    assert fault.failures is not None
    gateway.gateway.misbehave_as(plan)
    url = f"{gateway.url('plain')}/v2/gpts/{gizmo_id}"
    statuses = [client.get(url).status_code for _ in range(5)]
    assert statuses == [500] * fault.failures + [200] * (5 - fault.failures)
    assert plan.expected(gizmo_id) is Verdict.DOCUMENT


def test_faults_are_set_over_http(
    gateway: RunningGateway, client: httpx.Client, gizmo_id: str
) -> None:
    url = f"{gateway.root}/_sim/faults"
    order = {"share": 1, "kinds": ["html"], "permanent": 1}
    assert client.post(url, json=order).json()["kinds"] == ["html"]
    assert client.get(f"{gateway.url('plain')}/v2/gpts/{gizmo_id}").text.startswith("<")
    told = client.get(f"{gateway.root}/_sim/truth?ids={gizmo_id}").json()
    assert told == {gizmo_id: "malformed"}
    assert client.post(url, json={"share": 0}).status_code == 200
    assert client.get(f"{gateway.url('plain')}/v2/gpts/{gizmo_id}").json()["code"] == 0
    for wrong in (
        {},
        {"share": 2},
        {"share": 1, "kinds": ["earthquake"]},
        {"share": 1, "kinds": []},
    ):
        assert client.post(url, json=wrong).status_code == 400


def test_a_batch_leaves_out_what_would_fail(
    gateway: RunningGateway, client: httpx.Client, gizmo_id: str
) -> None:
    gateway.gateway.misbehave_as(_always(FaultKind.RESET))
    question = {"model": "batch-get-gpts", "messages": [{"role": "user", "content": gizmo_id}]}
    answer = client.post(f"{gateway.url('chat')}/v1/chat/completions", json=question)
    assert "[]" in answer.json()["choices"][0]["message"]["content"]


def test_a_plan_follows_from_its_seed() -> None:
    plan, same, other = FaultPlan(1, 0.3), FaultPlan(1, 0.3), FaultPlan(2, 0.3)
    assert [plan.for_id(each) for each in IDS] == [same.for_id(each) for each in IDS]
    assert [plan.for_id(each) for each in IDS] != [other.for_id(each) for each in IDS]


def test_a_mix_holds_all_kinds_and_few_slow_ones() -> None:
    plan = FaultPlan(3, 0.3)
    ids = [f"{gizmo_id}{turn}" for gizmo_id in IDS for turn in range(8)]
    kinds = Counter(fault.kind for each in ids if (fault := plan.for_id(each)))
    assert set(kinds) == set(ALL_KINDS) == set(EFFECTS)
    assert 0.28 < kinds.total() / len(ids) < 0.32
    slow = kinds[FaultKind.HANG] + kinds[FaultKind.SLOW_DRIP] + kinds[FaultKind.ENDLESS]
    assert slow < kinds.total() / 40


def test_in_a_mix_refusals_of_the_key_are_rare_and_pass() -> None:
    plan = FaultPlan(3, 1.0)
    ids = [f"{gizmo_id}{turn}" for gizmo_id in IDS for turn in range(4)]
    faults = [fault for each in ids if (fault := plan.for_id(each)) and fault.effect.refuses]
    assert 0 < len(faults) < len(ids) / 100
    assert {fault.failures for fault in faults} == {1}
    alone = FaultPlan(3, 1.0, [FaultKind.BAD_KEY]).for_id(IDS[0])
    assert alone is not None
    assert alone.failures is None


def test_expected_ends_are_those_of_the_kind() -> None:
    for kind, effect in EFFECTS.items():
        plan = _always(kind)
        assert plan.expected(IDS[0]) is effect.verdict
        unknown = Verdict.NOT_FOUND if effect.on_document else effect.verdict
        assert plan.expected(IDS[0], exists=False) is unknown
    well = FaultPlan(1, 0.0)
    assert well.expected(IDS[0]) is Verdict.DOCUMENT
    assert well.expected(IDS[0], exists=False) is Verdict.NOT_FOUND


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_beyond_all_is_refused(share: float) -> None:
    with pytest.raises(UsageError):
        FaultPlan(1, share)
