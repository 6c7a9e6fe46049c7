// Builds the console and writes the C++ source that carries its files:
//
//   node build.mjs --dist FOLDER --assets FILE.cc --depfile FILE.d
//
// The source pulls the files in with .incbin, which costs the compiler nothing; it
// names their hashes, so it changes whenever one of them does. The depfile lists what
// the build read, for Ninja and Make.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const CONTENT_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const consoleFolder = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(path) : [path];
    })
    .sort();
}

function run(script, ...args) {
  const program = join(consoleFolder, 'node_modules', script);
  execFileSync(process.execPath, [program, ...args], { cwd: consoleFolder, stdio: 'inherit' });
}

function assetsOf(dist) {
  return filesBelow(dist).map((file) => {
    const path = '/' + relative(dist, file).split('\\').join('/');
    const contentType = CONTENT_TYPES[extname(file)];
    if (!contentType) {
      throw new Error(`no content type known for ${path}: add one in console/scripts/build.mjs`);
    }
    const bytes = readFileSync(file);
    const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
    return { file, path, contentType, etag, size: bytes.length };
  });
}

function assetSource(assets) {
  const label = (index) => `lathe_console_asset_${index}`;
  const embed = assets.flatMap(({ file }, index) => [
    `    ".globl ${label(index)}\\n.hidden ${label(index)}\\n${label(index)}:\\n"`,
    `    ".incbin ${JSON.stringify(file).replaceAll('"', '\\"')}\\n"`,
  ]);
  const declare = assets.map(
    (_, index) => `extern "C" __attribute__((visibility("hidden"))) const char ${label(index)}[];`,
  );
  const rows = assets.map(
    ({ path, contentType, etag, size }, index) =>
      `    {${JSON.stringify(path)}, ${JSON.stringify(contentType)},\n` +
      `     std::string_view(${label(index)}, ${size}),\n` +
      `     "\\"${etag}\\"", ${path.startsWith('/assets/')}},`,
  );
  return `// Written by console/scripts/build.mjs.
#include "edge/console/console_assets.h"

__asm__(
    ".pushsection .rodata.lathe_console,\\"a\\"\\n"
${embed.join('\n')}
    ".popsection\\n");

${declare.join('\n')}

namespace lathe::console {
namespace {

const Asset kAssets[] = {
${rows.join('\n')}
};

}  // namespace

std::span<const Asset> ConsoleAssets() {
    return kAssets;
}

}  // namespace lathe::console
`;
}

function dependencyLine(target) {
  const inputs = [
    ...filesBelow(join(consoleFolder, 'src')),
    ...['index.html', 'package.json', 'tsconfig.json', 'vite.config.ts'].map((name) =>
      join(consoleFolder, name),
    ),
  ];
  const escaped = inputs.map((path) => path.replaceAll(' ', '\\ '));
  return `${target.replaceAll(' ', '\\ ')}: ${escaped.join(' \\\n  ')}\n`;
}

const { values: options } = parseArgs({
  options: { dist: { type: 'string' }, assets: { type: 'string' }, depfile: { type: 'string' } },
});
const dist = resolve(options.dist);
run('typescript/bin/tsc', '--noEmit');
run('vite/bin/vite.js', 'build', '--outDir', dist, '--emptyOutDir', '--logLevel', 'warn');
mkdirSync(dirname(options.assets), { recursive: true });
writeFileSync(options.assets, assetSource(assetsOf(dist)));
writeFileSync(options.depfile, dependencyLine(resolve(options.assets)));
