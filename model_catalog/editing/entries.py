"""What commands do to an entry, as functions from text to text."""

from model_catalog.editing.places import EditError, plain
from model_catalog.editing.rewriting import with_value
from model_catalog.selector import Selector


def with_digest(text: str, version: Selector, digest: str) -> str:
    """The entry's text whose one version says this digest of its artifact.

    Raises EditError where the text does not say that version, or is in a form that commands do not edit.
    """
    value = plain(text)
    try:
        artifact = value["languages"][version.language]["versions"][version.version]["artifact"]
        artifact["digest"] = digest
    except (KeyError, TypeError) as error:
        raise EditError(f"it does not say what {version}'s artifact is; write the digest by hand") from error
    return with_value(text, value)
