"""What is in an archive, and archives that TorchServe would take without a word."""

import io
import json
import stat
import zipfile
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from artifacts import RefusedError
from artifacts.archives import Member, archive_digest, read_archive, write_archive
from workloads.agent import archive_rules

MODEL: dict[str, Any] = {"modelName": "reader", "modelVersion": "1.0", "handler": "handler.py"}


def packed(
    manifest: Any = None, *files: tuple[str, bytes], handler: bool = True, compress: int = zipfile.ZIP_STORED
) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compress) as archive:
        if manifest is not None:
            text = manifest if isinstance(manifest, str) else json.dumps(manifest)
            archive.writestr("MAR-INF/MANIFEST.json", text)
        if handler:
            archive.writestr("handler.py", "pass")
        for name, body in files:
            archive.writestr(zipfile.ZipInfo(name), body)
    return held.getvalue()


def refused(archive: bytes | Path) -> str:
    with pytest.raises(RefusedError, match="Fix: ") as error:
        read_archive(archive)
    return str(error.value)


def test_an_archive_of_torch_model_archiver_says_model_version_handler_and_files(tmp_path: Path) -> None:
    path = tmp_path / "reader.mar"
    path.write_bytes(
        packed(
            {"createdOn": "01/01/2026", "model": MODEL}, ("model.pt", b"123"), compress=zipfile.ZIP_DEFLATED
        )
    )
    read = read_archive(path)
    assert (read.model, read.version, read.handler, read.mark, read.thin) == (
        "reader", "1.0", "handler.py", None, False
    )  # fmt: skip
    assert {file.name: file.size for file in read.files}["model.pt"] == 3


def test_a_handler_of_torchserve_itself_need_not_be_inside() -> None:
    manifest = {"model": {**MODEL, "handler": "text_classifier"}}
    assert read_archive(packed(manifest, handler=False)).handler == "text_classifier"


@pytest.mark.parametrize(
    ("archive", "rule"),
    [
        (b"", "archive-zip"),
        (b"not a zip at all", "archive-zip"),
        (packed({"model": MODEL})[:-30], "archive-zip"),
        (packed(), "archive-manifest"),
        (packed("{"), "archive-manifest"),
        (packed("[]"), "archive-manifest"),
        (packed("[" * 100_000), "archive-manifest"),
        (packed({"model": []}), "archive-manifest"),
        (packed({"model": {**MODEL, "modelVersion": 1.0}}), "archive-manifest"),
        (packed({"model": {**MODEL, "modelVersion": ""}}), "archive-manifest"),
        (packed({"model": {key: MODEL[key] for key in ("modelName", "modelVersion")}}), "archive-manifest"),
        (packed({"model": MODEL}, handler=False), "archive-handler"),
        (packed({"model": {**MODEL, "handler": "other.py:handle"}}), "archive-handler"),
        (packed({"model": MODEL}, ("../../evil.py", b"")), "archive-names"),
        (packed({"model": MODEL}, ("/etc/passwd", b"")), "archive-names"),
        (packed({"model": MODEL}, ("..\\evil.py", b"")), "archive-names"),
        (packed({"model": MODEL}, ("../evil/", b"")), "archive-names"),
        (packed({"model": MODEL}, ("handler.py/x", b"")), "archive-names"),
        (packed({"model": MODEL}, ("slipway.json", b'{"format": 2}')), "archive-mark"),
        (packed({"model": MODEL}, ("slipway.json", b"x")), "archive-manifest"),
        (packed({"model": MODEL}, compress=zipfile.ZIP_LZMA), "archive-zip"),
    ],
)
def test_what_torchserve_would_take_and_get_wrong_is_refused_by_rule(archive: bytes, rule: str) -> None:
    assert f": {rule}: " in refused(archive)


def test_a_link_is_refused() -> None:
    held = io.BytesIO(packed({"model": MODEL}))
    with zipfile.ZipFile(held, "a") as archive:
        link = zipfile.ZipInfo("weights.bin")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "archive-names: it holds a link" in refused(held.getvalue())


def test_an_encrypted_file_is_refused() -> None:
    archive = bytearray(packed({"model": MODEL}))
    at = archive.rindex(b"PK\x01\x02")
    archive[at + 8] |= 1
    assert "archive-encrypted" in refused(bytes(archive))


def test_a_bomb_is_refused_without_unpacking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held = io.BytesIO(packed({"model": MODEL}))
    with zipfile.ZipFile(held, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.bin", bytes(2_000_000))
    assert read_archive(held.getvalue()).size > 2_000_000, "small zeros are no bomb"
    monkeypatch.setattr(archive_rules, "RATIO_FROM", 1_000_000)
    assert "archive-size" in refused(held.getvalue())


def test_entries_that_are_the_same_bytes_under_many_names_are_a_bomb_though_none_is_packed() -> None:
    held = io.BytesIO(packed({"model": MODEL}))
    with zipfile.ZipFile(held, "a") as archive:
        archive.writestr("0.bin", bytes(1 << 20))
        first = archive.infolist()[-1]
        for number in range(1, 500):
            again = copy(first)
            again.filename = f"{number}.bin"
            archive.filelist.append(again)
    assert len(held.getvalue()) < 2 << 20
    assert "archive-size" in refused(held.getvalue())


def test_an_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "reader.mar"
    path.write_bytes(b"x")
    assert refused(path).startswith(f"{path}: archive-zip: ")


def test_a_large_archive_is_written_in_pieces_and_twice_the_same(tmp_path: Path) -> None:
    def members() -> list[Member]:
        manifest = json.dumps({"model": MODEL}).encode()
        return [
            Member(name="MAR-INF/MANIFEST.json", size=len(manifest), chunks=[manifest]),
            Member(name="handler.py", size=0, chunks=[]),
            Member(name="weights/a.bin", size=6, chunks=iter([b"abc", b"def"])),
        ]

    for name in ("one.mar", "two.mar"):
        write_archive(tmp_path / name, members())
    one, two = ((tmp_path / name).read_bytes() for name in ("one.mar", "two.mar"))
    assert archive_digest(one) == archive_digest(two)
    with zipfile.ZipFile(tmp_path / "one.mar") as archive:
        assert archive.read("weights/a.bin") == b"abcdef"
        assert archive.testzip() is None
    with pytest.raises(FileExistsError):
        write_archive(tmp_path / "one.mar", members())
