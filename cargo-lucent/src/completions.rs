//! `cargo lucent completions`: what a shell has to know to complete `cargo lucent`.
//!
//! Invariant: how the shell completes other commands of cargo stays as it was.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cargo;

/// The script for a shell.
pub(crate) fn script(shell: Shell) -> String {
    let mut cargo = Cargo::command();
    let mut text = Vec::new();
    match shell {
        // Fish adds to what it knows of a command; in bash, a function of ours stands before the rest.
        Shell::Bash | Shell::Fish => clap_complete::generate(shell, &mut cargo, "cargo", &mut text),
        // Other shells replace what they know. Zsh's own completion of cargo calls that of `cargo-lucent`.
        _ => {
            let lucent = cargo.find_subcommand("lucent").expect("the enum has this variant");
            clap_complete::generate(shell, &mut lucent.clone(), "cargo-lucent", &mut text);
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    match shell {
        Shell::Bash => beside_cargo(&text),
        _ => text,
    }
}

/// The function of this script under another name, called for `cargo lucent` only.
fn beside_cargo(script: &str) -> String {
    let (function, _registered) = script.rsplit_once("\n}\n").expect("the script has a function");
    let function = function.replacen("_cargo()", "_cargo_lucent()", 1);
    format!("{function}\n}}\n{REGISTERED}")
}

const REGISTERED: &str = r#"
# The rest of cargo is completed as it was before.
for __cargo_lucent_load in _comp_load _completion_loader; do
    if ! complete -p cargo &>/dev/null && declare -F "$__cargo_lucent_load" >/dev/null; then
        "$__cargo_lucent_load" cargo &>/dev/null
    fi
done
if [[ "$(complete -p cargo 2>/dev/null)" =~ -F\ ([^\ ]+) && "${BASH_REMATCH[1]}" != _cargo_and_lucent ]]; then
    __cargo_without_lucent="${BASH_REMATCH[1]}"
fi
_cargo_and_lucent() {
    if [[ "$COMP_CWORD" -ge 2 && "${COMP_WORDS[1]}" == lucent ]]; then
        _cargo_lucent "$@"
    elif [[ -n "$__cargo_without_lucent" ]]; then
        "$__cargo_without_lucent" "$@"
    fi
}
complete -F _cargo_and_lucent -o bashdefault -o default cargo
"#;
