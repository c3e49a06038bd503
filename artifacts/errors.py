"""What can go wrong with an artifact, told to a person: the place, what was expected and found, and the fix."""

from __future__ import annotations


class ArtifactError(Exception):
    """Base of all that this room raises on purpose."""


class RefusedError(ArtifactError):
    """What was asked for is wrong: no such files, names that cannot be kept, another digest. Asking again is no use."""


class StorageError(ArtifactError):
    """The storage did not do it: no permission, throttled to the end, changed meanwhile. Asking again may help."""


class HubError(ArtifactError):
    """The Hugging Face Hub did not do it: unreachable, throttled to the end, other bytes than it lists. Asking again
    may help."""


class NoBucketError(RefusedError):
    """The bucket does not exist."""


class DigestMismatchError(RefusedError):
    """The files are not those of the digest that was asked for."""

    def __init__(self, place: str, expected: str, found: str) -> None:
        self.place, self.expected, self.found = place, expected, found
        super().__init__(
            f"{place}: the files are not those of the digest, so nothing was published\n"
            f"  expected {expected}\n"
            f"  found    {found}\n"
            f"Fix: if these are the files you mean, write digest: {found} as a new version; else put back the files "
            "that were evaluated, and run it again"
        )


class NotPublishedError(RefusedError):
    """A bucket has no manifest for a digest: nobody promoted it, or somebody is about to."""

    def __init__(self, place: str) -> None:
        self.place = place
        super().__init__(
            f"{place} is not there: nothing is published under this digest. "
            "Fix: run `pulumi up` on the environment's stack, or check digest and bucket"
        )
