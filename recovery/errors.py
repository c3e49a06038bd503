"""The errors of a recovery. Each message says what was found and what to do."""


class RecoveryError(Exception):
    """A recovery cannot go on; nothing was changed unless the message says so."""


class LookupFailedError(RecoveryError):
    """AWS did not answer a question about one object."""


class MissingInputError(RecoveryError):
    """An input that the id follows from is absent, or is no plain text: a secret, or an unknown value."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"the input {path} is absent or is no plain text")
