import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings import KEYS, Settings, SettingsError, load_settings
from infra.stack_files import PROJECT_ROOT, read_stack_config

STACKS = ("dev", "prod", "sandbox", "sandbox-platform", "sandbox-serving")
DECLARED: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "Pulumi.yaml").read_text())["config"]


def with_changes(**changes: str | None) -> dict[str, str]:
    config = read_stack_config("dev") | {f"slipway:{key}": value for key, value in changes.items() if value}
    return {
        key: value
        for key, value in config.items()
        if changes.get(key.removeprefix("slipway:"), "") is not None
    }


@pytest.mark.parametrize("stack", STACKS)
def test_every_checked_in_stack_names_its_own_environment(stack: str) -> None:
    assert load_settings(stack, read_stack_config(stack)).environment == stack.partition("-")[0]


def test_every_checked_in_stack_has_a_case_here() -> None:
    files = {path.name for path in PROJECT_ROOT.glob("Pulumi.*.yaml")}
    assert files == {f"Pulumi.{stack}.yaml" for stack in STACKS}


@pytest.mark.parametrize(
    ("stack", "platform", "serving"),
    [
        ("dev", True, True),
        ("prod", True, True),
        ("sandbox", True, True),
        ("sandbox-platform", True, False),
        ("sandbox-serving", False, True),
    ],
)
def test_a_stack_holds_platform_and_servers_or_one_of_them(stack: str, platform: bool, serving: bool) -> None:
    settings = load_settings(stack, read_stack_config(stack))
    assert (settings.holds_platform, settings.serving) == (platform, serving)


def test_both_halves_of_the_sandbox_plan_for_the_same_pools() -> None:
    halves = [
        load_settings(stack, read_stack_config(stack)) for stack in ("sandbox-platform", "sandbox-serving")
    ]
    assert halves[0].pools == halves[1].pools == load_settings("sandbox", read_stack_config("sandbox")).pools


def test_the_sandbox_s_stacks_share_one_public_salt() -> None:
    salts = {
        yaml.safe_load((PROJECT_ROOT / f"Pulumi.{stack}.yaml").read_text()).get("encryptionsalt")
        for stack in STACKS
        if stack.startswith("sandbox")
    }
    assert len(salts) == 1
    assert None not in salts


def test_every_setting_is_declared_with_type_and_description_and_no_other_is() -> None:
    assert set(DECLARED) == set(KEYS)
    for key, declaration in DECLARED.items():
        assert declaration["description"].endswith("."), key
        assert declaration["type"] in ("array", "boolean", "integer", "object", "string"), key


def test_a_default_stands_in_pulumi_yaml_alone() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.is_required()] == []


def test_models_can_be_lost_in_the_sandbox_only_and_prod_is_protected() -> None:
    settings = {stack: load_settings(stack, read_stack_config(stack)) for stack in STACKS}
    assert [stack for stack in STACKS if settings[stack].force_destroy] == ["sandbox", "sandbox-platform"]
    assert [stack for stack in STACKS if settings[stack].protect] == ["prod"]
    assert settings["prod"].nat_gateways == "per_zone"


def test_keys_of_other_namespaces_are_left_alone() -> None:
    assert load_settings("dev", {**read_stack_config("dev"), "aws:profile": "me"}).region == "eu-west-1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gpuNode": "{}"}, "slipway:gpuNode is not a setting. Did you mean slipway:gpuNodes?"),
        ({"gpu_nodes": "{}"}, "slipway:gpu_nodes is not a setting. Did you mean slipway:gpuNodes?"),
        ({"region": None}, "slipway:region is missing. Add it, as Pulumi.yaml describes it"),
        ({"systemNodes": "many"}, "slipway:systemNodes is 'many'. Input should be a valid integer"),
        (
            {"gpuNodes": '{"g4dn.xlarge": "many"}'},
            "slipway:gpuNodes g4dn.xlarge is 'many'. Input should be a valid integer",
        ),
        (
            {"gpuNodes": '{"g4dn.xlarge": 0}'},
            "slipway:gpuNodes g4dn.xlarge is 0. Input should be greater than 0",
        ),
        ({"gpuNodes": "4"}, "slipway:gpuNodes is 4. Write a mapping of instance types to their most nodes"),
        ({"gpuNodes": "g4dn.xlarge"}, "slipway:gpuNodes is plain text. Write a YAML list or mapping"),
        ({"environment": "staging"}, "slipway:environment is 'staging'. Input should be 'dev', 'prod' or"),
        (
            {"nodePurchaseOption": "reserved_1_year"},
            "slipway:nodePurchaseOption is 'reserved_1_year'. Input should be 'on_demand' or 'spot'",
        ),
        ({"natGateways": "two"}, "slipway:natGateways is 'two'. Input should be 'per_zone' or 'single'"),
        (
            {"gpuNodes": '{"g4dn.xlarg": 1}'},
            "slipway:gpuNodes 'g4dn.xlarg' is not in the hardware table",
        ),
        (
            {"gpuNodes": '{"m6i.large": 1}'},
            "slipway:gpuNodes 'm6i.large' has no GPU. Take one that has",
        ),
        ({"systemInstanceType": "g5.xlarge"}, "slipway:systemInstanceType 'g5.xlarge' has a GPU. Take one"),
        ({"vpcCidr": "10.60.0.0"}, "slipway:vpcCidr '10.60.0.0/32' is not between /16 and /20"),
        ({"vpcCidr": "10.60.0.1/16"}, "slipway:vpcCidr '10.60.0.1/16' is not an IPv4 range. Write one as in"),
        (
            {"availabilityZones": None},
            "slipway:availabilityZones is missing. Add it, as Pulumi.yaml describes it",
        ),
        ({"availabilityZones": "[]"}, "slipway:availabilityZones lists 0 zones. Name 2 to 8"),
        (
            {"platformStack": "sandbox-platform"},
            "slipway:platformStack is 'sandbox-platform'. Write organization/project/stack, as in",
        ),
        (
            {"platformStack": "organization/slipway/dev"},
            "slipway:platformStack names this very stack. Name the one that holds the platform",
        ),
        (
            {"platformStack": "organization/slipway/x", "serving": "false"},
            "slipway:platformStack is set and slipway:serving is false, which leaves nothing in this stack. Remove",
        ),
        (
            {"availabilityZones": "eu-west-1a"},
            "slipway:availabilityZones is plain text. Write a YAML list or",
        ),
        ({"availabilityZones": '["eu-west-1a"]'}, "slipway:availabilityZones lists 1 zones. Name 2 to 8"),
        ({"availabilityZones": '["us-east-1a", "us-east-1b"]'}, "Zones of eu-west-1 are named eu-west-1a"),
        ({"kubernetesVersion": "latest"}, "slipway:kubernetesVersion is 'latest'. It must match"),
        ({"forceDestroy": "true", "protect": "true"}, "both true. Keep one of them"),
    ],
)
def test_a_wrong_setting_names_the_file_the_key_and_the_fix(
    changes: dict[str, str | None], message: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings("dev", with_changes(**changes))
    (line,) = str(raised.value).splitlines()
    assert line.startswith("Pulumi.dev.yaml: slipway:")
    assert message in line


def test_all_wrong_settings_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings("dev", with_changes(region=None, typo="1", systemNodes="x"))
    assert len(str(raised.value).splitlines()) == 3


def test_a_stack_s_file_is_read_as_the_engine_passes_it() -> None:
    config = read_stack_config("sandbox")
    assert config["slipway:systemNodes"] == "2"
    assert json.loads(config["slipway:gpuNodes"]) == {"g4dn.xlarge": 4}
    assert config["slipway:forceDestroy"] == "true"
    assert json.loads(config["slipway:availabilityZones"]) == ["eu-west-1a", "eu-west-1b"]


@pytest.mark.parametrize("text", ["", "# nothing yet", "config:"])
def test_a_stack_s_empty_file_leaves_the_project_s_defaults(text: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("config: {systemNodes: {type: integer, default: 4}}")
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert read_stack_config("dev", tmp_path) == {"slipway:systemNodes": "4"}


@pytest.mark.parametrize("text", ["[]", "config: [a]", "config: {a", "\xff\xfe"])
def test_a_stack_s_file_that_is_no_mapping_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: slipway")
    (tmp_path / "Pulumi.dev.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"^Pulumi\.dev\.yaml: is no"):
        read_stack_config("dev", tmp_path)
