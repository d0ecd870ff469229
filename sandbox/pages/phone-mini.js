// A customer of a mini program: its chat takes words, pictures and pages of its own; it is entered from a page, and asks
// whether it may remind.
import { api, ask, pickFile, seg, t, teach } from './common.js';
import { tool } from './shell.js';

teach({
  zh: { enter: '进入客服', enterAsk: '客服按钮的 session-from', page: '页面卡片', allow: '允许提醒', refuse: '拒绝提醒', grants: '可提醒' },
  en: { enter: 'Enter', enterAsk: 'session-from of the contact button', page: 'Page', allow: 'Allow reminders', refuse: 'Refuse', grants: 'reminders' },
});

export const describe = ({ account }) => ({
  list: async () => (await api('GET', 'box/customers')).customers.filter((one) => one.inbox === account.inbox),
  create: (nickname) => api('POST', 'box/customers', { nickname, inbox: account.inbox, follow: false }),
  key: (customer) => customer.openid,
  note: ({ allowance, grants }) => (allowance ? t('allowance').replace('{n}', allowance.left) : t('allowanceShut')) + (grants ? ` · ${t('grants')} ${grants}` : ''),
  path: (customer) => `box/customers/${seg(customer.openid)}`,
  options: ({ say, happen }) => ({
    tap: (item) => say({ type: 'menu_tap', id: item.id, text: item.text }),
    open: (page) => happen({ event: 'enter', session_from: page.split('?')[1] ?? '' }),
  }),
  tools: ({ say, happen }) => [
    tool(t('human'), () => say({ type: 'text', text: '转人工' })),
    tool(t('image'), () => pickFile('image/*', (media) => say({ type: 'image', media: media.media }))),
    tool(t('enter'), async () => { const from = await ask(t('enterAsk'), 'page=pages/order/index&order=20250101-42'); if (from !== null) happen({ event: 'enter', session_from: from }); }),
    tool(t('page'), () => say({ type: 'mini_program', title: '保温杯 500ml', app_id: account.app_id, page_path: 'pages/item/index?sku=42' })),
    ...account.mini.templates.flatMap(({ id, title }) => [['allow', true], ['refuse', false]].map(([key, accept]) => Object.assign(tool(t(key), () => happen({ event: 'consent', template: id, accept })), { title }))),
  ],
  events: (phone) => ({
    customer: ({ customer }) => { if (customer.inbox === account.inbox) phone.changed(customer); },
    customer_message: ({ openid, message }) => { if (phone.is(openid)) phone.put(message); },
    customer_message_changed: ({ openid, message }) => { if (phone.is(openid)) phone.put(message); },
    typing: ({ openid, typing }) => { if (phone.is(openid)) phone.typing(typing); },
  }),
});
