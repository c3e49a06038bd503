import pytest

from tests.fuzz.cases import KINDS, broken, catalog_texts
from tests.fuzz.verdict import complaint

TEXTS = catalog_texts()


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_catalog_is_accepted_or_refused_with_places_and_never_fails(kind: str) -> None:
    outcomes = {seed: complaint(broken(TEXTS, kind, seed)[1]) for seed in range(60)}
    assert {seed: outcome.text for seed, outcome in outcomes.items() if outcome.text} == {}
    assert any(outcome.refused for outcome in outcomes.values())


def test_a_case_is_made_again_from_its_seed() -> None:
    assert [broken(TEXTS, kind, 7) for kind in KINDS] == [broken(TEXTS, kind, 7) for kind in KINDS]
