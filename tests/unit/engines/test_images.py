from pathlib import Path

import pytest

from engines import FETCH_BASE_IMAGE, FETCH_IMAGE, IMAGES, ImagesError, read_images, tgi, torchserve, vllm

ONE = "a:\n  repository: repo/a\n  tag: '1'\n  digest: unresolved\n"


def test_every_engine_s_image_is_of_the_version_that_its_facts_describe() -> None:
    assert tgi.IMAGE.tag == tgi.VERSION
    assert vllm.IMAGE.tag == f"v{vllm.VERSION}"
    assert {device: image.tag for device, image in torchserve.IMAGES.items()} == {
        device: f"{torchserve.VERSION}-{device}" for device in ("cpu", "gpu")
    }


def test_every_image_of_the_file_is_used() -> None:
    ours = {FETCH_BASE_IMAGE, FETCH_IMAGE}
    assert set(IMAGES.values()) == ours | {tgi.IMAGE, vllm.IMAGE, *torchserve.IMAGES.values()}


def test_the_image_that_any_user_can_run_is_made_from_the_one_that_is_pinned() -> None:
    made = Path(tgi.__file__).with_name("Containerfile").read_text()
    assert f"\nFROM {tgi.IMAGE.repository}:{tgi.IMAGE.tag}\n" in made


def test_images_are_read_by_name() -> None:
    assert str(read_images(ONE)["a"]) == "repo/a:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "images.yaml: names no image"),
        ("a: [", "images.yaml: .*Make it valid YAML"),
        ("a: b\n", "images.yaml: a: is no mapping"),
        (ONE + ONE, r"images.yaml:5: 'a' is given twice. Keep one of them"),
        (ONE + "  tag: '2'\n", r"images.yaml:5: 'tag' is given twice"),
        (
            ONE + "  user: x\n",
            "images.yaml: a: 'user' is not a key here. Known keys: digest, repository, tag",
        ),
        ("a:\n  repository: repo/a\n", "images.yaml: a: 'digest', 'tag' is missing"),
        (ONE.replace("'1'", "1.10"), "images.yaml: a: 'tag' is not text. Put it in quotes"),
        (
            ONE.replace("unresolved", "sha256:12"),
            "images.yaml: a: 'sha256:12' is no digest. Write sha256: and",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_place_and_fix(text: str, message: str) -> None:
    with pytest.raises(ImagesError, match=message):
        read_images(text)
