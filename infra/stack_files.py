"""Pulumi.yaml and Pulumi.<stack>.yaml as the engine hands them to the program, for those who run without one."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from infra.settings import PROJECT

PROJECT_ROOT: Final = Path(__file__).parent.parent


def read_stack_config(stack: str, root: Path = PROJECT_ROOT) -> dict[str, str]:
    """The configuration of a checked-in stack, Pulumi.yaml's defaults included, as the engine passes it.

    Raises FileNotFoundError where the stack has no file.
    """
    declared: dict[str, Any] = _read(root / "Pulumi.yaml").get("config", {})
    config = {
        f"{PROJECT}:{key}": declaration["default"]
        for key, declaration in declared.items()
        if "default" in declaration
    }
    config |= _read(root / f"Pulumi.{stack}.yaml").get("config") or {}
    return {key: _as_text(value) for key, value in sorted(config.items())}


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
