import { connection, session } from '../app/services';
import { t } from '../i18n';
import { formatCompact, formatWhole } from '../ui/format';
import { Spindle } from '../ui/spindle';
import { FailureNote } from './failure_note';

export function Welcome() {
  const texts = t.value.chat;
  const failure = connection.failure.value;
  const offline = connection.status.value === 'offline';
  const canAsk = connection.model.value !== '';
  return (
    <div class="welcome">
      <Spindle />
      <h1>{texts.welcome}</h1>
      <ModelLine />
      {offline || failure ? (
        <FailureNote
          failure={offline || !failure ? { kind: 'offline', message: '' } : failure}
          onRetry={() => void connection.check()}
        />
      ) : (
        <ul class="suggestions">
          {texts.suggestions.map(({ title, text }) => (
            <li key={title}>
              <button type="button" disabled={!canAsk} onClick={() => session.send(text)}>
                <span>{title}</span>
                {text}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function ModelLine() {
  const facts = connection.modelFacts.value?.facts;
  if (!facts) return null;
  const parts = [
    connection.model.value,
    facts.parameters === undefined
      ? undefined
      : t.value.model.parameterCount(formatCompact(facts.parameters)),
    facts.types[0]?.type,
    facts.contextLength === undefined
      ? undefined
      : t.value.model.contextOf(formatWhole(facts.contextLength)),
  ];
  return <p class="model-line">{parts.filter(Boolean).join(' · ')}</p>;
}
