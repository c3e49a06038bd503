"""Questions to AWS about an object whose id AWS chose: plain values, so that the same value is asked with boto3 and
printed as a command for a person."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Detail:
    """A further call for each item, where the list lacks what tells an object from its siblings."""

    operation: str
    parameter: str
    """Takes the item's id."""
    answer: str
    """The key of the answer: of an object, whose keys become the item's, or of a list, which becomes one of them."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A call that lists objects, and which of them are meant."""

    service: str
    operation: str
    """The method of the boto3 client, as in `describe_subnets`."""
    parameters: Mapping[str, Any]
    items: str
    """The key of the answer that holds the list."""
    id: str
    """The key of an item that holds its id."""
    part: str = ""
    """The key of an item that holds a list, whose items are meant instead."""
    region: str | None = None
    """None is the client's own."""
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Key of an item, or of its details → values of which it must have one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """All of them must be on the item; empty where other values tell enough."""
    import_id: str = "{id}"
    """The form of the id that the real provider's `pulumi import` takes."""
    details: tuple[Detail, ...] = ()
    by_hand: str = ""
    """The command for a person, where the AWS CLI has a shorter way than this call and its details."""

    def command(self) -> str:
        """Return the AWS CLI command that asks the same."""
        if self.by_hand:
            return self.by_hand + (f" --region {self.region}" if self.region else "")
        words = ["aws", self.service, self.operation.replace("_", "-")]
        if self.region:
            words += ["--region", self.region]
        for name, value in self.parameters.items():
            words += [f"--{_kebab(name)}", *_words(value)]
        return shlex.join(words)


@dataclass(frozen=True, kw_only=True, order=True)
class Candidate:
    """One object that answers a question."""

    id: str
    """The id that a state holds."""
    import_id: str


Look = Callable[[Question], Sequence[Candidate]]
"""Asks AWS. Raises LookupFailedError."""


def ec2(
    operation: str,
    items: str,
    id_: str,
    filters: Mapping[str, str],
    *,
    tags: Mapping[str, str] | None = None,
    parameter: str = "Filters",
    **rest: Any,
) -> Question:
    """Return a question to EC2, whose filters are ANDed; tags are filters too, and are checked again in the answer."""
    pairs = [*filters.items(), *((f"tag:{key}", value) for key, value in sorted((tags or {}).items()))]
    return Question(
        service="ec2",
        operation=operation,
        parameters={parameter: [{"Name": name, "Values": [value]} for name, value in pairs]},
        items=items,
        id=id_,
        tags=tags or {},
        **rest,
    )


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        return
    for item in value:
        if isinstance(item, str):
            yield item
        else:
            yield ",".join(
                f"{key}={part if isinstance(part, str) else part[0]}" for key, part in item.items()
            )
