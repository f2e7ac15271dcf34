#![allow(unused)]
#[path = "../courses.rs"]
mod courses;
use courses::*;
use lucent_core::prelude::*;

#[command_handler]
fn many(
    _: (&Seats, &Load, &Seats, &Load, &Seats, &Load, &Seats, &Load, &Seats),
    _: &Subscribe,
) {
}

#[derive(Command)]
struct A(#[tag("student")] String);

#[command_handler]
fn none(_: (), _: &A) {}

#[derive(Command)]
struct B(#[tag("student")] String);

#[command_handler]
fn values(_: (Load, &mut Load), _: &B) {}

#[derive(Command)]
struct C(#[tag("student")] String);

#[command_handler]
fn borrowed(_: &(&Load, &Load), _: &C) {}

#[derive(Command)]
struct D(#[tag("student")] String);

#[command_handler]
async fn asynchronous(_: (&Load,), _: &D) {}

fn main() {}
