"""One spelling of each character, so that a model sees the bytes it was trained on."""

import unicodedata
from typing import ClassVar, Literal

from preprocessing.options import StepOptions


class NormalizeUnicode(StepOptions):
    """Writes equivalent character sequences in one Unicode normalization form."""

    step: ClassVar[str] = "normalize_unicode"

    form: Literal["NFC", "NFKC"] = "NFC"
    """NFC keeps every distinction of meaning. NFKC also folds ligatures, full width and superscripts (x² → x2)."""


def normalize_unicode(text: str, options: NormalizeUnicode) -> str:
    """The text in the form that the options name. A second run changes nothing."""
    return unicodedata.normalize(options.form, text)
