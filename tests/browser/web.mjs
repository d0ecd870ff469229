// A visitor of a company's own site in headless Chromium, on a phone and in a frame: chats, is cut off, comes back, sends a
// picture and a recording, rates. Waits for what it expects to see, never for time to pass.
import assert from 'node:assert/strict';
import { start, wireTo } from './stage.mjs';

const stage = await start();
const { url, complaints, passed, look, open } = stage;
const site = stage.printed('web/site');
const wire = await wireTo(site);
const here = `${wire.url}/web/site/`;
const phoneSize = { width: 390, height: 844 };
// The smallest PNG there is.
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

const say = async (page, text) => { await page.locator('#text').fill(text); await page.locator('#text').press('Enter'); };
const line = (page, text) => page.locator('#lines .line', { hasText: text });
const reads = (page, text) => line(page, text).first().waitFor();
const agentSays = async (page, text) => { await page.locator('form.say textarea').fill(text); await page.locator('form.say textarea').press('Enter'); };

try {
  const visitor = await open(here, phoneSize);
  const agent = await open('agent.html?as=agent_system');
  await visitor.locator('#greeting', { hasText: '您好' }).waitFor();
  await say(visitor, '你好，退货怎么办？');
  await reads(visitor, '七天无理由');
  await visitor.locator('#lines .line.contact', { hasText: '退货怎么办' }).waitFor();
  assert.equal(await visitor.locator('#waiting .line').count(), 0, 'nothing waits any more');
  passed('a visitor asks and the assistant answers');

  const evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script> **粗** [点](javascript:alert(1)) https://example.com/a';
  await say(visitor, evil);
  await line(visitor, 'onerror').first().waitFor();
  const links = await visitor.locator('#lines a').evaluateAll((all) => all.map((link) => link.href));
  assert.ok(links.every((link) => link.startsWith('http')), links.join());
  assert.equal(await visitor.evaluate(() => window.pwned), undefined);
  assert.equal(await visitor.locator('#lines img').count(), 0);
  passed('markup stays words');

  await say(visitor, '转人工');
  await visitor.locator('#state', { hasText: '默认客服 为您服务' }).waitFor();
  await agent.locator('.log', { hasText: '新会话' }).waitFor();
  await agent.locator('form.say textarea').fill('写了一半');
  await visitor.locator('#typing:not([hidden])').waitFor();
  await agentSays(agent, '您好，我来帮您看');
  await reads(visitor, '我来帮您看');
  await visitor.locator('#typing').waitFor({ state: 'hidden' });
  await visitor.locator('.line.agent .name', { hasText: '默认客服' }).first().waitFor();
  passed('a person takes over, by name');

  await agentSays(agent, '说错了的话');
  await reads(visitor, '说错了的话');
  await agent.locator('.log .row', { hasText: '说错了的话' }).last().getByRole('button', { name: '撤回' }).click();
  await line(visitor, '撤回').first().waitFor();
  assert.equal(await line(visitor, '说错了的话').count(), 0, 'what was taken back is not to be read');
  passed('an agent is seen to type, and what they take back is gone');

  const before = await visitor.locator('#lines .line').allInnerTexts();
  await visitor.reload();
  await reads(visitor, '我来帮您看');
  assert.deepEqual(await visitor.locator('#lines .line').allInnerTexts(), before);
  await visitor.locator('#state', { hasText: '默认客服' }).waitFor();
  passed('a reload shows the same history');

  wire.cut();
  await visitor.locator('body[data-wire=cut]').waitFor();
  await say(visitor, '断线时说的');
  await visitor.locator('#waiting .line', { hasText: '断线时说的' }).waitFor();
  await agentSays(agent, '断线时答的');
  await agent.locator('.log', { hasText: '断线时答的' }).waitFor();
  wire.mend();
  await reads(visitor, '断线时答的');
  await reads(visitor, '断线时说的');
  await agent.locator('.log', { hasText: '断线时说的' }).waitFor();
  assert.equal(await line(visitor, '断线时说的').count(), 1);
  assert.equal(await visitor.locator('#waiting .line').count(), 0);
  // The cut itself is said in the console, and is what this part is about.
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !/ERR_|WebSocket connection/.test(words)));
  passed('what was said while cut off arrives once, both ways');

  await visitor.locator('#file').setInputFiles({ name: '截图.png', mimeType: 'image/png', buffer: pixel });
  const image = visitor.locator('#lines .contact img').first();
  await image.waitFor();
  await visitor.waitForFunction(() => document.querySelector('#lines .contact img').naturalWidth === 1);
  await visitor.locator('#file').setInputFiles({ name: 'run.html', mimeType: 'text/html', buffer: Buffer.from('<script>1</script>') });
  await visitor.locator('#waiting .failed', { hasText: '不支持这种文件' }).waitFor();
  complaints.splice(0, complaints.length, ...complaints.filter((words) => !words.includes('415')));
  passed('a picture is sent and shown, a page is refused');

  await visitor.getByRole('button', { name: '录音' }).click();
  await visitor.locator('#length', { hasText: '1″' }).waitFor();
  await visitor.getByRole('button', { name: '发送语音' }).click();
  await visitor.locator('#lines .contact audio').waitFor();
  await visitor.waitForFunction(() => document.querySelector('#lines .contact audio').duration > 0.5);
  passed('a recording is sent and plays');
  await look(visitor, 'web-phone');

  await agentSays(agent, '#退出');
  await reads(visitor, '请为本次服务打分');
  await visitor.getByRole('button', { name: '非常满意', exact: true }).click();
  await visitor.locator('#lines .line.contact', { hasText: '非常满意' }).waitFor();
  await visitor.locator('#lines .line.contact + .line', { hasText: '感谢您的评价' }).waitFor();
  assert.equal(await visitor.locator('.choices button:not([disabled])').count(), 0, 'a rating is given once');
  passed('the conversation ends and is rated');

  const wide = await visitor.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, 'no sideways scrolling');
  const nameless = await visitor.locator('button:visible').evaluateAll((all) => all.filter((button) => !(button.innerText.trim() || button.getAttribute('aria-label'))).length);
  assert.equal(nameless, 0, 'every button says what it does');
  const english = await open(here, { ...phoneSize, locale: 'en-US' });
  await english.getByRole('button', { name: 'Send', exact: true }).waitFor();
  assert.equal(await english.locator('#lines .line').count(), 0, 'somebody else sees nothing of it');
  passed('it fits a phone, speaks English, and keeps visitors apart');

  const shop = await open('site.html');
  await shop.getByRole('button', { name: '在线客服' }).click();
  const frame = shop.frameLocator('iframe');
  await frame.locator('#text').fill('框里问退货');
  await frame.locator('#text').press('Enter');
  await frame.locator('#lines .line', { hasText: '七天无理由' }).first().waitFor();
  await look(shop, 'web-site');
  await frame.getByRole('button', { name: '关闭' }).click();
  await shop.getByRole('button', { name: '在线客服' }).waitFor();
  await shop.reload();
  await shop.getByRole('button', { name: '在线客服' }).click();
  await frame.locator('#lines .line', { hasText: '框里问退货' }).first().waitFor();
  passed('a site opens the chat in a frame, and its visitor is known again');

  const foreign = await open(url.replace('127.0.0.1', 'localhost') + '/site.html', { heed: false });
  const refused = foreign.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
  await foreign.getByRole('button', { name: '在线客服' }).click();
  await refused;
  passed('a site that is not named cannot show it');
  assert.deepEqual(complaints, []);
  stage.allPassed();
} finally {
  wire.close();
  await stage.end();
}
