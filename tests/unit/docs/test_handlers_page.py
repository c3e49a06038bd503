import re
from pathlib import Path

import pytest
import yaml

from model_catalog.version import Handler
from workloads.handlers import release

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/handlers.md").read_text(encoding="utf-8")


def test_the_page_s_notebook_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    *before, last = block.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(before), names)  # noqa: S102 - the page's own lines
    assert eval(last, names)["answer"] == "Paris"  # noqa: S307


def test_the_page_names_every_handler_and_its_block_is_what_the_catalog_takes() -> None:
    assert [name for name in release.handlers() if f"| `{name}` |" not in PAGE] == []
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert Handler.model_validate(yaml.safe_load(block)["handler"]).name in release.handlers()
