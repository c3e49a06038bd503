"""`slipway diff` on real repositories: what it reads, what it says, and what it exits with."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import diff_command, diff_sides
from cli.console import CLONE
from cli.diff_formats import MARKDOWN_LIMIT, to_annotations, to_markdown, to_text
from cli.diff_report import Report, Side
from cli.git import GitError, Repository, UnknownRevisionError
from model_catalog import Catalog, Environment, Problem, Severity
from model_catalog.changes import CatalogChanges, EnvironmentChanges
from planning import Plan, make_plan
from planning.changes import ChangeRiskKind
from tests.unit.planning.changes.cases import SETTINGS, overriding, plan
from tests.unit.planning.changes.cases import changes as plan_changes
from tests.unit.planning.changes.cases import entry as crowded

DIGEST = f"sha256:{'a' * 64}"
ENTRY = "model_catalog/entries/question_answering/reader.yaml"
SANDBOX = "model_catalog/releases/sandbox.yaml"

READER = f"""
task: QuestionAnswering
model: Reader
description: Finds the answer | in a `passage`. Ask @somebody.
owner: nlp-platform
engine: torchserve
device: gpu
language_from: caller
license: LicenseRef-internal
memory: {{weights: 440MiB, per_request: 12MiB}}
serving: {{response_timeout: 120s}}
handler: {{name: reader, version: 1.4.0}}
languages:
  fr:
    scripts: [Latn]
    versions:
      "1":
        artifact: {{bucket: research, path: models/fr/1, digest: "{DIGEST}"}}
      "2":
        artifact: {{bucket: research, path: models/fr/2, digest: "{DIGEST}"}}
      "3":
        artifact: {{bucket: research, path: models/fr/3, digest: unresolved}}
"""
RELEASE = 'QuestionAnswering/Reader/fr: {default: "1"}\n'
LOCK = "model_catalog/placement/sandbox.lock"
PLACED = "QuestionAnswering/Reader/fr  gpu-g4dn-xlarge/torchserve-1\n"
SERVER = "gpu-g4dn-xlarge-torchserve-1"

app = typer.Typer()
app.command()(diff_command.diff)


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A repository of git with a catalog and stack files."""

    folder: Path
    first: str = ""
    """Its first commit."""

    def git(self, *arguments: str) -> str:
        who = {
            f"GIT_{role}_{what}": f"a@{what}"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        plain = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        ran = subprocess.run(  # noqa: S603 (arguments of tests)
            ["git", "-C", str(self.folder), *arguments],  # noqa: S607 (any git will do)
            capture_output=True,
            text=True,
            check=True,
            env=plain | who | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_OPTIONAL_LOCKS": "0"},
        )
        return ran.stdout.strip()

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        self.write(path, text.replace(old, new, 1))

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "x")
        return self.git("rev-parse", "HEAD")


def made(folder: Path) -> Checkout:
    folder.mkdir()
    checkout = Checkout(folder=folder)
    checkout.git("init", "--quiet", "--initial-branch=main", "--template=")
    for stack in ("Pulumi.yaml", "Pulumi.sandbox.yaml"):
        checkout.write(stack, (CLONE / stack).read_text())
    checkout.write(ENTRY, READER)
    checkout.write(SANDBOX, RELEASE)
    checkout.write(LOCK, PLACED)
    return replace(checkout, first=checkout.commit())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return made(tmp_path_factory.mktemp("template") / "clone")


@pytest.fixture
def checkout(template: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    shutil.copytree(template.folder, tmp_path / "clone")
    monkeypatch.setattr(diff_command, "CLONE", tmp_path / "clone")
    monkeypatch.setattr(diff_command, "today", lambda: date(2026, 11, 22))
    return replace(template, folder=tmp_path / "clone")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def as_json(*arguments: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run(*arguments, "--format", "json").stdout)
    return said


def environment(said: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in said["environments"] if one["environment"] == name)


def test_nothing_changed_is_said_in_a_line(checkout: Checkout) -> None:
    result = run("main")
    assert result.exit_code == 0
    assert (
        result.stdout
        == f"{checkout.first[:12]} (main) → working tree\n\nNothing that an environment serves changes.\n"
    )


def test_a_new_default_is_what_users_get_and_what_servers_load(checkout: Checkout) -> None:
    checkout.edit(SANDBOX, '{default: "1"}', '{default: "2", versions: ["1", "2"], rollback: "1"}')
    result = run("main")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[2] == (
        "sandbox: another default in fr, no server restarts, 1 server changes as it runs, same cost, 0 moves"
    )
    shown = lines.index("What users of sandbox get")
    assert lines[shown + 2 : shown + 5] == [
        "  QuestionAnswering/Reader  fr        default 1 → 2",
        "  QuestionAnswering/Reader  fr        version 2 starts",
        "  QuestionAnswering/Reader  fr        rollback nothing → 1",
    ]
    live = lines.index("What changes as servers of sandbox run")
    assert re.split(r" {2,}", lines[live + 2].strip()) == [
        "QuestionAnswering/Reader",
        "fr",
        "nlp-platform",
        SERVER,
        "version 2 comes; version 2 becomes the default instead of 1",
    ]
    said = environment(as_json("main"), "sandbox")
    assert said["languages"] == ["fr"]
    assert said["releases"][0]["default"] == {"old": "1", "new": "2"}
    assert said["releases"][0]["starts"] == ["2"]
    (server,) = said["servers"]
    assert (server["server"], server["change"]) == (SERVER, "changed")
    assert "models.QuestionAnswering/Reader/fr@2" in {setting["name"] for setting in server["settings"]}
    assert said["gpus"] == {"before": 1, "after": 1}


def test_more_replicas_are_gpus_and_nodes_before_anybody_pays_for_them(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "device: gpu", "device: gpu\nreplicas: 3")
    assert "sandbox: no server restarts, +$1.05/h (g4dn.xlarge nodes 1 → 3), 0 moves" in run("main").stdout
    said = environment(as_json("main"), "sandbox")
    assert said["gpus"] == {"before": 1, "after": 3}
    (pool,) = said["pools"]
    assert (pool["name"], pool["instance_type"], pool["before"], pool["after"]) == (
        "gpu-g4dn-xlarge",
        "g4dn.xlarge",
        1,
        3,
    )
    assert pool["gpus"] == said["gpus_bought"] == {"before": 1, "after": 3}
    assert said["cost"]["more"] == {"usd_per_hour": "1.052", "usd_per_month": "767.960"}
    assert said["cost"]["stand_ins"] == ["us-east-1's price: eu-west-1's is unknown"]
    assert said["restarts"] == []
    (server,) = said["servers"]
    assert (server["before"], server["after"]) == (
        {"replicas": 1, "gpus": 1, "running": 1},
        {"replicas": 3, "gpus": 3, "running": 3},
    )


def test_a_stack_file_is_compared_as_well(checkout: Checkout) -> None:
    checkout.edit("Pulumi.sandbox.yaml", "config:", "config:\n  slipway:gpuNodes: {g5.xlarge: 4}")
    said = environment(as_json("main"), "sandbox")
    assert [(pool["name"], pool["before"], pool["after"]) for pool in said["pools"]] == [
        ("gpu-g4dn-xlarge", 1, 0),
        ("gpu-g5-xlarge", 0, 1),
    ]
    assert [(server["server"], server["change"]) for server in said["servers"]] == [
        (SERVER, "removed"),
        ("gpu-g5-xlarge-torchserve-1", "added"),
    ]
    (move,) = said["placement"]["moves"]
    assert (move["selector"], move["after"]) == ("QuestionAnswering/Reader/fr", "gpu-g5-xlarge/torchserve-1")
    assert "pool_replaced" in {risk["kind"] for risk in said["risks"]}
    assert said["stale"] is True


def test_a_neighbour_that_joins_is_told_to_those_who_pay_for_it(checkout: Checkout) -> None:
    other = READER.replace("model: Reader", "model: Finder").replace("nlp-platform", "search")
    checkout.write("model_catalog/entries/question_answering/finder.yaml", other)
    checkout.write(SANDBOX, f'QuestionAnswering/Finder/fr: {{default: "1"}}\n{RELEASE}')
    checkout.write(LOCK, f"QuestionAnswering/Finder/fr  gpu-g4dn-xlarge/torchserve-1\n{PLACED}")
    lines = run("main").stdout.splitlines()
    assert lines[2] == (
        "sandbox: +1 model (QuestionAnswering/Finder/fr), no server restarts, 1 server changes as it runs, same cost, "
        "0 moves"
    )
    assert [re.split(r" {2,}", line.strip()) for line in lines[lines.index("Servers of sandbox") :][2:3]] == [
        [SERVER, "stays up", "1", "1", "1 version comes; 1 version becomes the default"]
    ]
    assert "Who loses capacity in sandbox" not in lines
    assert "  Nothing moves." in lines


OVERRIDE = 'overrides: [{serving: {batch_size: 2}, reason: As in tests., by: lead, until: "2027-06-30"}]'


def test_an_override_that_a_running_server_cannot_take_is_told_to_all_who_pay_for_it(
    checkout: Checkout,
) -> None:
    other = READER.replace("model: Reader", "model: Finder").replace("nlp-platform", "search")
    checkout.write("model_catalog/entries/question_answering/finder.yaml", other)
    checkout.write(SANDBOX, f'QuestionAnswering/Finder/fr: {{default: "1"}}\n{RELEASE}')
    checkout.write(LOCK, f"QuestionAnswering/Finder/fr  gpu-g4dn-xlarge/torchserve-1\n{PLACED}")
    checkout.commit()
    checkout.edit(SANDBOX, 'Finder/fr: {default: "1"}', f'Finder/fr: {{default: "1", {OVERRIDE}}}')
    lines = run("HEAD").stdout.splitlines()
    assert lines[2] == (
        "sandbox: 1 server restarts (Finder fr, Reader fr away up to 3m), same cost, 0 moves, 1 risk"
    )
    assert [re.split(r" {2,}", line.strip()) for line in lines[lines.index("Servers of sandbox") :][2:3]] == [
        [
            SERVER,
            "restarts",
            "1",
            "1",
            "changes QuestionAnswering/Finder/fr; overrides that a running TorchServe cannot take",
        ]
    ]
    lost = lines.index("Who loses capacity in sandbox")
    assert re.split(r" {2,}", lines[lost + 3].strip()) == [
        "QuestionAnswering/Reader",
        "fr",
        "nlp-platform",
        SERVER,
        "0 of 1 replica: no answer",
        "3m",
        "a neighbour's change",
    ]


def test_a_lock_that_is_behind_is_told_with_the_command_that_mends_it(checkout: Checkout) -> None:
    checkout.write(LOCK, "")
    text = run("main").stdout
    assert text.splitlines()[2] == "sandbox: no server restarts, same cost, 0 moves, its lock is behind"
    assert "Run slipway plan --env sandbox --write and commit what it writes." in text
    assert environment(as_json("main"), "sandbox")["stale"] is True
    checkout.commit()
    assert run("HEAD").stdout.splitlines()[2:] == ["Nothing that an environment serves changes."]


@pytest.mark.parametrize(
    ("file", "text", "plans"),
    [
        ("README.md", "Nothing that is planned.\n", 1),
        ("Pulumi.dev.yaml", "config: {slipway:environment: dev}\n", 1),
        ("model_catalog/entries/question_answering/finder.yaml", READER.replace("Reader", "Finder"), 1),
        (LOCK, "", 2),
        (SANDBOX, 'QuestionAnswering/Reader/fr: {default: "2"}\n', 2),
    ],
)
def test_an_environment_is_planned_once_where_both_sides_say_the_same(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, file: str, text: str, plans: int
) -> None:
    made: list[Environment] = []

    def counted(catalog: Catalog, environment: Environment, *rest: Any) -> Plan:
        made.append(environment)
        return make_plan(catalog, environment, *rest)

    monkeypatch.setattr(diff_sides, "make_plan", counted)
    checkout.write(file, text)
    assert run("main").exit_code == 0
    assert made == [Environment.SANDBOX] * plans


def test_a_plan_that_head_s_settings_refuse_exits_1_and_says_why(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "device: gpu", "device: gpu\nreplicas: 9")
    result = run("main")
    assert result.exit_code == 1
    assert "sandbox: HEAD cannot be planned" in result.stdout
    assert "allowed 4 nodes, 5 too few" in re.sub(r"\s+", " ", result.stdout)
    said = environment(as_json("main"), "sandbox")
    assert [said[key] for key in ("gpus", "gpus_bought", "stale", "cost")] == [None] * 4


def test_a_stack_that_one_side_does_not_have_is_not_compared(checkout: Checkout) -> None:
    (checkout.folder / "Pulumi.sandbox.yaml").unlink()
    assert environment(as_json("main"), "sandbox")["unplanned"] == "HEAD has no Pulumi.sandbox.yaml"
    assert run("main").exit_code == 0


def test_a_broken_rule_exits_1_and_names_the_place_in_head(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "version: 1.4.0", "version: 1.4.1")
    result = run("main")
    assert result.exit_code == 1
    assert (
        f"{ENTRY}:12:34 version-immutable handler.version of QuestionAnswering/Reader/fr@1, released in sandbox, "
        in (result.stdout)
    )
    (found,) = as_json("main")["broken_rules"]
    assert (found["file"], found["line"], found["rule"], found["severity"]) == (
        ENTRY,
        12,
        "version-immutable",
        "error",
    )


def test_a_warning_alone_exits_0(checkout: Checkout) -> None:
    checkout.write(SANDBOX, "{}\n")
    result = run("main")
    assert "retire-first" in result.stdout
    assert result.exit_code == 0


def test_a_catalog_of_head_with_errors_exits_1_with_all_of_them(checkout: Checkout) -> None:
    checkout.edit(SANDBOX, '"1"', '"9"')
    result = run("main")
    assert result.exit_code == 1
    assert f"{SANDBOX}:1:" in result.stdout
    assert "version-exists" in result.stdout
    assert "not compared" in result.stdout


def test_a_broken_base_does_not_stop_the_change_that_mends_it(checkout: Checkout) -> None:
    checkout.write(SANDBOX, "QuestionAnswering/Reader/fr: [\n")
    checkout.commit()
    checkout.write(SANDBOX, RELEASE)
    result = run("HEAD")
    assert result.exit_code == 0
    assert SANDBOX in result.stdout


def test_two_revisions_are_compared_whatever_the_working_tree_holds(checkout: Checkout) -> None:
    checkout.edit(SANDBOX, '"1"', '"2"')
    second = checkout.commit()
    checkout.write(ENTRY, "nonsense")
    said = as_json("HEAD~1", "HEAD")
    assert (said["base"]["commit"], said["head"]["commit"]) == (checkout.first, second)
    assert environment(said, "sandbox")["releases"][0]["default"] == {"old": "1", "new": "2"}


def test_what_base_got_since_is_no_change_of_head_unless_asked_for(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "-b", "feature")
    checkout.edit(ENTRY, "nlp-platform", "search")
    checkout.commit()
    checkout.git("checkout", "--quiet", "main")
    checkout.edit(SANDBOX, '"1"', '"2"')
    newest = checkout.commit()
    base = as_json("main", "feature")["base"]
    assert base == {"commit": checkout.first, "revision": "merge base with main"}
    assert environment(as_json("main", "feature"), "sandbox")["releases"] == []
    direct = as_json("main", "feature", "--no-merge-base")
    assert direct["base"]["commit"] == newest
    assert environment(direct, "sandbox")["releases"][0]["default"] == {"old": "2", "new": "1"}


def test_files_that_git_does_not_know_belong_to_the_working_tree(checkout: Checkout) -> None:
    other = READER.replace("model: Reader", "model: Finder")
    checkout.write("model_catalog/entries/question_answering/finder.yaml", other)
    assert [one["selector"] for one in as_json("main")["entries"]] == ["QuestionAnswering/Finder"]


def test_a_file_that_moved_has_not_changed(checkout: Checkout) -> None:
    checkout.git("mv", ENTRY, "model_catalog/entries/reader.yaml")
    said = as_json("main")
    assert (said["entries"], said["versions"], said["broken_rules"]) == ([], [], [])


def test_neither_the_index_nor_the_working_tree_is_touched(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "nlp-platform", "search")
    checkout.git("add", ENTRY)
    checkout.edit(ENTRY, "search", "ranking")
    index = checkout.folder / ".git" / "index"
    before = (index.read_bytes(), index.stat().st_mtime_ns, checkout.git("status", "--porcelain"))
    run("main")
    run("HEAD", "HEAD")
    assert (index.read_bytes(), index.stat().st_mtime_ns, checkout.git("status", "--porcelain")) == before


@pytest.mark.usefixtures("checkout")
def test_the_repository_of_a_hook_that_runs_it_is_not_the_one_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert run("main").exit_code == 0


def test_a_checkout_may_lie_below_the_root_of_its_repository(tmp_path: Path) -> None:
    outer = made(tmp_path / "outer")
    outer.write("inner/model_catalog/releases/dev.yaml", "{}\n")
    commit = outer.commit()
    files = Repository(folder=outer.folder / "inner").files(commit, ["model_catalog/releases", "Pulumi.yaml"])
    assert files == {"model_catalog/releases/dev.yaml": b"{}\n"}


def test_files_come_as_git_keeps_them(checkout: Checkout) -> None:
    checkout.write(".gitattributes", "*.yaml text eol=crlf export-ignore\n")
    checkout.write("model_catalog/releases/ein zwei\u00e9.yaml", "")
    (checkout.folder / "model_catalog/releases/prod.yaml").symlink_to("/etc/passwd")
    commit = checkout.commit()
    files = Repository(folder=checkout.folder).files(commit, ["model_catalog/releases", "not/there"])
    assert files == {
        SANDBOX: RELEASE.encode(),
        "model_catalog/releases/ein zwei\u00e9.yaml": b"",
        "model_catalog/releases/prod.yaml": b"/etc/passwd",
    }


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("revision", ["nope", "--output=x", "^main", "HEAD~9", "HEAD:Pulumi.yaml", "", "a b"])
def test_a_revision_that_is_none_is_a_usage_error(revision: str) -> None:
    result = run("--", revision)
    assert result.exit_code == 2
    assert "no revision of this repository" in re.sub(r"[\s│]+", " ", result.output)


def test_a_branch_that_only_the_remote_has_is_suggested(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("branch", "feature")
    checkout.git("clone", "--quiet", str(checkout.folder), str(tmp_path / "copy"))
    with pytest.raises(UnknownRevisionError, match="did you mean origin/feature"):
        Repository(folder=tmp_path / "copy").commit("feature")


def test_a_shallow_clone_is_told_how_to_get_the_rest(checkout: Checkout, tmp_path: Path) -> None:
    checkout.edit(SANDBOX, '"1"', '"2"')
    checkout.commit()
    checkout.git("clone", "--quiet", "--depth=1", checkout.folder.as_uri(), str(tmp_path / "copy"))
    copy = Repository(folder=tmp_path / "copy")
    with pytest.raises(UnknownRevisionError, match=r"git fetch --unshallow origin HEAD~1 .*fetch-depth: 0"):
        copy.commit("HEAD~1")


def test_two_histories_that_share_nothing_fail_outside_and_name_the_way_out(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "--orphan", "other")
    checkout.edit(ENTRY, "nlp-platform", "search")
    checkout.commit()
    with pytest.raises(
        GitError, match="share no commit here; compare the two as they are with --no-merge-base"
    ):
        run("main")
    assert run("main", "--no-merge-base").exit_code == 0


def test_a_folder_without_git_fails_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(GitError, match="not a git repository"):
        Repository(folder=tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not on PATH"):
        Repository(folder=tmp_path)


def test_one_environment_may_be_shown_alone_and_all_are_judged(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "version: 1.4.0", "version: 1.4.1")
    said = as_json("main", "--env", "dev", "--env", "dev")
    assert [one["environment"] for one in said["environments"]] == ["dev"]
    assert [one["rule"] for one in said["broken_rules"]] == ["version-immutable"]


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "github"])
def test_equal_input_gives_equal_bytes(checkout: Checkout, format_: str) -> None:
    checkout.edit(SANDBOX, '{default: "1"}', '{default: "2", canary: {"1": 5%}}')
    checkout.edit(ENTRY, "version: 1.4.0", "version: 1.4.1")
    once, again = (run("main", "--format", format_) for _ in range(2))
    assert once.stdout_bytes == again.stdout_bytes
    assert once.stdout.endswith("\n")


@pytest.mark.usefixtures("checkout")
def test_json_keeps_its_keys() -> None:
    said = as_json("main")
    assert list(said) == [
        "base",
        "head",
        "refused",
        "broken_rules",
        "problems",
        "unread",
        "entries",
        "variants",
        "versions",
        "environments",
    ]
    assert list(said["environments"][0]) == [
        "environment",
        "languages",
        "releases",
        "entries",
        "versions",
        "renamed",
        "servers",
        "pools",
        "gpus",
        "unplanned",
        "restarts",
        "live",
        "placement",
        "stale",
        "gpus_bought",
        "cost",
        "alerts",
        "risks",
        "without_effect",
    ]


def test_what_a_change_declares_and_nothing_acts_on_is_said_of_the_change_alone(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "device: gpu", "device: gpu\nslo: {availability: 99%}")
    checkout.commit()
    checkout.edit(SANDBOX, '{default: "1"}', '{default: "1", canary: {"2": 10%}}')
    lines = run("HEAD").stdout.splitlines()
    title = lines.index("Without effect in sandbox")
    assert lines[title + 1].startswith(
        "  a canary of 10% is declared in sandbox for QuestionAnswering/Reader/fr; no "
    )
    assert lines[title + 2] == ""
    assert "`canary`" in run("HEAD", "--format", "markdown").stdout
    declared = environment(as_json("HEAD"), "sandbox")["without_effect"]
    assert [(one["kind"], one["selectors"]) for one in declared] == [
        ("canary", ["QuestionAnswering/Reader/fr"])
    ]
    assert [one["kind"] for one in environment(as_json(checkout.first), "sandbox")["without_effect"]] == [
        "canary",
        "slo",
    ]


def test_another_name_for_callers_is_said_first_in_what_users_get_and_as_a_warning(
    checkout: Checkout,
) -> None:
    checkout.edit(ENTRY, "scripts: [Latn]", "scripts: [Latn]\n    served_name: reader")
    result = run("main")
    assert result.exit_code == 0
    assert "another name for callers of QuestionAnswering/Reader/fr" in result.stdout.splitlines()[2]
    assert "/predictions/fr_reader → /predictions/reader: callers of the old name get 404" in result.stdout
    assert "served-name-kept warning: QuestionAnswering/Reader/fr is served as 'reader'" in result.stdout
    said = environment(as_json("main"), "sandbox")
    assert said["renamed"] == [
        {
            "selector": "QuestionAnswering/Reader/fr",
            "change": "changed",
            "settings": [{"name": "served_name", "old": "fr_reader", "new": "reader"}],
        }
    ]


def test_the_guide_has_every_risk_and_every_key_of_an_environment(checkout: Checkout) -> None:
    guide = (CLONE / "docs/diff.md").read_text()
    assert [kind.value for kind in ChangeRiskKind] == re.findall(r"^\| `(\w+)` \|", guide, flags=re.MULTILINE)
    checkout.edit(ENTRY, "response_timeout: 120s", "response_timeout: 120s, max_batch_delay: 2s")
    checkout.edit(SANDBOX, '{default: "1"}', '{default: "2"}')
    said = environment(as_json("main"), "sandbox")
    (live,) = said["live"]
    assert live["changes"]
    for found in (
        said,
        live,
        *live["changes"],
        *said["servers"],
        *said["restarts"],
        *said["alerts"],
        *said["risks"],
        said["placement"],
    ):
        assert [key for key in found if f"`{key}`" not in guide] == []


def test_json_keeps_the_keys_of_what_a_running_server_takes_over(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "response_timeout: 120s", "response_timeout: 120s, max_batch_delay: 2s")
    checkout.edit(SANDBOX, '{default: "1"}', '{default: "2", versions: ["1", "2"]}')
    (live,) = environment(as_json("main"), "sandbox")["live"]
    version = {"language": "fr", "owner": "nlp-platform"}
    two = {"selector": "QuestionAnswering/Reader/fr@2", "version": "2", "default": True, **version}
    assert live == {
        "server": SERVER,
        "owners": ["nlp-platform"],
        "changes": [
            {**two, "change": "added", "setting": None},
            {**two, "change": "default", "setting": {"name": "default", "old": "1", "new": "2"}},
        ],
        "at_next_start": [
            {
                "selector": "QuestionAnswering/Reader/fr@1",
                "version": "1",
                **version,
                "setting": {"name": "serving.max_batch_delay", "old": "100ms", "new": "2s"},
            }
        ],
    }


def test_a_default_without_a_digest_is_told_as_nobody_answering(checkout: Checkout) -> None:
    checkout.edit(SANDBOX, '{default: "1"}', '{default: "3"}')
    (risk,) = environment(as_json("main"), "sandbox")["risks"]
    assert risk["kind"] == "not_served"
    assert risk["message"] == (
        "QuestionAnswering/Reader/fr@3 is not served: its artifact's digest is unresolved; `slipway artifacts digest "
        "s3://research/models/fr/3` prints it; nobody answers QuestionAnswering/Reader/fr any more"
    )


def test_json_keeps_the_keys_of_what_it_lists(checkout: Checkout) -> None:
    override = OVERRIDE.replace("batch_size: 2", "max_batch_delay: 2s")
    checkout.edit(SANDBOX, '{default: "1"}', f'{{default: "1", {override}}}')
    tuned = environment(as_json("main"), "sandbox")
    (restart,) = tuned["restarts"]
    assert restart == {
        "server": SERVER,
        "engine": "torchserve",
        "pool": "gpu-g4dn-xlarge",
        "owners": ["nlp-platform"],
        "replicas": {"before": 1, "after": 1, "ready": 0},
        "away": True,
        "startup_seconds": 180,
        "longest_seconds": 180,
        "because": ["settings"],
        "affected": [
            {
                "variant": "QuestionAnswering/Reader/fr",
                "language": "fr",
                "owner": "nlp-platform",
                "versions": ["1"],
                "default": True,
                "untouched": False,
            }
        ],
        "gained": [],
        "lost": [],
    }
    (alert,) = tuned["alerts"]
    assert (alert["alert"], alert["server"], alert["change"]) == ("SlipwayQueueWait", SERVER, "changed")
    assert [list(setting) for setting in alert["settings"]] == [["name", "old", "new"]]
    assert [list(risk) for risk in tuned["risks"]] == [["kind", "server", "pool", "message"]]
    assert tuned["placement"] == {"moves": [], "added": [], "removed": []}
    assert list(tuned["servers"][0]) == [
        "server",
        "change",
        "before",
        "after",
        "settings",
        "pool",
        "restarts",
    ]
    assert list(tuned["cost"]) == ["before", "after", "more", "missing", "stand_ins", "by_owner"]


def test_a_comment_shows_values_as_they_are_and_notifies_nobody(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "Ask @somebody", "Ask @nobody")
    text = run("main", "--format", "markdown").stdout
    assert text.startswith("## What this change does\n")
    assert "`` Finds the answer \\| in a `passage`. Ask @nobody. ``" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_every_table_of_a_comment_has_whole_rows_and_the_headline_comes_first(checkout: Checkout) -> None:
    other = READER.replace("model: Reader", "model: Finder").replace("nlp-platform", "search")
    checkout.write("model_catalog/entries/question_answering/finder.yaml", other)
    checkout.write(SANDBOX, f'QuestionAnswering/Finder/fr: {{default: "1"}}\n{RELEASE}')
    checkout.edit(ENTRY, "response_timeout: 120s", "response_timeout: 120s, max_batch_delay: 2s")
    checkout.edit("Pulumi.sandbox.yaml", "config:", "config:\n  slipway:gpuNodes: {g5.xlarge: 4}")
    text = run("main", "--format", "markdown").stdout
    assert text.splitlines()[2].startswith("- `sandbox`: +1 model (QuestionAnswering/Finder/fr), ")
    titles = [line.removeprefix("### ") for line in text.splitlines() if line.startswith("### ")]
    assert titles == [
        "Problems of the catalog",
        "What users of sandbox get",
        "The placement of sandbox is not written",
        "Risks in sandbox",
        "Servers of sandbox",
        "Placement in sandbox",
        "Nodes of sandbox",
        "Cost of sandbox",
        "Alerts of sandbox",
        "The catalog",
    ]
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


def test_what_a_terminal_acts_on_is_shown_by_its_number() -> None:
    odd = report(problem(message="a\x1b[31mred\u202e", severity=Severity.WARNING))
    for text in (to_text(odd), to_markdown(odd)):
        assert "a\\" in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_annotations_point_at_the_place(checkout: Checkout) -> None:
    checkout.edit(ENTRY, "version: 1.4.0", "version: 1.4.1")
    result = run("main", "--format", "github")
    assert result.exit_code == 1
    assert result.stdout.startswith(
        f"::error file={ENTRY},line=12,col=34,title=version-immutable::handler.version of "
    )


def report(*problems: Problem) -> Report:
    nothing = CatalogChanges(entries=(), variants=(), versions=(), environments=(), unread=())
    return Report(
        base=Side(revision="main", commit="a" * 40),
        head=Side(revision=None, commit=None),
        changes=nothing,
        plans=(),
        broken=problems,
        problems=(),
    )


def problem(**said: Any) -> Problem:
    return Problem(
        **{"file": "a.yaml", "line": 1, "column": 2, "rule": "r", "message": "m", "fix": "f", **said}
    )


def test_what_a_message_holds_cannot_end_an_annotation_or_a_table() -> None:
    odd = report(problem(file="a,b:c.yaml", message="50%\nof <b>@team</b> | x", severity=Severity.WARNING))
    assert (
        to_annotations(odd)
        == "::warning file=a%2Cb%3Ac.yaml,line=1,col=2,title=r::50%25%0Aof <b>@team</b> | x. f\n"
    )
    row = to_markdown(odd).splitlines()[-1]
    assert row == "| `a,b:c.yaml:1:2` | r | warning | 50% of \\<b\\>@\u200bteam\\</b\\> \\| x | f |"


def test_a_comment_about_a_crowd_stays_within_what_github_takes_and_keeps_its_headline() -> None:
    languages = ("ar", "de", "en", "es", "fr", "it", "ja", "ru")
    before, after = [], []
    for number in range(15):
        before.append(crowded(f"Model{number:02d}", *languages))
        after.append(crowded(f"Model{number:02d}", *languages))
    settings = replace(SETTINGS, gpu_nodes={"g4dn.xlarge": 400})
    old = plan(*before, settings=settings)
    tuned = overriding(*(f"Model{number:02d}/en" for number in range(15)), max_batch_delay="2s")
    changes = plan_changes(old, plan(*after, releases=tuned, settings=settings, lock=old.placement.lock))
    assert len(changes.restarts) > 10
    served = EnvironmentChanges(environment=Environment.DEV, releases=(), entries=(), versions=())
    made = replace(
        report(),
        changes=replace(report().changes, environments=(served,)),
        plans=(changes,),
    )
    text = to_markdown(made)
    assert len(text) <= MARKDOWN_LIMIT
    assert re.match(
        r"- `dev`: \d+ servers restart \(.* away up to .*\), same cost, 0 moves", text.splitlines()[2]
    )
    assert len(text.splitlines()[2]) < 400
    assert to_markdown(made) == text


def test_a_comment_stays_within_what_github_takes() -> None:
    text = to_markdown(report(*(problem(line=line + 1, message="m" * 500) for line in range(2000))))
    assert len(text) <= MARKDOWN_LIMIT
    assert "and 1900 more, which `slipway diff` lists." in text
    assert len(to_markdown(report(problem(message="m" * 100_000)))) <= MARKDOWN_LIMIT


LANGUAGE_MODEL = "model_catalog/entries/text_generation/chat.yaml"
CHAT = """
task: TextGeneration
model: Chat
description: Chats.
owner: nlp-platform
engine: vllm
device: gpu
language_from: caller
license: apache-2.0
precision: float16
memory: {weights: 3GiB, per_request: 100MiB}
serving: {max_model_len: 4096, max_num_seqs: 64}
languages:
  en:
    scripts: [Latn]
    versions:
      "1":
        artifact: {bucket: research, path: models/chat, digest: unresolved}
"""


@pytest.mark.parametrize(
    ("before", "after", "said", "running"),
    [
        ("unresolved", f'"{DIGEST}"', "begins to serve", (0, 1)),
        (f'"{DIGEST}"', "unresolved", "stops: not served", (1, 0)),
        (f'"{DIGEST}"', f'"sha256:{"b" * 64}"', "restarts", (1, 1)),
    ],
)
def test_a_language_model_begins_and_stops_to_serve_with_its_digest(
    checkout: Checkout, before: str, after: str, said: str, running: tuple[int, int]
) -> None:
    checkout.write(LANGUAGE_MODEL, CHAT.replace("digest: unresolved", f"digest: {before}"))
    checkout.write(SANDBOX, f'{RELEASE}TextGeneration/Chat/en: {{default: "1"}}\n')
    base = checkout.commit()
    checkout.edit(LANGUAGE_MODEL, f"digest: {before}", f"digest: {after}")
    shown = run(base).stdout
    assert re.search(rf"text-generation-chat-en-1  +{said} ", shown), shown
    assert said in run(base, "--format", "markdown").stdout
    changed = environment(as_json(base), "sandbox")
    (server,) = changed["servers"]
    assert (server["before"]["running"], server["after"]["running"]) == running
    risks = {risk["kind"]: risk["message"] for risk in changed["risks"]}
    if running == (1, 0):
        assert risks["not_served"] == (
            "TextGeneration/Chat/en@1 is not served: its artifact's digest is unresolved; `slipway artifacts digest "
            "s3://research/models/chat` prints it; nobody answers TextGeneration/Chat/en any more"
        )
