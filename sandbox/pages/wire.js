// The wire: every exchange between the bridge and the platforms, raw and decrypted; and the faults to order.
import { api, clock, el, guard, languageButton, live, t } from './common.js';

const KEPT = 500;
const state = await api('GET', 'box/state');
let faults = state.faults;
let peer = '';
const lines = new Map();

const body = el('tbody');
body.dataset.empty = t('noWire');
const table = el('table', {}, el('thead', {}, el('tr', {}, ...['#', t('time'), '', t('peer'), t('call'), t('status'), t('ms')].map((text) => el('th', { textContent: text })))), body);
const detail = el('aside', { className: 'detail', hidden: true, tabIndex: -1, ariaLabel: t('wire') });
const chips = el('span');

const shown = (line) => !peer || line.peer === peer;
function put(line) {
  if (lines.has(line.id) || !shown(line)) return;
  const bad = line.status === null || line.status >= 400 || line.code || line.fault;
  const arrow = line.direction === 'in' ? '→' : '←';
  const tr = el('tr', { className: 'exchange', tabIndex: 0, onclick: guard(() => open(line.id)), onkeydown: (event) => walk(event, tr, line.id) },
    el('td', { className: 'quiet', textContent: line.id }),
    el('td', { textContent: clock(line.at) }),
    el('td', { className: `arrow-${line.direction}`, textContent: arrow, title: line.direction === 'in' ? 'bridge → platform' : 'platform → bridge' }),
    el('td', { textContent: line.peer }),
    el('td', { className: 'path', textContent: `${line.operation.split('.')[1] ?? line.operation}  ${line.url.split('?')[0].replace(/^https?:\/\/[^/]+/, '')}`, title: `${line.method} ${line.url}` }),
    el('td', { className: bad ? 'bad' : '', textContent: [line.status ?? '✕', line.code || null, line.fault].filter((part) => part != null).join(' · ') }),
    el('td', { className: 'quiet', textContent: line.ms?.toFixed(1) ?? '' }));
  lines.set(line.id, tr);
  body.prepend(tr);
  if (lines.size > KEPT) { const [oldest] = lines.keys(); lines.get(oldest).remove(); lines.delete(oldest); }
}
// Up and down go from row to row, Enter opens one, Escape closes it.
function walk(event, tr, id) {
  if (event.key === 'Enter') guard(() => open(id))();
  const to = { ArrowDown: tr.nextElementSibling, ArrowUp: tr.previousElementSibling }[event.key];
  if (to) { event.preventDefault(); to.focus(); }
}
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') detail.hidden = true; });
const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };
function part(name, side) {
  const nodes = [el('h2', { textContent: name })];
  if (side?.headers?.length) nodes.push(el('pre', { textContent: side.headers.map(([key, value]) => `${key}: ${value}`).join('\n') }));
  if (side?.plain) nodes.push(el('h2', { className: 'quiet', textContent: t('plain') }), el('pre', { textContent: pretty(side.plain) }));
  if (side?.body) nodes.push(el('h2', { className: 'quiet', textContent: t('raw') }), el('pre', { textContent: side.plain ? side.body : pretty(side.body) }));
  return nodes;
}
async function open(id) {
  const exchange = await api('GET', `box/wire/${id}`);
  for (const [key, tr] of lines) tr.classList.toggle('on', key === id);
  detail.hidden = false;
  detail.replaceChildren(...[
    el('button', { type: 'button', textContent: '✕', ariaLabel: t('close_'), style: 'float:right', onclick: () => { detail.hidden = true; } }),
    el('div', { textContent: `#${id} ${exchange.method} ${exchange.url}`, style: 'overflow-wrap:anywhere' }),
    exchange.error ? el('div', { className: 'bad', textContent: exchange.error }) : null,
    exchange.attempt ? el('div', { className: 'quiet', textContent: `attempt ${exchange.attempt}` }) : null,
    ...part(t('request'), exchange.request), ...part(t('answer'), exchange.answer)].filter(Boolean));
}
function showFaults() {
  chips.replaceChildren(...faults.map((fault) => el('button', { type: 'button', className: 'chip', textContent: `${fault.spec}${fault.left == null ? '' : ` (${fault.left})`} ✕`, onclick: guard(() => api('DELETE', `box/faults/${fault.id}`)) })));
}
async function load() {
  lines.clear();
  body.replaceChildren();
  const { exchanges } = await api('GET', `box/wire?limit=100${peer ? `&peer=${peer}` : ''}`);
  exchanges.forEach(put);
}
const peers = el('select', { ariaLabel: t('peer'), onchange: guard(() => { peer = peers.value; return load(); }) }, ...['', 'wechat', 'kf', 'wecom', 'tim', 'dify'].map((value) => el('option', { value, textContent: value ? t(`peer_${value}`) : t('both') })));
const spec = el('input', { placeholder: t('fault'), ariaLabel: t('fault'), name: 'fault' });
const order = el('form', { className: 'bar', onsubmit: guard(async (event) => {
  event.preventDefault();
  await api('POST', 'box/faults', { spec: spec.value });
  spec.value = '';
}) }, peers, spec, el('button', { className: 'main', textContent: t('add') }), chips, el('button', { type: 'button', textContent: t('clear'), onclick: guard(async () => { await api('DELETE', 'box/wire'); await load(); }) }));

document.title = `${t('wire')} · ${t('title')}`;
document.body.append(el('header', {}, el('h1', { textContent: t('wire') }), languageButton()), order, el('main', { className: 'spread' }, el('div', { className: 'wire' }, table), detail));
showFaults();
await load();
live(state.event, {
  wire: ({ exchange }) => put(exchange),
  faults: (event) => { faults = event.faults; showFaults(); },
});
