from __future__ import annotations

import os

import pytest

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel import netns


def test_current_id_is_that_of_the_process() -> None:
    assert netns.current_id() == os.stat("/proc/self/ns/net").st_ino


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(KernelError, match="enter the network namespace no-such-namespace: No such file") as caught:
        netns.enter("no-such-namespace")
    assert caught.value.fault is KernelFault.ABSENT
    assert netns.name_of(0) is None
