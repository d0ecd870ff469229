// The chat on another site: a button, and the page in a frame when somebody presses it. One line puts it there:
//   <script src="https://kefu.example.com/web/INBOX/kefu.js" async></script>
// data-color, data-title, data-side="left", data-lang, data-from and data-name say more; window.Kefu opens and closes it.
(() => {
  const tag = document.currentScript;
  if (!tag || window.Kefu) return;
  const settings = { ...{settings}, ...tag.dataset };
  const base = new URL('.', tag.src);
  const place = `kefu:${base.href}`;
  const isChinese = (settings.lang ?? navigator.language).toLowerCase().startsWith('zh');
  const label = settings.title || (isChinese ? '在线客服' : 'Chat with us');
  const remember = (token) => { try { token ? localStorage.setItem(place, token) : localStorage.removeItem(place); } catch { /* not kept */ } };
  const remembered = () => { try { return localStorage.getItem(place) ?? undefined; } catch { return undefined; } };
  const side = settings.side === 'left' ? 'left' : 'right';

  // A shadow keeps the site's styles out and ours in; styles are set as properties, which no site's policy forbids.
  const host = document.createElement('div');
  const root = host.attachShadow({ mode: 'open' });
  const dress = (element, style) => Object.assign(element.style, style);
  const accent = /^#[0-9a-f]{6}$/i.test(settings.color) ? settings.color : '#1f6feb';
  const button = document.createElement('button');
  button.type = 'button';
  button.setAttribute('aria-label', label);
  button.setAttribute('aria-expanded', 'false');
  button.title = label;
  dress(button, { position: 'fixed', [side]: '20px', bottom: 'calc(20px + env(safe-area-inset-bottom))', width: '56px', height: '56px', border: '0', borderRadius: '50%', background: accent, cursor: 'pointer', zIndex: '2147483646', boxShadow: '0 4px 16px rgb(0 0 0 / .25)', padding: '0' });
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24'); svg.setAttribute('width', '28'); svg.setAttribute('height', '28'); svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('fill', '#fff');
  path.setAttribute('d', 'M12 3C6.5 3 2 6.8 2 11.5c0 2.6 1.4 4.9 3.6 6.5L5 21.5l4-2c.9.3 2 .4 3 .4 5.5 0 10-3.8 10-8.4S17.5 3 12 3Z');
  svg.append(path);
  const badge = document.createElement('span');
  badge.hidden = true;
  dress(badge, { position: 'absolute', top: '-4px', right: '-4px', minWidth: '20px', height: '20px', borderRadius: '10px', background: '#d32f2f', color: '#fff', font: '12px/20px system-ui', textAlign: 'center', padding: '0 4px', boxSizing: 'border-box' });
  button.append(svg, badge);
  root.append(button);

  let frame = null;
  const isSmall = () => window.matchMedia('(max-width: 520px)').matches;
  function lay() {
    const small = isSmall();
    dress(frame, { position: 'fixed', border: '0', zIndex: '2147483647', background: '#fff', colorScheme: 'normal',
      [side]: small ? '0' : '20px', bottom: small ? '0' : '20px', width: small ? '100%' : '380px', height: small ? '100%' : 'min(640px, calc(100vh - 40px))',
      borderRadius: small ? '0' : '14px', boxShadow: small ? 'none' : '0 8px 40px rgb(0 0 0 / .3)' });
  }
  function open() {
    if (!frame) {
      frame = document.createElement('iframe');
      frame.title = label;
      frame.allow = 'microphone';
      const page = new URL(base);
      if (settings.lang) page.searchParams.set('lang', settings.lang);
      frame.src = page;
      root.append(frame);
    }
    lay();
    frame.hidden = false; frame.style.display = '';
    button.style.display = 'none';
    button.setAttribute('aria-expanded', 'true');
    frame.focus();
  }
  function close() {
    if (!frame) return;
    frame.style.display = 'none';
    button.style.display = '';
    button.setAttribute('aria-expanded', 'false');
    button.focus();
  }
  button.addEventListener('click', open);
  window.addEventListener('resize', () => frame && lay());
  window.addEventListener('message', (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== base.origin) return;
    const { kefu, token, count } = event.data ?? {};
    if (kefu === 'ready') frame.contentWindow.postMessage({ kefu: 'hello', token: remembered(), from: settings.from ?? location.href.split(/[?#]/)[0], name: settings.name }, base.origin);
    if (kefu === 'token') remember(token);
    if (kefu === 'close') close();
    if (kefu === 'unread') { badge.textContent = count > 99 ? '99+' : String(count); badge.hidden = !(count > 0) || frame.style.display !== 'none'; }
  });
  window.Kefu = { open, close };
  const attach = () => document.body.append(host);
  document.body ? attach() : document.addEventListener('DOMContentLoaded', attach);
})();
