"""The style of every page: light and dark by what the reader's system says, one column at the width of a phone. Pure.

A test computes the contrast of each colour of text with each ground that it stands on (WCAG AA), because checkers of
pages do not look into pictures.
"""

COLOURS = 6
"""So many lines of a chart have a colour of their own; the classes are c0, c1 and so on."""
LIGHT = {
    "ground": "#f6f7f9",
    "card": "#ffffff",
    "text": "#1b2430",
    "soft": "#566274",
    "line": "#d8dde5",
    "link": "#0b57d0",
    "good": "#14703a",
    "warning": "#8a5300",
    "critical": "#b3201b",
    "unknown": "#5b4a9c",
    "c0": "#1f66c1",
    "c1": "#b4530a",
    "c2": "#0f7d63",
    "c3": "#a62f7d",
    "c4": "#6b5bb5",
    "c5": "#6d6a18",
}
DARK = {
    "ground": "#12161c",
    "card": "#1b212a",
    "text": "#e6eaf0",
    "soft": "#a5b0c0",
    "line": "#343d4a",
    "link": "#8ab6ff",
    "good": "#5fd08a",
    "warning": "#f0b35a",
    "critical": "#ff938c",
    "unknown": "#bcaeff",
    "c0": "#74aef5",
    "c1": "#f2a05c",
    "c2": "#55c9a9",
    "c3": "#ee8bc6",
    "c4": "#b3a5f0",
    "c5": "#cdc96a",
}


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in colours.items())


STYLE = (
    f""":root{{color-scheme:light dark;{_variables(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}
"""
    """*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif}
header,main{max-width:78rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.4rem}
h1{font-size:1.6rem;line-height:1.25;margin:0}
h2{font-size:1.2rem;margin:0}
h3{font-size:.95rem;margin:0 0 .1rem;font-weight:600}
p{margin:.25rem 0}
a{color:var(--link)}
nav ul{list-style:none;margin:.7rem 0 0;padding:0;display:flex;flex-wrap:wrap;gap:.35rem 1rem}
[aria-current]{font-weight:600;color:var(--text);text-decoration:none}
section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;margin:1rem 0}
.soft,.unit,caption{color:var(--soft)}
.standing{display:inline-block;border:1px solid;border-radius:1rem;padding:0 .55rem;font-size:.8rem;font-weight:600;
margin-left:.5rem;vertical-align:.1rem;white-space:nowrap}
.good{color:var(--good)}.warning{color:var(--warning)}.critical{color:var(--critical)}.unknown{color:var(--unknown)}
.note{border-left:3px solid;padding-left:.6rem}
.plain.note{border-color:var(--line)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:.6rem;margin:.8rem 0}
dl div{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .7rem}
dt{color:var(--soft);font-size:.85rem}
dd{margin:0}
dd strong{font-size:1.3rem;font-weight:600;line-height:1.3;overflow-wrap:anywhere}
dd span{display:block;color:var(--soft);font-size:.8rem}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(20.5rem,100%),1fr));gap:1rem 1.4rem}
.charts{margin:.8rem 0}
figure{margin:0;min-width:0}
svg{display:block;width:100%;height:auto;max-width:34rem;overflow:visible}
.unit,.key{font-size:.82rem}
.key{list-style:none;margin:.1rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.1rem .9rem}
.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:.2rem;margin-right:.3rem;vertical-align:-.1rem}
svg text{font-size:10.5px;fill:var(--soft)}
.value{text-anchor:end}.middle{text-anchor:middle}.last{text-anchor:end}
.grid{stroke:var(--line);stroke-width:1}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.line,.dot{stroke-linecap:round}.dot{stroke-width:5}
"""
    + "".join(
        f".line.c{n},.dot.c{n}{{stroke:var(--c{n})}}.bar.c{n}{{fill:var(--c{n})}}.key .c{n}{{background:var(--c{n})}}"
        for n in range(COLOURS)
    )
    + """
.line.c1{stroke-dasharray:6 3}.line.c2{stroke-dasharray:2 3}.line.c3{stroke-dasharray:8 3 2 3}
.wide{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:.2rem;font-size:.85rem}
th,td{text-align:left;vertical-align:top;padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;white-space:nowrap}
td{white-space:nowrap}
.l{white-space:normal;min-width:9rem;max-width:34rem;overflow-wrap:break-word}
.n,.numbers td+td,.numbers th+th{text-align:right;white-space:nowrap}
code{font:.92em ui-monospace,monospace;overflow-wrap:anywhere}
summary{cursor:pointer;color:var(--link);font-size:.85rem;width:max-content;max-width:100%}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
@media (max-width:30rem){section{padding:.8rem;margin:.7rem -.4rem}dl{grid-template-columns:1fr 1fr}
.stacked thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.stacked tr{display:block;padding:.3rem 0;border-bottom:1px solid var(--line)}
.stacked td{display:grid;grid-template-columns:5rem 1fr;gap:.4rem;border:0;padding:.1rem 0}
.stacked td{white-space:normal;overflow-wrap:anywhere;min-width:0}
.stacked td::before{content:attr(data-t);color:var(--soft)}}
@media print{section{break-inside:avoid}}
"""
)
