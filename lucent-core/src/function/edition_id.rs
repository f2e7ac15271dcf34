//! The name of an edition.
//!
//! Invariant: an edition prints what it is read from.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A version of a function, and the variant of it if it is one.
///
/// ```
/// use lucent_core::function::EditionId;
/// let edition: EditionId = "v3-b".parse()?;
/// assert_eq!(edition, EditionId::version(3).variant("b"));
/// assert_eq!(edition.to_string(), "v3-b");
/// # Ok::<(), lucent_core::function::InvalidEdition>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EditionId {
    version: u32,
    variant: Option<Cow<'static, str>>,
}

impl EditionId {
    /// The edition of this version that is not a variant.
    #[must_use]
    pub const fn version(version: u32) -> Self {
        Self { version, variant: None }
    }

    /// The variant of this name.
    #[must_use]
    pub fn variant(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.variant = Some(name.into());
        self
    }

    /// An edition, for expansions.
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(version: u32, variant: Option<&'static str>) -> Self {
        match variant {
            Some(name) => Self { version, variant: Some(Cow::Borrowed(name)) },
            None => Self::version(version),
        }
    }

    /// The number of the version.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.version
    }

    /// The name of the variant, if it is one.
    #[must_use]
    pub fn variant_name(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

impl From<u32> for EditionId {
    fn from(version: u32) -> Self {
        Self::version(version)
    }
}

impl fmt::Display for EditionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variant {
            Some(variant) => write!(f, "v{}-{variant}", self.version),
            None => write!(f, "v{}", self.version),
        }
    }
}

impl std::str::FromStr for EditionId {
    type Err = InvalidEdition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidEdition { text: text.to_owned() };
        let rest = text.strip_prefix('v').ok_or_else(invalid)?;
        let (version, variant) = match rest.split_once('-') {
            Some((version, variant)) if !variant.is_empty() => (version, Some(variant)),
            Some(_) => return Err(invalid()),
            None => (rest, None),
        };
        let version = version.parse().map_err(|_| invalid())?;
        Ok(Self { version, variant: variant.map(|name| Cow::Owned(name.to_owned())) })
    }
}

impl TryFrom<String> for EditionId {
    type Error = InvalidEdition;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EditionId> for String {
    fn from(edition: EditionId) -> Self {
        edition.to_string()
    }
}

/// A text that names no edition.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not an edition: write `v3`, or `v3-b` for a variant")]
pub struct InvalidEdition {
    /// The text.
    pub text: String,
}
