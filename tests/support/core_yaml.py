"""YAML as an editor reads it: the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), to JSON.

Independent of the catalog's own reader, which makes text of every scalar.
"""

import re
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
_KINDS = {
    "null": r"null|Null|NULL|~|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "float": rf"0o[0-7]+|0x[0-9a-fA-F]+|{_FLOAT}",
}
"""Whole numbers are floats that happen to be whole, as in JSON."""


class CoreLoader(yaml.SafeLoader):
    """PyYAML knows the types of YAML 1.1 alone: no base 60, no yes and no, no dates, no merge keys here."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way to say it

    def number(self, node: yaml.ScalarNode) -> int | float:
        """Whole ones exactly, however long."""
        text = str(node.value)
        if re.fullmatch(r"0o[0-7]+", text):
            return int(text[2:], 8)
        if re.fullmatch(r"0x[0-9a-fA-F]+", text):
            return int(text[2:], 16)
        if re.fullmatch(r"[-+]?[0-9]+", text):
            return int(text)
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def boolean(self, node: yaml.ScalarNode) -> bool:
        """Three spellings of each."""
        return str(node.value).lower() == "true"

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        """Keys are text, as in JSON."""
        return {str(key.value): self.construct_object(value, deep=True) for key, value in node.value}


for _kind, _pattern in _KINDS.items():
    CoreLoader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"^({_pattern})$"), None)
CoreLoader.add_constructor(f"{_TAG}float", CoreLoader.number)
CoreLoader.add_constructor(f"{_TAG}bool", CoreLoader.boolean)
CoreLoader.add_constructor(f"{_TAG}map", CoreLoader.mapping)


def load_core(text: str) -> Any:
    """The plain value of a document. Raises yaml.YAMLError for what is none, or stands within itself."""
    return yaml.load(text, Loader=CoreLoader)  # noqa: S506 - it makes plain values alone
