import { t } from '../i18n';
import { Card } from '../ui/card';
import { formatBytes, formatDigits, formatRate, formatScore, formatShare } from '../ui/format';
import type { Precision, QuantizationReport } from './reports';
import { ScatterPlot } from './scatter_plot';

const MIB = 1_048_576;

const SOURCE = 'source'; // the report's name for the model that was quantized

export function QuantizationView({ report }: { report: QuantizationReport }) {
  const texts = t.value.runs;
  const points = report.rows.flatMap((row) =>
    row.klMean === undefined || row.klMean === 0 || row.fileBytes === 0
      ? []
      : [
          {
            name: row.name,
            x: row.fileBytes / MIB,
            y: row.klMean,
            label: texts.tradeOffPoint(
              row.name,
              formatBytes(row.fileBytes),
              formatDigits(row.klMean),
            ),
          },
        ],
  );
  return (
    <>
      {points.length > 0 && (
        <Card title={texts.tradeOff}>
          <ScatterPlot
            points={points}
            xTitle={texts.fileSize}
            yTitle={texts.klMean}
            xFormat={(mebibytes) => formatBytes(mebibytes * MIB)}
            yFormat={formatDigits}
            isYLogarithmic
            isJoined
          />
          <p class="model-note">{texts.tradeOffHelp}</p>
        </Card>
      )}
      <Card title={texts.table}>
        <PrecisionTable rows={report.rows} />
        {(report.text || report.machine) && (
          <p class="model-note">{texts.measuredOn(report.text, report.machine)}</p>
        )}
      </Card>
    </>
  );
}

function PrecisionTable({ rows }: { rows: readonly Precision[] }) {
  const texts = t.value.runs;
  const tasks = [...new Set(rows.flatMap(({ scores }) => scores.map(({ task }) => task)))];
  const columns: [title: string, cell: (row: Precision) => string, isOptional?: boolean][] = [
    [texts.fileSize, (row) => formatBytes(row.fileBytes)],
    [texts.memory, (row) => orNothing(row.residentBytes, formatBytes), true],
    [texts.prefill, (row) => orNothing(row.prefillRate, formatRate), true],
    [texts.decode, (row) => orNothing(row.decodeRate, formatRate)],
    [texts.perplexity, (row) => orNothing(row.perplexity, formatDigits)],
    [texts.klMean, (row) => orNothing(row.klMean, formatDigits)],
    [texts.klHigh, (row) => orNothing(row.klHigh, formatDigits), true],
    [texts.sameTop, (row) => orNothing(row.sameTop, formatShare), true],
    ...tasks.map((task): [string, (row: Precision) => string] => [
      task,
      ({ scores }) => {
        const found = scores.find((score) => score.task === task);
        if (!found) return '';
        const [low, high] = [formatScore(found.low), formatScore(found.high)];
        return `${formatScore(found.value)} [${low}, ${high}]`;
      },
    ]),
  ];
  return (
    <div class="table-scroll">
      <table class="type-table numbers">
        <thead>
          <tr>
            <th scope="col">{texts.precision}</th>
            {columns.map(([title, , isOptional]) => (
              <th key={title} scope="col" class={isOptional ? 'optional' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name === SOURCE ? texts.source : row.name}</th>
              {columns.map(([title, cell, isOptional]) => (
                <td key={title} class={isOptional ? 'optional' : undefined}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const orNothing = (value: number | undefined, format: (value: number) => string) =>
  value === undefined ? '' : format(value);
