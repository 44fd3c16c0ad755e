from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.errors import SettingsError
from catalog.secrets import MARKER, MIN_LENGTH, Redactor

KEY = "sk-Ab/Cd+Ef=0123"

keys = st.text("aAnu019-_/+=", min_size=MIN_LENGTH, max_size=20)
odd_secrets = st.text('an"\\/%u0}{:,é𝒳', min_size=MIN_LENGTH, max_size=10)
around = st.text('x"\\/%u0n é𝒳[', max_size=8)
ESCAPERS = ("plain", "json", "JSON", "percent", "PERCENT", "twice")


def escaped(character: str, how: str) -> str:
    """``character`` as a sender may write it."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    code = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    percent = "".join(f"%{byte:02x}" for byte in character.encode())
    return {
        "plain": character,
        "json": "\\/" if character == "/" else code,
        "JSON": code.upper().replace("\\U", "\\u"),
        "percent": percent,
        "PERCENT": percent.upper(),
        "twice": percent.replace("%", "%25"),
    }[how]


@given(keys, st.data())
def test_key_is_found_with_any_of_its_characters_escaped(key: str, data: st.DataObject) -> None:
    spelled = "".join(escaped(each, data.draw(st.sampled_from(ESCAPERS))) for each in key)
    body = f'{{"message": "no such token {spelled}."}}'.encode()
    assert Redactor([key]).bytes(body) == (
        f'{{"message": "no such token {MARKER}."}}'.encode(),
        True,
    )


@given(
    key=keys,
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
    urlsafe=st.booleans(),
    quoted=st.booleans(),
)
def test_key_is_found_in_base64_at_any_place(
    key: str, before: bytes, after: bytes, *, urlsafe: bool, quoted: bool
) -> None:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    token = encode(before + key.encode() + after).decode()
    token = quote(token, safe="") if quoted else token
    redacted = Redactor([key]).text(f"Basic {token}.")
    assert MARKER in redacted
    # What is left is what was before and after it, and at most a few bits of the key's ends.
    assert len(redacted) <= len(f"Basic .{MARKER}") + 3 * (len(before) * 2 + len(after) * 2 + 8)


@given(odd_secrets, around, around, st.sampled_from(["string", "key", "escaped", "percent"]))
@example(secret="nsecret", before="\n"[:0], after="", where="string")
@example(secret="u0041bc", before="\\", after="\\", where="string")
def test_json_stays_json_and_holds_the_secret_no_more(
    secret: str, before: str, after: str, where: str
) -> None:
    inner = quote(secret, safe="") if where == "percent" else secret
    text = f"{before}{inner}{after}"
    value = {text: 1} if where == "key" else [text, 1]
    body = json.dumps(value, ensure_ascii=where == "escaped").encode("utf-8", "surrogatepass")
    redacted, found = Redactor([secret]).bytes(body)
    assert found
    said = json.loads(redacted)
    for held in [said] if isinstance(said, str) else said:
        assert secret not in str(held)
    assert Redactor([secret]).bytes(redacted) == (redacted, False)


@pytest.mark.parametrize(
    ("secret", "body", "redacted"),
    [
        ("123456", b'{"n": 91234567, "m": 1}', b'{"n": null, "m": 1}'),
        ("nsecret", rb'["\nsecret", "kept"]', b'["[redacted]", "kept"]'),
        ("0041abc", rb'["\u0041abc", "kept"]', b'["[redacted]", "kept"]'),
        ('a":"bc', b'{"a":"bc"}', b'"[redacted]"'),
        ("[redacted]", b'["[redacted]"]', b'["[***]"]'),
        ("redacted", b'["redacted"]', b'["[***]"]'),
    ],
)
def test_json_stays_json_where_the_marker_alone_would_break_it(
    secret: str, body: bytes, redacted: bytes
) -> None:
    assert Redactor([secret]).bytes(body) == (redacted, True)
    json.loads(redacted)


def test_document_without_the_key_is_the_same_bytes() -> None:
    body = json.dumps({"u": f"https://f.example/?sig=%2Fa%2B{KEY[:-1]}", "n": "Ünïcode \\ /"})
    assert Redactor([KEY]).bytes(body.encode()) == (body.encode(), False)


def test_longer_of_two_secrets_goes_first() -> None:
    assert Redactor(["secret-1", "secret-1-and-more"]).text("secret-1-and-more!") == f"{MARKER}!"


def test_marker_that_completes_another_secret_is_seen() -> None:
    redacted = Redactor(["abcdef", "1[redacted]2"]).text("1abcdef2")
    assert "1[redacted]2" not in redacted


def test_escaped_key_inside_an_escaped_document_is_found() -> None:
    inner = json.dumps({"key": KEY}).replace("/", "\\/")
    body = json.dumps({"content": inner}).encode()
    redacted, found = Redactor([KEY]).bytes(body)
    assert found
    assert json.loads(json.loads(redacted)["content"]) == {"key": MARKER}


def test_body_that_is_no_json_is_redacted_too() -> None:
    assert Redactor([KEY]).bytes(b"<p>" + KEY.encode() + b"\xff</p>") == (
        b"<p>[redacted]\xff</p>",
        True,
    )


def test_text_keeps_lone_surrogates() -> None:
    assert Redactor([KEY]).text(f"\ud800 {KEY}") == f"\ud800 {MARKER}"


def test_no_secrets_change_nothing() -> None:
    assert Redactor([]).bytes(b"anything \\u0041 %41") == (b"anything \\u0041 %41", False)


def test_short_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError) as error:
        Redactor([KEY, "abcde"])
    assert "abcde" not in str(error.value)
