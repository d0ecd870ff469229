// A person's whole conversation in headless Chromium, against the real program: a customer's phone, two agents, the wire.
// Waits for what it expects to see, never for time to pass; any error in a page's console fails it.
import assert from 'node:assert/strict';
import { start } from './stage.mjs';

const stage = await start();
const { complaints, passed, look, open } = stage;
const say = async (page, text) => {
  await page.locator('form.say textarea').fill(text);
  await page.locator('form.say textarea').press('Enter');
};
const hears = (page, text) => page.locator('.log', { hasText: text }).waitFor();

try {
  const phone = await open('phone.html', { width: 390, height: 844 });
  const system = await open('agent.html?as=agent_system');
  const lin = await open('agent.html?as=agent_lin');
  const wire = await open('wire.html');

  await hears(phone, '欢迎关注');
  await say(phone, '你好，退货怎么办？');
  await hears(phone, '七天无理由');
  passed('the assistant answers');

  await say(phone, '转人工');
  await hears(phone, '默认客服 为您服务');
  await system.locator('.log', { hasText: '新会话' }).waitFor();
  await hears(system, '七天无理由');
  passed('an agent gets the conversation with its last messages');

  await say(system, '您好，我来帮您看');
  await hears(phone, '我来帮您看');
  await say(phone, '订单 42 在哪？');
  await hears(system, '订单 42 在哪？');
  passed('they talk');

  await say(system, '#转接 -n lin -m 老客户');
  await hears(system, '已转接给 林小满');
  await lin.locator('.log', { hasText: '老客户' }).waitFor();
  await say(lin, '我是小满，已在派送');
  await hears(phone, '已在派送');
  passed('a colleague takes over');
  await look(phone, 'phone'); await look(lin, 'agent');

  await say(lin, '#退出');
  await hears(phone, '本次服务已结束');
  await phone.locator('.bubble.menu button').first().click();
  await hears(phone, '感谢您的评价');
  passed('the conversation ends and is rated');

  const callback = wire.locator('tr.exchange', { hasText: 'wechat' }).filter({ hasText: 'callback' }).first();
  await callback.click();
  await wire.locator('aside.detail pre', { hasText: '<MsgType>' }).first().waitFor();
  await wire.locator('aside.detail pre', { hasText: '<Encrypt>' }).first().waitFor();
  await look(wire, 'wire');
  passed('the wire shows an exchange raw and decrypted');

  const kf = await open('phone.html?in=kf', { width: 390, height: 844 });
  await hears(kf, '描述您的问题');
  await say(kf, '你好，退货怎么办？');
  await hears(kf, '七天无理由');
  await kf.getByRole('button', { name: '人工' }).click();
  await hears(kf, '为您服务');
  await look(kf, 'phone-kf');
  const abroad = await open('phone.html?in=kf', { width: 390, height: 844, locale: 'en-GB' });
  await abroad.getByRole('button', { name: 'Enter by a link' }).waitFor();
  await abroad.locator('.note', { hasText: 'may still be sent' }).waitFor();
  await abroad.locator('select.place').selectOption({ label: 'Official account · 云杉商城' });
  await abroad.getByRole('button', { name: 'Scan' }).waitFor();
  passed('a customer of WeChat KF is greeted, answered and handed over, in two languages');

  for (const page of [phone, kf, wire]) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, 'no sideways scrolling');
  }
  const english = await open('phone.html', { locale: 'en-US', width: 390, height: 844 });
  await english.getByRole('button', { name: 'A person' }).waitFor();
  const all = await open('', { width: 1500, height: 950 });
  await all.frameLocator('iframe').first().locator('form.say').waitFor();
  await look(all, 'all');
  passed('it speaks English, fits a phone, and shows all on one table');
  assert.deepEqual(complaints, []);
  stage.allPassed();
} finally {
  await stage.end();
}
