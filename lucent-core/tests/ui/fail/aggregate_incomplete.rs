#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Default, Aggregate)]
struct Nothing;

#[derive(Default, Aggregate)]
#[aggregate(id = AccountId)]
struct Eventless;

#[derive(Default, Aggregate)]
#[aggregate(event = AccountEvent, snapshot(evry = 2, version = 0))]
struct Idless;

#[derive(Default, Aggregate)]
#[aggregate(id = "AccountId", evnet = AccountEvent, snapshot = 200)]
struct Slips;

fn main() {}
