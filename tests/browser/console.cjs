// The console as people use it: asked = { url, key of an operator of everything, ingest key of a shop, refused = a key that is in no file }.
const fs = require('node:fs');
const { drive } = require('./driver.cjs');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Every page, and what stands on it when it is there. */
const PAGES = [
  ['', 'Overview'],
  ['customers', 'Customers'],
  ['customers/shopper-1', 'Ada Byron'],
  ['customers/nobody', 'nobody'],
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

/** Sends what a shopper did. */
async function send({ url, ingest }, events) {
  const answer = await fetch(`${url}/v1/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ingest}`, 'content-type': 'application/json' },
    body: JSON.stringify({ batch: events }),
  });
  if (!answer.ok) throw new Error(`the collector answered ${answer.status}`);
}

const track = (userId, event, messageId, properties) => ({ type: 'track', userId, event, messageId, properties });

/** A shopper who fills a cart and says who she is. */
const shopper = (id) => [
  { type: 'identify', userId: id, messageId: `${id}-1`, traits: { firstName: 'Ada', lastName: 'Byron', email: `${id}@shop.example` } },
  track(id, 'Product Viewed', `${id}-2`, { product_id: 'p-1', price: 120, currency: 'EUR' }),
  track(id, 'Product Added', `${id}-3`, { cart_id: `c-${id}`, product_id: 'p-1', price: 120, quantity: 2, currency: 'EUR' }),
  track(id, 'Cart Viewed', `${id}-4`, { cart_id: `c-${id}` }),
];

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
