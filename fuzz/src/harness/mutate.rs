//! The next input: one of the corpus with a few changes, or noise.

use super::Random;

const LONGEST: usize = 2048;

/// What parsers look for, and where they stumble.
const WORDS: [&[u8]; 28] = [
    b"\"",
    b"{}",
    b"[]",
    b"null",
    b"true",
    b"1e308",
    b"1.7345e+12",
    b"-0.0",
    b"9007199254740991",
    b"9007199254740992",
    b"\\u0000",
    b"\\ud800",
    b"%00",
    b"%25",
    b"=sha256=",
    b"://",
    b"@",
    b"..",
    b"RetryAfterMs=",
    b"\"error\":false",
    b"\"owner\":\"\"",
    b"\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x00\x00\x00\x00\x00\x00\x00\x80",
    "\u{202e}".as_bytes(),
    "\u{10ffff}".as_bytes(),
    "\u{85}".as_bytes(),
    "é".as_bytes(),
];

pub(super) fn next(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = match corpus.get(random.below(corpus.len() + 1)) {
        Some(known) => known.clone(),
        None => (0..random.below(64)).map(|_| random.byte()).collect(),
    };
    for _ in 0..=random.below(6) {
        change(&mut input, corpus, random);
    }
    input.truncate(LONGEST);
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len());
    let upto = at + random.below((input.len() - at).min(16) + 1);
    match random.below(9) {
        0 if !input.is_empty() => input[at] ^= 1 << random.below(8),
        1 if !input.is_empty() => input[at] = random.byte(),
        2 if !input.is_empty() => {
            input[at] = input[at].wrapping_add(1).wrapping_sub(2 * u8::from(random.below(2) == 1))
        }
        3 => drop(input.drain(at..upto)),
        4 => {
            let copy = input[at..upto].to_vec();
            insert(input, at, &copy);
        }
        5 => insert(input, at, WORDS[random.below(WORDS.len())]),
        6 => insert(input, at, &[random.byte()]),
        7 => input.truncate(upto),
        _ => {
            let Some(other) = corpus.get(random.below(corpus.len())) else { return };
            input.truncate(at);
            input.extend_from_slice(&other[random.below(other.len())..]);
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, what: &[u8]) {
    drop(input.splice(at..at, what.iter().copied()));
}
