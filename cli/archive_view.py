"""What is in an archive on this machine, as `slipway artifacts inspect` shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal

from artifacts import RefusedError
from artifacts.archives import ArchiveContent, read_archive
from cli.console import OUT, printable

_SHOWN: Final = 20


def show_archive(path: Path, format_: Literal["text", "json"]) -> None:
    """Raises RefusedError for a file that is not there, or no archive that TorchServe should be given."""
    from artifacts.storage import digest_path

    if not path.is_file():
        raise RefusedError(f"{path} is no file here. Fix: correct the path")
    content = read_archive(path)
    digest = digest_path(path).digest
    if format_ == "json":
        OUT.print_json(json.dumps(_as_json(content, digest)))
    else:
        _print(path, content, digest)


def _as_json(content: ArchiveContent, digest: str) -> dict[str, Any]:
    mark = content.mark
    return {
        "digest": digest,
        "model": content.model,
        "version": content.version,
        "handler": content.handler,
        "slipway": mark
        and {"handler": mark.handler, "version": mark.handler_version, "weights": mark.weights},
        "thin": content.thin,
        "size": content.size,
        "files": [vars(file) for file in content.files],
    }


def _print(path: Path, content: ArchiveContent, digest: str) -> None:
    lines = [str(path), f"  {digest}"]
    lines.append(f"  model {content.model}, version {content.version}, starts {content.handler}")
    if content.mark:
        where = "apart, in the bucket" if content.thin else "inside"
        lines.append(f"  handler {content.mark.handler} {content.mark.handler_version}, released")
        lines.append(f"  weights {content.mark.weights}, {where}")
    else:
        lines.append("  not made by Slipway: handler and weights are its own")
    lines.append(f"  {len(content.files):,} files, {content.size:,} bytes")
    for file in content.files[:_SHOWN]:
        lines.append(f"  {file.size:>15,}  {file.name}")
    if len(content.files) > _SHOWN:
        lines.append(f"  and {len(content.files) - _SHOWN:,} more; --format json has them all")
    for line in lines:
        OUT.print(printable(line), markup=False)
