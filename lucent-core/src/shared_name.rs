//! Names that two crates of one application use, noticed while the application compiles.
//!
//! Invariant: what is refused here would be refused when the application starts. Functions that are
//! editions of one function share its name without sharing theirs.

use crate::registry::{Function, FunctionKind};

/// Fails to compile if functions of two groups claim one name.
///
/// Each group is sorted by name, as build.rs writes it. Within a group, build.rs has checked the names.
///
/// # Panics
/// If two functions of a kind share a name; the message names both places. Generated registries call this in
/// a constant, so that the panic is a compile error.
///
/// # Example
/// ```
/// use lucent_core::registry::{Function, names_are_unique};
///
/// static GROUPS: &[&[Function]] = &[&[], &[]];
/// const _: () = names_are_unique(GROUPS);
/// ```
pub const fn names_are_unique(groups: &[&[Function]]) {
    let mut first = 0;
    while first < groups.len() {
        let mut second = first + 1;
        while second < groups.len() {
            if let Some((one, other)) = shared(groups[first], groups[second]) {
                let message = Message::about(one, other);
                panic!("{}", message.text());
            }
            second += 1;
        }
        first += 1;
    }
}

/// The first name that two sorted groups share.
const fn shared<'a>(
    ours: &'a [Function],
    theirs: &'a [Function],
) -> Option<(&'a Function, &'a Function)> {
    let (mut our, mut their) = (0, 0);
    while our < ours.len() && their < theirs.len() {
        match compare(ours[our].name.as_bytes(), theirs[their].name.as_bytes()) {
            Order::Before => our += 1,
            Order::Behind => their += 1,
            Order::Same => {
                if rival(&ours[our], &theirs[their]) {
                    return Some((&ours[our], &theirs[their]));
                }
                our += 1;
                their += 1;
            }
        }
    }
    None
}

/// Whether an application cannot have both functions, which have one name.
const fn rival(one: &Function, other: &Function) -> bool {
    let one_crate_twice = same(one.module, other.module) && same(one.file, other.file);
    let of_a_kind = matches!(
        (&one.kind, &other.kind),
        (FunctionKind::Projector { .. }, FunctionKind::Projector { .. })
            | (FunctionKind::EventHandler { .. }, FunctionKind::EventHandler { .. })
            | (FunctionKind::Function { .. }, FunctionKind::Function { .. })
    );
    of_a_kind && !one_crate_twice
}

enum Order {
    Before,
    Behind,
    Same,
}

const fn compare(one: &[u8], other: &[u8]) -> Order {
    let mut index = 0;
    while index < one.len() && index < other.len() {
        if one[index] != other[index] {
            return if one[index] < other[index] { Order::Before } else { Order::Behind };
        }
        index += 1;
    }
    if one.len() == other.len() {
        Order::Same
    } else if one.len() < other.len() {
        Order::Before
    } else {
        Order::Behind
    }
}

const fn same(one: &str, other: &str) -> bool {
    matches!(compare(one.as_bytes(), other.as_bytes()), Order::Same)
}

/// A text that is put together while the compiler evaluates a constant.
struct Message {
    bytes: [u8; MOST],
    length: usize,
}

impl Message {
    const fn about(one: &Function, other: &Function) -> Self {
        Self { bytes: [0; MOST], length: 0 }
            .with("two crates of this application claim the name `")
            .with(one.name)
            .with("`: ")
            .place(one)
            .with(" and ")
            .place(other)
            .with("; give one of them a name of its own: `name = \"…\"` in its attribute")
            .way_out(one)
    }

    const fn place(self, function: &Function) -> Self {
        self.with("`").with(function.module).with("` in ").with(function.file)
    }

    const fn way_out(self, function: &Function) -> Self {
        match function.kind {
            FunctionKind::Function { .. } => self
                .with(", or make it an edition of the other with `of = …` and another `version`"),
            _ => self,
        }
    }

    /// Adds a text, or leaves it out if there is no room for it.
    const fn with(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        if self.length + text.len() > MOST {
            return self;
        }
        let mut index = 0;
        while index < text.len() {
            self.bytes[self.length] = text[index];
            self.length += 1;
            index += 1;
        }
        self
    }

    const fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "two crates of this application claim one name",
        }
    }
}

/// No message is longer.
const MOST: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    const fn function(name: &'static str, module: &'static str) -> Function {
        let kind = FunctionKind::Function { enlist: |_| {} };
        Function { name, module, file: "src/lib.rs", line: 0, kind }
    }

    fn names(groups: &[&[Function]]) -> Option<&'static str> {
        shared(groups[0], groups[1]).map(|(one, _)| one.name)
    }

    #[test]
    fn a_name_of_two_groups_is_found_wherever_it_stands() {
        let ours = ["a", "b@v1", "c", "cc", "e"].map(|name| function(name, "ours"));
        for (theirs, expected) in [
            (vec!["e"], Some("e")),
            (vec!["0", "a", "z"], Some("a")),
            (vec!["b@v2", "bb", "ccc"], None),
            (vec!["aa", "cc", "d"], Some("cc")),
            (vec![], None),
        ] {
            let theirs: Vec<_> = theirs.into_iter().map(|name| function(name, "theirs")).collect();
            assert_eq!(names(&[&ours, &theirs]), expected);
            assert_eq!(names(&[&theirs, &ours]), expected);
        }
    }

    #[test]
    fn a_crate_under_two_names_is_no_rival_of_itself() {
        let ours = [function("a", "ours")];
        assert!(names(&[&ours, &ours]).is_none());
        names_are_unique(&[&ours, &ours, &[]]);
    }

    #[test]
    fn the_message_names_both_places_and_the_ways_out() {
        let (one, other) = (function("fee", "desk::fees"), function("fee", "market"));
        assert_eq!(
            Message::about(&one, &other).text(),
            "two crates of this application claim the name `fee`: `desk::fees` in src/lib.rs and `market` in \
             src/lib.rs; give one of them a name of its own: `name = \"…\"` in its attribute, or make it an \
             edition of the other with `of = …` and another `version`"
        );
    }

    #[test]
    fn a_text_that_does_not_fit_is_left_out() {
        let message = Message { bytes: [0; MOST], length: 0 }.with("a").with(&"b".repeat(MOST));
        assert_eq!(message.with("c").text(), "ac");
    }
}
