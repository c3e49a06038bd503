"""The soak in short; `make fuzz ARGS=--agent` tries 10,000 inputs."""

from tests.fuzz.agent_soak import KINDS, soak

CASES = 400


def test_hundreds_of_broken_inputs_of_all_kinds_keep_the_agent_neither_from_turning_nor_from_serving() -> (
    None
):
    found = soak(CASES, seed=1)
    assert found.complaints == []
    assert found.tried == {kind: CASES // len(KINDS) for kind in KINDS}
    assert {kind for kind in KINDS if found.refused[kind]} >= KINDS.keys() - {"folder"}, (
        "what is tried is broken"
    )
