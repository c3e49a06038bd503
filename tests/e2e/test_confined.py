"""The agent as a pod runs it: another user, no capability, a read-only root, one writable volume."""

import os
from pathlib import Path

import pytest

from sandbox.serving.runtime import SYSTEM_PYTHON, TorchServeRuntime
from tests.e2e.site import NOBODY, Site


def test_the_agent_needs_neither_root_nor_capabilities_nor_any_place_to_write_but_its_volume(
    runtime: TorchServeRuntime,
) -> None:
    if os.geteuid() != 0:
        pytest.fail("a read-only root needs a mount, as root", pytrace=False)
    with Site(runtime, python=Path(SYSTEM_PYTHON), confined=True) as site:
        site.configure({"fr": {"1": site.publish("fr", "1")}}, {"fr": "1"})
        site.until_serving(fr="1")
        process = site.agent.process
        assert process is not None
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        )
        assert status["Uid"].split() == [str(NOBODY)] * 4
        assert int(status["CapEff"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        mounts = [line.split() for line in Path(f"/proc/{process.pid}/mounts").read_text().splitlines()]
        options = {where: how.split(",") for _, where, _, how, *_ in mounts}
        assert "ro" in options["/"]
        assert "rw" in options[str(site.store)]
        assert (site.store / "agent.json").stat().st_uid == NOBODY
