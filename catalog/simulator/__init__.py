"""A simulated gateway over a simulated population of GPTs, for the demo, tests and benchmarks."""

from __future__ import annotations

from catalog.simulator.clock import SimulatedClock
from catalog.simulator.faults import ALL_KINDS, EFFECTS, Fault, FaultKind, FaultPlan, FaultTimes
from catalog.simulator.gateway import SIMULATED_KEY
from catalog.simulator.population import START, Population
from catalog.simulator.recordings import observations, write_observations
from catalog.simulator.server import RunningGateway, running_gateway, serve, write_ids
from catalog.simulator.wrappings import Mount

__all__ = [
    "ALL_KINDS",
    "EFFECTS",
    "SIMULATED_KEY",
    "START",
    "Fault",
    "FaultKind",
    "FaultPlan",
    "FaultTimes",
    "Mount",
    "Population",
    "RunningGateway",
    "SimulatedClock",
    "observations",
    "running_gateway",
    "serve",
    "write_ids",
    "write_observations",
]
