"""A GPT's document in the form that gateways sent in May 2024.

Facts about fields and values: the notes on sources, section 2. Everything here is a pure function
of (seed, index, moment).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from catalog.simulator import actions, texts, words
from catalog.simulator.draw import Draw, Weighted, number, share, token, uuid
from catalog.simulator.life import Content, Life, renames
from catalog.simulator.words import Language
from catalog.times import DAY, SECOND, Micros, to_datetime

_CATEGORIES = Weighted(words.CATEGORIES)
_STARTERS = Weighted(words.STARTER_COUNTS)
_FILES = Weighted(words.FILE_COUNTS)
_FILE_TYPES = Weighted(words.FILE_TYPES)
_BUILT_IN = Weighted(words.BUILT_IN_SETS)
_VOICES = Weighted([("ember", 97.0), ("juniper", 1.0), ("cove", 1.0), ("breeze", 1.0)])
_ACTION_SHARE = 0.20
_FOREIGN_LANGUAGE = 0.12
_SIGNED_UNTIL = 100 * 365 * DAY
_SOCIALS = (("twitter", "X"), ("linkedin", "LinkedIn"), ("github", "GitHub"))


@dataclass(slots=True)
class Profile:
    """What never changes of one GPT.

    Attributes:
        old: whether it was there before the simulation began.
        popularity: conversations by the start of the simulation.
    """

    index: int
    gizmo_id: str
    created_at: Micros
    old: bool
    author: int
    language: Language
    life: Life
    popularity: float
    review_share: float
    bump: float
    content: Content


@dataclass(slots=True)
class Author:
    """What never changes of one author."""

    index: int
    user_id: str
    organization_id: str
    workspace_id: str | None
    language: Language


def author(seed: int, index: int) -> Author:
    """The author at ``index``."""
    key = (seed, "author", index)
    user_id = "user-" + token(*key)
    workspace = uuid(*key, "workspace") if share(*key, "suffixed") < 0.06 else None
    return Author(
        index=index,
        user_id=f"{user_id}__{workspace}" if workspace else user_id,
        organization_id="org-" + token(*key, "organization"),
        workspace_id=workspace if share(*key, "shown") < 0.5 else None,
        language=texts.language_of(share(*key, "language")),
    )


def language(seed: int, index: int, maker: Author) -> Language:
    """The language of a GPT: most often its author's."""
    if share(seed, index, "foreign") < _FOREIGN_LANGUAGE:
        return texts.language_of(share(seed, index, "language"))
    return maker.language


def first_content(seed: int, index: int) -> Content:
    """What the owner had made of a GPT when the simulation, or its life, began."""
    draw = Draw(seed, index, "content")
    starters: list[int] | None = [-1 - place for place in range(_STARTERS.at(draw.unit()))]
    if not starters and draw.chance(0.3):
        starters = None
    tools = [(kind, 0) for kind in _BUILT_IN.at(draw.unit())]
    if draw.chance(_ACTION_SHARE):
        tools += [("plugins_prototype", -1)] + [("plugins_prototype", -2)] * draw.chance(0.15)
    files = [-1 - place for place in range(_FILES.at(draw.unit()))]
    return Content(starters=starters, tools=tools, files=files)


def iso(moment: Micros) -> str:
    """``moment`` as the platform writes it, always with six digits of fraction."""
    return to_datetime(moment).isoformat(timespec="microseconds")


def build(
    seed: int,
    profile: Profile,
    maker: Author,
    content: Content,
    at: Micros,
    start: Micros,
    pace: float,
) -> dict[str, Any]:
    """The document of a GPT as a gateway would send it at ``at``.

    Args:
        seed: the population's seed.
        profile: the GPT.
        maker: its present author.
        content: what its owner had made of it by then.
        at: the moment of the answer.
        start: when the simulation begins.
        pace: how many times faster than real everything happens.
    """
    noise = Draw(seed, profile.index, "noise", at)
    index = profile.index
    name = texts.name(Draw(seed, index, "name", content.name), profile.language)
    slug = texts.slug(name, Draw(seed, index, "slug", content.name))
    last = profile.life.bumped_at(at, profile.bump)
    gizmo = {
        "id": profile.gizmo_id,
        "organization_id": maker.organization_id,
        "short_url": f"{profile.gizmo_id}-{slug}" if slug else profile.gizmo_id,
        "author": _author(seed, profile, maker, at, start, pace),
        "voice": {"id": _VOICES.at(share(seed, index, "voice"))},
        "workspace_id": maker.workspace_id,
        "model": None,
        "instructions": None,
        "settings": None,
        "display": _display(seed, profile, content, name, noise),
        "share_recipient": "link" if share(seed, index, "shared") < 0.1 else "marketplace",
        "created_at": iso(profile.created_at),
        "updated_at": iso(max(last, content.edited_at, profile.created_at)),
        "last_interacted_at": None,
        "num_interactions": None,
        "tags": noise.shuffled(_tags(seed, profile, content, at, start)),
        "version": None,
        "live_version": None,
        "training_disabled": None,
        "sharing_targets": None,
        "appeal_info": None,
        "vanity_metrics": _metrics(seed, profile, at, start, noise),
        "workspace_approval_date": None,
        "workspace_approved": None,
        "sharing": None,
        "current_user_permission": _permission(seed, index),
    }
    return {
        "gizmo": gizmo,
        "tools": _tools(seed, profile, content, at, noise),
        "files": noise.shuffled([_file(seed, index, version) for version in content.files]),
        "product_features": {"attachments": _attachments(seed, profile, at, start, noise)},
    }


def _author(
    seed: int, profile: Profile, maker: Author, at: Micros, start: Micros, pace: float
) -> dict[str, Any]:
    key = (seed, "author", maker.index)
    draw = Draw(*key, "shown as")
    version = renames(seed, maker.index, start, at, pace)
    real_name = texts.person(Draw(*key, "name", version), maker.language)
    mails = True if draw.chance(0.5) else None
    site = f"https://{token(*key, 'site')[:8].lower()}.example" if draw.chance(0.7) else None
    selected = "website" if site and draw.chance(0.7) else "name"
    verified = draw.chance(0.8)
    socials = [
        _social(key, kind, shown, real_name) for kind, shown in _SOCIALS if draw.chance(0.15)
    ]
    display_name: str | None = real_name
    if profile.life.author_hidden(at):
        display_name, site, verified, selected, mails = None, None, False, "name", not mails or None
        if share(seed, profile.index, "hides socials") < 0.8:
            socials = []
    return {
        "user_id": maker.user_id,
        "display_name": display_name,
        "link_to": site,
        "is_verified": verified,
        "selected_display": selected,
        "will_receive_support_emails": mails,
        "display_socials": socials,
    }


def _social(key: tuple[object, ...], kind: str, shown: str, owner: str) -> dict[str, Any]:
    handle = token(*key, kind)[:10]
    account: int | str = number(*key, kind) % 10**9 if kind == "github" else handle
    verified: dict[str, Any] = {"id": account, "username": handle}
    if kind == "linkedin":
        verified["display_name"] = owner
    verified |= {"type": kind, "link_to": f"https://{kind}.example/{handle}"}
    return {
        "id": f"{kind}verify-{uuid(*key, kind)[9:]}",
        "type": kind,
        "display_name": shown,
        "verified": True,
        "verified_data": verified,
    }


def _display(
    seed: int, profile: Profile, content: Content, name: str, noise: Draw
) -> dict[str, Any]:
    index = profile.index
    starters = None
    if content.starters is not None:
        starters = [
            texts.starter(Draw(seed, index, "starter", version), profile.language)
            for version in content.starters
        ]
    picture = url = None
    if share(seed, index, "bare") >= 0.06:
        picture = "file-" + token(seed, index, "picture", content.picture)
        url = _signed(picture, profile.created_at, noise)
    text = texts.description(
        Draw(seed, index, "description", content.description), profile.language
    )
    return {
        "name": name,
        "description": text,
        "prompt_starters": starters,
        "profile_pic_id": picture,
        "profile_picture_url": url,
        "categories": list(_CATEGORIES.at(share(seed, index, "categories", content.categories))),
    }


def _signed(picture: str, created_at: Micros, noise: Draw) -> str:
    """The picture's address, signed anew at each answer."""
    until = to_datetime((created_at + _SIGNED_UNTIL) // SECOND * SECOND)
    expires = quote(until.isoformat().replace("+00:00", "Z"), safe="")
    signature = token(noise.unit()) + token(noise.unit())[:19]
    return (
        f"https://files.oaiusercontent.com/{picture}?se={expires}&sp=r&sv=2021-08-06&sr=b"
        "&rscc=max-age%3D1209600%2C%20immutable&rscd=attachment%3B%20filename%3Dpicture.png"
        f"&sig={signature}%3D"
    )


def _tags(seed: int, profile: Profile, content: Content, at: Micros, start: Micros) -> list[str]:
    tags = ["public", "reportable"]
    held = share(seed, profile.index, "unreviewable") < 0.4
    if held != bool(profile.life.relabelled("tags", at, start) % 2):
        tags += ["unreviewable", "interactions_disabled"]
    if any(kind == "plugins_prototype" for kind, _ in content.tools):
        tags.append("uses_function_calls")
    return tags


def _permission(seed: int, index: int) -> dict[str, bool] | None:
    if share(seed, index, "permission") < 0.5:
        return None
    return {
        "can_read": True,
        "can_view_config": False,
        "can_write": False,
        "can_delete": False,
        "can_export": False,
        "can_share": False,
    }


def _metrics(seed: int, profile: Profile, at: Micros, start: Micros, noise: Draw) -> dict[str, Any]:
    grown = 1 + (at - start) / max(start - profile.created_at, 30 * DAY)
    conversations = profile.popularity * max(grown, 0.0)
    reviews = conversations * profile.review_share
    draw = Draw(seed, profile.index, "ratings")
    weights = [0.4 + draw.unit(), 0.2, 0.4, 0.8 + draw.unit(), 2.0 + 8 * draw.unit()]
    counts = [int(reviews * weight / sum(weights)) for weight in weights]
    ratings = [(str(stars), count) for stars, count in enumerate(counts, 1) if count]
    return {
        "num_conversations": None,
        "num_conversations_str": _rounded(int(conversations), draw.unit()),
        "created_ago_str": _ago(at - profile.created_at, chinese=noise.chance(0.2)),
        "review_stats": {
            "total": sum(int(stars) * count for stars, count in ratings),
            "count": sum(count for _, count in ratings),
            "by_rating": dict(noise.shuffled(ratings)),
        },
    }


def _rounded(count: int, unit: float) -> str | None:
    """A count as the store shows it: ``96``, ``80+``, ``25K+``, ``1M+``, empty or null."""
    if unit < 0.02:
        return None
    if unit < 0.06:
        return ""
    if count < 10 or (count < 100 and unit < 0.3):
        return str(count)
    scale = 10 ** (len(str(count)) - 1)
    lead = (
        25 * scale // 10
        if count // scale == 2 and count * 10 >= 25 * scale
        else count // scale * scale
    )
    for size, letter in ((10**6, "M"), (1000, "K")):
        if lead >= size:
            return f"{lead / size:g}{letter}+"
    return f"{lead}+"


def _ago(age: Micros, *, chinese: bool) -> str:
    """How long ago, localized as it happens to be asked: text that must never be parsed."""
    days = age // DAY
    size, english, han = next(
        unit
        for unit in ((365, "year", "年"), (30, "month", "个月"), (1, "day", "天"), (0, "day", "天"))
        if days >= unit[0]
    )
    count = days // size if size else 0
    if chinese:
        return f"{count}{han}前"
    return f"{count} {english}{'' if count == 1 else 's'} ago"


def _tools(
    seed: int, profile: Profile, content: Content, at: Micros, noise: Draw
) -> list[dict[str, Any]]:
    """The tools in any order; their ids are issued anew with each configuration."""
    index = profile.index
    configuration = (seed, index, "configuration", content.edits, profile.life.configurations(at))
    prefix = f"gzm_cnf_{token(*configuration)}~gzm_tool_"
    bare = share(seed, index, "bare tool ids") < 0.05
    tools = []
    for place, (kind, version) in enumerate(content.tools):
        end = token(*configuration, place)
        extra = None
        if kind == "plugins_prototype":
            key = (seed, index, "action", version)
            extra = actions.metadata(Draw(*key), key)
        tools.append(
            {"id": end if bare else prefix + end, "type": kind, "settings": None, "metadata": extra}
        )
    return noise.shuffled(tools)


def _file(seed: int, index: int, version: int) -> dict[str, str]:
    """A file as it is shown to strangers: its place and its platform id left blank."""
    key = (seed, index, "file", version)
    end = token(*key)
    if share(*key, "form") < 0.5:
        end = f"gzm_cnf_{token(*key, 'configuration')}~gzm_file_{end}"
    return {"id": end, "type": _FILE_TYPES.at(share(*key, "type")), "file_id": "", "location": ""}


def _attachments(
    seed: int, profile: Profile, at: Micros, start: Micros, noise: Draw
) -> dict[str, Any]:
    small = share(seed, profile.index, "mime") < 0.35
    moved = profile.life.relabelled("mime", at, start) % 2
    accepted = words.MIME_SMALL if small != bool(moved) else words.MIME_LARGE
    return {
        "type": "retrieval",
        "accepted_mime_types": noise.shuffled(accepted),
        "image_mime_types": noise.shuffled(words.IMAGE_MIME),
        "can_accept_all_mime_types": True,
    }
