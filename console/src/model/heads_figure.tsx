import { t } from '../i18n';

const HEADS_MAX = 96; // more would be a grey band

const DOT = 12;
const GAP = 4;
const GROUP_GAP = 14;

// Which query heads share which key and value head: dots over bars.
export function HeadsFigure({ heads, groups }: { heads: number; groups: number }) {
  if (groups < 1 || heads % groups !== 0 || heads > HEADS_MAX) return null;
  const perGroup = heads / groups;
  const label = t.value.model.headsFigure(heads, groups);
  return (
    <figure class="heads">
      <div class="heads-groups" role="img" aria-label={label}>
        {Array.from({ length: groups }, (_, group) => (
          <HeadGroup key={group} count={perGroup} />
        ))}
      </div>
      <figcaption>{label}</figcaption>
    </figure>
  );
}

function HeadGroup({ count }: { count: number }) {
  const columns = Math.min(count, 8);
  const rows = Math.ceil(count / columns);
  const width = columns * (DOT + GAP) - GAP;
  const height = rows * (DOT + GAP);
  return (
    <svg
      width={width + GROUP_GAP}
      height={height + 8}
      viewBox={`0 0 ${width + GROUP_GAP} ${height + 8}`}
    >
      {Array.from({ length: count }, (_, index) => (
        <circle
          key={index}
          class="head-query"
          cx={(index % columns) * (DOT + GAP) + DOT / 2}
          cy={Math.floor(index / columns) * (DOT + GAP) + DOT / 2}
          r={DOT / 2 - 1}
        />
      ))}
      <rect class="head-kv" x="0" y={height} width={width} height="5" rx="2.5" />
    </svg>
  );
}
