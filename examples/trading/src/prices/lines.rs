//! Lines of a file, and the fields of a line.
//!
//! Invariant: a line is never longer in memory than [`LONGEST_LINE`], whatever the file holds.

use std::io::{self, BufRead, Read as _};

use crate::prices::error::Fault;

/// Numbered lines, without their ends and without a byte order mark.
pub(crate) struct Lines<R> {
    reader: R,
    bytes: Vec<u8>,
    number: u64,
    consumed: u64,
}

/// The most bytes of a line.
pub(crate) const LONGEST_LINE: usize = 64 << 10;

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, bytes: Vec::new(), number: 0, consumed: 0 }
    }

    /// The number of the line that was read last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes were read.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The next line that is not blank; nothing at the end.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Result<&str, Fault>>> {
        loop {
            self.bytes.clear();
            let limit = LONGEST_LINE as u64 + 2;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.consumed += read as u64;
            self.number += 1;
            if self.trimmed().len() > LONGEST_LINE {
                let reason = format!("the line is longer than {LONGEST_LINE} bytes");
                return Ok(Some(Err(Fault::new(0, reason))));
            }
            if !self.trimmed().iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(as_text(self.trimmed())));
            }
        }
    }

    fn trimmed(&self) -> &[u8] {
        let line = &self.bytes[..];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.number {
            1 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            _ => line,
        }
    }
}

fn as_text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let reason = "the line is not UTF-8: save the file as UTF-8";
        Fault::new(error.valid_up_to(), reason)
    })
}

/// A field of a line, without the quotes around it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Field {
    pub(crate) text: String,
    /// Where it begins, in bytes.
    pub(crate) offset: usize,
}

/// Splits a line at its commas into `fields`, and says how many there are. A field may stand in
/// double quotes; two of them inside stand for one. The strings of `fields` are used again.
pub(crate) fn split(line: &str, fields: &mut Vec<Field>) -> Result<usize, Fault> {
    let mut offset = 0;
    let mut count = 0;
    loop {
        if fields.len() == count {
            fields.push(Field::default());
        }
        let field = &mut fields[count];
        field.text.clear();
        field.offset = offset;
        count += 1;
        let rest = &line[offset..];
        let length = match rest.strip_prefix('"') {
            Some(quoted) => 1 + unquote(quoted, offset, &mut field.text)?,
            None => {
                let length = rest.find(',').unwrap_or(rest.len());
                field.text.push_str(rest[..length].trim());
                length
            }
        };
        match line.as_bytes().get(offset + length) {
            None => return Ok(count),
            Some(b',') => offset += length + 1,
            Some(_) => {
                return Err(Fault::new(
                    offset + length,
                    "expected a comma after the closing quote",
                ));
            }
        }
    }
}

/// Reads up to the closing quote, and says how many bytes that took.
fn unquote(quoted: &str, offset: usize, text: &mut String) -> Result<usize, Fault> {
    let mut at = 0;
    loop {
        let Some(length) = quoted[at..].find('"') else {
            return Err(Fault::new(offset, "the quote is not closed on this line"));
        };
        text.push_str(&quoted[at..at + length]);
        at += length + 1;
        if !quoted[at..].starts_with('"') {
            return Ok(at);
        }
        text.push('"');
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str) -> Result<Vec<(String, usize)>, Fault> {
        let mut fields = Vec::new();
        let count = split(line, &mut fields)?;
        Ok(fields.drain(..count).map(|field| (field.text, field.offset)).collect())
    }

    fn field(text: &str, offset: usize) -> (String, usize) {
        (text.to_owned(), offset)
    }

    #[test]
    fn commas_and_quotes_divide_a_line() {
        assert_eq!(fields("a,,b").unwrap(), [field("a", 0), field("", 2), field("b", 3)]);
        assert_eq!(fields("\"a,\"\"b\"\"\",c").unwrap(), [field("a,\"b\"", 0), field("c", 10)]);
        assert_eq!(fields("a,").unwrap(), [field("a", 0), field("", 2)]);
    }

    #[test]
    fn broken_quotes_are_refused_where_they_are() {
        assert_eq!(fields("a,\"b").unwrap_err().offset, 2);
        assert_eq!(fields("\"a\"b").unwrap_err().offset, 3);
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_skipped() {
        let text = "\u{feff}a\r\n\r\n \nb";
        let mut lines = Lines::new(text.as_bytes());
        assert_eq!(lines.next_line().unwrap(), Some(Ok("a")));
        assert_eq!(lines.next_line().unwrap(), Some(Ok("b")));
        assert_eq!((lines.number(), lines.consumed()), (4, text.len() as u64));
        assert_eq!(lines.next_line().unwrap(), None);
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let fault = Lines::new(endless).next_line().unwrap().unwrap().unwrap_err();
        assert_eq!(fault.reason, "the line is longer than 65536 bytes");
    }
}
