"""Claim, fetch, unwrap, observe: the main job (design, section 4)."""

from catalog.harvest.harvest import Harvest, HarvestOptions
from catalog.harvest.session import HarvestJob, run_harvest
from catalog.harvest.totals import Harvested, Progress, Stop, Totals

__all__ = [
    "Harvest",
    "HarvestJob",
    "HarvestOptions",
    "Harvested",
    "Progress",
    "Stop",
    "Totals",
    "run_harvest",
]
