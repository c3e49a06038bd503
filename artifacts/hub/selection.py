"""A selection holds the files that are mirrored: safetensors, tokenizers and configurations, or what patterns name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from artifacts.errors import RefusedError
from artifacts.hub.repository import HubFile
from artifacts.names import refuse_collisions

WEIGHTS: Final = "*.safetensors"

DEFAULT_PATTERNS: Final = (
    WEIGHTS,
    "*.json",
    "*.jinja",
    "*.spm",
    "*.tiktoken",
    "bpe.codes",
    "merges.txt",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
    "spiece.model",
    "tokenizer.model",
    "tokenizer.model.v*",
    "vocab.bpe",
    "vocab.txt",
)
"""Weights, configurations, chat templates, and what the tokenizers of transformers and mistral-common are read from."""

_INDEX_OF_PICKLES: Final = "*.bin.index.json"
"""It says which pickle holds which tensor, and is of no use without them."""

PICKLES: Final = frozenset({".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"})
"""Endings of files that torch.load, joblib or pickle read, or may have written."""

_REASON: Final = (
    "a pickle runs whatever code is in it as it is loaded (https://docs.python.org/3/library/pickle.html), and no "
    "checksum says what that does"
)
_FEW: Final = 5
"""Names in a message."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The files that are mirrored, and those that are not."""

    chosen: tuple[HubFile, ...]
    """Sorted by the bytes of their names; all can be kept in one artifact."""
    left_out: tuple[HubFile, ...]

    @property
    def left_out_pickles(self) -> tuple[HubFile, ...]:
        """Files that are left out since they may be pickles."""
        return tuple(file for file in self.left_out if _is_pickle(file))


def select(
    files: Sequence[HubFile], include: Sequence[str] = (), *, allow_pickles: bool = False
) -> Selection:
    """Decide which files are mirrored.

    A pattern has `*`, `?` and `[…]`, which match slashes too. Without a slash it is of a file's own name, whatever
    folder it is in; with one, of the whole path. Patterns stand in place of the default ones.

    Raises:
        RefusedError: no weights are chosen, a pattern matches nothing, files are pickles, or names cannot be kept.
    """
    chosen = _included(files, include) if include else _by_default(files)
    pickles = [file for file in chosen if _is_pickle(file)]
    if pickles and not allow_pickles:
        raise RefusedError(
            f"{_named(pickles)}: {_REASON}. Fix: leave them out of --include and mirror safetensors, or add "
            "--allow-pickles when you trust whoever wrote them"
        )
    refuse_collisions(file.name for file in chosen)
    return Selection(
        chosen=tuple(sorted(chosen, key=lambda file: file.name.encode())),
        left_out=tuple(file for file in files if file not in set(chosen)),
    )


def _by_default(files: Sequence[HubFile]) -> list[HubFile]:
    chosen = [
        file
        for file in files
        if any(_matches(file, pattern) for pattern in DEFAULT_PATTERNS)
        and not _matches(file, _INDEX_OF_PICKLES)
    ]
    if any(_matches(file, WEIGHTS) for file in chosen):
        return chosen
    pickles = [file for file in files if _is_pickle(file)]
    if pickles:
        raise RefusedError(
            f"its weights are no safetensors: {_named(pickles)}, and {_REASON}. Fix: take a revision or a repository "
            "with safetensors (the Hub's conversion bot opens refs/pr/…), or name the files with --include and "
            "--allow-pickles when you trust whoever wrote them"
        )
    raise RefusedError(
        f"none of its {len(files):,} files is named {WEIGHTS}. Fix: correct the repository, or name the files with "
        "--include"
    )


def _included(files: Sequence[HubFile], include: Sequence[str]) -> list[HubFile]:
    for pattern in include:
        if not any(_matches(file, pattern) for file in files):
            raise RefusedError(
                f"--include {pattern!r} matches none of its {len(files):,} files, as in {_named(files)}. Fix: correct "
                "it"
            )
    return [file for file in files if any(_matches(file, pattern) for pattern in include)]


def _matches(file: HubFile, pattern: str) -> bool:
    return fnmatchcase(file.path if "/" in pattern else PurePosixPath(file.path).name, pattern)


def _is_pickle(file: HubFile) -> bool:
    return PurePosixPath(file.path).suffix.lower() in PICKLES


def _named(files: Sequence[HubFile]) -> str:
    names = ", ".join(repr(file.path) for file in files[:_FEW])
    return f"{names} and {len(files) - _FEW:,} more" if len(files) > _FEW else names
