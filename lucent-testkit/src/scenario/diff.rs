//! What differs between two lists of events, or between two values, field by field.
//!
//! Invariant: every difference becomes at least one marked line, and equal things become none.

use super::{
    story::{Line, WIDTH},
    value::{Encoded, Value},
};

/// What the two sides of a comparison are called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    pub(super) minus: &'static str,
    pub(super) plus: &'static str,
}

/// What a scenario says, and what happened.
pub(super) const EXPECTED: Sides = Sides { minus: "expected", plus: "actual" };

/// The same thing done twice.
pub(super) const REPEATED: Sides = Sides { minus: "first", plus: "again" };

/// The lines of two lists of events, equal ones included; none if all are equal.
pub(super) fn events(left: &[Encoded], right: &[Encoded], sides: Sides) -> Vec<Line> {
    if left == right {
        return Vec::new();
    }
    let cost = |i: usize, j: usize| match (&left[i], &right[j]) {
        (a, b) if a == b => Some(0),
        (a, b) if a.name == b.name && a.value != b.value => Some(1),
        _ => None,
    };
    let mut lines = Vec::new();
    for step in align(left.len(), right.len(), cost) {
        match step {
            Step::Left(i) => {
                let text = left[i].print(WIDTH);
                lines.push(Line::minus(text, sides.minus).numbered(i + 1));
            }
            Step::Right(j) => {
                let text = right[j].print(WIDTH);
                lines.push(Line::plus(text, sides.plus).numbered(j + 1));
            }
            Step::Both(i, j) if left[i] == right[j] => {
                lines.push(Line::plain(right[j].print(WIDTH)).numbered(j + 1));
            }
            Step::Both(i, j) => {
                lines.push(Line::plain(right[j].name).numbered(j + 1));
                lines.extend(fields(&left[i].value, &right[j].value, sides));
            }
        }
    }
    lines
}

/// The lines of the fields in which two values differ.
pub(super) fn fields(left: &Value, right: &Value, sides: Sides) -> Vec<Line> {
    let mut lines = Vec::new();
    compare("", Some(left), Some(right), sides, &mut lines);
    lines
}

/// Whether both lists hold the same events, in whatever order.
pub(super) fn same_in_another_order(left: &[Encoded], right: &[Encoded]) -> bool {
    let mut rest: Vec<&Encoded> = right.iter().collect();
    let all_found = left.iter().all(|event| {
        let found = rest.iter().position(|other| *other == event);
        found.map(|index| rest.swap_remove(index)).is_some()
    });
    all_found && rest.is_empty()
}

fn compare(
    path: &str,
    left: Option<&Value>,
    right: Option<&Value>,
    sides: Sides,
    lines: &mut Vec<Line>,
) {
    match (left, right) {
        (Some(a), Some(b)) if a == b => {}
        (Some(Value::Record(a)), Some(Value::Record(b))) => {
            let find = |fields: &'_ [(String, Value)], name: &str| {
                fields.iter().position(|(other, _)| other == name)
            };
            for (name, value) in a {
                let other = find(b, name).map(|index| &b[index].1);
                compare(&field(path, name), Some(value), other, sides, lines);
            }
            for (name, value) in b.iter().filter(|(name, _)| find(a, name).is_none()) {
                compare(&field(path, name), None, Some(value), sides, lines);
            }
        }
        (Some(Value::List(a)), Some(Value::List(b))) => {
            let cost = |i: usize, j: usize| Some(if a[i] == b[j] { 0 } else { 2 * GAP - 1 });
            for step in align(a.len(), b.len(), cost) {
                let (index, x, y) = match step {
                    Step::Both(i, j) => (j, Some(&a[i]), Some(&b[j])),
                    Step::Left(i) => (i, Some(&a[i]), None),
                    Step::Right(j) => (j, None, Some(&b[j])),
                };
                compare(&format!("{path}[{index}]"), x, y, sides, lines);
            }
        }
        _ => {
            let spell = |value: &Value| {
                let value = value.print(WIDTH);
                let text = match path {
                    "" => value,
                    path => format!("{path}: {value}"),
                };
                format!("  {}", text.replace('\n', "\n  "))
            };
            lines.extend(left.map(|value| Line::minus(spell(value), sides.minus)));
            lines.extend(right.map(|value| Line::plus(spell(value), sides.plus)));
        }
    }
}

fn field(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// A step of an alignment of two lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Both(usize, usize),
    Left(usize),
    Right(usize),
}

/// Aligns two lists at the lowest cost; a pair without a cost is never made.
fn align(left: usize, right: usize, cost: impl Fn(usize, usize) -> Option<u32>) -> Vec<Step> {
    if left.saturating_mul(right) > LARGEST_TABLE {
        return in_pairs(left, right, cost);
    }
    let width = right + 1;
    // The lowest cost of aligning what is left from (i, j) on.
    let mut table = vec![0_u32; (left + 1) * width];
    let paired = |table: &[u32], i: usize, j: usize| {
        let here = (i < left && j < right).then(|| cost(i, j)).flatten()?;
        Some(here.saturating_add(table[(i + 1) * width + j + 1]))
    };
    for i in (0..=left).rev() {
        for j in (0..=right).rev() {
            let skip_left = (i < left).then(|| table[(i + 1) * width + j] + GAP);
            let skip_right = (j < right).then(|| table[i * width + j + 1] + GAP);
            let both = paired(&table, i, j);
            let best = [both, skip_left, skip_right].into_iter().flatten().min();
            table[i * width + j] = best.unwrap_or(0);
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::with_capacity(left + right);
    while i < left || j < right {
        let best = table[i * width + j];
        if paired(&table, i, j) == Some(best) {
            steps.push(Step::Both(i, j));
            (i, j) = (i + 1, j + 1);
        } else if i < left && table[(i + 1) * width + j] + GAP == best {
            steps.push(Step::Left(i));
            i += 1;
        } else {
            steps.push(Step::Right(j));
            j += 1;
        }
    }
    steps
}

/// Pairs by index alone, for lists that are too long to be aligned.
fn in_pairs(left: usize, right: usize, cost: impl Fn(usize, usize) -> Option<u32>) -> Vec<Step> {
    let longer = if left > right { left } else { right };
    let mut steps = Vec::with_capacity(longer);
    for index in 0..longer {
        if index < left && index < right && cost(index, index).is_some() {
            steps.push(Step::Both(index, index));
            continue;
        }
        steps.extend((index < left).then_some(Step::Left(index)));
        steps.extend((index < right).then_some(Step::Right(index)));
    }
    steps
}

/// The cost of leaving an item without a partner.
const GAP: u32 = 2;

/// The most cells of a table of costs.
const LARGEST_TABLE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(left: &str, right: &str) -> Vec<String> {
        let parse = |json: &str| Value::parse(json.as_bytes()).unwrap();
        let lines = fields(&parse(left), &parse(right), EXPECTED);
        lines.iter().map(Line::debug_text).collect()
    }

    #[test]
    fn fields_are_compared_by_name_and_paths_are_nested() {
        assert_eq!(
            texts(
                r#"{"a":1,"fee":{"cents":2,"in":"EUR"},"old":true}"#,
                r#"{"fee":{"in":"EUR","cents":3},"a":1,"new":null}"#
            ),
            ["-   fee.cents: 2", "+   fee.cents: 3", "-   old: true", "+   new: null"]
        );
    }

    #[test]
    fn a_removed_item_does_not_make_the_others_differ() {
        assert_eq!(texts(r#"{"x":[1,2,3]}"#, r#"{"x":[2,3]}"#), ["-   x[0]: 1"]);
        assert_eq!(texts("[1,2,3]", "[1,9,3]"), ["-   [1]: 2", "+   [1]: 9"]);
    }

    #[test]
    fn values_of_different_kinds_are_printed_whole() {
        assert_eq!(texts(r#"{"a":[1]}"#, r#"{"a":"x"}"#), ["-   a: [1]", "+   a: \"x\""]);
        assert_eq!(texts("1", "2"), ["-   1", "+   2"]);
    }

    #[test]
    fn long_lists_are_compared_by_index() {
        let same = |i: usize, j: usize| (i == j).then_some(0);
        assert_eq!(in_pairs(1, 2, same), [Step::Both(0, 0), Step::Right(1)]);
    }
}
