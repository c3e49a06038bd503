"""One JSON object a line on standard output."""

from __future__ import annotations

import io
import json
import logging
import sys
import time

from workloads.artifacts.bounded import printable


class JsonFormatter(logging.Formatter):
    """What `extra={"fields": …}` holds becomes keys of the line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return printable(json.dumps(line, ensure_ascii=False, default=repr)).decode()


def configure(level: int = logging.INFO) -> None:
    """Every logger of the process writes JSON from now on."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a container's locale may be ASCII
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
