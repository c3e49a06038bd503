"""`slipway schema`: the JSON Schemas by which editors check and complete entries and releases."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.console import CLONE
from model_catalog.json_schema import SCHEMAS, schema_path, schema_text


def schema(
    kind: Annotated[
        Literal["entry", "release"] | None,
        typer.Argument(help="Of which file.", show_default="both, to write"),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write model_catalog/schema/ instead of printing.")
    ] = False,
) -> None:
    """Print the JSON Schema of an entry or a release, made from the catalog's types; with --write, write the files.

    An editor with a YAML language server finds them by the first line of each file:
    # yaml-language-server: $schema=../../schema/entry.schema.json
    """
    if not write:
        if kind is None:
            raise typer.BadParameter("name one to print: entry or release; or write both with --write")
        typer.echo(schema_text(kind), nl=False)
        return
    for each in (kind,) if kind else tuple(SCHEMAS):
        path, text = CLONE / "model_catalog" / schema_path(each), schema_text(each)
        shown = path.relative_to(CLONE)
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            typer.echo(f"{shown} is as the types make it")
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {shown}")
