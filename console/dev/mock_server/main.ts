// npm run mock [PORT]: the mock server for work on the console, which `npm run dev` finds.
// With a built console in dist/ it serves that too.
import { MockServer } from './server';

const port = Number(process.argv[2] ?? 8080);
const address = await new MockServer({ dist: 'dist' }).listen(port);
console.log(`mock server: ${address}`);
