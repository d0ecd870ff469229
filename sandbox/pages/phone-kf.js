// A customer of WeChat KF: enters by a link, writes, and sees who serves.
import { api, ask, guard, pickFile, sampleVoice, seg, t, teach } from './common.js';
import { tool } from './shell.js';

teach({
  zh: { byLink: '从链接进入', byLinkAsk: '链接的 scene_param（agent:名称 指定专属客服）', served: '由 {who} 接待', pool: '排队中，等待接待', ended: '会话未开始，发消息即可开始' },
  en: { byLink: 'Enter by a link', byLinkAsk: 'scene_param of the link (agent:NAME makes NAME the dedicated agent)', served: 'served by {who}', pool: 'waiting to be served', ended: 'no session: write to begin' },
});

// The session's state, as the service_state of the platform.
const session = ({ session: state, servicer, left }) =>
  state === 2 ? t('pool') : state === 3 ? t('served').replace('{who}', servicer) : state === 4 ? t('ended') : t('allowance').replace('{n}', left);

export const describe = () => ({
  list: async () => (await api('GET', 'box/kf/customers')).customers,
  create: (nickname) => api('POST', 'box/kf/customers', { nickname }),
  key: (customer) => customer.openid,
  note: session,
  path: (customer) => `box/kf/customers/${seg(customer.openid)}`,
  options: ({ say }) => ({ tap: (item) => say({ type: 'menu_tap', id: item.id, text: item.text }) }),
  tools: ({ say, happen }) => [
    tool(t('human'), () => say({ type: 'text', text: '转人工' })),
    tool(t('image'), () => pickFile('image/*', (media) => say({ type: 'image', media: media.media }))),
    Object.assign(tool(t('voice'), guard(async () => say({ type: 'voice', media: (await sampleVoice(2)).media }))), { title: t('voiceSample') }),
    tool(t('file'), () => pickFile('', (media) => say({ type: 'file', media: media.media }))),
    tool(t('place'), () => say({ type: 'location', latitude: 30.274085, longitude: 120.15507, label: '杭州市西湖区' })),
    tool(t('link'), async () => { const url = await ask(t('linkAsk'), 'https://shop.example/policy'); if (url) say({ type: 'link', title: url, description: '', url }); }),
    tool(t('byLink'), async () => { const scene = await ask(t('byLinkAsk'), 'agent:system'); if (scene !== null) happen({ event: 'enter', scene_param: scene }); }),
  ],
  events: (phone) => ({
    kf_customer: ({ customer }) => phone.changed(customer),
    customer_message: ({ openid, message }) => { if (phone.is(openid)) phone.put(message); },
    customer_message_changed: ({ openid, message }) => { if (phone.is(openid)) phone.put(message); },
  }),
});
