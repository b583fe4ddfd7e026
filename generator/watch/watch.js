"use strict";
// Asks for the state each second and writes it into the page. Texts are data: they become text, never HTML.

const SECOND = 1000;
// Figures of so few seconds ago need no word about a database that is being written.
const FRESH = 5;
const at = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// --- How figures are written.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const count = (number) => (number === null ? "–" : whole.format(number));
const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 1)}%`);
const rate = (number) => (number > 0 && number < 10 ? number.toFixed(1) : count(number));
const moneyOf = (amount, currency) => (amount === null ? "–" : new Intl.NumberFormat("en", {
  style: "currency", currency: currency ?? "USD", maximumFractionDigits: 0,
}).format(amount));
const moment = (text) => (text ? text.slice(0, 16).replace("T", " ") : "–");
const clock = (text) => (text ? text.slice(0, 19).replace("T", " ") : "–");
function seconds(number) {
  if (number === null) return "–";
  if (number < 10) return `${Math.max(number, 0).toFixed(1)} s`;
  if (number < 120) return `${whole.format(number)} s`;
  if (number < 7200) return `${whole.format(number / 60)} min`;
  return number < 172800 ? `${whole.format(number / 3600)} h` : `${whole.format(number / 86400)} days`;
}

// --- What state the stream is in.

/** Seconds of the wall clock in which a stream of this speed sends a slice, with room. */
const patience = (speed) => Math.max(15, speed > 0 ? (3 * 60) / speed : 15);

function stateOf(data) {
  if (!data) return ["gone", "The program behind this page does not answer: has the command watch ended? The figures are its last ones."];
  const isFresh = data.age_seconds !== null && data.age_seconds < FRESH;
  if (data.waiting_for && !isFresh) return ["waiting", `Waiting. ${data.waiting_for}`];
  const { stream } = data;
  if (!stream) return ["waiting", "Waiting. No stream has written to this database yet."];
  if (stream.is_finished) return ["finished", "The stream is at its end: every slice has been sent."];
  if (stream.seconds_since_sent > patience(Number(stream.speed))) {
    return ["quiet", "The stream is quiet: it sends nothing. Has the command live ended? Started again, it resumes."];
  }
  return ["running", "The stream runs."];
}

// --- Writing into the page. What has not changed is left alone, for the sake of screen readers.

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Rows of a table by their keys: known rows are kept, so that neither focus nor place is lost. */
function writeRows(body, rows, cellsOf) {
  const before = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const now = rows.map(([key, item]) => {
    const row = before.get(key) ?? newRow(body, key);
    cellsOf(item).forEach((cell, i) => writeCell(row.children[i], cell));
    return row;
  });
  if (now.length !== body.children.length || now.some((row, i) => row !== body.children[i])) body.replaceChildren(...now);
}

function newRow(body, key) {
  const row = document.createElement("tr");
  row.setAttribute("role", "row");
  row.dataset.key = key;
  const heads = body.parentElement.querySelectorAll("thead th");
  heads.forEach((head, i) => {
    const cell = document.createElement(i ? "td" : "th");
    cell.setAttribute("role", i ? "cell" : "rowheader");
    if (!i) cell.scope = "row";
    cell.dataset.label = head.textContent;
    if (head.classList.contains("number")) cell.className = "number";
    cell.append(document.createElement("span"));
    cell.firstElementChild.append(document.createElement("span"));
    row.append(cell);
  });
  return row;
}

/** A cell is a text, or { text, small, badge, bar }. */
function writeCell(cell, content) {
  const { text, small, badge, bar } = typeof content === "object" ? content : { text: content };
  const [box] = cell.children;
  const [main, below] = box.children;
  main.className = badge ? `badge ${badge}` : "";
  write(main, text);
  if (small !== undefined) write(below ?? box.appendChild(document.createElement("small")), small);
  if (bar) writeBar(cell, bar);
}

/** Spend in the budget, with a stroke where the plan is. The text beside it says the same. */
function writeBar(cell, { done, plan }) {
  cell.classList.add("spending");
  let box = cell.querySelector(".spend");
  if (!box) {
    box = cell.appendChild(document.createElement("div"));
    box.className = "spend";
    box.setAttribute("aria-hidden", "true");
    const svg = box.appendChild(document.createElementNS(SVG, "svg"));
    for (const name of ["done", "plan"]) svg.appendChild(document.createElementNS(SVG, "rect")).setAttribute("class", name);
  }
  const [spent, mark] = box.querySelectorAll("rect");
  place(spent, { width: `${100 * Math.min(done, 1)}%`, height: 10, rx: 5 });
  place(mark, { x: `${99 * Math.min(plan, 1)}%`, y: -3, width: plan > 0 ? 2 : 0, height: 16 });
}

function place(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** One bar for each value, the oldest first. */
function writeBars(svg, values) {
  const highest = Math.max(...values, 0);
  while (svg.children.length < values.length) svg.appendChild(document.createElementNS(SVG, "rect"));
  values.forEach((value, i) => {
    const height = highest > 0 ? (78 * value) / highest : 0;
    place(svg.children[i], { x: (300 / values.length) * i, width: (300 / values.length) - 1, y: 80 - height, height });
  });
}

// --- The parts of the page.

const SAID = { UNDER: "under", OVER: "over", ON_TRACK: "on plan" };

function campaignCells(row) {
  const money = (amount) => moneyOf(amount, row.currency);
  return [
    { text: row.name, small: row.advertiser ?? "" },
    { text: row.first_day ? `${row.first_day} to ${row.last_day}` : "–", small: row.state },
    {
      text: `${money(row.spend)} of ${money(row.budget)}`,
      bar: { done: row.budget ? row.spend / row.budget : 0, plan: row.budget ? row.plan / row.budget : 0 },
    },
    money(row.plan),
    row.pacing
      ? { text: `${whole.format(row.pacing_pct)}% ${SAID[row.pacing]}`, badge: row.pacing.toLowerCase() }
      : { text: "–", badge: "" },
    { text: count(row.impressions), small: row.goal ? `of ${count(row.goal)}` : "" },
  ];
}

function writeStream(stream) {
  const { event_time, until, events, speed } = stream ?? {};
  write(at("event-time"), moment(event_time));
  write(at("until"), until ? `until ${moment(until)}${Number(speed) > 0 ? `, speed ${count(Number(speed))}` : ""}` : "");
  write(at("events-per-second"), stream ? rate(stream.events_per_second) : "–");
  write(at("events"), stream ? `${count(events)} in all` : "");
  write(at("lag"), stream ? seconds(stream.lag_seconds) : "–");
  write(at("late"), stream ? percent(stream.late_share) : "–");
  write(at("duplicate"), stream ? percent(stream.duplicate_share) : "–");
}

function writeCharts(rates) {
  const perSecond = rates.map((row) => row.events_per_second);
  const lags = rates.map((row) => row.lag_seconds ?? 0);
  const sent = rates.some((row) => row.lag_seconds !== null);
  writeBars(at("rate-chart"), perSecond);
  writeBars(at("lag-chart"), lags);
  write(at("rate-text"), sent ? `At most ${rate(Math.max(...perSecond))} in five seconds' mean.` : "Nothing was sent.");
  write(at("lag-text"), sent ? `At most ${seconds(Math.max(...lags))}.` : "Nothing was sent.");
}

function writeNote({ campaigns, campaigns_in_all: all, delivered_until: until }) {
  const curve = campaigns.length && campaigns.every((row) => row.is_curve)
    ? "the pacing curve that dbt has built" : "the budget spread evenly over the flight, until dbt has built the pacing curve";
  const shown = campaigns.length < all ? ` ${count(campaigns.length)} of ${count(all)} campaigns are shown.` : "";
  write(at("plan-note"), until ? `Delivered by ${moment(until)}, the last hour that has closed. The plan is ${curve}.${shown}` : "");
}

const numbered = (rows, keys) => rows.map((row, i) => [`${keys.map((key) => row[key])} ${i}`, row]);

function show(data) {
  write(at("database"), data.database);
  document.title = `Live delivery · ${data.database}`;
  if (data.age_seconds === null) return;
  writeStream(data.stream);
  writeNote(data);
  writeRows(at("campaign-rows"), data.campaigns.map((row) => [String(row.id), row]), campaignCells);
  writeCharts(data.rates);
  writeRows(at("error-rows"), numbered(data.errors, ["at"]), (row) => [clock(row.at), row.target ?? "", row.sentence]);
  writeRows(at("ad-error-rows"), numbered(data.ad_errors, ["at"]), (row) => [
    clock(row.at), { text: row.campaign ?? "–", small: row.device }, String(row.vast_error_code),
  ]);
}

// --- Asking.

let heard = null;

function writeStatus(data) {
  const [state, sentence] = stateOf(data);
  at("status").dataset.state = state;
  write(at("status"), sentence);
  const age = heard && heard.data.age_seconds !== null
    ? heard.data.age_seconds + (performance.now() - heard.at) / SECOND : null;
  const isOld = age !== null && (state === "waiting" || state === "gone");
  const sent = data?.stream && state === "quiet" ? `Last slice ${seconds(data.stream.seconds_since_sent)} ago.` : "";
  write(at("age"), isOld ? `The figures are ${seconds(age)} old.` : sent);
  document.documentElement.dataset.state = state;
}

async function ask() {
  if (document.hidden) return;
  const data = await fetch("/state", { signal: AbortSignal.timeout(30 * SECOND) })
    .then((answer) => (answer.ok ? answer.json() : null))
    .catch(() => null);
  if (data) {
    heard = { data, at: performance.now() };
    show(data);
  }
  writeStatus(data);
}

function follow() {
  ask().finally(() => setTimeout(follow, SECOND));
}

document.addEventListener("visibilitychange", ask);
follow();
