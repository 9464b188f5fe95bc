// A shopper and an agent at the running binary. asked = { url, key, agent, tokens: [Ada's, Ada's again, Eve's], shots }.
const assert = require('node:assert/strict');
const path = require('node:path');
const { drive } = require('./driver.cjs');

const EXPECTED = ['Failed to load resource'];
const ANSWER = '.turn.bot:has(.sources)';

async function say(page, text) {
  await page.locator('textarea').fill(text);
  await page.keyboard.press('Enter');
  await page.locator('.customer .text', { hasText: text }).last().waitFor();
}

drive(async ({ asked, open }) => {
  const desk = async (what, body) => {
    const answer = await fetch(`${asked.url}/api/v1/conversations${what}`, {
      method: body ? 'POST' : 'GET', body: body && JSON.stringify(body), headers: { authorization: `Bearer ${asked.agent}` },
    });
    assert.ok(answer.ok, `${what}: ${answer.status}`);
    return answer.status === 200 ? answer.json() : null;
  };
  const widget = (token, more, options = {}) => open(`${asked.url}/widget-demo#key=${asked.key}${token ? `&token=${token}` : ''}${more}`, { ...options, expected: EXPECTED });

  // A question in English, of a customer whom the shop has proved.
  const ada = await widget(asked.tokens[0], '&lang=en');
  // What a trigger sent waits until it is seen.
  await ada.locator('.teaser', { hasText: 'Thank you for your order.' }).waitFor();
  await ada.getByRole('button', { name: 'Open chat, 1 new message' }).click();
  await ada.locator('.turn.outreach', { hasText: 'Automatic message' }).waitFor();
  await say(ada, 'How long does delivery to Switzerland take?');
  await ada.locator(ANSWER).waitFor();
  const first = await ada.locator(ANSWER).innerText();
  assert.match(first, /AI assistant, not a person/);
  assert.match(first, /^AI\n/);
  await ada.screenshot({ path: path.join(asked.shots, 'talk-en.png') });

  // One in Chinese, of somebody.
  const somebody = await widget(null, '&lang=zh&theme=dark', { width: 390, height: 800, dark: true });
  await somebody.locator('.launch').click();
  await say(somebody, '你们配送到瑞士吗？');
  await somebody.locator(ANSWER).waitFor();
  assert.match(await somebody.locator(ANSWER).innerText(), /人工智能/);
  assert.match(await somebody.locator('.sources').innerText(), /配送/);
  await somebody.screenshot({ path: path.join(asked.shots, 'talk-zh.png') });

  // The line is cut while something is said: it is there afterwards, once.
  await ada.context().setOffline(true);
  await desk('/ada/take-over', { agent: 'Marie' });
  await desk('/ada/messages', { id: 's-1', agent: 'Marie', text: 'Hello Ada, this is Marie.' });
  await ada.context().setOffline(false);
  await ada.getByText('Hello Ada, this is Marie.').waitFor();
  await ada.getByText('You are talking to Marie').waitFor();

  // An agent has taken over: the bot is silent, whatever is asked, until the thread is handed back.
  await say(ada, 'And to Austria?');
  await desk('/ada/messages', { id: 's-2', agent: 'Marie', text: 'To Austria as well.' });
  await ada.getByText('To Austria as well.').waitFor();
  const { conversations } = await desk('');
  assert.equal(conversations.find((one) => one.customer === 'ada').owner, 'human');
  await desk('/ada/hand-back', { agent: 'Marie' });
  await ada.getByText('answers again from here on').waitFor();
  const thread = await desk('/ada');
  const after = thread.turns.slice(thread.turns.findIndex((turn) => turn.act === 'took_over'));
  assert.deepEqual(after.filter((turn) => turn.speaker === 'bot' && turn.act === 'said').map((turn) => turn.text), [], 'the bot was silent');
  assert.equal(await ada.getByText('Hello Ada, this is Marie.').count(), 1);

  // Another page of the same customer reads the same thread; another's token does not.
  const second = await widget(asked.tokens[1], '&lang=en');
  await second.locator('.launch').click();
  await second.getByText('To Austria as well.').waitFor();
  const eve = await widget(asked.tokens[2], '&lang=en');
  await eve.locator('.launch').click();
  await eve.locator('.empty').waitFor();
  const texts = thread.turns.map((turn) => turn.text);
  return { turns: texts.length };
});
