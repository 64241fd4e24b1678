// HAP-NodeJS as an independent peer of the data stream: `node peer.js MODULES MODE`.
//
//   opack   reads a JSON list of orders, {"encode": value} or {"decode": hex}, and prints the results,
//           {"hex"}, {"value"} or {"error"}. A value is [type, content].
//   server  reads one JSON line {"secret", "salt"} (hex), prepares a session for them, prints
//           {"port", "salt"}, and then one line for each message that it gets. It answers the
//           request of protocol test, topic echo, with its own message, sends an event and asks
//           a request of its own.
"use strict";
const { DataStreamParser, DataStreamReader, DataStreamWriter, DataStreamServer, Int8, Int16, Int32, Int64, Float32, Float64,
  SecondsSince2001, UUID } = require(require("path").resolve(process.argv[2], "@homebridge/hap-nodejs"));

const make = {
  null: () => null, bool: b => b, number: n => n, string: s => s,
  int8: n => new Int8(n), int16: n => new Int16(n), int32: n => new Int32(n), int64: n => new Int64(n),
  float32: f => new Float32(f), float64: f => new Float64(f), date: s => new SecondsSince2001(s), uuid: u => new UUID(u),
  data: hex => Buffer.from(hex, "hex"),
  list: l => l.map(build),
  dict: pairs => Object.fromEntries(pairs.map(([key, value]) => [key, build(value)])),
};

function build([type, content]) {
  return make[type](content);
}

function show(v) {
  if (v === null) return ["null"];
  if (Buffer.isBuffer(v)) return ["data", v.toString("hex")];
  if (Array.isArray(v)) return ["list", v.map(show)];
  if (typeof v === "object") return ["dict", Object.entries(v).map(([key, value]) => [key, show(value)])];
  return [{ boolean: "bool" }[typeof v] ?? typeof v, v];
}

function encode(value) {
  const w = new DataStreamWriter();
  DataStreamParser.encode(build(value), w);
  return w.getData().toString("hex");
}

function opack(orders) {
  const results = orders.map(order => {
    try {
      if (order.encode) return { hex: encode(order.encode) };
      return { value: show(DataStreamParser.decode(new DataStreamReader(Buffer.from(order.decode, "hex")))) };
    } catch (e) {
      return { error: String(e) };
    }
  });
  console.log(JSON.stringify(results));
}

function serve({ secret, salt }) {
  const server = new DataStreamServer();
  const events = new (require("events").EventEmitter)();
  const session = Object.assign(events, { sessionID: "test", encryption: { sharedSecret: Buffer.from(secret, "hex") } });
  const say = o => console.log(JSON.stringify(o));
  server.onRequestMessage("test", "echo", (connection, id, message) => {
    say({ request: "echo", id, message: show(message) });
    connection.sendEvent("test", "heard", { message });
    connection.sendRequest("test", "ask", { question: "why" }, (error, status, answer) => say({ response: "ask", status, message: show(answer) }));
    connection.sendResponse("test", "echo", id, 0, message);
  });
  server.onEventMessage("test", "note", (connection, message) => say({ event: "note", message: show(message) }));
  server.on("connection-closed", () => say({ closed: true }));
  server.prepareSession(session, Buffer.from(salt, "hex"), (error, prepared) => say({ port: prepared.port, salt: prepared.accessoryKeySalt.toString("hex") }));
}

const input = [];
if (process.argv[3] === "opack") {
  process.stdin.on("data", part => input.push(part)).on("end", () => opack(JSON.parse(Buffer.concat(input))));
} else {
  require("readline").createInterface({ input: process.stdin }).once("line", line => serve(JSON.parse(line))).on("close", () => process.exit(0));
}
