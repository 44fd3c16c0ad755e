"""Actions of GPTs: OpenAPI schemas of invented services, as JSON or as text."""

from __future__ import annotations

import json
from typing import Any

from catalog.simulator.draw import Draw, Weighted, hexadecimal
from catalog.simulator.texts import coined
from catalog.simulator.words import LANGUAGES

_ENGLISH = LANGUAGES[0]
_NOUNS = ("order", "ticket", "recipe", "route", "invoice", "lesson", "plant", "match", "report")
_VERBS = (
    ("get", "list"),
    ("get", "find"),
    ("post", "create"),
    ("put", "update"),
    ("delete", "drop"),
)
_TYPES = ("string", "integer", "number", "boolean")
_AUTH = Weighted([("none", 51.0), ("service_http", 32.0), ("oauth", 17.0)])
_OPERATIONS = Weighted(
    [(1, 22.0), (2, 20.0), (4, 18.0), (6, 14.0), (9, 11.0), (14, 9.0), (24, 5.0), (36, 1.0)]
)


def metadata(draw: Draw, key: tuple[object, ...]) -> dict[str, Any]:
    """The metadata of an action.

    Args:
        draw: what it is made from.
        key: names the action; its id is made from it.
    """
    service = coined(draw, _ENGLISH)
    domain = f"api.{service.lower()}.example"
    schema = _schema(draw, service, domain)
    form = draw.unit()
    raw = None
    if form < 0.07:
        raw = json.dumps(schema, indent=2)
    elif form < 0.14:
        raw = "\n".join(_yaml(schema, 0)) + "\n"
    return {
        "action_id": "g-" + hexadecimal(40, *key),
        "domain": None if draw.chance(0.03) else domain,
        "raw_spec": raw,
        "json_schema": schema if raw is None else None,
        "auth": _auth(draw, domain),
        "privacy_policy_url": None if draw.chance(0.05) else f"https://{domain}/privacy",
    }


def _auth(draw: Draw, domain: str) -> dict[str, Any]:
    kind = _AUTH.at(draw.unit())
    if kind == "none":
        return {"type": "none"}
    if kind == "service_http":
        bearer = draw.chance(0.6)
        return {
            "type": "service_http",
            "instructions": "",
            "authorization_type": "bearer" if bearer else "custom",
            "verification_tokens": {},
            "custom_auth_header": "" if bearer else "X-Api-Key",
        }
    return {
        "type": "oauth",
        "instructions": "",
        "client_url": f"https://{domain}/oauth/authorize",
        "scope": "all",
        "authorization_url": f"https://{domain}/oauth/token",
        "authorization_content_type": "application/x-www-form-urlencoded",
        "verification_tokens": {},
        "pkce_required": False,
        "token_exchange_method": "default_post",
    }


def _schema(draw: Draw, service: str, domain: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for _ in range(_OPERATIONS.at(draw.unit())):
        noun = draw.pick(_NOUNS)
        method, verb = draw.pick(_VERBS)
        parameters = [_parameter(draw, noun) for _ in range(1 + draw.below(5))]
        paths.setdefault(f"/v{1 + draw.below(3)}/{noun}s", {})[method] = {
            "operationId": f"{verb}{noun.capitalize()}",
            "summary": f"{verb.capitalize()} each {noun} of {service}",
            "description": f"{verb.capitalize()} {noun}s that match. At most 50 at a time.",
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": f"The {noun}s",
                    "content": {
                        "application/json": {"schema": {"$ref": f"#/components/schemas/{noun}"}}
                    },
                }
            },
        }
    nouns = sorted({path.rsplit("/", 1)[1].removesuffix("s") for path in paths})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{service} API",
            "description": f"What {service} offers",
            "version": "v1",
        },
        "servers": [{"url": f"https://{domain}"}],
        "paths": paths,
        "components": {
            "schemas": {
                noun: {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "name": {"type": "string", "description": f"What the {noun} is called"},
                        "count": {"type": "integer"},
                    },
                }
                for noun in nouns
            }
        },
    }


def _parameter(draw: Draw, noun: str) -> dict[str, Any]:
    field = draw.pick(("id", "query", "limit", "since", "language", "kind"))
    return {
        "name": field,
        "in": "query",
        "required": draw.chance(0.4),
        "description": f"The {field} by which a {noun} is chosen",
        "schema": {"type": draw.pick(_TYPES)},
    }


def _yaml(value: dict[str, Any] | list[Any], depth: int) -> list[str]:
    """``value`` as lines of YAML, strings in double quotes as JSON has them."""
    pad = "  " * depth
    lines = []
    entries = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in entries:
        start = f"{pad}- " if key is None else f"{pad}{json.dumps(key)}: "
        if isinstance(item, dict | list) and item:
            lines.append(start.rstrip())
            lines += _yaml(item, depth + 1)
        else:
            lines.append(start + json.dumps(item))
    return lines
