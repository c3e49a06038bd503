"""The digest's text is a contract: these vectors are those of docs/artifacts.md."""

import hashlib
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifacts import FileDigest, Kind, RefusedError, digest_of, is_digest, normal_name, refuse_collisions
from artifacts.storage import digest_path

EMPTY = hashlib.sha256(b"").hexdigest()
VECTORS: list[tuple[dict[str, bytes], str]] = [
    (
        {"weights.bin": b"hello"},
        "sha256:3e437646061e0bc135f5803bc63bcd9abba3c436250848cb4ed5c0a79ffdcd93",
    ),
    (
        {"a": b"", "b/c.txt": b"one\n", "config.json": b"{}"},
        "sha256:52a8bd575cc2c80d53685532680b139de54c95aa9fa956464f7cef7fa36c9d59",
    ),
    (
        {"é.txt": b"x", "z z.txt": b"y", "日本/語.bin": b"z"},
        "sha256:aae3a9424c697d3de6d5f56fe6aeff86107b178421329ee2d2078d42b0b34a8d",
    ),
]


def tree(contents: dict[str, bytes]) -> list[FileDigest]:
    return [
        FileDigest(name=name, size=len(body), sha256=hashlib.sha256(body).hexdigest())
        for name, body in contents.items()
    ]


def on_disk(contents: dict[str, bytes], folder: Path) -> Path:
    for name, body in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


@pytest.mark.parametrize(("contents", "digest"), VECTORS)
def test_the_published_vectors_hold(contents: dict[str, bytes], digest: str, tmp_path: Path) -> None:
    assert digest_of(Kind.TREE, tree(contents)) == digest
    assert digest_path(on_disk(contents, tmp_path / "files")).digest == digest


@pytest.mark.parametrize(("contents", "digest"), VECTORS)
def test_a_shell_computes_the_same_as_the_docs_say(
    contents: dict[str, bytes], digest: str, tmp_path: Path
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "artifacts.md").read_text()
    script = page.split("```sh\n# the digest of a folder\n")[1].split("```")[0]
    folder = on_disk(contents, tmp_path / "files")
    shell = shutil.which("sh")
    assert shell
    ran = subprocess.run([shell, "-c", script], cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603 (the docs' own words)
    assert f"sha256:{ran.stdout.split()[0]}" == digest


def test_the_docs_list_the_vectors() -> None:
    page = (Path(__file__).parents[3] / "docs" / "artifacts.md").read_text()
    assert [digest for _, digest in VECTORS if digest not in page] == []


def test_the_digest_of_one_file_is_what_sha256sum_prints(tmp_path: Path) -> None:
    file = tmp_path / "reader.mar"
    file.write_bytes(b"hello")
    assert digest_path(file).digest == f"sha256:{hashlib.sha256(b'hello').hexdigest()}"


def test_a_folder_with_one_file_has_another_digest_than_the_file(tmp_path: Path) -> None:
    (tmp_path / "reader.mar").write_bytes(b"hello")
    assert digest_path(tmp_path).digest != digest_path(tmp_path / "reader.mar").digest


names = st.lists(
    st.text(alphabet="abé中 +%#~", min_size=1, max_size=6).map(
        lambda name: unicodedata.normalize("NFC", name)
    ),
    unique=True,
    min_size=1,
    max_size=8,
)


@given(names, st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(found: list[str], random: object) -> None:
    files = tree({name: name.encode() for name in found})
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert digest_of(Kind.TREE, shuffled) == digest_of(Kind.TREE, files)


@pytest.mark.parametrize(
    "changed",
    [{"a": b"1", "b": b"3"}, {"a": b"1", "c": b"2"}, {"a": b"1"}, {"a": b"2", "b": b"1"}],
    ids=["other bytes", "other name", "one less", "names swapped"],
)
def test_any_difference_gives_another_digest(changed: dict[str, bytes]) -> None:
    assert digest_of(Kind.TREE, tree(changed)) != digest_of(Kind.TREE, tree({"a": b"1", "b": b"2"}))


def test_a_name_has_one_spelling_whoever_uploaded_it() -> None:
    assert normal_name("cafe\u0301.bin") == "café.bin"


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "100%.txt",
        "a+b#c?.bin",
        "~/x"[2:],
        "-rf",
        "..a",
        "…",
        "weights (1).bin",
        "👩‍🔬.bin",
        "نمونه.txt",
        "x" * 255,
    ],
)
def test_odd_names_are_kept(name: str) -> None:
    assert normal_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty part"),
        ("/a", "empty part"),
        ("a//b", "empty part"),
        ("a/", "empty part"),
        ("a/../b", "part . or .."),
        ("./a", "part . or .."),
        ("a\\b", "backslash"),
        ("a\nb", "control character"),
        ("a\x00b", "control character"),
        ("a\u2028b", "line separator"),
        ("a\u202eb", "direction of reading"),
        ("a\ud800b", "surrogate"),
        ("a\ue000", "private"),
        ("é" * 128, "255 is the most"),
        ("/".join(["x" * 200] * 5), "900 is the most"),
    ],
)
def test_a_name_that_cannot_be_kept_safely_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        normal_name(name)


@pytest.mark.parametrize(
    ("together", "why"),
    [
        ([], "at least one"),
        (["é", "é"], "comes twice"),
        (["a", "a/b/c"], "is a file and"),
        (["a/b", "a/b/c"], "'a/b'"),
    ],
)
def test_files_that_no_folder_can_hold_together_are_refused(together: list[str], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        refuse_collisions(together)


def test_too_many_files_are_refused_with_what_to_do() -> None:
    with pytest.raises(RefusedError, match="pack them into an archive"):
        refuse_collisions(str(number) for number in range(100_001))


@pytest.mark.parametrize("sha256", ["", EMPTY.upper(), EMPTY[:-1], f"{EMPTY}\n"])
def test_a_hash_that_is_none_is_refused(sha256: str) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        FileDigest(name="a", size=0, sha256=sha256)
    assert not is_digest(f"sha256:{sha256}")


def test_a_folder_link_is_refused_since_an_upload_may_follow_it_or_not(tmp_path: Path) -> None:
    on_disk({"real/a": b"1"}, tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(RefusedError, match="link to a folder"):
        digest_path(tmp_path)


def test_an_empty_folder_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="holds no file"):
        digest_path(tmp_path)
