"""What stands where in the text of a YAML file: values with the words they were written in, ends, comments."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

from model_catalog.editing.rendering import Written, reads_as, text_of


class EditError(Exception):
    """The text has a form that commands do not edit. Says which; a person can edit the file."""


def plain(text: str) -> Any:
    """The value as the catalog reads it: mappings, lists and text. Each scalar remembers how it was written.

    An empty file is None. Raises EditError for what is not one YAML document, or holds aliases.
    """
    node = compose(text)
    return None if node is None else plain_of(node, text)


@lru_cache(
    maxsize=4
)  # one edit asks for the same text several times; that of 1,000 entries' release takes 1 s
def compose(text: str) -> yaml.Node | None:
    """The nodes with their places, which nobody changes. Raises EditError as `plain` does."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise EditError(f"it is not YAML: {' '.join(str(error).split())}") from error
    _refuse_aliases(node, set())
    return node


def _refuse_aliases(node: yaml.Node | None, seen: set[int]) -> None:
    if node is None:
        return
    if id(node) in seen:
        raise EditError(
            "it holds an alias (*name), through which a change reaches other places; edit it by hand"
        )
    seen.add(id(node))
    for part in _parts(node):
        _refuse_aliases(part, seen)


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def plain_of(node: yaml.Node, text: str) -> Any:
    """The value of one node."""
    if isinstance(node, yaml.MappingNode):
        return {_written(key, text): plain_of(value, text) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain_of(item, text) for item in node.value]
    return _written(node, text)


def _written(node: yaml.Node, text: str) -> str:
    source = text[node.start_mark.index : node.end_mark.index]
    value = str(node.value)
    return Written(value, source) if "\n" not in source and reads_as(source, value) else value


def as_text(value: Any) -> Any:
    """The value as the reader sees it, scalars as text. An empty file and an empty mapping are one."""
    if isinstance(value, Mapping):
        return {str(key): as_text(part) for key, part in value.items()} or None
    if isinstance(value, list):
        return [as_text(part) for part in value]
    return None if value is None else text_of(value)


def end_of(node: yaml.Node, text: str) -> int:
    """Where its content ends; PyYAML ends what stands on several lines at the next token, comments included."""
    if isinstance(node, yaml.ScalarNode):
        if node.style in {"|", ">"}:
            start = node.start_mark.index
            return start + len(text[start : node.end_mark.index].rstrip())
        return int(node.end_mark.index)
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    return max(end_of(part, text) for part in _parts(node))


def end_of_pair(pair: tuple[yaml.Node, yaml.Node], text: str) -> int:
    """Where a key and its value end."""
    return max(end_of(part, text) for part in pair)


def loses_comments(before: str, after: str) -> bool:
    """Whether a comment stands in one text and no more in the other."""
    kept = list(_comments(after))
    for comment in _comments(before):
        if comment not in kept:
            return True
        kept.remove(comment)
    return False


def _comments(text: str) -> Iterator[str]:
    """What stands outside every token, from # to the end of the line."""
    position = 0
    for token in yaml.scan(text, Loader=yaml.BaseLoader):
        yield from _comments_of(text[position : token.start_mark.index])
        position = max(position, token.end_mark.index)
    yield from _comments_of(text[position:])


def _comments_of(gap: str) -> Iterator[str]:
    for line in gap.splitlines():
        _, mark, words = line.partition("#")
        if mark:
            yield words.strip()
