"""Pulumi.yaml and Pulumi.<stack>.yaml as the engine hands them to the program, for those who run without one."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from infra.settings import PROJECT, SettingsError

PROJECT_ROOT: Final = Path(__file__).parent.parent


def read_stack_config(stack: str, root: Path = PROJECT_ROOT) -> dict[str, str]:
    """The configuration of a checked-in stack, Pulumi.yaml's defaults included, as the engine passes it.

    Raises FileNotFoundError where the stack has no file, SettingsError where a file is no mapping.
    """
    declared: dict[str, Any] = _read(root / "Pulumi.yaml").get("config") or {}
    config = {
        f"{PROJECT}:{key}": declaration["default"]
        for key, declaration in declared.items()
        if "default" in declaration
    }
    config |= _read(root / f"Pulumi.{stack}.yaml").get("config") or {}
    return {key: _as_text(value) for key, value in sorted(config.items())}


def _read(path: Path) -> dict[str, Any]:
    """An empty file says nothing; what is no mapping is a SettingsError with its place."""
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name}: is not YAML: {' '.join(str(error).split())}. Mend it") from error
    if read is None:
        return {}
    if not isinstance(read, dict) or not isinstance(read.get("config") or {}, dict):
        raise SettingsError(
            f"{path.name}: is no mapping with config: in it. Write keys and values below config:"
        )
    return read


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
