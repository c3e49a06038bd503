"""What the engine's commands note down of an account that was started anew."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.engine import Engine
from sandbox.lifecycle import NEW_ACCOUNT, Sandbox

FORGET = {"PULUMI_K8S_DELETE_UNREACHABLE": "true"}


@pytest.mark.parametrize(("code", "second"), [(0, {}), (3, FORGET)], ids=["succeeded", "failed"])
def test_an_old_cluster_is_forgotten_until_a_refresh_has_done_it_and_a_new_one_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, second: dict[str, str]
) -> None:
    engine = Engine(Sandbox(tmp_path))
    engine.sandbox.paths.unfinished.parent.mkdir(parents=True)
    engine.sandbox.paths.unfinished.write_text(f"{NEW_ACCOUNT}\n")
    seen: list[dict[str, str]] = []

    def shown(_: Engine, *_arguments: Any, **environment: str) -> int:
        seen.append(environment)
        return code

    monkeypatch.setattr(Engine, "_shown", shown)
    engine.refresh()
    engine.refresh()
    assert seen == [FORGET, second]
    assert engine.was_cut_off(), "what comes after the refresh may still be cut off"
