"""Each key that nothing acts on yet is named once, with who declares it and what does not happen."""

from pathlib import Path
from typing import Any

import pytest

from model_catalog import (
    Catalog,
    EntryFile,
    Environment,
    Release,
    Selector,
    declared_anew,
    declared_within,
    without_effect,
)

ROOT = Path(__file__).parents[3]
VERSION = {
    "artifact": {"repository": "a/b", "revision": "unresolved", "digest": "unresolved"},
    "license": "apache-2.0",
    "memory": {"weights": "3GiB", "per_request": "100MiB"},
}
DECLARED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "autoscaling": ({"autoscaling": {"min_replicas": 1, "max_replicas": 2, "target_concurrency": 4}}, {}),
    "drift": ({"drift": {"features": ["confidence"]}}, {}),
    "language_from": ({"language_from": "text"}, {}),
    "preprocessing": ({"preprocessing": ["normalize_unicode"]}, {}),
    "prompt_template": ({}, {"prompt_template": "Say: {prompt}"}),
    "sampling": ({}, {"sampling": {"temperature": 0.5}}),
    "slo": ({"slo": {"availability": "99%"}}, {}),
}
"""Key → what an entry says, and what its version says, to declare it."""


def catalog(
    *models: str,
    said: dict[str, Any] | None = None,
    of_version: dict[str, Any] | None = None,
    **released: Any,
) -> Catalog:
    """Entries of these models, in one language and two versions; dev runs them."""
    entries = tuple(
        EntryFile.model_validate(
            {
                "task": "Search",
                "model": model,
                "description": "As in tests.",
                "owner": "team",
                "engine": "vllm",
                **(said or {}),
                "languages": {
                    "fr": {
                        "scripts": ["Latn"],
                        "versions": {name: {**VERSION, **(of_version or {})} for name in ("1", "2")},
                    }
                },
            }
        ).root
        for model in models
    )
    release = {f"Search/{model}/fr": {"default": "1", **released} for model in models}
    return Catalog(entries=entries, releases={Environment.DEV: Release.model_validate(release)})


def test_a_catalog_that_declares_nothing_in_vain_has_nothing_to_say() -> None:
    said = catalog("Ranker", said={"language_from": "caller", "replicas": 2})
    assert without_effect(said) == without_effect(said, Environment.DEV) == ()


@pytest.mark.parametrize("kind", DECLARED)
def test_each_key_is_named_with_who_declares_it_what_does_not_happen_and_where_to_read_on(kind: str) -> None:
    of_entry, of_version = DECLARED[kind]
    (found,) = without_effect(catalog("Ranker", said=of_entry, of_version=of_version), Environment.DEV)
    assert (found.kind, found.count, str(found.first)) == (kind, 1, "Search/Ranker")
    assert f" declared for Search/Ranker; {found.missing} ({found.page})" in found.message
    page = (ROOT / found.page).read_text(encoding="utf-8")
    assert f"`{kind}`" in page or "objective is read yet" in page


def test_a_canary_is_named_with_its_share_and_no_request_meets_it() -> None:
    (found,) = without_effect(catalog("Ranker", canary={"2": "10%"}), Environment.DEV)
    assert found.message == (
        "a canary of 10% is declared in dev for Search/Ranker/fr; no request meets it: the default answers all that "
        "name no version (docs/known-limits.md)"
    )


def test_many_are_one_line_with_their_number_and_the_first() -> None:
    many = catalog("Ader", "Bder", "Cder", said={"slo": {"availability": "99%"}}, canary={"2": "5%"})
    canary, slo = without_effect(many)
    assert " for 3 entries, Search/Ader first; " in slo.message
    assert " for 3 variants, Search/Ader/fr first; " in canary.message
    assert slo.as_json() == {
        "kind": "slo",
        "count": 3,
        "first": "Search/Ader",
        "selectors": ["Search/Ader", "Search/Bder", "Search/Cder"],
        "message": slo.message,
        "page": "docs/monitoring.md",
    }


def test_an_environment_speaks_of_what_it_runs_alone() -> None:
    said = catalog("Ranker", said={"slo": {"availability": "99%"}}, canary={"2": "5%"})
    assert without_effect(said, Environment.PROD) == ()
    assert [one.kind for one in without_effect(said)] == ["canary", "slo"]


def test_a_selector_is_about_what_it_holds_and_the_entry_that_holds_it() -> None:
    said = without_effect(catalog("Ranker", said={"slo": {"availability": "99%"}}, canary={"2": "5%"}))
    for text, kinds in (
        ("Search", ["canary", "slo"]),
        ("Search/Ranker/fr@2", ["canary", "slo"]),
        ("Search/Ranker/en", ["slo"]),
        ("Search/Other", []),
    ):
        assert [one.kind for one in declared_within(said, Selector.parse(text))] == kinds, text


def test_what_was_declared_before_is_no_news_and_another_share_is() -> None:
    def declared(share: str, *models: str) -> Any:
        return without_effect(catalog(*models, canary={"2": share}), Environment.DEV)

    before = declared("5%", "Ranker")
    assert declared_anew(before, before) == ()
    (added,) = declared_anew(before, declared("5%", "Ranker", "Reader"))
    assert [str(one.selector) for one in added.declared] == ["Search/Reader/fr"]
    (changed,) = declared_anew(before, declared("10%", "Ranker"))
    assert changed.message.startswith("a canary of 10% is declared in dev for Search/Ranker/fr")


def test_the_page_of_known_limits_has_each_key() -> None:
    page = (ROOT / "docs/known-limits.md").read_text(encoding="utf-8")
    start = page.index("- **Catalog keys that nothing acts on yet.**")
    named = page[start : page.index("\n- **", start + 1)]
    assert [kind for kind in (*DECLARED, "canary") if f"`{kind}`" not in named] == []
