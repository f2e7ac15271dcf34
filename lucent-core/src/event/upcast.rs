//! Reading what older code stored.
//!
//! Invariant: an old shape is decoded as it was written, and only then turned into today's event.

/// An event that can be made from an older shape of its payload.
///
/// Every `From<Old>` is one; `#[event(version = 2, upcast(from = Old))]` asks for it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made from the old shape `{Old}`",
    label = "nothing turns this shape into an event",
    note = "write `impl From<{Old}> for {Self} {{ fn from(old: {Old}) -> Self {{ … }} }}`"
)]
pub trait Upcast<Old>: Sized {
    /// Turns the old shape into today's event.
    fn upcast(old: Old) -> Self;
}

#[diagnostic::do_not_recommend]
impl<Old, New: From<Old>> Upcast<Old> for New {
    fn upcast(old: Old) -> Self {
        Self::from(old)
    }
}
