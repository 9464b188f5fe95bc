//! Shop and engine together: the same every time, with nothing lost, and what the engine sends changes what shoppers do.

use super::*;
use crate::replay::Speed;
use crate::shop::{STARTS, Shop, ShopSettings};
use crate::simulate::drive::{Course, Drive, Ran};
use crate::simulate::experiment::targeting::{self, Seed};
use crate::simulate::record::Recorder;

/// Runs a small shop for a few days; the channel takes so many outreach.
async fn live(dir: &Path, budget: u64, record: Option<&Path>) -> Result<Ran> {
    let shop = ShopSettings { seed: 7, shoppers: 1_200, days: 5, ..ShopSettings::default() };
    let mut settings = Settings::defaults();
    settings.data.dir = dir.join("data");
    settings.log.partitions = 2;
    let book = Arc::new(app::replay_rulebook(&settings)?);
    let border = app::border(&settings);
    let parts = Parts { settings: &settings, book, budget, predictor: &|of_settings| of_settings };
    let engine = Driven::start(parts).await?;
    let recorder = record.map(Recorder::create).transpose()?;
    let (from, until) = (STARTS, STARTS + Span::days(i64::from(shop.days)));
    let course = Course { from, until, step: Span::minutes(10), speed: Speed::Max, border, recorder };
    let mut drive = Drive::new(Shop::new(shop), engine, course)?;
    while drive.step().await?.is_some() {}
    drive.finish().await
}

fn run(budget: u64, record: Option<&Path>) -> Ran {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(live(dir.path(), budget, record))
}

#[test]
fn a_run_is_the_same_every_time_and_its_outreach_changes_what_shoppers_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let events = dir.path().join("events.jsonl");
    let (one, other, silent) = (run(u64::MAX, Some(&events)), run(u64::MAX, None), run(0, None));
    assert_eq!(one.contacts, other.contacts);
    assert_eq!((one.balance, one.effect.report()), (other.balance, other.effect.report()));
    let Balance { appended, applied, delivered, lost, doubled } = one.balance;
    assert_eq!((applied, lost, doubled), (appended, 0, 0));
    assert!(delivered >= 5 && delivered == one.contacts.len() as u64, "{delivered}");
    assert_eq!((silent.balance.delivered, silent.balance.lost), (0, 0), "what is refused is not lost");
    assert_ne!(one.flow.events, silent.flow.events, "who is contacted does other things");

    let text = std::fs::read_to_string(&events).expect("text");
    let sent = text.lines().filter(|line| line.contains("Outreach Sent")).count() as u64;
    let withheld = text.lines().filter(|line| line.contains("Outreach Withheld")).count() as u64;
    assert_eq!((sent, withheld), (delivered, one.effect.report().control));
    assert_eq!(text.lines().count() as u64, appended + sent + withheld);
}

#[test]
fn a_folder_with_events_starts_no_other_shop() {
    let dir = tempfile::tempdir().expect("a folder");
    block_on(live(dir.path(), 0, None));
    let again = || actix::System::new().block_on(live(dir.path(), 0, None));
    let refused = || format!("{:#}", again().expect_err("refused"));
    // The threads of the first engine may still be on their way out.
    let refused = std::iter::repeat_with(refused).find(|refused| !refused.contains("is in use"));
    let refused = refused.expect("the iterator has no end");
    assert!(refused.contains("starts in a new one"), "{refused}");
}

#[test]
fn chance_contacts_as_many_as_risk_and_gains_what_chance_gains() {
    let shop = ShopSettings { seed: 1, shoppers: 3_000, days: 5, ..ShopSettings::default() };
    let seed = block_on(targeting::seed(&Settings::defaults(), shop, 0.7));
    let Seed { risk, chance, .. } = seed;
    assert!(risk.contacts >= 10 && chance.contacts <= risk.contacts, "{seed:?}");
    assert!(chance.contacts * 10 >= risk.contacts * 9, "{seed:?}");
    assert!(risk.gain > 0.0 && risk.orders > 0 && chance.orders > 0, "{seed:?}");
}
