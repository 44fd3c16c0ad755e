"""Whether a catalog is well: gathered, judged, told, and served to monitors.

``watching`` looks, writes down what is raised and over, and tells people; ``line`` says it in one
line; ``metrics`` and ``serving`` give it to Prometheus and whoever asks ``/healthz``.
"""

from catalog.health.line import headline, unfinished
from catalog.health.looking import Health, look, look_at
from catalog.health.metrics import exposition
from catalog.health.serving import Address, Looks, as_json, listen_address, serve_health
from catalog.health.watching import Watch

__all__ = [
    "Address",
    "Health",
    "Looks",
    "Watch",
    "as_json",
    "exposition",
    "headline",
    "listen_address",
    "look",
    "look_at",
    "serve_health",
    "unfinished",
]
