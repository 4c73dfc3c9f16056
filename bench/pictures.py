"""Charts as SVG text: lines and bars, with axes, units and titles, readable on light and on dark ground."""

import math
from xml.sax.saxutils import escape

_WIDTH, _LEFT, _RIGHT, _TOP = 860, 80, 190, 64
_PLOT = 340
_BAR = 22
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9")  # told apart by the colour-blind too
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}.title{font-size:16px;font-weight:600}.soft{fill:#666}"
    ".ground{fill:#fff}.grid{stroke:#ddd}.axis{stroke:#666}.bar{fill:#0072b2}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.soft{fill:#aaa}.ground{fill:#16191d}.grid{stroke:#383d44}"
    ".axis{stroke:#999}.bar{fill:#3f9bd8}}"
)


def short(value):
    """A figure as it stands at an axis: 250, 1.5k, 10M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")):
        if abs(value) >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return f"{value:.3g}"


def ticks(most):
    """Round figures from 0 up to at least `most`, four to eight of them."""
    if most < 1e-9:
        return [0.0, 1.0]
    rough = 10.0 ** math.floor(math.log10(most / 4))
    step = next(rough * by for by in (1, 2, 2.5, 5, 10) if most / (rough * by) <= 6)
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]


def lines(title, caption, axes, series):
    """Points joined by lines. `axes` names x and y with their units, `series` is `{name: [(x, y), …]}`.

    x is drawn by its logarithm where it spans more than a factor of 20; 0 then stands at the left end.
    """
    points = [point for some in series.values() for point in some]
    place, marks = _across([x for x, _ in points])
    up = ticks(max((y for _, y in points), default=1.0))

    def height(value):
        return _TOP + _PLOT - _PLOT * value / up[-1]

    parts = []
    for value in up:
        parts.append(_line(_LEFT, height(value), _WIDTH - _RIGHT, height(value), "grid"))
        parts.append(_text(_LEFT - 8, height(value) + 4, short(value), "end"))
    for value in marks:
        parts.append(_line(place(value), _TOP + _PLOT, place(value), _TOP + _PLOT + 5, "axis"))
        parts.append(_text(place(value), _TOP + _PLOT + 20, short(value), "middle"))
    for number, (name, some) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{place(x):.1f},{height(y):.1f}" for x, y in some)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{place(x):.1f}" cy="{height(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in some]
        at = _TOP + 12 + 20 * number
        parts.append(f'<rect x="{_WIDTH - _RIGHT + 20}" y="{at - 9}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(_WIDTH - _RIGHT + 40, at + 2, name))
    parts.append(_line(_LEFT, _TOP + _PLOT, _WIDTH - _RIGHT, _TOP + _PLOT, "axis"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _TOP + _PLOT + 42, axes[0], "middle"))
    parts.append(_text(_LEFT, _TOP - 10, axes[1], "middle"))
    return _picture(title, caption, _TOP + _PLOT + 70, parts)


def _across(values):
    """Where a value of x stands, and which are named."""
    values = sorted(set(values)) or [0.0]
    above = [value for value in values if value > 0]
    span = _WIDTH - _RIGHT - _LEFT
    if above and above[-1] > 20 * above[0]:
        low = math.log10(above[0]) - (0.5 if values[0] <= 0 else 0)
        width = math.log10(above[-1]) - low

        def place(value):
            return _LEFT + (span * (math.log10(value) - low) / width if value > 0 else 0)

        return place, _apart(values, place)
    most = values[-1] or 1.0
    return lambda value: _LEFT + span * value / most, _apart(sorted({0, *values}), lambda value: span * value / most)


def _apart(values, place):
    """Those whose names don't run into each other."""
    kept = []
    for value in values:
        if not kept or place(value) - place(kept[-1]) > 34:
            kept.append(value)
    return kept


def bars(title, caption, unit, values):
    """Lying bars: `values` is `[(label, figure), …]`, `unit` says what they are."""
    left = 40 + max((7 * len(label) for label, _ in values), default=0)
    across = ticks(max((value for _, value in values), default=1.0))
    low, span = _TOP + _BAR * len(values), _WIDTH - left - 90
    parts = []
    for value in across:
        x = left + span * value / across[-1]
        parts.append(_line(x, _TOP - 4, x, low + 4, "grid"))
        parts.append(_text(x, low + 20, short(value), "middle"))
    for number, (label, value) in enumerate(values):
        y = _TOP + _BAR * number
        width = span * value / across[-1]
        parts.append(_text(left - 8, y + 15, label, "end"))
        parts.append(f'<rect class="bar" x="{left}" y="{y + 3}" width="{width:.1f}" height="{_BAR - 6}"/>')
        parts.append(_text(left + width + 6, y + 15, f"{value:,.0f}" if value >= 100 else f"{value:.3g}"))
    parts.append(_line(left, _TOP - 4, left, low + 4, "axis"))
    parts.append(_text(left + span / 2, low + 40, unit, "middle"))
    return _picture(title, caption, low + 68, parts)


def _line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x, y, text, anchor="start", kind=""):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(str(text))}</text>'


def _picture(title, caption, height, parts):
    top = [_text(20, 26, title, kind="title"), _text(_WIDTH - 20, height - 6, caption, "end", "soft")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<rect class="ground" width="{_WIDTH}" height="{height}"/>' + "".join([*top, *parts]) + "</svg>\n"
    )
