// Markdown as elements. Every text goes through the view library as text, and links only
// lead where `safeHref` allows; nothing is ever set as HTML.
import type { ComponentChildren, JSX } from 'preact';
import { memo } from '../ui/memo';
import { useMemo } from 'preact/hooks';
import { t } from '../i18n';
import { CopyButton } from '../ui/copy_button';
import type { Block, Inline } from './ast';
import { GrowingMarkdown } from './blocks';
import { highlight } from './highlight';

export function MarkdownView({ text }: { text: string }) {
  const growing = useMemo(() => new GrowingMarkdown(), []);
  return (
    <div class="markdown" dir="auto">
      {growing.update(text).map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </div>
  );
}

// A block that is done keeps its identity while more text comes, and is not drawn again.
const BlockView = memo(({ block }: { block: Block }): JSX.Element => {
  switch (block.kind) {
    case 'paragraph':
      return <p>{inlines(block.children)}</p>;
    case 'heading':
      return <HeadingView level={block.level}>{inlines(block.children)}</HeadingView>;
    case 'code':
      return <CodeView language={block.language} text={block.text} />;
    case 'math':
      return <pre class="math-block">{block.text}</pre>;
    case 'quote':
      return <blockquote>{block.blocks.map(blockView)}</blockquote>;
    case 'list':
      return <ListView block={block} />;
    case 'table':
      return <TableView block={block} />;
    case 'rule':
      return <hr />;
  }
});

const blockView = (block: Block, index: number) => <BlockView key={index} block={block} />;

// The page has its own headings above: an answer's begin at the third level.
function HeadingView({ level, children }: { level: number; children: ComponentChildren }) {
  const Tag = `h${Math.min(6, level + 2)}` as 'h3';
  return <Tag class={`heading-${level}`}>{children}</Tag>;
}

const CodeView = memo(({ language, text }: { language: string; text: string }) => {
  const texts = t.value.chat;
  return (
    <figure class="code" dir="ltr">
      <figcaption>
        <span>{language || texts.code}</span>
        <CopyButton text={text} label={texts.copyCode} words />
      </figcaption>
      <pre tabIndex={0} aria-label={texts.code}>
        <code>
          {highlight(text, language).map((token, index) =>
            token.kind === 'plain' ? (
              token.text
            ) : (
              <span key={index} class={`code-${token.kind}`}>
                {token.text}
              </span>
            ),
          )}
        </code>
      </pre>
    </figure>
  );
});

function ListView({ block }: { block: Block & { kind: 'list' } }) {
  const items = block.items.map(({ checked, blocks }, index) => (
    <li key={index} class={checked === null ? undefined : 'task'}>
      {checked !== null && <input type="checkbox" checked={checked} disabled />}
      {blocks.map((inner, place) =>
        // In a tight list a paragraph is just its text.
        block.tight && inner.kind === 'paragraph' ? (
          <span key={place} class="item-text">
            {inlines(inner.children)}
          </span>
        ) : (
          blockView(inner, place)
        ),
      )}
    </li>
  ));
  if (block.start === null) return <ul>{items}</ul>;
  return <ol start={block.start}>{items}</ol>;
}

function TableView({ block }: { block: Block & { kind: 'table' } }) {
  const align = (column: number) =>
    block.align[column] ? `align-${block.align[column]}` : undefined;
  return (
    <div class="table-scroll" tabIndex={0} role="group">
      <table>
        <thead>
          <tr>
            {block.head.map((cell, column) => (
              <th key={column} scope="col" class={align(column)}>
                {inlines(cell)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {block.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} class={align(column)}>
                  {inlines(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inlines(nodes: Inline[]): ComponentChildren[] {
  return nodes.map((node, index): ComponentChildren => {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'code':
        return <code key={index}>{node.text}</code>;
      case 'math':
        return (
          <code key={index} class="math">
            {node.text}
          </code>
        );
      case 'strong':
        return <strong key={index}>{inlines(node.children)}</strong>;
      case 'emphasis':
        return <em key={index}>{inlines(node.children)}</em>;
      case 'strike':
        return <s key={index}>{inlines(node.children)}</s>;
      case 'link':
        return (
          <a key={index} href={node.href} target="_blank" rel="noopener noreferrer nofollow">
            {inlines(node.children)}
          </a>
        );
      case 'break':
        return <br key={index} />;
    }
  });
}
