"""Reads images.yaml, the one place where images are pinned. It is part of this package: no network, no search path.

Unknown, missing and repeated keys are errors, and so is a tag that YAML reads as a number (3.10 becomes 3.1).
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from engines.image import ImageReference

IMAGES_FILE: Final = Path(__file__).with_name("images.yaml")
_KEYS: Final = frozenset({"digest", "repository", "tag"})


class ImagesError(ValueError):
    """images.yaml is wrong. Says where, which image, and the fix."""


def read_images(text: str, file: str = IMAGES_FILE.name) -> Mapping[str, ImageReference]:
    """Name → image. Raises ImagesError for the first thing that is wrong."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_repeated(node, file)
        listed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ImagesError(f"{file}: {' '.join(str(error).split())}. Make it valid YAML") from error
    if not isinstance(listed, dict) or not listed:
        raise ImagesError(f"{file}: names no image. Write a name, and repository, tag and digest below it")
    return MappingProxyType({str(name): _image(f"{file}: {name}", listed[name]) for name in sorted(listed)})


def _image(place: str, fields: Any) -> ImageReference:
    if not isinstance(fields, dict):
        raise ImagesError(f"{place}: is no mapping. Write repository, tag and digest below it")
    for wrong, what, fix in (
        (fields.keys() - _KEYS, "is not a key here", f"Known keys: {', '.join(sorted(_KEYS))}"),
        (_KEYS - fields.keys(), "is missing", "Add it; a digest nobody has observed is unresolved"),
        ({key for key in fields if not isinstance(fields[key], str)}, "is not text", "Put it in quotes"),
    ):
        if wrong:
            raise ImagesError(f"{place}: {', '.join(sorted(map(repr, wrong)))} {what}. {fix}")
    try:
        return ImageReference(**fields)
    except ValueError as error:
        message, _, fix = str(error).partition("; ")
        raise ImagesError(f"{place}: {message}. {fix[:1].upper()}{fix[1:]}") from error


def _refuse_repeated(node: yaml.Node | None, file: str) -> None:
    """Raise ImagesError for a repeated key: YAML itself silently keeps the last of two."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            raise ImagesError(
                f"{file}:{key.start_mark.line + 1}: {key.value!r} is given twice. Keep one of them"
            )
        seen.add(key.value)
        _refuse_repeated(value, file)


IMAGES: Final = read_images(IMAGES_FILE.read_text(encoding="utf-8"))
"""Name → image of this repository."""

FETCH_IMAGE: Final = IMAGES["slipway-fetch"]
"""The image that fetches weights into a pod before its engine starts, by digest (workloads/fetch)."""
FETCH_BASE_IMAGE: Final = IMAGES["python"]
"""The image that FETCH_IMAGE is built on."""
