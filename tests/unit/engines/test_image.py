import pytest

from engines import UNRESOLVED, ImageReference

DIGEST = "sha256:" + "0" * 64


def test_an_unresolved_image_is_pulled_by_tag() -> None:
    image = ImageReference(repository="repo/name", tag="1")
    assert (str(image), image.resolved, image.digest) == ("repo/name:1", False, UNRESOLVED)


def test_a_resolved_image_is_pulled_by_digest_and_keeps_its_tag_for_the_reader() -> None:
    image = ImageReference(repository="repo/name", tag="1", digest=DIGEST)
    assert (str(image), image.resolved) == (f"repo/name:1@{DIGEST}", True)


@pytest.mark.parametrize("digest", ["", "latest", "sha256:12", DIGEST.upper()])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="no digest"):
        ImageReference(repository="repo/name", tag="1", digest=digest)
