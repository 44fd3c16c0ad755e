"""The one declaration of the views: what people query in SQL.

Tables may change with any version; these names and meanings stay. Times are ISO text on SQLite and
timestamptz on PostgreSQL, and beside them stand their day and month as text and their year as a
number, so that one query runs on both. Migrations make the views; a test holds the two equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.storage.gpt_views import GPT_VIEWS
from catalog.storage.work_views import WORK_VIEWS

if TYPE_CHECKING:
    from catalog.storage.view_sql import View

VIEWS: tuple[View, ...] = (*GPT_VIEWS, *WORK_VIEWS)
"""The views, in the order in which the data dictionary lists them."""
