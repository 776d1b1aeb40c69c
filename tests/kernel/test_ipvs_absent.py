"""A kernel that has no IPVS and nothing to load it from: what is said then."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.ipvs import LinuxIpvs


def ipvs_is_to_be_had() -> bool:
    if Path("/proc/net/ip_vs").exists():
        return True
    modprobe = shutil.which("modprobe", path="/usr/sbin:/sbin:/usr/bin:/bin")
    return modprobe is not None and subprocess.run([modprobe, "-n", "-q", "ip_vs"], check=False).returncode == 0


@pytest.mark.skipif(ipvs_is_to_be_had(), reason="this kernel has IPVS, or would load it")
def test_it_says_what_to_do() -> None:
    ipvs = LinuxIpvs()
    for _ in range(2):
        with pytest.raises(KernelError) as caught:
            ipvs.ready()
        assert caught.value.fault is KernelFault.UNSUPPORTED
        assert str(caught.value).startswith("initialize ipvs: this kernel has no IPVS. Load it with `modprobe ip_vs`")
    with pytest.raises(KernelError):
        ipvs.table()
    with pytest.raises(KernelError):
        ipvs.apply([])
    ipvs.close()
