// SPDX-License-Identifier: MIT
// Write golden/: a small tokenizer of each family, and what the reference makes of texts by it.
// See README.md.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { families } from './families.mjs';
import { generator, randomText, specialTexts, texts, written } from './texts.mjs';

const require = createRequire(path.resolve(process.argv[2] ?? '.', 'node_modules') + '/');
const { Tokenizer } = require('@anush008/tokenizers');
const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'golden');
const MERGES = 400;

// The alphabet of byte-level vocabularies, by byte.
function byteAlphabet() {
    let next = 256;
    return Array.from({ length: 256 }, (_, byte) => {
        const visible = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        return String.fromCodePoint(visible ? byte : next++);
    });
}

// Words to learn merges from, as lists of symbols: what the pre-tokenizer makes of the texts.
function learningWords(family, empty) {
    const alphabet = byteAlphabet();
    const normalize = (text) => (empty.getNormalizer() ? empty.getNormalizer().normalizeString(text) : text);
    return Object.values(texts).flatMap((text) => {
        if (family.byteLevel)
            return (text.match(/\s?\S+|\s+/gu) ?? []).map((word) => [...Buffer.from(word)].map((byte) => alphabet[byte]));
        return normalize(text).replaceAll(' ', '▁').match(/▁*[^▁]+|▁+/gu).map((word) => [...word]);
    });
}

function count(words) {
    const counts = new Map();
    for (const word of words)
        for (let i = 0; i + 1 < word.length; i++) {
            const pair = JSON.stringify([word[i], word[i + 1]]);
            counts.set(pair, (counts.get(pair) ?? 0) + 1);
        }
    return counts;
}

function join(word, left, right) {
    const out = [];
    for (let i = 0; i < word.length; i++)
        if (word[i] === left && word[i + 1] === right) {
            out.push(left + right);
            i++;
        } else out.push(word[i]);
    return out;
}

function learn(words, most) {
    const merges = [];
    while (merges.length < most) {
        const [pair, times] = [...count(words)].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
        if (times < 2) break;
        const [left, right] = JSON.parse(pair);
        merges.push([left, right]);
        words = words.map((word) => join(word, left, right));
    }
    return merges;
}

// Characters that occur once stay out: they become bytes, or unknown. So does U+0000, which the
// parser of JSON in C takes for the end of a name.
function symbols(family, words) {
    if (family.byteLevel) return byteAlphabet();
    const counts = new Map();
    for (const symbol of words.flat()) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    return [...counts].filter(([symbol, times]) => times > 1 && symbol !== '\0').map(([symbol]) => symbol);
}

function addedToken(family, content, id) {
    return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true,
        ...family.options?.[content] };
}

function describe(family, vocab, merges, addedIds) {
    return {
        version: '1.0', truncation: null, padding: null,
        added_tokens: Object.entries(addedIds).map(([content, id]) => addedToken(family, content, id)),
        normalizer: family.normalizer,
        pre_tokenizer: family.pre_tokenizer,
        post_processor: family.post({ ...vocab, ...addedIds }),
        decoder: family.decoder,
        model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null,
            end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ...family.model, vocab, merges },
    };
}

function build(family) {
    const empty = Tokenizer.fromString(JSON.stringify({ ...describe({ ...family, model: {} }, {}, [], {}), post_processor: null }));
    const words = learningWords(family, empty);
    const known = new Set(symbols(family, words));
    const merges = learn(words, family.merges ?? MERGES).filter(([left, right]) => [...left, ...right].every((c) => known.has(c)));
    const bytes = family.bytes ? Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`) : [];
    const pieces = [...new Set([...(family.first ?? []), ...bytes, ...known, ...merges.map((pair) => pair.join('')), ...(family.whole ?? [])])];
    const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
    const added = [...(family.first ?? []), ...(family.added ?? [])];
    const addedIds = Object.fromEntries(added.map((content) => [content, vocab[content] ?? pieces.length + family.added.indexOf(content)]));
    return describe(family, vocab, merges, addedIds);
}

function cases(name, json) {
    const encoder = new TextEncoder();
    const tokens = json.added_tokens.map((token) => token.content);
    const random = generator(1 + Object.keys(families).indexOf(name));
    const list = [...written()];
    for (const [title, text] of Object.entries(tokens.length > 0 ? specialTexts(tokens) : {})) list.push([title, encoder.encode(text)]);
    for (let i = 0; i < 4; i++)
        list.push([`random_${i}`, encoder.encode(randomText(random, Object.keys(json.model.vocab), tokens.length > 0 ? tokens : ['<s>'], 300))]);
    return list;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
fs.mkdirSync(folder, { recursive: true });
for (const [name, family] of Object.entries(families)) {
    const json = build(family);
    const reference = Tokenizer.fromString(JSON.stringify(json));
    const results = [];
    for (const [title, bytes] of cases(name, json)) {
        const ids = (await reference.encode(decoder.decode(bytes), null)).getIds();
        const text = await reference.decode(ids, false);
        results.push(JSON.stringify({ name: title, text: Buffer.from(bytes).toString('hex'), ids, decoded: Buffer.from(text).toString('hex') }));
    }
    fs.writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(json) + '\n');
    fs.writeFileSync(path.join(folder, `${name}.cases.json`), `[\n${results.join(',\n')}\n]\n`);
    console.log(`${name}: ${Object.keys(json.model.vocab).length} pieces, ${json.model.merges.length} merges, ${results.length} texts`);
}
