"""Each folder of catalogs/ holds the files that differ from base/ and, in expected.txt, the report on TODAY.

Its name says what is wrong: error.* is refused, warning.* is loaded all the same, valid.* has nothing to report.
"""

from pathlib import Path

import pytest

from model_catalog import CATALOG_ROOT, RULES, Catalog, CatalogError, Environment, check_catalog, load_catalog
from tests.unit.model_catalog.overlay import BASE, CATALOGS, TODAY, overlaid

ERRORS = sorted(CATALOGS.glob("error.*"))
WARNINGS = sorted(CATALOGS.glob("warning.*"))
VALID = sorted(CATALOGS.glob("valid.*"))


def report(root: Path) -> list[str]:
    return [str(problem) for problem in check_catalog(root, today=TODAY).problems]


def expected(changes: Path) -> list[str]:
    return (changes / "expected.txt").read_text().splitlines()


@pytest.mark.parametrize("changes", ERRORS, ids=lambda path: path.name)
def test_a_wrong_catalog_is_refused_with_every_place_rule_and_fix(changes: Path, tmp_path: Path) -> None:
    root = overlaid(changes, tmp_path)
    assert report(root) == expected(changes)
    assert check_catalog(root, today=TODAY).errors


@pytest.mark.parametrize("changes", WARNINGS, ids=lambda path: path.name)
def test_a_catalog_with_warnings_is_loaded_and_reported(changes: Path, tmp_path: Path) -> None:
    root = overlaid(changes, tmp_path)
    assert report(root) == expected(changes) != []
    assert isinstance(load_catalog(root), Catalog)


@pytest.mark.parametrize("changes", [BASE, *VALID], ids=lambda path: path.name)
def test_a_right_catalog_has_nothing_to_report(changes: Path, tmp_path: Path) -> None:
    root = overlaid(changes, tmp_path)
    assert report(root) == []
    assert isinstance(load_catalog(root), Catalog)


def test_loading_refuses_errors_and_judges_no_date(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="version-exists"):
        load_catalog(overlaid(CATALOGS / "error.version_does_not_exist", tmp_path / "refused"))
    late = overlaid(CATALOGS / "error.decisions_outlived_their_day", tmp_path / "late")
    assert isinstance(load_catalog(late), Catalog)


def test_what_an_entry_accepts_is_kept_apart(tmp_path: Path) -> None:
    accepted = check_catalog(overlaid(BASE, tmp_path), today=TODAY).accepted
    assert {problem.rule for problem in accepted} == {"engine-supported"}
    assert len(accepted) == 3


def test_every_rule_has_a_catalog_that_breaks_it() -> None:
    reported = "".join((folder / "expected.txt").read_text() for folder in (*ERRORS, *WARNINGS))
    assert [rule.id for rule in RULES if f" {rule.id} " not in reported] == []


def test_the_repository_s_catalog_runs_where_digests_may_be_unresolved() -> None:
    catalog = load_catalog()
    stand_in = {"TextGeneration/StandIn/en@1": True}
    for environment, besides in ((Environment.SANDBOX, stand_in), (Environment.DEV, {})):
        running = {str(version.selector): version.default for version in catalog.running(environment)}
        assert running == {
            **besides,
            "LanguageIdentification/FastText/mul@1": True,
            "QuestionAnswering/Reader/en@1": True,
            "QuestionAnswering/Reader/fr@1.0": False,
            "QuestionAnswering/Reader/fr@2": True,
            "TextGeneration/Writer/mul@1": True,
        }
    assert catalog.running(Environment.PROD) == ()


def test_a_folder_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="catalog-exists"):
        load_catalog(tmp_path)


def test_two_loads_of_one_folder_are_equal() -> None:
    assert load_catalog(CATALOG_ROOT) == load_catalog(CATALOG_ROOT)


def test_a_link_out_of_the_catalog_shows_nothing_of_what_it_leads_to(tmp_path: Path) -> None:
    secret = tmp_path / "passwd"
    secret.write_text("root:x:0:0:secret")
    root = overlaid(BASE, tmp_path)
    (root / "entries" / "search").mkdir(parents=True, exist_ok=True)
    (root / "entries" / "search" / "ranker.yaml").symlink_to(secret)
    (problem,) = check_catalog(root).problems
    assert problem.rule == "file-readable"
    assert "secret" not in str(problem)
