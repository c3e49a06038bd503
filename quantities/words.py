"""Numbers with the thing that they count, as people read them."""


def counted(number: int, thing: str) -> str:
    """(1, "node") → "1 node", (2500, "node") → "2,500 nodes"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
