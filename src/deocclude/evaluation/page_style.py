"""How the page of an evaluation looks and sorts: light and dark, from a phone's width on."""

STYLE = """
:root{color-scheme:light dark;--page:#fafaf8;--card:#fff;--ink:#1d2026;--soft:#5d636e;--line:#e3e3de;
--hit:#3f8f3f;--missed:#c8322f;--wrong:#3465d8;--mark:#eef4ee}
@media(prefers-color-scheme:dark){:root{--page:#15171b;--card:#1d2026;--ink:#eceef2;--soft:#a0a6b2;
--line:#32363e;--hit:#78c878;--missed:#f07070;--wrong:#86a6ff;--mark:#20281f}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1280px;padding:1.25rem 1rem 4rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.4rem 0 .2rem}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{max-width:75ch;margin:.4rem 0}
a{color:inherit}
nav a{margin-right:1rem}
.soft,figcaption{color:var(--soft);font-size:.875rem}
.keys{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));margin:1.2rem 0}
.keys div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.7rem 1rem}
.keys b{display:block;font-size:1.5rem;line-height:1.2;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.3rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem;
overflow-wrap:normal}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line);
vertical-align:top;white-space:nowrap}
tbody tr:last-child>*{border-bottom:0}
th:first-child,td:first-child{text-align:left;font-weight:500}
th:first-child{position:sticky;left:0;background:var(--card)}
tbody th:first-child{white-space:normal;min-width:6.5rem}
thead th,tr.kind th{color:var(--soft);font-weight:500}
td small{display:block;color:var(--soft);font-size:.78rem}
tr.ours>*{background:var(--mark)}
.hit{color:var(--hit)}.missed{color:var(--missed)}.wrong{color:var(--wrong)}
.cases{display:grid;gap:.8rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.6rem;
min-width:0}
figcaption b{color:var(--ink)}
.tiles{display:grid;gap:.3rem;grid-template-columns:repeat(3,1fr);margin-top:.4rem}
.tiles span{font-size:.72rem;color:var(--soft);line-height:1.2}
.tiles img{display:block;width:100%;height:auto;border-radius:5px}
@media(min-width:700px){.tiles{grid-template-columns:repeat(6,1fr)}}
select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:6px;
padding:.15rem .4rem}
"""

SORTING = """
document.getElementById("order").addEventListener("change", event => {
  const list = document.getElementById("worst-cases");
  const by = figure => Number(figure.dataset[event.target.value]);
  list.append(...[...list.children].sort((a, b) => by(a) - by(b)));
});
"""
"""The worst samples in another order, when the reader picks one."""
