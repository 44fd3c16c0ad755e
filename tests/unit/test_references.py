from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InvalidReference
from catalog.references import is_gizmo_id, is_project_id, parse_reference, read_references

CLASSIC = "g-2fkFE8rbu"
NEW = "g-67409554810081919486397223cc0262"
PROJECT = "g-p-690dd49d59a881919a2b3c4d5e6f7081"
ACTION = "g-" + "0123456789abcdef0123" * 2

_ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
classic_ids = st.text(_ALNUM, min_size=9, max_size=9).map("g-{}".format)
new_ids = st.text("0123456789abcdef", min_size=32, max_size=32).map("g-{}".format)
ids = classic_ids | new_ids
slugs = st.from_regex(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", fullmatch=True) | st.sampled_from(
    ["my-g-assistant", "g-generator", "the-gizmo-g-assistant", "gpt-8-1-1-listado", "g-p-plan", "g"]
)
hosts = st.sampled_from(
    ["chatgpt.com", "chat.openai.com", "www.chatgpt.com", "www.chat.openai.com", "ChatGPT.com"]
)
tails = st.sampled_from(
    [
        "",
        "/",
        "?model=gpt-4o",
        "?p=a%20b/g/g-AAAAAAAAA",
        "#g-AAAAAAAAA",
        "/c/3b1c0f0e-0000-4000-8000-000000000000",
        "/c/3b1c0f0e-0000-4000-8000-000000000000?model=gpt-4",
    ]
)
models = st.sampled_from(
    ["gpt-4", "gpt-4o", "gpt-5", "gpt-4.1", "openai/gpt-4o", "claude-3:latest"]
)
padding = st.sampled_from(["", " ", "\t", "\n", "\r\n", ".", ",", ")", " ;", "!", '"', ">"])


@given(gizmo_id=ids, slug=slugs, pad=padding)
def test_reference_of_an_id_or_short_url_is_the_id(gizmo_id: str, slug: str, pad: str) -> None:
    assert parse_reference(pad.strip(".,);!>") + gizmo_id + pad) == gizmo_id
    assert parse_reference(f"{gizmo_id}-{slug}{pad}") == gizmo_id


@given(
    gizmo_id=ids,
    slug=slugs,
    host=hosts,
    tail=tails,
    pad=padding,
    scheme=st.sampled_from(["", "https://", "http://"]),
)
def test_reference_of_an_address_is_the_id_after_g(
    gizmo_id: str, slug: str, host: str, tail: str, pad: str, scheme: str
) -> None:
    assert parse_reference(f"{scheme}{host}/g/{gizmo_id}-{slug}{tail}{pad}") == gizmo_id
    assert parse_reference(f"{scheme}{host}/g/{gizmo_id}{tail}{pad}") == gizmo_id


@given(gizmo_id=ids, slug=slugs, model=models, pad=padding)
def test_reference_of_a_model_name_is_the_id_after_gizmo(
    gizmo_id: str, slug: str, model: str, pad: str
) -> None:
    assert parse_reference(f"{model}-gizmo-{gizmo_id}{pad}") == gizmo_id
    assert parse_reference(f"{model}-gizmo-{gizmo_id}-{slug}{pad}") == gizmo_id


@pytest.mark.parametrize(
    "text",
    [
        f"<https://chatgpt.com/g/{CLASSIC}-dall-e>",
        f"(chat.openai.com/g/{CLASSIC})",
        f"HTTPS://CHATGPT.COM/g/{CLASSIC}",
        f"http://chatgpt.com:443/g/{CLASSIC}",
        f"//chatgpt.com/g/{CLASSIC}",
        f"/g/{CLASSIC}-dall-e",
        f"g/{CLASSIC}",
        f"https://chatgpt.com/de-DE/g/{CLASSIC}-dall-e",
        f"\ufeff{CLASSIC}",
        f"{CLASSIC}-gpt-4-turbo-assistants-Python-dev",
        f"{CLASSIC}?model=gpt-4",
        f"{CLASSIC}-dall-e ?model=gpt-4",
        f"gpt-4.1-gizmo-{CLASSIC}/c/1",
    ],
)
def test_reference_tolerates_how_people_paste(text: str) -> None:
    assert parse_reference(text) == CLASSIC


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \t", "empty"),
        ("...", "empty"),
        (PROJECT, "project"),
        (f"{PROJECT}-my-plans", "project"),
        (f"https://chatgpt.com/g/{PROJECT}/project", "project"),
        (f"https://chatgpt.com/g/{PROJECT}-my-plans/project", "project"),
        (f"gpt-4o-gizmo-{PROJECT}", "project"),
        (ACTION, "action"),
        (f"https://chatgpt.com/g/{ACTION}", "action"),
        (f"gpt-4-gizmo-{ACTION}", "action"),
        ("g-2fkFE8rb", "9 characters"),
        ("g-2fkFE8rbuX", "9 characters"),
        ("g-", "9 characters"),
        ("g-0123456789abcdef", "9 characters"),
        (NEW.upper().replace("G-", "g-"), "digits and a to f"),
        (NEW + "0", "9 characters"),
        (NEW[:-1], "9 characters"),
        ("my-writing-g-assistant", "start"),
        ("logo-g-generator", "start"),
        (f"dall-e-{CLASSIC}", "start"),
        (f"see {CLASSIC}", "start"),
        (f"{CLASSIC} {NEW}", "no slug"),
        (f"{CLASSIC},{NEW}", "no slug"),
        (f"https://example.com/g/{CLASSIC}", "example.com"),
        (f"example.com/g/{CLASSIC}", "example.com"),
        (f"https://chatgpt.com.example.com/g/{CLASSIC}", "host"),
        (f"https://chatgpt.com@example.com/g/{CLASSIC}", "example.com"),
        (f"//example.com/g/{CLASSIC}", "example.com"),
        (f"Xchatgpt.com/g/{CLASSIC}", "xchatgpt.com"),
        (f"https:///g/{CLASSIC}", "its host is ''"),
        (f"ftp://chatgpt.com/g/{CLASSIC}", "scheme"),
        ("https://[chatgpt.com/g/", "address"),
        ("https://chatgpt.com/", "/g/"),
        ("https://chatgpt.com/g/", "/g/"),
        ("https://chatgpt.com/c/abc", "/g/"),
        (f"https://chatgpt.com/?next=/g/{CLASSIC}", "/g/"),
        (f"/?next=/g/{CLASSIC}", "/g/"),
        ("https://chatgpt.com/g/my-g-assistant", "no id"),
        ("gpt-4-gizmo", "after '-gizmo-'"),
        ("gpt-4-gizmo-*", "no id"),
        ("gpt-4-all", "neither"),
        ("notes/v1.2/of-mine", "neither"),
        ("G-2fkFE8rbu", "neither"),
        ("two words", "one reference a line"),
    ],
)
def test_reference_that_names_no_gpt_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidReference, match=re.escape(reason)) as caught:
        parse_reference(text)
    assert caught.value.text == text.strip()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (PROJECT, "g-p- begins the id of a project, not of a GPT"),
        (ACTION, "40 hexadecimal digits name an action of a tool, not a GPT"),
        (NEW.upper().replace("G-", "g-"), "an id of 32 characters has digits and a to f only"),
        ("g-1", "an id has 9 characters or 32 hexadecimal digits after 'g-', this one 1"),
        ("ftp://x/g/a", "its scheme is 'ftp', not https"),
        ("https://x/g/a", "its host is 'x'; GPTs live at chatgpt.com and chat.openai.com"),
        ("https://chatgpt.com/", "its path has no id after /g/"),
        ("gpt-4-gizmo", "a model name needs the id after '-gizmo-'"),
        (
            f"dall-e-{CLASSIC}",
            "an id counts only at the start, after /g/ or after -gizmo-: a slug may imitate one",
        ),
        ("two words", "it is several words; one reference a line"),
        ("Gpt", "it begins neither with 'g-' nor like an address or a model name"),
        (
            "gpt-4-gizmo-" + "x" * 99,
            f"no id of a GPT stands where one should: {'x' * 40!r}",
        ),
        (f"{CLASSIC}," + "x" * 99, f"what follows the id is no slug: {',' + 'x' * 39!r}"),
    ],
)
def test_reason_is_a_sentence_for_a_person(text: str, reason: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert caught.value.reason == reason


@given(st.text())
def test_reference_is_an_id_or_refused_whatever_the_text(text: str) -> None:
    with suppress(InvalidReference):
        assert is_gizmo_id(parse_reference(text))


@given(st.text("g-p0fGA/", max_size=50))
def test_is_gizmo_id_agrees_with_parse_reference_on_ids(text: str) -> None:
    if is_gizmo_id(text):
        assert parse_reference(text) == text


def test_is_gizmo_id_takes_nothing_around_it() -> None:
    assert is_gizmo_id(CLASSIC)
    assert is_gizmo_id(NEW)
    assert not is_gizmo_id(CLASSIC + "\n")
    assert not is_gizmo_id(ACTION)
    assert not is_gizmo_id(PROJECT)
    assert is_project_id(PROJECT)
    assert not is_project_id(CLASSIC)


def test_read_references_keeps_order_and_counts_duplicates() -> None:
    lines = [
        "\ufeff# my list\r\n",
        f"https://chatgpt.com/g/{NEW}-slug#frag\r\n",
        "\r\n",
        f"  {CLASSIC},\n",
        f"{CLASSIC}-dall-e   # the same\n",
        f"gpt-4-gizmo-{NEW}",
    ]
    found = read_references(lines)
    assert found.ids == (NEW, CLASSIC)
    assert found.duplicates == 2
    assert found.refused == ()


def test_reference_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidReference, match="'5' names no GPT: a text is expected"):
        parse_reference(5)  # type: ignore[arg-type]


def test_read_references_names_the_refused_lines() -> None:
    found = read_references([CLASSIC, "", PROJECT, "# g-tooshort", "nothing"])
    assert found.ids == (CLASSIC,)
    assert [(line, text) for line, text, _ in found.refused] == [(3, PROJECT), (5, "nothing")]
    assert "project" in found.refused[0].reason


def test_read_references_takes_a_mark_before_the_first_id() -> None:
    assert read_references([f"\ufeff{CLASSIC}\r\n"]).ids == (CLASSIC,)
    assert read_references([f"X{CLASSIC}"]).ids == ()


@given(st.lists(ids, max_size=20))
def test_read_references_names_every_id_once(gizmo_ids: list[str]) -> None:
    found = read_references(gizmo_ids)
    assert found.ids == tuple(dict.fromkeys(gizmo_ids))
    assert found.duplicates == len(gizmo_ids) - len(found.ids)
