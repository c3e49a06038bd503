"""A pod as processes of this machine: what each runs, with the pod's paths and ports mapped to its own. Pure.

What cannot be done without a container is either listed here as left out, or refused by name: never passed over in
silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

ACCOUNT_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
"""The folder in which client libraries look for a pod's token."""
ACCOUNT_VARIABLE: Final = "SLIPWAY_SERVICE_ACCOUNT"
"""The variable that names another folder to the agent: without a container nothing can be mounted at ACCOUNT_PATH."""

LEFT_OUT_OF_CONTAINERS: Final = frozenset({
    "image", "imagePullPolicy", "lifecycle", "livenessProbe", "readinessProbe", "resources", "securityContext",
    "startupProbe", "terminationMessagePath", "terminationMessagePolicy",
})  # fmt: skip
LEFT_OUT_OF_PODS: Final = frozenset({
    "affinity", "automountServiceAccountToken", "dnsPolicy", "enableServiceLinks", "nodeName", "nodeSelector",
    "preemptionPolicy", "priority", "priorityClassName", "restartPolicy", "schedulerName", "securityContext",
    "serviceAccount", "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
})  # fmt: skip
"""Settings of where a pod runs, as whom, within which limits, and how it is watched. docs/sandbox.md lists them."""

_CONTAINER: Final = frozenset(
    {"args", "command", "env", "name", "ports", "restartPolicy", "volumeMounts", "workingDir"}
)
_POD: Final = frozenset({"containers", "initContainers", "serviceAccountName", "volumes"})
_MOUNT: Final = frozenset({"mountPath", "name", "readOnly", "recursiveReadOnly"})
_PORTS_OF_TORCHSERVE: Final = ("grpc_inference_port", "grpc_management_port")
"""Properties that are a port and no address; TorchServe listens on 7070 and 7071 where they are left out."""
_LISTENS: Final = re.compile(r"(?<![\w.-])(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::1?\]):(\d{2,5})(?!\d)")
_REFERENCE: Final = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


class NotEmulatedError(Exception):
    """The pod has something that processes of this machine cannot do; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """A service account's token that a volume holds."""

    path: Path
    audiences: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Container:
    """One process."""

    name: str
    command: tuple[str, ...]
    """The program is looked up in the PATH of `environment`."""
    environment: Mapping[str, str]
    folder: Path
    """Its working directory."""
    sidecar: bool


@dataclass(frozen=True, kw_only=True)
class EmulatedPod:
    """The folders, files and processes to make and start."""

    folders: tuple[Path, ...]
    """The folders to make, empty."""
    files: Mapping[Path, str]
    tokens: tuple[Token, ...]
    containers: tuple[Container, ...]
    """The containers in the order in which they start: sidecars first."""
    ports: Mapping[str, int]
    """Name of a container's port → where it is answered on loopback."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The parts of this machine that a pod uses."""

    root: Path
    """A fresh folder with a short path: a worker's socket in it must not have more than 108 characters."""
    path: str
    """PATH of every container: it stands for the programs in the image."""
    image_folders: Mapping[str, Path]
    """Folder in the image → folder here."""
    environment: Mapping[str, str]
    """The variables that EKS puts into every container: the API server's address, credentials."""
    free_port: Callable[[], int]


@dataclass(frozen=True, kw_only=True)
class PodObject:
    """A pod as the API server holds it."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    node: str


def emulate(
    template: Json, pod: PodObject, config_maps: Mapping[str, Mapping[str, str]], machine: Machine
) -> EmulatedPod:
    """Return the folders, files and processes to make and start.

    Args:
        template: a pod template, after the API server's defaults.
        pod: the pod that it became.
        config_maps: name → data, of all that :func:`config_maps_of` names.
        machine: where.

    Raises:
        NotEmulatedError: something in it cannot be done.
    """
    return _Emulation(template["spec"], pod, config_maps, machine).pod()


def config_maps_of(template: Json) -> list[str]:
    """Names of the ConfigMaps that the pod's volumes hold."""
    volumes = template["spec"].get("volumes", [])
    direct = [volume["configMap"]["name"] for volume in volumes if "configMap" in volume]
    projected = [
        source["configMap"]["name"]
        for volume in volumes
        for source in volume.get("projected", {}).get("sources", [])
        if "configMap" in source
    ]
    return sorted({*direct, *projected})


@dataclass
class _Emulation:
    spec: Json
    object: PodObject
    config_maps: Mapping[str, Mapping[str, str]]
    machine: Machine
    ports: dict[int, int] = field(default_factory=dict)
    """Port in the pod → port here; one network for all containers, as in a pod."""
    folders: list[Path] = field(default_factory=list)
    files: dict[Path, str] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)

    def pod(self) -> EmulatedPod:
        _refuse_unknown("the pod", self.spec, _POD | LEFT_OUT_OF_PODS)
        volumes = {volume["name"]: volume for volume in self.spec.get("volumes", [])}
        places = {
            name: self.machine.root / f"v{number}" for number, name in enumerate(sorted(volumes), start=1)
        }
        sidecars, mains = self.spec.get("initContainers", []), self.spec["containers"]
        for container in sidecars:
            if container.get("restartPolicy") != "Always":
                raise NotEmulatedError(
                    f"init container {container['name']}: it runs to its end, and only sidecars (restartPolicy: "
                    "Always) are run"
                )
        containers = [
            self._container(container, places, sidecar=container in sidecars)
            for container in [*sidecars, *mains]
        ]
        maps = [self._paths(container, places) for container in [*sidecars, *mains]]
        for name, volume in volumes.items():
            self._fill(volume, places[name], {key: path for paths in maps for key, path in paths.items()})
        names = {
            port["name"]: self._port(port["containerPort"])
            for container in [*sidecars, *mains]
            for port in container.get("ports", [])
            if "name" in port
        }
        return EmulatedPod(
            folders=tuple(self.folders),
            files=self.files,
            tokens=tuple(self.tokens),
            containers=tuple(containers),
            ports=names,
        )

    def _container(self, container: Json, places: Mapping[str, Path], *, sidecar: bool) -> Container:
        name = container["name"]
        _refuse_unknown(f"container {name}", container, _CONTAINER | LEFT_OUT_OF_CONTAINERS)
        if not container.get("command"):
            raise NotEmulatedError(
                f"container {name}: it has no command, and no image is run to ask for its own"
            )
        limits = container.get("resources", {}).get("limits", {})
        for resource in sorted(set(limits) - {"cpu", "memory", "ephemeral-storage"}):
            raise NotEmulatedError(f"container {name}: it asks for {resource}, and this machine has none")
        paths = self._paths(container, places)
        own = self._variables(name, container.get("env", []), paths)
        environment = {**self.machine.environment, **own, "PATH": self.machine.path}
        if ACCOUNT_PATH in paths:
            environment[ACCOUNT_VARIABLE] = str(paths[ACCOUNT_PATH])
        words = [*container["command"], *container.get("args", [])]
        folder = container.get("workingDir")
        return Container(
            name=name,
            command=tuple(_expanded(self._mapped(word, paths), own) for word in words),
            environment=environment,
            folder=Path(self._mapped(folder, paths)) if folder else self.machine.root,
            sidecar=sidecar,
        )

    def _paths(self, container: Json, places: Mapping[str, Path]) -> dict[str, Path]:
        """Path in the container → folder here."""
        paths = dict(self.machine.image_folders)
        for mount in container.get("volumeMounts", []):
            _refuse_unknown(f"container {container['name']}: mount {mount['name']}", mount, _MOUNT)
            paths[mount["mountPath"].rstrip("/")] = places[mount["name"]]
        return paths

    def _variables(self, container: str, listed: list[Json], paths: Mapping[str, Path]) -> dict[str, str]:
        known: dict[str, str] = {}
        for variable in listed:
            name = variable["name"]
            if "valueFrom" in variable:
                known[name] = self._field(f"container {container}: variable {name}", variable["valueFrom"])
            else:
                known[name] = _expanded(self._mapped(variable.get("value", ""), paths), known)
        return known

    def _field(self, where: str, source: Json) -> str:
        """Return a value of the downward API."""
        (kind,) = source
        if kind != "fieldRef":
            raise NotEmulatedError(f"{where}: {kind} is not emulated")
        asked: str = source[kind]["fieldPath"]
        fields: dict[str, str] = {
            "metadata.name": self.object.name,
            "metadata.namespace": self.object.namespace,
            "metadata.uid": self.object.uid,
            "spec.nodeName": self.object.node,
            "spec.serviceAccountName": self.spec.get("serviceAccountName", "default"),
            "status.hostIP": "127.0.0.1",
            "status.podIP": "127.0.0.1",
        }
        label = re.fullmatch(r"metadata\.labels\['(.+)'\]", asked)
        if label:
            return self.object.labels.get(label[1], "")
        if asked not in fields:
            raise NotEmulatedError(f"{where}: the field {asked} is not emulated")
        return fields[asked]

    def _mapped(self, text: str, paths: Mapping[str, Path]) -> str:
        """The text with the pod's paths and ports replaced by this machine's, each once."""
        return _LISTENS.sub(lambda found: f"127.0.0.1:{self._port(int(found[1]))}", _with_paths(text, paths))

    def _port(self, number: int) -> int:
        if number not in self.ports:
            self.ports[number] = self.machine.free_port()
        return self.ports[number]

    def _fill(self, volume: Json, place: Path, paths: Mapping[str, Path]) -> None:
        where = f"volume {volume['name']}"
        (kind,) = sorted(set(volume) - {"name"})
        self.folders.append(place)
        if kind == "configMap":
            self._write(where, volume[kind], place, paths)
        elif kind == "projected":
            for source in volume[kind].get("sources", []):
                self._project(where, source, place, paths)
        elif kind != "emptyDir":
            raise NotEmulatedError(f"{where}: {kind} is not emulated")

    def _project(self, where: str, source: Json, place: Path, paths: Mapping[str, Path]) -> None:
        ((kind, asked),) = source.items()
        if kind == "configMap":
            self._write(where, asked, place, paths)
        elif kind == "serviceAccountToken":
            audience = asked.get("audience")
            self.tokens.append(
                Token(
                    path=place / asked["path"],
                    audiences=(audience,) if audience else (),
                    seconds=asked.get("expirationSeconds", 3600),
                )
            )
        elif kind == "downwardAPI":
            for item in asked.get("items", []):
                reference = {key: item[key] for key in item.keys() - {"mode", "path"}}
                self.files[place / item["path"]] = self._field(where, reference)
        else:
            raise NotEmulatedError(f"{where}: {kind} is not emulated")

    def _write(self, where: str, source: Json, place: Path, paths: Mapping[str, Path]) -> None:
        if source["name"] not in self.config_maps:
            if source.get("optional"):
                return
            raise NotEmulatedError(f"{where}: there is no ConfigMap {source['name']}")
        data = self.config_maps[source["name"]]
        items = source.get("items") or [{"key": key, "path": key} for key in sorted(data)]
        for item in items:
            text = data[item["key"]]
            mapped = self._properties(text, paths) if item["path"].endswith(".properties") else text
            self.files[place / item["path"]] = mapped

    def _properties(self, text: str, paths: Mapping[str, Path]) -> str:
        """TorchServe's configuration. Other files are as the API server has them: the agent reads them there too."""
        mapped = self._mapped(text, paths)
        for key in _PORTS_OF_TORCHSERVE:
            line = re.compile(rf"^{key}=(\d+)$", re.MULTILINE)
            found = line.search(mapped)
            if found:
                mapped = line.sub(f"{key}={self._port(int(found[1]))}", mapped)
            else:
                mapped = f"{mapped.rstrip()}\n{key}={self.machine.free_port()}\n"
        return mapped


def _with_paths(text: str, paths: Mapping[str, Path]) -> str:
    if not paths:
        return text
    known = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
    # /tmp, but neither /srv/tmp nor /tmpfs; behind "file://" too.
    whole = re.compile(rf"(?<![\w.~-])(?:{known})(?![\w-]|\.\w)")
    return whole.sub(lambda found: str(paths[found[0]]), text)


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` as the kubelet expands it: what is not known stays as it is."""

    def replace(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return _REFERENCE.sub(replace, text)


def _refuse_unknown(where: str, given: Json, known: frozenset[str]) -> None:
    for key in _unknown(given, known):
        raise NotEmulatedError(f"{where}: {key} is not emulated")


def _unknown(given: Json, known: frozenset[str]) -> Iterator[str]:
    """Yield the unknown keys. An empty default, such as `securityContext: {}`, asks for nothing."""
    return (key for key in sorted(given) if key not in known and given[key] not in (None, {}, [], False))
