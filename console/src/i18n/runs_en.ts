// The texts of the pages of runs in English.
import type { AdviceVerdict, Change, Limit } from '../runs/reports';
import type { RunKind, RunState } from '../runs/runs';

const kinds: Record<RunKind, string> = {
  evaluation: 'Evaluation',
  quantization: 'Quantization report',
  choice: 'Choice of a model',
};

const states: Record<RunState, string> = {
  running: 'Running',
  done: 'Done',
  failed: 'Failed',
  stopped: 'Stopped',
  interrupted: 'Interrupted',
};

const limits: Record<Limit, string> = {
  first_token_ms: 'First token, ms',
  tokens_per_second: 'Tokens/s',
  memory_gib: 'Memory, GiB',
  cost_per_million_tokens: 'Cost of a million tokens',
};

const advice: Record<AdviceVerdict, string> = {
  enough: 'There is little left to win by tuning or by a larger model.',
  tune: 'Tune the recommended model: there are enough examples for it.',
  try_tuning: 'Try to tune the recommended model: there may be enough examples for it.',
  grow: 'Take a larger model: it is certainly better, and there are too few examples to tune.',
  collect: 'Collect examples: no larger model is certainly better, and there are too few to tune.',
};

const changes: Record<Change['kind'], (what: string, value: string, then: string) => string> = {
  tighten: (what, value, then) =>
    `With a limit tighter than ${value} (${what}) it would be ${then}.`,
  relax: (what, value, then) => `With the limit relaxed to ${value} (${what}) it would be ${then}.`,
  weight: (what, value, then) => `With a weight beyond ${value} for ${what} it would be ${then}.`,
};

export const runsEn = {
  title: 'Runs',
  all: 'All runs',
  kinds,
  states,
  loading: 'Reading the runs…',
  emptyTitle: 'No runs yet',
  empty: (folder: string) =>
    `Runs are read from ${folder}. These commands make one; each shows up here by itself:`,
  emptyEvaluation: 'measures how well a model does tasks',
  emptyQuantization: 'shows what each precision costs and gains',
  emptyChoice: 'chooses a model by measurements',
  failures: {
    gone: {
      title: 'There is no such run',
      advice: 'Its folder may have been removed or renamed. The list shows those that are there.',
    },
    refused: {
      title: 'This cannot be shown',
      advice: 'The server’s words below say why; choose another run.',
    },
  },
  name: 'Run',
  model: 'Model',
  state: 'State',
  scores: 'Scores',
  changed: 'Changed',
  tasks: (names: string) => `Tasks: ${names}`,
  more: (count: string) => `and ${count} more`,
  progress: (done: string, total: string) => `${done} of ${total}`,
  found: (count: string) => `${count} were there before`,
  secondsLeft: (seconds: string) => `${seconds} s left`,
  minutesLeft: (minutes: string) => `${minutes} min left`,
  hoursLeft: (hours: string) => `${hours} h left`,
  progressBar: (name: string) => `Progress of ${name}`,
  interruptedAdvice:
    'The process ended before its work did. The same command with this folder as its output goes on where it stopped:',
  notYet: 'There are no results yet; they appear here when the run is done.',
  problem: 'A file of this run cannot be read',
  announceDone: (name: string) => `The run ${name} is done.`,
  announceState: (name: string, state: string) => `The run ${name}: ${state}.`,
  task: 'Task',
  metric: 'Metric',
  filter: 'Filter',
  value: 'Value',
  standardError: 'Standard error',
  interval: '95 % interval',
  documents: 'Documents',
  shots: 'Examples before the question',
  lowerIsBetter: 'lower is better',
  plotOf: (score: string, low: string, high: string) =>
    `${score}, 95 % interval from ${low} to ${high}`,
  plotAlone: (score: string) => `${score}, without an interval`,
  warnings: 'Warnings',
  configuration: 'Configuration',
  folder: 'Folder',
  raw: 'Everything as JSON',
  samples: 'Samples',
  noSamples: 'This run kept no samples.',
  search: 'Search in question, target and answer',
  outcome: 'Show',
  outcomes: { '': 'All', right: 'Right', wrong: 'Wrong' },
  allFilters: 'All filters',
  nothingFound: 'No sample is like that.',
  brokenLines: (count: string) => `${count} lines of the file could not be read.`,
  right: 'Right',
  wrong: 'Wrong',
  undecided: 'Neither right nor wrong',
  document: (id: string) => `Document ${id}`,
  question: 'Question',
  target: 'Target',
  answer: 'Answer',
  unfiltered: 'Answer before the filter',
  choices: 'Choices',
  logLikelihood: 'Log-likelihood',
  isTarget: 'target',
  isAnswer: 'answer',
  nothing: 'nothing',
  page: (from: string, to: string, total: string) => `${from}–${to} of ${total}`,
  previous: 'Previous page',
  next: 'Next page',
  compare: 'Compare',
  compareTitle: 'Compare two runs',
  compareWith: 'Compare with another run',
  compareHelp:
    'Two runs of the same tasks are compared document by document, so that luck in the choice of documents plays no part.',
  compareEmpty: 'There must be two finished evaluations to compare. This command makes one:',
  baseline: 'Baseline (A)',
  candidate: 'Candidate (B)',
  choose: 'Choose a run',
  swap: 'Swap A and B',
  comparing: 'Comparing…',
  difference: 'Difference',
  wins: 'B better',
  losses: 'A better',
  ties: 'Equal',
  pValue: 'p',
  conclusions: 'What may be concluded',
  verdicts: {
    worse: (where: string, documents: string) =>
      `${where}: B is worse than A on documents like these ${documents}.`,
    better: (where: string, documents: string) =>
      `${where}: B is better than A on documents like these ${documents}.`,
    open: (where: string, documents: string) =>
      `${where}: ${documents} documents do not tell A and B apart.`,
    same: (where: string, documents: string) =>
      `${where}: A and B have the same score on every one of ${documents} documents.`,
    unknown: (where: string, documents: string) =>
      `${where}: the server does not say what ${documents} documents allow to conclude.`,
  },
  documentsNeeded: (documents: string) =>
    `A difference of this size, if it is real, takes about ${documents} documents.`,
  shareDifferingMax: (percent: string) =>
    `Elsewhere they may still differ on up to ${percent} % of documents.`,
  pCorrected: (alpha: string) =>
    `p is corrected for the number of comparisons; up to ${alpha} counts as told apart.`,
  changedDocuments: 'Changed documents',
  changedShown: (shown: string, total: string) => `${shown} of ${total} are shown.`,
  noChanged: 'No document has another score.',
  became: (a: string, b: string) => `${a} → ${b}`,
  answerOf: (run: string) => `Answer of ${run}`,
  openPage: 'Open the report',
  savePage: 'Save the report',
  precision: 'Precision',
  source: 'source',
  fileSize: 'File',
  memory: 'Memory',
  prefill: 'Prompt, tokens/s',
  decode: 'Answer, tokens/s',
  perplexity: 'Perplexity',
  klMean: 'KL divergence, mean',
  klHigh: 'KL, 99.9 %',
  sameTop: 'Same top token',
  measuredOn: (text: string, machine: string) => `Measured on ${text}; ${machine}.`,
  tradeOff: 'Divergence against size',
  tradeOffHelp: 'Down and to the left is better. The divergence is on a logarithmic scale.',
  tradeOffPoint: (name: string, size: string, divergence: string) =>
    `${name}: ${size}, divergence ${divergence}`,
  table: 'Table',
  recommended: 'Recommended',
  recommends: (name: string) => `${name} is recommended.`,
  noneRecommended: 'No candidate keeps all limits.',
  quick: 'Only the quick screen was run: the differences are rough.',
  machine: (name: string) => `Measured on ${name}.`,
  languagesNotMeasured: (names: string) => `No task measures these languages: ${names}.`,
  ranking: 'Ranking',
  candidateName: 'Candidate',
  quality: 'Quality',
  qualityHelp: '100 is all right, 0 as good as guessing; weighted over the tasks.',
  limits,
  breaks: (limit: string) => `breaks a limit: ${limit}`,
  notToldApart: 'not told apart from the recommended one',
  front: 'on the Pareto front',
  qualityAgainst: 'Quality against speed',
  qualityAgainstHelp: 'Up and to the right is better.',
  qualityPoint: (name: string, quality: string, speed: string) =>
    `${name}: quality ${quality}, ${speed} tokens/s`,
  changesTitle: 'What would change it',
  changes,
  adviceTitle: 'Tune or grow',
  advice,
  ruleOfThumb: 'A rule of thumb, not a measurement.',
  out: 'Not in the ranking',
  fates: {
    set_aside: 'set aside by prediction',
    failed: 'could not be measured',
    dropped: 'dropped after the screen, for',
  },
};
