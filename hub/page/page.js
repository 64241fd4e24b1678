// The plain page. It holds a token in a variable, which ends with the tab, and draws what the hub's
// stream of events tells. Nothing is made from text that came in: every word is set as text.
'use strict';

const texts = JSON.parse(document.getElementById('texts').textContent);
const language = document.documentElement.lang;
const $ = (id) => document.getElementById(id);
const fill = (text, args = {}) => text.replace(/\{(\w+)\}/g, (all, name) => args[name] ?? all);
const t = (key, args) => fill(texts[key] ?? key, args);

let token = '', patience = 0, home = null, line = null;

// ---- asking the hub

class Problem extends Error {
  constructor(status, code, args) { super(code); Object.assign(this, { status, code, args }); }
}

async function ask(method, path, body, signal) {
  const headers = {};
  if (token) headers.Authorization = 'Bearer ' + token;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let r;
  try {
    r = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'omit', cache: 'no-store' });
  } catch {
    throw new Problem(0, 'hub.interrupted');
  }
  if (r.ok) return r;
  const p = await r.json().catch(() => ({}));
  if (p.code === 'hub.stranger' && token) end(t('page.ended'));
  throw new Problem(r.status, p.code ?? 'hub.internal', p.args);
}
const get = async (path) => (await ask('GET', path)).json();

// Texts that the hub names by a code come when they are needed.
const known = new Map();
function look(key, n = '') {
  const at = key + '|' + n;
  if (!known.has(at)) {
    known.set(at, get('/text?' + new URLSearchParams({ key, n, lang: language })).catch(() => { known.delete(at); return {}; }));
  }
  return known.get(at);
}
async function told(code, args) {
  const said = await look(code);
  return [said.text ?? code, said.do].filter(Boolean).map((s) => fill(s, args)).join(' ');
}
const say = (text) => { $('live').textContent = ''; requestAnimationFrame(() => { $('live').textContent = text; }); };
async function complain(problem, where) {
  const text = await told(problem.code ?? 'hub.internal', problem.args);
  if (where) where.textContent = text; else say(text);
}

// ---- small pieces

function make(tag, props = {}, ...inside) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === 'on') e.addEventListener(...value); else if (name in e) e[name] = value; else e.setAttribute(name, value);
  }
  e.append(...inside);
  return e;
}
const valueOf = (a, trait) => (a.traits ?? []).find((v) => v.trait === trait);
const wordOf = (name) => (/^[\p{L}\p{N}_.-]*$/u.test(name) ? name : "'" + name.replaceAll("'", "'\\''") + "'");
const byName = (a, b) => a.name.localeCompare(b.name, language);

async function order(a, trait, value) {
  try {
    await ask('POST', `/api/v1/accessories/${encodeURIComponent(a.id)}/do`, { trait, value });
    return true;
  } catch (problem) {
    await complain(problem);
    return false;
  }
}

// toggle is a switch; its state is in words as well as in its picture.
function toggle(name, a, trait, kind = '') {
  const is = make('span', { className: 'is' });
  const b = make('button', { type: 'button', className: kind, role: 'switch' }, make('span', { textContent: name }), is);
  is.setAttribute('aria-hidden', 'true');
  b.setAttribute('role', 'switch');
  let on = false;
  b.addEventListener('click', async () => {
    if (b.getAttribute('aria-disabled')) return;
    b.setAttribute('aria-disabled', 'true');
    const next = !on;
    if (await order(a, trait, next)) say(`${b.title || name}: ${next ? t('page.on') : t('page.off')}`);
    b.removeAttribute('aria-disabled');
  });
  return {
    element: b,
    show(now) {
      on = now === true;
      b.setAttribute('aria-checked', String(on));
      is.textContent = on ? t('page.on') : t('page.off');
    },
  };
}

// ---- what is in the home

const drawn = new Map(); // by accessory, so that a change keeps the focus where it is

function controls(a) {
  const list = [];
  const settable = (trait) => valueOf(a, trait)?.settable;
  if (settable('active')) {
    const s = toggle(t('trait.active'), a, 'active');
    s.element.setAttribute('aria-label', `${a.name}: ${t('trait.active')}`);
    list.push({ element: s.element, update: (now) => s.show(valueOf(now, 'active')?.value) });
  }
  if (settable('speed')) list.push(speed(a));
  if (settable('find')) {
    list.push({ element: make('button', { type: 'button', className: 'act', textContent: t('tile.watch.find'), ariaLabel: `${a.name}: ${t('tile.watch.find')}`,
      on: ['click', async () => { if (await order(a, 'find', true)) say(t('page.rings', { name: a.name })); }] }), update() {} });
  }
  if (settable('emergency')) {
    const seen = make('button', { type: 'button', className: 'act danger', textContent: t('tile.sos.seen'), ariaLabel: `${a.name}: ${t('tile.sos.seen')}`, on: ['click', () => order(a, 'emergency', false)] });
    list.push({ element: seen, update: (now) => { seen.hidden = valueOf(now, 'emergency')?.value !== true; } });
  }
  return list;
}

function speed(a) {
  const v = valueOf(a, 'speed'), id = 'speed-' + a.id;
  const slider = make('input', { type: 'range', id, min: 0, max: 100, step: v.steps ? 100 / v.steps : 1 });
  const stop = make('button', { type: 'button', className: 'act', textContent: t('tile.toy.stop'), ariaLabel: `${a.name}: ${t('tile.toy.stop')}`, on: ['click', () => order(a, 'speed', 0)] });
  const told = (n) => (n > 0 ? t('tile.toy.speed', { percent: n }) : t('tile.toy.rest'));
  slider.addEventListener('input', () => slider.setAttribute('aria-valuetext', told(Math.round(slider.value))));
  slider.addEventListener('change', () => order(a, 'speed', Math.round(slider.value)));
  const box = make('div', {}, make('label', { htmlFor: id, textContent: t('page.speed', { name: a.name }) }), slider, stop);
  return { element: box, update(now) {
    const n = valueOf(now, 'speed')?.value ?? 0;
    slider.value = n;
    slider.setAttribute('aria-valuetext', told(n));
  } };
}

// lines says in words how a thing is.
function lines(a) {
  const list = [], has = (trait) => valueOf(a, trait)?.value;
  if (a.condition?.state && a.condition.state !== 'open') list.push(states[a.condition.state] ?? a.condition.state);
  else if (a.driver) list.push(t('accessory.state.open'));
  if (has('emergency') !== undefined) list.push(has('emergency') ? t('page.call') : t('page.calm'));
  if (has('active') === false) list.push(t('tile.camera.off'));
  else if (has('motion')) list.push(t('tile.camera.motion'));
  if (has('battery') !== undefined) list.push(t('tile.battery', { percent: has('battery') }));
  if (has('occupied') !== undefined) list.push(has('occupied') ? t('page.here') : t('page.away'));
  if (has('speed') !== undefined) list.push(has('speed') > 0 ? t('tile.toy.speed', { percent: has('speed') }) : t('tile.toy.rest'));
  return list.join(' · ');
}
const states = {
  opening: t('accessory.state.opening'), waiting: t('accessory.state.waiting'), refused: t('accessory.state.refused'),
  unsupported: t('accessory.state.unsupported'), abandoned: t('accessory.state.abandoned'), off: t('accessory.state.off'),
};

function thing(a) {
  const title = make('h4', { id: 'thing-' + a.id }), about = make('p'), parts = controls(a);
  const box = make('article', { className: 'thing' }, title, about, ...parts.map((p) => p.element));
  box.setAttribute('aria-labelledby', title.id);
  if (a.driver) {
    box.append(make('div', { className: 'end' }, make('button', { type: 'button', className: 'remove', textContent: t('page.remove'), ariaLabel: `${a.name}: ${t('page.remove')}`,
      on: ['click', () => destroy(t('page.remove.title', { name: a.name }), t('page.remove.text'), `/api/v1/accessories/${encodeURIComponent(a.id)}`, t('page.removed', { name: a.name }))] })));
  }
  return { element: box, shape: shapeOf(a), update(now) {
    title.textContent = now.name;
    about.textContent = lines(now);
    box.classList.toggle('alarm', valueOf(now, 'emergency')?.value === true);
    parts.forEach((p) => p.update(now));
  } };
}
const shapeOf = (a) => JSON.stringify([a.name, a.room, a.driver, (a.traits ?? []).map((v) => [v.trait, v.settable, v.steps])]);

const main = ['stop-all', 'privacy', 'quiet-time'];
const names = { 'stop-all': t('trait.stop-all'), privacy: t('trait.privacy'), 'quiet-time': t('trait.quiet-time') };
const mainOf = (a) => main.find((trait) => valueOf(a, trait)?.settable);

function drawMain(a, trait) {
  const s = toggle(names[trait], a, trait, trait === 'stop-all' ? 'stop' : '');
  return { element: s.element, shape: shapeOf(a), update: (now) => s.show(valueOf(now, trait)?.value) };
}

function draw(a) {
  let d = drawn.get(a.id);
  const fresh = !d || d.shape !== shapeOf(a);
  if (fresh) {
    const trait = mainOf(a);
    d = trait ? drawMain(a, trait) : thing(a);
    drawn.set(a.id, d);
  }
  d.update(a);
  return fresh;
}

// arrange puts everything where it belongs; it is needed when something came, went or changed its shape.
function arrange() {
  const switches = home.accessories.filter(mainOf).sort((a, b) => main.indexOf(mainOf(a)) - main.indexOf(mainOf(b)));
  $('switches').replaceChildren(...switches.map((a) => drawn.get(a.id).element));
  const rooms = Map.groupBy(home.accessories.filter((a) => !mainOf(a)).sort(byName), (a) => a.room || '');
  const order = [...rooms.keys()].sort((a, b) => (a === '') - (b === '') || a.localeCompare(b, language));
  $('things').replaceChildren(...order.map((room) => make('div', {}, make('h3', { textContent: room || t('tile.house') }),
    make('div', { className: 'room' }, ...rooms.get(room).map((a) => drawn.get(a.id).element)))));
  if (order.length === 0) $('things').replaceChildren(make('p', { className: 'hint', textContent: t('page.things.none') }));
}

function drawAll() {
  const ids = new Set(home.accessories.map((a) => a.id));
  for (const id of drawn.keys()) if (!ids.has(id)) drawn.delete(id);
  home.accessories.forEach(draw);
  arrange();
  drawTroubles();
}

const severities = { alarm: t('page.alarm'), warning: t('page.warning'), notice: t('page.notice') };
let lastState = '', lastCall = '', drawing = 0;

// callsForHelp stand before all else that needs care.
const callsForHelp = () => home.accessories.filter((a) => valueOf(a, 'emergency')?.value === true).map((a) => ({ name: a.name,
  item: make('li', { className: 'alarm' }, make('strong', { textContent: `${t('page.alarm')}: ${t('page.call')}` }), make('a', { href: '#thing-' + a.id, textContent: a.name })) }));

async function drawTroubles() {
  const mine = ++drawing, list = home.troubles ?? [], calls = callsForHelp(), nameOf = (id) => home.accessories.find((a) => a.id === id)?.name ?? '';
  const items = await Promise.all(list.map(async (one) => {
    const name = nameOf(one.subject), args = { name, word: wordOf(name), ...one.args };
    const said = await look('health.' + one.code);
    return make('li', { className: one.severity }, make('strong', { textContent: `${severities[one.severity] ?? ''}: ${fill(said.text ?? one.code, args)}` }), fill(said.do ?? '', args));
  }));
  const count = list.length + calls.length;
  const state = count ? ((await look(`home.troubles`, count)).text ?? '') : t('home.all-well');
  if (mine !== drawing || !home) return; // there is a newer one
  $('troubles').replaceChildren(...calls.map((c) => c.item), ...items);
  $('state-title').textContent = state;
  if (lastState && state !== lastState) say(state);
  const call = calls.map((c) => c.name).join(', ');
  if (call !== lastCall) $('alarm').textContent = call && `${t('page.call')}: ${call}`;
  [lastState, lastCall] = [state, call];
}

function change(c) {
  const find = (id) => home.accessories.findIndex((a) => a.id === id);
  if (c.value || c.condition) {
    const a = home.accessories[find((c.value ?? c.condition).accessory)];
    if (!a) return;
    if (c.condition) a.condition = c.condition;
    else Object.assign(valueOf(a, c.value.trait) ?? (a.traits = [...(a.traits ?? []), {}]).at(-1), { trait: c.value.trait, value: c.value.value, at: c.value.at });
    if (draw(a)) arrange();
    if (c.value?.trait === 'emergency') drawTroubles();
  } else if (c.accessory) {
    const i = find(c.accessory.id);
    if (i < 0) home.accessories.push(c.accessory); else home.accessories[i] = c.accessory;
    if (draw(c.accessory)) arrange();
  } else if (c.removed) {
    home.accessories = home.accessories.filter((a) => a.id !== c.removed);
    drawAll();
  } else if (c.troubles) {
    home.troubles = c.troubles;
    drawTroubles();
  }
}

// ---- the stream of events: the whole state first, then each change

async function follow(signal) {
  while (!signal.aborted) {
    try {
      const r = await ask('GET', '/api/v1/events', undefined, signal);
      $('line').hidden = true;
      const reader = r.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ''; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const events = (rest + value).split('\n\n');
        rest = events.pop();
        for (const e of events) hear(e);
      }
    } catch {
      // it is tried again
    }
    if (signal.aborted) return;
    $('line').hidden = false;
    await new Promise((go) => setTimeout(go, 2000));
  }
}

function hear(event) {
  const field = (name) => event.split('\n').find((l) => l.startsWith(name + ': '))?.slice(name.length + 2);
  if (field('event') === 'snapshot') {
    home = JSON.parse(field('data'));
    drawAll();
  } else if (field('event') === 'change' && home) {
    change(JSON.parse(field('data')));
  }
}

// ---- HomeKit, recordings, export, deletion

async function drawHomeKit() {
  const list = await get('/api/v1/homekit');
  const cards = await Promise.all(list.map(async (s) => {
    const box = make('div', { className: 'card pair' });
    const about = make('div', {}, make('h3', { textContent: s.name }), make('p', { className: 'hint', textContent: s.paired ? t('page.paired') : t('page.unpaired') }));
    if (s.setup_code) about.append(make('p', {}, make('code', { className: 'code', textContent: s.setup_code })));
    box.append(about);
    if (s.setup_uri) box.append(square(await (await ask('POST', '/qr', { text: s.setup_uri })).json(), s.name));
    return box;
  }));
  $('homekit').replaceChildren(...cards);
}

function square(code, name) {
  const at = (tag, props) => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [k, v] of Object.entries(props)) e.setAttribute(k, v);
    return e;
  };
  const svg = at('svg', { viewBox: `0 0 ${code.side} ${code.side}`, role: 'img', 'aria-label': t('page.qr', { name }), 'shape-rendering': 'crispEdges' });
  svg.append(at('path', { d: code.path, fill: '#000' }));
  return svg;
}

async function drawClips() {
  const list = (await get('/api/v1/clips')).slice(0, 20);
  $('clips-none').hidden = list.length > 0;
  $('clips').replaceChildren(...list.map((c) => {
    const camera = home?.accessories.find((a) => a.id === c.camera)?.name ?? c.camera;
    const when = new Date(c.at).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });
    const text = `${camera}, ${when}`;
    return make('li', {}, make('span', { textContent: text }), make('button', { type: 'button', className: 'remove', textContent: t('page.delete.do'), ariaLabel: `${t('page.delete.do')}: ${text}`,
      on: ['click', () => destroy(t('page.clip.title'), text, `/api/v1/clips/${encodeURIComponent(c.id)}`, t('page.clip.deleted')).then(drawClips)] }));
  }));
}

// labels show what is to be fixed and how many lines stand how; the evidence is in the app and on the hub.
async function drawLabels() {
  const list = await get('/api/v1/labels'), word = async (key, args) => fill((await look(key)).text ?? key, args);
  $('labels').replaceChildren(...await Promise.all(list.map(async (l) => {
    const box = make('div', { className: 'card label' }, make('h3', { textContent: l.name }));
    box.append(make('p', { textContent: await word('label.counts', { ok: l.ok, fix: l.fix, unknown: l.unknown }) }));
    const wrong = await Promise.all((l.lines ?? []).filter((one) => one.state === 'fix').map(async (one) =>
      make('li', { textContent: `${await word('label.line.' + one.line)}: ${await word(one.text, one.args)}` })));
    if (wrong.length) box.append(make('ul', {}, ...wrong));
    return box;
  })));
}

// drawKept counts what the hub keeps, by kind of data.
async function drawKept() {
  const sums = new Map();
  for (const i of await get('/api/v1/privacy/inventory')) sums.set(i.category, (sums.get(i.category) ?? 0) + i.count);
  const items = await Promise.all([...sums].filter(([, n]) => n).map(async ([category, n]) => {
    const [name, many] = await Promise.all([look('privacy.category.' + category), look('app.privacy.entries', n)]);
    return make('li', { textContent: `${name.text ?? category}: ${many.text ?? n}` });
  }));
  $('kept').replaceChildren(...items);
}

$('export').addEventListener('submit', async (e) => {
  e.preventDefault();
  const button = e.target.querySelector('button'), error = $('export-error');
  if (button.getAttribute('aria-disabled')) return;
  error.textContent = '';
  button.setAttribute('aria-disabled', 'true');
  say(t('page.export.runs'));
  try {
    const made = await (await ask('POST', '/api/v1/export', { path: $('export-path').value, password: $('export-password').value, language })).json();
    say(t('page.export.done', { path: made.path }));
    error.textContent = '';
  } catch (problem) {
    await complain(problem, error);
  }
  $('export-password').value = '';
  button.removeAttribute('aria-disabled');
});

// destroy asks for the password again, and then does what cannot be undone.
function destroy(title, text, path, done) {
  const dialog = $('ask'), form = $('ask-form'), error = $('ask-error'), password = $('ask-password');
  $('ask-title').textContent = title;
  $('ask-text').textContent = text;
  error.textContent = password.value = '';
  dialog.showModal();
  password.focus();
  return new Promise((finish) => {
    form.onsubmit = async (e) => {
      e.preventDefault();
      error.textContent = '';
      try {
        await ask('POST', '/api/v1/unlock', { password: password.value });
        await ask('DELETE', path);
        dialog.close();
        say(done);
      } catch (problem) {
        password.value = '';
        await complain(problem, error);
        password.focus();
      }
    };
    dialog.onclose = () => { password.value = ''; finish(); };
  });
}
$('ask-no').addEventListener('click', () => $('ask').close());

// ---- coming and going

let used = 0, alive = 0, watch = 0;

async function begin(answer) {
  token = answer.token;
  patience = Number(answer.idle) * 1000;
  used = alive = Date.now();
  $('door').hidden = true;
  $('house').hidden = $('leave').hidden = false;
  lastState = lastCall = '';
  line = new AbortController();
  follow(line.signal);
  watch = setInterval(tend, 5000);
  $('state-title').textContent = t('page.hello');
  $('state-title').focus();
  await Promise.all([drawHomeKit(), drawClips(), drawLabels(), drawKept()]).catch(complain);
}

// tend keeps the session of somebody who is there, and warns before one ends.
let warned = false;
function tend() {
  const now = Date.now(), rest = patience - (now - Math.max(alive, used));
  if (used > alive && now - alive > 30000) {
    alive = now;
    ask('POST', '/stay').catch(() => {});
  }
  if (rest < 60000 && !warned) say(t('page.soon'));
  warned = rest < 60000;
  if (rest <= 0) end(t('page.ended'));
}
for (const kind of ['keydown', 'pointerdown']) addEventListener(kind, () => { used = Date.now(); }, { passive: true });

function end(note) {
  token = '';
  line?.abort();
  clearInterval(watch);
  home = null;
  drawn.clear();
  if ($('ask').open) $('ask').close();
  for (const id of ['troubles', 'switches', 'things', 'homekit', 'clips', 'labels', 'kept', 'state-title', 'alarm']) $(id).replaceChildren();
  $('export').reset();
  $('house').hidden = $('leave').hidden = true;
  $('door').hidden = false;
  $('door-note').textContent = note;
  $('door-note').hidden = !note;
  $('door-title').focus();
  say(note);
}

$('leave').addEventListener('click', async () => {
  await ask('POST', '/logout').catch(() => {});
  end(t('page.left'));
});

$('login').addEventListener('submit', async (e) => {
  e.preventDefault();
  const error = $('login-error'), field = $('password'), button = e.target.querySelector('button');
  if (button.getAttribute('aria-disabled')) return;
  error.textContent = '';
  button.setAttribute('aria-disabled', 'true');
  try {
    const answer = await (await ask('POST', '/login', { password: field.value })).json();
    field.value = '';
    await begin(answer);
  } catch (problem) {
    field.value = '';
    await complain(problem, error);
    field.focus();
  }
  button.removeAttribute('aria-disabled');
});

$('door').hidden = false;
