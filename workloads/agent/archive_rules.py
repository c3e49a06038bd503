"""An archive keeps to these rules before TorchServe gets it: the agent, `slipway artifacts inspect`, thin archives and
exports go by them alone. Standard library only, and Python 3.9, as in the whole package.

TorchServe unpacks whatever a zip says, wherever it says. Nothing is unpacked here but in memory, in pieces.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, Any

from workloads.agent.limits import LONGEST_ARCHIVED_DOCUMENT
from workloads.agent.zip_layout import (
    Entry,
    TwoContentsError,
    ZipLayoutError,
    read_entries,
    require_one_content,
)
from workloads.artifacts.bounded import UnreadableError, parse_json
from workloads.artifacts.limits import MOST_FILES

MANIFEST = "MAR-INF/MANIFEST.json"
MODEL_CONFIG = "model-config.yaml"
"""Its workers, batches and timeouts would win over what the agent registers
(https://github.com/pytorch/serve/blob/v0.12.0/docs/configuration.md#config-model)."""

MOST_BYTES = 1 << 40
"""Unpacked, of one archive: 1 TiB."""
MOST_RATIO = 200
"""Unpacked bytes for each packed one, beyond which an archive is a bomb: deflate's own limit is 1032, and text of
configurations reaches 20."""
RATIO_FROM = 64 << 20
"""Bytes below which no ratio counts: a small file of zeros is no bomb."""
_LONGEST_NAME, _LONGEST_PART = 900, 255
_CHUNK = 1 << 20
_ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flags: encrypted, strongly encrypted, and a directory whose values are hidden."""
_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of Unicode that break lines or are no characters."""
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Make a name read as another one."""
_DRIVE = re.compile(r"[A-Za-z]:")
_NAMING = ("serializedFile", "modelFile", "requirementsFile")
"""Members of the manifest's model that TorchServe opens in the folder."""


class ArchiveRuleError(Exception):
    """The archive breaks a rule. `what` continues "it …"; `fix` says what to do."""

    def __init__(self, rule: str, what: str, fix: str) -> None:
        super().__init__(f"{rule}: it {what}. Fix: {fix}")
        self.rule, self.what, self.fix = rule, what, fix


@dataclass(frozen=True)
class Checked:
    """An archive that TorchServe may be given."""

    files: tuple[Entry, ...]
    """In the directory's order, folders left out."""
    manifest: dict[str, Any]

    @property
    def names(self) -> frozenset[str]:
        """Of the files."""
        return frozenset(entry.name for entry in self.files)


def check_archive(file: IO[bytes]) -> Checked:
    """Reads names and sizes, unpacks what is deflated in memory and piece by piece, and reads the manifest.

    Raises ArchiveRuleError.
    """
    try:
        entries = read_entries(file)
        _refuse_entries(entries)
        _refuse_twins(entries)
        _refuse_bomb(entries, file.seek(0, 2))
        begins = require_one_content(file, entries)
    except TwoContentsError as error:
        raise ArchiveRuleError("archive-layout", str(error), "pack it again, in one go") from None
    except ZipLayoutError as error:
        raise ArchiveRuleError("archive-zip", str(error), "pack it again, or copy it again") from None
    files = tuple(entry for entry in entries if not entry.name.endswith("/"))
    for entry in files:
        if entry.method == zipfile.ZIP_DEFLATED:
            _inflate(file, entry, begins[entry])
    checked = Checked(files, _manifest(file, {entry.name for entry in files}))
    _refuse_manifest(checked)
    return checked


def read_document(file: IO[bytes], name: str) -> Any:
    """Return the JSON in a file of an archive that was checked. Raises ArchiveRuleError."""
    with zipfile.ZipFile(file) as archive, archive.open(name) as member:
        try:
            text = member.read(LONGEST_ARCHIVED_DOCUMENT + 1)
        except (zipfile.BadZipFile, EOFError) as error:
            raise ArchiveRuleError("archive-zip", f"is no whole zip ({error})", "pack it again") from None
    if len(text) > LONGEST_ARCHIVED_DOCUMENT:
        raise ArchiveRuleError(
            "archive-manifest",
            f"has a {name} of more than {LONGEST_ARCHIVED_DOCUMENT} bytes",
            "pack it again",
        )
    try:
        return parse_json(text, LONGEST_ARCHIVED_DOCUMENT)
    except UnreadableError as error:
        what = f"has a {name} that is no JSON ({error})"
        raise ArchiveRuleError("archive-manifest", what, "pack it again") from None


def _refuse_entries(entries: list[Entry]) -> None:
    for entry in entries:
        reason = _name_reason(entry.name)
        if reason:
            what = f"holds {entry.name!r}, a name with {reason}"
            raise ArchiveRuleError("archive-names", what, "rename the file")
        folder = entry.name.endswith("/")
        kinds = {0, stat.S_IFDIR} if folder else {0, stat.S_IFREG}
        if stat.S_IFMT(entry.mode) not in kinds:
            what = (
                f"holds a link {entry.name!r}"
                if stat.S_ISLNK(entry.mode)
                else f"holds {entry.name!r}, no plain file"
            )
            raise ArchiveRuleError("archive-names", what, "pack the file itself")
        if entry.flags & _ENCRYPTED:
            raise ArchiveRuleError(
                "archive-encrypted", f"holds {entry.name!r} encrypted", "pack it without a password"
            )
        if entry.method not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            what = f"packs {entry.name!r} in a way that Java cannot read"
            raise ArchiveRuleError("archive-zip", what, "store or deflate it")
        if (entry.method == zipfile.ZIP_STORED and entry.packed != entry.size) or (folder and entry.size):
            what = f"says sizes of {entry.name!r} that cannot be"
            raise ArchiveRuleError("archive-layout", what, "pack it again")


def _name_reason(name: str) -> str:
    """Return what is wrong with it; empty when nothing is."""
    parts = (name[:-1] if name.endswith("/") else name).split("/")
    if any(character in _TURNING or unicodedata.category(character) in _UNSAFE for character in name):
        return "a character that is not shown"
    if "\\" in name or _DRIVE.match(name):
        return "a backslash or a drive"
    if {"", ".", ".."} & set(parts):
        return "an empty part, or one that is . or .."
    if len(name.encode()) > _LONGEST_NAME or any(len(part.encode()) > _LONGEST_PART for part in parts):
        return f"over {_LONGEST_NAME} bytes, or {_LONGEST_PART} between two slashes"
    return ""


def _refuse_twins(entries: list[Entry]) -> None:
    """Refuses names of which some folder can hold only one: the same, or the same but for case or Unicode's forms."""
    if len(entries) > MOST_FILES:
        what = f"holds {len(entries)} files, and {MOST_FILES} is the most"
        raise ArchiveRuleError("archive-names", what, "pack what the model needs alone")
    spelled: dict[str, str] = {}
    files: set[str] = set()
    for entry in entries:
        name = entry.name.rstrip("/")
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            path = "/".join(parts[:count])
            if spelled.setdefault(_folded(path), path) != path:
                what = (
                    f"holds {path!r} and {spelled[_folded(path)]!r}, which are one name to some file systems"
                )
                raise ArchiveRuleError("archive-names", what, "rename one")
        if name in files:
            raise ArchiveRuleError("archive-names", f"holds {name!r} twice", "remove one")
        files.add(name)
    plain = {entry.name for entry in entries if not entry.name.endswith("/")}
    for name in sorted(plain):
        parts = name.split("/")
        inside = next((p for p in ("/".join(parts[:n]) for n in range(1, len(parts))) if p in plain), None)
        if inside is not None:
            what = f"holds {inside!r} as a file and, for {name!r}, as a folder"
            raise ArchiveRuleError("archive-names", what, "rename one")


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def _refuse_bomb(entries: list[Entry], packed: int) -> None:
    """`packed` is the archive's own size: many entries may say that they are the same few bytes of it."""
    unpacked = sum(entry.size for entry in entries)
    if unpacked > MOST_BYTES or (unpacked > RATIO_FROM and unpacked > packed * MOST_RATIO):
        what = f"unpacks {packed:,} bytes to {unpacked:,}, more than {MOST_RATIO} for one or {MOST_BYTES:,} in all"
        raise ArchiveRuleError("archive-size", what, "pack what the model needs alone")


def _inflate(file: IO[bytes], entry: Entry, begins: int) -> None:
    """Ends at the first byte beyond the size that the directory says; and the packed bytes end where it says."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    left, size, crc = entry.packed, 0, 0
    file.seek(begins)
    try:
        while left and not stream.eof:
            piece = file.read(min(_CHUNK, left))
            left -= len(piece)
            while piece and not stream.eof:
                out = stream.decompress(piece, _CHUNK)
                size, crc, piece = size + len(out), zlib.crc32(out, crc), stream.unconsumed_tail
                if size > entry.size:
                    what = f"unpacks {entry.name!r} to more than the {entry.size:,} bytes that it says"
                    raise ArchiveRuleError("archive-size", what, "pack it again")
    except zlib.error as error:
        raise ArchiveRuleError("archive-zip", f"is no whole zip ({error})", "pack it again") from None
    out = stream.flush()
    size, crc = size + len(out), zlib.crc32(out, crc)
    if left or stream.unused_data or not stream.eof or (size, crc) != (entry.size, entry.crc):
        what = f"unpacks {entry.name!r} to something else than its directory says"
        raise ArchiveRuleError("archive-layout", what, "pack it again")


def _manifest(file: IO[bytes], names: set[str]) -> dict[str, Any]:
    if MANIFEST not in names:
        raise ArchiveRuleError("archive-manifest", f"has no {MANIFEST}", "pack it with torch-model-archiver")
    document = read_document(file, MANIFEST)
    if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
        what = f"has no object model in its {MANIFEST}"
        raise ArchiveRuleError("archive-manifest", what, "pack it with torch-model-archiver")
    return document


def _refuse_manifest(checked: Checked) -> None:
    model = checked.manifest["model"]
    config = next((name for name in sorted(checked.names) if name.casefold() == MODEL_CONFIG), None)
    config = config or model.get("configFile")
    if config:
        what = f"has settings in {config!r}, which would win over the catalog's"
        raise ArchiveRuleError("archive-config", what, "pack it without, and write them in the entry")
    for member in _NAMING:
        named = model.get(member)
        if named is not None and (not isinstance(named, str) or _name_reason(named)):
            what = f"names {named!r} as {member}, which is not inside"
            raise ArchiveRuleError("archive-handler", what, "pack it with that file")
    handler = model.get("handler")
    module = handler.partition(":")[0] if isinstance(handler, str) else ""
    if module not in checked.names and ({"/", "\\"} & set(module) or module.endswith(".py")):
        raise ArchiveRuleError(
            "archive-handler", f"names {module}, which is not in it", "pack it with its handler"
        )
