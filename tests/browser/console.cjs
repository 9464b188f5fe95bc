// The console as people use it: asked = { url, key of an operator of everything, ingest key of a shop, token of the shop for shopper-1,
// refused = a key that is in no file }.
const crypto = require('node:crypto');
const fs = require('node:fs');
const { drive, PATIENCE_MS } = require('./driver.cjs');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Every page, and what stands on it when it is there. */
const PAGES = [
  ['', 'Overview'],
  ['customers', 'Customers'],
  ['customers/shopper-1', 'Ada Byron'],
  ['customers/nobody', 'nobody'],
  ['conversations', 'Conversations'],
  ['conversations/shopper-1', 'Conversations'],
  ['conversations/nobody', 'Conversations'],
  ['triggers', 'Triggers in force'],
  ['dead-letters', 'Dead letters'],
  ['health', 'Health'],
  ['no/such/page', null],
];

/** Widths and themes that it has to be good at. */
const LOOKS = [
  { width: 1280, dark: false },
  { width: 1280, dark: true },
  { width: 390, dark: false },
  { width: 390, dark: true },
];

/** Posts something and returns the answer. */
async function post(url, key, body) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer;
}

/** Sends what a shopper did. */
const send = ({ url, ingest }, events) => post(`${url}/v1/batch`, ingest, { batch: events });

const track = (userId, event, messageId, properties) => ({ type: 'track', userId, event, messageId, properties });

/** A shopper who fills a cart and says who she is. */
const shopper = (id) => [
  { type: 'identify', userId: id, messageId: `${id}-1`, traits: { firstName: 'Ada', lastName: 'Byron', email: `${id}@shop.example` } },
  track(id, 'Product Viewed', `${id}-2`, { product_id: 'p-1', price: 120, currency: 'EUR' }),
  track(id, 'Product Added', `${id}-3`, { cart_id: `c-${id}`, product_id: 'p-1', price: 120, quantity: 2, currency: 'EUR' }),
  track(id, 'Cart Viewed', `${id}-4`, { cart_id: `c-${id}` }),
];

/** An order that its shopper calls off. */
const cancelled = (id, order) => ['Order Completed', 'Order Cancelled'].map((event) =>
  track(id, event, `${order}-${event}`, { order_id: order, total: 89, currency: 'EUR' }));

/** A shopper's page in the chat: it says things and hears what is told there. */
async function chat({ url, ingest, token }) {
  const page = crypto.randomBytes(16).toString('hex');
  const { session } = await (await post(`${url}/chat/session`, ingest, { page, token })).json();
  return {
    say: (id, text) => post(`${url}/chat/messages`, session, { id, text, lang: 'en' }),
    async hears(words) {
      const headers = { authorization: `Bearer ${session}` };
      const { body } = await fetch(`${url}/chat/stream`, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      let told = '';
      for await (const part of body.pipeThrough(new TextDecoderStream())) {
        told += part;
        if (told.includes(words)) return;
      }
      throw new Error(`the shopper does not hear "${words}": ${told}`);
    },
  };
}

const region = (page, name) => page.getByRole('region', { name, exact: true });

/** Signs in by a link, sees events flow and somebody at risk with reasons, and goes there. */
async function follow(page, asked) {
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  if (page.url().includes('key=')) throw new Error(`the key stands in the address: ${page.url()}`);
  await page.getByText('live', { exact: true }).waitFor();
  for (let n = 1; n <= 3; n++) await send(asked, shopper(`shopper-${n}`));
  await page.getByText(/^(1[2-9]|[2-9]\d) in all$/).waitFor();
  const risks = region(page, 'At risk now');
  const link = page.getByRole('link', { name: 'shopper-1', exact: true });
  const risk = risks.getByRole('listitem').filter({ has: link });
  await risk.getByRole('listitem').first().waitFor();
  const reasons = await risk.getByRole('listitem').allInnerTexts();
  await risk.getByRole('link').click();
  await page.getByRole('heading', { name: 'Ada Byron', level: 1 }).waitFor();
  await region(page, 'Scores').getByRole('heading', { name: 'Cart left behind' }).waitFor();
  await region(page, 'Profile').getByText('2 items · €240.00').waitFor();
  return reasons;
}

/** Finds a customer by an e-mail address, by keyboard alone; the address stands nowhere in the browser's. */
async function find(page) {
  await page.getByRole('link', { name: 'Customers', exact: true }).first().click();
  await page.getByRole('radio', { name: 'E-mail' }).check();
  await page.getByRole('textbox', { name: 'E-mail' }).fill('SHOPPER-2@shop.example');
  await page.keyboard.press('Enter');
  await region(page, 'Find a customer').getByRole('link', { name: 'shopper-2' }).waitFor();
  if (page.url().includes('shop.example')) throw new Error(`an e-mail address stands in the address: ${page.url()}`);
}

/** A shopper asks; an agent reads it, takes over, speaks and hands back. */
async function answer(page, asked) {
  const shopper = await chat(asked);
  await send(asked, [...cancelled('shopper-1', 'o-1'), ...cancelled('shopper-1', 'o-2')]);
  await shopper.say('m-1', 'How long does delivery to Switzerland take?');
  await page.getByRole('link', { name: 'Chats', exact: true }).click();
  await region(page, 'Open threads').getByRole('link', { name: /^shopper-1/ }).click();
  const thread = region(page, 'Conversation with Ada Byron');
  const log = thread.getByRole('log');
  const turn = (text) => log.getByRole('listitem').filter({ hasText: text });
  // What a trigger said, what the shopper asked, what the assistant answered and from what it knows that.
  await turn('Two of your orders were cancelled').getByText('by trigger order-cancelled-twice').waitFor();
  await turn('How long does delivery to Switzerland take?').waitFor();
  await turn('to Norway and to Switzerland').getByText('AI', { exact: true }).waitFor();
  await turn('to Norway and to Switzerland').getByText('en/shipping.md').first().waitFor();
  // The bot has the thread: nobody else speaks in it.
  await thread.getByText('The assistant answers here.').waitFor();
  if (await thread.getByRole('textbox', { name: 'Message to Ada Byron' }).count()) throw new Error('there is a field while the bot answers');
  await thread.getByLabel('Your name').fill('Marie');
  await page.keyboard.press('Enter');
  await thread.getByRole('button', { name: 'Take over' }).click();
  await turn('Marie took over').waitFor();
  await thread.getByText('with Marie').waitFor();
  // The field has the focus; Shift and Enter break the line, Enter sends.
  await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
  await page.keyboard.type('Hello Ada,');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('this is Marie.');
  await page.keyboard.press('Enter');
  await shopper.hears('this is Marie.');
  await turn('this is Marie.').getByText(/^\d\d:\d\d$/).waitFor();
  if (await turn('this is Marie.').count() !== 1) throw new Error('what was said once stands twice');
  await shopper.say('m-2', 'And to Austria?');
  await turn('And to Austria?').waitFor();
  await region(page, 'Open threads').getByText('waits for a person').waitFor();
  await thread.getByRole('button', { name: 'Hand back' }).click();
  await turn('Marie handed back to the assistant').waitFor();
  await shopper.hears('answers again from here on');
  await thread.getByText('The assistant answers here.').waitFor();
  // From there to the customer, and back.
  await thread.getByRole('link', { name: 'About this customer' }).click();
  await page.getByRole('link', { name: 'See the conversation' }).click();
  await turn('Marie handed back to the assistant').waitFor();
}

/** Leaves, and is asked for a key again; one that is not in force opens nothing and is said to. */
async function leave(page, asked) {
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByLabel('API key').fill(asked.refused);
  await page.keyboard.press('Enter');
  await page.getByText('This key is not in force').waitFor();
}

/** Looks at a page as axe, a narrow window and a reader without a mouse do. */
async function judge(page, [path, title], look) {
  await page.getByRole(title === null ? 'main' : 'heading', title === null ? {} : { name: title, level: 1, exact: true }).waitFor();
  await page.waitForFunction(() => document.querySelector('[class*="loading"]') === null);
  const faults = [];
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) faults.push(`${over} px are outside of the window`);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, impact, nodes } of violations) {
    if (impact === 'serious' || impact === 'critical') faults.push(`${id} (${impact}): ${nodes[0].html}`);
  }
  return faults.map((fault) => `/${path} at ${look.width}, ${look.dark ? 'dark' : 'light'}: ${fault}`);
}

drive(async ({ asked, open }) => {
  const console_ = `${asked.url}/console/`;
  const first = await open(`${console_}#key=${asked.key}`, { expected: ['401'] });
  const reasons = await follow(first, asked);
  await find(first);
  await answer(first, asked);
  await leave(first, asked);
  const faults = [];
  for (const look of LOOKS) {
    // A customer that is not there is an answer too: 404.
    const page = await open(`${console_}#key=${asked.key}`, { ...look, expected: ['404'] });
    for (const place of PAGES) {
      await page.goto(console_ + place[0]);
      faults.push(...(await judge(page, place, look)));
    }
  }
  return { reasons, faults };
});
