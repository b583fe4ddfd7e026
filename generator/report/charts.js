// Every chart: what it says, its rows, the columns of its table, and how Vega-Lite draws it.
// Colours are names that report.css defines, once for light and once for dark: one name, one meaning.

const COLOURS = {
  device: Object.fromEntries(Object.keys(DEVICES).map((name) => [DEVICES[name], `var(--${name.toLowerCase()})`])),
  series: { Delivered: "var(--delivered)", Planned: "var(--planned)" },
  delivered: "var(--delivered)",
  off: "var(--off)",
  change: "var(--change)",
  incident: "var(--incident)",
  steps: [1, 2, 3, 4, 5, 6, 7].map((step) => `var(--step-${step})`),
  times: Object.fromEntries(["1", "2", "3–4", "5–9", "10+"].map((times, i) => [times, `var(--times-${i + 1})`])),
};
const CONFIG = {
  background: null,
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "currentColor", titleColor: "currentColor", gridColor: "currentColor",
    gridOpacity: 0.12, domain: false, ticks: false, labelFontSize: 12, titleFontSize: 12,
    titleFontWeight: "normal", titleOpacity: 0.75, labelPadding: 6, titlePadding: 10, tickCount: 5,
  },
  legend: {
    orient: "top", title: null, labelColor: "currentColor", titleColor: "currentColor",
    titleFontWeight: "normal", titleFontSize: 12, labelFontSize: 12, symbolStrokeWidth: 3, labelLimit: 200,
  },
  header: {
    labelColor: "currentColor", labelFontSize: 12, labelFontWeight: 600, title: null,
    labelOrient: "top", labelAnchor: "start", labelPadding: 4,
  },
  text: { color: "currentColor", fontSize: 12 },
  line: { strokeWidth: 2.25 },
  aria: false,
  customFormatTypes: true,
};
// How axes and tips write figures: as everything else does.
const FORMATS = { count, figure, index, short, percent, money };

// --- Pieces of Vega-Lite that charts share.

const number = (field, formatType, more = {}) => {
  const { axis, title = null, format = "", ...rest } = more;
  return {
    field, type: "quantitative", title, ...rest,
    axis: axis === null ? null : { format, formatType, ...axis },
  };
};
const time = (field, more = {}) => ({
  field, type: "temporal", title: null, scale: { type: "utc" },
  axis: { format: "%-d %b", formatType: "utcFormat", labelFlush: true, labelOverlap: true, tickCount: 6, grid: false }, ...more,
});
/** What a tip says: [field, title, how it is written, its currency]. */
const tip = (...fields) => fields.map(([field, title, formatType, format = ""]) => ({
  field, title,
  ...(formatType === "text" ? { type: "nominal" }
    : formatType === "day" ? { type: "temporal", format: "%-d %b %Y", formatType: "utcFormat" }
      : { type: "quantitative", formatType, format }),
}));
/** A colour for each of the names that the rows have, and for no others. */
const coloured = (field, colours, rows) => {
  const names = Object.keys(colours).filter((name) => rows.some((row) => row[field] === name));
  return { field, type: "nominal", scale: { domain: names, range: names.map((name) => colours[name]) } };
};
/** The same chart for each currency, one below the other, each with its own scale. */
function perCurrency(rows, height, chart) {
  const found = [...new Set(rows.map((row) => row.currency))];
  return {
    spacing: 24,
    vconcat: found.map((currency) => ({
      transform: [{ filter: { field: "currency", equal: currency } }],
      ...(found.length > 1 && { title: { text: currency, anchor: "start", color: "currentColor", fontSize: 12 } }),
      height: found.length > 1 ? 130 : height,
      ...chart(currency),
    })),
  };
}
/** The last row of each line, with the side on which its name fits without covering another's, if any. */
function labelled(lines, x, y, width, height) {
  const [right, top] = [x, y].map((field) => Math.max(...lines.map((row) => row[field])));
  const placed = [];
  return lines.map((row) => {
    const wide = row.name.length * 6.6 + 8;
    const end = (row[x] / right) * width;
    const below = height * (1 - row[y] / top);
    const places = [{ side: "right", left: end, at: below }, { side: "left", left: end - wide, at: below + 14 }];
    const free = places.find(({ left, at }) => left >= 0 && left + wide <= width
      && placed.every((box) => Math.abs(box.at - at) > 13 || box.left > left + wide || left > box.left + box.wide));
    if (free) placed.push({ ...free, wide });
    return { ...row, side: free?.side ?? (end > width / 2 ? "left" : "right"), always: Boolean(free) };
  });
}
/** Names of rows above their marks: a name has the whole width and is never cut. */
const nameAbove = (field, y, limit = 0) => ({
  mark: { type: "text", align: "left", baseline: "middle", yOffset: -10, limit },
  encoding: { text: { field, type: "nominal" }, y, x: { value: 0 } },
});
const pacingBounds = [60, 140];
/** The rows of days with an empty one in each gap, where lines break. Days are Unix time in milliseconds. */
function withGaps(rows) {
  return rows.flatMap((row, i) => {
    const at = Date.parse(row.day);
    const isGap = i > 0 && at - Date.parse(rows[i - 1].day) > DAY;
    return [...(isGap ? [{ day: at - DAY, spent: null, planned: null }] : []), { ...row, day: at }];
  });
}
/** Marks of what happened: a line at each moment, with the number that the list below the chart gives it. */
function numberedMarks(events, shown, width) {
  if (!events.length) return [];
  // Numbers that would cover one another go one row down.
  const times = [...events.map((row) => row.start), ...shown.map((row) => Date.parse(row.day))];
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const rows = [];
  const values = events.map((row, i) => {
    const at = last > first ? ((row.start - first) / (last - first)) * width : 0;
    let level = rows.findIndex((right) => right + 24 < at);
    if (level < 0) level = rows.length;
    rows[level] = at;
    return { ...row, number: i + 1, top: 10 + 22 * level, said: inWords(row) };
  });
  const stroke = { condition: { test: "datum.kind == 'incident'", value: COLOURS.incident }, value: COLOURS.change };
  const pointed = (yes, no) => ({ condition: { test: "pointed == datum.number", value: yes }, value: no });
  const x = { field: "start", type: "temporal", scale: { type: "utc" } };
  const y = { field: "top", type: "quantitative", scale: null };
  const said = tip(["said", "What", "text"], ["from", "When", "text"], ["reason", "Reason", "text"]);
  return [
    {
      data: { values: values.filter((row) => row.end) }, mark: { type: "rect", color: COLOURS.incident, opacity: 0.2 },
      encoding: { x, x2: { field: "end" }, y: { value: 0 }, y2: { value: "height" }, tooltip: said },
    },
    {
      data: { values }, mark: "rule",
      encoding: { x, y, y2: { value: "height" }, color: stroke, strokeWidth: pointed(3, 1), tooltip: said },
    },
    {
      data: { values }, mark: { type: "point", size: 320, fill: "var(--card)", opacity: 1 },
      encoding: { x, y, stroke, shape: { condition: { test: "datum.kind == 'incident'", value: "square" }, value: "circle" }, strokeWidth: pointed(3, 1.5), tooltip: said },
    },
    {
      data: { values }, mark: { type: "text", fontWeight: 600, dy: 0.5 },
      encoding: { x, y, color: stroke, text: { field: "number", type: "nominal" } },
    },
  ];
}

// --- The charts.

const CHARTS = [
  {
    id: "daily", section: "Delivery", wide: true,
    title: "Impressions per day, by device",
    text: "What was shown on each day (UTC).",
    rows: (choice) => sums(facts(choice), ({ day, device }) => ({ day: days[day], device: DEVICES[device] }))
      .map(({ sum, ...row }) => ({ ...row, impressions: sum.impressions, clicks: sum.clicks })).sort(by("day")),
    columns: [["day", "Day", "day"], ["device", "Device", "text"], ["impressions", "Impressions", "count"], ["clicks", "Clicks", "count"]],
    spec: (rows) => ({
      height: 250,
      mark: { type: "bar", binSpacing: 0 },
      encoding: {
        x: time("day", { timeUnit: "utcyearmonthdate" }),
        y: number("impressions", "short"),
        color: coloured("device", COLOURS.device, rows),
        order: { field: "order", type: "quantitative" },
        tooltip: tip(["day", "Day", "day"], ["device", "Device", "text"], ["impressions", "Impressions", "count"]),
      },
      transform: [{ calculate: `indexof(${JSON.stringify(Object.values(DEVICES))}, datum.device)`, as: "order" }],
    }),
  },
  {
    id: "plan", section: "Spend and pacing", ignores: ["device"], wide: true,
    title: "Spend per day against plan",
    text: "The line is what was spent each day, the dashes what the booked pacing curve planned."
      + (tables.changes.length || tables.incidents.length ? " When one campaign is chosen, numbered marks say what happened to it: changes in circles, incidents in squares." : ""),
    // What staging puts right leaves no trace in the curve.
    marks: (choice) => (choice.campaign ? happened(choice).filter((row) => !row.recoverable) : []),
    rows: (choice) => {
      const said = new Map();
      for (const row of happened(choice)) {
        const key = `${row.at.slice(0, 10)} ${campaigns.get(row.campaign).currency}`;
        const words = choice.campaign || row.kind === "incident" ? inWords(row) : `${row.name}: ${inWords(row)}`;
        said.set(key, (said.get(key) ?? new Set()).add(words));
      }
      const shown = currencies({ ...choice, device: "" });
      return sums(tables.pacing.filter(inCampaigns(choice)).filter(inDays(choice)),
        (row) => ({ day: days[row.day], currency: campaigns.get(row.campaign).currency }))
        .filter((row) => shown.includes(row.currency))
        .map(({ sum, ...row }) => ({ ...row, spent: sum.spent, planned: sum.planned, happened: [...(said.get(`${row.day} ${row.currency}`) ?? [])].join("; ") || null })).sort(by("day"));
    },
    columns: [["day", "Day", "day"], ["currency", "Currency", "text"], ["spent", "Spent", "money"], ["planned", "Planned", "money"], ["happened", "What happened", "text"]],
    spec: (rows, width, marks) => ({
      params: [{ name: "pointed", value: 0 }],
      ...perCurrency(rows, 230, (currency) => ({
        layer: [
          {
            data: { values: withGaps(rows.filter((row) => row.currency === currency)) },
            transform: [
              { fold: ["spent", "planned"], as: ["key", "amount"] },
              { calculate: "datum.key == 'spent' ? 'Delivered' : 'Planned'", as: "series" },
            ],
            mark: { type: "line", tooltip: true, invalid: "break-paths-show-path-domains" },
            encoding: {
              x: time("day"),
              y: number("amount", "money", { format: currency }),
              color: { field: "series", type: "nominal", scale: { domain: Object.keys(COLOURS.series), range: Object.values(COLOURS.series) } },
              strokeDash: { field: "series", type: "nominal", scale: { domain: Object.keys(COLOURS.series), range: [[1, 0], [5, 4]] } },
              tooltip: tip(["day", "Day", "day"], ["spent", "Spent", "money", currency], ["planned", "Planned", "money", currency]),
            },
          },
          ...numberedMarks(marks, rows, width - 90),
        ],
      })),
    }),
  },
  {
    id: "pacing", section: "Spend and pacing", ignores: ["device"], wide: true,
    title: "Pacing of each campaign",
    text: "100 × spent / planned to date, over the campaign's days: 100 is on plan, the band is "
      + `${100 - tolerance} to ${100 + tolerance}. `
      + "Furthest from plan first, at most twelve. A triangle marks a value outside 60 to 140.",
    rows: (choice) => {
      const furthest = latest(tables.pacing, choice).filter((row) => row.index !== null)
        .sort((a, b) => Math.abs(b.index - 100) - Math.abs(a.index - 100)).slice(0, 12).map((row) => row.campaign);
      return tables.pacing.filter((row) => furthest.includes(row.campaign) && row.index !== null)
        .filter(inDays(choice))
        .map((row) => ({ name: campaigns.get(row.campaign).name, day: days[row.day], progress: row.progress, index: row.index, place: furthest.indexOf(row.campaign) }))
        .sort((a, b) => a.place - b.place || a.progress - b.progress);
    },
    columns: [["name", "Campaign", "text"], ["day", "Day", "day"], ["progress", "Flight over", "percent"], ["index", "Pacing index", "index"]],
    spec: (rows, width) => {
      const names = [...new Set(rows.map((row) => row.name))];
      const columns = Math.min(names.length, Math.max(1, Math.floor(width / 300)));
      const y = (field) => number(field, "index", { scale: { domain: pacingBounds, clamp: true }, axis: { values: [60, 80, 100, 120, 140] } });
      return {
        columns, spacing: { row: 18, column: 22 },
        facet: { field: "name", type: "nominal", sort: names, header: { labelLimit: width / columns - 10 } },
        spec: {
          width: width / columns - 40, height: names.length > 1 ? 110 : 230,
          layer: [
            { data: { values: [{ low: 100 - tolerance, high: 100 + tolerance }] }, mark: { type: "rect", color: COLOURS.series.Planned, opacity: 0.2 }, encoding: { y: y("low"), y2: { field: "high" } } },
            {
              mark: { type: "line", color: COLOURS.delivered, tooltip: true },
              encoding: {
                x: number("progress", "percent", { scale: { domain: [0, 1] }, axis: { grid: false, values: [0, 0.5, 1] } }),
                y: y("index"),
                tooltip: tip(["name", "Campaign", "text"], ["day", "Day", "day"], ["index", "Pacing index", "index"]),
              },
            },
            {
              transform: [{ filter: `datum.index < ${pacingBounds[0]} || datum.index > ${pacingBounds[1]}` }],
              mark: { type: "point", filled: true, size: 70, color: COLOURS.off, opacity: 1 },
              encoding: {
                x: number("progress", "percent"), y: y("index"),
                shape: { condition: { test: "datum.index > 100", value: "triangle-up" }, value: "triangle-down" },
                tooltip: tip(["name", "Campaign", "text"], ["day", "Day", "day"], ["index", "Pacing index", "index"]),
              },
            },
          ],
        },
      };
    },
  },
  {
    id: "funnel", section: "Supply and video",
    title: "From ad request to impression",
    text: "Requests for which the campaigns were candidates, and what was left at each step, in percent of requests.",
    rows: (choice) => {
      const rows = facts(choice);
      const steps = { Requests: "requests", Responses: "responses", Eligible: "eligible_impressions", "Auctions won": "auctions_won", Impressions: "impressions" };
      const all = total(rows, "requests");
      let before = null;
      return all ? Object.entries(steps).map(([step, field]) => {
        const left = total(rows, field);
        const row = { step, count: left, of_requests: ratio(left, all), of_before: ratio(left, before) };
        before = left;
        return row;
      }) : [];
    },
    columns: [["step", "Step", "text"], ["count", "Count", "count"], ["of_requests", "Of requests", "percent"], ["of_before", "Of the step before", "percent"]],
    spec: (rows) => ({
      height: 285,
      transform: [{ calculate: "datum.step + '  ·  ' + short(datum.count) + '  ·  ' + percent(datum.of_requests)", as: "label" }],
      layer: [
        {
          mark: { type: "bar", color: COLOURS.delivered, cornerRadiusEnd: 3, height: 16, yOffset: 10 },
          encoding: { x: number("count", "short", { axis: null }), tooltip: tip(["step", "Step", "text"], ["count", "Count", "count"], ["of_requests", "Of requests", "percent"], ["of_before", "Of the step before", "percent"]) },
        },
        nameAbove("label"),
      ],
      encoding: { y: { field: "step", type: "nominal", sort: rows.map((row) => row.step), axis: null } },
    }),
  },
  {
    id: "quartiles", section: "Supply and video",
    title: "Viewers who are still watching, by device",
    text: "Share of the starts that reached each quartile of the video.",
    rows: (choice) => sums(facts(choice), ({ device }) => ({ device: DEVICES[device] })).filter((row) => row.sum.video_starts)
      .flatMap(({ device, sum }) => ["video_starts", "video_q25", "video_q50", "video_q75", "video_q100"].map((field, i) => (
        { device, played: i / 4, viewers: sum[field], of_starts: ratio(sum[field], sum.video_starts) }))),
    columns: [["device", "Device", "text"], ["played", "Played", "percent"], ["viewers", "Viewers", "count"], ["of_starts", "Of starts", "percent"]],
    spec: (rows) => {
      const low = Math.min(0.8, Math.floor(10 * Math.min(...rows.map((row) => row.of_starts))) / 10);
      const device = coloured("device", COLOURS.device, rows);
      return {
        height: 240,
        mark: { type: "line", point: { filled: true, size: 60 }, tooltip: true },
        encoding: {
          x: number("played", "percent", { title: "Part of the ad that was played", axis: { values: [0, 0.25, 0.5, 0.75, 1], grid: false } }),
          y: number("of_starts", "percent", { scale: { domain: [low, 1] } }),
          color: device,
          shape: { field: "device", type: "nominal", scale: { domain: device.scale.domain } },
          tooltip: tip(["device", "Device", "text"], ["played", "Played", "percent"], ["of_starts", "Still watching", "percent"]),
        },
      };
    },
  },
  {
    id: "hours", section: "Time of day", ignores: ["device"], wide: true,
    title: "Impressions by local hour and weekday",
    text: "When ads were seen, in the viewers' own time.",
    rows: (choice) => {
      const cells = new Map();
      for (const row of tables.hours.filter(inCampaigns(choice))) {
        row.impressions.forEach((seen, i) => {
          const date = days[row.first_day + i];
          if (!isChosen(date, choice)) return;
          const key = `${(new Date(date).getUTCDay() + 6) % 7} ${row.hour}`;
          cells.set(key, (cells.get(key) || 0) + seen);
        });
      }
      const all = [...cells.values()].reduce((sum, seen) => sum + seen, 0);
      const most = Math.max(...cells.values()) / all;
      const step = Math.ceil((1e4 * most) / COLOURS.steps.length) / 1e4;
      return [...cells].map(([key, impressions]) => {
        const [place, hour] = key.split(" ").map(Number);
        const share = impressions / all;
        const bin = Math.min(Math.floor(share / step), COLOURS.steps.length - 1);
        return { place, weekday: WEEKDAYS[place], hour, impressions, share, bin, step };
      }).filter((row) => row.impressions).sort((a, b) => a.place - b.place || a.hour - b.hour);
    },
    columns: [["weekday", "Weekday", "text"], ["hour", "Local hour", "count"], ["impressions", "Impressions", "count"], ["share", "Of all", "percent"]],
    spec: ([{ step }]) => ({
      height: 210,
      mark: { type: "rect", tooltip: true, stroke: "var(--card)", strokeWidth: 1 },
      encoding: {
        x: { field: "hour", type: "ordinal", title: "Local hour of the day", axis: { labelAngle: 0, labelOverlap: true } },
        y: { field: "weekday", type: "ordinal", sort: WEEKDAYS, title: null },
        color: {
          field: "bin", type: "ordinal", scale: { domain: [0, 1, 2, 3, 4, 5, 6], range: COLOURS.steps },
          legend: {
            title: "Share of all impressions", symbolType: "square", symbolSize: 180,
            labelExpr: `percent(datum.value * ${step}) + ' to ' + percent((datum.value + 1) * ${step})`,
          },
        },
        tooltip: tip(["weekday", "Day", "text"], ["hour", "Local hour", "count"], ["impressions", "Impressions", "count"], ["share", "Of all", "percent"]),
      },
    }),
  },
  {
    id: "reach", section: "Reach and frequency", ignores: ["device"],
    title: "Households reached",
    text: "Households with at least one impression, as a campaign's impressions add up. The curve flattens as the "
      + "same households are reached again. The twelve largest campaigns; point at a line to name it.",
    rows: (choice) => {
      const largest = latest(tables.reach, choice).sort(by("reach", -1)).slice(0, 12).map((row) => row.campaign);
      return tables.reach.filter((row) => largest.includes(row.campaign)).filter(inDays(choice))
        .map((row) => ({ name: campaigns.get(row.campaign).name, day: days[row.day], impressions: row.impressions, households: row.reach, frequency: row.impressions / row.reach, place: largest.indexOf(row.campaign) }))
        .sort((a, b) => a.place - b.place || (a.day < b.day ? -1 : 1));
    },
    columns: [["name", "Campaign", "text"], ["day", "Until", "day"], ["impressions", "Impressions", "count"], ["households", "Households", "count"], ["frequency", "Frequency", "figure"]],
    spec: (rows, width) => {
      const ends = [...new Map(rows.map((row) => [row.name, row])).values()];
      // Names are drawn over the lines and take no room from them.
      const padding = { left: 44, right: 12, top: 12, bottom: 40 };
      const plot = width - padding.left - padding.right;
      const names = labelled(ends, "impressions", "households", plot, 260);
      const text = (side) => ({
        data: { values: names.filter((row) => row.side === side) },
        mark: { type: "text", align: side === "left" ? "right" : "left", dx: side === "left" ? 0 : 5, dy: side === "left" ? 14 : 0, limit: 0 },
        encoding: {
          x: number("impressions", "short"), y: number("households", "short"),
          text: { field: "name", type: "nominal" },
          opacity: { condition: { test: "pointed.name ? pointed.name[0] == datum.name : datum.always", value: 1 }, value: 0 },
        },
      });
      return {
        padding, autosize: "none", width: plot,
        height: 260,
        layer: [
          {
            params: [{ name: "pointed", select: { type: "point", fields: ["name"], on: "pointerover", clear: "pointerout" } }],
            mark: { type: "line", interpolate: "monotone", color: COLOURS.delivered, tooltip: true },
            encoding: {
              x: number("impressions", "short", { title: "Impressions to date", scale: { nice: false } }),
              y: number("households", "short", { scale: { nice: false } }),
              detail: { field: "name", type: "nominal" },
              opacity: { condition: { param: "pointed", value: 1 }, value: 0.2 },
              strokeWidth: { condition: { param: "pointed", empty: false, value: 4 }, value: 2.25 },
              tooltip: tip(["name", "Campaign", "text"], ["day", "Until", "day"], ["impressions", "Impressions", "count"], ["households", "Households", "count"]),
            },
          },
          ...["left", "right"].filter((side) => names.some((row) => row.side === side)).map(text),
        ],
      };
    },
  },
  {
    id: "frequency", section: "Reach and frequency", ignores: ["device"],
    title: "How often households saw a campaign",
    text: "Share of each campaign's reached households by the number of impressions they saw, and the mean.",
    rows: (choice) => latest(tables.reach, choice).sort(by("reach", -1)).slice(0, 12).flatMap((row) => {
      const least = [row.reach, row.reach_2plus, row.reach_3plus, row.reach_5plus, row.reach_10plus, 0];
      return Object.keys(COLOURS.times).map((times, i) => ({
        name: campaigns.get(row.campaign).name, times, place: i, households: least[i] - least[i + 1],
        share: ratio(least[i] - least[i + 1], row.reach), frequency: row.impressions / row.reach,
      }));
    }),
    columns: [["name", "Campaign", "text"], ["times", "Impressions", "text"], ["households", "Households", "count"], ["share", "Of reached", "percent"], ["frequency", "Mean frequency", "figure"]],
    spec: (rows) => {
      const names = [...new Set(rows.map((row) => row.name))];
      const times = Object.keys(COLOURS.times);
      const y = { field: "name", type: "nominal", sort: names, axis: null };
      return {
        height: Math.max(names.length * 36, 80),
        layer: [
          {
            mark: { type: "bar", height: 12, yOffset: 8, stroke: "var(--card)", strokeWidth: 1 },
            encoding: {
              y, x: number("share", "percent", { stack: "zero", scale: { domain: [0, 1] }, axis: { grid: false } }),
              color: { field: "times", type: "ordinal", sort: times, scale: { domain: times, range: Object.values(COLOURS.times) }, legend: { title: "Impressions" } },
              order: { field: "place", type: "quantitative" },
              tooltip: tip(["name", "Campaign", "text"], ["times", "Impressions", "text"], ["households", "Households", "count"], ["share", "Of reached", "percent"]),
            },
          },
          {
            transform: [{ filter: "datum.place == 0" }, { calculate: "datum.name + '  ·  ' + figure(datum.frequency) + '×'", as: "label" }],
            ...nameAbove("label", y),
          },
        ],
      };
    },
  },
  {
    id: "log-frequency", section: "People", needs: "log_frequency", ignores: ["device", "days"],
    title: "Households by how often they saw a campaign",
    text: "Counted in the log, over its whole time. With several campaigns a household counts once for each.",
    rows: (choice) => {
      const rows = sums(tables.log_frequency.filter(inCampaigns(choice)), ({ exposures }) => ({ exposures: Math.min(exposures, 10) }));
      const all = rows.reduce((sum, row) => sum + row.sum.households, 0);
      return rows.sort(by("exposures")).map(({ exposures, sum: { households } }) => (
        { times: exposures < 10 ? String(exposures) : "10+", households, share: ratio(households, all) }));
    },
    columns: [["times", "Impressions", "text"], ["households", "Households in the log", "count"], ["share", "Of them", "percent"]],
    spec: () => ({
      height: 230,
      mark: { type: "bar", color: COLOURS.delivered, tooltip: true },
      encoding: {
        x: { field: "times", type: "ordinal", sort: null, title: "Impressions of the campaign", axis: { labelAngle: 0 } },
        y: number("share", "percent"),
        tooltip: tip(["times", "Impressions", "text"], ["households", "Households in the log", "count"], ["share", "Of them", "percent"]),
      },
    }),
  },
  {
    id: "log-reach", section: "People", needs: "log_reach", ignores: ["device"],
    title: "Reach counted in the log, beside the published one",
    text: "Households to date of the campaign that reached most of those chosen. A panel is multiplied up, so it misses by its own error.",
    rows: (choice) => {
      const [largest] = latest(tables.log_reach, choice).sort(by("published", -1));
      return tables.log_reach.filter((row) => row.campaign === largest?.campaign).filter(inDays(choice))
        .map((row) => ({ ...row, name: campaigns.get(row.campaign).name, day: days[row.day] }));
    },
    columns: [["name", "Campaign", "text"], ["day", "Until", "day"], ["published", "Published", "count"], ["measured", "From the log", "count"], ["counted", "Households in the log", "count"]],
    spec: (rows) => {
      const series = { "From the log": "var(--delivered)", Published: "var(--planned)" };
      const names = { type: "nominal", field: "series", scale: { domain: Object.keys(series) } };
      return {
        height: 230,
        title: { text: rows[0].name, anchor: "start", color: "currentColor", fontSize: 12, fontWeight: "normal" },
        transform: [{ fold: ["measured", "published"], as: ["key", "households"] }, { calculate: "datum.key == 'measured' ? 'From the log' : 'Published'", as: "series" }],
        mark: { type: "line", tooltip: true },
        encoding: {
          x: time("day"), y: number("households", "short"),
          color: { ...names, scale: { ...names.scale, range: Object.values(series) } },
          strokeDash: { ...names, scale: { ...names.scale, range: [[1, 0], [5, 4]] } },
          tooltip: tip(["day", "Until", "day"], ["measured", "From the log", "count"], ["published", "Published", "count"]),
        },
      };
    },
  },
  {
    id: "log-overlap", section: "People", needs: "log_overlap", ignores: ["device", "days"], wide: true,
    title: "Campaigns that share households",
    text: "Of the households that a campaign reached, the part that the campaign with the number of the column reached too. The ten largest campaigns.",
    rows: (choice) => {
      const found = [...new Set(tables.log_overlap.map((row) => row.campaign))];
      return tables.log_overlap.filter(inCampaigns(choice)).map((row) => ({
        name: `${found.indexOf(row.campaign) + 1} · ${campaigns.get(row.campaign).name}`, other: campaigns.get(row.other).name,
        column: found.indexOf(row.other) + 1, households: row.households, part: row.part,
      }));
    },
    columns: [["name", "Campaign", "text"], ["other", "Shared with", "text"], ["households", "Shared households in the log", "count"], ["part", "Of its reach", "percent"]],
    spec: (rows, width) => {
      const names = [...new Set(rows.map((row) => row.name))];
      const x = { field: "column", type: "ordinal", title: "Number of the other campaign", axis: { labelAngle: 0 } };
      const y = { field: "name", type: "nominal", sort: names, axis: null };
      const most = Math.max(...rows.map((row) => row.part));
      return {
        height: Math.max(names.length * 44, 80),
        layer: [
          {
            mark: { type: "rect", height: 22, yOffset: 10, tooltip: true, stroke: "var(--card)", strokeWidth: 1 },
            encoding: {
              x, y,
              color: { field: "part", type: "quantitative", legend: null, scale: { type: "quantize", domain: [0, most], range: COLOURS.steps.slice(0, 4) } },
              tooltip: tip(["name", "Campaign", "text"], ["other", "Shared with", "text"], ["households", "Shared households in the log", "count"], ["part", "Of its reach", "percent"]),
            },
          },
          // On a narrow screen cells have no room for figures.
          ...(width < 480 ? [] : [{
            transform: [{ calculate: "percent(datum.part)", as: "said" }],
            mark: { type: "text", yOffset: 10 }, encoding: { x, y, text: { field: "said", type: "nominal" } },
          }]),
          { transform: [{ aggregate: [{ op: "count", as: "cells" }], groupby: ["name"] }], ...nameAbove("name", y) },
        ],
      };
    },
  },
  {
    id: "log-day", section: "People", needs: "log_day", wide: true,
    title: "One household's day, ad by ad",
    text: "Of the households that saw a chosen campaign, the UTC day with the most ads of any. All people are made up.",
    rows: (choice) => {
      const [first] = tables.log_day.filter((row) => inCampaigns(choice)({ campaign: row.chosen })).filter(inDays(choice));
      return tables.log_day.filter((row) => row.chosen === first?.chosen).filter(onDevice(choice))
        .map((row) => ({ ...row, day: days[row.day], time: row.at.slice(11, 19), start: Date.parse(`${row.at.slice(0, 19)}Z`), name: campaigns.get(row.campaign).name, device: DEVICES[row.device], place: `${row.slot} of ${row.slots}` }));
    },
    columns: [["day", "Day", "day"], ["time", "Time (UTC)", "text"], ["name", "Campaign", "text"], ["device", "Device", "text"], ["genre", "Genre", "text"], ["break", "Break of the sitting", "count"], ["place", "Slot", "text"], ["event", "Furthest event", "text"], ["seconds", "Seconds watched", "count"]],
    spec: (rows) => {
      const names = [...new Set(rows.map((row) => row.name))];
      const y = { field: "name", type: "nominal", sort: names, axis: null };
      const said = tip(["time", "Time (UTC)", "text"], ["name", "Campaign", "text"], ["device", "Device", "text"], ["genre", "Genre", "text"], ["place", "Slot", "text"], ["event", "Furthest event", "text"], ["seconds", "Seconds watched", "count"]);
      return {
        height: Math.max(names.length * 40, 80),
        title: { text: day(rows[0].day), anchor: "start", color: "currentColor", fontSize: 12, fontWeight: "normal" },
        layer: [
          {
            mark: { type: "tick", thickness: 4, size: 16, yOffset: 8, tooltip: true },
            encoding: {
              y, x: time("start", { axis: { format: "%H:%M", formatType: "utcFormat", grid: true, tickCount: 6, labelFlush: true } }),
              color: coloured("device", COLOURS.device, rows), tooltip: said,
            },
          },
          { transform: [{ aggregate: [{ op: "count", as: "ads" }], groupby: ["name"] }, { calculate: "datum.name + '  ·  ' + count(datum.ads)", as: "label" }], ...nameAbove("label", y) },
        ],
      };
    },
  },
  {
    id: "creatives", section: "Creatives", wide: true,
    title: "Creatives side by side",
    text: "The largest creatives first, at most sixteen. Bars around a rate are its 95% confidence interval (Wilson).",
    rows: (choice) => sums(
      tables.creative_facts.filter((row) => inCampaigns(choice)(creatives.get(row.creative))).filter(inDays(choice)).filter(onDevice(choice)),
      ({ creative }) => ({ creative })).sort((a, b) => b.sum.impressions - a.sum.impressions).slice(0, 16)
      .map(({ creative, sum }) => {
        const { name, placement, seconds, campaign } = creatives.get(creative);
        const interval = (part, whole) => (whole ? wilson(part, whole) : [null, null]);
        const [completion_low, completion_high] = interval(sum.video_q100, sum.video_starts);
        const [click_low, click_high] = interval(sum.clicks, sum.impressions);
        return {
          creative, name, campaign: campaigns.get(campaign).name, placement: seconds && !name.includes(`${seconds} s`) ? `${placement}, ${seconds} s` : placement,
          impressions: sum.impressions, completion: ratio(sum.video_q100, sum.video_starts), completion_low, completion_high,
          click: ratio(sum.clicks, sum.impressions), click_low, click_high,
        };
      }),
    columns: [
      ["creative", "Id", "text"], ["name", "Creative", "text"], ["campaign", "Campaign", "text"], ["placement", "Placement", "text"], ["impressions", "Impressions", "count"],
      ["completion", "Completion rate", "percent"], ["completion_low", "at least", "percent"], ["completion_high", "at most", "percent"],
      ["click", "Click-through rate", "percent"], ["click_low", "at least", "percent"], ["click_high", "at most", "percent"],
    ],
    spec: (rows, width) => {
      const y = { field: "creative", type: "nominal", sort: rows.map((row) => row.creative), axis: null };
      const height = rows.length * 42 + 10;
      const panel = width / 3 - 32;
      const said = tip(["name", "Creative", "text"], ["campaign", "Campaign", "text"], ["placement", "Placement", "text"], ["impressions", "Impressions", "count"], ["completion", "Completion rate", "percent"], ["click", "Click-through rate", "percent"]);
      const axis = { tickCount: width < 480 ? 2 : 4 };
      const rate = (field, title, bounds) => ({
        width: panel, height,
        transform: [{ filter: `isValid(datum.${field})` }],
        layer: [
          { mark: { type: "rule", strokeWidth: 4, color: COLOURS.delivered, opacity: 0.45, yOffset: 9 }, encoding: { y, x: number(`${field}_low`, "percent", { title, scale: { domain: bounds }, axis }), x2: { field: `${field}_high` }, tooltip: said } },
          { mark: { type: "point", filled: true, size: 70, color: COLOURS.delivered, opacity: 1, yOffset: 9 }, encoding: { y, x: number(field, "percent", { title, axis }), tooltip: said } },
        ],
      });
      const lowest = Math.min(...rows.filter((row) => row.completion !== null).map((row) => row.completion_low), 0.8);
      return {
        spacing: 36,
        bounds: "flush",
        resolve: { scale: { y: "shared" } },
        hconcat: [
          {
            width: panel, height,
            transform: [{ calculate: `datum.name + ' · ' + datum.placement${width < 480 ? "" : " + ' · ' + datum.campaign"}`, as: "label" }],
            layer: [
              { mark: { type: "bar", height: 12, color: COLOURS.delivered, yOffset: 9, cornerRadiusEnd: 2 }, encoding: { y, x: number("impressions", "short", { title: "Impressions", axis }), tooltip: said } },
              nameAbove("label", y, width),
            ],
          },
          rate("completion", "Completion rate", [Math.floor(lowest * 10) / 10, 1]),
          rate("click", "Click-through rate", [0, Math.max(...rows.map((row) => row.click_high), 0.0001)]),
        ],
      };
    },
  },
  {
    id: "audience", section: "Audience", ignores: ["device"], wide: true,
    title: "Who was reached more than the platform's population",
    text: "Index of each segment: 100 × its share of impressions / its share of the platform's viewing. "
      + "Right of 100 is more than the population, left is less.",
    rows: (choice) => {
      const rows = tables.audience.filter(inCampaigns(choice)).map((row) => {
        const impressions = seriesTotal(row, choice);
        return { dimension: row.dimension, segment: row.segment, impressions, expected: impressions * row.population };
      }).filter((row) => row.impressions);
      const wholes = new Map(sums(rows, ({ dimension }) => ({ dimension })).map((row) => [row.dimension, row.sum.impressions]));
      return sums(rows, ({ dimension, segment }) => ({ dimension, segment })).map(({ dimension, segment, sum }) => {
        const share = sum.impressions / wholes.get(dimension);
        const population = sum.expected / sum.impressions;
        return { dimension, segment, impressions: sum.impressions, share, population, index: population ? (100 * share) / population : null };
      }).filter((row) => row.index !== null);
    },
    columns: [["dimension", "By", "text"], ["segment", "Segment", "text"], ["impressions", "Impressions", "count"], ["share", "Of impressions", "percent"], ["population", "Of viewing", "percent"], ["index", "Index", "index"]],
    spec: (rows, width) => {
      const found = rows.map((row) => row.index);
      // Doubled and halved until every bar fits.
      const steps = [50, 100, 200];
      while (steps.at(-1) < Math.max(...found)) steps.push(2 * steps.at(-1));
      while (steps[0] > Math.min(...found)) steps.unshift(steps[0] / 2);
      return {
        spacing: 14,
        facet: { row: { field: "dimension", type: "nominal", title: null, sort: ["Age", "Gender", "Life stage", "Interest", "Genre"] } },
        resolve: { scale: { y: "independent" } },
        spec: {
          width: width - 110, height: { step: 18 },
          transform: [{ calculate: "100", as: "hundred" }],
          mark: { type: "bar", height: 11, color: COLOURS.delivered, tooltip: true },
          encoding: {
            x: number("index", "index", { title: "Index; 100 is the platform's population", scale: { type: "log", domain: [steps[0], steps.at(-1)] }, axis: { values: steps, tickCount: steps.length, labelOverlap: true } }),
            x2: { field: "hundred" },
            y: { field: "segment", type: "nominal", sort: null, title: null, axis: { labelLimit: 100 } },
            tooltip: tip(["segment", "Segment", "text"], ["index", "Index", "index"], ["share", "Of impressions", "percent"], ["population", "Of the platform's viewing", "percent"]),
          },
        },
      };
    },
  },
  {
    id: "prices", section: "Prices", wide: true,
    title: "Price per thousand impressions by month",
    text: "1000 × spend / impressions, by how the inventory was bought.",
    rows: (choice) => {
      const shown = currencies(choice);
      return sums(facts(choice), (row) => {
        const { currency, buy_type } = campaigns.get(row.campaign);
        return { month: `${days[row.day].slice(0, 7)}-01`, bought: buy_type ?? "Other campaigns", currency };
      }).filter((row) => shown.includes(row.currency) && row.sum.impressions)
        .map(({ sum, ...row }) => ({ ...row, impressions: sum.impressions, spend: sum.spend, cpm: (1000 * sum.spend) / sum.impressions }))
        .sort((a, b) => by("bought")(a, b) || by("month")(a, b));
    },
    columns: [["month", "Month", "day"], ["bought", "Bought as", "text"], ["currency", "Currency", "text"], ["impressions", "Impressions", "count"], ["spend", "Spend", "money"], ["cpm", "Price per thousand", "money"]],
    spec: (rows) => {
      const bought = [...new Set(rows.map((row) => row.bought))];
      const shapes = ["circle", "square", "triangle-up", "diamond", "cross"];
      const dashes = [[1, 0], [8, 4], [3, 3], [10, 3, 2, 3], [2, 5]];
      const type = { field: "bought", type: "nominal" };
      return perCurrency(rows, 230, (currency) => ({
        mark: { type: "line", color: COLOURS.delivered, point: { filled: true, size: 60, color: COLOURS.delivered }, tooltip: true },
        encoding: {
          x: time("month", { timeUnit: "utcyearmonth", axis: { format: "%b %Y", formatType: "utcFormat", grid: false, tickCount: "month", labelOverlap: true } }),
          y: number("cpm", "money", { format: currency, scale: { zero: true } }),
          shape: { ...type, scale: { domain: bought, range: shapes.slice(0, bought.length) }, legend: { symbolStrokeColor: "transparent", symbolFillColor: COLOURS.delivered } },
          strokeDash: { ...type, scale: { domain: bought, range: dashes.slice(0, bought.length) }, legend: { symbolStrokeColor: "transparent", symbolFillColor: COLOURS.delivered } },
          tooltip: tip(["bought", "Bought as", "text"], ["month", "Month", "day"], ["cpm", "Price per thousand", "money", currency], ["impressions", "Impressions", "count"]),
        },
      }));
    },
  },
  {
    id: "fill", section: "Prices", wide: true, needs: "market", ignores: ["campaign", "advertiser", "device"],
    title: "Auction price against how full the market is",
    text: "One point for each day in the largest countries: the part of the ad slots that campaigns booked, and the "
      + "price level of auctions, where 1 is the country's usual level. How much dearer a fuller day is compares the days of a month.",
    rows: (choice) => {
      const chosen = tables.market.filter(inDays(choice)).map((row) => ({ ...row, day: days[row.day] }));
      const slopes = new Map([...new Set(chosen.map((row) => row.country))]
        .map((country) => [country, elasticity(chosen.filter((row) => row.country === country))]));
      return chosen.map((row) => ({ ...row, elasticity: slopes.get(row.country) }));
    },
    columns: [["country", "Country", "text"], ["day", "Day", "day"], ["booked", "Booked", "percent"], ["price", "Price level", "figure"], ["elasticity", "Elasticity in a month", "figure"]],
    spec: (rows, width) => {
      const label = ({ country, elasticity: slope }) => (slope === null ? country : `${country} · 10% fuller: ${percent(Math.abs(1.1 ** slope - 1))} ${slope < 0 ? "cheaper" : "dearer"}`);
      const labels = [...new Set(rows.map(label))];
      const columns = Math.min(labels.length, Math.max(1, Math.floor(width / 300)));
      const x = number("booked", "percent", { title: "Booked share of ad slots", scale: { zero: false }, axis: { grid: false } });
      const y = number("price", "figure", { scale: { zero: false } });
      return {
        columns, spacing: { row: 18, column: 22 },
        facet: { field: "label", type: "nominal", sort: labels, header: { labelLimit: width / columns - 10 } },
        transform: [{ lookup: "country", from: { data: { values: rows.map((row) => ({ country: row.country, label: label(row) })) }, key: "country", fields: ["label"] } }],
        resolve: { scale: { x: "independent", y: "independent" } },
        spec: {
          width: width / columns - 52, height: 130,
          layer: [
            {
              mark: { type: "point", filled: true, size: 22, color: COLOURS.delivered, opacity: 0.45 },
              encoding: { x, y, tooltip: tip(["country", "Country", "text"], ["day", "Day", "day"], ["booked", "Booked", "percent"], ["price", "Price level", "figure"]) },
            },
            {
              transform: [{ regression: "price", on: "booked", method: "pow" }],
              mark: { type: "line", color: COLOURS.delivered },
              encoding: { x, y },
            },
          ],
        },
      };
    },
  },
].filter(({ needs }) => !needs || tables[needs].length);
