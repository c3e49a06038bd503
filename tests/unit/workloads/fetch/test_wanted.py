import pytest

from workloads.fetch import WantedFolder

DIGEST = f"sha256:{'a' * 64}"


def test_an_argument_is_read_as_it_is_written() -> None:
    wanted = WantedFolder(DIGEST, "/mnt/models/a=b")
    assert WantedFolder.parse(wanted.argument) == wanted


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (f"{DIGEST}", "names no folder; the rule: DIGEST=FOLDER"),
        ("sha256:abc=/m", "'sha256:abc' is no digest; the rule: sha256: and 64 hex digits"),
        ("unresolved=/m", "'unresolved' is no digest"),
        (f"{DIGEST}=models", "'models' is no folder; the rule: an absolute path"),
        (f"{DIGEST}=/", "'/' is no folder"),
        (f"{DIGEST}=/mnt/../etc", "is no folder; the rule: an absolute path, without .."),
    ],
)
def test_an_argument_that_is_wrong_is_refused_with_the_rule(argument: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        WantedFolder.parse(argument)
