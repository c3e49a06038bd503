"""Licences of model weights, by the identifier that the Hugging Face Hub writes (its `license`, or its
`license_name` where `license` is `other`). Identifiers: https://huggingface.co/docs/hub/repositories-licenses

What stands here is what a licence's text says about commercial use, in a few words, to find what a lawyer has to
look at. It is no legal advice. A licence that is not here is not forbidden: nobody has looked it up for this table.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

CommercialUse = Literal["yes", "no", "conditions"]
"""Whether the licence lets the weights earn money: yes, no, or only where its conditions are met."""

LICENSE_REF_PATTERN: Final = r"LicenseRef-[A-Za-z0-9.-]+"
"""A team's own licence, as SPDX writes one that is not on its list (https://spdx.github.io/spdx-spec/v3.0.1/)."""

_CHECKED: Final = date(2026, 11, 22)
_USES: Final = "some uses are forbidden, and these terms are passed on to users, of a hosted service too"
_COPYLEFT: Final = "who gives the work or a derivative on gives its source, under this licence"
_LLAMA: Final = "with over 700 million monthly users at release Meta must agree; acceptable use policy"
_LLAMA_SOURCE: Final = "https://github.com/meta-llama/llama-models/blob/main/models"
_BUILT_WITH: Final = 'shows "Built with Llama"'
_NO_EU: Final = "multimodal models not licensed to EU residents"
_QWEN: Final = "above 100 million monthly users Alibaba Cloud must agree"


@dataclass(frozen=True, kw_only=True)
class LicenseFacts:
    """What is known of one licence."""

    id: str
    name: str
    source: str | None
    """Where its text is; None for a team's own."""
    commercial_use: CommercialUse
    conditions: str
    """What to meet, in a few words; empty where it asks for no more than its notices to be kept."""
    checked: date | None
    """When these words were compared with its text; None where they rest on an excerpt or a publisher's summary."""


def _facts(
    identifier: str,
    name: str,
    source: str | None,
    commercial_use: CommercialUse,
    conditions: str = "",
    checked: date | None = _CHECKED,
) -> LicenseFacts:
    return LicenseFacts(
        id=identifier,
        name=name,
        source=source,
        commercial_use=commercial_use,
        conditions=conditions,
        checked=checked,
    )


def _creative_commons(version: str, terms: str, name: str) -> LicenseFacts:
    """The deeds differ in their terms only: `nc` forbids commercial use, `sa` and `nd` restrict adaptations."""
    parts = terms.split("-")
    asks = ["name the authors"]
    asks += ["adaptations keep this licence"] if "sa" in parts else []
    asks += ["adaptations are not given on"] if "nd" in parts else []
    return _facts(
        f"cc-{terms}-{version}",
        f"Creative Commons {name} {version}",
        f"https://creativecommons.org/licenses/{terms}/{version}/legalcode",
        "no" if "nc" in parts else "yes",
        "; ".join(asks),
    )


_TABLE: Final = (
    _facts("apache-2.0", "Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0", "yes"),
    _facts("mit", "MIT License", "https://opensource.org/license/mit", "yes"),
    _facts("isc", "ISC License", "https://opensource.org/license/isc-license-txt", "yes"),
    _facts("bsd-2-clause", "BSD 2-Clause License", "https://opensource.org/license/bsd-2-clause", "yes"),
    _facts("bsd-3-clause", "BSD 3-Clause License", "https://opensource.org/license/bsd-3-clause", "yes"),
    _facts("unlicense", "The Unlicense", "https://unlicense.org/", "yes"),
    _facts(
        "mpl-2.0", "Mozilla Public License 2.0", "https://www.mozilla.org/en-US/MPL/2.0/", "yes", _COPYLEFT
    ),
    _facts("lgpl-3.0", "GNU LGPL 3.0", "https://www.gnu.org/licenses/lgpl-3.0.html", "yes", _COPYLEFT),
    _facts("gpl-3.0", "GNU GPL 3.0", "https://www.gnu.org/licenses/gpl-3.0.html", "yes", _COPYLEFT),
    _facts(
        "agpl-3.0",
        "GNU AGPL 3.0",
        "https://www.gnu.org/licenses/agpl-3.0.html",
        "yes",
        f"{_COPYLEFT}, and so does who offers it over a network after changing it",
    ),
    _facts(
        "cc0-1.0",
        "Creative Commons Zero 1.0",
        "https://creativecommons.org/publicdomain/zero/1.0/legalcode",
        "yes",
    ),
    _creative_commons("3.0", "by", "Attribution"),
    _creative_commons("4.0", "by", "Attribution"),
    _creative_commons("3.0", "by-sa", "Attribution-ShareAlike"),
    _creative_commons("4.0", "by-sa", "Attribution-ShareAlike"),
    _creative_commons("4.0", "by-nd", "Attribution-NoDerivatives"),
    _creative_commons("3.0", "by-nc", "Attribution-NonCommercial"),
    _creative_commons("4.0", "by-nc", "Attribution-NonCommercial"),
    _creative_commons("3.0", "by-nc-sa", "Attribution-NonCommercial-ShareAlike"),
    _creative_commons("4.0", "by-nc-sa", "Attribution-NonCommercial-ShareAlike"),
    _creative_commons("4.0", "by-nc-nd", "Attribution-NonCommercial-NoDerivatives"),
    _facts(
        "bigscience-openrail-m",
        "BigScience OpenRAIL-M",
        "https://www.licenses.ai/blog/2022/8/26/bigscience-open-rail-m-license",
        "conditions",
        _USES,
    ),
    _facts(
        "bigcode-openrail-m",
        "BigCode OpenRAIL-M v1",
        "https://huggingface.co/spaces/bigcode/bigcode-model-license-agreement",
        "conditions",
        _USES,
    ),
    _facts(
        "creativeml-openrail-m",
        "CreativeML OpenRAIL-M",
        "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
        "conditions",
        _USES,
    ),
    _facts(
        "openrail++",
        "Open RAIL++-M",
        "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
        "conditions",
        _USES,
        checked=None,
    ),
    _facts(
        "llama2",
        "Llama 2 Community License",
        f"{_LLAMA_SOURCE}/llama2/LICENSE",
        "conditions",
        f"{_LLAMA}; answers train no other language model",
    ),
    _facts(
        "llama3",
        "Meta Llama 3 Community License",
        f"{_LLAMA_SOURCE}/llama3/LICENSE",
        "conditions",
        f'{_LLAMA}; shows "Built with Meta Llama 3"',
    ),
    _facts(
        "llama3.1",
        "Llama 3.1 Community License",
        f"{_LLAMA_SOURCE}/llama3_1/LICENSE",
        "conditions",
        f"{_LLAMA}; {_BUILT_WITH}",
    ),
    _facts(
        "llama3.2",
        "Llama 3.2 Community License",
        f"{_LLAMA_SOURCE}/llama3_2/LICENSE",
        "conditions",
        f"{_LLAMA}; {_BUILT_WITH}; {_NO_EU}",
    ),
    _facts(
        "llama3.3",
        "Llama 3.3 Community License",
        f"{_LLAMA_SOURCE}/llama3_3/LICENSE",
        "conditions",
        f"{_LLAMA}; {_BUILT_WITH}; {_NO_EU}",
    ),
    _facts(
        "llama4",
        "Llama 4 Community License",
        f"{_LLAMA_SOURCE}/llama4/LICENSE",
        "conditions",
        f"{_LLAMA}; {_BUILT_WITH}; {_NO_EU}",
    ),
    _facts(
        "gemma",
        "Gemma Terms of Use",
        "https://ai.google.dev/gemma/terms",
        "conditions",
        "prohibited use policy, passed on to users, of a hosted service too (from Gemma 4 on: apache-2.0)",
        checked=None,
    ),
    _facts(
        "tongyi-qianwen",
        "Tongyi Qianwen License (Qwen to Qwen2)",
        "https://github.com/QwenLM/Qwen/blob/main/Tongyi%20Qianwen%20LICENSE%20AGREEMENT",
        "conditions",
        f"{_QWEN}; answers improve no other language model",
    ),
    _facts(
        "tongyi-qianwen-research",
        "Tongyi Qianwen Research License",
        "https://github.com/QwenLM/Qwen/blob/main/Tongyi%20Qianwen%20RESEARCH%20LICENSE%20AGREEMENT",
        "no",
        "research and evaluation only; Alibaba Cloud licenses commercial use on request",
    ),
    _facts(
        "qwen",
        "Qwen License (Qwen2.5)",
        "https://huggingface.co/Qwen/Qwen2.5-72B-Instruct/blob/main/LICENSE",
        "conditions",
        f'{_QWEN}; models trained on it or its answers show "Built with Qwen" or "Improved using Qwen"',
        checked=None,
    ),
    _facts(
        "qwen-research",
        "Qwen Research License (Qwen2.5)",
        "https://huggingface.co/Qwen/Qwen2.5-3B-Instruct/blob/main/LICENSE",
        "no",
        "research and evaluation only; Alibaba Cloud licenses commercial use on request",
        checked=None,
    ),
    _facts(
        "mrl",
        "Mistral AI Research License 0.1",
        "https://mistral.ai/licenses/MRL-0.1.md",
        "no",
        "research only; Mistral AI licenses other use on request",
        checked=None,
    ),
    _facts(
        "deepseek",
        "DeepSeek License 1.0",
        "https://github.com/deepseek-ai/DeepSeek-V3/blob/main/LICENSE-MODEL",
        "conditions",
        f"{_USES}; no military use",
    ),
    _facts(
        "falcon-180b-license",
        "Falcon-180B TII License 1.0",
        "https://huggingface.co/spaces/tiiuae/falcon-180b-license",
        "conditions",
        "a hosted service may need a licence of its own; acceptable use policy that TII may change",
        checked=None,
    ),
    _facts(
        "tii-falcon-llm",
        "TII Falcon LLM License 1.0 (withdrawn: Falcon 7B and 40B are apache-2.0)",
        "https://huggingface.co/tiiuae/falcon-40b/commit/b0462812b2f53caab9ccc64051635a74662fc73b",
        "conditions",
        "commercial use needs permission and pays royalties",
        checked=None,
    ),
    _facts(
        "other",
        "Another licence, named beside the weights",
        "https://huggingface.co/docs/hub/repositories-licenses",
        "conditions",
        "its own text decides; name it as the Hub's license_name does, or as LicenseRef-…",
        checked=None,
    ),
    _facts(
        "unknown",
        "No licence found",
        "https://choosealicense.com/no-permission/",
        "no",
        "without a licence nobody but the author may use a work; ask the author",
        checked=None,
    ),
    _facts(
        "proprietary",
        "A licence between the parties",
        None,
        "conditions",
        "the contract decides; name it as LicenseRef-…",
        checked=None,
    ),
)

LICENSES: Final[Mapping[str, LicenseFacts]] = MappingProxyType({facts.id: facts for facts in _TABLE})
"""Every licence of the table, by identifier."""


def license_facts(identifier: str) -> LicenseFacts | None:
    """What is known of the licence; None for an identifier that is not in the table.

    A team's own (`LicenseRef-…`) is known to be one, and its text decides.
    """
    if re.fullmatch(LICENSE_REF_PATTERN, identifier):
        return _facts(identifier, identifier, None, "conditions", "its own text decides", checked=None)
    return LICENSES.get(identifier)


def license_suggestions(identifier: str) -> tuple[str, ...]:
    """What may have been meant: at most three identifiers, by another case, separator, the name or likeness."""
    written = re.sub(r"[\s_]+", "-", identifier.strip().lower())
    if written in LICENSES:
        return (written,) if written != identifier else ()
    by_name = {facts.name.lower(): facts.id for facts in _TABLE}
    near_names = difflib.get_close_matches(identifier.strip().lower(), by_name, n=3, cutoff=0.8)
    near_ids = difflib.get_close_matches(written, LICENSES, n=3, cutoff=0.7)
    starting = [known for known in LICENSES if written and known.startswith(written)]
    return tuple(dict.fromkeys([*(by_name[name] for name in near_names), *starting, *near_ids]))[:3]
