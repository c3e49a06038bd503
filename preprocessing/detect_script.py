"""Finds the script of a text by the Unicode Script property of its characters (UAX 24).

Answers are ISO 15924 codes of writing systems: Han, Hiragana and Katakana together are Jpan where kana are
among them, Hangul and Han are Kore. Two things no script can tell: simplified from traditional Chinese (both are
Hani; Hans and Hant are never answered), and Chinese from Japanese written without kana.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, ClassVar, Final

import regex
from pydantic import Field

from preprocessing.options import StepOptions
from quantities import Number

_CODES: Final = (
    # Common ones first: the pattern tries them in this order.
    "Latn Cyrl Arab Hani Deva Grek Hebr Hang Hira Kana Thai Beng Taml Telu Ethi Geor Armn Guru Gujr Knda "
    "Mlym Adlm Aghb Ahom Armi Avst Bali Bamu Bass Batk Berf Bhks Bopo Brah Brai Bugi Buhd Cakm Cans Cari "
    "Cham Cher Chrs Copt Cpmn Cprt Diak Dogr Dsrt Dupl Egyp Elba Elym Gara Glag Gong Gonm Goth Gran Gukh "
    "Hano Hatr Hluw Hmng Hmnp Hung Ital Java Jurc Kali Kawi Khar Khmr Khoj Kits Krai Kthi Lana Laoo Lepc "
    "Limb Lina Linb Lisu Lyci Lydi Mahj Maka Mand Mani Marc Medf Mend Merc Mero Modi Mong Mroo Mtei Mult "
    "Mymr Nagm Nand Narb Nbat Newa Nkoo Nshu Ogam Olck Onao Orkh Orya Osge Osma Ougr Palm Pauc Pcun Perm "
    "Phag Phli Phlp Phnx Plrd Prti Rjng Rohg Runr Samr Sarb Saur Seal Sgnw Shaw Shrd Sidd Sidt Sind Sinh "
    "Sogd Sogo Sora Soyo Sund Sunu Sylo Syrc Tagb Takr Tale Talu Tang Tavt Tayo Tfng Tglg Thaa Tibt Tirh "
    "Tnsa Todr Tols Toto Tutg Ugar Vaii Vith Wara Wcho Xpeo Xsux Yezi Yiii Zanb "
)

SCRIPTS: Final = tuple(_CODES.split())
"""The scripts that have characters in Unicode, without Zyyy (common), Zinh (inherited) and Zzzz (unknown)."""

_RUN: Final = regex.compile(
    r"[\p{Script=Zyyy}\p{Script=Zinh}]+|" + "|".join(rf"(?P<{code}>\p{{Script={code}}}+)" for code in SCRIPTS)
)
_SYLLABARIES: Final = MappingProxyType({"Jpan": ("Hira", "Kana"), "Kore": ("Hang",)})
"""Writing systems that mix Han with characters of their own."""
_OWN_SHARE: Final = 0.1
"""The least share of kana among Han and kana for Jpan (for Kore: of Hangul among Han and Hangul). Running Japanese has
several times as much; a の in a Chinese shop sign stays below. Chosen, not measured."""


class DetectScript(StepOptions):
    """Finds the script of the text from its characters; no model is asked."""

    step: ClassVar[str] = "detect_script"

    minimum_share: Annotated[
        Number, Field(gt=0, le=1, json_schema_extra={"exclusiveMinimum": 0, "maximum": 1})
    ] = 0.6
    """The share of letters, above 0 and at most 1, that one script must have to be the script of the text.

    Digits, punctuation, spaces and emoji belong to no script and count on neither side.
    """


@dataclass(frozen=True, kw_only=True)
class DetectedScript:
    """The script of a text, as its characters show it."""

    script: str | None
    """The ISO 15924 code that reaches the minimum share, or None: mixed text, or no letters at all."""
    shares: Mapping[str, float]
    """ISO 15924 code → share of the letters, largest first; Han and kana as Jpan, Hangul and Han as Kore."""
    by_character: Mapping[str, float]
    """The same by Unicode Script value: Hani, Hira, Kana, Hang."""


def detect_script(text: str, options: DetectScript) -> DetectedScript:
    """Count the characters of each script. Shares sum to 1, or there are none."""
    counts: Counter[str] = Counter()
    for run in _RUN.finditer(text):
        if run.lastgroup is not None:
            counts[run.lastgroup] += run.end() - run.start()
    shares = _shares(_writing_systems(counts))
    largest = next(iter(shares), None)
    return DetectedScript(
        script=largest if largest is not None and shares[largest] >= options.minimum_share else None,
        shares=shares,
        by_character=_shares(counts),
    )


def _writing_systems(counts: Counter[str]) -> Counter[str]:
    """Han goes, whole, to the system of which the text has more characters of its own."""
    systems = counts.copy()
    own = {code: sum(systems.pop(part, 0) for part in parts) for code, parts in _SYLLABARIES.items()}
    host = max(own, key=lambda code: own[code])
    if own[host] >= _OWN_SHARE * (own[host] + systems["Hani"]):
        own[host] += systems.pop("Hani", 0)
    return +(systems + Counter(own))


def _shares(counts: Counter[str]) -> Mapping[str, float]:
    total = counts.total()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return MappingProxyType({code: count / total for code, count in ordered})
