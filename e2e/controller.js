// An independent HomeKit controller (npm hap-controller) goes through a demo home: it pairs by the
// printed code, reads, writes and waits for an event, and prints what it saw as one line of JSON.
//
// usage: node controller.js '{"id":…,"port":…,"code":…,"control":…}'
'use strict';
const { HttpClient } = require('hap-controller');

const order = JSON.parse(process.argv[2]);
const seen = {};

function find(accessories, name, service, characteristic) {
  for (const a of accessories) {
    const info = a.services.find((s) => s.type === '3E' || s.type.startsWith('0000003E'));
    if (info.characteristics.find((c) => short(c.type) === '23').value !== name) continue;
    for (const s of a.services.filter((s) => short(s.type) === service)) {
      const c = s.characteristics.find((c) => short(c.type) === characteristic);
      if (c) return `${a.aid}.${c.iid}`;
    }
  }
  throw new Error(`${name} has no ${service}/${characteristic}`);
}

function short(type) {
  return type.replace('-0000-1000-8000-0026BB765291', '').replace(/^0+/, '');
}

async function main() {
  const first = new HttpClient(order.id, '127.0.0.1', order.port);
  await first.pairSetup(order.code, 0);
  const paired = first.getLongTermData();
  const hub = new HttpClient(order.id, '127.0.0.1', order.port, paired, { usePersistentConnections: true });
  const { accessories } = await hub.getAccessories();
  seen.accessories = accessories.length;

  const speed = find(accessories, 'Rocket', 'B7', '29');
  await hub.setCharacteristics({ [speed]: 50 });
  seen.speed = (await hub.getCharacteristics([speed])).characteristics[0].value;
  seen.motor = await (await fetch(`${order.control}/sim/rocket`)).json();
  await hub.setCharacteristics({ [speed]: 0 });

  const sos = find(accessories, 'Mia SOS', '85', '22');
  const told = new Promise((resolve) => hub.on('event', resolve));
  await hub.subscribeCharacteristics([sos]);
  const pressed = Date.now();
  await fetch(`${order.control}/sim/watch/sos`, { method: 'POST' });
  seen.event = (await told).characteristics.find((c) => `${c.aid}.${c.iid}` === sos).value;
  seen.milliseconds = Date.now() - pressed;

  seen.pairings = (await hub.listPairings()) !== undefined;
  await hub.removePairing(paired.iOSDevicePairingID);
  seen.removed = true;
  console.log(JSON.stringify(seen));
  process.exit(0);
}

setTimeout(() => { console.error('the controller hangs', seen); process.exit(1); }, 30000).unref();
main().catch((error) => { console.error(error, seen); process.exit(1); });
