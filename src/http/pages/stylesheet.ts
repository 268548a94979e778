import { createHash } from 'node:crypto';
import { palettes, textColourOn, type Palette } from './palette.ts';

/** The stylesheet as an HTTP route serves it. */
export interface StylesheetAsset {
  /** Path with the hash of the content: `/assets/<hash>.css`. Pages link to it. */
  readonly path: string;
  readonly body: string;
  /** Headers of the answer; the path changes with the content, so it is cached for good. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The one stylesheet of all pages, with its path and headers. Build it once per server.
 *
 * @param buttonColour the integrator's, as `#0b5a6f`, instead of ours
 * @example
 * ```ts
 * const stylesheet = createStylesheet();
 * app.get(stylesheet.path, (c) => c.body(stylesheet.body, 200, { ...stylesheet.headers }));
 * ```
 */
export function createStylesheet(buttonColour?: string): StylesheetAsset {
  const body = `:root{color-scheme:light dark;${variables(palettes.light)}}
@media (prefers-color-scheme:dark){:root{${variables(palettes.dark)}}}${brand(buttonColour)}
${base}${controls}${consolePages}`;
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return {
    path: `/assets/${hash}.css`,
    body,
    headers: {
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    },
  };
}

function brand(colour: string | undefined): string {
  if (colour === undefined) return '';
  return `\n:root{--button:${colour};--onButton:${textColourOn(colour)}}`;
}

function variables(palette: Palette): string {
  return Object.entries(palette)
    .map(([role, colour]) => `--${role}:${colour}`)
    .join(';');
}

const base = `
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;background:var(--page);color:var(--text);
  font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.65rem;line-height:1.25;margin:0 0 .75rem;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:1.125rem;line-height:1.35;margin:2rem 0 .5rem}
p{margin:0 0 .85rem}
ul,ol{margin:0 0 .85rem;padding-left:1.35rem}
li{margin-bottom:.35rem}
li::marker{color:var(--muted)}
a{color:var(--accent);text-underline-offset:.15em}
a:hover{color:var(--accentStrong)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.86em}
pre code{font-size:inherit}
pre{margin:0 0 .85rem;padding:.85rem 1rem;background:var(--sunken);border-radius:8px;white-space:pre-wrap;line-height:1.5}
dl{margin:0}
dd{margin:0}
.frame{width:100%;margin-inline:auto;padding-inline:1.25rem}
.narrow{max-width:42rem}
.wide{max-width:76rem}
.masthead{display:flex;align-items:center;justify-content:space-between;gap:1rem;min-height:4rem}
.masthead form{margin:0}
.brand{font-weight:600;color:var(--muted);margin:0;display:flex;align-items:center;gap:.75rem}
.logo{display:block;max-height:2.5rem;max-width:10rem}
details{margin:0 0 .85rem;border-top:1px solid var(--line);padding-top:.85rem}
summary{cursor:pointer;font-weight:600}
details[open] summary{margin-bottom:.6rem}
.notice{padding:1rem 1.15rem;border-color:transparent}
.row{display:flex;flex-wrap:wrap;gap:.75rem}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
[hidden]{display:none!important}
main{flex:1;padding-block:.5rem 3rem}
main:first-child,.sandbox+main{padding-top:2rem}
.sandbox{background:var(--warnSurface);color:var(--warn);padding-block:.6rem;font-size:.94rem}
.sandbox p{margin:0}
.lead{font-size:1.09rem}
.muted{color:var(--muted)}
.small{font-size:.9rem}
.card{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:1.5rem;margin-block:1.5rem}
.card>:last-child{margin-bottom:0}
.card>h2:first-child{margin-top:0}
.message{margin-top:clamp(0rem,4vh,2.5rem);padding:2rem}
.mark{display:flex;align-items:center;justify-content:center;width:2.75rem;height:2.75rem;border-radius:50%;margin-bottom:1.1rem}
.mark svg{width:1.4rem;height:1.4rem;fill:none;stroke:currentColor;stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.good{background:var(--goodSurface);color:var(--good)}
.warn{background:var(--warnSurface);color:var(--warn)}
.bad{background:var(--badSurface);color:var(--bad)}
.facts{display:grid;gap:.15rem 1.25rem;margin-bottom:1.1rem}
.facts dt{color:var(--muted);font-size:.9rem}
.facts dd{font-weight:600;margin-bottom:.6rem}
.facts .big{font-size:1.25rem;line-height:1.35}
.account-id{display:block;color:var(--muted);font-size:.9rem;font-weight:400}
.nowrap{white-space:nowrap}
.scopes{list-style:none;padding:0}
.scopes li{padding:.55rem 0;border-bottom:1px solid var(--line);margin:0;display:flex;flex-wrap:wrap;gap:0 1rem;justify-content:space-between;align-items:baseline}
.scopes li:last-child{border-bottom:0}
.scopes code{color:var(--muted)}
.reference{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.9rem;color:var(--muted)}
.reference p{margin:0}
@media (max-width:30rem){h1{font-size:1.45rem}.card{padding:1.15rem}.message{padding:1.35rem 1.15rem}}
`;

const controls = `
.button{display:inline-flex;align-items:center;justify-content:center;min-height:3rem;padding:.6rem 1.5rem;border:1px solid transparent;
  border-radius:8px;background:var(--button,var(--accent));color:var(--onButton,var(--onAccent));font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.button:hover{background:var(--button,var(--accentStrong));color:var(--onButton,var(--onAccent));text-decoration:underline}
.button.quiet{min-height:2.75rem;padding:.45rem 1rem;background:var(--surface);color:var(--text);border-color:var(--edge);font-weight:500}
.button.quiet:hover{background:var(--sunken)}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:4px}
.button:focus-visible{border-radius:8px}
form{margin:0 0 .85rem}
label{display:block;font-weight:600;margin-bottom:.35rem}
input{width:100%;min-height:3rem;padding:.5rem .8rem;font:inherit;color:var(--text);background:var(--surface);border:1px solid var(--edge);border-radius:8px}
input[aria-invalid=true]{border-color:var(--bad)}
.field{margin-bottom:1.1rem}
.field-error{background:var(--badSurface);color:var(--bad);border-radius:8px;padding:.6rem .85rem;margin-bottom:1.1rem}
.login{max-width:24rem;margin:clamp(0rem,8vh,5rem) auto 0}
@media (max-width:30rem){main .button{width:100%}}
@media (forced-colors:active){.button{border-color:ButtonText}.pill{border:1px solid}}
`;

const consolePages = `
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:1rem;margin-block:1.25rem}
.figure{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:1rem 1.15rem;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.figure dt{color:var(--muted);font-size:.9rem}
.figure dd{font-size:1.75rem;font-weight:600;line-height:1.2;font-variant-numeric:tabular-nums}
.funnel{list-style:none;padding:0;margin:0}
.funnel li{display:grid;grid-template-columns:6.5rem 1fr 4rem 19rem;gap:0 1rem;align-items:center;padding:.25rem 0;margin:0}
.funnel svg{display:block;width:100%;height:1rem;border-radius:4px;background:var(--sunken)}
.funnel rect{fill:var(--accent)}
.funnel .needs rect{fill:var(--warn)}
.funnel .count{text-align:right;font-variant-numeric:tabular-nums}
.funnel .meaning{color:var(--muted);font-size:.88rem;line-height:1.4}
table{width:100%;border-collapse:collapse;background:var(--surface);border:1px solid var(--line);font-size:.94rem}
caption{text-align:left;color:var(--muted);padding-bottom:.6rem}
th,td{text-align:left;vertical-align:top;padding:.65rem .9rem;border-bottom:1px solid var(--line)}
thead th{color:var(--muted);font-weight:600;font-size:.86rem;white-space:nowrap}
tbody th{font-weight:600}
td .muted,th .muted{display:block;font-weight:400;font-size:.88rem}
time{font-variant-numeric:tabular-nums;white-space:nowrap}
.pill{display:inline-block;padding:.1rem .6rem;border-radius:999px;background:var(--sunken);color:var(--text);font-size:.88rem;font-weight:500;white-space:nowrap}
.pill.good{background:var(--goodSurface);color:var(--good)}
.pill.warn{background:var(--warnSurface);color:var(--warn)}
.pager{margin-top:1.25rem}
@media (max-width:56rem){
  .funnel li{grid-template-columns:6.5rem 1fr 3.5rem;padding:.35rem 0}
  .funnel .meaning{grid-column:1/4}
}
@media (max-width:44rem){
  table,tbody,tr,th,td,caption{display:block}
  table{border:0;background:none}
  thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
  tbody tr{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:.5rem 1rem;margin-bottom:.85rem}
  tbody th,tbody td{display:grid;grid-template-columns:5.5rem 1fr;gap:0 .75rem;border:0;padding:.35rem 0}
  tbody th::before,tbody td::before{content:attr(data-label);color:var(--muted);font-weight:400;font-size:.88rem}
}
`;
