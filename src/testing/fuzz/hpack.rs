//! Field blocks, decoded and encoded again, beside a decoder as simple as the rules.

use crate::hpack::{
    Bounds, DecodeError, Decoder, Encoder, Indexing, Line, STATIC_LINES, STATIC_LINES_COUNT,
    Verdict, byte_codes,
};

/// The sizes of table that an input chooses from.
const TABLE_BYTES: [u32; 8] = [4096, 0, 32, 40, 64, 100, 256, 1000];

/// Bounds that no input of a fuzzer passes.
const WIDE: Bounds = Bounds {
    line_bytes_max: 1 << 20,
    lines_max: 1 << 20,
    list_bytes_max: 1 << 28,
};

/// Bounds that most inputs pass.
const TIGHT: Bounds = Bounds {
    line_bytes_max: 40,
    lines_max: 8,
    list_bytes_max: 400,
};

/// A line, name first.
type Pair = (Vec<u8>, Vec<u8>);

/// A verdict that tells which line it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark(u32);

impl Mark {
    const fn on(name: &[u8], value: &[u8]) -> Self {
        let mut mark = name.len() as u32;
        let mut parts = [name, value];
        while let [[first, rest @ ..], _] | [[], [first, rest @ ..]] = parts {
            mark = mark.wrapping_mul(31).wrapping_add(*first as u32);
            parts = if let [[], _] = parts {
                [&[], rest]
            } else {
                let [_, value] = parts;
                [rest, value]
            };
        }
        Self(mark)
    }
}

impl Verdict for Mark {
    #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
    const STATIC: [Self; STATIC_LINES_COUNT] = {
        let mut marks = [Self(0); STATIC_LINES_COUNT];
        let mut at = 0;
        while at < STATIC_LINES_COUNT {
            let (name, value) = STATIC_LINES[at];
            marks[at] = Self::on(name.as_bytes(), value.as_bytes());
            at += 1;
        }
        marks
    };

    fn of(name: &[u8], value: &[u8]) -> Self {
        Self::on(name, value)
    }
}

/// Decodes `input` as the field blocks of one connection: a byte that chooses the size of the
/// table, and whether the peer learns of it only after its first block; then blocks with a byte
/// before each that says how long it is. The last may be shorter.
///
/// # Panics
///
/// When lines, verdicts, table or error differ from what the rules say; when a bound is passed; or
/// when the lines, encoded and decoded again, are others.
pub fn hpack(input: &[u8]) {
    let Some((choice, mut rest)) = input.split_first() else {
        return;
    };
    let size = TABLE_BYTES
        .get(usize::from(choice % 8))
        .copied()
        .unwrap_or(0);
    let is_late = choice & 0x40 != 0;
    let (mut decoder, mut model) = if is_late {
        (Decoder::<Mark>::new(size), Model::new(4096))
    } else {
        (Decoder::<Mark>::with_table(size), Model::new(size as usize))
    };
    let (mut encoder, mut echo) = (Encoder::new(), Decoder::<Mark>::new(4096));
    if choice & 0x80 != 0 {
        encoder.limit_table(size);
    }
    while let Some((len, behind)) = rest.split_first() {
        let (block, behind) = behind
            .split_at_checked(usize::from(*len))
            .unwrap_or((behind, &[]));
        rest = behind;
        let mut bounded = decoder.clone();
        let lines = decode(&mut decoder, block, &WIDE);
        assert_eq!(lines, model.decode(block));
        check_bounds(&decode(&mut bounded, block, &TIGHT), &lines);
        let Ok(lines) = lines else {
            return;
        };
        assert_eq!(decoder.table_lines(), model.table);
        assert_eq!(decoder.table_bytes() as usize, model.size());
        assert!(model.size() <= model.setting, "the table is too large");
        check_echo(&mut encoder, &mut echo, &lines);
        // Without effect after the first time.
        decoder.acknowledged();
        model.setting = size as usize;
    }
}

/// Decodes a block and holds every line to what is promised of it.
fn decode(
    decoder: &mut Decoder<Mark>,
    block: &[u8],
    bounds: &Bounds,
) -> Result<Vec<Pair>, DecodeError> {
    let mut arena = b"before".to_vec();
    let mut lines = Vec::new();
    let decoded = decoder.decode(block, &mut arena, bounds, |arena, line: Line<Mark>| {
        let text = arena.split_off(line.start as usize);
        let (name, value) = text
            .split_at_checked(line.name_len as usize)
            .expect("the name is within");
        assert_eq!(value.len(), line.value_len as usize);
        assert_eq!(line.verdict, Mark::on(name, value));
        assert_eq!(arena, b"before", "what was there has gone");
        lines.push((name.to_vec(), value.to_vec()));
    });
    decoded.map(|_| lines)
}

/// A bound is passed exactly by a list that is beyond it, if that is no error before.
fn check_bounds(bounded: &Result<Vec<Pair>, DecodeError>, lines: &Result<Vec<Pair>, DecodeError>) {
    let within = |lines: &[Pair]| {
        let sizes = lines.iter().map(|(name, value)| name.len() + value.len());
        lines.len() <= TIGHT.lines_max as usize
            && sizes
                .clone()
                .all(|size| size <= TIGHT.line_bytes_max as usize)
            && sizes.map(|size| size + 32).sum::<usize>() <= TIGHT.list_bytes_max as usize
    };
    match (bounded, lines) {
        (Err(error), Ok(lines)) => assert!(error.is_bound() && !within(lines), "{error:?}"),
        (Err(bounded), Err(error)) => assert!(bounded.is_bound() || bounded == error),
        (Ok(_), _) => {
            assert_eq!(bounded, lines);
            assert!(bounded.as_ref().is_ok_and(|lines| within(lines)));
        }
    }
}

/// Encodes lines, decodes what comes of them, and expects the same.
fn check_echo(encoder: &mut Encoder, echo: &mut Decoder<Mark>, lines: &[Pair]) {
    let mut block = Vec::new();
    encoder.begin(&mut block);
    for (name, value) in lines {
        let indexing = match value.len() % 4 {
            0 => Indexing::Without,
            1 => Indexing::Never,
            _ => Indexing::Incremental,
        };
        encoder.field(name, value, indexing, &mut block);
    }
    let lower = |lines: &[Pair]| -> Vec<Pair> {
        let lower = |(name, value): &Pair| (name.to_ascii_lowercase(), value.clone());
        lines.iter().map(lower).collect()
    };
    let lines = lower(lines);
    assert_eq!(decode(echo, &block, &WIDE).as_ref(), Ok(&lines));
    assert_eq!(lower(&encoder.table_lines()), echo.table_lines());
}

/// A decoder that copies everything and looks at every bit.
struct Model {
    /// Newest first.
    table: Vec<Pair>,
    size_max: usize,
    setting: usize,
}

/// The result of reading something off the front of the input.
type Read<T> = Result<T, DecodeError>;

impl Model {
    fn new(setting: usize) -> Self {
        Self {
            table: Vec::new(),
            size_max: setting,
            setting,
        }
    }

    fn size(&self) -> usize {
        let sizes = self
            .table
            .iter()
            .map(|(name, value)| name.len() + value.len() + 32);
        sizes.sum()
    }

    fn evict_to(&mut self, size: usize) {
        while self.size() > size {
            self.table.pop();
        }
    }

    fn line(&self, index: u64) -> Read<Pair> {
        let place = index.checked_sub(1).ok_or(DecodeError::IndexZero)? as usize;
        let fixed = STATIC_LINES
            .get(place)
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let dynamic = || {
            self.table
                .get(place.checked_sub(STATIC_LINES_COUNT)?)
                .cloned()
        };
        fixed.or_else(dynamic).ok_or(DecodeError::IndexBeyondTables)
    }

    fn decode(&mut self, block: &[u8]) -> Read<Vec<Pair>> {
        let mut input = block.iter();
        let (mut lines, mut updates) = (Vec::new(), 0);
        while let Some(first) = input.clone().next() {
            if first & 0xe0 == 0x20 {
                updates += 1;
                if !lines.is_empty() {
                    return Err(DecodeError::SizeUpdateLate);
                } else if updates > 2 {
                    return Err(DecodeError::SizeUpdateRepeated);
                }
                let size = integer(&mut input, 5)? as usize;
                if size > self.setting {
                    return Err(DecodeError::SizeUpdateTooLarge);
                }
                self.size_max = size;
                self.evict_to(size);
                continue;
            }
            self.check_size()?;
            if first & 0x80 != 0 {
                lines.push(self.line(integer(&mut input, 7)?)?);
            } else {
                let is_indexed = first & 0x40 != 0;
                let name = match integer(&mut input, if is_indexed { 6 } else { 4 })? {
                    0 => string(&mut input)?,
                    index => self.line(index)?.0,
                };
                let line = (name, string(&mut input)?);
                if is_indexed {
                    let size = line.0.len() + line.1.len() + 32;
                    self.evict_to(self.size_max.saturating_sub(size));
                    if size <= self.size_max {
                        self.table.insert(0, line.clone());
                    }
                }
                lines.push(line);
            }
        }
        self.check_size()?;
        Ok(lines)
    }

    fn check_size(&self) -> Read<()> {
        let is_within = self.size_max <= self.setting;
        is_within
            .then_some(())
            .ok_or(DecodeError::SizeUpdateMissing)
    }
}

fn integer(input: &mut std::slice::Iter<'_, u8>, prefix_bits: u32) -> Read<u64> {
    let mask = (1_u64 << prefix_bits) - 1;
    let mut byte = || {
        input
            .next()
            .map(|byte| u64::from(*byte))
            .ok_or(DecodeError::Truncated)
    };
    let mut value = byte()? & mask;
    if value < mask {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21, 28] {
        let byte = byte()?;
        value += (byte & 0x7f) << shift;
        if byte < 0x80 {
            let fits = u32::try_from(value).is_ok();
            return fits.then_some(value).ok_or(DecodeError::IntegerTooLarge);
        }
    }
    Err(DecodeError::IntegerTooLong)
}

fn string(input: &mut std::slice::Iter<'_, u8>) -> Read<Vec<u8>> {
    let is_coded = input.clone().next().is_some_and(|byte| byte & 0x80 != 0);
    let len = integer(input, 7)? as usize;
    let (text, rest) = input
        .as_slice()
        .split_at_checked(len)
        .ok_or(DecodeError::Truncated)?;
    *input = rest.iter();
    if !is_coded {
        return Ok(text.to_vec());
    }
    let codes = byte_codes();
    let (mut out, mut code, mut code_len) = (Vec::new(), 0_u32, 0);
    for bit in text
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
    {
        (code, code_len) = (code << 1 | u32::from(bit), code_len + 1);
        if let Some(symbol) = codes.iter().position(|known| *known == (code, code_len)) {
            out.push(symbol as u8);
            (code, code_len) = (0, 0);
        } else if code_len == 30 {
            // The one code of 30 bits that is no byte's: the end of the string.
            return Err(DecodeError::HuffmanEos);
        }
    }
    if code + 1 != 1 << code_len {
        Err(DecodeError::HuffmanPaddingNotOnes)
    } else if code_len > 7 {
        Err(DecodeError::HuffmanPaddingTooLong)
    } else {
        Ok(out)
    }
}
