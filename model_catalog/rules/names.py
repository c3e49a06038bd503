"""Names that become other names: of archives, of models in a server."""

from collections import defaultdict
from collections.abc import Iterator

from model_catalog.entry import TorchServeEntry
from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, Rule
from model_catalog.selector import Selector


def _unique_server_name(context: Context) -> Iterator[Problem]:
    for environment in context.catalog.releases:
        named: dict[str, set[Selector]] = defaultdict(set)
        for running in context.catalog.running(environment):
            # An LLM's server holds one version and has no names for models inside.
            if isinstance(running.entry, TorchServeEntry):
                named[running.entry.server_model_name(running.language)].add(running.selector.variant)
        for name, variants in sorted(named.items()):
            first, *others = sorted(variants, key=lambda variant: variant.sort_key)
            for other in others:
                yield context.in_release(
                    environment,
                    (str(other),),
                    rule="unique-server-name",
                    message=f"{other} and {first} are both served as {name!r} in {environment}",
                    fix="Give one model another name, or release it in another environment",
                    key=True,
                )


def _unique_archive(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        if not isinstance(entry, TorchServeEntry):
            continue
        seen: dict[str, Selector] = {}
        for language in sorted(entry.languages):
            for version in sorted(entry.languages[language].versions):
                selector = Selector(task=entry.task, model=entry.model, language=language, version=version)
                archive = entry.archive(language, version)
                if archive in seen:
                    yield context.in_entry(
                        entry,
                        ("languages", language, "versions", version),
                        rule="unique-archive",
                        message=f"{selector} and {seen[archive]} share the archive {archive}",
                        fix="Give one an archive name of its own with archive:",
                        key=True,
                    )
                seen.setdefault(archive, selector)


RULES = (
    Rule(
        id="unique-archive",
        demand="No two versions of an entry share an archive name.",
        check=_unique_archive,
    ),
    Rule(
        id="unique-server-name",
        demand="No two variants of an environment are served by TorchServe under the same name.",
        check=_unique_server_name,
    ),
)
