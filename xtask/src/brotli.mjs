// Sizes of the named files after brotli at its best, as a JSON array: `cargo xtask pkg` prints them.
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress } from 'node:zlib';

const compress = promisify(brotliCompress); // without options: quality 11
const sizes = process.argv.slice(2).map(async (file) => (await compress(await readFile(file))).length);
process.stdout.write(JSON.stringify(await Promise.all(sizes)));
