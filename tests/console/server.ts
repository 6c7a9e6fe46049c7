// The server under test:
//   LATHE_CONSOLE_URL   one that runs already
//   LATHE_BINARY        the program: started with SmolLM2 for the tests, stopped after
//   neither             the mock server, with the built console in LATHE_CONSOLE_DIST
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { MockServer, type MockServerOptions } from '../../console/dev/mock_server/server';

export interface ServerUnderTest {
  address: string;
  stop: () => Promise<void>;
}

const START_MS_MAX = 120_000;
const OUTPUT_MAX = 20_000;

export async function startServer(): Promise<ServerUnderTest> {
  const url = process.env['LATHE_CONSOLE_URL'];
  if (url) return { address: new URL(url).origin, stop: async () => {} };
  const binary = process.env['LATHE_BINARY'];
  if (binary) return startBinary(binary);
  const mock = await startMock();
  return { address: mock.address, stop: () => mock.server.close() };
}

export async function startMock(
  options: MockServerOptions = {},
): Promise<{ address: string; server: MockServer }> {
  const dist = process.env['LATHE_CONSOLE_DIST'];
  if (!dist) throw new Error('LATHE_CONSOLE_DIST must name the folder of the built console');
  const server = new MockServer({ dist, tokenMs: 25, ...options });
  return { address: await server.listen(), server };
}

// `more`: further arguments of `lathe serve`.
export async function startBinary(binary: string, more: string[] = []): Promise<ServerUnderTest> {
  const port = await freePort();
  const wanted = ['serve', '--model', 'smollm2-135m', '--port', String(port), ...more];
  const child = spawn(binary, wanted, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_MAX);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const address = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MS_MAX;
  while (!(await isReady(address))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`lathe serve did not become ready (exit code ${child.exitCode}):\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { address, stop: () => terminate(child) };
}

async function isReady(address: string): Promise<boolean> {
  return fetch(`${address}/health`).then(
    (response) => response.ok,
    () => false,
  );
}

async function terminate(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await gone;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
