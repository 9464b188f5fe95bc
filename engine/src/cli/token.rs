//! `care token`: signs who reads a page, as the shop's server does.

use std::io::Write;

use actors::port::clock::Clock;
use anyhow::{Result, bail};
use clap::Args;
use openssl::rand::rand_bytes;
use schemas::event::names_nobody;
use serde_json::json;

use super::{Outcome, Output, Overrides, out};
use crate::chat::Shopkeeper;
use crate::clock::SystemClock;

/// Options of `care token`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  care token ada --config shop.toml
  CARE__CHAT__TOKEN_ALGORITHM=HS256 CARE__CHAT__TOKEN_SECRET=… care token ada

For trying the chat as a customer, where chat.token_algorithm is HS256: the token
opens one session (the widget's data-token, or /widget-demo#key=…&token=…) and
is good for an hour. A shop's own server makes them for its pages with any
library of JSON web tokens; ops/docs/chat.md lists the claims.")]
pub struct Arguments {
    /// Id of the customer, as in the shop's events
    #[arg(value_name = "CUSTOMER")]
    customer: String,
}

/// Prints a token.
pub fn run(arguments: &Arguments, set: Overrides, output: Output, out: &mut dyn Write) -> Result<Outcome> {
    let settings = set.load()?.settings;
    let Some(keeper) = Shopkeeper::of(&settings.chat) else {
        bail!(
            "chat.token_algorithm is not HS256: where the shop has a key of its own, or none, nobody else signs for it"
        );
    };
    if names_nobody(&arguments.customer) {
        bail!("{:?} names nobody; a customer's id is a text as in the shop's events", arguments.customer);
    }
    let mut id = [0; 16];
    rand_bytes(&mut id)?;
    let token =
        keeper.token(&arguments.customer, &format!("{:032x}", u128::from_be_bytes(id)), SystemClock.now());
    match output {
        Output::Json => out::json(&json!({"token": token}), out)?,
        Output::Text => writeln!(out, "{token}")?,
    }
    Ok(Outcome::Good)
}
