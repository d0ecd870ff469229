// An agent who works in WeCom, in headless Chromium, with a customer of an official account and one of WeChat KF. Cards come
// and their buttons are pressed, the two are kept apart, a conversation goes to the desk and back. Waits for what it
// expects to see, never for time to pass.
import assert from 'node:assert/strict';
import { start } from './stage.mjs';

const stage = await start();
const { complaints, passed, look, open } = stage;
const phoneSize = { width: 390, height: 844 };
const say = async (page, text) => { await page.locator('form.say textarea').fill(text); await page.locator('form.say textarea').press('Enter'); };
const row = (page, text) => page.locator('.log .row, .log .meta', { hasText: text });
const hears = (page, text) => row(page, text).first().waitFor();
const card = (page, text) => page.locator('.template', { hasText: text }).last();
// What a page asks for in a dialog of its own.
const answer = async (page, words) => { await page.locator('dialog input').fill(words); await page.locator('dialog input').press('Enter'); };
// A QR code of an agent's: the customer becomes theirs.
const scans = async (page, scene) => {
  await page.getByRole('button', { name: '扫码' }).click();
  await answer(page, scene);
  await hears(page, '欢迎');
};

try {
  const phone = await open('phone.html', phoneSize);
  const zhou = await open('wecom.html?as=ZhouNing');
  await hears(phone, '欢迎关注');
  await scans(phone, 'agent:zhouning');
  await say(phone, '退货怎么办？');
  await hears(phone, '七天无理由');
  await say(phone, '转人工');
  await hears(phone, '周宁 为您服务');
  await card(zhou, '新会话：1').waitFor();
  await hears(zhou, '退货怎么办');
  passed('a customer is handed to an agent in WeCom, with a card and the last messages');

  await say(zhou, '您好，我来帮您看');
  await hears(phone, '我来帮您看');
  await say(phone, '订单 42 在哪？');
  await hears(zhou, '订单 42 在哪？');
  await hears(zhou, '【1 ');
  passed('they talk, each line with its customer');

  const kf = await open('phone.html?in=kf', phoneSize);
  await kf.getByRole('button', { name: '从链接进入' }).click();
  await answer(kf, 'agent:zhouning');
  await hears(kf, '进入会话 agent:zhouning');
  await hears(kf, '请直接描述您的问题');
  await say(kf, '人工');
  await hears(kf, '周宁 为您服务');
  await card(zhou, '新会话：2 小周').waitFor();
  await say(kf, '我要发票');
  await hears(zhou, '【2 小周】我要发票');
  await say(zhou, '发给谁的？');
  await card(zhou, '发给谁的？').getByRole('button', { name: '2 小周' }).click();
  await hears(kf, '发给谁的？');
  await say(zhou, '@1 快递明天到');
  await hears(phone, '快递明天到');
  await look(zhou, 'wecom'); await look(kf, 'kf');
  assert.equal(await row(phone, '发给谁的？').count() + await row(kf, '快递明天到').count(), 0, 'nothing crosses');
  passed('a customer of WeChat KF in the same chat: kept apart, by a card and by number');

  await say(zhou, '@1 #转接 -n lin -m 老客户');
  await hears(zhou, '已转接给 林小满');
  const lin = await open('agent.html?as=agent_lin');
  await lin.locator('.log', { hasText: '老客户' }).waitFor();
  await say(lin, '我是小满');
  await hears(phone, '我是小满');
  await say(lin, '#转接 -n zhouning');
  await hears(lin, '已转接给 周宁');
  await card(zhou, '新会话：3').waitFor();
  passed('from WeCom to the desk and back');

  // What the account may still send is little by now; a word of the customer's allows it more.
  await say(phone, '谢谢，没有别的事了');
  await hears(zhou, '没有别的事了');
  await card(zhou, '新会话：3').getByRole('button', { name: '结束会话' }).click();
  await hears(phone, '本次服务已结束');
  await phone.locator('.bubble.menu button').first().click();
  await hears(phone, '感谢您的评价');
  passed('a button of the card ends the conversation');

  const wire = await open('wire.html');
  await wire.getByLabel('平台').selectOption('wecom');
  const callback = wire.locator('tr.exchange', { hasText: 'callback' }).first();
  await callback.click();
  await wire.locator('aside.detail pre', { hasText: '<MsgType>' }).first().waitFor();
  await wire.locator('aside.detail pre', { hasText: '<Encrypt>' }).first().waitFor();
  const urls = await wire.locator('tr.exchange td.path').evaluateAll((all) => all.map((cell) => cell.title));
  const tokens = urls.filter((url) => url.includes('access_token='));
  assert.ok(tokens.length && tokens.every((url) => /access_token=.{6}…/.test(url)), tokens.join());
  passed('the wire shows WeCom decrypted, and no token');

  const small = await open('wecom.html?as=ZhouNing', phoneSize);
  await small.locator('.list button', { hasText: '客服台' }).click();
  await card(small, '新会话：2 小周').waitFor();
  for (const page of [small, phone, kf]) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, 'no sideways scrolling');
  }
  await look(small, 'wecom-phone');
  const english = await open('wecom.html', { ...phoneSize, locale: 'en-US' });
  await english.getByRole('heading', { name: 'WeCom' }).waitFor();
  passed('it fits a phone and speaks English');
  assert.deepEqual(complaints, []);
  stage.allPassed();
} finally {
  await stage.end();
}
