"""Where codes stand in a request, for answers that name them by index."""

from collections.abc import Sequence


def places(codes: Sequence[str], some: Sequence[str]) -> list[int]:
    """Where in `codes` some of them are, ascending; `some` may be in any order. Of a code that comes twice the last."""
    left: dict[str, int] = {}
    for code in some:
        left[code] = left.get(code, 0) + 1
    found = []
    for index in range(len(codes) - 1, -1, -1) if left else ():
        if left.get(codes[index]):
            left[codes[index]] -= 1
            found.append(index)
    return found[::-1]
