"""Resource types that are written down and nothing else: see :data:`sandbox.aws.recorded.RECORDED_ONLY`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from plugin_server.values import Properties
from sandbox.aws.calls import AwsError, Call
from sandbox.aws.table import Identify, Kind


def recorded_kind(
    *,
    token: str,
    handles: frozenset[str],
    identify: Identify,
    parent: Callable[[Call, Properties], object],
    outputs: Callable[[Call, str, Properties], Properties] = lambda _call, _id, _inputs: {},
    updatable: bool = True,
    exists_error: str | None = None,
    tagged: bool = False,
    **rest: Any,
) -> Kind:
    """A kind whose objects are files.

    Args:
        token: the resource type.
        handles: inputs that are recorded.
        identify: the object's id.
        parent: fails as AWS does when what the object belongs to does not exist; then it does not, either.
        outputs: computed outputs, fixed at creation.
        updatable: whether anything but tags can change without replacement.
        exists_error: AWS's code for a second create; None where creating is a put.
        tagged: whether objects bear tags.
        **rest: fields of :class:`Kind`.
    """

    def create(call: Call, inputs: Properties) -> str:
        parent(call, inputs)
        id_ = identify(call, inputs)
        assert id_ is not None, "all inputs are known when a resource is created"  # noqa: S101 (engine's rule)
        if exists_error and call.records.get(token, id_):
            raise AwsError(token.split("/")[0].split(":")[1], "Create", exists_error, f"{id_} exists already")
        call.records.put(
            token, id_, {"inputs": inputs, "outputs": outputs(call, id_, inputs), "tags": dict(call.tags)}
        )
        return id_

    def observe(call: Call, id_: str, _: Properties) -> Properties | None:
        record = call.records.get(token, id_)
        if record is None:
            return None
        try:
            parent(call, record["inputs"])
        except AwsError as error:
            if error.is_absence:
                return None
            raise
        known = {name: record["inputs"].get(name) for name in handles - {"tags"}}
        return {**known, **record["outputs"], **({"tagsAll": record["tags"]} if tagged else {})}

    def update(call: Call, id_: str, _old: Properties, new: Properties) -> None:
        record = call.records.get(token, id_) or {"outputs": outputs(call, id_, new), "tags": {}}
        call.records.put(token, id_, {**record, "inputs": new})

    def tag(call: Call, id_: str, tags: Mapping[str, str], remove: list[str]) -> None:
        record = call.records.get(token, id_)
        if record is not None:
            kept = {key: value for key, value in record["tags"].items() if key not in remove}
            call.records.put(token, id_, {**record, "tags": {**kept, **tags}})

    return Kind(
        token=token,
        handles=handles,
        identify=identify,
        create=create,
        observe=observe,
        update=update if updatable else None,
        delete=lambda call, id_, _inputs: call.records.remove(token, id_),
        tag=tag if tagged else None,
        **rest,
    )
