"""Names that TorchServe sees: of a model, of its archive, of its URL."""

import re

_NOT_A_WORD = re.compile(r"\W", re.ASCII)


def model_name(language: str, model: str) -> str:
    """The name a variant is served under, where its entry keeps no other: ("fr", "Reader") → "fr_reader".

    Every character outside [A-Za-z0-9_] becomes "_", as TorchServe does with names it derives itself
    (`\\W` → `_`), so two variants can come out equal: the catalog rule `unique-server-name` refuses that.
    """
    return _NOT_A_WORD.sub("_", f"{language}_{model}").lower()


def archive_name(name: str, version: str) -> str:
    """The archive of one version: ("fr_reader", "2") → "fr_reader_2.mar"."""
    return f"{name}_{_NOT_A_WORD.sub('_', version)}.mar"


def prediction_path(name: str, version: str | None = None) -> str:
    """The URL path that answers.

    Without a version the server's default answers, and TorchServe's metrics say model_version="default"
    (docs/facts/torchserve.md §5): a caller that compares versions must name one.
    """
    return f"/predictions/{name}" if version is None else f"/predictions/{name}/{version}"
