// What all pages share: words in two languages, the API, live events, bubbles. Plain modules, no build step.
import { card as templateCard, markdown, news } from './cards.js';

const words = {
  zh: {
    send: '发送', say: '说点什么…', image: '图片', voice: '语音', place: '位置', link: '链接', file: '文件', scan: '扫码', menu: '菜单',
    follow: '关注', unfollow: '取消关注', typing: '对方正在输入…', phone: '手机', agent: '客服', wire: '报文', newCustomer: '新客户',
    failed: '发送失败', sending: '发送中', read: '已读', recalled: '撤回了一条消息', recall: '撤回', edit: '修改', device: '客户端平台', online: '在线', offline: '离线',
    noChats: '还没有会话。到手机页发“转人工”试试。', pick: '选择一个会话', clear: '清空', fault: '加入故障，例如 wechat.send=45015x2',
    add: '加入', request: '请求', answer: '应答', plain: '解密后', raw: '原文', both: '全部', allowance: '还可下发', allowanceShut: '下发窗口已关闭',
    ask: '输入客户昵称', sceneAsk: '二维码场景值（agent:名称 指定专属客服）', home: '沙盒', record: '记录', title: '客服桥沙盒',
    voiceWords: '语音识别的文字', linkAsk: '链接地址', lost: '连接断开，正在重连…', ms: '毫秒', time: '时间', peer: '平台', call: '接口', status: '状态',
    transfer: '转接', close: '结束', help: '帮助', toAi: '转回 AI', human: '转人工', back: '返回',
    opens: '打开', bridge: '客服桥', wecom: '企业微信', member: '成员', robotGroup: '机器人群', more: '更多', place_: '渠道', place_wechat: '公众号', place_kf: '微信客服', place_miniapp: '小程序',
    site: '公司网站', siteSays: '右下角的按钮打开在线客服。任何网站加上这一行就有：',
  },
  en: {
    send: 'Send', say: 'Say something…', image: 'Picture', voice: 'Voice', place: 'Place', link: 'Link', file: 'File', scan: 'Scan', menu: 'Menu',
    follow: 'Follow', unfollow: 'Unfollow', typing: 'typing…', phone: 'Phone', agent: 'Agent', wire: 'Wire', newCustomer: 'New customer',
    failed: 'not sent', sending: 'sending', read: 'read', recalled: 'took a message back', recall: 'take back', edit: 'edit', device: 'client platform', online: 'online', offline: 'offline',
    noChats: 'No chats yet. Ask for a person (转人工) on the phone page.', pick: 'Choose a chat', clear: 'Clear', fault: 'Order a fault, e.g. wechat.send=45015x2',
    add: 'Add', request: 'Request', answer: 'Answer', plain: 'decrypted', raw: 'as sent', both: 'all', allowance: 'may still be sent', allowanceShut: 'the send window is shut',
    ask: 'Customer name', sceneAsk: 'Scene of the QR code (agent:NAME makes NAME the dedicated agent)', home: 'Sandbox', record: 'record', title: 'Kefu Bridge sandbox',
    voiceWords: 'What the voice says', linkAsk: 'Address of the link', lost: 'Cut off, reconnecting…', ms: 'ms', time: 'time', peer: 'platform', call: 'call', status: 'status',
    transfer: 'Transfer', close: 'Close', help: 'Help', toAi: 'Back to AI', human: 'A person', back: 'Back',
    opens: 'open', bridge: 'The bridge', wecom: 'WeCom', member: 'Member', robotGroup: 'group with a robot', more: 'More', place_: 'Channel', place_wechat: 'Official account', place_kf: 'WeChat KF', place_miniapp: 'Mini program',
    site: 'A company\'s site', siteSays: 'The button in the corner opens the chat. Any site has it with this one line:',
  },
};
export let lang = localStorage.lang || (navigator.language.startsWith('zh') ? 'zh' : 'en');
export const t = (key) => words[lang][key] ?? key;
/** A module's own words, in both languages. */
export const teach = (more) => { Object.assign(words.zh, more.zh); Object.assign(words.en, more.en); };
export const el = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.filter((child) => child != null));
  return node;
};
export const languageButton = () =>
  el('button', { className: 'lang', textContent: lang === 'zh' ? 'English' : '中文', type: 'button',
    onclick: () => { localStorage.lang = lang === 'zh' ? 'en' : 'zh'; location.reload(); } });
document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';

export async function api(method, path, body) {
  const answer = await fetch(path, { method, ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) });
  const text = await answer.text();
  const value = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Error((lang === 'zh' ? value?.error : value?.error_en) ?? `HTTP ${answer.status}`);
  return value;
}
export const seg = encodeURIComponent;
export async function upload(file) {
  const answer = await fetch(`/box/media?name=${seg(file.name)}`, { method: 'POST', headers: { 'content-type': file.type || 'application/octet-stream' }, body: file });
  if (!answer.ok) throw new Error((await answer.json())?.[lang === 'zh' ? 'error' : 'error_en'] ?? answer.status);
  return answer.json();
}

// Numbered live events; the browser reconnects with Last-Event-ID by itself.
export function live(after, on) {
  const source = new EventSource(`/box/events?after=${after}`);
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.kind === 'reset') return location.reload();
    on[event.kind]?.(event);
  };
  source.onerror = () => document.body.classList.add('lost');
  source.onopen = () => document.body.classList.remove('lost');
}

const time = new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
export const clock = (ms) => time.format(ms);
export const face = (name, avatar) => el('div', { className: 'face' }, avatar ? el('img', { src: avatar, alt: '' }) : (name || '?').trim().slice(0, 1));

// Text of an account may hold <a href>: only that becomes a link, all else stays text.
function linked(text) {
  const out = document.createDocumentFragment();
  let at = 0;
  for (const match of text.matchAll(/<a\s[^>]*?href="(https?:[^"]*)"[^>]*>(.*?)<\/a>|(https?:\/\/[^\s<>"，。；）]+)/gs)) {
    out.append(text.slice(at, match.index));
    const url = match[1] ?? match[3];
    out.append(el('a', { href: url, target: '_blank', rel: 'noreferrer', textContent: match[2] ?? url }));
    at = match.index + match[0].length;
  }
  out.append(text.slice(at));
  return out;
}
const card = (title, small, url) =>
  el('a', { className: 'card', ...(url && { href: url, target: '_blank', rel: 'noreferrer' }) }, el('b', { textContent: title }), el('small', { textContent: small ?? '' }));

// The inside of a bubble; `tap` answers a menu, `press` a card.
export function inside(content, tap, press) {
  const bare = (node) => el('div', { className: 'bubble bare' }, node);
  const bubble = (...nodes) => el('div', { className: 'bubble' }, ...nodes);
  switch (content.type) {
    case 'text': return bubble(linked(content.text));
    case 'image': return bare(el('a', { href: content.url, target: '_blank' }, el('img', { src: content.url, alt: content.name ?? '[图片]', loading: 'lazy' })));
    case 'voice': return bubble(`🔊 ${content.seconds ? content.seconds + '″ ' : ''}`, content.words ?? '', el('br'), el('a', { href: content.url, target: '_blank', textContent: content.format ?? '▶' }));
    case 'video': return bare(el('video', { src: content.url, poster: content.thumb_url ?? '', controls: true, preload: 'none' }));
    case 'file': return bubble(card(`📄 ${content.name}`, content.size ? `${Math.ceil(content.size / 1024)} KB` : '', content.url));
    case 'location': return bubble(card(`📍 ${content.label}`, `${content.latitude}, ${content.longitude}`));
    case 'link': return bubble(card(`🔗 ${content.title}`, content.description, content.url));
    case 'music': return bubble(card(`🎵 ${content.title}`, content.description, content.url));
    case 'mini_program': return bubble(card(`▣ ${content.title}`, content.page_path));
    case 'menu': {
      const node = el('div', { className: 'bubble menu' }, content.head);
      for (const item of content.items) node.append(el('button', { type: 'button', textContent: item.text, onclick: () => tap?.(item) }));
      node.append(content.tail ?? '');
      return node;
    }
    case 'custom': return bubble(content.description || content.data);
    case 'face': return bubble(content.data || `[${content.index}]`);
    case 'card': return bubble(card('🎫', content.card_id));
    case 'template_card': return templateCard(content, press);
    case 'markdown': return markdown(content);
    case 'news': return news(content);
    default: return bubble(content.raw ?? JSON.stringify(content));
  }
}

// A message as a row of a chat. `mine` is the side of this page.
export function row(message, { mine, name, avatar, tap, press, recall, edit, open }) {
  const { content } = message;
  if (message.status === 'recalled') return meta(`${message.from === mine ? '' : name + ' '}${t('recalled')}`);
  if (content.type === 'event' || content.type === 'notice' || message.from === 'system') return meta(content.text ?? JSON.stringify(content));
  const own = message.from === mine;
  const state = el('div', { className: `state ${message.status}` });
  if (message.status === 'failed') state.textContent = `⚠ ${t('failed')}`;
  else if (own && message.status === 'sending') state.textContent = '…';
  else if (own && message.status === 'read') state.textContent = t('read');
  if (own && recall && message.key && message.status !== 'failed') state.append(el('button', { type: 'button', textContent: t('recall'), onclick: () => recall(message) }));
  if (own && edit && message.key && content.type === 'text' && message.status !== 'failed') state.append(el('button', { type: 'button', textContent: t('edit'), onclick: () => edit(message) }));
  const side = own ? face('我') : face(name, avatar);
  // A subscription message: a tap opens its page.
  if (open && message.note === '服务通知') state.append(el('button', { type: 'button', textContent: t('opens'), onclick: () => open(content.page_path) }));
  const node = el('div', { className: `row ${own ? 'mine' : ''}`, title: `${clock(message.at)}${message.note ? ' · ' + message.note : ''}` }, side, inside(content, tap, press && ((key, chosen) => press(message, key, chosen))), state);
  node.dataset.id = message.id;
  return node;
}
const meta = (text) => el('div', { className: 'meta', textContent: text });

// A chat log: rows by message id, kept at the end unless the reader has scrolled up.
export class Log {
  constructor(node, options) { this.node = node; this.options = options; this.rows = new Map(); }
  clear() { this.node.replaceChildren(); this.rows.clear(); }
  put(message) {
    const atEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 120;
    const fresh = row(message, this.options());
    const old = this.rows.get(message.id);
    if (old) old.replaceWith(fresh); else this.node.append(fresh);
    this.rows.set(message.id, fresh);
    if (atEnd || message.from === this.options().mine) this.node.scrollTop = this.node.scrollHeight;
  }
}

// The line at the bottom: Enter sends, Shift+Enter breaks the line, an input method's Enter does neither.
export function sayForm(send) {
  const area = el('textarea', { placeholder: t('say'), ariaLabel: t('say'), name: 'text', rows: 1 });
  const form = el('form', { className: 'say' }, area, el('button', { className: 'main', textContent: t('send') }));
  form.onsubmit = async (event) => {
    event.preventDefault();
    const text = area.value;
    if (!text.trim()) return;
    area.value = '';
    try { await send(text); } catch (error) { area.value = text; alert(error.message); }
  };
  area.onkeydown = (event) => { if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } };
  return form;
}
export const pickFile = (accept, use) => {
  const input = el('input', { type: 'file', accept });
  input.onchange = async () => { try { await use(await upload(input.files[0])); } catch (error) { alert(error.message); } };
  input.click();
};
export const guard = (work) => async (...args) => { try { await work(...args); } catch (error) { alert(error.message); } };
