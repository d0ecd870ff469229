// A customer of an official account.
import { api, ask, guard, pickFile, sampleVoice, seg, t } from './common.js';
import { tool } from './shell.js';

export const describe = ({ account }) => ({
  list: async () => (await api('GET', 'box/customers')).customers.filter((one) => one.inbox === account.inbox),
  create: (nickname) => api('POST', 'box/customers', { nickname, inbox: account.inbox }),
  key: (customer) => customer.openid,
  note: ({ allowance }) => (allowance ? t('allowance').replace('{n}', allowance.left) : t('allowanceShut')),
  path: (customer) => `box/customers/${seg(customer.openid)}`,
  options: ({ say }) => ({ tap: (item) => say({ type: 'menu_tap', id: item.id, text: item.text }) }),
  tools: ({ person, say, happen }) => [
    tool(t('human'), () => say({ type: 'text', text: '转人工' })),
    tool(t('image'), () => pickFile('image/*', (media) => say({ type: 'image', media: media.media }))),
    tool(t('voice'), guard(async () => { const words = await ask(t('voiceWords'), '我要退货。'); if (words !== null) await say({ type: 'voice', media: (await sampleVoice(2)).media, words, format: 'amr' }); })),
    tool(t('place'), () => say({ type: 'location', latitude: 30.274085, longitude: 120.15507, label: '杭州市西湖区' })),
    tool(t('link'), async () => { const url = await ask(t('linkAsk'), 'https://shop.example/policy'); if (url) say({ type: 'link', title: url, description: '', url }); }),
    tool(t('scan'), async () => { const scene = await ask(t('sceneAsk'), 'agent:system'); if (scene) happen({ event: 'scan', scene }); }),
    tool(t(person.following ? 'unfollow' : 'follow'), () => happen({ event: person.following ? 'unsubscribe' : 'subscribe' })),
    ...(account.menu ?? []).map((item) => tool(`☰ ${item.name}`, () => happen(item.key ? { event: 'click', key: item.key } : { event: 'view', url: item.url }))),
  ],
  events: (phone) => ({
    customer: ({ customer }) => { if (customer.inbox === account.inbox) phone.changed(customer); },
    customer_message: ({ openid, message }) => { if (phone.is(openid)) phone.put(message); },
    customer_message_changed: ({ openid, message }) => { if (phone.is(openid)) phone.put(message); },
    typing: ({ openid, typing }) => { if (phone.is(openid)) phone.typing(typing); },
  }),
});
