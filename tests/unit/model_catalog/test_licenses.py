import re

import pytest

from model_catalog.licenses import LICENSES, LicenseFacts, license_facts, license_suggestions


@pytest.mark.parametrize(
    ("identifier", "commercial_use", "words"),
    [
        ("apache-2.0", "yes", ""),
        ("mit", "yes", ""),
        ("bsd-3-clause", "yes", ""),
        ("cc0-1.0", "yes", ""),
        ("cc-by-4.0", "yes", "name the authors"),
        ("cc-by-sa-3.0", "yes", "adaptations keep this licence"),
        ("cc-by-sa-4.0", "yes", "adaptations keep this licence"),
        ("cc-by-nd-4.0", "yes", "adaptations are not given on"),
        ("cc-by-nc-4.0", "no", "name the authors"),
        ("cc-by-nc-sa-4.0", "no", "adaptations keep this licence"),
        ("gpl-3.0", "yes", "source"),
        ("bigscience-openrail-m", "conditions", "uses are forbidden"),
        ("openrail++", "conditions", "uses are forbidden"),
        ("llama2", "conditions", "700 million monthly users"),
        ("llama3", "conditions", "700 million monthly users"),
        ("llama3.1", "conditions", "700 million monthly users"),
        ("llama3.2", "conditions", "not licensed to EU residents"),
        ("gemma", "conditions", "prohibited use policy"),
        ("tongyi-qianwen", "conditions", "100 million monthly users"),
        ("qwen", "conditions", "100 million monthly users"),
        ("qwen-research", "no", "research"),
        ("mrl", "no", "research"),
        ("deepseek", "conditions", "military"),
        ("falcon-180b-license", "conditions", "hosted service"),
        ("other", "conditions", "its own text decides"),
        ("proprietary", "conditions", "contract"),
        ("unknown", "no", "ask the author"),
    ],
)
def test_a_licence_says_whether_its_weights_may_earn_money(
    identifier: str, commercial_use: str, words: str
) -> None:
    facts = license_facts(identifier)
    assert facts is not None
    assert facts.commercial_use == commercial_use
    assert words in facts.conditions


@pytest.mark.parametrize("facts", LICENSES.values(), ids=lambda facts: facts.id)
def test_a_row_is_cited_and_says_its_conditions_in_a_few_words(facts: LicenseFacts) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", facts.id)
    assert facts.source is None or facts.source.startswith("https://")
    assert facts.source is not None or facts.id == "proprietary"
    assert facts.conditions or facts.commercial_use == "yes"
    assert len(facts.conditions) <= 160


@pytest.mark.parametrize("identifier", ["LicenseRef-Acme-Internal", "LicenseRef-contract.2026"])
def test_a_team_s_own_licence_is_known_to_be_one(identifier: str) -> None:
    facts = license_facts(identifier)
    assert facts is not None
    assert (facts.id, facts.source, facts.commercial_use, facts.checked) == (
        identifier,
        None,
        "conditions",
        None,
    )


@pytest.mark.parametrize(
    "identifier", ["", "Apache-2.0", "llama", "LicenseRef-", "LicenseRef-a b", "licenseref-acme"]
)
def test_nothing_is_known_of_what_is_not_in_the_table(identifier: str) -> None:
    assert license_facts(identifier) is None


@pytest.mark.parametrize(
    ("identifier", "meant"),
    [
        ("Apache-2.0", "apache-2.0"),
        ("apache 2.0", "apache-2.0"),
        ("apache", "apache-2.0"),
        ("MIT License", "mit"),
        ("llama-3.1", "llama3.1"),
        ("Llama3", "llama3"),
        ("cc-by-4", "cc-by-4.0"),
        ("cc_by_sa_4.0", "cc-by-sa-4.0"),
        ("gpl", "gpl-3.0"),
        ("qwen2", "qwen"),
    ],
)
def test_the_identifier_that_was_meant_is_suggested_first(identifier: str, meant: str) -> None:
    assert license_suggestions(identifier)[0] == meant


@pytest.mark.parametrize("identifier", ["mit", "apache-2.0", "", "zzzz", "LicenseRef-Acme"])
def test_no_licence_is_suggested_without_a_reason(identifier: str) -> None:
    assert license_suggestions(identifier) == ()
