"""What Spark's workers do, without Spark: observations in, rows of every table out."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from catalog import spark
from catalog.errors import CatalogCorrupt
from catalog.export.parquet import arrow
from catalog.export.profiles import Profile
from catalog.query.exported import TABLES
from catalog.times import DAY
from tests.contract.telling import ID, day, document

NAMES = (*spark._SAID, *spark._PAYLOAD)  # noqa: SLF001  (the columns that Spark selects)


def told(at: int, said: dict[str, Any] | None, **columns: Any) -> tuple[Any, ...]:
    """A row as the archive has it."""
    payload = None if said is None else json.dumps(said, ensure_ascii=False)
    row = {
        "gizmo_id": ID,
        "source": "one",
        "observed_at": at,
        "digest": "" if payload is None else hashlib.sha256(payload.encode()).hexdigest(),
        "wrapping": "gizmo",
        "verdict": "counted" if said is None else "",
        "payload": payload,
        "payload_base64": None,
    }
    return tuple((row | columns)[name] for name in NAMES)


def folded(*rows: tuple[Any, ...]) -> dict[str, list[dict[str, Any]]]:
    """What comes of rows, by part."""
    pa = arrow()
    types = [pa.timestamp("us", tz="UTC") if n == "observed_at" else pa.string() for n in NAMES]
    columns = [pa.array(c, type=t) for c, t in zip(zip(*rows, strict=True), types, strict=True)]
    found: dict[str, list[dict[str, Any]]] = {}
    for batch in spark.fold_batches(iter([pa.RecordBatch.from_arrays(columns, names=NAMES)])):
        for row in batch.to_pylist():
            part = row.pop("part")
            assert [name for name, value in row.items() if value is not None] == [part]
            found.setdefault(part, []).append(row[part])
    return found


def test_every_table_of_an_export_is_derived_or_kept() -> None:
    assert spark.DERIVED.keys() | spark.KEPT == TABLES.keys()
    for name, columns in spark.DERIVED.items():
        table = Profile("full").table(name)
        assert table is not None
        assert columns == table.columns


def test_folding_keeps_null_empty_and_never_stated_apart() -> None:
    said = document()
    said["gizmo"]["tags"] = []
    said["gizmo"]["display"]["prompt_starters"] = None
    del said["gizmo"]["display"]["categories"]
    (revision,) = folded(told(day(1), said))["gizmo_revisions"]
    counts = [revision[f"{name}_count"] for name in ("tags", "prompt_starters", "categories")]
    assert counts == [0, -1, None]
    assert "welcome_message" in json.loads(revision["null_fields"])
    assert "voice" in json.loads(revision["unstated_fields"])


def test_folding_names_the_source_that_said_it() -> None:
    found = folded(told(day(1), document()), told(day(2), document(name="B"), source="two"))
    assert [row["source"] for row in found["gizmo_revisions"]] == ["one", "two"]
    (gizmo,) = found["gizmos"]
    assert (gizmo["source"], int(gizmo["said_at"].timestamp())) == ("two", day(2) // 1_000_000)


def test_days_of_pairs_are_those_after_the_first_document() -> None:
    found = folded(told(day(1), document()), told(day(3), document()), told(day(4), None))
    assert [row["day"] for row in found["pairs"]] == [day(3) // DAY]


def test_payload_in_base64_is_the_same_payload() -> None:
    plain = told(day(1), document())
    packed = base64.b64encode(plain[NAMES.index("payload")].encode()).decode()
    said = told(day(1), document(), payload=None, payload_base64=packed)
    assert folded(said) == folded(plain)


def test_payload_without_its_digest_ends_the_work() -> None:
    with pytest.raises(CatalogCorrupt, match="does not have its digest"):
        folded(told(day(1), document(), digest="00" * 32))


def test_payload_of_another_gpt_ends_the_work() -> None:
    with pytest.raises(CatalogCorrupt, match="not its own id"):
        folded(told(day(1), document("g-Another01")))
