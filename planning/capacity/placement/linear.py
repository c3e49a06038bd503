"""A linear program in exact fractions, so that every machine finds the same corner."""

from collections.abc import Sequence
from fractions import Fraction


def maximize(
    gains: Sequence[int], rows: Sequence[Sequence[int]], limits: Sequence[int]
) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """The y ≥ 0 with the greatest gains·y where row·y ≤ limit for each row, and each row's multiplier.

    The multipliers are the cheapest amounts of the rows that together reach every gain. Limits must not be negative.

    Simplex with Bland's rule, which cannot cycle. Where y could grow for ever it stops at the corner before: the
    caller gives each gain a row that bounds it.
    """
    variables, count = len(gains), len(rows)
    table = [
        [Fraction(cell) for cell in row] + [Fraction(int(i == j)) for j in range(count)] + [Fraction(limit)]
        for i, (row, limit) in enumerate(zip(rows, limits, strict=True))
    ]
    objective = [Fraction(-gain) for gain in gains] + [Fraction(0)] * (count + 1)
    basis = [variables + i for i in range(count)]
    while True:
        entering = next((j for j in range(variables + count) if objective[j] < 0), None)
        if entering is None:
            break
        ratios = [(row[-1] / row[entering], basis[i], i) for i, row in enumerate(table) if row[entering] > 0]
        if not ratios:
            break
        leaving = min(ratios)[2]
        _pivot(table, objective, leaving, entering)
        basis[leaving] = entering
    corner = [Fraction(0)] * variables
    for i, variable in enumerate(basis):
        if variable < variables:
            corner[variable] = table[i][-1]
    return tuple(corner), tuple(objective[variables : variables + count])


def _pivot(table: list[list[Fraction]], objective: list[Fraction], leaving: int, entering: int) -> None:
    by = table[leaving][entering]
    pivot = table[leaving] = [cell / by for cell in table[leaving]]
    for i, row in enumerate(table):
        if i != leaving and row[entering]:
            factor = row[entering]
            table[i] = [cell - factor * other for cell, other in zip(row, pivot, strict=True)]
    if objective[entering]:
        factor = objective[entering]
        objective[:] = [cell - factor * other for cell, other in zip(objective, pivot, strict=True)]
