// npm's hap-controller, obeying one JSON line at a time: the tests decide what it does, and what it
// sends and understands is its own.
//
//   {"new":"phone","id":…,"port":…,"pairing":…,"options":…}   a client, to be called by that name
//   {"watch":"network","on":"eth0"}                           what it sees on a network comes as events
//   {"of":"phone","do":"getCharacteristics","args":[["1.2"]]}  one of its methods
//
// Each line is answered by {"value":…} or {"error":…,"status":…,"body":…}; events come as {"event":…,"of":…}.
'use strict';
const { HttpClient, IPDiscovery } = require('hap-controller');
const HttpConnection = require('hap-controller/lib/transport/ip/http-connection').default;
const EventParser = require('hap-controller/lib/transport/ip/http-event-parser').default;

const clients = {};
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');

// Its parser of responses loses the answer when an event has left the hub just before the request came.
// What is decrypted stays its own; only who gets it is decided here.
const build = HttpConnection.prototype._buildHttpResponseParser;
HttpConnection.prototype._buildHttpResponseParser = function (resolve) {
  const responses = build.call(this, resolve);
  const events = new EventParser();
  events.on('event', (body) => this.emit('event', body));
  const execute = responses.execute.bind(responses);
  let begun = false;
  responses.execute = (text) => {
    if (!begun && text.subarray(0, 6).toString() === 'EVENT/') return events.execute(text);
    begun = true;
    return execute(text);
  };
  return responses;
};

const plain = (v) => {
  if (Buffer.isBuffer(v)) return v.toString('hex');
  if (Array.isArray(v)) return v.map(plain);
  if (v instanceof Map) return Object.fromEntries([...v].map(([k, x]) => [k, plain(x)]));
  return v;
};
const binary = (v) => (v && typeof v === 'object' && 'hex' in v ? Buffer.from(v.hex, 'hex') : v);

async function obey(order) {
  if (order.new) {
    const c = new HttpClient(order.id, '127.0.0.1', order.port, order.pairing || undefined, order.options || {});
    c.on('event', (event) => say({ of: order.new, event }));
    c.on('event-disconnect', () => say({ of: order.new, event: 'disconnect' }));
    clients[order.new] = c;
    return null;
  }
  if (order.watch) {
    const d = new IPDiscovery(order.on);
    for (const what of ['serviceUp', 'serviceChanged', 'serviceDown']) {
      d.on(what, (service) => say({ of: order.watch, event: { what, ...service } }));
    }
    d.start();
    return null;
  }
  return plain(await clients[order.of][order.do](...(order.args || []).map(binary)));
}

process.on('uncaughtException', (e) => console.error('a connection of hap-controller:', e.message)); // sockets that are reset
require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const order = JSON.parse(line);
  try {
    const value = await obey(order);
    say({ n: order.n, value: value === undefined ? null : value });
  } catch (e) {
    say({ n: order.n, error: e.message, status: e.statusCode, body: e.body });
  }
}).on('close', () => process.exit(0));
