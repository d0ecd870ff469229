// What all pages share: words in two languages, the API, live events, bubbles. Plain modules, no build step.
import { card as templateCard, markdown, news } from './cards.js';

const words = {
  zh: {
    send: '发送', say: '说点什么…', image: '图片', voice: '语音', place: '位置', link: '链接', file: '文件', scan: '扫码', menu: '菜单',
    follow: '关注', unfollow: '取消关注', typing: '对方正在输入…', phone: '手机', agent: '客服', wire: '报文', newCustomer: '新客户',
    failed: '发送失败', sending: '发送中', delivered: '已送达', read: '已读', ok: '确定', cancel: '取消', recalled: '撤回了一条消息', recall: '撤回', edit: '修改', device: '客户端平台', unread: '条未读', online: '在线', offline: '离线',
    noChats: '还没有会话。到手机页发“转人工”试试。', pick: '选择一个会话', noWords: '还没有消息，说句话试试', noCards: '还没有消息。客户转人工分给这位成员时，会出现在这里。', noWire: '还没有报文。到手机页说句话，这里就会出现。', steps: '左边的手机是客户：先问一句，再说“转人工”。中间是客服：回复客户，试试 #帮助、#转接 -n lin、#退出。右下是每一条报文。',
    voiceSample: '发送一段 2 秒的示例语音', clear: '清空', fault: '加入故障，例如 wechat.send=45015x2',
    add: '加入', request: '请求', answer: '应答', plain: '解密后', raw: '原文', both: '全部', allowance: '客服还能发 {n} 条，您再发言后恢复', allowanceShut: '客服暂时不能主动发消息，您发言后恢复',
    ask: '输入客户昵称', sceneAsk: '二维码场景值（agent:名称 指定专属客服）', home: '沙盒', record: '记录', title: '客服桥沙盒',
    voiceWords: '语音识别的文字', linkAsk: '链接地址', lost: '连接断开，正在重连…', ms: '毫秒', time: '时间', peer: '平台', call: '接口', status: '状态',
    peer_wechat: '微信', peer_kf: '微信客服', peer_wecom: '企业微信', peer_tim: '腾讯云 IM', peer_dify: 'Dify', close_: '关闭',
    transfer: '转接', close: '结束', help: '帮助', toAi: '转回 AI', human: '转人工', back: '返回',
    opens: '打开', bridge: '客服桥', wecom: '企业微信', member: '成员', robotGroup: '机器人群', more: '更多', place_: '渠道', place_wechat: '公众号', place_kf: '微信客服', place_miniapp: '小程序',
    site: '公司网站', siteSays: '右下角的按钮打开在线客服。任何网站加上这一行就有：',
  },
  en: {
    send: 'Send', say: 'Say something…', image: 'Picture', voice: 'Voice', place: 'Place', link: 'Link', file: 'File', scan: 'Scan', menu: 'Menu',
    follow: 'Follow', unfollow: 'Unfollow', typing: 'typing…', phone: 'Phone', agent: 'Agent', wire: 'Wire', newCustomer: 'New customer',
    failed: 'not sent', sending: 'sending', delivered: 'delivered', read: 'read', ok: 'OK', cancel: 'Cancel', recalled: 'took a message back', recall: 'take back', edit: 'edit', device: 'client platform', unread: 'unread', online: 'online', offline: 'offline',
    noChats: 'No chats yet. Ask for a person (转人工) on the phone page.', pick: 'Choose a chat', noWords: 'Nothing yet: say something', noCards: 'Nothing yet. Contacts who are given to this member appear here.', noWire: 'Nothing yet. Say something on the phone, and it appears here.', steps: 'The phone on the left is a customer: ask something, then say 转人工. The agents in the middle answer: try #help, #transfer -n lin, #quit. Below is every exchange.',
    voiceSample: 'Sends a sample of 2 seconds',
    clear: 'Clear', fault: 'Order a fault, e.g. wechat.send=45015x2',
    add: 'Add', request: 'Request', answer: 'Answer', plain: 'decrypted', raw: 'as sent', both: 'all', allowance: '{n} more may still be sent to you until you write again', allowanceShut: 'nothing may be sent to you until you write',
    ask: 'Customer name', sceneAsk: 'Scene of the QR code (agent:NAME makes NAME the dedicated agent)', home: 'Sandbox', record: 'record', title: 'Kefu Bridge sandbox',
    voiceWords: 'What the voice says', linkAsk: 'Address of the link', lost: 'Cut off, reconnecting…', ms: 'ms', time: 'time', peer: 'platform', call: 'call', status: 'status',
    peer_wechat: 'WeChat', peer_kf: 'WeChat KF', peer_wecom: 'WeCom', peer_tim: 'Tencent IM', peer_dify: 'Dify', close_: 'Close',
    transfer: 'Transfer', close: 'End', help: 'Help', toAi: 'Back to AI', human: 'A person', back: 'Back',
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
// Pages in a frame leave the language to the page around them.
export const isFramed = window.parent !== window;
export const languageButton = () => isFramed ? null :
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

/** Tells what went wrong, without stopping anything. */
export function toast(text) {
  const node = el('div', { className: 'toast', role: 'alert', textContent: text });
  document.body.append(node);
  setTimeout(() => node.remove(), 6000);
}
/** Asks for a line of words; resolves to null where nothing is to happen. */
export function ask(title, value = '') {
  const input = el('input', { value, ariaLabel: title, name: 'line' });
  const dialog = el('dialog', { ariaLabel: title }, el('form', { method: 'dialog' }, el('p', { textContent: title }), input,
    el('div', { className: 'choices' }, el('button', { type: 'button', textContent: t('cancel'), onclick: () => dialog.close() }),
      el('button', { className: 'main', textContent: t('ok'), value: 'ok' }))));
  document.body.append(dialog);
  dialog.showModal();
  input.select();
  return new Promise((resolve) => dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'ok' ? input.value : null); }));
}

const time = new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
export const clock = (ms) => time.format(ms);
const short = new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', { hour: '2-digit', minute: '2-digit', hour12: false });
const long = new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false });
/** Hours and minutes; the day too, where it is not today. */
export const moment = (ms) => (new Date(ms).toDateString() === new Date().toDateString() ? short : long).format(ms);
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
    case 'image': return bare(el('a', { href: content.url, target: '_blank' }, el('img', { src: content.url, alt: content.name ?? t('image'), loading: 'lazy' })));
    case 'voice': return bubble(`🔊 ${content.seconds ? content.seconds + '″ ' : ''}`, content.words ?? '', el('br'),
      /amr|silk/.test(content.format ?? content.url) ? el('a', { href: content.url, target: '_blank', textContent: content.format ?? '▶' }) : el('audio', { src: content.url, controls: true, preload: 'none', title: t('voice') }));
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
  if (message.status === 'failed') state.textContent = `⚠ ${t('failed')}${message.note ? `：${message.note}` : ''}`;
  else if (own && message.status === 'sending') state.append(mark('…', t('sending')));
  else if (own && message.status === 'delivered') state.append(mark('✓', t('delivered')));
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
const mark = (sign, says) => el('span', { textContent: sign, title: says, role: 'img', ariaLabel: says });
const meta = (text) => el('div', { className: 'meta', textContent: text });

// A chat log: rows by message id, kept at the end unless the reader has scrolled up; the time stands where some has passed.
const GAP = 300_000;
export class Log {
  constructor(node, options) { this.node = node; this.options = options; this.rows = new Map(); this.at = 0; node.tabIndex = 0; }
  clear() { this.node.replaceChildren(); this.rows.clear(); this.at = 0; this.node.dataset.empty = this.options().empty ?? t('noWords'); }
  put(message) {
    const atEnd = this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 120;
    const fresh = row(message, this.options());
    const old = this.rows.get(message.id);
    if (old) old.replaceWith(fresh);
    else {
      if (message.at - this.at > GAP) this.node.append(el('time', { className: 'meta', textContent: moment(message.at) }));
      this.at = message.at;
      this.node.append(fresh);
    }
    this.rows.set(message.id, fresh);
    if (atEnd || message.from === this.options().mine) this.node.scrollTop = this.node.scrollHeight;
  }
}

// The line at the bottom: Enter sends, Shift+Enter breaks the line, an input method's Enter does neither. `attach` takes
// pictures and files that are pasted or dropped; `typing` hears, once in a while, that something is being written.
export function sayForm(send, attach, typing = () => {}) {
  const area = el('textarea', { placeholder: t('say'), ariaLabel: t('say'), name: 'text', rows: 1 });
  let told = 0;
  const form = el('form', { className: 'say' }, area, el('button', { className: 'main', textContent: t('send') }));
  form.onsubmit = async (event) => {
    event.preventDefault();
    const text = area.value;
    if (!text.trim()) return;
    area.value = ''; told = 0;
    grow();
    try { await send(text); } catch (error) { area.value ||= text; grow(); toast(error.message); }
  };
  area.onkeydown = (event) => { if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } };
  const grow = () => { area.style.height = 'auto'; area.style.height = `${Math.max(40, area.scrollHeight + 2)}px`; };
  area.oninput = () => { grow(); if (area.value && Date.now() - told > 3000) { told = Date.now(); typing(); } };
  const take = (event, files) => {
    if (!attach || !files?.length) return;
    event.preventDefault();
    [...files].slice(0, 9).forEach(guard(async (file) => attach(await upload(file), file.type.startsWith('image/') ? 'image' : 'file')));
  };
  area.onpaste = (event) => take(event, event.clipboardData.files);
  area.ondrop = (event) => take(event, event.dataTransfer.files);
  return form;
}
export const pickFile = (accept, use) => {
  const input = el('input', { type: 'file', accept });
  input.onchange = guard(async () => use(await upload(input.files[0])));
  input.click();
};
export const guard = (work) => async (...args) => { try { await work(...args); } catch (error) { toast(error.message); } };

/** A voice as phones make them: AMR, `seconds` of near silence. */
export function sampleVoice(seconds) {
  const frames = seconds * 50;
  const bytes = new Uint8Array(6 + frames * 32);
  bytes.set(new TextEncoder().encode('#!AMR\n'));
  for (let frame = 0; frame < frames; frame += 1) bytes[6 + frame * 32] = 0x3c; // 12.2 kbit/s, 20 ms
  return upload(new File([bytes], 'voice.amr', { type: 'audio/amr' }));
}
