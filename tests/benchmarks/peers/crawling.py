"""Asks a gateway for documents with Scrapy, and throws the answers away; run by the peers' Python.

Usage: ``python crawling.py URLS KEY CONCURRENCY``; URLS is a file with an address a line. Prints a
line of JSON: ``seconds`` and ``cpu`` seconds of the crawl, and how many answers came.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


def main(urls: list[str], key: str, concurrency: int) -> None:
    """Crawl, and print what it took."""
    # By name: it is installed beside this file's user, not beside its checker.
    scrapy: Any = importlib.import_module("scrapy")
    crawler: Any = importlib.import_module("scrapy.crawler")
    seen = 0

    class Spider(scrapy.Spider):  # type: ignore[misc]
        """Asks for each address once."""

        name = "peer"

        async def start(self) -> Any:
            """The requests."""
            for url in urls:
                yield scrapy.Request(url, headers={"authorization": f"Bearer {key}"})

        def parse(self, response: Any) -> None:
            """Count an answer."""
            nonlocal seen
            seen += bool(response.body)

    process = crawler.CrawlerProcess(
        {
            "CONCURRENT_REQUESTS": concurrency,
            "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
            "DOWNLOAD_DELAY": 0,
            "LOG_LEVEL": "ERROR",
            "ROBOTSTXT_OBEY": False,
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    process.crawl(Spider)
    cpu, began = time.process_time(), time.perf_counter()
    process.start()
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    sys.stdout.write(json.dumps(took | {"answers": seen}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text(encoding="utf-8").split(), sys.argv[2], int(sys.argv[3]))
