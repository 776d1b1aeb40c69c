from __future__ import annotations

import errno

import pytest

from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.refusals import kernel_error, translated


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.ENOENT, KernelFault.ABSENT),
        (errno.EADDRNOTAVAIL, KernelFault.ABSENT),
        (errno.EEXIST, KernelFault.PRESENT),
        (errno.EPERM, KernelFault.DENIED),
        (errno.EOPNOTSUPP, KernelFault.UNSUPPORTED),
        (errno.EINVAL, KernelFault.OTHER),
    ],
)
def test_faults(number: int, fault: KernelFault) -> None:
    error = kernel_error(number, "do it")
    assert (error.errno, error.operation, error.fault) == (number, "do it", fault)


def test_text_says_what_was_tried_why_and_what_helps() -> None:
    assert str(kernel_error(errno.EINVAL, "add X", "ipv4: Y")) == "add X: Invalid argument (ipv4: Y)"
    assert "CAP_NET_ADMIN" in str(kernel_error(errno.EPERM, "add X"))


def test_translated() -> None:
    with pytest.raises(KernelError, match="open it: Permission denied"), translated("open it"):
        raise PermissionError(errno.EACCES, "whatever")
    with pytest.raises(LookupError), translated("open it"):
        raise LookupError
