"""Small configurations for the simulator's tests."""

from __future__ import annotations

from typing import Any

from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.vrrp import SyncGroup, VrrpInstance
from pyvrrp.simulate.scenario import parse
from pyvrrp.simulate.steps import Timed
from pyvrrp.simulate.story import Story
from pyvrrp.simulate.world import World
from pyvrrp.units import SECOND
from tests.conformance.play import instance

__all__ = ["config", "instance", "pair", "play", "steps"]


def config(*instances: VrrpInstance, groups: tuple[SyncGroup, ...] = (), **global_defs: Any) -> Config:
    return Config(vrrp_instances=instances, vrrp_sync_groups=groups, global_defs=GlobalDefs(**global_defs))


def pair(**changes: Any) -> dict[str, Config]:
    """Directors a (150) and b (100) of one virtual router; `changes` to the instances of both."""
    return {name: config(instance(priority=priority, **changes)) for name, priority in (("a", 150), ("b", 100))}


def steps(text: str, *names: str) -> list[Timed]:
    return parse(text, "scenario", {name: name for name in names or ("a", "b")})


def play(configs: dict[str, Config], text: str, seconds: float, **more: Any) -> Story:
    world = World(configs, steps(text, *configs), **more)
    world.run(round(seconds * SECOND))
    return world.finish()
