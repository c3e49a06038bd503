"""What people read about a promotion."""

from __future__ import annotations

from artifacts.storage import ArchivePlace, Forecast, Progress, Promotion, Source, Target
from plugin_server import Properties
from quantities import counted

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


def size_words(count: int) -> str:
    """Bytes in the largest unit that shows three digits or fewer before the point, as in 7.4 GB."""
    value, unit = float(count), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def forecast_sentence(forecast: Forecast, inputs: Properties) -> str:
    """What `pulumi up` would do."""
    what = f"{counted(forecast.files, 'file')}, {size_words(forecast.size)}"
    if forecast.published:
        return f"{what}: published already, nothing is copied"
    return f"would copy {what} from s3://{inputs['sourceBucket']}/{inputs['sourcePath']}"


def promotion_sentence(promotion: Promotion, source: Source) -> str:
    """What `pulumi up` did."""
    manifest = promotion.published.manifest
    what = f"{counted(len(manifest.files), 'file')}, {size_words(manifest.size)}"
    if not promotion.copied:
        return f"{what}: there already, nothing was copied"
    copied = f"{counted(promotion.copied, 'file')}, {size_words(promotion.copied_size)}"
    return f"copied {copied} of {what} from {source}"


def progress_words(progress: Progress) -> str:
    """How far it is."""
    files = f"{progress.files:,} of {counted(progress.files_total, 'file')}"
    return f"copied {size_words(progress.size)} of {size_words(progress.size_total)} ({files})"


def kept_sentence(target: ArchivePlace | Target) -> str:
    """What a delete left."""
    return (
        f"{target} is kept (retain): how long is the bucket's lifecycle to say, and a rollback finds it there"
    )
