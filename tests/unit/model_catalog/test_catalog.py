"""Each folder of catalogs/ holds the files that differ from base/ and, in expected.txt, the
report. Its name says what is wrong."""

import shutil
from pathlib import Path

import pytest

from model_catalog import CATALOG_ROOT, RULES, Catalog, CatalogError, Environment, load_catalog

BASE = Path(__file__).parent / "base"
CATALOGS = Path(__file__).parent / "catalogs"
ERRORS = sorted(CATALOGS.glob("error.*"))
VALID = sorted(CATALOGS.glob("valid.*"))


def overlaid(changes: Path, tmp_path: Path) -> Path:
    root = tmp_path / "catalog"
    shutil.copytree(BASE, root)
    shutil.copytree(changes, root, dirs_exist_ok=True)
    return root


@pytest.mark.parametrize("changes", ERRORS, ids=lambda path: path.name)
def test_a_wrong_catalog_is_refused_with_every_place_rule_and_fix(changes: Path, tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as raised:
        load_catalog(overlaid(changes, tmp_path))
    assert str(raised.value).splitlines() == (changes / "expected.txt").read_text().splitlines()


@pytest.mark.parametrize("changes", VALID, ids=lambda path: path.name)
def test_a_right_catalog_is_accepted(changes: Path, tmp_path: Path) -> None:
    assert isinstance(load_catalog(overlaid(changes, tmp_path)), Catalog)


def test_every_rule_has_a_catalog_that_breaks_it() -> None:
    reported = "".join((folder / "expected.txt").read_text() for folder in ERRORS)
    assert [rule.id for rule in RULES if f" {rule.id} " not in reported] == []


def test_the_repository_s_catalog_runs_where_digests_may_be_unresolved() -> None:
    catalog = load_catalog()
    for environment in (Environment.SANDBOX, Environment.DEV):
        running = {str(version.selector): version.default for version in catalog.running(environment)}
        assert running == {
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
    assert load_catalog() == load_catalog()
