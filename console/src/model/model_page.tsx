import { PageFrame } from '../app/page_frame';
import { connection } from '../app/services';
import { FailureNote } from '../chat/failure_note';
import { t } from '../i18n';
import { Card } from '../ui/card';
import { formatBytes, formatCompact, formatWhole } from '../ui/format';
import { RawJson } from '../ui/raw_json';
import type { Facts } from './facts';
import { HeadsFigure } from './heads_figure';
import { MemoryCalculator } from './memory_calculator';
import { TypeTable } from './type_table';

export function ModelPage() {
  const model = connection.model.value;
  const found = connection.modelFacts.value;
  if (model && !found) void connection.loadFacts(model);
  return (
    <PageFrame title={t.value.model.title}>
      <Content model={model} />
    </PageFrame>
  );
}

function Content({ model }: { model: string }) {
  const found = connection.modelFacts.value;
  const failure = found?.failure ?? connection.failure.value;
  if (failure && !found?.facts) {
    const retry = () => void (model ? connection.loadFacts(model) : connection.check());
    return <FailureNote failure={failure} onRetry={retry} />;
  }
  if (!found?.facts) {
    const offline = connection.status.value === 'offline';
    if (offline) {
      return (
        <FailureNote
          failure={{ kind: 'offline', message: '' }}
          onRetry={() => void connection.check()}
        />
      );
    }
    const nothing = connection.status.value === 'ready' && !model;
    return <p class="model-note">{nothing ? t.value.model.noModels : t.value.model.loading}</p>;
  }
  return <FactsView model={model} facts={found.facts} json={found.json} />;
}

function FactsView({ model, facts, json }: { model: string; facts: Facts; json: unknown }) {
  const texts = t.value.model;
  return (
    <>
      <div class="model-hero">
        <h1>{model}</h1>
        {facts.name && facts.name !== model && <p class="model-name">{facts.name}</p>}
        <ul class="chips">
          {[facts.architecture, formatName(facts.format), facts.types[0]?.type, facts.license]
            .filter((chip) => chip !== undefined)
            .map((chip) => (
              <li key={chip}>{chip}</li>
            ))}
        </ul>
      </div>
      {facts.problem && <p class="model-problem">{facts.problem}</p>}
      <dl class="figures">
        <Figure
          name={texts.parameters}
          value={compact(facts.parameters)}
          full={whole(facts.parameters)}
        />
        <Figure
          name={texts.fileSize}
          value={bytes(facts.fileBytes)}
          full={whole(facts.fileBytes)}
        />
        <Figure name={texts.contextLength} value={whole(facts.contextLength)} />
        <Figure name={texts.vocabulary} value={whole(facts.vocabSize)} />
        <Figure name={texts.layers} value={whole(facts.layers)} />
        <Figure name={texts.tensors} value={whole(facts.tensorCount)} />
      </dl>
      {facts.types.length > 0 && (
        <Card title={texts.weights}>
          <TypeTable types={facts.types} />
        </Card>
      )}
      {facts.kvBytesPerTokenF16 !== undefined && (
        <Card title={texts.memory}>
          <MemoryCalculator facts={facts} />
        </Card>
      )}
      <div class="model-columns">
        <Card title={texts.shape}>
          <ShapeFacts facts={facts} />
        </Card>
        <Card title={texts.tokenizer}>
          <TokenizerFacts facts={facts} />
        </Card>
      </div>
      <RawJson title={texts.raw} json={json} />
    </>
  );
}

function ShapeFacts({ facts }: { facts: Facts }) {
  const texts = t.value.model;
  const tied =
    facts.tiedHead === undefined ? undefined : facts.tiedHead ? texts.tied : texts.separate;
  const window = slidingWindow(facts);
  return (
    <>
      {facts.heads !== undefined && facts.kvHeads !== undefined && (
        <HeadsFigure heads={facts.heads} groups={facts.kvHeads} />
      )}
      <dl class="rows">
        <Row name={texts.layers} value={whole(facts.layers)} />
        <Row name={texts.width} value={whole(facts.width)} />
        <Row name={texts.feedForward} value={whole(facts.feedForwardWidth)} />
        <Row name={texts.heads} value={whole(facts.heads)} />
        <Row name={texts.kvHeads} value={whole(facts.kvHeads)} />
        <Row name={texts.headDim} value={whole(facts.headDim)} />
        <Row name={texts.slidingWindow} value={window} />
        <Row name={texts.ropeBase} value={whole(facts.ropeBase)} />
        <Row name={texts.ropeScaling} value={facts.ropeScaling ?? texts.none} />
        <Row name={texts.tiedHead} value={tied} />
      </dl>
    </>
  );
}

function slidingWindow({ slidingWindow: window, slidingLayers, layers }: Facts): string {
  const texts = t.value.model;
  if (!window) return texts.noWindow;
  const tokens = texts.tokens(formatWhole(window));
  return slidingLayers && layers ? texts.windowLayers(tokens, slidingLayers, layers) : tokens;
}

function TokenizerFacts({ facts }: { facts: Facts }) {
  const texts = t.value.model;
  const template =
    facts.hasChatTemplate === undefined
      ? undefined
      : facts.hasChatTemplate
        ? texts.has
        : texts.hasNot;
  return (
    <dl class="rows">
      <Row name={texts.kind} value={facts.tokenizer} />
      <Row name={texts.vocabulary} value={whole(facts.vocabSize)} />
      <Row name={texts.bos} value={facts.bos} code />
      <Row name={texts.eos} value={facts.eos} code />
      <Row name={texts.endOfGeneration} value={facts.endOfGeneration} code />
      <Row name={texts.chatTemplate} value={template} />
      <Row name={texts.license} value={facts.license ?? texts.unknown} />
      <Row name={texts.path} value={facts.path} code />
    </dl>
  );
}

function Figure({ name, value, full }: { name: string; value?: string; full?: string }) {
  if (value === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd class="numbers" title={full}>
        {value}
      </dd>
    </div>
  );
}

function Row({ name, value, code = false }: { name: string; value?: string; code?: boolean }) {
  if (value === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd class="numbers">{code ? <code>{value}</code> : value}</dd>
    </div>
  );
}

// Names that are the same in every language.
const FORMATS: Record<string, string> = { gguf: 'GGUF', huggingface: 'Hugging Face' };

const formatName = (format?: string) =>
  format === undefined ? undefined : (FORMATS[format] ?? format);
const whole = (value?: number) => (value === undefined ? undefined : formatWhole(value));
const compact = (value?: number) => (value === undefined ? undefined : formatCompact(value));
const bytes = (value?: number) => (value === undefined ? undefined : formatBytes(value));
