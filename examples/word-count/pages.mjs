/** The web page: one form, its result or what was wrong, readable on a phone, without a script. */

const STYLE = `
:root{--back:#f4f5f2;--card:#fff;--ink:#1d2421;--faint:#5c6762;--line:#d5dad6;--accent:#21614f;--on:#fff;--bad:#a3291c;
font:17px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--back:#141816;--card:#1d2320;--ink:#e7ece9;--faint:#9aa6a0;--line:#343d38;
--accent:#7cc4ab;--on:#0f1b17;--bad:#ff9b8f}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);min-height:100vh;display:grid;
place-items:center;padding:1rem}main{width:100%;max-width:30rem;background:var(--card);border:1px solid var(--line);
border-radius:1rem;padding:1.5rem}h1{font-size:1.5rem;margin:0 0 .25rem}p{margin:0 0 1.25rem;color:var(--faint)}
label{display:block;font-weight:600;margin-bottom:.5rem}input,button{font:inherit;width:100%;min-height:3rem;
border-radius:.6rem}input{padding:.6rem;border:1px dashed var(--line);background:var(--back);color:var(--ink)}
button{margin-top:.75rem;border:0;background:var(--accent);color:var(--on);font-weight:600;cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
dl{display:grid;grid-template-columns:1fr 1fr;gap:.75rem;margin:0 0 1.25rem}dl div{border:1px solid var(--line);
border-radius:.6rem;padding:.75rem}dt{color:var(--faint)}dd{margin:0;font-size:1.6rem;font-weight:600;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}.bad{color:var(--bad);font-weight:600}footer{margin-top:1rem;
color:var(--faint);font-size:.85rem;overflow-wrap:anywhere}`;

/** Nothing comes from elsewhere, and no page of somebody else has this one in it. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** The page; with `counts` the result of a file, with `problem` what was wrong with it. */
export function page({ version, counts, problem }) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Word count</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Word count</h1>
<p>Choose a text file, and see how many words are in it. It is counted and not kept.</p>
${counts === undefined ? '' : result(counts)}${problem === undefined ? '' : `<p class="bad" role="alert">${escaped(problem)}</p>`}
<form action="/count" method="post" enctype="multipart/form-data">
<label for="file">A .txt file</label>
<input id="file" name="file" type="file" accept=".txt,text/plain" required>
<button>Count the words</button>
</form>
<footer>Version ${escaped(version)}</footer>
</main>
</body>
</html>
`;
}

function result({ name, words, lines, characters, bytes }) {
  const rows = { words, lines, characters, bytes };
  const cells = Object.entries(rows).map(
    ([what, count]) => `<div><dt>${what}</dt><dd id="${what}">${count.toLocaleString('en')}</dd></div>`,
  );
  return `<p role="status">${escaped(name)}</p>\n<dl>${cells.join('')}</dl>\n`;
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
