from __future__ import annotations

from typing import Any

import pytest

from catalog.normalize.picture import read_picture
from catalog.normalize.values import UNREADABLE
from tests.unit.normalize.documents import HOST, UPLOAD, read_gizmo

OTHER = "file-ZyXwVuTsRqPoNmLkJiHgFeDc"


@pytest.mark.parametrize(
    ("url", "picture"),
    [
        (f"{HOST}/{UPLOAD}?se=2123-10-12&sig=a", UPLOAD),
        (f"{HOST}/{UPLOAD}?se=2124-01-01&sig=b", UPLOAD),
        (f"https://chatgpt.com/backend-api/estuary/content?id={UPLOAD}&ts=1&sig=2", UPLOAD),
        (f"https://mirror.example/{UPLOAD}?se=1", UPLOAD),
        (f"HTTPS://someone@files.oaiusercontent.com:443/{UPLOAD}", UPLOAD),
        (f"{HOST}/pictures/agent_3.webp?sig=c", "/pictures/agent_3.webp"),
        # The name of an uploaded file is anybody's choice.
        (f"{HOST}/p/1.png?rscd=attachment%3B%20filename%3D{OTHER}.png", "/p/1.png"),
        (f"{HOST}/p/1.png?filename={OTHER}", "/p/1.png"),
    ],
)
def test_picture_is_what_is_stable_in_the_url(url: str, picture: str) -> None:
    assert read_picture({"profile_picture_url": url}) == picture


@pytest.mark.parametrize(
    "url",
    [
        "https://filesystem.site/cdn/2024-01-08-12-abc.png",
        "https://oaiusercontent.com.evil.example/p/1.png",
        "https://notopenai.com/p/1.png",
        "https://openai.com/",
        "https://[::1/p.png",
        "picture.png",
        "https://mirror.example/file-short.png",
    ],
)
def test_picture_of_another_host_says_nothing(url: str) -> None:
    assert read_picture({"profile_picture_url": url}) is UNREADABLE
    assert read_picture({"profile_pic_id": None, "profile_picture_url": url}) is UNREADABLE


def test_picture_id_goes_before_the_url() -> None:
    scalars = {"profile_pic_id": UPLOAD, "profile_picture_url": f"{HOST}/{OTHER}"}
    assert read_picture(scalars) == UPLOAD


@pytest.mark.parametrize(
    "scalars",
    [
        {"profile_pic_id": None, "profile_picture_url": None},
        {"profile_pic_id": "", "profile_picture_url": ""},
        {"profile_picture_url": ""},
        {"profile_pic_id": None},
    ],
)
def test_no_picture_is_a_statement(scalars: dict[str, Any]) -> None:
    assert read_picture(scalars) is None


def test_picture_absent_from_the_document_is_not_stated() -> None:
    assert "picture" not in read_gizmo(display={"name": "a"}).scalars


def test_picture_is_found_in_an_escaped_url_and_both_members_are_kept_as_sent() -> None:
    scalars = read_gizmo(
        display={"profile_pic_id": None, "profile_picture_url": f"{HOST}/{UPLOAD}?a=1&amp;b=2"}
    ).scalars
    assert scalars["picture"] == UPLOAD
    assert scalars["profile_pic_id"] is None
    assert scalars["profile_picture_url"] == f"{HOST}/{UPLOAD}?a=1&b=2"
