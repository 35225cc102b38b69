'use strict';

const kinds = ['aside', 'plain'];
const shown = 120; // samples in a chart: a minute
const samples = [];
let seenSample = 0;
let seenEvent = 0;

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

const count = new Intl.NumberFormat('en');
const millis = v => v < 0 ? '–' : v < 10 ? v.toFixed(1) + ' ms' : v < 10000 ? Math.round(v) + ' ms' : (v / 1000).toFixed(1) + ' s';
const rate = v => v < 0 ? '–' : count.format(Math.round(v));
const share = v => v < 0 ? '–' : (v * 100).toFixed(1) + ' %';

// What each chart shows, and the least that its scale goes up to.
const charts = {
  requests: { text: rate, least: 10 },
  p99: { text: millis, least: 100, logarithmic: true },
  queries: { text: rate, least: 10 },
  hits: { text: share, least: 1, most: 1 },
};

function svg(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

for (const figure of all('[data-chart]')) {
  const chart = charts[figure.dataset.chart];
  const drawing = svg('svg', { class: 'chart', viewBox: '0 0 120 100', preserveAspectRatio: 'none', role: 'img' });
  chart.drawing = drawing;
  chart.lines = {};
  for (const kind of [...kinds].reverse()) drawing.append(chart.lines[kind] = svg('path', { class: kind }));
  const scale = document.createElement('p');
  scale.className = 'scale';
  scale.append(chart.bottom = document.createElement('span'), chart.top = document.createElement('span'));
  chart.values = Object.fromEntries(kinds.map(kind => [kind, one(`[data-value=${kind}]`, figure)]));
  chart.title = one('figcaption', figure).textContent;
  figure.append(drawing, scale);
}

// height is where a value stands between the foot of a chart, 0, and its top, 1.
function height(chart, value, top) {
  if (!chart.logarithmic) return value / top;
  return Math.max(0, Math.log10(value / 0.1)) / Math.log10(top / 0.1);
}

function draw(name) {
  const chart = charts[name];
  const values = samples.flatMap(s => kinds.map(kind => s[kind][name]));
  const top = chart.most ?? Math.max(chart.least, ...values);
  for (const kind of kinds) {
    let path = '';
    let pen = 'M';
    samples.forEach((s, i) => {
      const value = s[kind][name];
      if (value < 0) { pen = 'M'; return; }
      const x = 120 - (samples.length - 1 - i) * 120 / (shown - 1);
      path += `${pen}${x.toFixed(2)} ${(96 - 92 * height(chart, value, top)).toFixed(2)}`;
      pen = 'L';
    });
    chart.lines[kind].setAttribute('d', path);
    set(chart.values[kind], chart.text(samples.at(-1)[kind][name]));
  }
  set(chart.bottom, chart.logarithmic ? 'logarithmic scale' : 'from 0');
  set(chart.top, 'up to ' + chart.text(top));
  chart.drawing.setAttribute('aria-label', `${chart.title}: ` +
    kinds.map(kind => `${kind} ${chart.values[kind].textContent}`).join(', '));
}

const rows = {
  requests: t => count.format(t.requests),
  failed: t => count.format(t.failed),
  queries: t => count.format(t.queries),
  stale: t => `${count.format(t.reads.stale)} of ${count.format(t.reads.all)}`,
  worst: t => t.reads.stale ? millis(t.worst) : '–',
  near: t => count.format(t.near),
};

function tell(state) {
  for (const [row, text] of Object.entries(rows)) {
    const cells = all(`[data-row=${row}] td`);
    kinds.forEach((kind, i) => set(cells[i], text(state[kind])));
  }
  const alarm = (id, text, on) => { const e = one('#' + id); set(e, text); e.classList.toggle('alarm', on); };
  alarm('database', `${state.database}, ${state.delay} ms a query`, state.slow);
  alarm('redis', `${state.server}, ${state.redis}`, state.redis !== 'up');
  const open = state.breaker === 'BreakerOpen';
  alarm('breaker', open ? 'open: Redis is not asked' : 'closed: Redis is asked', open);
  const near = state.near === 'NearConnected';
  alarm('near', near ? 'Redis tells of writes' : 'rests, as Redis does not tell of writes', !near);
  alarm('late', count.format(state.late), state.late > 0);
  set(one('#instances'), String(state.instances));

  for (const button of all('[data-do=redis]')) press(button, button.dataset.to === state.redis);
  toggle(one('#slow'), state.slow, 'slow', 'normal');
  toggle(one('#second'), state.instances > 1, 'start', 'stop');
  if (document.activeElement !== one('#rate')) one('#rate').value = String(state.rate);
}

const press = (button, on) => button.setAttribute('aria-pressed', String(on));

function toggle(button, on, begin, end) {
  press(button, on);
  button.dataset.to = on ? end : begin;
}

function log(events) {
  const list = one('#log');
  for (const e of events) {
    const line = document.createElement('li');
    const time = document.createElement('time');
    time.textContent = e.time;
    line.append(time, e.text);
    list.prepend(line);
    set(one('#latest'), e.text);
    seenEvent = e.n;
  }
  while (list.children.length > 8) list.lastChild.remove();
}

async function refresh() {
  try {
    const answer = await fetch(`state?samples=${seenSample}&events=${seenEvent}`);
    if (!answer.ok) throw new Error(answer.statusText);
    const state = await answer.json();
    samples.push(...state.samples);
    samples.splice(0, Math.max(0, samples.length - shown));
    if (state.samples.length > 0) {
      seenSample = state.samples.at(-1).n;
      Object.keys(charts).forEach(draw);
      tell(state);
    }
    log(state.events);
    one('#lost').hidden = true;
  } catch {
    one('#lost').hidden = false;
  }
  setTimeout(refresh, 500);
}

let acting = false;

async function act(action, to) {
  if (acting) return;
  acting = true;
  const buttons = all('button, select');
  buttons.forEach(b => b.setAttribute('aria-disabled', 'true'));
  try {
    const answer = await fetch(`do/${action}`, { method: 'POST', body: new URLSearchParams({ to }) });
    set(one('#latest'), answer.ok ? await answer.json() : `That did not work: ${await answer.text()}`);
  } catch {
    one('#lost').hidden = false;
  }
  buttons.forEach(b => b.removeAttribute('aria-disabled'));
  acting = false;
}

for (const button of all('[data-do]')) {
  button.addEventListener('click', () => act(button.dataset.do, button.dataset.to ?? ''));
}
one('#rate').addEventListener('change', event => act('rate', event.target.value));
refresh();
