"""How deep a document may nest does not depend on where in it something nests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.errors import NormalizeError
from catalog.normalize import normalize
from catalog.normalize.decode import MAX_DEPTH
from tests.unit.normalize.documents import action, gizmo

HERE = "here"
"""Stands where lists are put into each other."""

BY_RATING = {"review_stats": {"by_rating": {"5": HERE}}}
LISTED_RATINGS = {"review_stats": {"by_rating": [1, 2, HERE, 4, 5]}}
PLACES: dict[str, dict[str, Any]] = {
    "an unknown sibling": {"gizmo": gizmo(), "unheard_of": HERE},
    "the envelope": {"gizmo": gizmo(), "sn": HERE},
    "a counter": {"gizmo": gizmo(), "stat": {"read": HERE}},
    "an unknown counter": {"gizmo": gizmo(), "stat": {"share": HERE}},
    "the counters": {"gizmo": gizmo(), "stat": [HERE]},
    "an unknown member": {"gizmo": gizmo(unheard_of=HERE)},
    "a member's member": {"gizmo": gizmo(display={"unheard_of": {"a": HERE}})},
    "a text": {"gizmo": gizmo(display={"name": HERE})},
    "an object": {"gizmo": gizmo(author=HERE)},
    "a column of JSON": {"gizmo": gizmo(sharing=HERE)},
    "what was always empty": {"gizmo": gizmo(settings=[HERE])},
    "a rating": {"gizmo": gizmo(vanity_metrics=BY_RATING)},
    "ratings": {"gizmo": gizmo(vanity_metrics={"review_stats": {"by_rating": [HERE]}})},
    "a rating of a list": {"gizmo": gizmo(vanity_metrics=LISTED_RATINGS)},
    "a list": {"gizmo": gizmo(tags={"a": HERE})},
    "a tag": {"gizmo": gizmo(tags=[HERE])},
    "a category": {"gizmo": gizmo(display={"categories": [HERE]})},
    "a starter": {"gizmo": gizmo(display={"prompt_starters": [HERE]})},
    "an account": {"gizmo": gizmo(author={"display_socials": [HERE]})},
    "an account's data": {"gizmo": gizmo(author={"display_socials": [{"verified_data": HERE}]})},
    "a tool": {"gizmo": gizmo(), "tools": [HERE]},
    "a tool's type": {"gizmo": gizmo(), "tools": [{"type": HERE}]},
    "a tool without a type": {"gizmo": gizmo(), "tools": [{"unheard_of": HERE}]},
    "an action's keys": {"gizmo": gizmo(), "tools": [action(auth=HERE)]},
    "an action's schema": {"gizmo": gizmo(), "tools": [action(json_schema=HERE)]},
    "an action's text": {"gizmo": gizmo(), "tools": [action(raw_spec=HERE)]},
    "a file": {"gizmo": gizmo(), "files": [HERE]},
    "a file's size": {"gizmo": gizmo(), "files": [{"size": HERE}]},
    "a type of files": {
        "gizmo": gizmo(),
        "product_features": {"attachments": {"accepted_mime_types": [HERE]}},
    },
}


def around(value: Any) -> int | None:
    """How many lists and objects lie around the place; None where it is not in ``value``."""
    if value == HERE:
        return 0
    members = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    depths = [depth for member in members if (depth := around(member)) is not None]
    return depths[0] + 1 if depths else None


@pytest.mark.parametrize("place", PLACES)
def test_a_document_nests_equally_deep_wherever_it_does(place: str) -> None:
    outer = around(PLACES[place])
    assert outer is not None

    def payload(levels: int) -> bytes:
        inner = levels - outer
        text = json.dumps(PLACES[place])
        return text.replace(json.dumps(HERE), f"{'[' * inner}7{']' * inner}").encode()

    # The document itself lies at depth 0.
    assert normalize(payload(MAX_DEPTH + 1), "gizmo").leaves
    with pytest.raises(NormalizeError, match=r"nests too deeply to be a GPT's document$"):
        normalize(payload(MAX_DEPTH + 2), "gizmo")
