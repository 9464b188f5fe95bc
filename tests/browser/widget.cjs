// The widget against a scripted server: what goes wrong, and what a person sees of it. asked = { shots }: a folder for pictures.
const assert = require('node:assert/strict');
const path = require('node:path');
const { drive } = require('./driver.cjs');
const { Scripted } = require('./scripted.cjs');

/** What the browser itself says of a request that failed as the script wants it. */
const EXPECTED = ['Failed to load resource'];

const scenes = {
  async 'what was not sent is said, and sent again as the same message'(open, server) {
    server.refuse.push(...Array(4).fill({ path: '/chat/messages', status: 400 }), { path: '/chat/messages', status: 503 });
    const page = await opened(open, server);
    await say(page, 'Where is my order?');
    await page.getByText('Not sent.').waitFor();
    server.refuse.length = 0;
    server.refuse.push({ path: '/chat/messages', status: 503 });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('The assistant is writing').waitFor({ state: 'attached' });
    assert.equal(server.said.length, 1);
    const [{ id, text }] = server.said;
    assert.equal(text, 'Where is my order?');
    server.turn('customer', text, { message: id });
    server.turn('bot', 'On its way.', { attempt: 1 });
    await page.getByText('On its way.').waitFor();
    assert.deepEqual(await texts(page), ['Where is my order?', 'On its way.']);
  },

  async 'a line that is cut is taken up where it ended, and nothing is lost or shown twice'(open, server) {
    server.turn('bot', 'one');
    const page = await opened(open, server);
    await page.getByText('one').waitFor();
    for (const text of ['two', 'three', 'four']) {
      server.refuse.push({ path: '/chat/stream', status: 503 });
      server.cut();
      server.turn('bot', text);
      await page.getByText(text, { exact: true }).waitFor();
    }
    assert.deepEqual(await texts(page), ['one', 'two', 'three', 'four']);
    assert.deepEqual(server.heard, [null, '0', '1', '2']);
    await page.getByText('No connection').waitFor({ state: 'hidden' });
  },

  async 'an answer grows as it is written, and what comes too late of it is dropped'(open, server) {
    const page = await opened(open, server);
    server.turn('customer', 'Do you deliver abroad?', { attempt: 0 });
    server.tell('piece', { attempt: 1, epoch: 0, nth: 0, text: 'Yes, ' });
    server.tell('piece', { attempt: 1, epoch: 0, nth: 1, text: 'within ' });
    server.tell('piece', { attempt: 1, epoch: 0, nth: 3, text: 'lost' });
    await page.locator('.writing', { hasText: 'Yes, within ' }).waitFor();
    server.turn('agent', 'Marie has joined.', { act: 'took_over', by: 'Marie', epoch: 1, attempt: 1 });
    await page.locator('.writing').waitFor({ state: 'detached' });
    server.tell('piece', { attempt: 1, epoch: 0, nth: 2, text: 'late' });
    server.tell('piece', { attempt: 2, epoch: 0, nth: 0, text: 'stale' });
    server.turn('agent', 'Hello!', { by: 'Marie', epoch: 1, attempt: 1 });
    await page.getByText('Hello!').waitFor();
    await page.getByText('You are talking to Marie').waitFor();
    assert.deepEqual(await texts(page), ['Do you deliver abroad?', 'Hello!']);
  },

  async 'nothing that is said is ever read as a page'(open, server) {
    const hostile = '<img src=x onerror="window.hurt = 1"> [1] https://shop.example/a"onclick=hurt() <script>window.hurt = 2</script>';
    server.turn('bot', hostile, { sources: [{ number: 1, title: '<b onmouseover=hurt()>Title</b>' }] });
    const page = await opened(open, server);
    await page.locator('.sources').waitFor();
    assert.equal(await page.evaluate(() => window.hurt), undefined);
    assert.equal(await page.locator('#care-widget img, #care-widget script, .sources li b[onmouseover]').count(), 0);
    assert.equal(await page.locator('.text a').getAttribute('href'), 'https://shop.example/a');
    assert.equal(await page.locator('.text a').getAttribute('rel'), 'noopener noreferrer');
    await say(page, hostile);
    await page.locator('.customer .text', { hasText: 'onerror' }).waitFor();
    assert.equal(await page.evaluate(() => window.hurt), undefined);
  },

  async 'outreach waits with a number on the button until it was seen, and that is told once'(open, server) {
    server.turn('outreach', 'Your cart is here: https://shop.example/cart', {});
    const page = await open(`${server.url}/widget-demo#key=k&token=t`, { expected: EXPECTED });
    const button = page.getByRole('button', { name: 'Open chat, 1 new message' });
    await button.waitFor();
    await page.locator('.teaser', { hasText: 'Automatic message' }).waitFor();
    assert.deepEqual(server.seen, []);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.locator('.teaser').waitFor({ state: 'hidden' });
    await button.click();
    await until(() => server.seen.length);
    await page.locator('.badge').waitFor({ state: 'hidden' });
    assert.deepEqual(server.seen, [{ from: 0, number: 0 }]);
    await page.locator('.outreach a').evaluate((link) => { link.removeAttribute('target'); link.addEventListener('click', (event) => event.preventDefault()); });
    await page.locator('.outreach a').click();
    await until(() => server.seen.length === 2);
    assert.equal(server.seen[1].clicked, 0);
    await page.reload();
    await page.getByRole('button', { name: 'Open chat', exact: true }).waitFor();
    assert.equal(server.opened.length, 1, 'the session of the tab is used again');
  },

  async 'who uses the keyboard alone gets in, out and through'(open, server) {
    server.turn('bot', 'Hello.');
    const page = await open(`${server.url}/widget-demo#key=k&token=t`, { expected: EXPECTED });
    await page.getByRole('button', { name: 'Open chat, 1 new message' }).focus();
    await page.keyboard.press('Enter');
    const field = page.getByRole('textbox', { name: 'Your message' });
    await page.getByRole('dialog', { name: 'How can we help?' }).waitFor();
    assert.equal(await field.evaluate((node) => node.getRootNode().activeElement === node), true);
    await page.keyboard.type('one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two');
    await field.evaluate((node) => node.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true })));
    assert.equal(server.said.length, 0, 'Enter that chooses a character sends nothing');
    await page.keyboard.press('Enter');
    await until(() => server.said.length);
    assert.equal(server.said[0].text, 'one\ntwo');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    assert.equal(await page.locator('.launch').evaluate((node) => node.getRootNode().activeElement === node), true);
  },

  async 'a text that is too long is not sent'(open, server) {
    const page = await opened(open, server);
    await page.locator('textarea').fill('字'.repeat(4001));
    await page.getByText('1 characters too many').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Send' }).isDisabled(), true);
    await page.locator('textarea').fill('字'.repeat(4000));
    assert.equal(await page.getByRole('button', { name: 'Send' }).isDisabled(), false);
  },

  async 'a session that ends is renewed with a new token of the page'(open, server) {
    const page = await open(`${server.url}/widget-demo#key=k&token=old`, { expected: EXPECTED });
    await page.evaluate(() => { window.careToken = async () => 'new'; });
    await until(() => server.lines.size === 1);
    server.refuse.push({ path: '/chat/stream', status: 401 });
    server.cut();
    await until(() => server.opened.length === 2 && server.lines.size === 1);
    assert.deepEqual(server.opened.map((one) => one.token), ['old', 'new']);
  },

  async 'an anonymous reader has no line before the first question'(open, server) {
    const page = await open(`${server.url}/widget-demo#key=k`, { expected: EXPECTED });
    await page.locator('.launch').waitFor();
    assert.equal(server.opened.length, 0);
    await page.locator('.launch').click();
    await until(() => server.lines.size === 1);
    assert.equal(server.opened[0].token, undefined);
  },
};

/** Opens the widget of a known reader. */
async function opened(open, server) {
  const page = await open(`${server.url}/widget-demo#key=k&token=t`, { expected: EXPECTED });
  await page.locator('.launch').click();
  await until(() => server.lines.size === 1);
  return page;
}

async function say(page, text) {
  await page.locator('textarea').fill(text);
  await page.keyboard.press('Enter');
}

/** Returns what stands in the bubbles. */
const texts = (page) => page.locator('.turn .text:not(.dots)').allTextContents();

/** Waits for what is bound to come. */
async function until(isSo) {
  const latest = Date.now() + 30000;
  while (!isSo()) {
    if (Date.now() > latest) throw new Error(`it never came: ${isSo}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** Makes pictures of the widget in every width, look and language, and looks whether it fits. */
async function pictures(open, folder) {
  for (const [lang, dark, width] of [['en', false, 1280], ['en', true, 1280], ['zh', false, 390], ['zh', true, 390], ['en', false, 390]]) {
    const server = await new Scripted().listen();
    const say = (en, zh) => (lang === 'en' ? en : zh);
    server.turn('outreach', say('We have kept your cart: 2 in it, 238 in all. Ask here if a question is in the way.', '我们为您保留了购物车：共 2 件，合计 238。如有疑问，可以在这里询问。'));
    const page = await open(`${server.url}/widget-demo#key=k&token=t&lang=${lang}`, { width, height: 800, dark, expected: EXPECTED });
    const name = `${lang}-${dark ? 'dark' : 'light'}-${width}.png`;
    await page.locator('.badge').waitFor();
    await page.screenshot({ path: path.join(folder, `closed-${name}`) });
    await page.locator('.launch').click();
    server.turn('customer', say('Do you deliver to Switzerland, and what does it cost?', '你们送货到瑞士吗？运费是多少？'));
    const sources = [{ number: 1, title: say('Delivery abroad', '国际配送') }, { number: 2, title: say('Customs and duties', '关税与税费') }];
    server.turn('bot', say("I am the shop's AI assistant, not a person. Yes, within 3 to 5 working days [1]. It costs € 9.90, duties included [2].", '我是本店的人工智能（AI）助手，不是真人。可以，需要 3 至 5 个工作日 [1]，运费 9.90 欧元，已含关税 [2]。'), { attempt: 1, lang, sources });
    await page.locator('.sources').waitFor();
    await page.screenshot({ path: path.join(folder, `open-${name}`) });
    const box = await page.locator('.panel').boundingBox();
    if (width === 390) assert.deepEqual([box.x, box.width, box.height], [0, 390, 800], 'the panel fills a small screen');
    else assert.ok(box.x + box.width <= width && box.y >= 0 && box.y + box.height <= 800, 'the panel fits');
    assert.equal(await page.locator('.log').evaluate((log) => log.scrollWidth <= log.clientWidth), true, 'nothing is cut at the side');
    server.close();
  }
}

drive(async ({ asked, open }) => {
  for (const [name, scene] of Object.entries(scenes)) {
    const server = await new Scripted().listen();
    const pages = [];
    const opening = async (...asked) => { pages.push(await open(...asked)); return pages.at(-1); };
    try {
      await scene(opening, server);
    } catch (error) {
      throw new Error(`${name}: ${error.stack}`);
    } finally {
      for (const page of pages) await page.context().close();
      server.close();
    }
  }
  await pictures(open, asked.shots);
  return Object.keys(scenes);
});
