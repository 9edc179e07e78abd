"""A chart as SVG: scales, axes, lines or stacked bars. Colours are classes, which the page's style gives. Pure.

A picture holds only numbers and dates: its name, its unit and its lines are words of the page around it. What does not
belong here: that page (document.py).
"""

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import svg

from assets.page import figures
from assets.page.blocks import Chart
from assets.page.style import COLOURS

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 8, 20
MOST_STEPS = 4
SMALLEST = 1e-9  # what is smaller is drawn as zero


def drawn(chart: Chart) -> str:
    """The picture; the chart has a value at least."""
    scale = _Scale(chart)
    elements: list[svg.Element] = [*_grid(scale), *_dates(chart, scale)]
    elements += _bars(chart, scale) if chart.bars else _lines(chart, scale)
    # Within HTML a picture needs no namespace.
    picture = str(svg.SVG(xmlns=None, viewBox=svg.ViewBoxSpec(0, 0, WIDTH, HEIGHT), elements=elements))
    return re.sub(r'(?<= d=")[^"]*', lambda path: _packed(path[0]), picture)


def _packed(path: str) -> str:
    """A path in fewer characters: after a point each further one is a line's, and a letter needs no spaces."""
    return re.sub(r" ?([A-Za-z]) ?", r"\1", path.replace(" L ", " "))


class _Scale:
    """From values and places to points of the picture."""

    def __init__(self, chart: Chart) -> None:
        highest = _highest(chart)
        self.step = nice_step(highest)
        self.top = self.step * max(1, math.ceil(highest / self.step - 1e-9))
        self.places = len(chart.moments)

    def x(self, place: float) -> float:
        """The middle of a moment's place."""
        return _short(LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / self.places)

    def y(self, value: float) -> float:
        return _short(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top)


def nice_step(highest: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, of which at most four reach a value."""
    if highest < SMALLEST:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest / MOST_STEPS))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power * MOST_STEPS >= highest * (1 - 1e-9))


def _highest(chart: Chart) -> float:
    if chart.bars:
        return max(sum(line.values[place] or 0.0 for line in chart.lines) for place in range(len(chart.moments)))
    return max(value for line in chart.lines for value in line.values if value is not None)


def _grid(scale: _Scale) -> Iterator[svg.Element]:
    values = [scale.step * number for number in range(round(scale.top / scale.step) + 1)]
    heights = [scale.y(value) for value in values]
    lines: list[svg.PathData] = [part for y in heights for part in (svg.M(LEFT, y), svg.H(WIDTH - RIGHT))]
    yield svg.Path(class_=["grid"], d=lines)
    texts = [
        svg.Text(x=LEFT - 5, y=_short(y + 3.5), text=figures.axis(value))
        for y, value in zip(heights, values, strict=True)
    ]
    yield svg.G(class_=["value"], elements=[*texts])


def _dates(chart: Chart, scale: _Scale) -> Iterator[svg.Element]:
    last = len(chart.moments) - 1
    for place in sorted({0, last // 2, last}):
        # A label at an edge ends there, so that none is cut.
        edge = "first" if place == 0 and last else "last" if place == last and last else "middle"
        x = LEFT if edge == "first" else WIDTH - RIGHT if edge == "last" else scale.x(place)
        text = _date(chart.moments[place], chart.step)
        yield svg.Text(class_=["date", edge], x=x, y=HEIGHT - 5, text=text)


def _date(at: datetime, step: str) -> str:
    return f"{at:%d %b}" if step == "day" else f"{at:%d %b %H:%M}"


def _lines(chart: Chart, scale: _Scale) -> Iterator[svg.Element]:
    for number, line in enumerate(chart.lines):
        path: list[svg.PathData] = []
        dots: list[svg.PathData] = []
        for run in _runs(line.values):
            points = [(scale.x(place), scale.y(value)) for place, value in run]
            if len(points) == 1:  # a dot is a line of no length with round ends
                dots += [svg.M(*points[0]), svg.h(0)]
            else:
                path += [svg.M(*points[0]), *(svg.L(*point) for point in points[1:])]
        for name, drawn_path in (("line", path), ("dot", dots)):
            if drawn_path:
                yield svg.Path(class_=[name, f"c{number % COLOURS}"], d=drawn_path)


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Stretches of known values, because a line over what nobody knows would say that somebody does."""
    run: list[tuple[int, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _bars(chart: Chart, scale: _Scale) -> Iterator[svg.Element]:
    width = _short((WIDTH - LEFT - RIGHT) / scale.places * 0.8)
    bottoms = [0.0] * scale.places
    for number, line in enumerate(chart.lines):
        path: list[svg.PathData] = []
        for place, value in enumerate(line.values):
            if not value:
                continue
            low, high = scale.y(bottoms[place]), scale.y(bottoms[place] + value)
            left = _short(scale.x(place) - width / 2)
            path += [svg.M(left, low), svg.V(high), svg.h(width), svg.V(low), svg.Z()]
            bottoms[place] += value
        if path:
            yield svg.Path(class_=["bar", f"c{number % COLOURS}"], d=path)


def _short(value: float) -> float:
    tenths = round(value * 10)
    return tenths / 10 if tenths % 10 else tenths // 10
