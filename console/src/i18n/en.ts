// Every text of the console in English. The other languages have this shape; texts with
// values in them are functions.
import type { FailureKind } from '../api/failure';
import type { SamplingKey } from '../chat/sampling';
import { runsEn } from './runs_en';

export interface FailureText {
  title: string;
  advice: string;
}

export interface ControlText {
  label: string;
  help: string;
}

const failures: Record<FailureKind, FailureText> = {
  offline: {
    title: 'The server does not answer',
    advice:
      'Check that `lathe serve` is running and that this page came from its address, then try again.',
  },
  unauthorized: {
    title: 'The server wants an API key',
    advice: 'Enter a key that the server’s administrator gave you.',
  },
  forbidden: {
    title: 'This key may not do that',
    advice: 'Ask the server’s administrator, or enter another key.',
  },
  queue_full: {
    title: 'The server is busy',
    advice: 'Its queue is full. Wait a moment and try again.',
  },
  quota: {
    title: 'The quota of this key is used up',
    advice: 'Waiting does not help; ask the server’s administrator.',
  },
  context_length: {
    title: 'The conversation is too long for this model',
    advice:
      'Start a new conversation, edit an earlier message to go on from there, or lower “Most tokens”.',
  },
  too_large: {
    title: 'The message is too large',
    advice: 'Shorten it, or send it in parts.',
  },
  invalid_request: {
    title: 'The server refused a setting',
    advice: 'Change it in the settings, or reset all of them, and try again.',
  },
  not_found: {
    title: 'The server does not have this model',
    advice: 'It may have been restarted with another one. Reload the page.',
  },
  timeout: {
    title: 'The server took too long',
    advice: 'It may be under heavy load. Try again in a moment.',
  },
  draining: {
    title: 'The server is shutting down',
    advice: 'It finishes what it has begun and takes nothing new. Try again when it is back.',
  },
  loading: {
    title: 'The model is still loading',
    advice: 'Try again in a moment.',
  },
  unavailable: {
    title: 'The server is not available now',
    advice: 'Try again in a moment.',
  },
  server: {
    title: 'The server failed',
    advice: 'Try again; if it happens again, its log tells why.',
  },
  cut: {
    title: 'The answer was cut off',
    advice: 'The connection ended before the answer did. What you see is unfinished.',
  },
  protocol: {
    title: 'This is not what was expected',
    advice: 'Something other than Lathe’s API answered. A proxy in between may be the reason.',
  },
};

const sampling: Record<SamplingKey, ControlText> = {
  temperature: {
    label: 'Temperature',
    help: 'How much chance has a say. 0 always takes the likeliest token; around 0.7 is lively; above 1 becomes wild.',
  },
  top_p: {
    label: 'Top p',
    help: 'Chooses among the likeliest tokens that together have this probability. 1 leaves all in.',
  },
  top_k: {
    label: 'Top k',
    help: 'Chooses among this many of the likeliest tokens. 0 leaves all in.',
  },
  min_p: {
    label: 'Min p',
    help: 'Leaves out tokens less likely than this share of the likeliest one. 0 leaves all in.',
  },
  max_tokens: {
    label: 'Most tokens',
    help: 'The answer ends after this many tokens, finished or not.',
  },
  seed: {
    label: 'Seed',
    help: 'The same seed with the same settings and messages gives the same answer.',
  },
  repetition_penalty: {
    label: 'Repetition penalty',
    help: 'Above 1 makes every token that has occurred, in the prompt too, less likely.',
  },
  frequency_penalty: {
    label: 'Frequency penalty',
    help: 'Above 0 makes a token less likely each time the answer has used it.',
  },
  presence_penalty: {
    label: 'Presence penalty',
    help: 'Above 0 makes a token less likely once the answer has used it.',
  },
};

const plural = (count: number, one: string, many: string) => (count === 1 ? one : many);

export const en = {
  language: 'English',
  app: {
    skip: 'Skip to the message field',
    navigation: 'Main navigation',
    chat: 'Chat',
    model: 'Model',
    runs: 'Runs',
    openSidebar: 'Open the sidebar',
    closeSidebar: 'Close the sidebar',
    close: 'Close',
    cancel: 'Cancel',
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'The browser did not allow copying',
    undo: 'Undo',
    dismiss: 'Dismiss',
    moreActions: 'More actions',
    languageLabel: 'Language',
    themeLabel: 'Appearance',
    themes: { auto: 'As the system', light: 'Light', dark: 'Dark' },
    storageFull:
      'The browser’s storage is full: new messages are not kept. Delete or export some conversations.',
    choosesModel: 'Model',
  },
  status: {
    ready: 'Ready',
    not_ready: 'Not ready',
    offline: 'No connection',
    unknown: 'Connecting…',
    retry: 'Try again',
    back: 'The server is back',
  },
  history: {
    title: 'Conversations',
    new: 'New conversation',
    untitled: 'New conversation',
    empty: 'What you write stays in this browser.',
    rename: 'Rename',
    titleField: 'Title',
    remove: 'Delete',
    removed: (title: string) => `“${title}” was deleted`,
    export: 'Export as JSON',
    exportAll: 'Export all as JSON',
    removeAll: 'Delete all…',
    removeAllTitle: 'Delete all conversations?',
    removeAllText: (count: number) =>
      `${count} ${plural(count, 'conversation', 'conversations')} will be gone from this browser. This cannot be undone.`,
    removeAllConfirm: 'Delete all',
    actions: (title: string) => `Actions for “${title}”`,
    running: 'answering',
    groups: { today: 'Today', yesterday: 'Yesterday', week: 'Last 7 days', older: 'Earlier' },
  },
  chat: {
    messages: 'Messages',
    you: 'You',
    assistant: 'Answer',
    placeholder: 'Write a message',
    field: 'Message',
    send: 'Send',
    stop: 'Stop',
    hint: 'Enter sends · Shift+Enter for a new line',
    hintStop: 'Esc stops',
    regenerate: 'Answer again',
    edit: 'Edit',
    editField: 'Edit message',
    resend: 'Send again',
    retry: 'Try again',
    retryIn: (seconds: number) => `Try again in ${seconds} s`,
    previousVersion: 'Earlier version',
    nextVersion: 'Later version',
    version: (index: number, count: number) => `Version ${index} of ${count}`,
    latest: 'To the latest',
    thinking: 'Thinking',
    thought: 'Thought',
    waiting: 'Reading the prompt…',
    writing: 'Writing…',
    unfinished: 'Unfinished',
    stopped: 'Stopped',
    reachedLimit: 'Reached the limit of tokens',
    emptyAnswer: 'The model answered with nothing.',
    serverSays: 'The server says',
    requestId: 'Request',
    enterKey: 'Enter a key',
    code: 'Code',
    copyCode: 'Copy code',
    announceStarted: 'The model is answering.',
    announceDone: (tokens: number) =>
      `The answer is complete: ${tokens} ${plural(tokens, 'token', 'tokens')}.`,
    announceStopped: 'Stopped.',
    welcome: 'What shall we make?',
    suggestions: [
      { title: 'Explain', text: 'Explain what a lathe does, in three sentences for a child.' },
      { title: 'Write', text: 'Write a short poem about a wood workshop in winter.' },
      { title: 'Code', text: 'Write a Python function that counts the words of a text.' },
      { title: 'Plan', text: 'Make a list of five things to check before a long bicycle trip.' },
    ],
  },
  stats: {
    tokens: (count: string, exact: boolean) =>
      `${exact ? '' : '≈ '}${count} ${count === '1' ? 'token' : 'tokens'}`,
    perSecond: (rate: string) => `${rate} tokens/s`,
    firstToken: (seconds: string) => `first token ${seconds} s`,
    total: (seconds: string) => `${seconds} s in all`,
    prompt: (count: string) => `prompt ${count}`,
    context: (used: string, length: string) => `${used} of ${length} tokens of context used`,
    contextShort: (used: string, length: string) => `${used} / ${length}`,
    speed: 'Speed over the last seconds',
  },
  settings: {
    title: 'Settings',
    open: 'Open the settings',
    close: 'Close the settings',
    systemPrompt: 'System prompt',
    systemPromptHelp:
      'Tells the model who it is and how to answer. It belongs to this conversation.',
    systemPromptPlaceholder: 'You are a helpful assistant.',
    useForNew: 'Use it for new conversations too',
    sampling: 'Sampling',
    samplingHelp: 'What is not set is left to the model’s own defaults.',
    unset: 'default',
    random: 'random',
    reset: (label: string) => `Reset ${label}`,
    resetAll: 'Reset all',
    explain: (label: string) => `What is ${label}?`,
    value: (label: string) => `${label}, value`,
  },
  failures,
  sampling,
  key: {
    title: 'API key',
    text: 'The key goes to this server only, with each request.',
    field: 'Key',
    remember: 'Keep it in this browser',
    save: 'Use this key',
    forget: 'Forget the key',
    show: 'Show the key',
  },
  shortcuts: {
    title: 'Keyboard',
    send: 'Send the message',
    newline: 'New line in the message',
    stop: 'Stop the answer, or close what is open',
    editLast: 'Edit your last message (in an empty field)',
    outside: 'Outside text fields',
    compose: 'Go to the message field',
    newChat: 'New conversation',
    regenerate: 'Answer again',
    edit: 'Edit your last message',
    copy: 'Copy the last answer',
    settings: 'Settings',
    sidebar: 'Sidebar',
    chat: 'Chat page',
    model: 'Model page',
    runs: 'Page of runs',
    help: 'This list',
    enable: 'Single-key shortcuts',
    or: 'or',
  },
  model: {
    title: 'Model',
    loading: 'Reading the model’s facts…',
    noModels: 'The server has no model.',
    overview: 'Overview',
    parameters: 'Parameters',
    fileSize: 'File size',
    tensors: 'Tensors',
    contextLength: 'Context',
    tokens: (count: string) => `${count} tokens`,
    parameterCount: (count: string) => `${count} parameters`,
    contextOf: (count: string) => `${count} tokens of context`,
    license: 'Licence',
    unknown: 'not stated',
    path: 'File',
    format: 'Format',
    architecture: 'Architecture',
    shape: 'Shape',
    layers: 'Layers',
    width: 'Width',
    feedForward: 'Feed-forward width',
    heads: 'Attention heads',
    kvHeads: 'Key and value heads',
    headDim: 'Size of a head',
    vocabulary: 'Vocabulary',
    slidingWindow: 'Sliding window',
    windowLayers: (tokens: string, sliding: number, layers: number) =>
      `${tokens}, in ${sliding} of ${layers} layers`,
    noWindow: 'none: every token sees all before it',
    tiedHead: 'Output weights',
    tied: 'shared with the embedding',
    separate: 'of their own',
    ropeBase: 'Rotary base',
    ropeScaling: 'Rotary scaling',
    none: 'none',
    headsFigure: (heads: number, groups: number) =>
      `${heads} query heads share ${groups} key and value ${plural(groups, 'head', 'heads')}`,
    weights: 'Weights by type',
    type: 'Type',
    elements: 'Elements',
    bytes: 'Bytes',
    share: 'Share',
    bitsPerWeight: 'Bits per weight',
    tokenizer: 'Tokenizer',
    kind: 'Kind',
    bos: 'Begins with',
    eos: 'Ends with',
    endOfGeneration: 'Stops at',
    chatTemplate: 'Chat template',
    has: 'comes with the model',
    hasNot: 'none: the server cannot take chat requests',
    memory: 'Memory for conversations',
    memoryHelp:
      'Besides its weights, a model keeps keys and values for every token of every conversation that runs at the same time.',
    memoryContext: 'Tokens in each conversation',
    memoryUsers: 'Conversations at the same time',
    memoryType: 'Keys and values in',
    memoryWeights: 'Weights',
    memoryKv: 'Keys and values',
    memoryTotal: 'Together',
    memoryPerToken: (bytes: string) => `${bytes} for each token`,
    memoryWindow: 'An upper bound: layers with a sliding window may keep less.',
    memoryBar: (weights: string, kv: string) => `Weights ${weights}, keys and values ${kv}`,
    raw: 'All facts as JSON',
  },
  runs: runsEn,
};

export type Dictionary = typeof en;
