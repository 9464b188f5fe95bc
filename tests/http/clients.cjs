// Sends events by the clients that shops have, told nothing but where to send and with which key:
// node clients.cjs URL KEY, with the clients in NODE_PATH. Ends with status 1 when one of them is not content.
const [url, key] = process.argv.slice(2);
const host = new URL(url).host;

async function segment() {
  const { Analytics } = require('@segment/analytics-node');
  const failed = [];
  const analytics = new Analytics({ writeKey: key, host: url, flushAt: 3 });
  analytics.on('error', (error) => failed.push(error));
  analytics.identify({ userId: 'segment-1', traits: { plan: 'gold' } });
  for (let n = 0; n < 4; n++) analytics.track({ userId: 'segment-1', event: 'Seen', properties: { n } });
  await analytics.closeAndFlush();
  if (failed.length) throw new Error(JSON.stringify(failed));
}

async function mixpanel() {
  const Mixpanel = require('mixpanel');
  const content = (ask) => new Promise((good, bad) => ask((error) => (error ? bad(error) : good())));
  const many = (ask) => content((done) => ask((errors) => done(errors && errors[0])));
  for (const verbose of [false, true]) {
    const client = Mixpanel.init(key, { host, protocol: 'http', key, verbose });
    const time = new Date(Date.now() - 60000);
    const events = [1, 2, 3].map((n) => ({ event: 'Seen', properties: { distinct_id: 'mixpanel-1', time, n, verbose } }));
    await content((done) => client.track('Seen', { distinct_id: 'mixpanel-1', way: 'track' }, done));
    await many((done) => client.track_batch(events.map((one) => structuredClone(one)), done));
    await content((done) => client.import('Seen', time, { distinct_id: 'mixpanel-1', way: 'import', verbose }, done));
    const older = events.map((one) => ({ event: one.event, properties: { ...one.properties, way: 'import_batch' } }));
    await many((done) => client.import_batch(older, done));
  }
}

async function cloudEvents() {
  const { CloudEvent, HTTP } = require('cloudevents');
  const event = (id) => new CloudEvent({ id, source: '/test', type: 'Seen', subject: 'cloud-1', data: { id } });
  const messages = [HTTP.binary(event('binary')), HTTP.structured(event('structured'))];
  for (const { headers, body } of messages) {
    const bearer = { ...headers, authorization: `Bearer ${key}` };
    const answer = await fetch(`${url}/events`, { method: 'POST', headers: bearer, body });
    if (!answer.ok) throw new Error(await answer.text());
  }
}

(async () => {
  for (const client of [segment, mixpanel, cloudEvents]) {
    await client().catch((error) => {
      console.error(`${client.name}: ${error.stack}`);
      process.exitCode = 1;
    });
  }
})();
