// What WeCom's bubbles hold beside the ordinary: cards with buttons and questions, articles, Markdown. Nodes are made one by
// one; nothing that was sent is read as HTML.
import { el, t } from './common.js';

const opens = (url) => /^https?:/i.test(url) && { href: url, target: '_blank', rel: 'noreferrer' };
const words = (tag, className, text) => (text ? el(tag, { className, textContent: text }) : null);

// `press(key, chosen)` answers the card; without it the card only shows.
export function card(content, press) {
  const it = content.card;
  const chosen = new Map();
  const answer = (button) => el('button', { type: 'button', className: `style${button.style}`, textContent: button.text, disabled: !press,
    onclick: () => (button.url ? window.open(button.url, '_blank', 'noreferrer') : press(button.key, Object.fromEntries(chosen))) });
  const node = el('div', { className: 'bubble template' });
  const put = (...nodes) => node.append(...nodes.filter(Boolean));
  put(it.menu.length ? menu(it, press) : null, words('small', 'source', it.source));
  put(it.picture_url ? el('img', { src: it.picture_url, alt: '', loading: 'lazy' }) : null);
  put(el(it.url ? 'a' : 'b', { className: 'title', textContent: it.title, ...opens(it.url) }), words('p', 'quiet', it.description));
  put(words('p', 'emphasis', it.emphasis), words('blockquote', '', it.quote), words('p', '', it.text));
  if (it.rows.length) put(el('dl', {}, ...it.rows.flatMap((row) => [el('dt', { textContent: row.name }), el('dd', {}, row.url ? el('a', { textContent: row.value || row.url, ...opens(row.url) }) : row.value)])));
  for (const link of it.links) put(el('a', { className: 'more', textContent: `${link.name} ›`, ...opens(link.url) }));
  if (it.done) { put(el('p', { className: 'done', textContent: it.done })); return node; }
  for (const question of it.questions) put(asks(question, chosen));
  const buttons = [...it.buttons, ...(it.submit ? [it.submit] : [])];
  if (buttons.length) put(el('div', { className: 'buttons' }, ...buttons.map(answer)));
  return node;
}
function menu(it, press) {
  const select = el('select', { ariaLabel: t('more'), className: 'menu', disabled: !press }, el('option', { textContent: '⋯', value: '' }),
    ...it.menu.map((entry) => el('option', { value: entry.key, textContent: entry.text })));
  select.onchange = () => { press(select.value, {}); select.value = ''; };
  return select;
}
function asks(question, chosen) {
  chosen.set(question.key, [...question.chosen]);
  if (!question.several) {
    const select = el('select', { ariaLabel: question.title }, ...question.options.map((option) =>
      el('option', { value: option.id, textContent: option.text, selected: question.chosen.includes(option.id) })));
    const keep = () => chosen.set(question.key, [select.value]);
    select.onchange = keep;
    keep();
    return el('label', { className: 'asks' }, question.title, select);
  }
  const boxes = question.options.map((option) => {
    const box = el('input', { type: 'checkbox', value: option.id, checked: question.chosen.includes(option.id) });
    return el('label', {}, box, option.text);
  });
  const set = el('fieldset', { className: 'asks' }, words('legend', '', question.title), ...boxes);
  set.onchange = () => chosen.set(question.key, [...set.querySelectorAll('input:checked')].map((box) => box.value));
  return set;
}

export const news = (content) => el('div', { className: 'bubble template' }, ...content.articles.map((article) =>
  el('a', { className: 'article', ...opens(article.url.startsWith('http') ? article.url : null) },
    article.picture_url ? el('img', { src: article.picture_url, alt: '', loading: 'lazy' }) : '',
    el('b', { textContent: article.title }), el('small', { textContent: article.description }))));

// What WeCom renders: headings, bold, links, `code`, quotes, three colours.
export function markdown(content) {
  const node = el('div', { className: 'bubble markdown' });
  for (const line of content.text.split('\n')) {
    const heading = /^(#{1,6}) (.*)/.exec(line);
    const quote = /^> ?(.*)/.exec(line);
    node.append(heading ? el('b', {}, ...inline(heading[2])) : quote ? el('blockquote', {}, ...inline(quote[1])) : el('div', {}, ...inline(line)));
  }
  return node;
}
function inline(text) {
  const out = [];
  let at = 0;
  for (const match of text.matchAll(/\*\*(.+?)\*\*|\[([^\]]+)\]\((https?:[^)\s]+)\)|`([^`]+)`|<font color="(info|comment|warning)">(.*?)<\/font>/g)) {
    out.push(text.slice(at, match.index));
    if (match[1]) out.push(el('b', { textContent: match[1] }));
    else if (match[3]) out.push(el('a', { textContent: match[2], ...opens(match[3]) }));
    else if (match[4]) out.push(el('code', { textContent: match[4] }));
    else out.push(el('span', { className: match[5], textContent: match[6] }));
    at = match.index + match[0].length;
  }
  out.push(text.slice(at));
  return out;
}
