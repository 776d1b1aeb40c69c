"""Random directors, networks and faults: the protocol's promises hold. PYVRRP_SIM_EXAMPLES plays so many scenes."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.sim.worlds import Scene, masters, report, scenes

EXAMPLES = int(os.environ.get("PYVRRP_SIM_EXAMPLES", "600"))


@pytest.mark.timeout(0)
@given(scenes())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)
def test_one_master_and_no_other(scene: Scene) -> None:
    world = scene.world()
    story = world.play(scene)
    for instance in next(iter(scene.configs.values())).vrrp_instances:
        assert len(masters(story, instance.name)) == 1, report(scene, story)
