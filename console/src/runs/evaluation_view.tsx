import { t } from '../i18n';
import { Card } from '../ui/card';
import { formatScore, formatWhole } from '../ui/format';
import { Warnings } from './frame_parts';
import { IntervalPlot, Z_95 } from './interval_plot';
import type { Run, Score } from './runs';
import { SampleBrowser } from './sample_browser';

export function EvaluationView({ run }: { run: Run }) {
  const texts = t.value.runs;
  return (
    <>
      <Warnings warnings={run.warnings} />
      <Card title={texts.scores}>
        <ScoreTable scores={run.scores} />
      </Card>
      <Card title={texts.samples}>
        {run.sampledTasks.length > 0 ? (
          <SampleBrowser run={run.id} tasks={run.sampledTasks} />
        ) : (
          <p class="model-note">{texts.noSamples}</p>
        )}
      </Card>
      <Card title={texts.configuration}>
        <dl class="rows">
          <div>
            <dt>{texts.folder}</dt>
            <dd>
              <code>{run.folder}</code>
            </dd>
          </div>
          {run.config.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd class="numbers">{value}</dd>
            </div>
          ))}
        </dl>
      </Card>
    </>
  );
}

// Shares have a common scale; of other scores only the numbers are shown.
const isShare = ({ value }: Score) => value >= 0 && value <= 1;

function ScoreTable({ scores }: { scores: readonly Score[] }) {
  const texts = t.value.runs;
  const hasFilters = scores.some(({ filter }) => filter !== '' && filter !== 'none');
  return (
    <div class="table-scroll">
      <table class="type-table score-table numbers">
        <thead>
          <tr>
            <th scope="col">{texts.task}</th>
            <th scope="col">{texts.metric}</th>
            {hasFilters && (
              <th scope="col" class="optional">
                {texts.filter}
              </th>
            )}
            <th scope="col" class="plot-column optional">
              {texts.interval}
            </th>
            <th scope="col">{texts.value}</th>
            <th scope="col">{texts.standardError}</th>
            <th scope="col" class="optional">
              {texts.documents}
            </th>
          </tr>
        </thead>
        <tbody>
          {scores.map((score) => (
            <tr key={`${score.task} ${score.metric} ${score.filter}`}>
              <th scope="row" title={score.task}>
                {score.task}
              </th>
              <td>
                {score.metric}
                {score.higherIsBetter === false && <small> ({texts.lowerIsBetter})</small>}
              </td>
              {hasFilters && <td class="optional">{score.filter}</td>}
              <td class="plot-column optional">{isShare(score) && <ScorePlot score={score} />}</td>
              <td>{formatScore(score.value)}</td>
              <td>
                {score.standardError === undefined ? '' : `± ${formatScore(score.standardError)}`}
              </td>
              <td class="optional">
                {score.documents === undefined ? '' : formatWhole(score.documents)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ScorePlot({ score }: { score: Score }) {
  const { value, standardError } = score;
  const reach = standardError === undefined ? undefined : Z_95 * standardError;
  return (
    <IntervalPlot
      value={value}
      from={0}
      to={1}
      format={formatScore}
      {...(reach === undefined ? {} : { interval: [value - reach, value + reach] })}
    />
  );
}
