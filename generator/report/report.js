// The page: filters and their address, tiles, cards with charts, tables and downloads.

let choice = choiceOf(location.hash);
const at = (id) => document.getElementById(id);

/** An element with text; names are set as text and never read as HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Change the choice through the address, which draws it. */
function choose(changes) {
  const hash = hashOf(choiceOf(hashOf({ ...choice, ...changes }))) || "#";
  if (hash === (location.hash || "#")) render();
  else location.hash = hash;
}

// --- Filters.

function options(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, label]) => {
    const option = element("option", { value }, label);
    option.selected = value === chosen;
    return option;
  }));
}

function filters() {
  const named = tables.campaigns.filter((row) => row.campaign > 0);
  const advertisers = [...new Set(named.map((row) => row.advertiser))].sort();
  options(at("advertiser"), [["", "All advertisers"], ...advertisers.map((name) => [name, name])], choice.advertiser);
  const offered = named.filter((row) => !choice.advertiser || row.advertiser === choice.advertiser);
  options(at("campaign"), [["", "All campaigns"], ...offered.map((row) => [String(row.campaign), row.name])], choice.campaign);
  const found = Object.entries(DEVICES).filter(([device]) => tables.facts.some((row) => row.device === device));
  options(at("device"), [["", "All devices"], ...found], choice.device);
  for (const end of ["from", "to"]) Object.assign(at(end), { min: FIRST, max: LAST, value: choice[end] });
  const active = Object.keys(EVERYTHING).filter((name) => name !== "page" && choice[name] !== EVERYTHING[name]).length;
  at("active").textContent = active ? ` · ${active} on` : "";
  at("reset").disabled = !active;
}

// --- Tables and downloads: the rows of a chart, as text and as a file.

function table(columns, rows) {
  const body = rows.map((row) => element("tr", { role: "row" }, ...columns.map(([field, label, kind]) =>
    element("td", { role: "cell", "data-label": label, class: kind === "text" ? "" : kind === "day" ? "day" : "number" },
      element("span", {}, WRITTEN[kind](row[field], row))))));
  const head = columns.map(([, label, kind]) =>
    element("th", { scope: "col", role: "columnheader", class: ["text", "day"].includes(kind) ? "" : "number" }, label));
  return element("table", { class: "stack", role: "table" },
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...head)),
    element("tbody", { role: "rowgroup" }, ...body));
}

/** The rows as CSV. Text that a spreadsheet would read as a formula gets an apostrophe. */
function csv(columns, rows) {
  const cell = (value) => {
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.map(([, label]) => label), ...rows.map((row) => columns.map(([field]) => row[field]))];
  return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

// --- Cards.

// Why a chart does not follow a filter.
const IGNORED = {
  days: "The days do not apply: this is of the whole log.",
  device: "The device filter does not apply: this is only known for all devices together.",
  campaign: "The campaign filter does not apply: this is of whole countries.",
  advertiser: "The advertiser filter does not apply: this is of whole countries.",
};

function card({ id, title, text, wide }) {
  const made = element("figure", { class: wide ? "card wide" : "card", id: `chart-${id}` },
    element("figcaption", {}, element("h3", {}, title), element("p", {}, text),
      element("p", { class: "ignores", hidden: "" })),
    element("div", { class: "chart", role: "img", "aria-label": `${title}. ${text} The table below has the figures.` }),
    element("ol", { class: "numbered", hidden: "", "aria-label": "What happened, by the numbers of the marks" }),
    element("div", { class: "below" },
      element("details", {}, element("summary", {}, "Figures as a table"),
        element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, figures` })),
      element("button", { type: "button", class: "csv", "aria-label": `Download the figures of “${title}” as CSV` }, "CSV")));
  const chart = CHARTS.find((each) => each.id === id);
  made.querySelector("details").addEventListener("toggle", () => fill(chart));
  made.querySelector(".csv").addEventListener("click", () => download(`${id}.csv`, csv(chart.columns, chart.rows(choice))));
  return made;
}

function fill(chart) {
  const details = document.querySelector(`#chart-${chart.id} details`);
  details.querySelector(".scroll").replaceChildren(details.open ? table(chart.columns, chart.rows(choice)) : "");
}

/** The list of the numbered marks of a chart. Pointing at one, or focusing it, makes its mark bolder. */
function listMarks(figure, marks) {
  const list = figure.querySelector(".numbered");
  list.hidden = !marks.length;
  list.replaceChildren(...marks.map((row, i) => {
    const made = element("button", { type: "button" },
      element("span", { class: `sign ${row.kind}`, "aria-hidden": "true" }, String(i + 1)),
      element("span", {}, element("strong", {}, row.what), row.detail ? ` ${row.detail}` : "",
        element("small", {}, [row.from, row.reason && `reason: ${row.reason.toLowerCase()}`].filter(Boolean).join(" · "))));
    const point = (number) => () => figure.querySelector(".chart").view?.signal("pointed", number).run();
    for (const name of ["focus", "pointerenter", "click"]) made.addEventListener(name, point(i + 1));
    for (const name of ["blur", "pointerleave"]) made.addEventListener(name, point(0));
    return element("li", {}, made);
  }));
}

async function draw(chart) {
  const figure = at(`chart-${chart.id}`);
  const place = figure.querySelector(".chart");
  const isOn = { ...choice, days: choice.from !== FIRST || choice.to !== LAST };
  const ignored = (chart.ignores ?? []).filter((name) => isOn[name]);
  figure.querySelector(".ignores").textContent = ignored.map((name) => IGNORED[name]).join(" ");
  figure.querySelector(".ignores").hidden = !ignored.length;
  const rows = chart.rows(choice);
  const marks = rows.length ? chart.marks?.(choice) ?? [] : [];
  listMarks(figure, marks);
  place.view?.finalize();
  place.view = undefined;
  if (!rows.length) {
    place.replaceChildren(element("p", { class: "empty" }, "Nothing was delivered in this selection."));
    return;
  }
  const width = Math.max(place.clientWidth, 240);
  const spec = chart.spec(rows, width, marks);
  const parts = spec.vconcat ?? [spec];
  const single = !spec.facet && !spec.hconcat && !spec.autosize;
  if (single) {
    for (const part of parts) part.width = spec.vconcat ? width - 70 : width;
    if (!spec.vconcat) spec.autosize = { type: "fit-x", contains: "padding" };
  }
  const legend = { ...CONFIG.legend, columns: width < 480 ? 2 : 0 };
  const dates = chart.columns.filter(([, , kind]) => kind === "day").map(([field]) => field);
  const values = rows.map((row) => ({ ...row, ...Object.fromEntries(dates.map((field) => [field, Date.parse(row[field])])) }));
  const drawn = await vegaEmbed(place, { ...spec, data: { values } }, {
    actions: false, renderer: "svg", config: { ...CONFIG, legend }, tooltip: { theme: "custom" },
    expressionFunctions: FORMATS,
  });
  place.view = drawn.view;
}

// --- Tiles, the story, campaigns.

/** What campaigns count as conversions, with their cost and return; none where none is counted. */
function conversionTiles() {
  const rows = tables.conversions.filter(inCampaigns(choice)).filter(inDays(choice)).filter(onDevice(choice));
  const conversions = total(rows, "conversions");
  if (!conversions) return [];
  const found = [["Conversions", short(conversions), `${percent(total(rows, "post_view") / conversions)} after a view`]];
  const used = new Set(rows.map((row) => campaigns.get(row.campaign).currency));
  if (used.size > 1) return found;
  const [currency] = used;
  const [spend, value] = [total(rows, "spend"), total(rows, "value")];
  if (spend) found.push(["Cost per conversion", amount(spend / conversions, currency), "of campaigns that count them"]);
  if (spend && value) found.push(["ROAS", figure(value / spend), "value by last touch per spend"]);
  return found;
}

function tiles() {
  const rows = facts(choice);
  const impressions = total(rows, "impressions");
  const found = [["Impressions", short(impressions), count(impressions)]];
  const spent = currencies(choice, 99).map((currency) => {
    const own = rows.filter((row) => campaigns.get(row.campaign).currency === currency);
    return { currency, spend: total(own, "spend"), impressions: total(own, "impressions") };
  });
  for (const { currency, spend } of spent.slice(0, 2)) {
    const budget = tables.campaigns.filter(inCampaigns(choice)).filter((row) => row.currency === currency).reduce((sum, row) => sum + (row.budget ?? 0), 0);
    found.push([`Spend`, money(spend, currency), budget ? `${percent(spend / budget)} of budgets` : currency]);
  }
  if (spent.length === 1 && spent[0].impressions) found.push(["Price per 1,000", amount((1000 * spent[0].spend) / spent[0].impressions, spent[0].currency), "impressions"]);
  if (spent.length > 2) found.push(["Currencies", count(spent.length), "never added together"]);
  found.push(
    ["Completion", percent(ratio(total(rows, "video_q100"), total(rows, "video_starts"))), "of video starts"],
    ["Click-through", percent(ratio(total(rows, "clicks"), impressions)), "of impressions"],
    ["Viewability", percent(ratio(total(rows, "viewable"), total(rows, "measurable"))), "of measurable ads"],
  );
  found.push(...conversionTiles());
  const [reached] = choice.campaign ? latest(tables.reach, choice) : [];
  if (reached) found.push(["Reach", short(reached.reach), `households, ${figure(reached.impressions / reached.reach)}× each`]);
  at("tiles").replaceChildren(...found.map(([label, value, note]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, value), element("dd", {}, note))));
}

function tell() {
  const findings = story(choice).map(({ heading, text, campaign, device }) => {
    const narrower = campaign ? { campaign: String(campaign) } : device ? { device } : {};
    const shown = Object.entries(narrower).every(([name, value]) => choice[name] === value);
    const link = shown ? null : element("a", { href: hashOf({ ...choice, ...narrower }) }, "Show it");
    return element("li", {}, element("strong", {}, heading), element("span", {}, text, " ", link ?? ""));
  });
  at("story").querySelector("ul").replaceChildren(
    ...(findings.length ? findings : [element("li", { class: "muted" }, "Nothing: every campaign is near its plan, and no creative or device differs much.")]));
}

const STATES = { UNDER: "▼ behind", ON_TRACK: "✓ on plan", OVER: "▲ ahead" };

function campaignRows() {
  const last = new Map(latest(tables.pacing, choice).map((row) => [row.campaign, row]));
  const seen = new Map(sums(facts(choice), ({ campaign }) => ({ campaign })).map((row) => [row.campaign, row.sum]));
  return tables.campaigns.filter(inCampaigns(choice)).filter((row) => row.campaign > 0 && seen.has(row.campaign)).map((row) => {
    const pace = last.get(row.campaign);
    const ofGoal = (part) => pace?.[part] ?? null;
    const spent = pace ? total(tables.pacing.filter((each) => each.campaign === row.campaign && each.day <= pace.day), "spent") : null;
    return {
      ...row, impressions: seen.get(row.campaign).impressions, spent, of_budget: ratio(spent, row.budget),
      delivered: ofGoal("delivered"), billed: ofGoal("billed"), index: pace?.index ?? null, state: STATES[pace?.status] ?? "–",
    };
  });
}

const CAMPAIGNS = {
  id: "campaigns", section: "Spend and pacing", wide: true, ignores: [],
  title: "Campaigns: budget and pacing",
  text: "Spent of the whole budget up to the end of the selection, and the pacing on its last day. A guarantee has a goal: what was delivered of it, and what of that is billed. Impressions are those of the selection.",
  columns: [
    ["name", "Campaign", "text"], ["advertiser", "Advertiser", "text"], ["buy_type", "Bought as", "text"], ["first_day", "First day", "day"], ["last_day", "Last day", "day"],
    ["impressions", "Impressions", "count"], ["budget", "Budget", "money"], ["spent", "Spent", "money"], ["of_budget", "Of budget", "percent"], ["delivered", "Goal delivered", "percent"], ["billed", "Goal billed", "percent"], ["index", "Pacing index", "index"], ["state", "State", "text"],
  ],
  rows: campaignRows,
};

const CHANGES = {
  id: "changes", section: "What happened", wide: true,
  title: "Changes of campaigns",
  text: "What people changed after a campaign was booked, as its log says. A budget holds from the next UTC day on, anything else from the next full hour.",
  columns: [["from", "When", "text"], ["name", "Campaign", "text"], ["what", "What", "text"], ["detail", "Values", "text"], ["reason", "Reason", "text"]],
  rows: () => happened(choice).filter((row) => row.kind === "change"),
};
const INCIDENTS = {
  id: "incidents", section: "What happened", wide: true,
  title: "Incidents",
  text: "What went wrong, and when, as the log of the data says; the campaigns and hourly rows are those of the selection.",
  columns: [
    ["from", "From", "text"], ["to", "Until", "text"], ["what", "What", "text"], ["subject", "Where", "text"], ["origin", "Origin", "text"],
    ["campaigns", "Campaigns", "count"], ["touched", "Rows touched", "count"],
  ],
  rows: () => {
    const found = incidentsOf(choice);
    return [...new Set(found.map((row) => row.incident))].map((incident) => {
      const rows = found.filter((row) => row.incident === incident);
      const [first, last] = [rows.reduce((a, b) => (b.start < a.start ? b : a)), rows.reduce((a, b) => (b.end > a.end ? b : a))];
      return { ...first, to: last.to, campaigns: total(rows, "campaigns"), touched: total(rows, "touched") };
    }).sort(by("start"));
  },
};
const named = (row) => ({ ...row, name: campaigns.get(row.campaign).name, currency: campaigns.get(row.campaign).currency });
const ATTRIBUTION = {
  id: "attribution", section: "What ads cause", wide: true, ignores: ["device", "days"],
  title: "Attribution: seven methods and the truth",
  text: "Conversions of the households in the log that each method gives a campaign, and those that it causes. Most of what follows an ad would have come without it. Real data does not have the last column.",
  columns: [
    ["name", "Campaign", "text"], ["type", "Type", "text"], ["spend", "Spend in the log", "money"],
    ["last_touch", "Last touch", "count"], ["first_touch", "First touch", "count"], ["linear", "Linear", "count"], ["time_decay", "Time decay", "count"],
    ["position", "Position", "count"], ["markov", "Markov", "count"], ["shapley", "Shapley", "count"], ["truth", "Caused", "count"],
  ],
  rows: () => tables.attribution.filter(inCampaigns(choice)).map(named),
};
const LIFT = {
  id: "lift", section: "What ads cause", wide: true, ignores: ["device", "days"],
  title: "Lift: experiments and the truth",
  text: "What reached households do more, with a 95% interval: by comparing them with unreached ones (naive), and by experiments with held-out households.",
  columns: [
    ["name", "Campaign", "text"], ["type", "Type", "text"], ["method", "Method", "text"], ["lift", "Lift", "percent"], ["low", "From", "percent"], ["high", "To", "percent"],
    ["found", "Conversions found", "count"], ["truth", "Caused", "count"], ["covers", "Interval covers it", "text"],
  ],
  rows: () => tables.lift.filter(inCampaigns(choice)).map(named),
};
// Cards with a table and no chart. Data in which nothing happened have no card for that.
const LISTS = [CAMPAIGNS, ...[CHANGES, INCIDENTS, ATTRIBUTION, LIFT].filter(({ id }) => tables[id].length)];

function fillList({ id, columns, rows }) {
  const found = rows();
  const made = table(columns, found);
  for (const cell of made.querySelectorAll('[data-label="State"]')) {
    if (/[▼▲]/.test(cell.textContent)) cell.classList.add("off");
  }
  at(`${id}-list`).replaceChildren(found.length ? made : element("p", { class: "muted" }, "Nothing in this selection."));
}

// --- The whole page.

function listCard({ id, title, text, columns, rows }) {
  const made = element("figure", { class: "card wide", id: `${id}-card` },
    element("figcaption", {}, element("h3", {}, title), element("p", {}, text)),
    element("div", { class: "scroll", id: `${id}-list`, tabindex: "0", role: "region", "aria-label": title }),
    element("div", { class: "below" }, element("button", { type: "button", class: "csv", "aria-label": `Download “${title}” as CSV` }, "CSV")));
  made.querySelector(".csv").addEventListener("click", () => download(`${id}.csv`, csv(columns, rows())));
  return made;
}

function build() {
  const sections = [...new Set(CHARTS.map((chart) => chart.section))];
  const further = [...new Set(LISTS.map((list) => list.section))].filter((section) => !sections.includes(section));
  sections.splice(sections.indexOf(CAMPAIGNS.section) + 1, 0, ...further);
  for (const section of sections) {
    const cards = CHARTS.filter((chart) => chart.section === section).map(card);
    for (const list of LISTS.filter((one) => one.section === section)) {
      cards.push(listCard(list));
    }
    const id = section.toLowerCase().replaceAll(" ", "-");
    const link = element("a", { href: `#section-${id}` }, section);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      at(`section-${id}`).scrollIntoView();
    });
    at("sections").append(link);
    at("charts").append(element("section", { id: `section-${id}`, "aria-labelledby": `${id}-title` },
      element("h2", { id: `${id}-title` }, section), element("div", { class: "cards" }, ...cards)));
  }
}

let drawing = 0;

async function render() {
  const turn = ++drawing;
  filters();
  for (const page of document.querySelectorAll(".page")) page.hidden = page.id !== choice.page;
  for (const link of document.querySelectorAll(".pages a")) {
    const here = link.hash === `#${choice.page}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  at("sections").hidden = choice.page !== "delivery";
  at("filters").hidden = choice.page !== "delivery";
  if (choice.page === "delivery") {
    tiles();
    tell();
    LISTS.forEach(fillList);
    CHARTS.forEach(fill);
    for (const chart of CHARTS) {
      await draw(chart);
      if (turn !== drawing) return;
    }
  }
  document.documentElement.dataset.ready = hashOf(choice) || "#";
}

build();
for (const name of ["campaign", "advertiser", "device", "from", "to"]) {
  at(name).addEventListener("change", (event) => choose({ [name]: event.target.value || EVERYTHING[name] }));
}
document.querySelector("#filters form").addEventListener("reset", (event) => {
  event.preventDefault();
  choose({ ...EVERYTHING, page: choice.page });
});
for (const link of document.querySelectorAll(".pages a, .lead a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    choose({ page: link.hash.slice(1) });
    window.scrollTo(0, 0);
  });
}
window.addEventListener("hashchange", () => {
  choice = choiceOf(location.hash);
  render();
});

const themes = ["system", "light", "dark"];
at("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme || "system";
  const next = themes[(themes.indexOf(now) + 1) % themes.length];
  document.documentElement.dataset.theme = next;
  at("theme").textContent = `Theme: ${next}`;
});

let width = window.innerWidth;
let waiting;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(render, 150);
});
if (width < 640) at("filters").open = false;
window.report = {
  csv, wilson,
  rows: (id, changes) => CHARTS.find((chart) => chart.id === id).rows({ ...EVERYTHING, ...changes }),
};
render();
