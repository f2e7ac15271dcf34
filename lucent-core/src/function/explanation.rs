//! What `explain` says of a call.

use std::fmt;

use crate::function::{BUCKETS, EditionId, Ran, Reason, Refusal, Share};

/// What `explain` says of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// What the call would run, or why it would run nothing.
    pub outcome: Result<Ran, Refusal>,
    /// The share of the rollout, if there is one.
    pub share: Option<Share>,
    /// The edition that would run beside it.
    pub shadow: Option<EditionId>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ran = match &self.outcome {
            Ok(ran) => ran,
            Err(refusal) => return write!(f, "refused: {refusal}"),
        };
        write!(f, "{} {}: ", ran.function, ran.edition)?;
        let range = |share: Option<Share>| share.unwrap_or_default().points();
        match (&ran.reason, ran.bucket) {
            (Reason::Current, _) => write!(f, "it is the current edition")?,
            (Reason::Included, Some(bucket)) => {
                write!(f, "bucket {bucket} is inside 0..{} of {BUCKETS}", range(self.share))?;
            }
            (Reason::NotIncluded, Some(bucket)) => {
                write!(f, "bucket {bucket} is outside 0..{} of {BUCKETS}", range(self.share))?;
            }
            (Reason::Included | Reason::NotIncluded, None) => write!(f, "{}", ran.reason)?,
            (Reason::NoStickKey, _) => {
                write!(f, "there is a rollout, and the call has no key that it sticks by")?;
            }
            (Reason::Pinned, _) => write!(f, "the caller asks for it")?,
            (Reason::Recorded, _) => write!(f, "it is recorded with what is replayed")?,
            (Reason::Fallback { from }, _) => write!(f, "{from} cannot run now")?,
        }
        match &self.shadow {
            Some(shadow) => write!(f, "; {shadow} runs beside it"),
            None => Ok(()),
        }
    }
}
