// The data, what is chosen of it, and how figures are written. Nothing here touches the page.

const data = JSON.parse(document.getElementById("data").textContent);
const { days, first_day: FIRST, last_day: LAST, tolerance, devices: DEVICES } = data;
const tables = Object.fromEntries(
  Object.entries(data.tables).map(([name, { fields, rows }]) => [
    name,
    rows.map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]]))),
  ]),
);
const campaigns = new Map(tables.campaigns.map((row) => [row.campaign, row]));
const creatives = new Map(tables.creatives.map((row) => [row.creative, row]));
const [HOUR, DAY] = [3_600_000, 86_400_000];
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

// --- What is chosen: it is in the address, and nowhere else.

const EVERYTHING = {
  page: "delivery", campaign: "", advertiser: "", device: "", from: FIRST, to: LAST,
};

/** The choice that an address has. What this report does not have is left out. */
function choiceOf(hash) {
  const said = new URLSearchParams(hash.slice(1));
  const choice = { ...EVERYTHING };
  for (const name of Object.keys(choice)) choice[name] = said.get(name) ?? choice[name];
  if (document.querySelector(`.page[id="${CSS.escape(hash.slice(1))}"]`)) choice.page = hash.slice(1);
  if (!document.querySelector(`.page[id="${CSS.escape(choice.page)}"]`)) choice.page = EVERYTHING.page;
  const campaign = choice.campaign && campaigns.get(Number(choice.campaign));
  if (!campaign || campaign.campaign < 0) choice.campaign = "";
  if (!tables.campaigns.some((row) => row.advertiser === choice.advertiser)) choice.advertiser = "";
  if (choice.campaign && choice.advertiser && campaign.advertiser !== choice.advertiser) {
    choice.campaign = "";
  }
  if (!(choice.device in DEVICES)) choice.device = "";
  for (const end of ["from", "to"]) {
    if (!/^\d{4}-\d\d-\d\d$/.test(choice[end])) choice[end] = EVERYTHING[end];
    if (choice[end] < FIRST) choice[end] = FIRST;
    if (choice[end] > LAST) choice[end] = LAST;
  }
  if (choice.from > choice.to) choice.to = choice.from;
  return choice;
}

/** The address of a choice. */
function hashOf(choice) {
  const said = Object.entries(choice).filter(([name, value]) => value !== EVERYTHING[name]);
  return said.length ? `#${new URLSearchParams(said)}` : "";
}

const inCampaigns = (choice) => ({ campaign }) => {
  if (choice.campaign) return campaign === Number(choice.campaign);
  return !choice.advertiser || campaigns.get(campaign)?.advertiser === choice.advertiser;
};
/** Local time starts before and ends after the UTC days: at the ends of the data they count, too. */
const isChosen = (date, choice) =>
  (date >= choice.from || choice.from === FIRST) && (date <= choice.to || choice.to === LAST);
const inDays = (choice) => ({ day }) => isChosen(days[day], choice);
const onDevice = (choice) => ({ device }) => !choice.device || device === choice.device;

/** Rows of campaigns and devices by day. */
function facts(choice) {
  return tables.facts.filter(inCampaigns(choice)).filter(inDays(choice)).filter(onDevice(choice));
}

/** The impressions of a series on the days that are chosen. */
function seriesTotal(row, choice) {
  return row.impressions.reduce((sum, seen, i) => (isChosen(days[row.first_day + i], choice) ? sum + seen : sum), 0);
}

/** Rows grouped by what `key` returns, each group with the sums of all its numbers. */
function sums(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const fields = key(row);
    const name = JSON.stringify(fields);
    if (!groups.has(name)) groups.set(name, { ...fields, sum: {} });
    const { sum } = groups.get(name);
    for (const [field, value] of Object.entries(row)) {
      if (typeof value === "number") sum[field] = (sum[field] || 0) + value;
    }
  }
  return [...groups.values()];
}

const ratio = (part, whole) => (whole ? part / whole : null);
const total = (rows, field) => rows.reduce((sum, row) => sum + row[field], 0);
const by = (field, sign = 1) => (a, b) => sign * (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0);

/** The currencies of a choice, largest first: at most `most` of them. */
function currencies(choice, most = 3) {
  const rows = sums(facts(choice), (row) => ({ currency: campaigns.get(row.campaign).currency }));
  rows.sort((a, b) => b.sum.impressions - a.sum.impressions);
  return rows.slice(0, most).map((row) => row.currency);
}

/** The last row of each campaign's `rows` up to the end of the choice. */
function latest(rows, choice) {
  const last = new Map();
  for (const row of rows.filter(inCampaigns(choice))) {
    if (days[row.day] <= choice.to) last.set(row.campaign, row);
  }
  return [...last.values()].filter((row) => row.campaign > 0);
}

/** What happened to the campaigns of a choice, in order of time. A moment is Unix time in milliseconds. */
function happened(choice) {
  const changes = tables.changes.filter(inCampaigns(choice)).filter((row) => isChosen(row.at.slice(0, 10), choice))
    .map((row) => {
      const { name, currency } = campaigns.get(row.campaign);
      const members = row.members > 1 ? `${row.members} line items` : null;
      const values = row.before !== null && row.after !== null ? `${amount(row.before, currency)} → ${amount(row.after, currency)}` : null;
      return {
        ...row, name, kind: "change", from: moment(row.at), until: null, start: Date.parse(`${row.at}Z`), end: null,
        detail: [values, members].filter(Boolean).join(", ") || null,
      };
    });
  const incidents = incidentsOf(choice).filter((row) => row.campaign > 0)
    .map((row) => ({ ...row, name: campaigns.get(row.campaign).name, reason: row.on_purpose ? "put in on purpose" : null }));
  return [...changes, ...incidents].sort(by("start"));
}
/** What went wrong, or was put in on purpose, for the campaigns of a choice. */
function incidentsOf(choice) {
  return tables.incidents.filter(inCampaigns(choice)).filter((row) => isChosen(row.at.slice(0, 10), choice))
    .map((row) => {
      const [start, end] = [row.at, row.until].map((at) => Date.parse(`${at}Z`));
      const hours = `${count((end - start) / HOUR)} h`;
      return {
        ...row, kind: "incident", start, end, from: moment(row.at), to: moment(row.until),
        origin: row.on_purpose ? "Put in on purpose" : "Incident", detail: row.subject ? `${row.subject}, ${hours}` : hours,
      };
    });
}
/** What happened, in a few words. */
const inWords = ({ what, detail }) => (detail ? `${what}, ${detail}` : what);

/** The elasticity of price on fill: the slope of their logarithms around the means of each month. */
function elasticity(rows) {
  let [both, squared] = [0, 0];
  for (const month of new Set(rows.map((row) => row.day.slice(0, 7)))) {
    const own = rows.filter((row) => row.day.startsWith(month)).map((row) => [Math.log(row.booked), Math.log(row.price)]);
    const [fill, price] = [0, 1].map((axis) => own.reduce((sum, pair) => sum + pair[axis], 0) / own.length);
    for (const [x, y] of own) {
      both += (x - fill) * (y - price);
      squared += (x - fill) ** 2;
    }
  }
  return squared ? both / squared : null;
}

/** The 95 % confidence interval of a rate (Wilson 1927). `trials` is at least 1. */
function wilson(successes, trials) {
  const square = 1.959964 ** 2;
  const rate = successes / trials;
  const centre = (rate + square / (2 * trials)) / (1 + square / trials);
  const spread = (rate * (1 - rate)) / trials + square / (4 * trials ** 2);
  const half = (Math.sqrt(square) * Math.sqrt(spread)) / (1 + square / trials);
  return [Math.max(centre - half, 0), Math.min(centre + half, 1)];
}

// --- How figures are written: the same in tiles, tables, axes and sentences.

const notation = (options) => {
  const format = new Intl.NumberFormat("en-US", options);
  return (value) => (value === null || value === undefined ? "–" : format.format(value));
};
const count = notation({ maximumFractionDigits: 0 });
const figure = notation({ maximumSignificantDigits: 3 });
const index = notation({ maximumFractionDigits: 1 });
const short = notation({ notation: "compact", maximumSignificantDigits: 3 });
const percent = notation({ style: "percent", maximumSignificantDigits: 3 });
/** An amount: compact from a thousand on, with cents where they say something. */
const money = (value, currency) => notation({
  style: "currency", currency,
  ...(Math.abs(value) >= 1000 ? { notation: "compact", maximumSignificantDigits: 3 } : { trailingZeroDisplay: "stripIfInteger" }),
})(value);
/** An amount with all its digits; cents below a thousand. */
const amount = (value, currency) => notation({
  style: "currency", currency, ...(Math.abs(value) >= 1000 && { maximumFractionDigits: 0 }),
})(value);
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const day = (iso) => `${Number(iso.slice(8))} ${MONTHS[iso.slice(5, 7) - 1]} ${iso.slice(0, 4)}`;
const moment = (iso) => `${day(iso.slice(0, 10))}, ${iso.slice(11, 16)} UTC`;
const WRITTEN = {
  text: (value) => value ?? "–", day, count, figure, index, percent, money: (value, row) => amount(value, row.currency),
};
