//! The text of a failed scenario: what was given, what was done, and what came of it.
//!
//! Invariant: the text depends on the scenario alone; colors are added for a terminal only.

use std::{fmt::Write as _, io::IsTerminal as _};

/// What an expectation has to say about an outcome that is not as expected.
///
/// ```
/// use lucent_testkit::Mismatch;
/// let mismatch = Mismatch::new("the fee is too high")
///     .expected("at most 2")
///     .actual("3")
///     .help("fees are agreed with the customer");
/// assert_eq!(mismatch.to_string(), "the fee is too high");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a mismatch is to be returned as the error"]
pub struct Mismatch {
    headline: String,
    label: &'static str,
    lines: Vec<Line>,
    help: Option<String>,
}

impl Mismatch {
    /// A mismatch, in a few words such as `the events differ`.
    pub fn new(headline: impl Into<String>) -> Self {
        Self { headline: headline.into(), label: "then", lines: Vec::new(), help: None }
    }

    /// Adds a line that says what was expected.
    pub fn expected(self, text: impl Into<String>) -> Self {
        self.line(Line::minus(text, "expected"))
    }

    /// Adds a line that says what happened instead.
    pub fn actual(self, text: impl Into<String>) -> Self {
        self.line(Line::plus(text, "actual"))
    }

    /// Says what to do about it, in place of what was said before.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    pub(super) fn line(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }

    pub(super) fn lines(mut self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// Replaces the label `then` of its first line.
    pub(super) fn labeled(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    /// Marks it as the failure of a check that every scenario makes.
    pub(super) fn of_check(mut self) -> Self {
        self.label = "check";
        let help = self.help.take().unwrap_or_default();
        self.help(format!("{help}\n(`.without_checks()` turns this check off)"))
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.headline)
    }
}

/// A line of a story; its text may have several lines.
#[derive(Clone, Debug)]
pub(super) struct Line {
    label: &'static str,
    mark: Mark,
    number: Option<usize>,
    text: String,
    note: &'static str,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mark {
    Plain,
    Minus,
    Plus,
}

impl Line {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { label: "", mark: Mark::Plain, number: None, text: text.into(), note: "" }
    }

    pub(super) fn minus(text: impl Into<String>, note: &'static str) -> Self {
        Self { mark: Mark::Minus, note, ..Self::plain(text) }
    }

    pub(super) fn plus(text: impl Into<String>, note: &'static str) -> Self {
        Self { mark: Mark::Plus, note, ..Self::plain(text) }
    }

    pub(super) fn numbered(mut self, number: usize) -> Self {
        self.number = Some(number);
        self
    }

    fn write(&self, out: &mut String, note_column: usize, style: Style) {
        let (mark, color) = match self.mark {
            Mark::Plain => (' ', ""),
            Mark::Minus => ('-', style.red),
            Mark::Plus => ('+', style.green),
        };
        let number = self.number.map(|number| number.to_string()).unwrap_or_default();
        let mut head = format!("  {:<6}{mark}{number:>2}  ", self.label);
        for (index, text) in self.text.split('\n').enumerate() {
            let mut line = format!("{head}{text}");
            if index == 0 && !self.note.is_empty() {
                let gap = note_column.saturating_sub(text.chars().count()) + 3;
                let _ = write!(line, "{:gap$}{}", "", self.note);
            }
            let end = if color.is_empty() { "" } else { style.end };
            let _ = write!(out, "\n{color}{}{end}", line.trim_end());
            head = format!("{:8}{mark}{:4}", "", "");
        }
    }

    #[cfg(test)]
    pub(super) fn debug_text(&self) -> String {
        let mark = match self.mark {
            Mark::Plain => ' ',
            Mark::Minus => '-',
            Mark::Plus => '+',
        };
        format!("{mark} {}", self.text)
    }
}

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Story(Vec<Line>);

impl Story {
    /// Adds lines under a label; a long list is shortened in its middle.
    pub(super) fn tell(&mut self, label: &'static str, lines: Vec<Line>) {
        let hidden = lines.len().saturating_sub(LONGEST_LIST);
        let start = self.0.len();
        for (index, line) in lines.into_iter().enumerate() {
            if hidden == 0 || index < LIST_HEAD || index >= LIST_HEAD + hidden {
                self.0.push(line);
            } else if index == LIST_HEAD {
                self.0.push(Line::plain(format!("… {hidden} more")));
            }
        }
        if let Some(first) = self.0.get_mut(start) {
            first.label = label;
        }
    }

    /// Ends the test.
    #[track_caller]
    pub(super) fn fail(&self, mismatch: &Mismatch) -> ! {
        let style = if colors_are_wanted() { COLORED } else { PLAIN };
        panic!("{}", self.text(mismatch, style))
    }

    fn text(&self, mismatch: &Mismatch, style: Style) -> String {
        let Style { bold, end, .. } = style;
        let mut out = format!("{bold}scenario failed: {}{end}", mismatch.headline);
        let mut lines = mismatch.lines.clone();
        if let Some(first) = lines.first_mut() {
            first.label = mismatch.label;
        }
        lines.extend(
            mismatch.help.as_ref().map(|help| Line { label: "help", ..Line::plain(wrapped(help)) }),
        );
        let noted = lines.iter().filter(|line| !line.note.is_empty());
        let widths = noted.filter_map(|line| line.text.lines().next());
        let widths = widths.map(|text| text.chars().count());
        let note_column = widths.filter(|width| *width <= WIDTH).max().unwrap_or(0);
        for line in self.0.iter().chain(&lines) {
            line.write(&mut out, note_column, style);
        }
        out
    }
}

/// Breaks a long text between words.
fn wrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut column = 0;
    for word in text.split_inclusive([' ', '\n']) {
        let width = word.trim_end().chars().count();
        if column > 0 && column + width > WIDTH {
            out.truncate(out.trim_end().len());
            out.push('\n');
            column = 0;
        }
        out.push_str(word);
        column = if word.ends_with('\n') { 0 } else { column + word.chars().count() };
    }
    out
}

#[derive(Clone, Copy)]
struct Style {
    bold: &'static str,
    red: &'static str,
    green: &'static str,
    end: &'static str,
}

/// Whether the panic's message goes to a terminal whose user has not asked for plain text.
fn colors_are_wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !set("NO_COLOR") && !dumb && std::io::stderr().is_terminal()
}

/// How long a printed value may be before it gets a line per field.
pub(super) const WIDTH: usize = 84;

const LONGEST_LIST: usize = 30;
const LIST_HEAD: usize = 10;

const PLAIN: Style = Style { bold: "", red: "", green: "", end: "" };

const COLORED: Style =
    Style { bold: "\u{1b}[1m", red: "\u{1b}[31m", green: "\u{1b}[32m", end: "\u{1b}[0m" };

#[cfg(test)]
mod tests {
    use super::*;

    fn mismatch() -> Mismatch {
        let mismatch = Mismatch::new("the reply differs");
        mismatch.expected("1").actual("two\nlines").help("look again")
    }

    #[test]
    fn colors_mark_the_headline_and_the_differences() {
        let mut story = Story::default();
        story.tell("when", vec![Line::plain("Open")]);
        assert_eq!(
            story.text(&mismatch(), COLORED),
            "\u{1b}[1mscenario failed: the reply differs\u{1b}[0m\n  \
               when       Open\n\
             \u{1b}[31m  then  -    1     expected\u{1b}[0m\n\
             \u{1b}[32m        +    two   actual\u{1b}[0m\n\
             \u{1b}[32m        +    lines\u{1b}[0m\n  \
               help       look again"
        );
        assert!(!story.text(&mismatch(), PLAIN).contains('\u{1b}'));
    }

    #[test]
    fn a_long_list_is_shortened_in_its_middle() {
        let mut story = Story::default();
        let lines = (1..=100).map(|number| Line::plain("x").numbered(number));
        story.tell("given", lines.collect());
        let text = story.text(&Mismatch::new("no"), PLAIN);
        assert_eq!(text.lines().count(), 1 + LONGEST_LIST + 1);
        assert!(text.contains("… 70 more") && text.contains("100  x"), "{text}");
    }
}
