//! The codes of findings.
//!
//! Invariant: a code is never given to another finding; each has a page in `explain/`.

/// A stable code.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Code {
    name: &'static str,
    page: &'static str,
}

impl Code {
    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    /// What it means, as Markdown.
    pub(crate) const fn page(self) -> &'static str {
        self.page
    }

    /// The first line of the page, without its `#`.
    pub(crate) fn title(self) -> &'static str {
        let line = self.page.lines().next().unwrap_or_default();
        line.trim_start_matches('#').trim()
    }

    /// Finds a code by its name, in any case, with or without `LU` and zeros.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let number: u32 = digits.parse().ok()?;
        let name = format!("LU{number:04}");
        Self::ALL.iter().copied().find(|code| code.name == name)
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $constant:ident = $name:literal;)*) => {
        impl Code {
            $(
                $(#[doc = $doc])*
                pub(crate) const $constant: Self = Self {
                    name: $name,
                    page: include_str!(concat!("../explain/", $name, ".md")),
                };
            )*

            /// Every code, in order.
            pub(crate) const ALL: &[Self] = &[$(Self::$constant),*];
        }
    };
}

codes! {
    /// A file is not Rust.
    NOT_RUST = "LU0001";
    /// The registry of a crate has a mistake in it.
    REGISTRY = "LU0002";
    /// Two crates use one name.
    SHARED_NAME = "LU0003";
    /// An annotated function stands inside of a macro call.
    IN_MACRO = "LU0004";
    /// The file of a module is missing.
    MISSING_FILE = "LU0005";
    /// The configuration makes no sense.
    CONFIGURATION = "LU0006";
    /// An event's name does not follow the convention.
    EVENT_NAME = "LU0101";
    /// No code writes an event.
    UNUSED_EVENT = "LU0102";
    /// No code sends a command.
    UNSENT_COMMAND = "LU0103";
    /// A shape changed and its version did not.
    SHAPE_CHANGED = "LU0201";
    /// The lock does not say what the code says.
    LOCK_BEHIND = "LU0202";
    /// A locked shape is gone.
    SHAPE_GONE = "LU0203";
    /// A version went down.
    VERSION_BACK = "LU0204";
    /// The lock cannot be read.
    LOCK_INVALID = "LU0205";
    /// The lock has conflict markers in it.
    LOCK_CONFLICT = "LU0206";
    /// The functional core reads a clock.
    CLOCK = "LU0301";
    /// The functional core draws random numbers.
    RANDOM = "LU0302";
    /// The functional core uses files.
    FILES = "LU0303";
    /// The functional core uses the network.
    NETWORK = "LU0304";
    /// The functional core reads the environment.
    ENVIRONMENT = "LU0305";
    /// The functional core uses threads.
    THREADS = "LU0306";
    /// The functional core has unsafe code.
    UNSAFE = "LU0307";
    /// The functional core depends on the order of a hash table.
    HASH_ORDER = "LU0308";
    /// The functional core does not compile for WebAssembly.
    WASM = "LU0309";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_page_of_its_own() {
        for code in Code::ALL {
            assert!(code.page.starts_with(&format!("# {}: ", code.name)), "{}", code.name);
            assert!(code.page.lines().count() > 5, "{} says too little", code.name);
        }
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name).collect();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.is_sorted());
    }

    #[test]
    fn a_code_is_found_however_it_is_written() {
        for text in ["LU0201", "lu0201", "201", "0201"] {
            assert_eq!(Code::find(text), Some(Code::SHAPE_CHANGED), "{text}");
        }
        assert_eq!(Code::find("LU9999"), None);
        assert_eq!(Code::find("shape"), None);
    }
}
