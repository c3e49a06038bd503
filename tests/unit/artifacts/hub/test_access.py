"""The environment says where the Hub is and who asks."""

from pathlib import Path

import pytest

from artifacts import RefusedError
from artifacts.hub import DEFAULT_ENDPOINT, HubAccess, hub_access


def test_nothing_that_is_set_is_the_public_hub_without_a_token(tmp_path: Path) -> None:
    assert hub_access({}, tmp_path) == HubAccess(endpoint=DEFAULT_ENDPOINT, token=None)


@pytest.mark.parametrize(
    ("written", "endpoint"),
    [
        ("https://hub.example.com/", "https://hub.example.com"),
        (
            "https://artifacts.example.com/api/huggingfaceml/repo",
            "https://artifacts.example.com/api/huggingfaceml/repo",
        ),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("", DEFAULT_ENDPOINT),
    ],
)
def test_the_endpoint_is_https_or_on_loopback(written: str, endpoint: str, tmp_path: Path) -> None:
    assert hub_access({"HF_ENDPOINT": written}, tmp_path).endpoint == endpoint


@pytest.mark.parametrize(
    "written",
    [
        "http://hub.example.com",
        "http://127.0.0.1.example.com",
        "ftp://hub.example.com",
        "hub.example.com",
        "https://",
        "https://[",
        "https://hub.example.com:port",
        "https://hub.example.com?a=b",
        "https://user:hunter2@hub.example.com",
    ],
)
def test_any_other_endpoint_is_refused_and_no_password_is_shown(written: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="HF_ENDPOINT") as refused:
        hub_access({"HF_ENDPOINT": written}, tmp_path)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "token"),
    [
        ({"HF_TOKEN": "hf_variable"}, "hf_variable"),
        ({"HF_TOKEN": " hf_variable\n"}, "hf_variable"),
        ({"HUGGING_FACE_HUB_TOKEN": "hf_older_name"}, "hf_older_name"),
        ({}, "hf_of_home"),
        ({"XDG_CACHE_HOME": "cache"}, "hf_of_cache"),
        ({"HF_HOME": "hub"}, "hf_of_hub"),
        ({"HF_HOME": "hub", "HF_TOKEN_PATH": "elsewhere"}, "hf_of_elsewhere"),
        ({"HF_HOME": "nowhere"}, None),
        ({"HF_TOKEN": "hf_variable", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, None),
    ],
)
def test_the_token_is_found_where_huggingface_hub_finds_it(
    environment: dict[str, str], token: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {
        "home/.cache/huggingface/token": "hf_of_home",
        "cache/huggingface/token": "hf_of_cache",
        "hub/token": "hf_of_hub",
        "elsewhere": "hf_of_elsewhere",
    }
    for place, text in places.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(f"{text}\n")
    assert hub_access(environment, tmp_path / "home").token == token


@pytest.mark.parametrize("written", ["hf_two words", "hf_caf\u00e9", "hf_\x00"])
def test_a_token_that_cannot_be_one_is_refused_without_being_shown(written: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="HF_TOKEN holds no token") as refused:
        hub_access({"HF_TOKEN": written}, tmp_path)
    assert written not in str(refused.value)


def test_the_repr_does_not_show_the_token() -> None:
    assert "hf_secret" not in repr(HubAccess(endpoint=DEFAULT_ENDPOINT, token="hf_secret"))  # noqa: S106


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://huggingface.co/api/models/a/b", True),
        ("https://huggingface.co:443/a/b/resolve/main/c", True),
        ("https://HuggingFace.co/a", True),
        ("http://huggingface.co/a", False),
        ("https://huggingface.co:8443/a", False),
        ("https://cdn.huggingface.co/a", False),
        ("https://huggingface.co.example.com/a", False),
        ("https://huggingface.co@example.com/a", False),
        ("https://[", False),
    ],
)
def test_only_the_endpoint_s_own_origin_gets_the_token(url: str, own: bool) -> None:
    assert HubAccess(endpoint=DEFAULT_ENDPOINT).is_own(url) is own


@pytest.mark.parametrize(
    ("endpoint", "url", "may"),
    [
        (DEFAULT_ENDPOINT, "https://cas-bridge.xethub.hf.co/a", True),
        (DEFAULT_ENDPOINT, "http://cas-bridge.xethub.hf.co/a", False),
        (DEFAULT_ENDPOINT, "http://127.0.0.1/latest/meta-data", False),
        (DEFAULT_ENDPOINT, "file:///etc/passwd", False),
        (DEFAULT_ENDPOINT, "https:///a", False),
        ("http://127.0.0.1:1", "http://localhost:2/a", True),
        ("http://127.0.0.1:1", "http://content.example.com/a", False),
    ],
)
def test_a_redirect_is_followed_to_https_alone(endpoint: str, url: str, may: bool) -> None:
    assert HubAccess(endpoint=endpoint).may_be_asked(url) is may
