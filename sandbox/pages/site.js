// A company's own site: one script of the bridge, and nothing else of it.
import { api, el, languageButton, t } from './common.js';

document.title = t('title');
const { bridge } = await api('GET', 'box/state');
const source = `${bridge}/web/site/kefu.js`;
document.body.append(
  el('header', {}, el('h1', {}, t('site')), languageButton()),
  el('main', { className: 'article' }, el('p', { textContent: t('siteSays') }), el('pre', { textContent: `<script src="${source}" async></script>` })),
  el('script', { src: source, async: true }),
);
