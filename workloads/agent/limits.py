"""The most that the agent reads of anything that others write. What is beyond is refused before it is read whole.

The agent's container has 192 MiB (planning/capacity/resources.py), 52 of them with nothing to do, and the same
ConfigMap reaches every pod at once: what ends one agent ends them all, and again at each start. Each limit is far above
what anybody has reason to write. Sizes are in bytes.
"""

from __future__ import annotations

LONGEST_CONFIGURATION = 1 << 20
"""Kubernetes' own limit for all of a ConfigMap (https://kubernetes.io/docs/concepts/configuration/configmap/)."""

LONGEST_EVENT = 4 << 20
"""An answer of the Kubernetes API about one ConfigMap: the ConfigMap, each of its quotation marks escaped, twice over
for `last-applied-configuration` (at most 256 KiB), and what the server adds."""

LONGEST_ANSWER = 4 << 20
"""An answer of TorchServe. It describes a version with about 700 bytes, and 200 more for each worker (measured)."""

LONGEST_REFUSAL = 64 << 10
"""An answer of the Kubernetes API that is no success; its first 300 characters are shown."""

LONGEST_TOKEN = 64 << 10
"""A service account's token has about 1,100 bytes."""

LONGEST_JOURNAL = 8 << 20
"""The agent's own memory. It holds the configuration's versions and those that leave, with what befell them."""

LONGEST_VERSION_FILE = 64 << 10
"""The file that a worker's adapter reads; the agent writes some hundred bytes."""

LONGEST_DIRECTORY = 1 << 20
"""The list of an archive's entries. Python takes 500 bytes for each, and an entry has at least 46: these are 22,000
entries and 15 MB. An archive of 5,000 files has half of it."""

LONGEST_ARCHIVED_DOCUMENT = 1 << 20
"""A document in an archive, unpacked. Kilobytes of zip unpack to gigabytes."""

LONGEST_REASON = 2000
"""Characters of the reason for a failure, which is kept, logged, and shown."""

LONGEST_REQUEST = 16 << 10
"""A request to the agent's own server, its line and headers. A kubelet sends 150 bytes, a browser 1,000."""

MOST_CONNECTIONS = 64
"""To the agent's own server, at once. A kubelet and Prometheus have three."""

MOST_MODELS = 2_000
"""Models in TorchServe; each is asked about twice on every turn."""

MOST_VERSIONS = 1_000
"""Versions in a configuration, and of one model in TorchServe."""

MOST_WORKERS = 1_000
"""Of one version. Each is a process with its own copy of the weights."""

MOST_BATCHED = 100_000
"""Requests in a batch. TorchServe's queue holds 100 by default."""

LONGEST_BATCH_DELAY_MILLISECONDS = 3_600_000
"""An hour: whoever asked is gone."""

LONGEST_TIMEOUT_SECONDS = 86_400
"""A day, for an answer or for the start of a worker."""

LONGEST_GRACE_SECONDS = 604_800
"""A week in which a version that was taken out goes on answering."""

LONGEST_NAME = 200
"""Characters of a model or a version: it leaves room for .json and .part in a file's name."""

LONGEST_LOCATION = 1024
"""Bytes of a key in S3 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html)."""

LONGEST_CONTENT_TYPE = 200
"""Characters; they become a header."""
