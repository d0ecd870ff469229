// WeCom: a member of the corp, an agent as a rule, in the chat with an app: its messages and cards come, answers and
// commands go. Groups with a robot can be read.
import { Log, api, ask as askFor, el, face, guard, languageButton, live, pickFile, sayForm, seg, t } from './common.js';

const state = await api('GET', 'box/state');
const { apps, groups } = state.wecom;
let { members } = await api('GET', 'box/members');
const wanted = new URLSearchParams(location.search).get('as') ?? sessionStorage.member;
let me = members.find((one) => one.user_id === wanted) ?? members[0];
let chats = [];
let place = null; // the app or the group whose chat is open

const picker = el('select', { ariaLabel: t('member') });
const list = el('nav', { className: 'list' });
const title = el('h1');
const logNode = el('div', { className: 'log', role: 'log', ariaLive: 'polite' });
const base = () => (place.group ? `box/groups/${seg(place.group)}` : `box/members/${seg(me.user_id)}/apps/${place.agent_id}`);
const log = new Log(logNode, () => ({ mine: 'agent', name: place?.name, empty: t('noCards'),
  press: place?.group ? null : (message, key, chosen) => guard(() => api('POST', `${base()}/press`, { message: message.id, key, chosen }))() }));
const say = (body) => api('POST', `${base()}/messages`, body);
const line = (key, text) => el('button', { type: 'button', textContent: t(key), onclick: guard(() => say({ type: 'text', text })) });
const ask = (key, text) => el('button', { type: 'button', textContent: t(key), onclick: async () => { const words = await askFor(t(key), text); if (words) guard(say)({ type: 'text', text: words }); } });

const tools = () => el('div', { className: 'tools' },
  ask('transfer', '#转接 -n system'), line('close', '#退出'), line('toAi', '#AI'), line('help', '#帮助'),
  el('button', { type: 'button', textContent: t('image'), onclick: () => pickFile('image/*', (media) => say({ type: 'image', media: media.media })) }),
  el('button', { type: 'button', textContent: t('place'), onclick: guard(() => say({ type: 'location', latitude: 31.230391, longitude: 121.473701, label: '上海市黄浦区' })) }),
  ...place.menu.map((entry) => el('button', { type: 'button', textContent: `☰ ${entry.name}`, onclick: guard(() => api('POST', `${base()}/events`, entry.key ? { event: 'click', key: entry.key } : { event: 'view', url: entry.url })) })));
const chatNode = el('section', { className: 'chat' });
const main = el('main', { className: 'spread two' }, list, chatNode);

function showMe() {
  picker.replaceChildren(...members.map((one) => el('option', { value: one.user_id, textContent: `${one.name}${one.unread ? ` (${one.unread})` : ''}`, selected: one.user_id === me.user_id })));
  document.title = `${me.unread ? `(${me.unread}) ` : ''}${t('wecom')} · ${me.name}`;
}
const summary = (message) => {
  const content = message?.content;
  return content ? content.text ?? content.card?.title ?? content.title ?? content.articles?.[0].title ?? `[${content.type}]` : '';
};
function entry(one, small, unread) {
  const on = place && place.name === one.name && place.group === one.group;
  return el('button', { type: 'button', className: on ? 'on' : '', onclick: guard(() => open(one)) }, face(one.name),
    el('span', { className: 'who' }, el('b', { textContent: one.name }), el('small', { textContent: small })),
    unread ? el('span', { className: 'badge', textContent: unread }) : null);
}
function showList() {
  list.replaceChildren(
    ...apps.map((app) => { const chat = chats.find((one) => one.agent_id === app.agent_id); return entry(app, summary(chat?.last), chat?.unread); }),
    ...groups.map((name) => entry({ name, group: name }, t('robotGroup'))));
}
async function open(one) {
  place = one;
  main.classList.add('open');
  title.textContent = one.name;
  const back = el('button', { type: 'button', className: 'back', textContent: `‹ ${t('back')}`, onclick: () => { place = null; main.classList.remove('open'); showList(); } });
  const below = one.group ? [] : [tools(), sayForm((text) => say({ type: 'text', text }), (media, type) => say({ type, media: media.media }))];
  chatNode.replaceChildren(el('header', {}, back, title), logNode, ...below);
  log.clear();
  const { messages } = await api('GET', `${base()}/messages?limit=100`);
  messages.forEach((message) => log.put(message));
  logNode.scrollTop = logNode.scrollHeight;
  await read();
  showList();
}
const read = async () => { if (place && !place.group && me.unread && document.visibilityState === 'visible') await api('POST', `${base()}/read`); };
async function become(one) {
  me = one;
  sessionStorage.member = me.user_id;
  ({ apps: chats } = await api('GET', `box/members/${seg(me.user_id)}/apps`));
  showMe();
  showList();
  if (innerWidth > 460 || place) await open(apps[0]);
}
picker.onchange = guard(() => become(members.find((one) => one.user_id === picker.value)));

document.body.append(el('header', {}, el('h1', { textContent: t('wecom') }), picker, languageButton()), main);
await become(me);
const here = (event) => event.user_id === me.user_id && place && event.agent_id === place.agent_id;
live(state.event, {
  member: guard(async ({ member }) => {
    members = members.map((one) => (one.user_id === member.user_id ? member : one));
    if (member.user_id !== me.user_id) return showMe();
    me = member;
    ({ apps: chats } = await api('GET', `box/members/${seg(me.user_id)}/apps`));
    await read();
    showMe();
    showList();
  }),
  member_message: (event) => { if (here(event)) log.put(event.message); },
  member_message_changed: (event) => { if (here(event)) log.put(event.message); },
  group_message: (event) => { if (place?.group === event.group) log.put(event.message); },
});
