// SPDX-License-Identifier: MIT
// What tokenizer.json of each family says besides its vocabulary.

const metaspace = '▁';
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const words = (digits) =>
    `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const cased =
    `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${contractions}?` +
    `|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${contractions}?` +
    '|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
const split = (Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const sequence = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });
const replaceSpaces = { type: 'Replace', pattern: { String: ' ' }, content: metaspace };
const template = (before, behind, ids) => ({
    type: 'TemplateProcessing',
    single: [
        ...before.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
        { Sequence: { id: 'A', type_id: 0 } },
        ...behind.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
    ],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: Object.fromEntries([...before, ...behind].map((id) => [id, { id, ids: [ids[id]], tokens: [id] }])),
});
const spacesBack = { type: 'Replace', pattern: { String: metaspace }, content: ' ' };
const decoders = (...list) => ({ type: 'Sequence', decoders: list });
const fallback = { type: 'ByteFallback' };
const fuse = { type: 'Fuse' };

// first: tokens that come before the others in the vocabulary. added: tokens added behind it.
// whole: pieces that no merge leads to. Other members are those of the file.
export const families = {
    llama2: {
        first: ['<unk>', '<s>', '</s>'],
        bytes: true,
        normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: metaspace }, replaceSpaces] },
        pre_tokenizer: null,
        post: (ids) => template(['<s>'], [], ids),
        decoder: decoders(spacesBack, fallback, fuse, { type: 'Strip', content: ' ', start: 1, stop: 0 }),
        model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
    },
    llama3: {
        added: ['<|begin_of_text|>', '<|end_of_text|>', '<|eot_id|>'],
        byteLevel: true,
        whole: ['Ġinternationalization', 'internationalization', '1234'],
        normalizer: null,
        pre_tokenizer: sequence(split(words('\\p{N}{1,3}')), byteLevel),
        post: (ids) => ({
            type: 'Sequence',
            processors: [{ ...byteLevel, trim_offsets: false }, template(['<|begin_of_text|>'], [], ids)],
        }),
        decoder: byteLevel,
        model: { ignore_merges: true },
    },
    qwen: {
        added: ['<|endoftext|>', '<|im_start|>', '<think>'],
        byteLevel: true,
        normalizer: { type: 'NFC' },
        pre_tokenizer: sequence(split(words('\\p{N}')), byteLevel),
        post: () => byteLevel,
        decoder: byteLevel,
        model: { continuing_subword_prefix: '', end_of_word_suffix: '', ignore_merges: false },
    },
    gptoss: {
        added: ['<|startoftext|>', '<|return|>', '<|call|>'],
        byteLevel: true,
        whole: ['Ġinternationalization'],
        normalizer: null,
        pre_tokenizer: sequence(split(cased), byteLevel),
        post: () => byteLevel,
        decoder: byteLevel,
        model: { ignore_merges: true },
    },
    gemma: {
        first: ['<pad>', '<eos>', '<bos>', '<unk>', '\n\n', '\n\n\n', '\t\t', '<table>', '</td>'],
        bytes: true,
        normalizer: replaceSpaces,
        pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
        post: (ids) => template(['<bos>'], [], ids),
        decoder: decoders(spacesBack, fallback, fuse),
        model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: true, ignore_merges: false },
    },
    // As of Phi-3 and newer conversions of Llama 2: Metaspace, tokens that take white space along.
    metaspace: {
        first: ['<unk>', '<s>', '</s>', '<|user|>', '<|mask|>', ' <added>'],
        options: {
            '<|user|>': { rstrip: true },
            '<|mask|>': { lstrip: true, rstrip: true },
            ' <added>': { normalized: true, special: false },
        },
        normalizer: null,
        pre_tokenizer: { type: 'Metaspace', replacement: metaspace, prepend_scheme: 'first', split: false },
        post: (ids) => template(['<s>'], ['</s>'], ids),
        decoder: { type: 'Metaspace', replacement: metaspace, prepend_scheme: 'first', split: false },
        model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: false },
    },
    // Older ones: a piece for every word, unknown characters one by one, added text normalized.
    metaspace_split: {
        first: ['<unk>', '<s>', 'word'],
        options: { word: { normalized: true, special: false, lstrip: true } },
        normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { String: '--' }, content: '—' }] },
        pre_tokenizer: { type: 'Metaspace', replacement: metaspace, add_prefix_space: true },
        post: () => null,
        decoder: { type: 'Metaspace', replacement: metaspace, add_prefix_space: true },
        model: { unk_token: '<unk>', fuse_unk: false, byte_fallback: false },
    },
    gpt2: {
        added: ['<|endoftext|>'],
        byteLevel: true,
        normalizer: null,
        pre_tokenizer: { ...byteLevel, add_prefix_space: true, use_regex: true },
        post: () => byteLevel,
        decoder: byteLevel,
        model: {},
    },
    // As of DeepSeek: one expression behind another.
    several: {
        added: ['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>'],
        byteLevel: true,
        normalizer: { type: 'Sequence', normalizers: [] },
        pre_tokenizer: sequence(
            split('\\p{N}{1,3}'),
            split('[一-龥぀-ゟ゠-ヿ]+'),
            split('[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'),
            byteLevel),
        post: (ids) => template(['<｜begin▁of▁sentence｜>'], [], ids),
        decoder: byteLevel,
        model: {},
    },
    // Every behavior of Split, inverted and not, and Digits.
    removed: {
        added: ['<|x|>'],
        byteLevel: true,
        normalizer: null,
        pre_tokenizer: sequence(
            { type: 'Split', pattern: { Regex: '\\p{L}+|\\n+' }, behavior: 'Removed', invert: true },
            { type: 'Digits', individual_digits: false },
            byteLevel),
        post: () => null,
        decoder: byteLevel,
        model: {},
    },
    merged: {
        added: ['<|x|>'],
        byteLevel: true,
        normalizer: null,
        pre_tokenizer: sequence(
            { type: 'Split', pattern: { String: '\n' }, behavior: 'MergedWithPrevious', invert: false },
            { type: 'Split', pattern: { Regex: '\\s' }, behavior: 'MergedWithNext', invert: false },
            { type: 'Split', pattern: { Regex: '\\p{Lu}' }, behavior: 'MergedWithNext', invert: true },
            { type: 'Split', pattern: { Regex: '\\p{P}' }, behavior: 'Contiguous', invert: false },
            { type: 'Digits', individual_digits: true },
            byteLevel),
        post: () => null,
        decoder: byteLevel,
        model: {},
    },
    // Every byte is the token of its number: the vocabulary of a model over bytes.
    bytes: {
        byteLevel: true,
        merges: 0,
        normalizer: null,
        pre_tokenizer: byteLevel,
        post: () => null,
        decoder: byteLevel,
        model: {},
    },
};
