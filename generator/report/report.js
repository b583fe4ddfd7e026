"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const ALL = 0;
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const figure = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
  const tables = {};
  for (const [name, { fields, rows }] of Object.entries(data.rows)) {
    tables[name] = rows.map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]])));
  }
  let campaign = ALL;

  /** An element with text; names are set as text and never read as HTML. */
  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  /** The rows of a chart for the campaign that is chosen. */
  function rowsOf(name) {
    const rows = tables[name];
    if (name === "pacing" && campaign === ALL) return rows;
    return rows.filter((row) => row.campaign === campaign);
  }

  function shown(value, kind) {
    if (value === null || value === undefined) return "–";
    return kind === "number" ? (Math.abs(value) < 1e5 ? figure : whole).format(value) : value;
  }

  function table(columns, rows) {
    const made = element("table");
    const head = made.createTHead().insertRow();
    for (const column of columns) {
      const cell = element("th", column.label, column.kind === "number" ? "number" : "");
      cell.scope = "col";
      head.append(cell);
    }
    const body = made.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      for (const column of columns) {
        const text = shown(row[column.field], column.kind);
        line.append(element("td", text, column.kind === "number" ? "number" : ""));
      }
    }
    return made;
  }

  const variant = (chart) => {
    const one = campaign !== ALL && chart.of_one;
    return {
      spec: one ? chart.of_one : chart.spec,
      rows: rowsOf(one ? chart.of_one_rows : chart.rows),
      columns: one ? chart.of_one_columns : chart.columns,
    };
  };

  async function draw(chart) {
    const figure = document.getElementById(`chart-${chart.id}`);
    const place = figure.querySelector(".chart");
    const { spec, rows } = variant(chart);
    if (place.view) place.view.finalize();
    place.view = undefined;
    if (!rows.length) {
      place.replaceChildren(element("p", "Nothing of the kind in this selection.", "empty"));
      return;
    }
    const width = Math.max(place.clientWidth, 240);
    const full = {
      ...spec,
      data: { values: rows },
      width,
      autosize: { type: "fit-x", contains: "padding" },
    };
    if (spec.height.step && !spec.encoding.row) {
      const labels = new Set(rows.map((row) => row[spec.encoding.y.field]));
      full.height = labels.size * spec.height.step;
    }
    if (spec.encoding && spec.encoding.row) {
      full.width = width - (chart.id === "audience" ? 130 : 60);
      delete full.autosize;
    }
    const legend = { ...data.config.legend, columns: width < 480 ? 2 : 0 };
    const drawn = await vegaEmbed(place, full, {
      actions: false,
      renderer: "svg",
      config: { ...data.config, legend },
      tooltip: { theme: "custom" },
    });
    place.view = drawn.view;
  }

  function fill(details, chart) {
    const { rows, columns } = variant(chart);
    details.querySelector(".scroll").replaceChildren(details.open ? table(columns, rows) : "");
  }

  function tiles() {
    const list = document.getElementById("tiles");
    list.replaceChildren(...(data.tiles[campaign] || []).map((tile) => {
      const box = element("div");
      box.append(element("dt", tile.label), element("dd", tile.value), element("dd", tile.note));
      return box;
    }));
  }

  function campaigns() {
    const columns = [
      ["Campaign", ""], ["Bought as", ""], ["Days", ""], ["Impressions", "number"],
      ["Budget", "number"], ["Spent", ""], ["Pacing index", "number"],
    ];
    const made = element("table");
    const head = made.createTHead().insertRow();
    for (const [label, kind] of columns) {
      const cell = element("th", label, kind);
      cell.scope = "col";
      head.append(cell);
    }
    const body = made.createTBody();
    const listed = tables.campaigns.filter((row) => row.has_detail);
    for (const row of listed.filter((each) => campaign === ALL || each.campaign === campaign)) {
      const line = body.insertRow();
      const name = element("th", row.name);
      name.scope = "row";
      name.append(element("small", row.advertiser));
      const spent = element("td", null, "whole");
      const bar = element("span", null, "share");
      const part = element("i");
      part.style.width = `${Math.min(row.spent_pct || 0, 100)}%`;
      bar.append(part);
      spent.append(bar, row.spent_pct === null ? "–" : `${row.spent_pct.toFixed(1)} %`);
      line.append(
        name,
        element("td", row.bought_as),
        element("td", `${row.first_day} to ${row.last_day}`, "whole"),
        element("td", shown(row.impressions, "number"), "number"),
        element("td", `${shown(row.budget, "number")} ${row.currency}`, "number"),
        spent,
        element("td", row.pacing_index === null ? "–" : row.pacing_index.toFixed(1), "number"),
      );
    }
    document.querySelector("#campaigns .scroll").replaceChildren(made);
  }

  async function render() {
    tiles();
    campaigns();
    for (const chart of data.charts) {
      fill(document.querySelector(`#chart-${chart.id} details`), chart);
    }
    for (const chart of data.charts) await draw(chart);
    document.documentElement.dataset.ready = campaign;
  }

  for (const chart of data.charts) {
    const details = document.querySelector(`#chart-${chart.id} details`);
    details.addEventListener("toggle", () => fill(details, chart));
  }
  document.getElementById("campaign").addEventListener("change", (event) => {
    campaign = Number(event.target.value);
    render();
  });

  const themes = ["system", "light", "dark"];
  const button = document.getElementById("theme");
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme || "system";
    const next = themes[(themes.indexOf(now) + 1) % themes.length];
    document.documentElement.dataset.theme = next;
    button.textContent = `Theme: ${next}`;
  });

  let width = window.innerWidth;
  let waiting;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(render, 150);
  });
  render();
})();
