"""`python -m workloads.agent`: the process beside TorchServe."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from workloads import log
from workloads.agent import api
from workloads.agent.disk import Disk
from workloads.agent.document import MountedFile, WatchedDocument
from workloads.agent.events import Events, NoEvents, Pod, PodEvents
from workloads.agent.executor import Executor
from workloads.agent.kubernetes import ConfigMapWatch, KubernetesApi
from workloads.agent.loop import Agent
from workloads.agent.recall import LONGEST_RETRY
from workloads.agent.torchserve import TorchServeApi
from workloads.artifacts.port import SourceError
from workloads.artifacts.sources import open_source


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The agent's arguments."""
    parser = argparse.ArgumentParser(prog="python -m workloads.agent", description=__doc__)
    parser.add_argument("--configuration", type=Path, required=True, help="the mounted configuration file")
    parser.add_argument(
        "--config-map", help="namespace/name of the ConfigMap to watch; its key is the file's name"
    )
    parser.add_argument("--source", required=True, help="s3://bucket, or a folder")
    parser.add_argument("--model-store", type=Path, required=True, help="TorchServe's model_store; writable")
    parser.add_argument("--state", type=Path, required=True, help="a file on the writable volume")
    parser.add_argument(
        "--listen", default="0.0.0.0:8090", help="host:port of /ready, /live, /versions, /metrics"
    )
    parser.add_argument("--management", default="127.0.0.1:8081", help="TorchServe's management API")
    parser.add_argument("--inference", default="127.0.0.1:8080", help="TorchServe's inference API")
    parser.add_argument(
        "--worker-log", type=Path, help="TorchServe's model_log.log, for the reasons of failures"
    )
    parser.add_argument(
        "--keep-free",
        type=int,
        default=0,
        metavar="BYTES",
        help="of the model store's disk: a kubelet evicts pods before a disk is full",
    )
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between looks")
    parser.add_argument("--longest-retry", type=float, default=LONGEST_RETRY, help="seconds")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Runs until SIGTERM. 2: the arguments are wrong; 3: the source cannot be opened."""
    chosen = arguments(given)
    log.configure()
    stop = threading.Event()
    try:
        disk = Disk.at(chosen.model_store, open_source(chosen.source), keep_free=chosen.keep_free)
    except SourceError as error:
        logging.getLogger(__name__).error("no source", extra={"fields": {"reason": str(error)}})
        return 3
    torchserve = TorchServeApi(management=chosen.management, inference=chosen.inference)
    document = WatchedDocument(MountedFile(chosen.configuration))
    agent = Agent(
        document,
        Executor(disk, torchserve, chosen.worker_log),
        chosen.state,
        _events(),
        interval=chosen.interval,
        longest_retry=chosen.longest_retry,
    )
    if chosen.config_map:
        _watch(chosen.config_map, chosen.configuration.name, document, agent, stop)
    host, _, port = chosen.listen.rpartition(":")
    server = api.serve(agent, host, int(port))
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()

    def end(*_: object) -> None:
        stop.set()
        agent.wake()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    agent.run(stop)
    server.shutdown()
    return 0


def _watch(where: str, key: str, document: WatchedDocument, agent: Agent, stop: threading.Event) -> None:
    namespace, _, name = where.partition("/")
    watch = ConfigMapWatch(KubernetesApi.of_this_pod(), namespace, name, key, document, changed=agent.wake)
    threading.Thread(target=watch.run, args=(stop,), name="watch", daemon=True).start()


def _events() -> Events:
    """Where the pod says who it is (downward API), events are sent."""
    try:
        pod = Pod(os.environ["POD_NAMESPACE"], os.environ["POD_NAME"], os.environ["POD_UID"])
        return PodEvents(KubernetesApi.of_this_pod(), pod)
    except KeyError:
        return NoEvents()


if __name__ == "__main__":
    sys.exit(main())
