"""A small dose of what ``make fuzz`` does for hours."""

from __future__ import annotations

import os
from pathlib import Path

from tests.fuzz.campaign import campaign, through_storage
from tests.fuzz.trial import Fuzzer

DOSE = int(os.environ.get("GPTS_FUZZ", "1500"))
"""Documents in memory; the full dose is ten million."""
STORED = min(DOSE // 5, 300)
"""Of them, so many through storage; the full dose is a hundred thousand."""
SEED = 7


def test_documents_that_nobody_would_send_are_stored_or_set_aside() -> None:
    tried = campaign(SEED, DOSE, processes=1)
    assert tried.faults == {}
    assert tried.told["stored"] + tried.told["set aside"] == DOSE
    # A campaign in which all end alike has tried little.
    assert min(tried.told["stored"], tried.told["set aside"]) > DOSE / 4


def test_they_leave_a_catalog_that_is_whole_and_derived_anew_the_same(tmp_path: Path) -> None:
    told = through_storage(SEED, STORED, tmp_path)
    assert told["documents"] > STORED / 4
    assert told["set aside"] > STORED / 8


def test_a_number_names_the_same_document_always() -> None:
    one, other = Fuzzer(SEED), Fuzzer(SEED)
    assert [one.bytes_of(each) for each in range(50)] == [
        other.bytes_of(each) for each in reversed(range(50))
    ][::-1]
    assert one.bytes_of(3) != Fuzzer(SEED + 1).bytes_of(3)
