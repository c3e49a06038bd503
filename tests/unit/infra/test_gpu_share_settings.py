"""gpuNodes with shares, as a person writes them in a stack file."""

import json

import pytest

from infra.settings import SettingsError, load_settings
from infra.stack_files import read_stack_config


def with_nodes(**nodes: int) -> dict[str, str]:
    return {**read_stack_config("dev"), "slipway:gpuNodes": json.dumps(nodes)}


def test_shares_stand_beside_whole_gpus_of_their_type() -> None:
    nodes = {
        "p4d.24xlarge/mig-3g.20gb": 1,
        "p4d.24xlarge": 1,
        "g5.2xlarge/time-sliced-2": 3,
        "g4dn.xlarge": 4,
    }
    assert load_settings("dev", with_nodes(**nodes)).pools.gpu_nodes == nodes


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "p4d.24xlarge/mig-1g.6gb",
            (
                "Pulumi.dev.yaml: slipway:gpuNodes p4d.24xlarge/mig-1g.6gb is none of the shares of the A100-40GB. "
                "Write one of mig-1g.5gb (7 a card), mig-1g.10gb (4 a card), mig-2g.10gb (3 a card), "
                "mig-3g.20gb (2 a card)"
            ),
        ),
        (
            "g5.xlarge/mig-1g.5gb",
            (
                "Pulumi.dev.yaml: slipway:gpuNodes g5.xlarge/mig-1g.5gb: the A10G has no MIG. Take time-sliced-2, or "
                "p4d.24xlarge/mig-3g.20gb"
            ),
        ),
        (
            "g5.xlarge/time-sliced-1",
            "Pulumi.dev.yaml: slipway:gpuNodes g5.xlarge/time-sliced-1 divides nothing. Write g5.xlarge",
        ),
        (
            "m6i.large",
            "Pulumi.dev.yaml: slipway:gpuNodes 'm6i.large' has no GPU. Take one that has, as in g4dn.xlarge",
        ),
    ],
)
def test_a_share_that_is_none_names_the_file_the_key_and_those_that_are(name: str, says: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings("dev", with_nodes(**{name: 1}))
    assert str(raised.value) == says
