import { t } from '../i18n';
import { formatBytes, formatCompact, formatShare, formatWhole } from '../ui/format';
import type { TypeShare } from './facts';

const SHADES = 6; // colours in model.css; further types share the last

// The types of the weights as one bar, and the numbers behind it.
export function TypeTable({ types }: { types: readonly TypeShare[] }) {
  const texts = t.value.model;
  const label = types.map(({ type, share }) => `${type} ${formatShare(share)}`).join(', ');
  let start = 0;
  return (
    <>
      <svg
        class="type-bar"
        viewBox="0 0 100 1"
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {types.map(({ type, share }, index) => {
          const x = start;
          start += share * 100;
          return (
            <rect key={type} class={shade(index)} x={x} y="0" width={share * 100} height="1" />
          );
        })}
      </svg>
      <div class="table-scroll">
        <table class="type-table numbers">
          <thead>
            <tr>
              <th scope="col">{texts.type}</th>
              <th scope="col">{texts.share}</th>
              <th scope="col">{texts.bytes}</th>
              <th scope="col" class="optional">
                {texts.tensors}
              </th>
              <th scope="col" class="optional">
                {texts.elements}
              </th>
              <th scope="col">{texts.bitsPerWeight}</th>
            </tr>
          </thead>
          <tbody>
            {types.map((row, index) => (
              <tr key={row.type}>
                <th scope="row">
                  <span class={`swatch ${shade(index)}`} aria-hidden="true" />
                  {row.type}
                </th>
                <td>{formatShare(row.share)}</td>
                <td>{formatBytes(row.bytes)}</td>
                <td class="optional">{formatWhole(row.tensors)}</td>
                <td class="optional" title={formatWhole(row.elements)}>
                  {formatCompact(row.elements)}
                </td>
                <td>{row.elements > 0 ? ((row.bytes * 8) / row.elements).toFixed(2) : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const shade = (index: number) => `shade-${Math.min(index, SHADES - 1)}`;
