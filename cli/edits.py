"""What every command that edits the catalog does: read it, show the difference, check the result, ask, write."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.atomic_write import ChangedMeanwhileError, Exclusive, Replacement, exclusive, replace_all
from cli.clock import today
from cli.console import CLONE, ERR, OUT
from cli.selectors import parse_selector
from infra.lock_files import read_lock
from model_catalog import (
    Catalog,
    CatalogError,
    Environment,
    Problem,
    Selector,
    Severity,
    VariantRelease,
    check_catalog,
    check_texts,
)
from model_catalog.editing import ChangeError, EditError, plain, refuse_held, with_release
from model_catalog.imports import RELEASE_HEADER
from model_catalog.yaml_source import parse_source
from planning import demand_names

CATALOG: Path = CLONE / "model_catalog"

Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        help="Write without asking. Without it the difference is shown first; where no terminal is there to ask, "
        "nothing is written then, and the exit code is 0.",
    ),
]


def at_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Edits:
    """The catalog's files as they are and as they shall be. Raises CatalogError where the catalog is wrong already."""

    def __init__(self, root: Path | None = None) -> None:
        root = root or CATALOG
        self._root = root
        checked = check_catalog(root)
        if checked.errors:
            raise CatalogError(checked.errors)
        self.catalog: Catalog = checked.catalog
        self._warnings = set(checked.problems)
        self._before = self._on_disk()
        self._after = dict(self._before)

    def _on_disk(self) -> dict[str, bytes]:
        paths = (*(self._root / "entries").rglob("*.yaml"), *(self._root / "releases").glob("*.yaml"))
        files = (path for path in paths if path.is_file())  # as check_catalog reads them
        return {path.relative_to(self._root).as_posix(): path.read_bytes() for path in files}

    def text(self, path: str) -> str | None:
        """A file as it shall be, by its path below the catalog; None where there is none."""
        content = self._after.get(path)
        return None if content is None else content.decode("utf-8")

    def put(self, path: str, text: str) -> None:
        """The file shall hold this."""
        self._after[path] = text.encode("utf-8")

    @contextmanager
    def locating(self, path: str, variant: Selector | None = None) -> Iterator[None]:
        """What is refused about a file comes out as a CatalogError with its place there."""
        source = parse_source(self._after.get(path, b""), self._shown(path))
        try:
            yield
        except ChangeError as error:
            place = (str(variant), *error.place) if variant else error.place
            raise CatalogError(
                [source.problem(place, rule=error.rule, message=error.message, fix=error.fix)]
            ) from error
        except EditError as error:
            message, _, fix = str(error).partition("; ")
            fix = fix or "edit it by hand"
            raise CatalogError(
                [
                    source.problem(
                        (), rule="edited-by-place", message=message, fix=f"{fix[0].upper()}{fix[1:]}"
                    )
                ]
            ) from error

    def release(self, environment: Environment, variant: Selector) -> VariantRelease | None:
        """How the environment shall release the variant."""
        with self.locating(_release_path(environment)):
            value = plain(self.text(_release_path(environment)) or "") or {}
        written = value.get(str(variant))
        return None if written is None else VariantRelease.model_validate(written)

    def change_release(
        self,
        environment: Environment,
        variant: Selector,
        change: Callable[[VariantRelease | None], VariantRelease | None],
        *,
        despite_hold: bool = False,
    ) -> None:
        """Changes how the environment releases the variant. Raises CatalogError where that is refused, as by a hold."""
        path = _release_path(environment)
        before = self.release(environment, variant)
        with self.locating(path, variant):
            after = change(before)
            if after != before:
                if not despite_hold:
                    refuse_held(before, today())
                self.put(path, with_release(self.text(path) or RELEASE_HEADER, variant, after))

    def settle(self, *, yes: bool, remarks: Sequence[str] = ()) -> None:
        """Shows the difference, checks the result, asks and writes; or says why not."""
        changed = sorted(path for path, content in self._after.items() if self._before.get(path) != content)
        for path in changed:
            self._show_difference(path)
        catalog = self._check()
        for remark in remarks:
            OUT.print(remark, markup=False, emoji=False)
        if not changed:
            OUT.print("nothing to change: it is so already")
            return
        if not self._agreed(yes=yes):
            return
        with exclusive(self._root) as held:
            self._write(held, changed)
        OUT.print(f"written: {', '.join(map(self._shown, changed))}", markup=False, emoji=False)
        for environment in Environment:
            if _release_path(environment) in changed and self._lacks_places(catalog, environment):
                OUT.print(
                    f"next: slipway plan --env {environment} --write (places what is new; commit its lock too)",
                    markup=False,
                )

    def _write(self, held: Exclusive, changed: Sequence[str]) -> None:
        """Raises CatalogError where another command was first, with one of these files or with one that they need."""
        replacements = [
            Replacement(path=self._root / path, before=self._before.get(path), after=self._after[path])
            for path in changed
        ]
        others = {path: content for path, content in self._on_disk().items() if path not in changed}
        if others != {path: content for path, content in self._before.items() if path not in changed}:
            after = {**others, **{path: self._after[path] for path in changed}}
            checked = check_texts(after, name=self._root.name)
            if checked.errors:
                OUT.print("nothing was written: other files changed on disk meanwhile")
                raise CatalogError(checked.errors)
        try:
            replace_all(held, replacements)
        except ChangedMeanwhileError as error:
            shown = self._shown(error.path.relative_to(self._root).as_posix())
            raise CatalogError([changed_meanwhile(shown)]) from error

    def _lacks_places(self, catalog: Catalog, environment: Environment) -> bool:
        running = catalog.running(environment)
        try:
            return demand_names(running) != read_lock(self._root, environment).places.keys()
        except CatalogError:
            return True

    def _check(self) -> Catalog:
        checked = check_texts(self._after, name=self._root.name)
        if checked.errors:
            OUT.print("nothing was written: the catalog would be wrong")
            raise CatalogError(checked.errors)
        for problem in checked.problems:
            if problem.severity is Severity.WARNING and problem not in self._warnings:
                ERR.print(str(problem), markup=False, emoji=False)
        return checked.catalog

    def _agreed(self, *, yes: bool) -> bool:
        if yes:
            return True
        if not at_terminal():
            OUT.print("nothing was written: nobody can be asked here; add --yes to write it")
            return False
        if typer.confirm("Write this?", default=False):
            return True
        OUT.print("nothing was written")
        return False

    def _show_difference(self, path: str) -> None:
        before, after = (files.get(path, b"").decode("utf-8") for files in (self._before, self._after))
        shown = self._shown(path)
        lines = difflib.unified_diff(
            _lines(before),
            _lines(after),
            f"a/{shown}" if path in self._before else "/dev/null",
            f"b/{shown}",
            lineterm="",
        )
        for line in lines:
            OUT.print(line.rstrip("\r"), markup=False, emoji=False, style=_STYLES.get(line[:1]))

    def _shown(self, path: str) -> str:
        return f"{self._root.name}/{path}"


_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


def _lines(text: str) -> list[str]:
    *whole, last = text.split("\n")
    return [*whole, f"{last}  (no line end)"] if last else whole


def _release_path(environment: Environment) -> str:
    return f"releases/{environment}.yaml"


def changed_meanwhile(file: str) -> Problem:
    """Return the problem of a file that another command, or somebody, has changed since it was read."""
    return Problem(
        file=file,
        line=1,
        column=1,
        rule="changed-meanwhile",
        message="the file changed on disk meanwhile; nothing was written",
        fix="Run the command again",
    )


def parse_variant(text: str, catalog: Catalog) -> Selector:
    """A selector of one variant or one version that the catalog has. Raises typer.BadParameter otherwise."""
    selector = parse_selector(text, catalog)
    if selector.language is None:
        raise typer.BadParameter(
            f"{text} names several variants; write Task/Model/lang or Task/Model/lang@version"
        )
    return selector
