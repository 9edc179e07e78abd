"""A plot of a few numbers as horizontal bars, as PNG. Pure.

Drawn with Pillow, which is here for images: a plotting library would be larger than all the reports.
"""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

WIDTH, ROW, LABEL, NUMBER, MARGIN = 640, 30, 150, 110, 8
BAR, TEXT, PAPER = "#2f6f9f", "#1a1a1a", "#ffffff"
SIZE = 14


def bars(numbers: Sequence[tuple[str, int]]) -> bytes:
    """A bar for each label and number, from the top; each with its number and its share of the first one."""
    image = Image.new("RGB", (WIDTH, ROW * max(1, len(numbers)) + 2 * MARGIN), PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(SIZE)
    most = max((number for _, number in numbers), default=0)
    first = numbers[0][1] if numbers else 0
    for row, (label, number) in enumerate(numbers):
        top = MARGIN + row * ROW
        length = (WIDTH - LABEL - NUMBER - MARGIN) * number // most if most else 0
        draw.text((MARGIN, top + ROW // 2), label, TEXT, font, anchor="lm")
        draw.rectangle((LABEL, top + 4, LABEL + length, top + ROW - 4), BAR)
        share = f" ({number / first:.0%})" if first else ""
        draw.text((LABEL + length + 6, top + ROW // 2), f"{number:,}{share}", TEXT, font, anchor="lm")
    file = io.BytesIO()
    image.quantize(16).save(file, "PNG", optimize=True)
    return file.getvalue()
