//! Refusing in one line.
//!
//! Invariant: the error is built only if the condition is false.

/// Returns an error from the function unless a condition holds.
///
/// ```
/// use lucent_core::ensure;
/// #[derive(Debug, PartialEq)]
/// struct Short(u64);
/// fn withdraw(balance: u64, amount: u64) -> Result<u64, Short> {
///     ensure!(amount <= balance, Short(amount - balance));
///     Ok(balance - amount)
/// }
/// assert_eq!(withdraw(5, 7), Err(Short(2)));
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $error:expr $(,)?) => {
        if !$condition {
            return ::core::result::Result::Err(::core::convert::Into::into($error));
        }
    };
}
