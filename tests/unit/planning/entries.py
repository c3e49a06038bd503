"""Catalogs for tests that need what the repository's does not release."""

from model_catalog import Catalog, Entry, EntryFile, Environment, Release

CHAT_DIGEST = f"sha256:{'c' * 64}"
LEGAL_DIGEST = f"sha256:{'d' * 64}"
VLLM_ENTRY = EntryFile.model_validate(
    {
        "task": "TextGeneration",
        "model": "Chat",
        "description": "As in tests.",
        "owner": "team",
        "engine": "vllm",
        "languages": {
            "mul": {
                "scripts": ["Latn"],
                "versions": {
                    "1": {
                        "artifact": {"bucket": "research", "path": "chat/1", "digest": CHAT_DIGEST},
                        "license": "apache-2.0",
                        "precision": "float16",
                        "memory": {"weights": "3GiB", "per_request": "100MiB"},
                        "adapters": {
                            "legal": {"bucket": "research", "path": "a/legal", "digest": LEGAL_DIGEST}
                        },
                        "serving": {"max_model_len": 4096, "max_num_seqs": 64},
                    }
                },
            }
        },
    }
).root

VLLM_CATALOG = Catalog(
    entries=(VLLM_ENTRY,),
    releases={Environment.SANDBOX: Release.model_validate({"TextGeneration/Chat/mul": {"default": "1"}})},
)


def _ranking(model: str, owner: str) -> Entry:
    return EntryFile.model_validate(
        {
            "task": "Ranking",
            "model": model,
            "description": "As in tests.",
            "owner": owner,
            "engine": "torchserve",
            "languages": {
                language: {
                    "scripts": ["Latn"],
                    "versions": {
                        "1": {
                            "artifact": {
                                "bucket": "research",
                                "path": f"{model}/{language}",
                                "digest": "unresolved",
                            },
                            "license": "apache-2.0",
                            "memory": {"weights": "400MiB", "per_request": "8MiB"},
                        }
                    },
                }
                for language in ("en", "fr")
            },
        }
    ).root


SHARED_CATALOG = Catalog(
    entries=(_ranking("Ranker", "search"), _ranking("Reader", "nlp-platform")),
    releases={
        Environment.SANDBOX: Release.model_validate(
            {
                f"Ranking/{model}/{language}": {"default": "1"}
                for model in ("Ranker", "Reader")
                for language in ("en", "fr")
            }
        )
    },
)
"""Two teams' models, small enough for one GPU."""
