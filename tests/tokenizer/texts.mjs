// SPDX-License-Identifier: MIT
// Texts that tokenizers are compared on: written ones, and any number of random ones.

const scripts = {
    latin: 'All human beings are born free and equal in dignity and rights. Déjà vu, naïve façade, Ærøskøbing, Ðorđe, Łódź, ﬁne.',
    vietnamese: 'Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền.',
    greek: 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια. ΣΊΣΥΦΟΣ',
    cyrillic: 'Все люди рождаются свободными и равными в своём достоинстве и правах. Їжак, ґанок, Ћирилица.',
    armenian: 'Բոլոր մարդիկ ծնվում են ազատ ու հավասար։',
    georgian: 'ყველა ადამიანი იბადება თავისუფალი და თანასწორი.',
    hebrew: 'כל בני האדם נולדו בני חורין ושווים בערכם. שָׁלוֹם',
    arabic: 'يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. ١٢٣٤',
    persian: 'تمام افراد بشر آزاد به دنیا می‌آیند. ۱۲۳۴',
    devanagari: 'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता। १२३४ क़लम',
    bengali: 'সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা নিয়ে জন্মগ্রহণ করে। কো',
    gurmukhi: 'ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ ਨਾਲ ਰੱਜਿਆ ਹੈ।',
    gujarati: 'પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો સમાન છે.',
    tamil: 'மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர். கொ',
    telugu: 'ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును సమానులు.',
    kannada: 'ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ.',
    malayalam: 'മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടെ ജനിച്ചിട്ടുള്ളവരാണ്.',
    sinhala: 'සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත.',
    thai: 'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน ๑๒๓',
    lao: 'ມະນຸດເກີດມາມີສິດເສລີພາບ.',
    tibetan: 'འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་',
    burmese: 'လူတိုင်းသည် တူညီ လွတ်လပ်သော',
    khmer: 'មនុស្សទាំងអស់កើតមកមានសេរីភាព',
    amharic: 'የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርም እኩልነት ያለው ነው።',
    han: '人人生而自由,在尊嚴和權利上一律平等。他们赋有理性和良心。𠮷野家',
    japanese: 'すべての人間は、生まれながらにして自由であり、ガギグ ﾊﾝｶｸ が゙',
    korean: '모든 인간은 태어날 때부터 자유로우며 각 한글',
    cherokee: 'ᏂᎦᏓ ᎠᏂᏴᏫ ᏂᎨᎫᏓᎸᎾ',
};

const others = {
    empty_lines: '\n\n\n a \n\n  b\n\t\n\r\n\r\nc\n',
    one_space: ' ',
    spaces: 'a b  c   d    e' + ' '.repeat(40) + 'f' + ' '.repeat(17),
    unusual_spaces: 'a\u00a0b\u0085c\u2003\u2003d\u3000\u3000\u3000e\u1680f\u2028g\u2029h\u202fi\u180ej\u200bk\ufeffl\vm\fn',
    many_newlines: 'x' + '\n'.repeat(33) + 'y' + '\r\n'.repeat(5) + '\n \n  \n   \nz',
    tabs: '\tint x;\n\t\tint y;\n        int z;\n',
    digits: '1 12 123 1234 12345 123456 3.14159 1,000,000 ²³¹ Ⅷ ٣٤٥ ½ 0x1F 1e-5 2026-11-28',
    contractions: "I'm you're HE'LL we've it's She'd 'Tis don't DON'T o'clock 'ſ 'S x'Y 'll 'RE l'été",
    case: 'camelCase PascalCase XMLHttpRequest HTTPServer iPhone aB Ab AB ǅ ǆ ʰ ªº',
    punctuation: '!!! ... ??? -- --- «x» “quoted” ‘q’ (a) [b] {c} <d> a/b\\c @x #y $z %w ^v &u *t +s =r ~q `p` |o| ;n: _m_',
    c: 'static bool decode(const struct tokens *t, size_t n)\n{\n    for (size_t i = 0; i < n; i++)\n        if (!t[i].ok && i % 2 == 0)\n            return false; /* why */\n    return true;\n}\n',
    python: 'def f(x: int) -> str:\n    """Doc."""\n    return f"{x!r:>{10}}" if x else \'\'  # no\n\n\nclass A(B):\n\tpass\n',
    html: '<table><tr><td>1</td></tr></table><br/>&nbsp;<h1>x</h1>\n',
    url: 'https://example.org/a/b?c=d&e=%20f#g  mailto:x@y.zz',
    emoji: '😀👍🏽👩‍👩‍👧‍👦🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ ☃ 1️⃣ text😀text',
    not_composed: 'e\u0301 a\u030a\u0301 \u1112\u1161\u11ab \u212b \u0958 q\u0323\u0307 q\u0307\u0323 \u0344 \u2126 \u0b47\u0b56',
    marks: 'x' + '\u0301'.repeat(30) + '\u0316\u0301\u0316 y\u0301',
    nul: 'a\0b\0\0c',
    controls: 'a\x01\x02\x1b[0m\x7f\u0080\u009f',
    byte_order_mark: '\ufefftext',
    metaspace: 'a▁b ▁▁ c▁',
    looks_like_bytes: '<0x41><0xE2> <0x0A>',
    unassigned: '\u0378\u{10fffe}\ue000\u{f0000}\ufffe\uffff',
    private_and_rare: '𐍈𐎀𝔘𝕟𝖎 𓀀 ꙮ Ꭰ ⵣ',
    leading: '  two before',
    trailing: 'two behind  ',
    long_word: 'a'.repeat(300) + 'b'.repeat(5) + 'internationalization'.repeat(3),
};

// Bytes that are no UTF-8, in hexadecimal.
const broken = {
    lone_continuation: '6180ff62',
    cut_two: '61c3',
    cut_three: '61e282',
    cut_four: 'f09f98',
    cut_four_then_text: 'f09f9861f09f62f063',
    overlong: 'c080c1bfe0809ff08080af',
    surrogate: 'eda080edbfbfed9fbf',
    too_high: 'f4908080f5808080f7bfbfbf',
    five_and_six: 'f888808080fc8480808080feff',
    between: '20ff20ff0a80c32041',
};

export function specialTexts(tokens) {
    const [a, b = a, c = a] = tokens;
    return {
        special: `${a}text${b} more ${c}\n${a}${a}  ${b}  x`,
        special_cut: `${a.slice(0, -1)} ${a.slice(0, 3)}${b}${c.slice(1)}<<${a}>>`,
        special_first: `${b} x`,
        special_last: `x ${c}`,
        special_alone: a,
    };
}

export const texts = { ...scripts, ...others };

export function written() {
    const encoder = new TextEncoder();
    const cases = Object.entries(texts).map(([name, text]) => [name, encoder.encode(text)]);
    for (const [name, hex] of Object.entries(broken))
        cases.push([name, Uint8Array.from(Buffer.from(hex, 'hex'))]);
    return cases;
}

// A small generator of random numbers (mulberry32): the same texts everywhere.
export function generator(seed) {
    let state = seed >>> 0;
    const next = () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    return { real: next, below: (n) => Math.floor(next() * n), of: (list) => list[Math.floor(next() * list.length)] };
}

const spaces = [' ', '\n', '\r', '\t', '\r\n', '\v', '\f', '\u0085', '\u00a0', '\u1680', '\u180e', '\u2003', '\u2028', '\u202f', '\u200b', '\ufeff', '\u3000'];

// Characters that Unicode 9 has: what the reference normalizes by.
function character(random) {
    for (;;) {
        const code = random.below(random.real() < 0.8 ? 0x3000 : 0x20000);
        const text = String.fromCodePoint(code);
        if ((code < 0xd800 || code > 0xdfff) && !/\p{Cn}/u.test(text) && !/\p{M}/u.test(text))
            return text;
    }
}

const marks = ['\u0301', '\u0308', '\u0316', '\u0323', '\u0345', '\u05b0', '\u0651', '\u093c', '\u3099', '\u1161', '\u11a8'];

// A random text: pieces of a vocabulary, special tokens and parts of them, white space, digits,
// anything.
export function randomText(random, pieces, tokens, size) {
    const parts = [];
    let length = 0;
    while (length < size) {
        const kind = random.real();
        let part;
        if (kind < 0.4) part = random.of(pieces);
        else if (kind < 0.5) part = random.of(spaces).repeat(random.of([1, 1, 2, 3, 7, 20]));
        else if (kind < 0.6) part = String(random.below(10 ** random.below(12)));
        else if (kind < 0.65) part = random.of(tokens);
        else if (kind < 0.7) part = random.of(tokens).slice(0, 1 + random.below(6));
        else if (kind < 0.75) part = random.of(["'s", "'LL", "'Re", "n't", '\u2019s', "'"]);
        else if (kind < 0.85) part = character(random);
        else if (kind < 0.9) part = random.of(marks);
        else part = random.of(Object.values(texts)).slice(random.below(30), 30 + random.below(20));
        parts.push(part);
        length += part.length;
    }
    // Half a surrogate pair is no text.
    return parts.join('').toWellFormed?.() ?? Buffer.from(parts.join('')).toString();
}

// The same with bytes changed at random.
export function breakBytes(random, bytes) {
    const copy = Uint8Array.from(bytes);
    for (let i = 0; i < copy.length / 20; i++) copy[random.below(copy.length)] = random.below(256);
    return copy;
}
