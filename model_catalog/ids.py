"""The identifiers a person writes in the catalog, each a pattern with words for who gets it wrong."""

import re
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, StringConstraints, WithJsonSchema

from engines import UNRESOLVED
from model_catalog.selector import (
    LANGUAGE_PATTERN,
    MODEL_PATTERN,
    SCRIPT_PATTERN,
    TASK_PATTERN,
    VERSION_PATTERN,
)

DIGEST_PATTERN: Final = rf"^(sha256:[0-9a-f]{{64}}|{UNRESOLVED})$"
REVISION_PATTERN: Final = rf"^([0-9a-f]{{40}}|{UNRESOLVED})$"
REPOSITORY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$"
COMMIT_PATTERN: Final = r"^[0-9a-f]{40}$"
BUCKET_PATTERN: Final = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, its first two rules."""
ACCOUNT_PATTERN: Final = r"^[0-9]{12}$"
REGION_PATTERN: Final = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"
PATH_PATTERN: Final = r"^[^/\s][^\s]*$"
ARCHIVE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*\.mar$"
SERVED_NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""The names that TorchServe's own archiver takes (model_packaging_utils.py, torch-model-archiver 0.12.0)."""
HANDLER_PATTERN: Final = r"^[a-z][a-z0-9_-]*$"
TEAM_PATTERN: Final = r"^[a-z0-9][a-z0-9-]*$"
TAG_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]*$"
METRIC_PATTERN: Final = r"^[a-z][a-z0-9_@.]*$"
RULE_PATTERN: Final = r"^[a-z][a-z0-9-]*$"
LICENSE_PATTERN: Final = r"^(LicenseRef-[A-Za-z0-9.-]+|[a-z0-9][a-z0-9.+-]*)$"
ADAPTER_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]*$"
CONTENT_TYPE_PATTERN: Final = r"^[a-z]+/[a-z0-9][a-z0-9.+-]*(; ?charset=[A-Za-z0-9-]+)?$"

TaskId = Annotated[str, StringConstraints(pattern=f"^{TASK_PATTERN}$")]
ModelId = Annotated[str, StringConstraints(pattern=f"^{MODEL_PATTERN}$")]
LanguageId = Annotated[str, StringConstraints(pattern=f"^{LANGUAGE_PATTERN}$")]
ScriptId = Annotated[str, StringConstraints(pattern=f"^{SCRIPT_PATTERN}$")]
VersionId = Annotated[str, StringConstraints(pattern=f"^{VERSION_PATTERN}$")]
Digest = Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)]
Revision = Annotated[str, StringConstraints(pattern=REVISION_PATTERN)]
CommitId = Annotated[str, StringConstraints(pattern=COMMIT_PATTERN)]
Repository = Annotated[str, StringConstraints(pattern=REPOSITORY_PATTERN)]
BucketName = Annotated[str, StringConstraints(pattern=BUCKET_PATTERN)]
AccountId = Annotated[str, StringConstraints(pattern=ACCOUNT_PATTERN)]
RegionName = Annotated[str, StringConstraints(pattern=REGION_PATTERN)]
ObjectPath = Annotated[str, StringConstraints(pattern=PATH_PATTERN)]
ArchiveName = Annotated[str, StringConstraints(pattern=ARCHIVE_PATTERN)]
ServedName = Annotated[str, StringConstraints(pattern=SERVED_NAME_PATTERN)]
HandlerName = Annotated[str, StringConstraints(pattern=HANDLER_PATTERN)]
TeamName = Annotated[str, StringConstraints(pattern=TEAM_PATTERN)]
Tag = Annotated[str, StringConstraints(pattern=TAG_PATTERN)]
MetricName = Annotated[str, StringConstraints(pattern=METRIC_PATTERN)]
RuleId = Annotated[str, StringConstraints(pattern=RULE_PATTERN)]
LicenseId = Annotated[str, StringConstraints(pattern=LICENSE_PATTERN)]
AdapterName = Annotated[str, StringConstraints(pattern=ADAPTER_PATTERN)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
"""Text for people."""

StopSequence = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""Text as it is: spaces and line ends count."""

RequestBody = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
"""Text as it is sent: spaces and line ends count."""
ContentType = Annotated[str, StringConstraints(pattern=CONTENT_TYPE_PATTERN)]

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: Any) -> date:
    # pydantic would read "1735689600" as seconds since 1970.
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{value!r} is no day of the calendar; write one as in 2026-12-31") from error
    raise ValueError(f"{value!r} is not a date; write year-month-day, as in 2026-12-31")


Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(date.isoformat),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$", "examples": ["2026-12-31"]}),
]
"""A day, as year-month-day."""

PATTERN_HINTS: Final = MappingProxyType(
    {
        ACCOUNT_PATTERN: "Write an AWS account's id, twelve digits in quotes",
        ADAPTER_PATTERN: "Use small letters, digits, dot, dash and underscore, as in legal-tone",
        ARCHIVE_PATTERN: "Write a file name that ends in .mar, as in fr_reader.mar",
        BUCKET_PATTERN: "Write an S3 bucket's name: 3 to 63 small letters, digits, dots and dashes",
        COMMIT_PATTERN: "Write the commit, 40 hex digits in small letters",
        CONTENT_TYPE_PATTERN: "Write a media type, as in application/json or text/plain",
        DIGEST_PATTERN: "Write sha256: and 64 hex digits as observed, or unresolved",
        HANDLER_PATTERN: "Start with a small letter; small letters, digits, dash and underscore follow",
        LICENSE_PATTERN: "Write its id as the Hub does, as in apache-2.0, or LicenseRef- and a name of your own",
        METRIC_PATTERN: "Use small letters, digits and underscore, as in exact_match",
        PATH_PATTERN: "Write a path without a slash in front and without spaces, as in models/fr/reader",
        REGION_PATTERN: "Write an AWS region, as in eu-west-1",
        REPOSITORY_PATTERN: "Write owner/name as on the Hub",
        REVISION_PATTERN: "Write the commit, 40 hex digits, as observed on the Hub, or unresolved",
        RULE_PATTERN: "Write the rule's id as the report names it",
        SERVED_NAME_PATTERN: "Start with a letter or digit; letters, digits, dot, dash and underscore follow",
        TAG_PATTERN: "Use small letters, digits, dot, dash and underscore, as in legal",
        TEAM_PATTERN: "Use small letters, digits and dashes, as in nlp-platform",
        f"^{LANGUAGE_PATTERN}$": "Write a BCP 47 tag in its usual case, as in fr or zh-Hant",
        f"^{MODEL_PATTERN}$": "Start with a letter; letters, digits, dot, dash and underscore follow",
        f"^{SCRIPT_PATTERN}$": "Write an ISO 15924 code, as in Latn",
        f"^{TASK_PATTERN}$": "Write it as one word, as in QuestionAnswering",
        f"^{VERSION_PATTERN}$": "Use letters, digits, dot, dash and underscore, as in 1.0",
    }
)
"""What to tell a person instead of the pattern."""
