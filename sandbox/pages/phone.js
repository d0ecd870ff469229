// The phone: a customer chats with the official account.
import { Log, api, el, guard, languageButton, live, pickFile, sayForm, seg, t } from './common.js';

const state = await api('GET', 'box/state');
const account = state.accounts[0];
let { customers } = await api('GET', 'box/customers');
if (!customers.length) customers = [await api('POST', 'box/customers', { nickname: '小周' })];
const wanted = new URLSearchParams(location.search).get('as') ?? sessionStorage.customer;
let customer = customers.find((one) => one.openid === wanted) ?? customers.at(-1);

const name = el('small');
const picker = el('select', { ariaLabel: t('phone') });
const typing = el('div', { className: 'typing', ariaLive: 'polite' });
const logNode = el('div', { className: 'log', role: 'log', ariaLive: 'polite' });
const log = new Log(logNode, () => ({ mine: 'customer', name: account.name, tap: (item) => say({ type: 'menu_tap', id: item.id, text: item.text }) }));
const path = () => `box/customers/${seg(customer.openid)}`;
const say = guard((body) => api('POST', `${path()}/messages`, body));
const happen = guard((body) => api('POST', `${path()}/events`, body));

const followed = el('button', { type: 'button', onclick: () => happen({ event: customer.following ? 'unsubscribe' : 'subscribe' }) });
const tool = (key, onclick) => el('button', { type: 'button', textContent: t(key), onclick });
const tools = el('div', { className: 'tools' },
  tool('human', () => say({ type: 'text', text: '转人工' })),
  tool('image', () => pickFile('image/*', (media) => say({ type: 'image', media: media.media }))),
  tool('voice', () => { const words = prompt(t('voiceWords'), '我要退货。'); if (words !== null) pickFile('audio/*,.amr', (media) => say({ type: 'voice', media: media.media, words, format: 'amr' })); }),
  tool('place', () => say({ type: 'location', latitude: 30.274085, longitude: 120.15507, label: '杭州市西湖区' })),
  tool('link', () => { const url = prompt(t('linkAsk'), 'https://shop.example/policy'); if (url) say({ type: 'link', title: url, description: '', url }); }),
  tool('scan', () => { const scene = prompt(t('sceneAsk'), 'agent:system'); if (scene) happen({ event: 'scan', scene }); }),
  followed,
  ...(account.menu ?? []).map((item) => el('button', { type: 'button', textContent: `☰ ${item.name}`, onclick: () => happen(item.key ? { event: 'click', key: item.key } : { event: 'view', url: item.url }) })));

function showCustomer() {
  const { allowance } = customer;
  name.textContent = allowance ? `${t('allowance')} ${allowance.left}` : t('allowanceShut');
  followed.textContent = customer.following ? t('unfollow') : t('follow');
  picker.replaceChildren(...customers.map((one) => el('option', { value: one.openid, textContent: one.nickname || one.openid, selected: one.openid === customer.openid })), el('option', { value: '+', textContent: `＋ ${t('newCustomer')}` }));
}
async function open(one) {
  customer = one;
  sessionStorage.customer = one.openid;
  showCustomer();
  log.clear();
  typing.textContent = '';
  const { messages } = await api('GET', `${path()}/messages?limit=100`);
  messages.forEach((message) => log.put(message));
  logNode.scrollTop = logNode.scrollHeight;
}
picker.onchange = guard(async () => {
  if (picker.value !== '+') return open(customers.find((one) => one.openid === picker.value));
  const nickname = prompt(t('ask'), '小林');
  if (!nickname) return showCustomer();
  const fresh = await api('POST', 'box/customers', { nickname });
  if (!customers.some((one) => one.openid === fresh.openid)) customers.push(fresh);
  await open(fresh);
});

document.title = `${t('phone')} · ${account.name}`;
document.body.append(
  el('header', {}, el('h1', {}, account.name, ' ', name), picker, languageButton()),
  el('main', { className: 'chat' }, logNode, typing, tools, sayForm((text) => api('POST', `${path()}/messages`, { type: 'text', text }))),
);
await open(customer);
live(state.event, {
  customer: ({ customer: changed }) => {
    const index = customers.findIndex((one) => one.openid === changed.openid);
    if (index < 0) customers.push(changed); else customers[index] = changed;
    if (changed.openid === customer.openid) customer = changed;
    showCustomer();
  },
  customer_message: ({ openid, message }) => {
    if (openid !== customer.openid) return;
    if (message.from === 'account') typing.textContent = '';
    log.put(message);
  },
  customer_message_changed: ({ openid, message }) => openid === customer.openid && log.put(message),
  typing: ({ openid, typing: on }) => { if (openid === customer.openid) typing.textContent = on ? t('typing') : ''; },
});
