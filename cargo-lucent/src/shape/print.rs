//! Shapes as one line of text: what `lucent.lock` holds.
//!
//! Invariant: equal shapes print the same, different ones differ; the text has no line break.

use std::fmt;

use super::{Body, Field, Shape};

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { name, arguments } => {
                f.write_str(name)?;
                if !arguments.is_empty() {
                    f.write_str("<")?;
                    separated(f, arguments)?;
                    f.write_str(">")?;
                }
                Ok(())
            }
            Self::Tuple(items) => {
                f.write_str("(")?;
                separated(f, items)?;
                f.write_str(")")
            }
            Self::Named { name, body } => match body {
                Body::Unit => f.write_str(name),
                body => write!(f, "{name}{body}"),
            },
            Self::Again(name) => write!(f, "^{name}"),
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("()"),
            Self::Tuple(fields) => {
                f.write_str("(")?;
                separated(f, fields)?;
                f.write_str(")")
            }
            Self::Struct(fields) => {
                f.write_str("{")?;
                separated(f, fields)?;
                f.write_str("}")
            }
            Self::Enum { variants, tagging } => {
                f.write_str("[")?;
                if !tagging.is_empty() {
                    write!(f, "#{tagging}: ")?;
                }
                for (index, (name, body)) in variants.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " | " })?;
                    match body {
                        Self::Unit => f.write_str(name)?,
                        body => write!(f, "{name}{body}")?,
                    }
                }
                f.write_str("]")
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name.is_empty() {
            write!(f, "{}{}: ", self.name, if self.optional { "?" } else { "" })?;
        }
        write!(f, "{}", self.shape)?;
        for note in &self.notes {
            write!(f, " #{note}")?;
        }
        Ok(())
    }
}

fn separated(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        write!(f, "{item}")?;
    }
    Ok(())
}
