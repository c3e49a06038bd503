"""Where entries lie."""

from collections.abc import Iterator

from model_catalog.problem import Problem
from model_catalog.rules.rule import Context, Rule


def _entry_path(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        if not context.entries[entry.selector].file.endswith(f"/{entry.path}"):
            yield context.in_entry(
                entry,
                ("task",),
                rule="entry-path",
                message=f"the entry {entry.selector} lies in the wrong file",
                fix=f"Move it to {entry.path}",
            )


RULES = (Rule(id="entry-path", demand="An entry lies in entries/<task>/<model>.yaml.", check=_entry_path),)
