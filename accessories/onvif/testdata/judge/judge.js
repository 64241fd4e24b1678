// Drives a camera with npm's onvif, and says as a line of JSON what it saw.
// usage: node judge.js HOST PORT USER PASSWORD | node judge.js find
'use strict';
const { Cam, Discovery } = require('onvif');
const http = require('http');

const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');
const die = (err) => { console.error(err.message || String(err)); process.exit(1); };

function connect(hostname, port, username, password) {
  return new Promise((resolve, reject) => {
    const cam = new Cam({ hostname, port, username, password, timeout: 10000 }, (err) => err ? reject(err) : resolve(cam));
  });
}

function ask(cam, method, ...args) {
  return new Promise((resolve, reject) => cam[method](...args, (err, answer) => err ? reject(err) : resolve(answer)));
}

// still shows that a picture is not for strangers.
function still(uri) {
  return new Promise((resolve, reject) => http.get(uri, (res) => { res.resume(); resolve(res.statusCode); }).on('error', reject));
}

async function tour(host, port, user, password) {
  const cam = await connect(host, port, user, password);
  const info = await ask(cam, 'getDeviceInformation');
  const stream = await ask(cam, 'getStreamUri', { protocol: 'RTSP', profileToken: 'main' });
  const picture = await ask(cam, 'getSnapshotUri', { profileToken: 'main' });
  const before = await ask(cam, 'getUsers');
  await ask(cam, 'createUsers', [{ username: 'visitor', password: 'Visitor2026', userLevel: 'Operator' }]);
  const other = await connect(host, port, 'visitor', 'Visitor2026');
  const seen = await ask(other, 'getDeviceInformation');
  const wrong = await connect(host, port, 'visitor', 'wrong').then((c) => ask(c, 'getDeviceInformation')).then(() => 'let in', () => 'refused');
  await ask(cam, 'setUsers', [{ username: 'visitor', password: 'Visitor2027', userLevel: 'User' }]);
  const level = (await ask(cam, 'getUsers')).find((u) => u.username === 'visitor').userLevel;
  const forbidden = await connect(host, port, 'visitor', 'Visitor2027').then((c) => ask(c, 'getUsers')).then(() => 'let in', () => 'refused');
  const after = await ask(cam, 'deleteUsers', ['visitor']);
  say({
    info, seen, wrong, forbidden, level,
    profiles: cam.profiles.map((p) => ({ token: p.$.token, width: p.videoEncoderConfiguration.resolution.width, encoding: p.videoEncoderConfiguration.encoding })),
    sources: cam.activeSources.length,
    stream: stream.uri, picture: await still(picture.uri),
    before: before.length, after: after.map((u) => u.username),
    shift: Math.round((cam.timeShift + process.uptime() * 1000 - Date.now()) / 60000), // it counts from its own start
  });
  let heard = 0;
  cam.on('event', (message) => {
    const item = message.message.message.data.simpleItem;
    say({ topic: message.topic._, name: item.$.Name, value: String(item.$.Value) });
    if (++heard === 2) cam.unsubscribe(() => process.exit(0));
  });
  cam.on('eventsError', die);
  say({ listening: true });
}

if (process.argv[2] === 'find') {
  Discovery.on('error', die);
  Discovery.probe({ timeout: 1500, resolve: false }, (err, found) => {
    if (err) die(err);
    say(found.map((f) => f.probeMatches.probeMatch.XAddrs));
  });
} else {
  tour(process.argv[2], Number(process.argv[3]), process.argv[4], process.argv[5]).catch(die);
}
