"""A plot of a lift with its interval, look by look, as PNG: how an experiment came to its verdict. Pure.

Drawn with Pillow, which is here for images: a plotting library would be larger than all that is plotted.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from PIL import Image, ImageDraw, ImageFont

WIDTH, ROW, LABEL, MARGIN, SIZE = 640, 18, 210, 10, 12
TEXT, FAINT, PAPER = "#1a1a1a", "#b5b5b5", "#ffffff"
COLOURS = {"better": "#1f7a4d", "worse": "#b3261e"}
UNDECIDED = "#2f6f9f"
# The first looks are so wide that beside them nothing else would be seen: the axis fits the newest, times this.
WIDEST = 2.5
SMALLEST, LARGEST = 0.01, 1.0


@dataclass(frozen=True)
class Interval:
    """The lift of a variant by the end of a day (0.1 is 10 % more), and the verdict, which gives the colour."""

    day: date
    variant: str
    lift: float
    low: float
    high: float
    verdict: str


def intervals(looks: Sequence[Interval]) -> bytes:
    """A row for each look, in order (at least one), and a line at no lift. What reaches beyond the axis is cut."""
    newest = [look for look in looks if look.day == looks[-1].day]
    reach = WIDEST * max(min(max(abs(look.low), abs(look.high), SMALLEST), LARGEST) for look in newest)
    height = ROW * (len(looks) + 1) + 2 * MARGIN
    image = Image.new("RGB", (WIDTH, height), PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(SIZE)

    def across(lift: float) -> int:
        inside = min(reach, max(-reach, lift))
        return round(LABEL + (WIDTH - LABEL - 2 * MARGIN) * (inside + reach) / (2 * reach))

    draw.line((across(0), MARGIN, across(0), height - MARGIN - ROW), FAINT)
    for row, look in enumerate(looks):
        middle, colour = MARGIN + row * ROW + ROW // 2, COLOURS.get(look.verdict, UNDECIDED)
        draw.text((MARGIN, middle), f"{look.day:%Y-%m-%d}  {look.variant[:18]}", TEXT, font, anchor="lm")
        draw.line((across(look.low), middle, across(look.high), middle), colour, width=2)
        draw.ellipse((across(look.lift) - 3, middle - 3, across(look.lift) + 3, middle + 3), colour)
    for lift, anchor in ((-reach, "lm"), (0.0, "mm"), (reach, "rm")):
        draw.text(
            (across(lift), height - MARGIN - ROW // 2), f"{lift:+.0%}" if lift else "0", TEXT, font, anchor=anchor
        )
    file = io.BytesIO()
    image.quantize(16).save(file, "PNG", optimize=True)
    return file.getvalue()
