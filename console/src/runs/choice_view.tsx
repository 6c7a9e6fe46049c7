import { t } from '../i18n';
import { Card } from '../ui/card';
import { formatDigits, formatRate, formatWhole } from '../ui/format';
import { IntervalPlot } from './interval_plot';
import { LIMITS, type Choice, type Limit, type Standing } from './reports';
import { ScatterPlot } from './scatter_plot';

// 100 is all right, 0 as good as guessing.
const points = (quality: number) => formatDigits(quality * 100);

export function ChoiceView({ choice }: { choice: Choice }) {
  const texts = t.value.runs;
  return (
    <>
      <Card title={texts.recommended}>
        <p class="recommendation">
          {choice.recommended === undefined
            ? texts.noneRecommended
            : texts.recommends(choice.recommended)}
        </p>
        <ul class="choice-notes">
          {choice.quick && <li>{texts.quick}</li>}
          {choice.languagesNotMeasured.length > 0 && (
            <li>{texts.languagesNotMeasured(choice.languagesNotMeasured.join(', '))}</li>
          )}
          {choice.machine && <li>{texts.machine(choice.machine)}</li>}
        </ul>
      </Card>
      <QualityChart choice={choice} />
      <Card title={texts.ranking}>
        <Ranking choice={choice} />
        <p class="model-note">{texts.qualityHelp}</p>
      </Card>
      {choice.changes.length > 0 && (
        <Card title={texts.changesTitle}>
          <ul class="conclusions">
            {choice.changes.map(({ kind, what, to, then }) => (
              <li key={`${kind} ${what} ${then}`}>
                {texts.changes[kind](limitName(what), formatDigits(to), then)}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {choice.advice && (
        <Card title={texts.adviceTitle}>
          <p>{texts.advice[choice.advice]}</p>
          <p class="model-note">{texts.ruleOfThumb}</p>
        </Card>
      )}
      {choice.out.length > 0 && (
        <Card title={texts.out}>
          <dl class="rows">
            {choice.out.map(({ name, fate, reason }) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{`${texts.fates[fate]} ${limitName(reason)}`}</dd>
              </div>
            ))}
          </dl>
        </Card>
      )}
    </>
  );
}

function limitName(name: string): string {
  const limit = LIMITS.find((known) => known === name);
  return limit ? t.value.runs.limits[limit] : name;
}

function QualityChart({ choice }: { choice: Choice }) {
  const texts = t.value.runs;
  const shown = choice.ranking.flatMap(({ name, quality, costs }) => {
    const speed = costs.tokens_per_second;
    if (speed === undefined) return [];
    return [
      {
        name,
        x: speed,
        y: quality * 100,
        isMarked: name === choice.recommended,
        label: texts.qualityPoint(name, points(quality), formatRate(speed)),
      },
    ];
  });
  if (shown.length === 0) return null;
  return (
    <Card title={texts.qualityAgainst}>
      <ScatterPlot
        points={shown}
        xTitle={texts.limits.tokens_per_second}
        yTitle={texts.quality}
        xFormat={formatRate}
        yFormat={formatWhole}
      />
      <p class="model-note">{texts.qualityAgainstHelp}</p>
    </Card>
  );
}

function Ranking({ choice }: { choice: Choice }) {
  const texts = t.value.runs;
  const costs = LIMITS.filter((limit) =>
    choice.ranking.some((standing) => standing.costs[limit] !== undefined),
  );
  const title = (limit: Limit) =>
    limit === 'cost_per_million_tokens' && choice.currency
      ? `${texts.limits[limit]}, ${choice.currency}`
      : texts.limits[limit];
  return (
    <div class="table-scroll">
      <table class="type-table score-table numbers">
        <thead>
          <tr>
            <th scope="col">{texts.candidateName}</th>
            <th scope="col">{texts.quality}</th>
            <th scope="col" class="plot-column optional">
              {texts.interval}
            </th>
            {costs.map((limit) => (
              <th key={limit} scope="col">
                {title(limit)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {choice.ranking.map((standing) => (
            <tr key={standing.name}>
              <th scope="row">
                {standing.name}
                <Notes standing={standing} isBest={standing.name === choice.recommended} />
              </th>
              <td>{points(standing.quality)}</td>
              <td class="plot-column optional">
                <IntervalPlot
                  value={standing.quality}
                  from={0}
                  to={1}
                  format={points}
                  {...(standing.interval ? { interval: standing.interval } : {})}
                />
              </td>
              {costs.map((limit) => (
                <td key={limit} class={standing.breaks.includes(limit) ? 'broken' : undefined}>
                  {standing.costs[limit] === undefined ? '' : formatDigits(standing.costs[limit])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// What is to be said of a candidate besides its numbers.
function Notes({ standing, isBest }: { standing: Standing; isBest: boolean }) {
  const texts = t.value.runs;
  const notes = [
    ...(isBest ? [texts.recommended] : []),
    ...(standing.toldApart === false ? [texts.notToldApart] : []),
    ...(standing.isFront ? [texts.front] : []),
    ...standing.breaks.map((limit) => texts.breaks(texts.limits[limit])),
  ];
  return (
    <>
      {notes.map((note) => (
        <small key={note} class="choice-note">
          {note}
        </small>
      ))}
    </>
  );
}
