//! The README shows this example word for word, and it fits on a page.

const README: &str = include_str!("../../../README.md");

const FILES: [(&str, &str); 3] = [
    ("examples/bank/src/lib.rs", include_str!("../src/lib.rs")),
    ("examples/bank/src/main.rs", include_str!("../src/main.rs")),
    ("examples/bank/tests/account.rs", include_str!("account.rs")),
];

#[test]
fn the_readme_shows_each_file_word_for_word() {
    for (path, text) in FILES {
        let block = format!("<!-- {path} -->\n```rust\n{text}```\n");
        assert!(README.contains(&block), "README.md does not show {path} as it is; paste it in");
    }
}

#[test]
fn domain_and_main_have_at_most_sixty_lines() {
    let lines = FILES[..2].iter().flat_map(|(_, text)| text.lines().map(str::trim));
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(code.count() <= 60);
}
