"""Steps before inference: pure functions with typed options. A leaf: it imports no package but quantities.

A catalog names steps (`Step`, `STEPS`); what runs before a model calls `prepare`, or one step's function.
"""

from preprocessing.collapse_whitespace import CollapseWhitespace, collapse_whitespace
from preprocessing.detect_language import DetectLanguage, IdentifiedLanguage, Identify, detect_language
from preprocessing.detect_script import SCRIPTS, DetectedScript, DetectScript, detect_script
from preprocessing.normalize_unicode import NormalizeUnicode, normalize_unicode
from preprocessing.options import StepOptions
from preprocessing.prepare import Prepared, prepare
from preprocessing.step import STEPS, Step, write_step
from preprocessing.strip_markup import StripMarkup, strip_markup
from preprocessing.truncate import Truncate, truncate

__all__ = [
    "CollapseWhitespace",
    "DetectLanguage",
    "DetectScript",
    "DetectedScript",
    "IdentifiedLanguage",
    "Identify",
    "NormalizeUnicode",
    "Prepared",
    "SCRIPTS",
    "STEPS",
    "Step",
    "StepOptions",
    "StripMarkup",
    "Truncate",
    "collapse_whitespace",
    "detect_language",
    "detect_script",
    "normalize_unicode",
    "prepare",
    "strip_markup",
    "truncate",
    "write_step",
]
