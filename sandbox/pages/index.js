// Everything on one table: a phone, two agents, the wire.
import { api, el, languageButton, t } from './common.js';

document.title = t('title');
const state = await api('GET', 'box/state');
const { agents } = await api('GET', 'box/agents');
const frame = (src, title, className = '') => el('iframe', { src, title, className });
const stage = el('main', { className: 'stage' }, frame('phone.html', t('phone'), 'tall'));
for (const agent of agents.slice(0, 2)) stage.append(frame(`agent.html?as=${encodeURIComponent(agent.user_id)}`, `${t('agent')} ${agent.nick}`));
stage.append(frame('wire.html', t('wire'), 'wide'));
const link = (href, text) => el('a', { href, textContent: text, target: '_blank' });
document.body.append(
  el('header', {}, el('h1', {}, t('title'), ' ', el('small', { textContent: state.bridge })),
    link('phone.html', t('phone')), link('agent.html', t('agent')), link('site.html', t('site')), link('wire.html', t('wire')), languageButton()),
  stage,
);
