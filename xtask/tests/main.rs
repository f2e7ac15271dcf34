//! What holds for the project as a whole.
//!
//! Invariant: each audit runs on the real workspace, and reports all of its problems at once.

use std::path::Path;

use xtask::{
    Workspace,
    audit::{book, files, graph, links, modules, paths},
};

fn check(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn workspace_and_files() -> (Workspace, Vec<files::TextFile>) {
    let workspace = Workspace::load().expect("the workspace can be read");
    let files = files::text_files(&workspace).expect("its files can be read");
    (workspace, files)
}

#[test]
fn dependencies_point_one_way() {
    check(&graph::problems(&Workspace::load().unwrap()));
}

#[test]
fn no_file_names_a_place_outside_of_the_project() {
    check(&paths::problems(&workspace_and_files().1));
}

#[test]
fn no_source_file_is_forgotten() {
    let (workspace, files) = workspace_and_files();
    check(&modules::problems(&workspace, &files));
}

#[test]
fn links_between_documents_resolve() {
    let (workspace, files) = workspace_and_files();
    check(&links::problems(&workspace.root, &files));
}

#[test]
fn the_book_shows_only_compiled_code() {
    let (workspace, files) = workspace_and_files();
    check(&book::problems(&workspace, Path::new("book/src"), &files));
}
