"""vrrp_script, track_script and notify: from text to the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyvrrp.config import Loaded, expand, load
from pyvrrp.daemon.configuration import Reading, without
from pyvrrp.kernel.files import Files
from pyvrrp.model.notify import Notify
from pyvrrp.model.scripts import Command, VrrpScript
from pyvrrp.model.tracked import Tracked
from pyvrrp.units import SECOND

SCRIPTS = """
vrrp_script full {
    script "/x/chk 'a b' c"
    interval 2
    timeout 3
    weight -20
    rise 2
    fall 3
    user nobody daemon
    init_fail
}
vrrp_script plain {
    script /x/plain
}
vrrp_script turned {
    script /x/turned
    weight 7 reverse
}
vrrp_script unused {
    script /x/unused
}
"""
INSTANCE = """
vrrp_instance %s {
    interface eth0
    virtual_router_id %d
    %s
    virtual_ipaddress {
        10.0.0.%d
    }
}
"""


def loaded(tmp_path: Path, text: str) -> Loaded:
    path = tmp_path / "k.conf"
    path.write_text(text)
    return load(expand(str(path), Files(), "host", {}))


def test_all_that_a_vrrp_script_says(tmp_path: Path) -> None:
    tracks = "track_script {\nfull\nplain\nturned\n}"
    config = loaded(tmp_path, SCRIPTS + INSTANCE % ("V", 1, tracks, 1)).config
    assert config.vrrp_scripts == (
        VrrpScript(
            name="full",
            script=Command(("/x/chk", "a b", "c"), "nobody", "daemon"),
            interval=2 * SECOND,
            timeout=3 * SECOND,
            weight=-20,
            rise=2,
            fall=3,
            init_fail=True,
        ),
        VrrpScript(name="plain", script=Command(("/x/plain",))),
        VrrpScript(name="turned", script=Command(("/x/turned",)), weight=7, reverse=True),
    ), "the unused one is left out"
    assert config.vrrp_instances[0].track_script == (
        Tracked(name="full", weight=-20),
        Tracked(name="plain"),
        Tracked(name="turned", weight=7, reverse=True),
    )


def test_a_line_has_the_last_word_on_the_weight(tmp_path: Path) -> None:
    tracks = "track_script {\nfull weight 5\nplain weight 9 reverse\nturned weight 3 noreverse\nnosuch\n}"
    found = loaded(tmp_path, SCRIPTS + INSTANCE % ("V", 1, tracks, 1))
    assert found.config.vrrp_instances[0].track_script == (
        Tracked(name="full", weight=5),
        Tracked(name="plain", weight=9, reverse=True),
        Tracked(name="turned", weight=3),
    )
    assert [problem.message for problem in found.problems if "nosuch" in problem.message] == [
        "there is no vrrp_script nosuch"
    ]


def test_a_script_that_is_defined_later_is_not_tracked(tmp_path: Path) -> None:
    config = loaded(tmp_path, INSTANCE % ("V", 1, "track_script {\nplain\n}", 1) + SCRIPTS).config
    assert config.vrrp_instances[0].track_script == ()
    assert config.vrrp_scripts == ()


def test_what_a_group_tracks_its_members_track(tmp_path: Path) -> None:
    members = INSTANCE % ("V", 1, "track_script {\nplain\n}", 1) + INSTANCE % ("W", 2, "", 2)
    group = """
vrrp_sync_group G {
    group {
        V
        W
    }
    track_script {
        full
        plain weight 4
    }
    track_interface {
        eth0
        eth1
    }
    notify /x/group
}
"""
    config = loaded(tmp_path, SCRIPTS + members + group).config
    both = (Tracked(name="full", weight=-20), Tracked(name="plain", weight=4))
    for instance in config.vrrp_instances:
        assert sorted(instance.track_script, key=lambda one: one.name) == sorted(both, key=lambda one: one.name)
        assert [one.name for one in instance.track_interface] == ["eth1"]
    assert config.vrrp_sync_groups[0].notify == Notify(notify=Command(("/x/group",)))


def test_notify(tmp_path: Path) -> None:
    words = 'notify_master "/x/up a" nobody\nnotify_master /x/other\nnotify_deleted\nnotify /x/all'
    config = loaded(tmp_path, INSTANCE % ("V", 1, words, 1)).config
    assert config.vrrp_instances[0].notify == Notify(
        notify_master=Command(("/x/up", "a"), "nobody"), notify=Command(("/x/all",)), tell_deleted=True
    )


def test_what_is_not_to_be_run_is_taken_out(tmp_path: Path) -> None:
    tracks = "track_script {\nfull\nplain\n}\nnotify_master /x/up\nnotify_backup /x/down"
    reading = loaded(tmp_path, SCRIPTS + INSTANCE % ("V", 1, tracks, 1))
    assert {use.user for use in reading.scripts} >= {"script of full", "notify_master of V"}
    refused = {use.command for use in reading.scripts if use.user in ("script of full", "notify_master of V")}
    config = without(reading.config, refused)
    assert [script.name for script in config.vrrp_scripts] == ["plain"]
    instance = config.vrrp_instances[0]
    assert [track.name for track in instance.track_script] == ["plain"]
    assert instance.notify == Notify(notify_backup=Command(("/x/down",)))
    assert replace(Reading(config, ()), scripts=()).config == config
