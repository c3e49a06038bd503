"""What the pods of a language model fetch, and what they may read of the bucket."""

from artifacts.manifest import folder_of
from planning import TextGenerationPlan, launch
from tests.unit.planning.test_plan import digest_of, plan, writer

ONE, TWO = digest_of("1"), digest_of("2")


def test_a_pod_of_a_language_model_fetches_the_model_and_each_adapter_into_a_folder_of_its_own() -> None:
    adapters = {
        name: {"bucket": "research", "path": f"adapters/{name}", "digest": digest}
        for name, digest in (("legal", TWO), ("brief", ONE))
    }
    (server,) = plan(writer(says={"adapters": adapters})).servers
    assert isinstance(server, TextGenerationPlan)
    assert [(folder.digest, folder.path) for folder in server.weights] == [
        (ONE, "text-generation-writer-fr-1"),
        (ONE, "adapters/brief"),
        (TWO, "adapters/legal"),
    ]
    assert server.artifact_prefixes == (f"artifacts/{ONE}/", f"artifacts/{TWO}/")
    started = launch(server, "/mnt/models", "/home")
    assert started.environment["MODEL_ID"] == "/mnt/models/text-generation-writer-fr-1"
    assert started.environment["LORA_ADAPTERS"] == (
        "brief=/mnt/models/adapters/brief,legal=/mnt/models/adapters/legal"
    )


def test_a_pod_of_a_version_that_cannot_be_served_fetches_nothing_and_may_read_nothing() -> None:
    adapters = {"legal": {"bucket": "research", "path": "a/legal", "digest": "unresolved"}}
    (server,) = plan(writer(says={"adapters": adapters})).servers
    assert isinstance(server, TextGenerationPlan)
    assert (server.weights, server.artifact_prefixes) == ((), ())
    assert (server.replicas, server.running_replicas) == (1, 0)


def test_what_a_pod_fetches_lies_where_the_promotion_publishes_it() -> None:
    (server,) = plan(writer()).servers
    assert isinstance(server, TextGenerationPlan)
    assert [folder.prefix for folder in server.weights] == [folder_of(ONE)]
