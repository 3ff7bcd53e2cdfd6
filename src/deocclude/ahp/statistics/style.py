"""How the page of the statistics looks: light and dark, from a phone's width on."""

STYLE = """
:root{color-scheme:light dark;--page:#fafaf8;--card:#fff;--ink:#1d2026;--soft:#5d636e;--line:#e3e3de;
--s0:#2f6fd0;--s1:#e2722e;--s2:#179a73;--s3:#b8860b;--s4:#a4519f;--s5:#c23b4b;--s6:#4a8a2a;--s7:#74777f;
--bar:#566a86}
@media(prefers-color-scheme:dark){:root{--page:#15171b;--card:#1d2026;--ink:#eceef2;--soft:#a0a6b2;
--line:#32363e;--s0:#5b98f0;--s1:#f08a4b;--s2:#35bf94;--s3:#d9a93a;--s4:#c77fc3;--s5:#ea6a78;--s6:#7cba58;
--s7:#9a9ea8;--bar:#8da3c2}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:1.25rem 1rem 4rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.4rem 0 .2rem}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem}
h3{font-size:1rem;margin:0 0 .5rem}
p,li{max-width:70ch}p{margin:.4rem 0}
.soft,figcaption,summary{color:var(--soft);font-size:.875rem}
.cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));
align-items:start}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem;min-width:0}
.keys{display:grid;gap:.75rem;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));margin:1.2rem 0}
.keys div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.7rem 1rem}
.keys b{display:block;font-size:1.5rem;line-height:1.2;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.94rem;overflow-wrap:normal}
th,td{padding:.3rem .4rem;text-align:right;border-bottom:1px solid var(--line)}
th:first-child{text-align:left;font-weight:500}thead th{color:var(--soft);font-weight:500}
tr.sum>*{border-top:2px solid var(--line);font-weight:600}
details{margin-top:.6rem}summary{cursor:pointer}
svg{display:block}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}
.bar{fill:var(--bar)}
.s5{fill:var(--s5)}.s6{fill:var(--s6)}.s7{fill:var(--s7)}
.bars>div{display:grid;grid-template-columns:minmax(6.2rem,9rem) 1fr minmax(5.6rem,auto);gap:.6rem;
align-items:center;font-size:.875rem;padding:.1rem 0}
.bars svg{width:100%;height:.8rem}.bars span:last-child{text-align:right;font-variant-numeric:tabular-nums}
.legend{display:flex;flex-wrap:wrap;
gap:.2rem 1rem;list-style:none;margin:0 0 .4rem;padding:0;font-size:.875rem}
.legend li{display:flex;align-items:center;gap:.4rem}.legend svg{width:.8rem;height:.8rem}
.plot{display:grid;grid-template-columns:auto 1fr;column-gap:.5rem;padding:.6rem .8rem 0 0}
.rise{display:flex;flex-direction:column;justify-content:space-between;text-align:right;margin:-.6rem 0}
.rise,.ticks{color:var(--soft);font-size:.75rem;font-variant-numeric:tabular-nums}
.columns{width:100%;height:170px;border-bottom:1px solid var(--soft);overflow:visible}
.columns line{stroke:var(--line);vector-effect:non-scaling-stroke}
.columns g:hover{opacity:.7}
.ticks{grid-column:2;position:relative;height:1.4rem;margin-top:.2rem}
.ticks span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.card h3:not(:first-child){margin-top:1.2rem}
.sheet{display:grid;gap:.5rem;grid-template-columns:repeat(auto-fill,minmax(104px,1fr))}
.sheet figure{margin:0;min-width:0}
.sheet img{display:block;width:100%;height:auto;border-radius:5px}
.sheet figcaption{font-size:.72rem;line-height:1.25;padding:.15rem .1rem 0}
@media(min-width:700px){.sheet{grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}}
"""
