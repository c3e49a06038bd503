"""Languages and scripts that exist, and how a request's language is found."""

from collections.abc import Iterator

from model_catalog.entry import Entry, LanguageFrom
from model_catalog.languages import (
    known_language,
    known_script,
    language_suggestions,
    possible_scripts,
    script_suggestions,
    scripts_overlap,
)
from model_catalog.problem import Problem
from model_catalog.release import Release
from model_catalog.rules.rule import Context, Rule, suggest
from model_catalog.selector import Selector
from preprocessing import DetectLanguage, DetectScript


def _language_known(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        for tag in sorted(entry.languages):
            if known_language(tag):
                continue
            meant = language_suggestions(tag)
            yield context.in_entry(
                entry,
                ("languages", tag),
                rule="language-known",
                message=f"{tag} is no language that CLDR knows by this tag",
                fix=f"Did you mean {_either(meant)}?"
                if meant
                else "Write its BCP 47 tag, or mul for many languages",
                key=True,
            )


def _script_possible(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        for tag in sorted(entry.languages):
            possible = possible_scripts(tag)
            for index, script in enumerate(entry.languages[tag].scripts):
                if not known_script(script):
                    meant = script_suggestions(script)
                    message = f"{script} is no script of ISO 15924"
                    fix = f"Did you mean {_either(meant)}?" if meant else "Write its code, as in Latn"
                elif possible and not any(scripts_overlap(script, one) for one in possible):
                    message = f"{tag} is not written in {script}"
                    fix = (
                        f"It is written in {', '.join(sorted(possible))}. Where the model does read {script}, call "
                        f"the language {tag.split('-')[0]}-{script}"
                    )
                else:
                    continue
                yield context.in_entry(
                    entry,
                    ("languages", tag, "scripts", index),
                    rule="script-possible",
                    message=message,
                    fix=fix,
                )


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def _language_choice(context: Context) -> Iterator[Problem]:
    for entry in context.catalog.entries:
        if entry.language_from is LanguageFrom.CALLER or len(entry.languages) < 2:
            continue
        steps = {type(step) for step in entry.preprocessing}
        shared = _shared_script(entry)
        if shared is not None and DetectLanguage not in steps:
            message = f"in {entry.selector} {shared}: no script tells them apart"
        elif entry.language_from is LanguageFrom.TEXT and not steps & {DetectLanguage, DetectScript}:
            message = f"{entry.selector} finds the language in the text, and no step of its preprocessing looks for it"
        elif shared is not None and entry.language_from is None:
            message = f"{entry.selector} does not say whether its caller or the text names the language"
        else:
            continue
        yield context.in_entry(
            entry,
            ("language_from",) if entry.language_from else ("languages",),
            rule="language-choice",
            message=message,
            fix=(
                "Write language_from: caller, or language_from: text and a step "
                + ("detect_language" if shared else "detect_script or detect_language")
            ),
            key=entry.language_from is None,
        )


def _shared_script(entry: Entry) -> str | None:
    """Two languages of the entry with characters in common, in words; None where there are no such."""
    seen: dict[str, str] = {}
    for tag in sorted(entry.languages):
        own = sorted(set(entry.languages[tag].scripts))
        for script in own:
            for known, other in seen.items():
                if scripts_overlap(script, known):
                    if script == known:
                        return f"{other} and {tag} are both written in {script}"
                    return f"{other} ({known}) and {tag} ({script}) have characters in common"
        seen.update(dict.fromkeys(own, tag))
    return None


def _detector_released(context: Context) -> Iterator[Problem]:
    variants = {one.selector.variant for one in context.versions}
    released = {
        environment: _first_variants(release) for environment, release in context.catalog.releases.items()
    }
    for entry in context.catalog.entries:
        for index, step in enumerate(entry.preprocessing):
            if not isinstance(step, DetectLanguage):
                continue
            detector = _variant(step.by)
            if detector is not None and context.is_unread(detector):
                continue
            if detector is None or detector not in variants:
                yield context.in_entry(
                    entry,
                    ("preprocessing", index, step.step, "by"),
                    rule="detector-released",
                    message=f"{step.by}, which tells the languages of {entry.selector} apart, is in no entry",
                    fix=suggest(step.by, map(str, variants)),
                )
                continue
            asked = context.catalog.entry(detector)
            if asked and any(isinstance(other, DetectLanguage) for other in asked.preprocessing):
                yield context.in_entry(
                    entry,
                    ("preprocessing", index, step.step, "by"),
                    rule="detector-released",
                    message=f"{step.by} asks another model for the language itself",
                    fix="Name a variant whose entry has no detect_language step",
                )
                continue
            for environment, first in released.items():
                if entry.selector in first and detector not in context.catalog.releases[environment].root:
                    yield context.in_release(
                        environment,
                        (str(first[entry.selector]),),
                        rule="detector-released",
                        message=(
                            f"{entry.selector} runs in {environment} and finds a text's language by {detector}, "
                            "which does not"
                        ),
                        fix=f"Release {detector} in {environment} too",
                        key=True,
                    )


def _variant(text: str) -> Selector | None:
    try:
        return Selector.parse(text)
    except ValueError:
        return None


def _first_variants(release: Release) -> dict[Selector, Selector]:
    """Each released entry, and the first of its variants in the file."""
    first: dict[Selector, Selector] = {}
    for variant in release.root:
        first.setdefault(Selector(task=variant.task, model=variant.model), variant)
    return first


RULES = (
    Rule(
        id="detector-released",
        demand="A variant that tells languages apart exists, and runs wherever an entry that asks it does.",
        check=_detector_released,
    ),
    Rule(
        id="language-choice",
        demand="An entry with languages of one script says who tells them apart, and has the step for it.",
        check=_language_choice,
    ),
    Rule(
        id="language-known",
        demand="A language is a BCP 47 tag that CLDR knows, or mul.",
        check=_language_known,
    ),
    Rule(
        id="script-possible",
        demand="A script is an ISO 15924 code, and the language is written in it.",
        check=_script_possible,
    ),
)
