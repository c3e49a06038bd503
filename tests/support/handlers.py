"""A folder of released handlers, in the shape of workloads/handlers/released."""

from collections.abc import Mapping
from pathlib import Path

from artifacts.archives import DIGESTS_FILE, HandlerCode
from artifacts.archives.layout import stored

ECHO: Mapping[str, bytes] = {
    "handler.py": b"""\
from pathlib import Path

from echo_adapter import shout


class Echo:
    def initialize(self, context):
        folder = Path(context.system_properties["model_dir"], "weights")
        self.who = shout((folder / "names" / "who.txt").read_text())
        self.version = context.manifest["model"]["modelVersion"]

    def handle(self, rows, context):
        return [f"{self.who} {self.version}" for _ in rows]
""",
    "echo_adapter/__init__.py": b"def shout(text):\n    return text.strip().upper()\n",
}
"""A handler that reads its weights beside itself, as of an exported archive, and answers who and which version."""


def release(root: Path, name: str, version: str, files: Mapping[str, bytes] = ECHO) -> HandlerCode:
    """Freezes the files, as `python -m workloads.handlers.release` does."""
    code = HandlerCode(name=name, version=version, files=files)
    root.mkdir(parents=True, exist_ok=True)
    (root / f"{name}-{version}.zip").write_bytes(stored(code.files.items()))
    with (root / DIGESTS_FILE).open("a") as digests:
        digests.write(f"{name} {version} {code.digest}\n")
    return code
