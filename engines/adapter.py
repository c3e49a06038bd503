"""A LoRA adapter, which changes a model's weights."""

import re
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIRECTORY: Final = re.compile(r"/[A-Za-z0-9._/-]*")


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One adapter. Raises ValueError on what an engine's name=/path,name=/path would read as something else."""

    name: str
    """The name by which a request chooses the adapter."""
    directory: str
    """Absolute; holds adapter_config.json and its weights."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} is no name of an adapter; start with a letter or digit, and go on with those, "
                "dot, dash or underscore"
            )
        if not _DIRECTORY.fullmatch(self.directory):
            raise ValueError(
                f"{self.directory!r} is no directory of an adapter; write an absolute path of letters, digits, "
                "dot, dash, underscore and slash"
            )


def refuse_repeated_names(adapters: tuple[Adapter, ...]) -> None:
    """Raise ValueError where two adapters share a name: an engine silently keeps one of them."""
    names = [adapter.name for adapter in adapters]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"adapter listed twice: {', '.join(repeated)}; give each a name of its own")
