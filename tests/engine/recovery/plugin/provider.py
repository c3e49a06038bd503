"""A provider whose account is a folder. It takes over nothing: like a real one, a create makes another object.

A create of the type in the file `hold` says through a pipe that it is as far as the file says, and waits for ever.
"""

import json
import os
import threading
import uuid
from pathlib import Path

from plugin_server import (
    Change,
    Check,
    Checked,
    Create,
    Created,
    Delete,
    Diff,
    Difference,
    Found,
    Properties,
    ProviderError,
    Read,
    Update,
    differences,
    serve,
)

ACCOUNT = Path(os.environ["RECOVERY_TEST_ACCOUNT"])


class FolderProvider:
    def check_config(self, inputs: Properties) -> Checked:
        return Checked(inputs=inputs)

    def diff_config(self, old_inputs: Properties, new_inputs: Properties) -> Difference:
        return Difference()

    def configure(self, inputs: Properties) -> None:
        pass

    def invoke(self, token: str, arguments: Properties) -> Properties:
        raise ProviderError(token)

    def check(self, request: Check) -> Checked:
        inputs = {key: value for key, value in request.new_inputs.items() if value is not None}
        if request.type == "aws:iam/role:Role":
            inputs.setdefault("name", request.old_inputs.get("name") or request.autoname())
        return Checked(inputs=inputs)

    def diff(self, request: Diff) -> Difference:
        changed = differences(request.old_inputs, request.new_inputs)
        changes = tuple(Change(path=path, kind=kind, replaces=True) for path, kind in changed)  # type: ignore[arg-type]
        return Difference(changes=changes, delete_before_replace=bool(request.new_inputs.get("deleteFirst")))

    def create(self, request: Create) -> Created:
        inputs = request.inputs
        if request.preview:
            return Created(id="", state=inputs)
        self._hold(request.type, "before")
        match request.type:
            case "aws:iam/role:Role":
                id_ = inputs["name"]
            case "aws:iam/rolePolicy:RolePolicy":
                id_ = f"{inputs['role']}:{inputs['name']}"
            case _:
                id_ = f"eipalloc-{uuid.uuid4().hex[:8]}"
        if _file(id_).exists():
            raise ProviderError(f"EntityAlreadyExists: {id_}")
        _file(id_).write_text(json.dumps({"type": request.type, "inputs": inputs}))
        self._hold(request.type, "after")
        return Created(id=id_, state=inputs)

    def read(self, request: Read) -> Found | None:
        if not _file(request.id).exists():
            return None
        inputs = json.loads(_file(request.id).read_text())["inputs"]
        return Found(id=request.id, inputs=inputs, state=inputs)

    def update(self, request: Update) -> Properties:
        raise ProviderError("everything replaces")

    def delete(self, request: Delete) -> None:
        _file(request.id).unlink(missing_ok=True)

    def cancel(self) -> None:
        pass

    def _hold(self, type_: str, moment: str) -> None:
        hold = ACCOUNT / "hold"
        if hold.exists() and hold.read_text() == f"{moment} {type_}":
            with (ACCOUNT / "reached").open("w") as pipe:
                pipe.write("reached\n")
            threading.Event().wait()


def _file(id_: str) -> Path:
    return ACCOUNT / f"{id_}.object"


if __name__ == "__main__":
    serve(lambda _log: FolderProvider(), "1.0.0")
