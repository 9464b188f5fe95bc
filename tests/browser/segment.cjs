// Segment's browser SDK in a shop's page, told nothing but where to send and with which key: asked = { url, key, sdk }.
const fs = require('node:fs');
const { drive } = require('./driver.cjs');

const PAGE = '<!doctype html><meta charset="utf-8"><title>A lamp</title><script src="/sdk.js"></script>';

/** Sends one of everything from a page, and returns the anonymous id that the SDK made. */
async function visit(page, asked, strategy) {
  return page.evaluate(async ({ url, key, strategy }) => {
    const target = { apiHost: `${new URL(url).host}/v1`, protocol: 'http', deliveryStrategy: { strategy, config: { size: 3, timeout: 100 } } };
    const cdnSettings = { integrations: { 'Segment.io': { apiKey: key } } };
    const [analytics] = await window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnSettings }, { integrations: { 'Segment.io': target } });
    const user = `browser-${strategy}`;
    await analytics.track('Seen', { way: 'anonymous' });
    await analytics.identify(user, { plan: 'gold', name: '王小明' });
    await analytics.page('Lamp');
    await analytics.track('Seen', { product_id: 'p-1', price: 12.5, currency: 'EUR' });
    await analytics.track('Seen', { product_id: 'p-2' });
    await analytics.group('household-1', { size: 2 });
    return analytics.user().anonymousId();
  }, { ...asked, strategy });
}

drive(async ({ asked, site, open }) => {
  const shop = await site({ '/': PAGE, '/sdk.js': fs.readFileSync(asked.sdk) });
  const told = {};
  for (const strategy of ['standard', 'batching']) {
    const page = await open(shop);
    const answers = [];
    page.on('response', (answer) => { if (answer.url().startsWith(asked.url)) answers.push(answer.status()); });
    const anonymous = await visit(page, asked, strategy);
    // What a batch still holds is sent when the page is left.
    await page.goto('about:blank');
    told[strategy] = { anonymous, answers };
  }
  return told;
});
