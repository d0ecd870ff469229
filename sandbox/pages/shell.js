// The shell of every phone page: the place and the person to choose, the chat, the tools, the line to type in.
//
// A place describes itself as { list, create, key, note, path, tools, events, options }:
//   list()          the people there are, newest last           create(nickname)  makes one
//   key(person)     what names a person                         note(person)      a short remark under the title
//   path(person)    where `messages` are read and sent          tools(phone)      nodes for the bar above the line
//   events(phone)   live handlers by kind, beside the shell's   options(phone)    more for the log's rows (tap, recall)
// `phone` has { person, say(body), happen(body), changed(person), put(message), typing(on), reopen() }.
import { Log, api, ask, el, guard, languageButton, live, sayForm, seg, t } from './common.js';

export async function shell(state, places, place, kind) {
  let people = await kind.list();
  if (!people.length) people = [await kind.create('小周')];
  const memory = `person:${place.id}`;
  const wanted = new URLSearchParams(location.search).get('as') ?? sessionStorage[memory];
  const note = el('div', { className: 'note', ariaLive: 'polite' });
  const where = el('select', { ariaLabel: t('place_'), className: 'place' },
    ...places.map((one) => el('option', { value: one.id, textContent: one.label, selected: one.id === place.id })));
  where.onchange = () => { const next = new URL(location.href); next.search = `?in=${seg(where.value)}`; location.assign(next); };
  const picker = el('select', { ariaLabel: t('phone') });
  const typing = el('div', { className: 'typing', ariaLive: 'polite' });
  const logNode = el('div', { className: 'log', role: 'log', ariaLive: 'polite' });
  const tools = el('div', { className: 'tools' });
  const phone = {
    person: people.find((one) => kind.key(one) === wanted) ?? people.at(-1),
    say: guard((body) => api('POST', `${kind.path(phone.person)}/messages`, body)),
    happen: guard((body) => api('POST', `${kind.path(phone.person)}/events`, body)),
    is: (key) => key === kind.key(phone.person),
    put(message) {
      if (message.from === 'account') { phone.typing(false); if (document.hidden && !log.rows.has(message.id)) unread += 1; }
      log.put(message);
      named();
    },
    typing(on) { typing.textContent = on ? t('typing') : ''; },
    changed(person) {
      const index = people.findIndex((one) => kind.key(one) === kind.key(person));
      if (index < 0) people.push(person); else people[index] = person;
      if (phone.is(kind.key(person))) phone.person = person;
      show();
    },
    reopen: () => open(phone.person),
  };
  const log = new Log(logNode, () => ({ mine: 'customer', name: place.name, ...kind.options?.(phone) }));

  function show() {
    note.textContent = kind.note?.(phone.person) ?? '';
    tools.replaceChildren(...kind.tools(phone));
    picker.replaceChildren(
      ...people.map((one) => el('option', { value: kind.key(one), textContent: one.nickname || kind.key(one), selected: phone.is(kind.key(one)) })),
      el('option', { value: '+', textContent: `＋ ${t('newCustomer')}` }));
  }
  async function open(person) {
    phone.person = person;
    sessionStorage[memory] = kind.key(person);
    show();
    log.clear();
    phone.typing(false);
    const { messages } = await api('GET', `${kind.path(person)}/messages?limit=100`);
    messages.forEach((message) => log.put(message));
    logNode.scrollTop = logNode.scrollHeight;
  }
  picker.onchange = guard(async () => {
    if (picker.value !== '+') return open(people.find((one) => kind.key(one) === picker.value));
    const nickname = await ask(t('ask'), '小林');
    if (!nickname) return show();
    const fresh = await kind.create(nickname);
    phone.changed(fresh);
    await open(fresh);
  });

  let unread = 0;
  const named = () => { document.title = `${unread ? `(${unread}) ` : ''}${t('phone')} · ${place.name}`; };
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { unread = 0; named(); } });
  named();
  document.body.append(
    el('header', {}, el('h1', {}, places.length > 1 ? where : place.name), picker, languageButton()),
    el('main', { className: 'chat' }, note, logNode, typing, tools, sayForm((text) => api('POST', `${kind.path(phone.person)}/messages`, { type: 'text', text }), (media, type) => phone.say({ type, media: media.media }))));
  await open(phone.person);
  live(state.event, kind.events(phone));
}

/** A button of the bar above the line. */
export const tool = (text, onclick) => el('button', { type: 'button', textContent: text, onclick });
