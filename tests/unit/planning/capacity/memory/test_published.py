"""The model beside figures that others published, each within its bound, and the page that shows them."""

import re
import statistics

import pytest

from benchmarks.memory_model import PAGE, Comparison, compare, read_published, summary, tables, with_tables
from hardware import GPUS
from planning.capacity import GpuMemory, fits
from tests.unit.planning.capacity.memory.versions import vllm_version

PUBLISHED = read_published()
COMPARISONS = compare(PUBLISHED)


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.row.id)
def test_the_model_is_within_the_bound_of_a_published_figure(comparison: Comparison) -> None:
    if comparison.row.measure == "graphs":
        assert comparison.row.bound is None
        assert comparison.error > -1, "graphs are an upper bound of what was seen"
    else:
        assert comparison.row.bound is not None
        assert abs(comparison.error) <= comparison.row.bound


def test_the_errors_are_small_without_the_rows_that_constants_were_made_from() -> None:
    errors = [abs(error) for error in summary(COMPARISONS)["all"]]
    assert len(errors) >= 20
    assert statistics.fmean(errors) < 10
    assert statistics.median(errors) < 10
    assert all(not comparison.row.fitted for comparison in COMPARISONS if comparison.counts)


def test_every_figure_has_a_source_and_an_id_of_its_own() -> None:
    ids = [row.id for row in PUBLISHED.rows]
    assert len(ids) == len(set(ids))
    sources = [row.source for row in PUBLISHED.rows] + [left.source for left in PUBLISHED.unmodelled]
    for source in sources:
        assert source.startswith("https://") or source in PUBLISHED.sources
    assert set(PUBLISHED.models) == {row.model for row in PUBLISHED.rows}


def test_the_page_shows_the_errors_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page, tables(PUBLISHED)) == page, "run python -m benchmarks.memory_model --write"


def test_the_page_s_example_is_what_the_code_says() -> None:
    small, large = GpuMemory.of(GPUS["T4"]), GpuMemory.of(GPUS["A10G"], "g5.xlarge")
    assert small is not None
    assert large is not None
    said = str(fits(vllm_version({"max_model_len": 4096, "max_num_seqs": 32}), small, alternatives=[large]))
    blocks = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert [" ".join(block.split()) for block in blocks] == [said]


def test_a_gpu_whose_memory_nobody_read_has_no_figure() -> None:
    unknown = [gpu for gpu in GPUS.values() if gpu.usable is None]
    assert unknown
    assert all(GpuMemory.of(gpu) is None for gpu in unknown)
