// Everything on one table: a phone, two agents at their desks, one in WeCom, the wire; and links to every page there is.
import { api, el, languageButton, seg, t } from './common.js';

document.title = t('title');
const state = await api('GET', 'box/state');
const { agents } = await api('GET', 'box/agents');
const { members } = await api('GET', 'box/members');
const frame = (src, title, className = '') => el('iframe', { src, title, className });
const stage = el('main', { className: 'stage' }, frame('phone.html', t('phone'), 'tall'));
for (const agent of agents.slice(0, 2)) stage.append(frame(`agent.html?as=${seg(agent.user_id)}`, `${t('agent')} ${agent.nick}`));
for (const member of members.slice(0, 1)) stage.append(frame(`wecom.html?as=${seg(member.user_id)}`, `${t('wecom')} ${member.name}`));
stage.append(frame('wire.html', t('wire'), members.length ? '' : 'wide'));
const link = (href, text) => el('a', { href, textContent: text, target: '_blank' });
const phones = [
  ...state.accounts.map((account) => [account.inbox, account.mini ? 'miniapp' : 'wechat', account.name]),
  ...(state.kf ?? []).map((account) => [account.open_kfid, 'kf', account.name])];
document.body.append(
  el('header', {}, el('h1', {}, t('title'), ' ', el('small', { textContent: state.bridge })), languageButton()),
  el('nav', { className: 'pages' },
    ...phones.map(([id, kind, name]) => link(`phone.html?in=${seg(id)}`, `${t('phone')} · ${t(`place_${kind}`)} ${name}`)),
    ...agents.map((agent) => link(`agent.html?as=${seg(agent.user_id)}`, `${t('agent')} · ${agent.nick}`)),
    ...members.map((member) => link(`wecom.html?as=${seg(member.user_id)}`, `${t('wecom')} · ${member.name}`)),
    link('site.html', t('site')), link('wire.html', t('wire')), ...(state.bridge ? [link(state.bridge, t('bridge'))] : [])),
  el('p', { className: 'steps', textContent: t('steps') }),
  stage,
);
