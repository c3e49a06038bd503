"""Broken input for the agent without end: documents and archives changed at random, and folders full of nonsense."""

import copy
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

_TOKENS: Final = (
    b"Infinity", b"-Infinity", b"NaN", b"1e999", b"-1e30", b"9" * 400, b"9223372036854775808", b'"\\ud800"', b"\\u0000",
    b"[" * 2000, b"{" * 40, b"]", b"}", b"null", b"true", b'""', b'"', b"\xff", b"\xed\xa0\x80", b"\xf0\x9f\x9a\xa2",
    b"\x00", b",", b":", b'{"a":' * 50, b"-1", b"0.5", b"\\", b"[{}]", b" " * 5000, b"PK\x01\x02", b"PK\x05\x06",
    b"\xff\xff\xff\xff", b"../", b"\r\n",
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    None, True, "", "x", -1, 0, 0.5, 10**30, 2**63, float("inf"), float("nan"), "9" * 400, "\ud800", "é" * 300, "../..",
    "a/b", [], {}, [[]], [1], {"": {}}, {"\udfff": 1}, ["x"] * 50, "sha256:12", "1e999", "x" * 5000, "\x00",
)  # fmt: skip


def chance_of(seed: int) -> random.Random:
    """Equal seeds give equal cases."""
    return random.Random(seed)  # noqa: S311 - nothing secret is drawn


def changed_bytes(content: bytes, chance: random.Random) -> bytes:
    """The content with some of its bytes replaced, removed, doubled or cut."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 5)):
        start = chance.randrange(len(changed) + 1)
        end = min(len(changed), start + chance.choice((0, 0, 1, 2, 20, 200)))
        new = chance.choice(
            (b"", chance.randbytes(chance.randint(1, 6)), chance.choice(_TOKENS), bytes(changed[:50]))
        )
        changed[start:end] = new
    return bytes(changed)


def changed_document(content: bytes, chance: random.Random) -> bytes:
    """JSON whose values and keys are exchanged, or, one time in three, its bytes."""
    try:
        document = {"whole": json.loads(content)}
    except ValueError:
        return changed_bytes(content, chance)
    if chance.randrange(3) == 0:
        return changed_bytes(content, chance)
    for _ in range(chance.randint(1, 4)):
        parent, key = chance.choice(_spots(document))
        value = copy.deepcopy(chance.choice((*VALUES, document["whole"])))
        match chance.randrange(4):
            case 0 if parent is not document:
                del parent[key]
            case 1 if isinstance(parent, dict) and parent is not document:
                parent[chance.choice(("", "\ud800", "x" * 300, f"{key}x", "../y"))] = parent.pop(key)
            case 2 if isinstance(parent, list):
                parent.extend([value] * chance.choice((1, 50)))
            case _:
                parent[key] = value
    return json.dumps(document["whole"], ensure_ascii=chance.random() < 0.8).encode("utf-8", "surrogatepass")


def _spots(tree: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting and len(found) < 2000:
        parent = waiting.pop()
        children = list(parent.items()) if isinstance(parent, dict) else list(enumerate(parent))
        found += [(parent, key) for key, _ in children]
        waiting += [child for _, child in children if isinstance(child, dict | list)]
    return found


def changed_archive(content: bytes, chance: random.Random) -> bytes:
    """An archive whose list of entries lies, or whose documents are broken."""
    if chance.randrange(2):
        start = content.index(b"PK\x01\x02")
        return content[:start] + changed_bytes(content[start:], chance)
    held = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as good,
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in good.namelist():
            packed.writestr(name, changed_document(good.read(name), chance))
        for number in range(chance.choice((0, 0, 3, 300))):
            packed.writestr(chance.choice(("weights/", "../", "x" * 300, "é/")) + str(number), b"")
    return held.getvalue()


def _nothing(path: Path, _: random.Random) -> None:
    """Leave its place empty."""


def _file(path: Path, chance: random.Random) -> None:
    path.write_bytes(chance.choice((b"", b"x", chance.choice(_TOKENS))))


def _sparse(path: Path, _: random.Random) -> None:
    with path.open("wb") as file:
        file.truncate(300 << 20)


def _folder(path: Path, chance: random.Random) -> None:
    (path / "x" / chance.choice(("y", "é", "sha256-"))).mkdir(parents=True)
    (path / "x" / "1.json").write_bytes(chance.choice(_TOKENS))


def _dangling(path: Path, _: random.Random) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _circle(path: Path, _: random.Random) -> None:
    path.symlink_to(path)


def _pipe(path: Path, _: random.Random) -> None:
    os.mkfifo(path)


def _strange_name(path: Path, chance: random.Random) -> None:
    path.mkdir()
    name = (
        os.fsencode(path)
        + b"/"
        + chance.choice((b"\xff.json", b"a b.json", b"-x.json", b"x.json.part", b"\n"))
    )
    Path(os.fsdecode(name)).write_bytes(b"{}")


IN_A_PLACE: Final[Mapping[str, Callable[[Path, random.Random], None]]] = {
    "nothing": _nothing, "file": _file, "sparse": _sparse, "folder": _folder, "dangling": _dangling, "circle": _circle,
    "pipe": _pipe, "strange": _strange_name,
}  # fmt: skip


def changed_request(chance: random.Random) -> bytes:
    """What somebody sends to the agent's own server."""
    line = chance.choice(
        (b"GET /versions HTTP/1.1", b"GET /live HTTP/1.0", b"POST /ready HTTP/1.1", b"GET", b"PRI *")
    )
    values = (*_TOKENS, b"x" * 9000)
    names = (b"Host", b"X" * 50, b"Content-Length", b"")
    headers = b"".join(
        b"%s: %s\r\n" % (chance.choice(names), chance.choice(values))
        for _ in range(chance.choice((0, 1, 5, 120)))
    )
    whole = line + b"\r\n" + headers + b"\r\n"
    return changed_bytes(whole, chance) if chance.randrange(2) else whole
