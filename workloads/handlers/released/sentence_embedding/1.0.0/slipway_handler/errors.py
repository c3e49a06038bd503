"""What can go wrong, by who has to mend it."""


class RequestError(ValueError):
    """The request cannot be answered as it is: the client has to change it. The message says how."""


class WeightsError(RuntimeError):
    """The weights are not there, or not what the handler reads. The message says where, and what to do."""
