"""The names that callers of TorchServe use, /predictions/<name>, on both sides of a change."""

from collections import defaultdict
from collections.abc import Iterator

from model_catalog.changes.compare import Changed, renamed
from model_catalog.changes.comparison import Comparison
from model_catalog.problem import Problem
from model_catalog.release import Environment
from model_catalog.selector import Selector


def served_name_kept(comparison: Comparison) -> Iterator[Problem]:
    """A finding for each variant that its callers no longer reach under the name that they know."""
    base, head = comparison.base.catalog, comparison.head.catalog
    found: dict[Selector, list[Environment]] = defaultdict(list)
    changes: dict[Selector, Changed] = {}
    for environment in sorted(Environment):
        if comparison.unread.release(environment):
            continue
        for change in renamed(base, head, environment, comparison.unread):
            found[change.selector].append(environment)
            changes[change.selector] = change
    for variant, environments in found.items():
        (name,) = changes[variant].settings
        yield comparison.in_entry(
            variant,
            ("languages", variant.language or "", "served_name"),
            rule="served-name-kept",
            message=(
                f"{variant} is served as {name.new!r} instead of {name.old!r} in {' and '.join(environments)}: whoever "
                f"calls /predictions/{name.old} gets 404 once its drain grace is over"
            ),
            fix=f"Write served_name: {name.old}, or see that no caller uses the old name",
        )
