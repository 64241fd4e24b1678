// The bridge that Ingle's is measured against: @homebridge/hap-nodejs with the same home, the same
// one line on stdout and the same control endpoint as hub/hap/benchbridge (see there).
//
//   node bridge.js -store DIR [-port N] [-accessories 149] [-ctl 127.0.0.1:PORT]
//
// HAP-NodeJS always keeps its pairings in files, so a folder is needed; identity and code lie in it too.
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const path = require("path");
const { parseArgs } = require("util");
const { Accessory, Bridge, Categories, Characteristic, CharacteristicEventTypes, HAPStorage, Service, uuid } = require("@homebridge/hap-nodejs");

const names = ["port", "accessories", "ctl", "store"];
const { values: options } = parseArgs({
  args: process.argv.slice(2).map((arg) => names.includes(arg.slice(1)) ? "-" + arg : arg), // as Go's flags are written
  options: {
    port: { type: "string", default: "0" },
    accessories: { type: "string", default: "149" },
    ctl: { type: "string" },
    store: { type: "string" },
  },
});
if (!options.store) {
  console.error("bridge.js: -store DIR is needed");
  process.exit(2);
}
console.log = console.error; // stdout is for the one line

fs.mkdirSync(options.store, { recursive: true });
HAPStorage.setCustomStoragePath(path.join(options.store, "persist"));
const identity = rememberedIdentity(path.join(options.store, "identity.json"));
const lamps = [];
let slow = 0; // milliseconds that the first lamp takes to tell its brightness

const bridge = new Bridge("Peer Bench", uuid.generate("peer bench"));
describe(bridge, 1, "Peer Bench");
for (let i = 0; i < Number(options.accessories); i++) {
  bridge.addBridgedAccessory(i % 3 === 2 ? sensor(i + 2) : lamp(i + 2));
}
bridge.on("listening", (port) => {
  fs.writeSync(1, JSON.stringify({ port, setup_code: identity.pincode, device_id: identity.username }) + "\n");
});
bridge.publish({ ...identity, port: Number(options.port), category: Categories.BRIDGE });
if (options.ctl) {
  serveControl(options.ctl);
}
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => bridge.unpublish().finally(() => process.exit(0)));
}

// rememberedIdentity is the identity that lies in a file, or a new one.
function rememberedIdentity(file) {
  if (fs.existsSync(file)) {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  }
  const hex = crypto.randomBytes(6).toString("hex").toUpperCase();
  let digits = "12345678";
  while (/^(12345678|87654321|(\d)\2{7})$/.test(digits)) {
    digits = String(crypto.randomInt(100000000)).padStart(8, "0");
  }
  const made = {
    username: hex.match(/../g).join(":"),
    pincode: `${digits.slice(0, 3)}-${digits.slice(3, 5)}-${digits.slice(5)}`,
  };
  fs.writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

function describe(accessory, aid, name) {
  accessory.getService(Service.AccessoryInformation)
    .setCharacteristic(Characteristic.Manufacturer, "Ingle")
    .setCharacteristic(Characteristic.Model, "Bench")
    .setCharacteristic(Characteristic.Name, name)
    .setCharacteristic(Characteristic.SerialNumber, `bench-${aid}`)
    .setCharacteristic(Characteristic.FirmwareRevision, "1.0");
  return accessory;
}

function accessory(aid, name) {
  return describe(new Accessory(name, uuid.generate(`bench-${aid}`)), aid, name);
}

function lamp(aid) {
  const made = accessory(aid, `Lamp ${aid}`);
  const bulb = made.addService(new Service.Lightbulb());
  const brightness = bulb.getCharacteristic(Characteristic.Brightness).updateValue(100);
  if (lamps.length === 0) {
    brightness.on(CharacteristicEventTypes.GET, (answer) => {
      const tell = () => answer(undefined, brightness.value);
      slow > 0 ? setTimeout(tell, slow) : tell();
    });
  }
  lamps.push(bulb.getCharacteristic(Characteristic.On));
  return made;
}

function sensor(aid) {
  const made = accessory(aid, `Sensor ${aid}`);
  made.addService(new Service.TemperatureSensor()).updateCharacteristic(Characteristic.CurrentTemperature, 21.5);
  return made;
}

async function emit(count, all, gap) {
  const begun = process.hrtime.bigint();
  for (let i = 0; i < count; i++) {
    const on = all ? lamps[i % lamps.length] : lamps[0];
    on.updateValue(!on.value); // the path of a device that reports
    if (gap > 0) {
      await new Promise((resolve) => setTimeout(resolve, gap / 1000));
    }
  }
  return String(process.hrtime.bigint() - begun);
}

function serveControl(address) {
  const at = new URL(`http://${address}`);
  if (at.hostname !== "127.0.0.1") {
    console.error(`bridge.js: ${address} is not 127.0.0.1`);
    process.exit(1);
  }
  http.createServer(async (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url, at);
    const number = (name) => Number(query.get(name) ?? 0);
    switch (pathname) {
      case "/emit":
        return response.end(await emit(number("count"), query.get("all") === "1", number("us")));
      case "/slow":
        slow = number("ms");
        return response.end();
      case "/gc":
        return response.end(JSON.stringify({ heap: collected() }));
      case "/rss":
        return response.end(fs.readFileSync("/proc/self/status"));
    }
    response.writeHead(404).end();
  }).listen(Number(at.port), at.hostname);
}

// collected is the size of the heap in bytes after a full collection.
function collected() {
  require("v8").setFlagsFromString("--expose-gc");
  require("vm").runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}
