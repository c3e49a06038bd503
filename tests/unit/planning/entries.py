"""Catalogs for tests that need what the repository's does not release."""

from model_catalog import Catalog, EntryFile, Environment, Release

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
                        "artifact": {"repository": "a/b", "revision": "unresolved", "digest": "unresolved"},
                        "license": "apache-2.0",
                        "precision": "float16",
                        "memory": {"weights": "3GiB", "per_request": "100MiB"},
                        "adapters": {
                            "legal": {"bucket": "research", "path": "a/legal", "digest": "unresolved"}
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
