"""Which address shows which page."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from catalog.web.pages import authors, changes, gpt, gpts, overview, runs, sql, trends


def pages() -> list[BaseRoute]:
    """The routes of all pages."""
    return [
        Route("/", overview.show),
        Route("/gpts", gpts.show),
        Route("/gpts/{gizmo_id}", gpt.show),
        Route("/gpts/{gizmo_id}/compare", gpt.compare),
        Route("/gpts/{gizmo_id}/raw", gpt.raw),
        Route("/authors", authors.show_all),
        Route("/authors/{user_id:path}", authors.show),
        Route("/changes", changes.show),
        Route("/trends", trends.show),
        Route("/runs", runs.show),
        Route("/sql", sql.show),
    ]
