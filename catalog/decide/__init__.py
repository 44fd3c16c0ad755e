"""What a GPT's observations mean: pure functions, no clock, no I/O (design, sections 4 and 6)."""

from catalog.decide.drift import find_drift
from catalog.decide.fold import fold
from catalog.decide.lifecycle import NotFoundContext, judge_not_found
from catalog.decide.mass import find_mass_events

__all__ = ["NotFoundContext", "find_drift", "find_mass_events", "fold", "judge_not_found"]
