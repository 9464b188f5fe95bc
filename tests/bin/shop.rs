//! Writes the events of the invented shop to standard output, one JSON object per line.
//!
//! `shop SEED SHOPPERS DAYS`; `ops/demo-data/make` calls it for the bundled file.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use care_tests::shop::Shop;

fn main() -> ExitCode {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [seed, shoppers, days] = arguments[..] else {
        eprintln!("usage: shop SEED SHOPPERS DAYS");
        return ExitCode::FAILURE;
    };
    let shop = Shop { seed, shoppers: shoppers as u32, days: days as u32 };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = shop.lines().iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to write the events: {error}");
            ExitCode::FAILURE
        }
    }
}
