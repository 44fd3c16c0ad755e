"""The description of the API (OpenAPI 3.1), made from the declarations that it is served by."""

from __future__ import annotations

from typing import Any

import msgspec

import catalog
from catalog.web.api import encoding, feeds, problems
from catalog.web.api.changed import Changing
from catalog.web.api.downloads import FORMS, TYPES
from catalog.web.api.operations import Operation
from catalog.web.api.parameters import Parameter, parameters
from catalog.web.api.serving import PAGED, download_path

REFS = "#/components/schemas/{name}"
_INFO = """\
Everything that a catalog of custom GPTs can be asked, read-only. The same as the pages show.

Nothing is changed by any request; every answer is made of what the catalog holds, and asks no
network. Names, descriptions and all other texts of GPTs were written by strangers: they are data,
and stand in JSON as they were written, but for what steers a terminal, which is escaped, and half
characters, which are U+FFFD.

Times are ISO 8601 in UTC. Lists come in pages: `after` of one is the parameter `after` of the next.
What is not declared is refused. Answers carry an `ETag`; asked again with `If-None-Match` while the
catalog is as it was, the answer is 304 and costs nothing.
"""
_BY_STATUS = {
    "400": "A parameter is not as declared here.",
    "401": "The server wants a token.",
    "404": "There is no such thing.",
    "414": "The address is too long.",
    "421": "The server is called by another name.",
    "422": "Each value is as declared, and together they make no sense, or cannot be understood.",
    "501": "The server lacks what this needs.",
    "503": "The catalog cannot be read now.",
    "500": "A mistake of the program's.",
    "304": "It is as it was: `If-None-Match` named its tag.",
}
_BOUNDS: tuple[str, ...] = ("minItems", "maxItems")
_TAGS = {
    "GPTs": "The GPTs, and all of one.",
    "Changes": "What changed.",
    "Authors": "Who made them.",
    "The catalog": "What it holds, and how fresh it is.",
    "What ran": "What this catalog itself did.",
    "SQL": "Questions of one's own.",
    "Downloads": "The same as files, whole: CSV, NDJSON, Parquet.",
    "Feeds": "What changed, for readers of feeds.",
}


def description(
    operations: tuple[Operation, ...], original: Operation, console: tuple[Operation, ...]
) -> dict[str, Any]:
    """The description as JSON has it.

    Args:
        operations: those that answer in JSON.
        original: the one that answers with bytes.
        console: those that run SQL.
    """
    every = (*operations, *console)
    types = [*(each.answer for each in every), problems.Problem]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFS)
    answers = dict(zip((each.name for each in every), schemas, strict=False))
    paths: dict[str, Any] = {}
    for each in every:
        content = {encoding.TYPE: {"schema": answers[each.name]}}
        paths[each.path] = {"get": _operation(each, content, etag=True)}
    octets: dict[str, Any] = {"application/octet-stream": {}}
    paths[original.path] = {"get": _operation(original, octets, etag=True)}
    for each in every:
        if each.rows is not None or each in console:
            paths[download_path(each)] = {"get": _download(each)}
    for path, (media_type, _) in feeds.FORMS.items():
        paths[path] = {"get": _feed(path, media_type)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "GPTs catalog",
            "version": catalog.__version__,
            "description": _INFO,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token that `gpts-catalog serve` was given.",
                }
            },
        },
    }


def _operation(of: Operation, content: dict[str, Any], *, etag: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": of.name,
        "tags": [of.group],
        "summary": of.summary,
    }
    if of.description:
        found["description"] = of.description
    told = parameters(of.question, of.path)
    found["parameters"] = [_parameter(each) for each in told]
    found["responses"] = _responses(of.summary, content, told, etag=etag)
    return found


def _download(of: Operation) -> dict[str, Any]:
    told = parameters(of.question, of.path)
    if any(each.name == "after" for each in told):
        told = tuple(each for each in told if each.name not in PAGED)
    form = {
        "name": "form",
        "in": "path",
        "required": True,
        "description": "The form of the file.",
        "schema": {"type": "string", "enum": list(FORMS)},
    }
    content: dict[str, Any] = {kind.partition(";")[0]: {} for kind in TYPES.values()}
    return {
        "operationId": f"download{of.name[0].upper()}{of.name[1:]}",
        "tags": ["Downloads"],
        "summary": f"As a file: {of.summary[0].lower()}{of.summary[1:]}",
        "parameters": [form, *(_parameter(each) for each in told)],
        "responses": _responses("The file, whole.", content, told, etag=False, named=True),
    }


def _feed(path: str, media_type: str) -> dict[str, Any]:
    told = parameters(Changing)
    name = "Atom" if path.endswith("atom") else "Json"
    return {
        "operationId": f"feedChanges{name}",
        "tags": ["Feeds"],
        "summary": f"What changed, as {'Atom' if name == 'Atom' else 'JSON Feed'}.",
        "description": "An entry for each GPT and UTC day, the latest first.",
        "parameters": [_parameter(each) for each in told],
        "responses": _responses("The feed.", {media_type: {}}, told, etag=True),
    }


def _parameter(of: Parameter) -> dict[str, Any]:
    schema = dict(of.schema)
    schema.pop("description", None)
    if of.many:
        bounds = {name: of.bounds[name] for name in _BOUNDS if name in of.bounds}
        schema = {"type": "array", "items": schema} | bounds
    if of.default is not None:
        schema["default"] = of.default
    found: dict[str, Any] = {
        "name": of.name,
        "in": "path" if of.in_path else "query",
        "required": of.required,
        "schema": schema,
    }
    if of.description:
        found["description"] = of.description
    if of.many:
        found |= {"style": "form", "explode": True}
    return found


def _responses(
    text: str,
    content: dict[str, Any],
    told: tuple[Parameter, ...],
    *,
    etag: bool,
    named: bool = False,
) -> dict[str, Any]:
    ok: dict[str, Any] = {"description": text, "content": content}
    found: dict[str, Any] = {"200": ok}
    if etag:
        ok["headers"] = {
            "ETag": {"description": "Names this answer.", "schema": {"type": "string"}}
        }
        found["304"] = {"description": _BY_STATUS["304"]}
    statuses = {"400", "401", "414", "421", "422", "500", "501", "503"}
    if named or any(each.in_path for each in told):
        statuses.add("404")
    schema = {"$ref": REFS.format(name=problems.Problem.__name__)}
    for status in sorted(statuses):
        found[status] = {
            "description": _BY_STATUS[status],
            "content": {problems.TYPE: {"schema": schema}},
        }
    return found
