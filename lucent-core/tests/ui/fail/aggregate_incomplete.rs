#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Default, Aggregate)]
#[aggregate(id = AccountId, event = AccountEvent, snapshot(evry = 2, version = 0), shared_id)]
struct Slips;

#[derive(Default, Aggregate)]
#[aggregate(id = "AccountId", evnet = AccountEvent, snapshot = 200, shared_id = true)]
struct MoreSlips;

fn main() {}
