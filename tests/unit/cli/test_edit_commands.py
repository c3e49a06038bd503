"""promote, rollback, retire, import and export: what they show, what they ask, what they write, and when nothing."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import edits
from cli.edit_commands import export_app, import_app, promote, retire, rollback
from model_catalog import CatalogError, Environment, VariantRelease, load_catalog
from model_catalog.selector import Selector

MODEL_CATALOG = Path(__file__).parents[1] / "model_catalog"
CASES = MODEL_CATALOG / "imports" / "cases"
FRENCH = ("--task", "QuestionAnswering", "--language", "fr")
FR = "QuestionAnswering/Reader/fr"
DEV = f'# What dev runs.\n\n{FR}:\n  default: "1.0"  # since Monday\n# The end.\n'

app = typer.Typer()
app.command("promote")(promote)
app.command("rollback")(rollback)
app.command("retire")(retire)
app.add_typer(import_app, name="import")
app.add_typer(export_app, name="export")

Slipway = Callable[..., Result]


@pytest.fixture(autouse=True)
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the model's French, dev runs 1.0 alone; the sandbox's default is 2."""
    root = tmp_path / "model_catalog"
    shutil.copytree(MODEL_CATALOG / "base", root)
    (root / "releases" / "dev.yaml").write_text(DEV)
    (root / "releases" / "sandbox.yaml").write_text(f'{FR}: {{default: "2", versions: ["1.0", "2"]}}\n')
    monkeypatch.setattr(edits, "CATALOG", root)
    monkeypatch.setattr(edits, "today", lambda: date(2027, 1, 10))
    monkeypatch.setattr("cli.edit_commands.today", lambda: date(2027, 1, 10))
    return root


@pytest.fixture
def dev(catalog: Path) -> Path:
    return catalog / "releases" / "dev.yaml"


def slipway(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=answer)


def released(catalog: Path, environment: Environment = Environment.DEV) -> VariantRelease:
    return load_catalog(catalog).releases[environment].root[Selector.parse(FR)]


def refused(result: Result) -> str:
    assert isinstance(result.exception, CatalogError), result.output
    return str(result.exception)


def test_promote_makes_the_default_of_one_environment_that_of_another_and_touches_nothing_else(
    dev: Path,
) -> None:
    result = slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes")
    assert result.exit_code == 0, result.output
    assert dev.read_text() == (
        f'# What dev runs.\n\n{FR}:\n  default: "2"  # since Monday\n  versions: ["1.0", "2"]\n'
        '  rollback: "1.0"\n# The end.\n'
    )
    assert "--- a/model_catalog/releases/dev.yaml" in result.output
    assert '+  default: "2"  # since Monday' in result.output
    assert f"{FR}@2: the default of dev; `slipway rollback` goes back to 1.0" in result.output
    assert "written: model_catalog/releases/dev.yaml" in result.output


def test_promoting_again_changes_nothing_and_says_so(dev: Path) -> None:
    slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes")
    before = dev.stat()
    result = slipway("promote", f"{FR}@2", "--from", "sandbox", "--to", "dev", "--yes")
    assert result.exit_code == 0
    assert "nothing to change: it is so already" in result.output
    assert (dev.stat().st_mtime_ns, dev.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize("weight", ["10", "10%"])
def test_a_canary_joins_the_default_and_a_promotion_without_canary_ends_it(
    catalog: Path, dev: Path, weight: str
) -> None:
    result = slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--canary", weight, "--yes")
    assert f"{FR}@2: declared a canary of 10% in dev, beside 1.0" in result.output
    assert (
        f"without effect: a canary of 10% is declared in dev for {FR}; no request meets it" in result.output
    )
    assert '  canary: {"2": 10%}\n' in dev.read_text()
    assert slipway("promote", f"{FR}@2", "--from", "dev", "--to", "dev", "--yes").exit_code == 0
    assert released(catalog).canary == {}
    assert released(catalog).default == "2"


@pytest.mark.parametrize("weight", ["0", "100", "ten", "-5"])
def test_a_share_that_is_none_is_a_usage_error(weight: str) -> None:
    arguments = ("promote", FR, "--from", "sandbox", "--to", "dev", f"--canary={weight}", "--yes")
    assert slipway(*arguments).exit_code == 2


def test_without_a_terminal_and_without_yes_it_only_shows(dev: Path) -> None:
    before = dev.read_bytes()
    result = slipway("promote", FR, "--from", "sandbox", "--to", "dev", answer="y\n")
    assert result.exit_code == 0
    assert '+  rollback: "1.0"' in result.output
    assert "nothing was written: nobody can be asked here; add --yes to write it" in result.output
    assert dev.read_bytes() == before


@pytest.mark.parametrize(("answer", "default"), [("y\n", "2"), ("n\n", "1.0"), ("\n", "1.0")])
def test_on_a_terminal_it_asks_and_no_answer_is_a_no(
    catalog: Path, monkeypatch: pytest.MonkeyPatch, answer: str, default: str
) -> None:
    monkeypatch.setattr(edits, "at_terminal", lambda: True)
    result = slipway("promote", FR, "--from", "sandbox", "--to", "dev", answer=answer)
    assert result.exit_code == 0
    assert "Write this?" in result.output
    assert released(catalog).default == default


def test_a_hold_refuses_with_role_reason_and_day_until_the_day_has_passed(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.write_text(f"{FR}:\n  default: '1.0'\n  hold: {{reason: audit, by: sre, until: 2027-01-10}}\n")
    for arguments in (
        ("promote", FR, "--from", "sandbox", "--to", "dev"),
        ("promote", FR, "--from", "sandbox", "--to", "dev", "--canary", "5"),
        ("rollback", FR, "--env", "dev", "--to", "2"),
        ("retire", FR, "--env", "dev", "--now"),
    ):
        assert refused(slipway(*arguments, "--yes")) == (
            "model_catalog/releases/dev.yaml:3:9 hold sre holds it as it is until 2027-01-10: audit. "
            "Ask sre to take the hold out, or wait"
        )
    monkeypatch.setattr(edits, "today", lambda: date(2027, 1, 11))
    assert slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes").exit_code == 0


def test_what_is_so_already_is_no_offence_against_a_hold(dev: Path) -> None:
    dev.write_text(f"{FR}:\n  default: '2'\n  hold: {{reason: audit, by: sre, until: 2027-01-10}}\n")
    assert slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes").exit_code == 0


def test_what_is_not_pinned_does_not_come_into_prod_and_nothing_is_written(catalog: Path) -> None:
    prod = catalog / "releases" / "prod.yaml"
    before = prod.read_bytes()
    result = slipway("promote", FR, "--from", "sandbox", "--to", "prod", "--yes")
    assert "resolved-digests" in refused(result)
    assert "nothing was written: the catalog would be wrong" in result.output
    assert prod.read_bytes() == before


def test_only_what_runs_is_promoted(catalog: Path) -> None:
    (catalog / "releases" / "sandbox.yaml").write_text(f'{FR}: {{default: "1.0"}}\n')
    said = refused(slipway("promote", f"{FR}@2", "--from", "sandbox", "--to", "dev", "--yes"))
    assert f"{FR}@2 does not run in sandbox. Release it there first; it runs 1.0" in said
    said = refused(slipway("promote", FR, "--from", "prod", "--to", "dev", "--yes"))
    assert "model_catalog/releases/prod.yaml:" in said
    assert f"prod does not run {FR}" in said


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ("QuestionAnswering/Reader", "several variants"),
        ("QuestionAnswering/Reader/xx", "no entry"),
        (f"{FR}@9", "no version '9'"),
        ("reader", "is not a selector"),
    ],
)
def test_a_selector_that_names_nothing_is_a_usage_error_that_says_what_there_is(
    selector: str, said: str
) -> None:
    result = slipway("promote", selector, "--from", "sandbox", "--to", "dev", "--yes")
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_a_catalog_that_is_wrong_already_is_not_edited(dev: Path) -> None:
    dev.write_text(f"{FR}: {{default: '7'}}\n")
    assert "version-exists" in refused(slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes"))


def test_a_form_that_is_not_edited_is_refused_with_its_place(dev: Path) -> None:
    dev.write_text(f"{FR}: {{default: &old '1.0', versions: [*old]}}\n")
    said = refused(slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes"))
    assert "dev.yaml:1:1 edited-by-place it holds an alias" in said


def test_a_first_release_of_an_environment_makes_its_file(dev: Path) -> None:
    dev.unlink()
    assert slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes").exit_code == 0
    assert dev.read_text() == (
        f'# yaml-language-server: $schema=../schema/release.schema.json\n{FR}: {{default: "2"}}\n'
    )


def test_rollback_goes_back_and_the_version_that_is_left_keeps_running(catalog: Path, dev: Path) -> None:
    slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes")
    result = slipway("rollback", FR, "--env", "dev", "--yes")
    assert f"{FR}@1.0: the default again; 2 keeps running" in result.output
    assert dev.read_text().startswith(
        f'# What dev runs.\n\n{FR}:\n  default: "1.0"  # since Monday\n  versions: ["1.0", "2"]\n# The end.'
    )
    said = refused(slipway("rollback", FR, "--env", "dev", "--yes"))
    assert said == (
        "model_catalog/releases/dev.yaml:4:12 rollback-target no rollback target is written beside default '1.0'. "
        "Name one that runs with --to: 2"
    )
    assert slipway("rollback", FR, "--env", "dev", "--to", "2", "--yes").exit_code == 0
    assert released(catalog).default == "2"


def test_rollback_to_what_does_not_run_says_that_it_has_to_load() -> None:
    result = slipway("rollback", FR, "--env", "dev", "--to", "2", "--yes")
    assert "it did not run here and has to load first" in result.output


def test_rollback_takes_a_variant_and_an_environment_that_runs_it() -> None:
    assert slipway("rollback", f"{FR}@2", "--env", "dev", "--yes").exit_code == 2
    assert slipway("rollback", FR, "--env", "dev", "--to", "9", "--yes").exit_code == 2
    assert f"prod does not run {FR}" in refused(slipway("rollback", FR, "--env", "prod", "--yes"))


MARK = ("--after", "2027-01-31", "--reason", "its data was withdrawn", "--by", "nlp-platform")


def test_retire_writes_the_last_day_of_a_version_and_of_a_variant(catalog: Path) -> None:
    sandbox = catalog / "releases" / "sandbox.yaml"
    assert slipway("retire", f"{FR}@1.0", "--env", "sandbox", *MARK, "--yes").exit_code == 0
    assert slipway("retire", FR, "--env", "sandbox", *MARK, "--yes").exit_code == 0
    mark = "{after: 2027-01-31, reason: its data was withdrawn, by: nlp-platform}"
    assert sandbox.read_text() == (
        f'{FR}:\n  default: "2"\n  versions: ["1.0", "2"]\n  retire: {mark}\n'
        f'  retire_versions:\n    "1.0": {mark}\n'
    )
    assert "so already" in slipway("retire", FR, "--env", "sandbox", *MARK, "--yes").output
    said = slipway("retire", f"{FR}@1.0", "--env", "sandbox", "--now", "--yes")
    assert "its callers were promised 2027-01-31 (nlp-platform: its data was withdrawn)" in said.output
    assert released(catalog, Environment.SANDBOX).running == ("2",)
    assert released(catalog, Environment.SANDBOX).retire_versions == {}


def test_retire_now_refuses_the_default_and_what_rollback_goes_back_to(catalog: Path) -> None:
    slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes")
    assert "retire-default" in refused(slipway("retire", f"{FR}@2", "--env", "dev", "--now", "--yes"))
    assert "--even-rollback-target" in refused(
        slipway("retire", f"{FR}@1.0", "--env", "dev", "--now", "--yes")
    )
    stated = ("retire", f"{FR}@1.0", "--env", "dev", "--now", "--even-rollback-target", "--yes")
    assert slipway(*stated).exit_code == 0
    assert released(catalog) == VariantRelease(default="2")


def test_retire_now_of_a_variant_takes_its_lines_out_and_leaves_the_comments_around(dev: Path) -> None:
    assert slipway("retire", FR, "--env", "dev", "--now", "--yes").exit_code == 0
    assert dev.read_text() == "# What dev runs.\n\n{}\n# The end.\n"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--now", "--reason", "x"),
        ("--after", "2027-01-31"),
        ("--after", "2026-12-31", "--reason", "x", "--by", "sre"),
        ("--after", "31.1.2027", "--reason", "x", "--by", "sre"),
        ("--after", "2027-01-31", "--reason", "x", "--by", "The Boss"),
    ],
)
def test_retire_takes_either_now_or_a_whole_mark(options: tuple[str, ...]) -> None:
    assert slipway("retire", FR, "--env", "dev", *options, "--yes").exit_code == 2


def import_config(case: str, *options: str, answer: str | None = None) -> Result:
    return slipway("import", "torchserve", str(CASES / f"{case}.json"), *options, answer=answer)


@pytest.fixture
def empty(catalog: Path) -> Path:
    """A catalog that does not have the imported model yet."""
    shutil.rmtree(catalog / "entries")
    shutil.rmtree(catalog / "releases")
    (catalog / "entries").mkdir()
    return catalog


def test_an_import_lists_what_it_assumes_and_runs_the_versions_where_that_is_asked(empty: Path) -> None:
    result = import_config("torchserve_config_two_versions", *FRENCH, "--env", "dev", "--yes")
    assert result.exit_code == 0, result.output
    assert "assumed in entries/question_answering/reader.yaml: owner: unassigned (owner)" in result.output
    assert (
        (empty / "releases" / "dev.yaml")
        .read_text()
        .endswith(f'{FR}: {{default: "2", versions: ["1.0", "2"]}}\n')
    )
    exported = slipway("export", "torchserve", "--env", "dev")
    assert json.loads(exported.stdout) == json.loads(
        (CASES / "torchserve_config_two_versions.json").read_text()
    )
    again = import_config("torchserve_config_two_versions", "--env", "dev", "--yes")
    assert f"known already: {FR}@2" in again.output
    assert "so already" in again.output


@pytest.mark.usefixtures("empty")
def test_a_lone_version_becomes_the_default_and_the_import_says_so() -> None:
    result = import_config("torchserve_config_one_version", *FRENCH, "--env", "dev", "--yes")
    assert f"{FR}@1.0 answers by default although its file says defaultVersion false" in result.output
    exported = slipway("export", "torchserve", FR, "--env", "dev")
    assert json.loads(exported.stdout) == json.loads(
        (CASES / "torchserve_config_one_version.json").read_text()
    )


@pytest.mark.usefixtures("empty")
def test_remote_models_come_in_and_go_out() -> None:
    case = CASES / "remote_models.json"
    assert slipway("import", "remote-models", str(case), "--env", "dev", "--yes").exit_code == 0
    exported = slipway("export", "remote-models", "--env", "dev")
    assert json.loads(exported.stdout) == json.loads(case.read_text())
    other = slipway("export", "remote-models", "--env", "dev", "--target-bucket", "other-bucket")
    model = json.loads(other.stdout)["QuestionAnswering"]["Reader"]["fr"]
    assert model["model_config"]["target_bucket_name"] == "other-bucket"


def test_an_import_that_changes_the_default_says_so_and_keeps_the_way_back(catalog: Path) -> None:
    result = slipway("import", "remote-models", str(CASES / "remote_models.json"), "--env", "dev", "--yes")
    assert f"{FR}@20230207180600: the default of dev, as the file says; 1.0 keeps running" in result.output
    assert released(catalog).rollback == "1.0"


def test_an_archive_at_hand_is_pinned_by_its_digest(empty: Path, tmp_path: Path) -> None:
    (tmp_path / "fr_reader.mar").write_bytes(b"weights")
    result = import_config(
        "torchserve_config_one_version",
        *FRENCH,
        "--archive-dir",
        str(tmp_path),
        "--yes",
    )
    assert result.exit_code == 0
    text = (empty / "entries" / "question_answering" / "reader.yaml").read_text()
    assert f"digest: sha256:{hashlib.sha256(b'weights').hexdigest()}" in text
    assert "weights: 1KiB" in text


def test_what_the_name_does_not_tell_is_asked_for_or_named_as_an_option(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = import_config("torchserve_config_one_version", "--yes")
    assert result.exit_code == 2
    assert "--task" in result.output
    monkeypatch.setattr(edits, "at_terminal", lambda: True)
    answers = "QuestionAnswering\nfr\nReader\nnlp-platform\n\nmit\n\n440MiB\n\ny\n"
    result = import_config("torchserve_config_one_version", answer=answers)
    assert result.exit_code == 0, result.output
    entry = load_catalog(empty).entries[0]
    assert (entry.owner, entry.version("fr", "1.0").license) == ("nlp-platform", "mit")
    assert "assumed in entries/question_answering/reader.yaml: description" in result.output
    assert "owner: nlp-platform (" not in result.output


def test_one_model_s_name_does_not_fit_two_models(empty: Path, tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    file.write_text('{"fr_reader": {"1": {"minWorkers": 1}}, "en_reader": {"1": {"minWorkers": 1}}}')
    assert slipway("import", "torchserve", str(file), "--task", "A", "--model", "B", "--yes").exit_code == 2
    languages = ("--language", "fr_reader=fr", "--language", "en_reader=en")
    result = slipway("import", "torchserve", str(file), "--task", "A", *languages, "--env", "dev", "--yes")
    assert result.exit_code == 0, result.output
    (entry,) = load_catalog(empty).entries
    assert sorted(entry.languages) == ["en", "fr"]
    assert entry.language_from == "caller"


def test_a_file_that_would_lose_something_is_refused_and_nothing_is_written(
    empty: Path, tmp_path: Path
) -> None:
    file = tmp_path / "odd.json"
    file.write_text('{"fr_reader": {"1.0": {"marName": "a.mar", "jobQueueSize": 100}}}')
    said = refused(slipway("import", "torchserve", str(file), "--task", "A", "--yes"))
    assert (
        f'{file}:1:44 import-format $.fr_reader["1.0"].jobQueueSize is not a key that can be imported' in said
    )
    file.write_bytes(b"\xff")
    assert "is not UTF-8" in refused(slipway("import", "torchserve", str(file), "--task", "A", "--yes"))
    assert list(empty.rglob("*.yaml")) == []


def test_an_export_says_on_stderr_what_its_format_has_no_place_for(catalog: Path) -> None:
    (catalog / "releases" / "sandbox.yaml").write_text(
        f'{FR}: {{default: "2"}}\nTextGeneration/Writer/mul: {{default: "1"}}\n'
    )
    result = slipway("export", "torchserve", "--env", "sandbox")
    assert "fr_reader" in json.loads(result.stdout)
    assert "left out" in result.stderr
    assert "TextGeneration/Writer/mul@1" in result.stderr
    assert slipway("export", "torchserve", "not a selector", "--env", "sandbox").exit_code == 2


def test_a_write_that_dies_before_the_rename_leaves_every_file_and_no_other(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    before = sorted(empty.rglob("*"))
    monkeypatch.setattr(os, "replace", die)
    import_config("torchserve_config_one_version", *FRENCH, "--env", "dev", "--yes")
    assert sorted(empty.rglob("*")) == before


def test_a_second_rename_that_fails_takes_the_first_back(
    catalog: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "new.json"
    file.write_text('{"fr_reader": {"3": {"marName": "fr_reader_3.mar"}}}')
    before = {path: path.read_bytes() for path in catalog.rglob("*") if path.is_file()}
    real, calls = os.replace, []

    def fail(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", fail)
    result = slipway("import", "torchserve", str(file), "--env", "dev", "--yes")
    assert isinstance(result.exception, OSError)
    assert [path.name for path in calls] == ["reader.yaml", "dev.yaml"]
    assert {path: path.read_bytes() for path in catalog.rglob("*") if path.is_file()} == before


def test_a_file_that_changed_while_the_question_stood_is_not_overwritten(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object, **__: object) -> bool:
        dev.write_text("# somebody else\n")
        return True

    monkeypatch.setattr(edits, "at_terminal", lambda: True)
    monkeypatch.setattr(typer, "confirm", meanwhile)
    said = refused(slipway("promote", FR, "--from", "sandbox", "--to", "dev"))
    assert "releases/dev.yaml:1:1 changed-meanwhile" in said
    assert dev.read_text() == "# somebody else\n"
    assert sorted(path.name for path in dev.parent.iterdir()) == ["dev.yaml", "prod.yaml", "sandbox.yaml"]


def test_a_change_of_another_file_that_would_make_the_catalog_wrong_is_found_before_writing(
    dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next((dev.parent.parent / "entries" / "question_answering").glob("reader.yaml"))
    before = dev.read_bytes()

    def meanwhile(*_: object, **__: object) -> bool:
        entry.unlink()  # another command has taken the model out
        return True

    monkeypatch.setattr(edits, "at_terminal", lambda: True)
    monkeypatch.setattr(typer, "confirm", meanwhile)
    result = slipway("promote", FR, "--from", "sandbox", "--to", "dev")
    refused(result)
    assert "other files changed on disk meanwhile" in result.output
    assert dev.read_bytes() == before


def test_carriage_returns_stay(dev: Path) -> None:
    dev.write_bytes(dev.read_bytes().replace(b"\n", b"\r\n"))
    assert slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes").exit_code == 0
    written = dev.read_bytes()
    assert b'  rollback: "1.0"\r\n' in written
    assert b"\n" not in written.replace(b"\r\n", b"")


def test_a_link_within_the_catalog_is_followed_and_the_file_s_mode_is_kept(dev: Path) -> None:
    elsewhere = dev.parent.parent / "elsewhere" / "shared.yaml"
    elsewhere.parent.mkdir()
    dev.rename(elsewhere)
    elsewhere.chmod(0o640)
    dev.symlink_to(elsewhere)
    assert slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes").exit_code == 0
    assert dev.is_symlink()
    assert 'default: "2"' in elsewhere.read_text()
    assert elsewhere.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in elsewhere.parent.iterdir()) == ["shared.yaml"]


@pytest.mark.parametrize("command", [["promote"], ["rollback"], ["retire"], ["import", "torchserve"]])
def test_help_says_when_nothing_is_written(command: list[str]) -> None:
    said = " ".join(slipway(*command, "--help").output.replace("│", " ").split())
    assert "nothing is written then, and the exit code is 0" in said


def test_pipes_and_folders_with_an_entry_s_name_are_passed_over(catalog: Path) -> None:
    os.mkfifo(catalog / "entries" / "pipe.yaml")
    (catalog / "entries" / "folder.yaml").mkdir()
    result = slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes")
    assert result.exit_code == 0, result.output


def test_a_number_of_thousands_of_digits_is_refused_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"fr_reader": {"1": {"minWorkers": ' + "9" * 5000 + "}}}")
    assert "config.json:1:1 json-syntax" in refused(slipway("import", "torchserve", str(file)))


def test_what_gets_or_loses_a_place_says_which_lock_to_write(catalog: Path) -> None:
    (catalog / "placement" / "dev.lock").write_text(f"{FR}  gpu-g4dn-xlarge/torchserve-1\n")
    rolled = slipway("promote", FR, "--from", "sandbox", "--to", "dev", "--yes")
    assert "next: " not in rolled.output
    gone = slipway("retire", FR, "--env", "dev", "--now", "--yes")
    assert gone.exit_code == 0, gone.output
    assert "next: slipway plan --env dev --write" in gone.output
