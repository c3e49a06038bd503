"""Broken catalogs without end: the repository's own, changed at random by bytes, by lines, by tree and by alias."""

import copy
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from model_catalog import CATALOG_ROOT

_TOKENS: Final = (
    b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system ", b"!x ", b"\t", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe",
    b"{", b"}", b"[", b"]", b": ", b"- ", b"? ", b"%YAML 1.1\n", b"\n---\n", b"\n...\n", b"|\n", b">-\n", b"'", b'"',
    b"#", b"\r", b"\xc3\x28", b"\xf0\x9f\x9a\xa2", b"9" * 400, b"null", b"~", b"no", b"1e999", b"0x1f", b"-1", b"\\",
)  # fmt: skip
_VALUES: Final[tuple[Any, ...]] = (
    None, "", "x", "no", "1.10", "-1", "1e999", "9" * 400, "é" * 50, "a/b@c", {}, [], [[]], {"": ""}, ["x", {}],
    {"a": {"b": {"c": "d"}}}, "sha256:12", "unresolved", "2026-02-30", "100%", "0%", "1GiB", "0s", "fr",
    "TextGeneration",
)  # fmt: skip
KINDS: Final = ("bytes", "lines", "tree", "aliases", "crossed")


def catalog_texts(root: Path = CATALOG_ROOT) -> dict[str, bytes]:
    """Path below the catalog's root → content, of every file that is read."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in ("entries", "releases")
        for path in sorted((root / folder).rglob("*.yaml"))
    }


def broken(texts: Mapping[str, bytes], kind: str, seed: int) -> tuple[str, dict[str, bytes]]:
    """One case: the path that was changed, and a small catalog that holds it. Equal arguments give equal cases."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    path = chance.choice(sorted(texts))
    kept = {path: texts[path]}
    for other in chance.sample(sorted(texts), k=min(3, len(texts))):
        kept.setdefault(other, texts[other])
    kept[path] = _CHANGES[kind](kept, path, chance)
    return path, kept


def _bytes(texts: Mapping[str, bytes], path: str, chance: random.Random) -> bytes:
    content = bytearray(texts[path])
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice((0, 0, 1, 2, 20)))
        new = chance.choice((b"", chance.randbytes(chance.randint(1, 4)), chance.choice(_TOKENS)))
        content[start:end] = new
    return bytes(content)


def _lines(texts: Mapping[str, bytes], path: str, chance: random.Random) -> bytes:
    lines = texts[path].splitlines(keepends=True)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines) + 1)
        match chance.randrange(4):
            case 0:
                del lines[at : at + chance.randint(1, 3)]
            case 1:
                lines[at:at] = lines[at : at + chance.randint(1, 5)]
            case 2:
                lines.insert(at, b" " * chance.randint(0, 9) + chance.choice(_TOKENS) + b"\n")
            case _:
                lines[at : at + 1] = [b" " * chance.randint(0, 3) + line for line in lines[at : at + 1]]
    return b"".join(lines)


def _tree(texts: Mapping[str, bytes], path: str, chance: random.Random) -> bytes:
    tree = yaml.load(texts[path], yaml.BaseLoader)  # noqa: S506 - builds text, lists and mappings alone
    for _ in range(chance.randint(1, 4)):
        spots = [(parent, key) for parent, key in _spots(tree)]
        if not spots:
            break
        parent, key = chance.choice(spots)
        value = copy.deepcopy(chance.choice((*_VALUES, tree)))
        match chance.randrange(4):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, dict):
                parent[str(key) + "x"] = parent.pop(key)
            case 2 if isinstance(parent, dict):
                parent[chance.choice(("x", "", "serving", "memory", "versions", "scripts"))] = value
            case _:
                parent[key] = value
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode()


def _spots(tree: Any) -> list[tuple[Any, Any]]:
    if isinstance(tree, dict):
        children = list(tree.items())
    elif isinstance(tree, list):
        children = list(enumerate(tree))
    else:
        return []
    return [(tree, key) for key, _ in children] + [spot for _, child in children for spot in _spots(child)]


def _aliases(texts: Mapping[str, bytes], path: str, chance: random.Random) -> bytes:
    """Levels of aliases, each named several times by the next: what a billion laughs is made of."""
    levels, width = chance.randint(1, 30), chance.randint(1, 12)
    lines = [b"x0: &x0 [%s]" % b", ".join([b"lol"] * width)]
    lines += [
        b"x%d: &x%d [%s]" % (level, level, b", ".join([b"*x%d" % (level - 1)] * width))
        for level in range(1, levels)
    ]
    lines.append(b"serving: *x%d" % (levels - 1))
    return texts[path] + b"\n" + b"\n".join(lines) + b"\n"


def _crossed(texts: Mapping[str, bytes], path: str, chance: random.Random) -> bytes:
    """The beginning of one file and the end of another."""
    other = texts[chance.choice(sorted(texts))]
    return texts[path][: chance.randrange(len(texts[path]) + 1)] + other[chance.randrange(len(other) + 1) :]


_CHANGES: Final[Mapping[str, Callable[[Mapping[str, bytes], str, random.Random], bytes]]] = {
    "aliases": _aliases,
    "bytes": _bytes,
    "crossed": _crossed,
    "lines": _lines,
    "tree": _tree,
}
