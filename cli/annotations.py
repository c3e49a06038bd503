"""Findings as annotations of GitHub Actions, which shows them at their place in a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands, read 2026-11.
"""

from model_catalog import Problem


def annotation(problem: Problem) -> str:
    """::error file=…,line=…,col=…,title=rule::message. fix; ::warning where it is one."""
    place = f"file={_property(problem.file)},line={problem.line},col={problem.column}"
    said = _data(f"{problem.message}. {problem.fix}")
    return f"::{problem.severity.value} {place},title={_property(problem.rule)}::{said}"


def error_annotation(title: str, message: str) -> str:
    """An error that has no place in a file."""
    return f"::error title={_property(title)}::{_data(message)}"


def notice(title: str, message: str) -> str:
    """A remark that has no place in a file and asks for nothing."""
    return f"::notice title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
