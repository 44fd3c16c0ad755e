"""Claim, fetch, unwrap, observe: the main job (design, section 4)."""

from catalog.harvest.harvest import Harvest, HarvestOptions
from catalog.harvest.session import HarvestJob, run_harvest
from catalog.harvest.totals import Progress, Totals

__all__ = ["Harvest", "HarvestJob", "HarvestOptions", "Progress", "Totals", "run_harvest"]
