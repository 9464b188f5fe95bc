// What every program of the browser tests begins with: a headless Chromium, pages to open in it, and one line of JSON at the end.
//
//   const { drive } = require('./driver.cjs');
//   drive(async ({ asked, site, open }) => {
//     const shop = await site({ '/': '<!doctype html><title>Shop</title>' });
//     const page = await open(shop, { width: 390, dark: true });
//     return { title: await page.title() };
//   });
//
// The driver runs it with CARE_BROWSER = the program of the browser, NODE_PATH = what npm brought, and what is asked as one argument of JSON.
// What the page complains of, in its console or by an error that nobody catches, fails the program unless it is expected.
const http = require('node:http');
const { chromium } = require('playwright-core');

const MEDIA = { '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };

/** Longest wait for something that is bound to come. Units: ms. */
const PATIENCE_MS = 60000;

/** Serves texts or files' bytes by path on a free port of its own: another origin than that of the engine, as a shop's pages are. */
function site(files, closing) {
  const server = http.createServer((request, response) => {
    const path = request.url.split('?')[0];
    const media = MEDIA[path.slice(path.lastIndexOf('.'))] ?? 'text/html';
    response.writeHead(path in files ? 200 : 404, { 'content-type': `${media}; charset=utf-8` });
    response.end(files[path] ?? '');
  });
  closing.push(() => new Promise((done) => { server.close(done); server.closeAllConnections(); }));
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}`)));
}

/** Opens a page in a browser session of its own: no cookies and no storage are shared, unless `context` is that of another page. */
async function open(browser, url, { width = 1280, height = 800, dark = false, locale = 'en-GB', context, expected = [], faults }) {
  context ??= await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', locale, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complain = (text) => { if (!expected.some((words) => text.includes(words))) faults.push(`${url}: ${text}`); };
  page.on('pageerror', (error) => complain(error.stack ?? error.message));
  page.on('console', (message) => { if (message.type() === 'error') complain(message.text()); });
  await page.goto(url);
  return page;
}

/** Runs a program, prints what it returns, and ends with status 1 when it or a page failed. */
async function drive(program) {
  const closing = [], faults = [];
  try {
    const browser = await chromium.launch({ executablePath: process.env.CARE_BROWSER, args: ['--no-sandbox', '--disable-gpu'] });
    closing.push(() => browser.close());
    const told = await program({
      asked: JSON.parse(process.argv[2] ?? '{}'),
      site: (files) => site(files, closing),
      open: (url, options = {}) => open(browser, url, { ...options, faults }),
    });
    if (faults.length) throw new Error(`a page complained:\n${faults.join('\n')}`);
    console.log(JSON.stringify(told ?? null));
  } catch (error) {
    console.error([error.stack, ...faults].join('\n'));
    process.exitCode = 1;
  }
  for (const close of closing.reverse()) await close();
  // What a program that failed left open is not waited for.
  process.exit();
}

module.exports = { drive, PATIENCE_MS };
