// Every page of the sandbox as a demanding reader sees it: on a phone and on a desk, light and dark, in two languages.
// Nothing runs off the side, everything that can be pressed says what it does, words stand out from what is behind them,
// and what a newcomer meets first says what to do next.
import assert from 'node:assert/strict';
import { start } from './stage.mjs';

const stage = await start();
const { complaints, passed, look, open } = stage;
const phoneSize = { width: 390, height: 844 };
const say = async (page, text) => { await page.locator('form.say textarea').fill(text); await page.locator('form.say textarea').press('Enter'); };
const hears = (page, text) => page.locator('.log .row, .log .meta', { hasText: text }).first().waitFor();
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

// What is wrong with a page, in words; run inside it.
function faults() {
  const found = [];
  const seen = (node) => node.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && node.getBoundingClientRect().width > 1;
  const says = (node) => (node.ariaLabel || node.title || node.innerText || node.labels?.[0]?.innerText || node.getAttribute('placeholder') || '').trim();
  for (const node of document.querySelectorAll('button, select, input, textarea, a[href], iframe')) {
    if (seen(node) && !says(node)) found.push(`without a name: ${node.outerHTML.slice(0, 90)}`);
  }
  const rgb = (colour) => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
  const light = ({ r, g, b }) => { const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
  const behind = (node) => { for (let at = node; at; at = at.parentElement) { const c = rgb(getComputedStyle(at).backgroundColor); if (c.a > 0.9) return c; } return { r: 255, g: 255, b: 255 }; };
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !seen(node) || node.disabled || node.matches('noscript, script, option, .face')) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(1)}: <${node.tagName.toLowerCase()} class="${node.className}"> ${node.textContent.trim().slice(0, 30)}`);
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) found.push(`${wide} px run off the side`);
  return found;
}

try {
  const fresh = await open('phone.html?in=miniapp', phoneSize);
  await fresh.waitForFunction(() => document.querySelector('.log')?.dataset.empty);
  assert.match(await fresh.locator('.log').getAttribute('data-empty'), /说句话/);
  const member = await open('wecom.html?as=ZhouNing');
  assert.match(await member.locator('.log').getAttribute('data-empty'), /客户转人工/);
  passed('an empty chat says what to do');

  const phone = await open('phone.html', phoneSize);
  const agent = await open('agent.html?as=agent_system');
  await hears(phone, '欢迎关注');
  await phone.locator('.log time').first().waitFor();
  await say(phone, '转人工');
  await hears(phone, '为您服务');
  await phone.locator('.row.mine .state [aria-label="已送达"]').first().waitFor();
  await hears(agent, '新会话');
  passed('the time and what became of a message are to be seen');

  await phone.getByRole('button', { name: '语音' }).click();
  await phone.locator('dialog[open] input').fill('我要退货，谢谢。');
  await phone.locator('dialog[open] input').press('Enter');
  await agent.locator('.log .row', { hasText: '我要退货，谢谢。' }).first().waitFor();
  passed('a customer sends a voice without having one at hand');

  await agent.locator('form.say textarea').evaluate((area, bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], '截图.png', { type: 'image/png' }));
    area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...pixel]);
  await phone.locator('.log .row:not(.mine) img').first().waitFor();
  passed('an agent pastes a screenshot');

  await phone.getByRole('button', { name: '链接', exact: true }).click();
  await phone.keyboard.press('Escape');
  await phone.locator('dialog').waitFor({ state: 'detached' });
  const wire = await open('wire.html');
  await wire.getByLabel('加入故障').fill('no such fault');
  await wire.getByRole('button', { name: '加入' }).click();
  await wire.locator('.toast').waitFor();
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes('400')));
  await wire.locator('tr.exchange').first().press('Enter');
  await wire.locator('aside.detail pre').first().waitFor();
  await wire.keyboard.press('Escape');
  await wire.locator('aside.detail').waitFor({ state: 'hidden' });
  passed('a question can be left, a mistake is told beside the work, the keyboard reaches all');

  const site = stage.printed('web/site');
  const pages = ['phone.html', 'phone.html?in=kf', 'phone.html?in=miniapp', 'agent.html?as=agent_system', 'wecom.html?as=ZhouNing', 'wire.html', 'site.html', '', site];
  const looks = [
    { name: 'phone-light', ...phoneSize, locale: 'zh-CN', colorScheme: 'light' },
    { name: 'desk-dark', width: 1280, height: 800, locale: 'en-GB', colorScheme: 'dark' },
  ];
  for (const { name, ...how } of looks) {
    for (const address of pages) {
      const page = await open(address, how);
      await page.locator('.log, #log, .wire, main').first().waitFor();
      const wrong = await page.evaluate(faults);
      await look(page, `${name}-${(address || 'all').replace(/[^a-z]+/gi, '-')}`);
      assert.deepEqual(wrong, [], `${name} ${address}`);
      await page.context().close();
    }
    passed(`every page is readable and named: ${name}`);
  }
  assert.deepEqual(complaints, []);
  stage.allPassed();
} finally {
  await stage.end();
}
