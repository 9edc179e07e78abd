"""A page as one HTML file: no script, nothing is loaded, every text of others is escaped. Pure.

Each chart has its figures beside it as a table that opens, for those who do not see the picture. What does not belong
here: what a page says.
"""

from collections.abc import Iterator, Sequence
from html import escape

from assets.page import blocks, figures
from assets.page.chart import drawn
from assets.page.style import COLOURS, STYLE

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
MOST_ROWS = 100
LONGEST_CELL, SHORT = 400, 28


def html(page: blocks.Page) -> str:
    """The file."""
    made = f"Made {figures.moment(page.made_at)} UTC. {page.says} All times are UTC."
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n',
            f'<link rel="icon" href="data:,">\n<title>{escape(page.title)}</title>\n<style>{STYLE}</style>\n',
            "</head>\n<body>\n<header>\n",
            f"<h1>{escape(page.title)}{_standing(page.standing)}</h1>\n",
            f'<p class="soft">{escape(made)}</p>\n',
            *(_links(name, links) for name, links in page.links),
            _links("Sections", [blocks.Link(section.title, f"#{section.name}") for section in page.sections]),
            "</header>\n<main>\n",
            *map(_section, page.sections),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _links(name: str, links: Sequence[blocks.Link]) -> str:
    items = "".join(f"<li>{_link(link)}</li>" for link in links)
    return f'<nav aria-label="{escape(name)}"><ul>{items}</ul></nav>\n'


def _link(link: blocks.Link) -> str:
    here = " aria-current=page" if link.current else ""
    return f'<a href="{escape(link.address)}"{here}>{escape(link.text)}</a>'


def _section(section: blocks.Section) -> str:
    name = escape(section.name)
    says = f'<p class="soft">{escape(section.says)}</p>\n' if section.says else ""
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">\n'
        f'<h2 id="{name}-title">{escape(section.title)}{_standing(section.standing)}</h2>\n'
        f"{says}{''.join(map(_block, section.blocks))}</section>\n"
    )


def _block(block: blocks.Block) -> str:
    if isinstance(block, blocks.Figures):
        return f"<dl>{''.join(map(_figure, block.figures))}</dl>\n"
    if isinstance(block, blocks.Note):
        return f'<p class="note {block.standing}">{escape(block.text)}</p>\n'
    if isinstance(block, blocks.Table):
        return _table(block)
    if isinstance(block, blocks.Charts):
        table = _table(_figures_of(block.charts, block.title)) if block.title else ""
        pictures = "".join(_chart(chart, alone=not table) for chart in block.charts)
        return f'<div class="charts">\n{pictures}</div>\n{table}'
    return f'<div class="charts">\n{_chart(block)}</div>\n'


def _standing(standing: blocks.Standing) -> str:
    return "" if standing is blocks.Standing.PLAIN else f' <span class="standing {standing}">{standing}</span>'


def _figure(figure: blocks.Figure) -> str:
    standing = (
        blocks.Standing.UNKNOWN
        if figure.value == blocks.NO_DATA and figure.standing is blocks.Standing.GOOD
        else figure.standing
    )
    note = f"<span>{escape(figure.note)}</span>" if figure.note else ""
    return (
        f'<div><dt>{escape(figure.label)}</dt><dd><strong class="{standing}">{escape(figure.value)}</strong>'
        f"{note}</dd></div>"
    )


def _table(table: blocks.Table) -> str:
    caption = escape(table.caption)
    if not table.rows:
        return f'<p class="soft">{caption}: {escape(table.empty)}.</p>\n'
    rows = table.rows[:MOST_ROWS]
    left = table.left_out + len(table.rows) - len(rows)
    more = f'<p class="soft">{left:,} more are not shown.</p>\n' if left else ""
    # Rows and cells end where the next one begins: their end tags were a tenth of a large page.
    head = "".join(f"<th scope=col{_number(column, table)}>{escape(column.title)}" for column in table.columns)
    body = "".join(
        f"<tr>{''.join(_cell(cell, column, table) for cell, column in zip(row, table.columns, strict=True))}\n"
        for row in rows
    )
    kind = "wide stacked" if table.stacked else "wide numbers" if _is_of_numbers(table) else "wide"
    # A table that scrolls is reached by keys too.
    whole = (
        f'<div class="{kind}" role="region" tabindex="0" aria-label="{caption}"><table><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</thead>\n<tbody>\n{body}</tbody></table></div>\n{more}"
    )
    return f"<details><summary>{caption}</summary>\n{whole}</details>\n" if table.folded else whole


def _cell(cell: str | blocks.Cell, column: blocks.Column, table: blocks.Table) -> str:
    one = cell if isinstance(cell, blocks.Cell) else blocks.Cell(cell)
    text = escape(_cut(one.text))
    shown = f"<code>{text}</code>" if one.code else f"<span>{text}</span>" if table.stacked else text
    if one.standing is not blocks.Standing.PLAIN:
        shown = f'<span class="{one.standing}">{shown}</span>'
    title = f' data-t="{escape(column.title)}"' if table.stacked else ""
    return f"<td{_number(column, table) or _long(one.text)}{title}>{shown}"


def _is_of_numbers(table: blocks.Table) -> bool:
    """Whether its first column alone has no numbers: then the table says how they stand, and not each cell."""
    return [column.number for column in table.columns] == [False] + [True] * (len(table.columns) - 1)


def _number(column: blocks.Column, table: blocks.Table) -> str:
    return " class=n" if column.number and (table.stacked or not _is_of_numbers(table)) else ""


def _long(text: str) -> str:
    """Long texts are broken, short ones are not, so that a date stays one."""
    return " class=l" if len(text) > SHORT else ""


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} …"


def _chart(chart: blocks.Chart, *, alone: bool = True) -> str:
    """alone: with a table of its figures."""
    title = escape(chart.title)
    if not chart.moments or chart.is_empty:
        return f'<figure><h3>{title}</h3><p class="soft">{blocks.NO_DATA}</p></figure>\n'
    key = "".join(
        f"<li><i class=c{number % COLOURS}></i>{escape(line.name)}</li>" for number, line in enumerate(chart.lines)
    )
    table = _table(_figures_of([chart], chart.title)) if alone else ""
    return (
        f'<figure><h3>{title}</h3><p class="unit">{escape(chart.unit)}</p>'
        f"{f'<ul class=key>{key}</ul>' if len(chart.lines) > 1 else ''}"
        f'<div role="img" aria-label="{escape(_in_words(chart))}">{drawn(chart)}</div>\n{table}</figure>\n'
    )


def _in_words(chart: blocks.Chart) -> str:
    """What the picture shows, for those who hear it."""
    return f"{chart.title}, {chart.unit}. {' '.join(_line_in_words(chart))}"


def _line_in_words(chart: blocks.Chart) -> Iterator[str]:
    for line in chart.lines:
        known = [value for value in line.values if value is not None]
        if known:
            low, high = figures.axis(min(known)), figures.axis(max(known))
            yield f"{line.name}: from {low} to {high}, at last {figures.axis(known[-1])}."
        else:
            yield f"{line.name}: {blocks.NO_DATA}."


def _figures_of(charts: Sequence[blocks.Chart], title: str) -> blocks.Table:
    step, lines = charts[0].step, [line for chart in charts for line in chart.lines]
    written = "%Y-%m-%d" if step == "day" else "%Y-%m-%d %H:%M"
    rows = [
        [f"{at:{written}}", *(figures.count(line.values[place]) for line in lines)]
        for place, at in reversed(list(enumerate(charts[0].moments)))
        if any(line.values[place] is not None for line in lines)
    ]
    columns = [blocks.Column(step), *(blocks.Column(line.column or line.name, number=True) for line in lines)]
    return blocks.Table(f"Figures: {title}", columns, rows, folded=True)
