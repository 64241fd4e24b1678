// HAP-NodeJS's definitions of Apple's types judge an accessory database, which comes on standard input
// as a controller reads it. Each line that this prints is something that does not fit.
'use strict';
const { Service, Characteristic } = require('@homebridge/hap-nodejs');

const short = (uuid) => uuid.replace('-0000-1000-8000-0026BB765291', '').replace(/^0+/, '');
const known = (kind) => new Map(Object.values(kind).filter((k) => k && k.UUID).map((k) => [short(k.UUID), k]));
const services = known(Service);
const characteristics = known(Characteristic);

// Left to the household's ears: a name that iOS asks for on services that Apple's list does not give one.
const everywhere = new Set(['23', 'E3']);

function* judgeCharacteristic(c) {
  const props = new (characteristics.get(c.type))().props;
  if (c.format !== props.format) yield `the format is ${c.format}, not ${props.format}`;
  const perms = [...props.perms].sort().join();
  if ([...c.perms].sort().join() !== perms) yield `the permissions are ${c.perms}, not ${perms}`;
  if (c.unit !== undefined && c.unit !== props.unit) yield `the unit is ${c.unit}, not ${props.unit}`;
  if (c.minValue !== undefined && props.minValue !== undefined && c.minValue < props.minValue) yield `from ${c.minValue}, not ${props.minValue}`;
  if (c.maxValue !== undefined && props.maxValue !== undefined && c.maxValue > props.maxValue) yield `to ${c.maxValue}, not ${props.maxValue}`;
  for (const v of c['valid-values'] || []) {
    if (props.validValues && !props.validValues.includes(v)) yield `${v} is no valid value`;
  }
  yield* judgeValue(c);
}

function* judgeValue(c) {
  if (!c.perms.includes('pr')) {
    if ('value' in c) yield 'it has a value that nobody may read';
    return;
  }
  if (!('value' in c)) return yield 'it has no value';
  if (c.type === '73' || c.type === '126') {
    if (c.value !== null) yield `a press reads ${c.value}, not null`;
    return;
  }
  const type = { bool: 'boolean', string: 'string', tlv8: 'string', data: 'string' }[c.format] || 'number';
  if (typeof c.value !== type) return yield `its value is ${JSON.stringify(c.value)}, not a ${type}`;
  if (c.minValue !== undefined && c.value < c.minValue || c.maxValue !== undefined && c.value > c.maxValue) yield `its value ${c.value} is out of range`;
  if (c['valid-values'] && !c['valid-values'].includes(c.value)) yield `its value ${c.value} is not a valid one`;
  if (type === 'number' && c.format !== 'float' && !Number.isInteger(c.value)) yield `its value ${c.value} is no integer`;
}

function* judgeService(s) {
  const definition = new (services.get(s.type))('Name', 'subtype');
  const types = (list) => list.map((c) => short(c.UUID));
  const required = types(definition.characteristics);
  const allowed = new Set([...required, ...types(definition.optionalCharacteristics), ...everywhere]);
  const has = new Set(s.characteristics.map((c) => c.type));
  for (const type of required) {
    if (!has.has(type) && !everywhere.has(type)) yield `${type} is missing`;
  }
  for (const c of s.characteristics) {
    if (!characteristics.has(c.type)) {
      yield `${c.type} is unknown`;
      continue;
    }
    if (!allowed.has(c.type)) yield `${c.type} does not belong there`;
    for (const fault of judgeCharacteristic(c)) yield `${c.type}: ${fault}`;
  }
}

const database = JSON.parse(require('fs').readFileSync(0));
for (const a of database.accessories) {
  for (const s of a.services) {
    if (!services.has(s.type)) {
      console.log(`accessory ${a.aid}: service ${s.type} is unknown`);
      continue;
    }
    for (const fault of judgeService(s)) console.log(`accessory ${a.aid}: service ${s.type}: ${fault}`);
  }
}
