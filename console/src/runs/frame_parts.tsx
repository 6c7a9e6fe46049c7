import { PageAnchor } from '../app/page_anchor';
import { t } from '../i18n';
import { Card } from '../ui/card';
import { Icon } from '../ui/icon';

// What the pages of runs have in common.

export function BackToRuns() {
  return (
    <PageAnchor class="back-link" to={{ page: 'runs' }}>
      <Icon name="chevronLeft" size={16} />
      {t.value.runs.all}
    </PageAnchor>
  );
}

export function Warnings({ warnings }: { warnings: readonly string[] }) {
  if (warnings.length === 0) return null;
  return (
    <Card title={t.value.runs.warnings}>
      <ul class="run-warnings">
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </Card>
  );
}
