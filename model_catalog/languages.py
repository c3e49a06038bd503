"""Facts about languages and scripts, from Unicode CLDR through Babel.

Babel rather than langcodes with language_data (compared 2026-11-22, Babel 2.18 with CLDR 47, language_data 1.4):
both know the scripts of sr, az, uz, kk, pa, zh and other languages written in several, but Babel knows one for
7,000 languages and language_data for 700; Babel is pure Python without dependencies where language_data needs a
compiled one.

CLDR lists the scripts of a language in present, customary use. It does not list transliteration (ru-Latn), what a
country gave up (tk-Cyrl) or is about to adopt (kk-Latn): a tag with an explicit script says those.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.core import get_global

SPECIAL: Final = frozenset({"mis", "mul", "und", "zxx"})
"""Not languages: uncoded, several, undetermined, no linguistic content (ISO 639-2). Any script may be in them."""

_TAG: Final = re.compile(
    r"(?P<language>[A-Za-z]{2,3})"
    r"([-_](?P<script>[A-Za-z]{4}))?"
    r"([-_](?P<region>[A-Za-z]{2}|[0-9]{3}))?"
    r"(?P<rest>([-_]([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*)"
)
_PRIVATE_LANGUAGE: Final = re.compile(r"q[a-t][a-z]")

_PARTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "Aran": frozenset({"Arab"}),
        "Cyrs": frozenset({"Cyrl"}),
        "Geok": frozenset({"Geor"}),
        "Hanb": frozenset({"Bopo", "Hani"}),
        "Hans": frozenset({"Hani"}),
        "Hant": frozenset({"Hani"}),
        "Hrkt": frozenset({"Hira", "Kana"}),
        "Jamo": frozenset({"Hang"}),
        "Jpan": frozenset({"Hani", "Hira", "Kana"}),
        "Kore": frozenset({"Hang", "Hani"}),
        "Latf": frozenset({"Latn"}),
        "Latg": frozenset({"Latn"}),
        "Syre": frozenset({"Syrc"}),
        "Syrj": frozenset({"Syrc"}),
        "Syrn": frozenset({"Syrc"}),
    }
)
"""Codes that name a mixture or a variant, and the scripts whose characters they use (ISO 15924, UAX 24)."""
_ANYWHERE: Final = frozenset({"Zinh", "Zyyy"})
"""Characters that every script uses: inherited and common."""


@dataclass(frozen=True, kw_only=True)
class _Tag:
    language: str
    script: str | None
    region: str | None
    rest: str
    """Variants, each after a dash."""

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(self.rest.split("-")[1:])

    def __str__(self) -> str:
        return "-".join(part for part in (self.language, self.script, self.region) if part) + self.rest


def possible_scripts(tag: str) -> frozenset[str] | None:
    """ISO 15924 codes in which text of the language may be written; None when CLDR says nothing about it.

    An explicit script decides alone (zh-Hant, ja-Latn); a region decides where CLDR knows the language there
    (zh-TW: Hant, az-IR: Arab); `mul` and the other special tags may have every known script. Compare with
    `scripts_overlap`: Japanese is Jpan here, while a text of it may be Hani.
    """
    read = _read(tag)
    if read is None:
        return None
    read = _canonical(read)
    if read.script is not None:
        return frozenset({read.script})
    if read.language in SPECIAL:
        return frozenset(_script_names())
    in_region = _scripts_by_region().get((read.language, read.region or ""))
    return in_region or _scripts_by_language().get(read.language)


def scripts_overlap(first: str, second: str) -> bool:
    """Whether a text may be in both at once, as far as its characters tell.

    Hans, Hant, Jpan and Kore share Hani. Zyyy and Zinh are in every script's texts; Zzzz, unknown, is in its own.
    """
    if first == second or _ANYWHERE & {first, second}:
        return True
    return bool(_PARTS.get(first, {first}) & _PARTS.get(second, {second}))


def known_script(code: str) -> bool:
    """Whether CLDR knows the ISO 15924 code, in its usual case."""
    return code in _script_names()


def known_language(tag: str) -> bool:
    """Whether the tag is BCP 47 as CLDR writes it: usual case, known parts, and its one code for the language.

    False for codes that CLDR replaces (fra, iw, cmn); `language_suggestions` gives what it writes instead. True for
    special tags and for the codes that BCP 47 leaves to private use (qaa to qtz).
    """
    read = _read(tag)
    return (
        read is not None
        and str(read) == tag
        and _known_code(read.language)
        and (read.script is None or known_script(read.script))
        and (read.region is None or read.region in _english().territories)
        and all(variant.upper() in _english().variants for variant in read.variants)
    )


def language_suggestions(tag: str) -> tuple[str, ...]:
    """What may have been meant: at most three known tags, likeliest first.

    Finds another case or separator (zh_hant), codes that CLDR replaces (fra), country codes (ua, jp), English names
    (ukrainian) and misspelt ones. For a known tag that is also a country code (kr is Kanuri) it answers too.
    """
    found = dict.fromkeys(candidate for candidate in _meant(tag) if candidate != tag)
    return tuple(candidate for candidate in found if known_language(candidate))[:3]


def script_suggestions(code: str) -> tuple[str, ...]:
    """What may have been meant: at most three known codes, by another case, the English name or likeness."""
    by_name = {name.casefold(): known for known, name in sorted(_script_names().items(), reverse=True)}
    exact = code.title() if known_script(code.title()) else by_name.get(code.casefold())
    if exact is not None:
        return (exact,) if exact != code else ()
    near_names = difflib.get_close_matches(code.casefold(), by_name, n=3, cutoff=0.8)
    near_codes = difflib.get_close_matches(code.title(), sorted(_script_names()), n=3, cutoff=0.75)
    found = dict.fromkeys([*(by_name[name] for name in near_names), *near_codes])
    return tuple(sorted(found, key=lambda known: known in _PARTS))[:3]


def _meant(tag: str) -> Iterator[str]:
    read = _read(tag)
    if read is not None:
        yield str(_canonical(read))
        for misspelt in (read.script or "", *read.variants):
            for script in script_suggestions(misspelt):
                yield f"{read.language}-{script}"
        if str(read) == read.language:
            yield from _official_languages(read.language.upper())
    names = _codes_by_name()
    for name in difflib.get_close_matches(tag.casefold(), names, n=3, cutoff=0.8):
        yield names[name]


def _official_languages(territory: str) -> list[str]:
    """Its official languages, by speakers; the de facto ones where none is official."""
    spoken = get_global("territory_languages").get(territory, {})
    for status in ("official", "de_facto_official"):
        found = [code for code, facts in spoken.items() if facts["official_status"] == status]
        if found:
            found.sort(key=lambda code: -float(spoken[code]["population_percent"]))
            return [code.replace("_", "-") for code in found]
    return []


def _read(tag: str) -> _Tag | None:
    """The parts of a tag in their usual case, whatever case and separator it has."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    return _Tag(
        language=match["language"].lower(),
        script=match["script"].title() if match["script"] else None,
        region=match["region"].upper() if match["region"] else None,
        rest=match["rest"].replace("_", "-").lower(),
    )


def _canonical(tag: _Tag) -> _Tag:
    """The tag with the code that CLDR writes for the language; an alias may bring a script or region (sh, prs)."""
    alias = get_global("language_aliases").get(tag.language)
    replacement = _read(alias) if alias else None
    if replacement is None:
        return tag
    return _Tag(
        language=replacement.language,
        script=tag.script or replacement.script,
        region=tag.region or replacement.region,
        rest=tag.rest,
    )


def _known_code(language: str) -> bool:
    if language in SPECIAL or _PRIVATE_LANGUAGE.fullmatch(language):
        return True
    if language in get_global("language_aliases"):
        return False
    return language in _scripts_by_language() or language in _english().languages


@cache
def _scripts_by_language() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in get_global("likely_subtags").items():
        # und_Mahj → hi_Mahj_IN says which language historic text in a script is in, not how Hindi is written.
        if not key.startswith("und"):
            for tag in (_read(key), _read(value)):
                if tag is not None and tag.script is not None:
                    found[tag.language].add(tag.script)
    for (language, _), scripts in _scripts_by_region().items():
        found[language] |= scripts
    return MappingProxyType({language: frozenset(scripts) for language, scripts in found.items()})


@cache
def _scripts_by_region() -> Mapping[tuple[str, str], frozenset[str]]:
    """(language, region) → the scripts in which the people of the region write the language."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for territory, languages in get_global("territory_languages").items():
        for code in languages:
            tag = _read(code)
            likely = tag and _read(str(get_global("likely_subtags").get(tag.language, "")))
            script = (tag and tag.script) or (likely and likely.script)
            if tag is not None and script:
                found[tag.language, territory].add(script)
    return MappingProxyType({place: frozenset(scripts) for place, scripts in found.items()})


@cache
def _english() -> Locale:
    return Locale("en")


@cache
def _script_names() -> Mapping[str, str]:
    return MappingProxyType(dict(_english().scripts))


@cache
def _codes_by_name() -> Mapping[str, str]:
    """English name, lower case → tag."""
    names = {name.casefold(): code.replace("_", "-") for code, name in _english().languages.items()}
    return MappingProxyType({name: code for name, code in names.items() if known_language(code)})
