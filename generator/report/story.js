// What is worth a look in a choice, in one sentence or two for each finding, and silence about the rest.

const MORE_THAN_MOST = { creative: 0.9, clicks: 0.6, device: 0.5, clicksPerImpression: 2, index: 200, share: 0.02 };

/** The findings: a heading, what it says, and the choice that shows it. */
function story(choice) {
  return [...offPlan(choice), ...weakCreatives(choice), ...leadingDevices(choice), ...audienceAbove(choice)];
}

/** The campaign furthest behind its plan, and the one furthest ahead, as the pacing mart judges. */
function offPlan(choice) {
  const last = latest(tables.pacing, choice);
  return [["UNDER", "Behind plan", 1], ["OVER", "Ahead of plan", -1]].flatMap(([status, heading, sign]) => {
    const off = last.filter((row) => row.status === status).sort(by("index", sign));
    if (!off.length) return [];
    const [{ campaign, day: at, index: pace }] = off;
    const { name, currency, last_day: end } = campaigns.get(campaign);
    const upTo = tables.pacing.filter((row) => row.campaign === campaign && row.day <= at);
    const [spent, planned] = ["spent", "planned"].map((field) => money(total(upTo, field), currency));
    const others = off.length > 1 ? ` ${off.length - 1} more ${off.length === 2 ? "campaign is" : "campaigns are"} ${status === "UNDER" ? "behind" : "ahead"}.` : "";
    const verb = days[at] >= end ? "ended with" : "has spent";
    return [{
      heading, campaign,
      text: `${name} ${verb} ${spent}${days[at] >= end ? " spent" : ""} of the ${planned} planned by ${day(days[at])}: pacing index ${index(pace)}.${others}`,
    }];
  });
}

/** The creative that does worst beside the others of its campaign and placement, device by device. */
function weakCreatives(choice) {
  const rows = tables.creative_facts.filter((row) => inCampaigns(choice)(creatives.get(row.creative)))
    .filter(inDays(choice)).filter(onDevice(choice));
  const groups = sums(rows, ({ creative, device }) => ({ creative, device }))
    .map((row) => ({ ...row, ...creatives.get(row.creative) }));
  const kinds = [
    ["video_q100", "video_starts", MORE_THAN_MOST.creative, "complete", "viewers complete it"],
    ["clicks", "impressions", MORE_THAN_MOST.clicks, "click", "viewers click it"],
  ];
  return kinds.flatMap(([hits, trials, limit, , what]) => {
    const judged = [...new Set(groups.map((row) => row.creative))].flatMap((creative) => {
      const { campaign, placement, name } = creatives.get(creative);
      const rivals = groups.filter((row) => row.campaign === campaign && row.placement === placement && row.creative !== creative);
      let [actual, expected, all] = [0, 0, 0];
      for (const own of groups.filter((row) => row.creative === creative)) {
        const same = rivals.filter((row) => row.device === own.device);
        const rate = ratio(same.reduce((sum, row) => sum + row.sum[hits], 0), same.reduce((sum, row) => sum + row.sum[trials], 0));
        if (rate === null) continue;
        actual += own.sum[hits];
        expected += rate * own.sum[trials];
        all += own.sum[trials];
      }
      const isWeak = all && expected && actual / expected < limit && wilson(actual, all)[1] < expected / all;
      return isWeak ? [{ creative, campaign, name, part: actual / expected, rate: actual / all, usual: expected / all }] : [];
    }).sort(by("part"));
    if (!judged.length) return [];
    const [{ campaign, name, rate, usual, part }] = judged;
    return [{
      heading: "Weak creative", campaign,
      text: `“${name}” of ${campaigns.get(campaign).name}: ${percent(1 - part)} fewer ${what} than its campaign's other creatives on the same devices (${percent(rate)} against ${percent(usual)}).`,
    }];
  });
}

/** The device that most impressions come from, and the one that most clicks come from. */
function leadingDevices(choice) {
  const rows = facts(choice);
  const devices = sums(rows, ({ device }) => ({ device }));
  if (devices.length < 2) return [];
  const [all, clicks] = [total(rows, "impressions"), total(rows, "clicks")];
  const findings = [];
  const rate = (some) => ratio(some.reduce((sum, row) => sum + row.sum.video_q100, 0), some.reduce((sum, row) => sum + row.sum.video_starts, 0));
  for (const row of devices) {
    const name = DEVICES[row.device];
    const [share, clicked] = [ratio(row.sum.impressions, all), ratio(row.sum.clicks, clicks)];
    if (share >= MORE_THAN_MOST.device) {
      findings.push({
        heading: `${name} leads`, device: row.device,
        text: `${name} brings ${percent(share)} of the impressions. ${percent(rate([row]))} of its viewers complete an ad, against ${percent(rate(devices.filter((other) => other !== row)))} on other devices.`,
      });
    }
    if (clicked >= MORE_THAN_MOST.device && clicked >= MORE_THAN_MOST.clicksPerImpression * share) {
      findings.push({
        heading: `${name} clicks`, device: row.device,
        text: `${name} brings ${percent(clicked)} of the clicks from ${percent(share)} of the impressions.`,
      });
    }
  }
  return findings;
}

/** The segment that was reached most above its share of the platform's viewing. */
function audienceAbove(choice) {
  const chart = CHARTS.find(({ id }) => id === "audience");
  const [top] = chart.rows(choice).filter((row) => row.share >= MORE_THAN_MOST.share).sort(by("index", -1));
  if (!top || top.index < MORE_THAN_MOST.index) return [];
  return [{
    heading: "Audience",
    text: `${top.dimension} “${top.segment}” makes ${percent(top.share)} of the impressions and ${percent(top.population)} of the platform's viewing: ${figure(top.index / 100)} times its share.`,
  }];
}
