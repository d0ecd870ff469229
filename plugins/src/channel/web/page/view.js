// How a line looks. Words become text nodes, addresses become properties: nothing a stranger writes is ever read as HTML.
import { markdown, plain } from './markdown.js';
import { language, words } from './words.js';

const element = (tag, properties = {}, ...children) => { const made = Object.assign(document.createElement(tag), properties); made.append(...children); return made; };
// Media are below our own address, however the page was reached.
const address = (source) => /^https?:\/\//.test(source) ? source : new URL(`../../${source}`, document.baseURI).href;
const outward = { target: '_blank', rel: 'noopener noreferrer nofollow' };

function picture({ src, name, width, height }) {
  const image = element('img', { src: address(src), alt: name ?? words.picture, loading: 'lazy' });
  if (width && height) { image.width = width; image.height = height; }
  return element('a', { href: address(src), ...outward }, image);
}

function menu({ head, items, tail }, choose) {
  const choices = items.map(({ id, label }) => element('button', { type: 'button', textContent: label, onclick: () => choose({ id, label }) }));
  return [plain(head), element('div', { className: 'choices' }, ...choices), ...(tail ? [plain(tail)] : [])];
}

const shown = {
  text: ({ text, markdown: isMarkdown }) => [isMarkdown ? markdown(text) : plain(text)],
  image: (content) => [picture(content)],
  voice: ({ src, words: recognised }) => [element('audio', { src: address(src), controls: true, preload: 'metadata', title: words.voice }), ...(recognised ? [plain(recognised)] : [])],
  video: ({ src, poster }) => [element('video', { src: address(src), controls: true, preload: 'metadata', ...(poster ? { poster: address(poster) } : {}) })],
  file: ({ src, name, size }) => [element('a', { href: address(src), download: name, ...outward }, `📄 ${name}`), element('small', { textContent: words.bytes(size) })],
  location: ({ label, latitude, longitude }) => [plain(`📍 ${label || words.place} (${latitude.toFixed(5)}, ${longitude.toFixed(5)})`)],
  link: ({ title, description, url }) => {
    const safe = /^https?:\/\//i.test(url);
    return [safe ? element('a', { href: url, ...outward }, title || url) : element('span', { textContent: title }), ...(description ? [element('small', { textContent: description })] : [])];
  },
  lost: ({ what, name }) => [plain(words.lost(name ?? what))],
};

/** A line of the transcript. */
export function line({ by, name, content, at, trace }, choose) {
  const who = by === 'agent' ? name : by === 'bot' ? words.bot : null;
  const parts = content.kind === 'menu' ? menu(content, choose) : (shown[content.kind] ?? shown.lost)(content);
  const bare = ['image', 'video'].includes(content.kind);
  const bubble = element('div', { className: ['bubble', content.kind, bare ? 'bare' : ''].join(' ').trim() }, ...parts);
  const label = by === 'contact' ? element('span', { className: 'unseen', textContent: `${words.you}：` }) : who ? element('span', { className: 'name', textContent: who }) : '';
  const made = element('li', { className: `line ${by}`, ...(at ? { title: new Date(at).toLocaleString(language) } : {}) }, label, bubble);
  if (trace !== undefined) made.dataset.trace = trace;
  return made;
}

/** What was said is taken back: nothing of it stays on the page. */
export function takeBack(made) {
  made.className = 'line system';
  made.replaceChildren(element('div', { className: 'bubble', textContent: words.recalled }));
}

/** Something said that is not in the transcript yet. */
export function waiting(what, local) {
  const made = line({ by: 'contact', content: local ?? { kind: 'text', text: what.text ?? what.label ?? words.file } });
  made.append(element('span', { className: 'fate', textContent: words.sending }));
  return made;
}

/** What becomes of it: `again` tries once more, `null` is for ever. */
export function fate(made, text, again) {
  const told = made.querySelector('.fate');
  const isFailed = again !== undefined;
  told.replaceChildren(text, ...(again ? [element('button', { type: 'button', textContent: words.again, onclick: again })] : []));
  made.classList.toggle('failed', isFailed);
}

/** The time before a line, where some has passed since the line before. */
export function time(at, before) {
  if (before && at - before < 300000) return null;
  const far = !before && Date.now() - at > 43200000 || before && new Date(at).toDateString() !== new Date(before).toDateString();
  const form = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', ...(far ? { month: 'short', day: 'numeric' } : {}) });
  return element('li', { className: 'day', textContent: form.format(at) });
}
