// The demonstration in a browser: asked = { console, page: the links that it prints, shots }.
const path = require('node:path');
const { drive } = require('./driver.cjs');

const ANSWER = '.turn.bot:has(.sources)';

/** Ada, who fills a cart. */
const EVENTS = [
  { type: 'identify', userId: 'ada', messageId: 'ada-1', traits: { firstName: 'Ada', lastName: 'Byron', email: 'ada@shop.example' } },
  ...[1, 2].map((n) => ({ type: 'track', userId: 'ada', event: 'Product Viewed', messageId: `ada-v${n}`, properties: { product_id: `p-${n}`, price: 120, currency: 'EUR' } })),
  { type: 'track', userId: 'ada', event: 'Product Added', messageId: 'ada-4', properties: { cart_id: 'c-ada', product_id: 'p-1', price: 120, quantity: 2, currency: 'EUR' } },
];

const region = (page, name) => page.getByRole('region', { name, exact: true });

async function say(page, text) {
  await page.locator('textarea').fill(text);
  await page.keyboard.press('Enter');
  await page.locator('.customer .text', { hasText: text }).last().waitFor();
}

async function answered(page) {
  await page.locator(ANSWER).last().waitFor();
  await page.locator('.sources').last().waitFor();
}

drive(async ({ asked, open }) => {
  const { origin, hash } = new URL(asked.page);
  const key = new URLSearchParams(hash.slice(1)).get('key');
  const shot = (page, name) => page.screenshot({ path: path.join(asked.shots, `${name}.png`) });

  // The shop's events flow, by themselves.
  // Ada is not there yet when her page is opened first: 404 is an answer.
  const console_ = await open(asked.console, { expected: ['404'] });
  await console_.getByText('live', { exact: true }).waitFor();
  await console_.getByText(/^[1-9][\d,.]* in all$/).waitFor();

  // Ada fills a cart. She is at risk within a minute, with reasons.
  const sent = await fetch(`${origin}/v1/batch`, {
    method: 'POST', headers: { authorization: `Bearer ${key}` }, body: JSON.stringify({ batch: EVENTS }),
  });
  if (!sent.ok) throw new Error(`the collector answered ${sent.status}`);
  const began = Date.now();
  await console_.goto(`${origin}/console/customers/ada`);
  const score = region(console_, 'Cart left behind');
  await score.getByRole('listitem').first().waitFor();
  const reasons = await score.getByRole('listitem').allInnerTexts();
  const atRiskAfterS = (Date.now() - began) / 1000;
  await shot(console_, 'customer');

  // What the engine says first waits on the button of her page, and is read there.
  const ada = await open(asked.page, { expected: ['Failed to load resource'] });
  await ada.locator('.teaser', { hasText: 'Your cart is still here' }).waitFor();
  const outreachAfterS = (Date.now() - began) / 1000;
  await shot(ada, 'teaser');
  await ada.getByRole('button', { name: 'Open chat, 1 new message' }).click();
  await ada.locator('.turn.outreach', { hasText: 'Your cart is still here' }).waitFor();

  // Questions in two languages, answered with citations.
  await say(ada, 'How long does delivery to Switzerland take?');
  await answered(ada);
  const somebody = await open(`${origin}/widget-demo#key=${key}&lang=zh`, { width: 390, dark: true });
  await somebody.locator('.launch').click();
  await say(somebody, '你们配送到瑞士吗？');
  await answered(somebody);
  await shot(somebody, 'question-zh');

  // An agent takes over in the console: the bot is silent, whatever is asked.
  await console_.goto(`${origin}/console/conversations/ada`);
  const thread = region(console_, 'Conversation with Ada Byron');
  const turn = (text) => thread.getByRole('log').getByRole('listitem').filter({ hasText: text });
  await turn('How long does delivery to Switzerland take?').waitFor();
  await thread.getByLabel('Your name').fill('Marie');
  await console_.keyboard.press('Enter');
  await thread.getByRole('button', { name: 'Take over' }).click();
  await turn('Marie took over').waitFor();
  await say(ada, 'And to Austria?');
  await turn('And to Austria?').waitFor();
  await thread.getByRole('textbox', { name: 'Message to Ada Byron' }).fill('To Austria in two days.');
  await console_.keyboard.press('Enter');
  await ada.getByText('To Austria in two days.').waitFor();
  await shot(ada, 'agent');
  await shot(console_, 'conversation');
  await console_.goto(`${origin}/console/`);
  await console_.getByText('live', { exact: true }).waitFor();
  await shot(console_, 'overview');
  const texts = await ada.locator('.turn').evaluateAll((turns) => turns.map((one) => [one.className, one.innerText]));
  const after = texts.slice(texts.findIndex(([, text]) => text.includes('And to Austria?')));
  return { reasons, atRiskAfterS, outreachAfterS, bot_behind_the_agent: after.filter(([name]) => name.includes('bot')).length };
});
