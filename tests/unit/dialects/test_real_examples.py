"""Every example and the whole history: documents, mentions, or a refusal with its reason."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from catalog.dialects.recorded import Found, read_value

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared"
EXAMPLES, HISTORY = SHARED / "examples", SHARED / "history"

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the real examples are not here")

# What is read of each file: documents by wrapping, mentions, refusals.
EXPECTED: dict[str, tuple[dict[str, int], int, int]] = {
    "api000-mj-gpts-info-flat.json": ({"flat": 1}, 0, 0),
    "bare-gizmos-2023-11.jsonl": ({"": 510}, 0, 0),
    "chatgpt-discovery-2024-05-08.json": ({"resource.gizmo": 58}, 0, 0),
    "chatgpt-discovery-recent-empty.json": ({}, 0, 1),
    "chatgpt-owner-gizmo-2023-12.json": ({"": 1}, 0, 0),
    "chatgpt-project-snorlax-2025-11.json": ({}, 0, 1),
    "chatgpt-route-gpts-gizmo-2024-09.json": ({"gizmo": 1}, 0, 0),
    "chatgpt-search-page-2024-05.json": ({"gizmo": 10}, 0, 0),
    "ddaiai-gpts-json.json": ({}, 1, 1),
    "gptinfo-detail-2023-11.json": ({"gizmo": 1}, 0, 0),
    "gptinfo-files-2023-11.json": ({}, 0, 6),
    "gptinfo-tools-2023-11.json": ({}, 0, 11),
    "gptracker-detail-2024-04-by_rating.json": ({"gizmo": 1}, 0, 0),
    "gptshunter-num-conversations-2024-05-08.json": ({}, 141, 0),
    "openai-next-v2-detail-data-info-stat.json": ({"info.gizmo": 1}, 0, 0),
    "shape-variants.jsonl": ({"gizmo": 7, "data.gizmo": 1, "": 1}, 0, 3),
    "xiaocase-v2-detail-data-gizmo.json": ({"gizmo": 1}, 0, 0),
    "yutoai-v1-detail-data-gizmo.json": ({"gizmo": 1}, 0, 0),
    "yutoai-v2-search-first-item.json": ({}, 1, 0),
    "2024-01_to_2024-05.jsonl": ({"gizmo": 3636}, 0, 0),
}


def read_file(path: Path) -> tuple[str, list[Found]]:
    raw = path.read_bytes()
    name = path.name.removesuffix(".gz")
    if name != path.name:
        raw = gzip.decompress(raw)
    found = []
    for line in raw.splitlines() if name.endswith(".jsonl") else [raw]:
        found.append(read_value(line))
        assert all(reading.payload in line for reading in found[-1].readings), name
    return name, found


def counts(found: list[Found]) -> tuple[dict[str, int], int, int]:
    wrappings = Counter(reading.wrapping for each in found for reading in each.readings)
    mentions = sum(len(each.mentions) for each in found)
    return dict(wrappings), mentions, sum(r.count for each in found for r in each.refusals)


def test_example_is_taken_or_refused_with_a_reason() -> None:
    seen = set()
    for path in sorted([*EXAMPLES.iterdir(), *HISTORY.iterdir()]):
        name, found = read_file(path)
        assert all(each.readings or each.mentions or each.refusals for each in found), name
        assert all(refusal.reason for each in found for refusal in each.refusals), name
        if name in EXPECTED:
            seen.add(name)
            assert counts(found) == EXPECTED[name], name
        elif name.endswith(("dalle.json", "featured.json")) and "2024-07" not in name:
            assert counts(found) == ({"resource.gizmo": 10}, 0, 0), name
        elif name.endswith("discovery.json"):
            assert counts(found) == ({"resource.gizmo": 58}, 0, 0), name
        elif "category" in name:
            assert counts(found) == ({"resource.gizmo": 10}, 0, 0), name
        else:
            assert counts(found) == ({}, 0, 1), name
    assert seen == EXPECTED.keys()


def test_example_payload_is_the_document_with_its_id() -> None:
    for path in sorted(EXAMPLES.iterdir()):
        for found in read_file(path)[1]:
            for reading in found.readings:
                value = msgspec.json.decode(reading.payload)
                for name in filter(None, reading.wrapping.replace("flat", "").split(".")):
                    value = value[name]
                assert value["id"] == reading.gizmo_id


def test_history_names_the_time_of_every_line() -> None:
    (path,) = HISTORY.glob("*.jsonl.gz")
    moments = {reading.said_at for each in read_file(path)[1] for reading in each.readings}
    assert None not in moments
    assert len(moments) == 101
