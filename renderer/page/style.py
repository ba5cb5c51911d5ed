"""The page's one style sheet, for light and dark screens and for paper. The page has no other source of looks."""

from __future__ import annotations

from typing import Final

HUES: Final = ("#4a84d4", "#c9691f", "#2f9463", "#b75fb5", "#a9812a", "#1f90a5", "#d4607a", "#8474d8")
"""Of the workloads that have a colour of their own: three to one against the page and more against black letters."""
OTHER: Final = "#7a828d"

LIGHT: Final = {
    "page": "#f5f6f8", "card": "#ffffff", "ink": "#1a1f26", "soft": "#4d5663", "line": "#c9cfd8", "free": "#e9ecf0",
    "edge": "#5a6472", "link": "#0b55b5", "good": "#1b6e3c", "bad": "#b3261e", "mark": "#8a4b00", "tint": "#fdf3e1",
}  # fmt: skip
DARK: Final = {
    "page": "#12161b", "card": "#1b2027", "ink": "#e6e9ee", "soft": "#a9b2be", "line": "#3a434f", "free": "#2b323b",
    "edge": "#98a3b1", "link": "#82b4ff", "good": "#6fcf97", "bad": "#ff8a80", "mark": "#f0b357", "tint": "#33291a",
}  # fmt: skip


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


_HUES: Final = "".join(f".h{number}{{fill:{hue}}}" for number, hue in enumerate(HUES))

STYLE: Final = f"""
:root{{color-scheme:light dark;{_variables(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}
*{{box-sizing:border-box}}
html{{-webkit-text-size-adjust:100%;scroll-padding-top:.5rem}}
body{{margin:0 auto;padding:1rem;max-width:82rem;background:var(--page);color:var(--ink);
 font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}}
h1,h2,h3{{line-height:1.25;margin:0;overflow-wrap:anywhere}}
h1{{font-size:1.5rem}}
h2{{font-size:1.15rem;margin-bottom:.6rem}}
h3{{font-size:1rem}}
p{{margin:.35rem 0;overflow-wrap:anywhere}}
a{{color:var(--link)}}
a:focus-visible,[tabindex]:focus-visible,summary:focus-visible{{outline:2px solid var(--link);outline-offset:2px}}
small,.soft{{color:var(--soft);font-size:.87rem;font-weight:400}}
header{{display:flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:baseline;margin-bottom:.8rem}}
header p{{margin:0}}
footer{{color:var(--soft);font-size:.87rem;margin-top:1.5rem}}
.skip{{position:absolute;left:-99rem}}
.skip:focus{{position:static}}
section{{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;margin:0 0 1rem}}
.note{{border-left:4px solid var(--mark);background:var(--tint)}}
.fault{{border-left:4px solid var(--bad)}}
.fault b{{color:var(--bad)}}
.note p,.fault p{{margin:0 0 .2rem}}
dl.facts{{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.8rem 1rem;margin:0}}
dt{{color:var(--soft);font-size:.87rem}}
dd{{margin:0;overflow-wrap:anywhere}}
dd.big{{font-size:1.1rem;font-weight:600;font-variant-numeric:tabular-nums}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.93rem}}
th,td{{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line)}}
tr:last-child td{{border-bottom:0}}
th{{color:var(--soft);font-weight:600;font-size:.87rem;white-space:nowrap}}
td.n,th.n{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
td.w{{min-width:14rem;overflow-wrap:anywhere}}
td.t,td.t small{{white-space:nowrap}}
.tag{{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 .4em;font-size:.82rem;
 font-weight:600;white-space:nowrap;color:var(--soft)}}
.tag.go{{color:var(--good)}}.tag.wait{{color:var(--mark)}}.tag.stop{{color:var(--bad)}}
details{{font-size:.93rem}}
summary{{cursor:pointer;color:var(--link)}}
details p{{color:var(--soft)}}
.bars{{margin:.2rem 0 .7rem;font-size:.9rem}}
.bars p{{display:grid;grid-template-columns:6.5rem minmax(0,1fr) 14rem;gap:.8rem;align-items:center;margin:.25rem 0}}
.bars svg{{width:100%;height:16px;display:block}}
.bars .soft{{font-variant-numeric:tabular-nums}}
.legend{{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;list-style:none;margin:.4rem 0 .8rem;padding:0;font-size:.87rem}}
.legend li{{display:flex;gap:.4rem;align-items:center;min-width:0;overflow-wrap:anywhere}}
.legend svg{{flex:none}}
.pool{{border-top:1px solid var(--line);padding:.7rem 0 .3rem}}
.pool>p span,.legend span{{display:inline-block}}
.pool>p{{margin:.1rem 0 .5rem}}
.nodes{{display:flex;flex-wrap:wrap;gap:.7rem .8rem}}
figure{{margin:0;min-width:5.6rem}}
figure svg{{display:block}}
figcaption{{font-size:.75rem;line-height:1.3;color:var(--soft);margin-top:.2rem;font-variant-numeric:tabular-nums;
 max-width:16rem;overflow-wrap:anywhere}}
figcaption b{{color:var(--ink);font-weight:600}}
svg text{{font:600 9px system-ui,sans-serif;fill:#000}}
svg .k{{fill:var(--ink)}}
svg .g{{stroke:#fff;stroke-width:2.5;paint-order:stroke}}
{_HUES}
.ho{{fill:{OTHER}}}
.hs{{fill:url(#dots);stroke:var(--edge);stroke-width:.5}}
.dot{{fill:var(--edge)}}
.f{{fill:var(--free)}}
.p{{stroke:var(--card);stroke-width:.6}}
.w{{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 1.5;fill-opacity:.55}}
.hs.p,.hs.w{{stroke:var(--edge);stroke-width:.5}}
.e{{fill:none;stroke:var(--edge);stroke-width:1}}
.c{{stroke-dasharray:4 3;stroke:var(--ink)}}
.x{{stroke:var(--bad);stroke-width:1.5}}
.new{{fill:var(--link)}}
.gone{{fill:url(#hatch)}}
.hatch{{stroke:var(--bad);stroke-width:1.6}}
.step{{fill:none;stroke:var(--link);stroke-width:2;vector-effect:non-scaling-stroke}}
.zero{{stroke:var(--edge);stroke-width:1;stroke-dasharray:3 3;vector-effect:non-scaling-stroke}}
.under{{fill:var(--link);fill-opacity:.13}}
.chart h3{{font-weight:600;font-size:.93rem}}
.chart{{margin:.6rem 0 .9rem}}
.chart svg{{width:100%;height:120px;display:block;border:solid var(--edge);border-width:0 0 1px 1px}}
.axis{{display:flex;justify-content:space-between;gap:1rem;color:var(--soft);font-size:.82rem}}
.defs{{position:absolute;width:0;height:0}}
@media (max-width:40rem){{
 body{{padding:.6rem;font-size:14.5px}}
 section{{padding:.7rem .75rem}}
 dl.facts{{grid-template-columns:1fr 1fr}}
 dd.big{{font-size:1rem}}
 figcaption{{max-width:8.7rem}}
 .bars p{{grid-template-columns:auto 1fr;gap:.1rem .6rem}}
 .bars svg{{grid-row:2;grid-column:1/-1}}
 .bars .soft{{text-align:right}}
 thead{{position:absolute;left:-99rem}}
 table,tbody,tr,td,td.n{{display:block;text-align:left}}
 tr{{border-bottom:1px solid var(--line);padding:.35rem 0}}
 tr:last-child{{border-bottom:0}}
 th,td{{border-bottom:0;padding:.08rem 0}}
 td::before{{content:attr(data-label) ": ";color:var(--soft);font-size:.87rem}}
 td.w,td.t,td.t small{{min-width:0;white-space:normal}}
}}
@media print{{
 :root{{{_variables(LIGHT)}}}
 body{{max-width:none;padding:0;background:#fff;font-size:10pt}}
 section{{border:0;border-top:1px solid #999;border-radius:0;padding:.4rem 0}}
 figure,tr,.bars{{break-inside:avoid}}
 *{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
 .scroll{{overflow:visible}}
 .skip,.reload{{display:none}}
}}
""".strip()
