/** Search over headings: every word that was typed is in the heading or in the name of its page. */
const input = document.getElementById('search');
const list = document.getElementById('found');
const up = document.body.dataset.up;
const MOST = 12;

function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const isMatch = ({ text, page }) => words.every((word) => `${text} ${page}`.toLowerCase().includes(word));
  const found = words.length === 0 ? [] : window.SEARCH_INDEX.filter(isMatch).slice(0, MOST);
  list.replaceChildren(
    ...found.map(({ text, page, href }) => {
      const item = document.createElement('li');
      const link = document.createElement('a');
      link.href = up + href;
      link.textContent = text === page ? text : `${text} · ${page}`;
      item.append(link);
      return item;
    }),
  );
  if (words.length > 0 && found.length === 0)
    list.append(document.createTextNode('Nothing has these words in a heading.'));
  list.hidden = words.length === 0;
}

input.addEventListener('input', show);
input.addEventListener('keydown', (event) => {
  if (event.key === 'Enter') list.querySelector('a')?.click();
  if (event.key === 'Escape') {
    input.value = '';
    show();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || document.activeElement === input) return;
  event.preventDefault();
  input.focus();
});
// On a phone the list of pages begins closed.
if (window.matchMedia('(max-width: 60rem)').matches) document.querySelector('nav > details').open = false;
