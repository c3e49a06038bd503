"""A step as an author writes it: a bare name, or one name with its options.

    preprocessing: [normalize_unicode, {detect_script: {minimum_share: 0.8}}]

`Step` is a type for pydantic fields. Its values are the options classes, so that code matches on them; they are
written back as they were read.
"""

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from preprocessing.collapse_whitespace import CollapseWhitespace
from preprocessing.detect_language import DetectLanguage
from preprocessing.detect_script import DetectScript
from preprocessing.normalize_unicode import NormalizeUnicode
from preprocessing.options import StepOptions
from preprocessing.strip_markup import StripMarkup
from preprocessing.truncate import Truncate

STEPS: Final[Mapping[str, type[StepOptions]]] = MappingProxyType(
    {
        kind.step: kind
        for kind in (
            CollapseWhitespace,
            DetectLanguage,
            DetectScript,
            NormalizeUnicode,
            StripMarkup,
            Truncate,
        )
    }
)
"""Every step by its name in the catalog. A new one needs its module, a place here and a case in `prepare`."""


class _Written:
    """Tells pydantic how to read, write and describe a step."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # One key a step keeps the step's name in the location of an error in its options.
        one_key = core_schema.typed_dict_schema(
            {
                name: core_schema.typed_dict_field(handler.generate_schema(kind), required=False)
                for name, kind in STEPS.items()
            }
        )
        return core_schema.chain_schema(
            [
                core_schema.no_info_plain_validator_function(_one_key),
                core_schema.no_info_after_validator_function(_only_value, one_key),
            ],
            serialization=core_schema.plain_serializer_function_ser_schema(write_step),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        del schema
        bare = [
            {"const": name, "description": kind.__doc__}
            for name, kind in STEPS.items()
            if not _required(kind)
        ]
        with_options = [
            {
                "type": "object",
                "description": kind.__doc__,
                "properties": {name: handler(kind.__pydantic_core_schema__)},
                "required": [name],
                "additionalProperties": False,
            }
            for name, kind in STEPS.items()
        ]
        return {"oneOf": [*bare, *with_options]}


Step = Annotated[
    CollapseWhitespace | DetectLanguage | DetectScript | NormalizeUnicode | StripMarkup | Truncate, _Written()
]
"""One step with its options, for pydantic fields. A wrong one is a ValueError: what is wrong; what to do."""


def write_step(step: StepOptions) -> str | dict[str, Any]:
    """The step as an author writes it: its bare name where no option was given."""
    given = step.model_dump(mode="json", exclude_unset=True)
    return {step.step: given} if given else step.step


def _one_key(value: Any) -> Any:
    if isinstance(value, StepOptions):
        return {value.step: value}
    if isinstance(value, str):
        _check_name(value)
        if missing := _required(STEPS[value]):
            raise ValueError(
                f"{value!r} needs options; write {{{value}: {{{', '.join(f'{name}: …' for name in missing)}}}}}"
            )
        return {value: {}}
    if isinstance(value, Mapping) and len(value) == 1:
        (name, options), *_ = value.items()
        _check_name(str(name))
        return {name: {} if options is None else options}
    raise ValueError(
        f"{value!r} is not a step; write a name, as in normalize_unicode, or one name with its options, "
        "as in {detect_script: {minimum_share: 0.8}}"
    )


def _check_name(name: str) -> None:
    if name not in STEPS:
        near = difflib.get_close_matches(name, STEPS, n=1)
        fix = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(sorted(STEPS))}"
        raise ValueError(f"{name!r} is not a step; {fix}")


def _only_value(steps: Mapping[str, StepOptions]) -> StepOptions:
    (step,) = steps.values()
    return step


def _required(kind: type[StepOptions]) -> tuple[str, ...]:
    return tuple(name for name, field in kind.model_fields.items() if field.is_required())
