//! Pieces of a text exchanged for others.
//!
//! Invariant: indices and lengths come from a file and are not trusted; what does not fit is `None`.

use crate::emit::{Rendered, Section};

/// What a sorted list consists of after a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// The items of the old list from one index up to another one.
    Keep(usize, usize),
    /// The next of the new items.
    Insert,
}

/// The steps from a list of `length` items to one that lacks those `removed`, and has new ones before
/// the old ones that `inserted` names; both are sorted.
pub(super) fn steps(removed: &[usize], inserted: &[usize], length: usize) -> Vec<Step> {
    let (mut removed, mut inserted) = (removed.iter().peekable(), inserted.iter().peekable());
    let (mut steps, mut at) = (Vec::new(), 0);
    loop {
        let removal = removed.peek().map_or(length, |&&index| index);
        let insertion = inserted.peek().map_or(length, |&&index| index);
        let cut = if removal < insertion { removal } else { insertion };
        if cut > at {
            steps.push(Step::Keep(at, cut));
            at = cut;
        }
        if inserted.next_if(|&&index| index == cut).is_some() {
            steps.push(Step::Insert);
        } else if removed.next().is_some() {
            at += 1;
        } else {
            return steps;
        }
    }
}

/// Takes the steps from an old list to a new one.
pub(super) fn applied<T>(steps: &[Step], old: Vec<T>, new: Vec<T>) -> Vec<T> {
    let (mut old, mut new) = (old.into_iter(), new.into_iter());
    let (mut list, mut at) = (Vec::with_capacity(old.len() + new.len()), 0);
    for step in steps {
        match *step {
            Step::Keep(from, to) => {
                old.by_ref().take(from - at).for_each(drop);
                list.extend(old.by_ref().take(to - from));
                at = to;
            }
            Step::Insert => list.extend(new.next()),
        }
    }
    list
}

/// Takes the steps of each section from an old text to a new one.
///
/// `fresh` has the new pieces only; what is between its sections must be between those of the old text.
pub(super) fn spliced(
    old: &[u8],
    sections: &[Section],
    steps: &[&[Step]],
    fresh: Option<&Rendered>,
) -> Option<(Vec<u8>, Vec<Section>)> {
    if let Some(fresh) = fresh
        && gaps(old, sections)? != gaps(fresh.text.as_bytes(), &fresh.sections)?
    {
        return None;
    }
    let capacity = old.len() + fresh.map_or(0, |fresh| fresh.text.len());
    let (mut text, mut moved, mut at) = (Vec::with_capacity(capacity), Vec::new(), 0);
    for (index, (section, steps)) in sections.iter().zip(steps).enumerate() {
        text.extend_from_slice(old.get(at..section.start)?);
        let start = text.len();
        let new = fresh.and_then(|fresh| Some((&fresh.text, fresh.sections.get(index)?)));
        let ends = ends(section);
        let mut unused = new.map_or(0, |(_, section)| section.start);
        let lengths = new.map(|(_, section)| section.lengths.clone()).unwrap_or_default();
        let mut next = lengths.iter();
        for step in *steps {
            match *step {
                Step::Keep(from, to) => {
                    text.extend_from_slice(old.get(*ends.get(from)?..*ends.get(to)?)?);
                }
                Step::Insert => {
                    let end = unused.saturating_add(*next.next()? as usize);
                    text.extend_from_slice(new?.0.as_bytes().get(unused..end)?);
                    unused = end;
                }
            }
        }
        at = *ends.last()?;
        moved.push(Section { start, lengths: applied(steps, section.lengths.clone(), lengths) });
    }
    text.extend_from_slice(old.get(at..)?);
    Some((text, moved))
}

/// The parts of a text that are in no section.
pub(super) fn gaps<'a>(text: &'a [u8], sections: &[Section]) -> Option<Vec<&'a [u8]>> {
    let (mut gaps, mut at) = (Vec::new(), 0);
    for section in sections {
        gaps.push(text.get(at..section.start)?);
        at = *ends(section).last()?;
    }
    gaps.push(text.get(at..)?);
    Some(gaps)
}

/// Where the pieces of a section end, the section's start first.
fn ends(section: &Section) -> Vec<usize> {
    let mut ends = Vec::with_capacity(section.lengths.len() + 1);
    let mut end = section.start;
    ends.push(end);
    for length in &section.lengths {
        end = end.saturating_add(*length as usize);
        ends.push(end);
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(removed: &[usize], inserted: &[usize], expected: &str) {
        let steps = steps(removed, inserted, 4);
        let new = vec!['x', 'y', 'z'];
        let list: String = applied(&steps, vec!['a', 'b', 'c', 'd'], new).into_iter().collect();
        assert_eq!(list, expected, "{removed:?} {inserted:?}");
    }

    #[test]
    fn steps_remove_and_insert_in_order() {
        check(&[], &[], "abcd");
        check(&[0, 3], &[], "bc");
        check(&[], &[0, 4, 4], "xabcdyz");
        check(&[1], &[1, 1, 2], "axyzcd");
        check(&[0, 1, 2, 3], &[2], "x");
        check(&[2], &[0, 2, 4], "xabydz");
    }

    fn rendered(pieces: [&[&str]; 2]) -> Rendered {
        let mut rendered = Rendered { text: "head ".to_owned(), ..Rendered::default() };
        for pieces in pieces {
            let start = rendered.text.len();
            pieces.iter().for_each(|piece| rendered.text.push_str(piece));
            let lengths = pieces.iter().map(|piece| u32::try_from(piece.len()).unwrap()).collect();
            rendered.sections.push(Section { start, lengths });
            rendered.text.push_str(" foot ");
        }
        rendered
    }

    #[test]
    fn a_spliced_text_is_that_of_the_new_list_and_so_are_its_sections() {
        let old = rendered([&["a", "bb", "", "dd"], &["1", "2", "3", "4"]]);
        let fresh = rendered([&["xx"], &["9"]]);
        let steps = steps(&[1, 2], &[3], 4);
        let (text, sections) =
            spliced(old.text.as_bytes(), &old.sections, &[&steps, &steps], Some(&fresh)).unwrap();
        let expected = rendered([&["a", "xx", "dd"], &["1", "9", "4"]]);
        assert_eq!(String::from_utf8(text).unwrap(), expected.text);
        for (is, shall) in sections.iter().zip(&expected.sections) {
            assert_eq!((is.start, &is.lengths), (shall.start, &shall.lengths));
        }
    }

    #[test]
    fn what_does_not_fit_is_noticed() {
        let old = rendered([&["a"], &["1"]]);
        let steps = steps(&[], &[1], 1);
        let steps = [steps.as_slice(), &steps];
        let mut other = rendered([&["b"], &["2"]]);
        assert!(spliced(old.text.as_bytes(), &old.sections, &steps, Some(&other)).is_some());
        assert!(spliced(b"short", &old.sections, &steps, Some(&other)).is_none());
        assert!(spliced(old.text.as_bytes(), &old.sections, &steps, None).is_none());
        other.text.push_str("longer");
        assert!(spliced(old.text.as_bytes(), &old.sections, &steps, Some(&other)).is_none());
    }
}
