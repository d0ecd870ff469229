// The desk: an agent's chats in Tencent IM, one per contact.
import { Log, api, ask, el, face, guard, languageButton, live, moment, pickFile, sayForm, seg, t } from './common.js';

const state = await api('GET', 'box/state');
let { agents } = await api('GET', 'box/agents');
const wanted = new URLSearchParams(location.search).get('as') ?? sessionStorage.agent;
let me = agents.find((one) => one.user_id === wanted) ?? agents[0];
let chats = [];
let peer = null;

const picker = el('select', { ariaLabel: t('agent') });
const presence = el('button', { type: 'button' });
const device = el('select', { ariaLabel: t('device'), className: 'device' });
const list = el('nav', { className: 'list' });
const title = el('h1');
const logNode = el('div', { className: 'log', role: 'log', ariaLive: 'polite' });
const chatPath = () => `box/agents/${seg(me.user_id)}/chats/${seg(peer)}`;
const chatOf = (id) => chats.find((chat) => chat.peer === id);
const log = new Log(logNode, () => ({ mine: 'agent', name: chatOf(peer)?.nick, avatar: chatOf(peer)?.avatar,
  recall: guard((message) => api('DELETE', `${chatPath()}/messages/${seg(message.key)}`)),
  edit: guard(async (message) => { const text = await ask(t('edit'), message.content.text); if (text) await api('PUT', `${chatPath()}/messages/${seg(message.key)}`, { text }); }) }));
const say = (body) => api('POST', `${chatPath()}/messages`, body);
const command = (key, text) => el('button', { type: 'button', textContent: t(key), onclick: guard(() => say({ type: 'text', text })) });
const others = () => agents.find((one) => one.user_id !== me.user_id);

const tools = el('div', { className: 'tools' });
function showTools() {
  const other = others();
  const transfer = async () => { const line = await ask(t('transfer'), `#转接 -n ${other?.user_id.replace(/^agent_/, '') ?? 'system'}`); if (line) guard(say)({ type: 'text', text: line }); };
  tools.replaceChildren(
    el('button', { type: 'button', textContent: t('transfer'), onclick: transfer }),
    command('close', '#退出'), command('toAi', '#AI'), command('help', '#帮助'),
    el('button', { type: 'button', textContent: t('image'), onclick: () => pickFile('image/*', (media) => say({ type: 'image', media: media.media })) }),
    el('button', { type: 'button', textContent: t('file'), onclick: () => pickFile('', (media) => say({ type: 'file', media: media.media })) }),
  );
}
const chatNode = el('section', { className: 'chat' });
const main = el('main', { className: 'spread two' }, list, chatNode);

function showMe() {
  picker.replaceChildren(...agents.map((one) => el('option', { value: one.user_id, textContent: `${one.nick || one.user_id}${one.unread ? ` (${one.unread})` : ''}`, selected: one.user_id === me.user_id })));
  const online = me.presence === 'online';
  presence.replaceChildren(el('span', { className: `dot ${online ? 'online' : ''}` }), ` ${t(online ? 'online' : 'offline')}`);
  device.replaceChildren(...['Web', 'iOS', 'Android', 'Windows', 'Mac'].map((value) => el('option', { value, textContent: value, selected: value === me.platform })));
  document.title = `${me.unread ? `(${me.unread}) ` : ''}${t('agent')} · ${me.nick || me.user_id}`;
}
const kindOf = (type) => (type === 'location' ? 'place' : type);
function summary(message) {
  if (!message) return '';
  return message.content.text ?? message.content.title ?? message.content.name ?? `[${t(kindOf(message.content.type))}]`;
}
function showList() {
  chats.sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
  list.replaceChildren(...chats.map((chat) => el('button', { type: 'button', className: chat.peer === peer ? 'on' : '', onclick: guard(() => open(chat.peer)) },
    face(chat.nick, chat.avatar),
    el('span', { className: 'who' }, el('b', { textContent: chat.nick || chat.peer }), el('small', { textContent: summary(chat.last) })),
    chat.unread ? el('span', { className: 'badge', textContent: chat.unread, title: t('unread'), ariaLabel: `${chat.unread} ${t('unread')}` }) : el('small', { className: 'quiet', textContent: chat.at ? moment(chat.at) : '' }))));
  if (!chats.length) list.append(el('p', { className: 'empty', textContent: t('noChats') }));
}
async function open(id) {
  peer = id;
  main.classList.add('open');
  title.textContent = chatOf(id)?.nick ?? id;
  const back = el('button', { type: 'button', className: 'back', textContent: `‹ ${t('back')}`, onclick: () => { peer = null; main.classList.remove('open'); showList(); } });
  showTools();
  chatNode.replaceChildren(el('header', {}, back, title), logNode, tools, sayForm((text) => say({ type: 'text', text }), (media, type) => say({ type, media: media.media }), () => api('POST', `${chatPath()}/typing`).catch(() => {})));
  log.clear();
  const { messages } = await api('GET', `${chatPath()}/messages?limit=100`);
  messages.forEach((message) => log.put(message));
  logNode.scrollTop = logNode.scrollHeight;
  await read();
  showList();
}
const read = async () => { if (chatOf(peer)?.unread && document.visibilityState === 'visible') await api('POST', `${chatPath()}/read`); };
async function become(one) {
  me = one;
  sessionStorage.agent = me.user_id;
  peer = null;
  main.classList.remove('open');
  chatNode.replaceChildren(el('p', { className: 'empty', textContent: t('pick') }));
  ({ chats } = await api('GET', `box/agents/${seg(me.user_id)}/chats`));
  showMe();
  showList();
  if (chats.length && innerWidth > 460) await open(chats[0].peer);
}
picker.onchange = guard(() => become(agents.find((one) => one.user_id === picker.value)));
const arrive = (presence) => api('PUT', `box/agents/${seg(me.user_id)}/presence`, { presence, platform: device.value });
presence.onclick = guard(() => arrive(me.presence === 'online' ? 'offline' : 'online'));
device.onchange = guard(() => arrive('online'));

document.body.append(el('header', {}, el('h1', { textContent: t('agent') }), picker, device, presence, languageButton()), main);
await become(me);
const here = (event) => event.user_id === me.user_id;
live(state.event, {
  agent: ({ agent: changed }) => {
    const index = agents.findIndex((one) => one.user_id === changed.user_id);
    if (index < 0) agents.push(changed); else agents[index] = changed;
    if (changed.user_id === me.user_id) me = changed;
    showMe();
  },
  chat: guard(async (event) => {
    if (!here(event)) return;
    chats = [...chats.filter((chat) => chat.peer !== event.chat.peer), event.chat];
    if (!peer && chats.length === 1 && innerWidth > 460) return open(event.chat.peer);
    if (event.chat.peer === peer) { title.textContent = event.chat.nick || peer; await read(); }
    showList();
  }),
  agent_message: (event) => { if (here(event) && event.peer === peer) log.put(event.message); },
  agent_message_changed: (event) => { if (here(event) && event.peer === peer) log.put(event.message); },
});
