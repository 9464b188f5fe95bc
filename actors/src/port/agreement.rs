//! What every engine that works on one store goes by: one small value in the store. Operators' commands change it, engines follow.

use schemas::customer::codec::{CODEC_VERSION, Codec};
use schemas::ids::LogId;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What every engine that works on a store goes by; the default where nobody has agreed on anything yet. Stored as JSON, so that it can
/// grow by fields that have a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agreement {
    /// Version of the codec that rows are written in; `None` = the oldest one that is written.
    pub codec: Option<u8>,
    /// Number of the log that new positions are of.
    pub log: LogId,
    /// Set where the shop was taken out of a backup.
    pub restored: Option<Restored>,
    /// Set where the shop came from another store.
    pub imported: Option<Imported>,
}

/// A shop that was taken out of a backup: what it did in the time that is lost nobody here knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Log time up to which the lost shop may have sent. Outreach decided up to then is doubtful.
    pub until: Timestamp,
    /// What becomes of doubtful outreach.
    pub doubtful: Doubtful,
    /// The log that was begun then: ids made of positions before it are those of the lost shop.
    pub log: LogId,
}

/// What becomes of outreach that may have been sent already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubtful {
    /// It is withheld with reason `restored`, unless its channel takes an id once and the lost shop would have sent it by the same id.
    #[default]
    Withheld,
    /// It is sent, whether or not it was before.
    Sent,
}

/// Where a shop came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Id of the export.
    pub export: String,
    /// False while it is not all here: nothing may run on it.
    pub complete: bool,
}

/// Why an engine may not work on a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A later engine is needed.
    #[error(
        "rows are written in version {found} of the codec by agreement, this engine knows versions up to {CODEC_VERSION}: start the engine that `care upgrade finalize` was run with, or a later one"
    )]
    Newer {
        /// The version agreed on.
        found: u8,
    },
    /// A roll-out was never brought to its end, and this engine writes its old version no more.
    #[error(
        "rows are written in version {found} of the codec by agreement, this engine writes from version {} on: start the engine before this one, and run its `care upgrade finalize`",
        Codec::OLDEST.number()
    )]
    Older {
        /// The version agreed on.
        found: u8,
    },
    /// Not all of the shop is here.
    #[error(
        "an import into this store (export {export}) was cut off: remove what it wrote, and run `care import` again"
    )]
    Unfinished {
        /// Id of the export.
        export: String,
    },
}

impl Agreement {
    /// Returns the codec that rows are to be written in.
    ///
    /// Errors: see [`Refused`]; nothing may be done with the store then.
    pub fn codec(&self) -> Result<Codec, Refused> {
        if let Some(Imported { export, complete: false }) = &self.imported {
            return Err(Refused::Unfinished { export: export.clone() });
        }
        let Some(found) = self.codec else { return Ok(Codec::OLDEST) };
        Codec::of(found).ok_or(match found > CODEC_VERSION {
            true => Refused::Newer { found },
            false => Refused::Older { found },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_without_agreement_is_written_in_the_oldest_version() {
        assert_eq!(Agreement::default().codec(), Ok(Codec::OLDEST));
        let newest = Agreement { codec: Some(CODEC_VERSION), ..Agreement::default() };
        assert_eq!(newest.codec(), Ok(Codec::NEWEST));
    }

    #[test]
    fn versions_that_this_engine_does_not_write_are_refused_with_what_to_do() {
        for (found, words) in [(CODEC_VERSION + 1, "or a later one"), (1, "the engine before this one")] {
            let refused =
                Agreement { codec: Some(found), ..Agreement::default() }.codec().expect_err("refused");
            assert!(refused.to_string().contains(words), "{refused}");
        }
    }

    #[test]
    fn an_import_that_was_cut_off_is_refused() {
        let imported = |complete| Some(Imported { export: "e".to_owned(), complete });
        let agreement = |complete| Agreement { imported: imported(complete), ..Agreement::default() };
        assert!(matches!(agreement(false).codec(), Err(Refused::Unfinished { .. })));
        assert_eq!(agreement(true).codec(), Ok(Codec::OLDEST));
    }

    #[test]
    fn fields_of_a_later_engine_are_passed_over_and_missing_ones_have_a_default() {
        let read: Agreement = serde_json::from_str(r#"{"codec":3,"moon":"full"}"#).expect("an object");
        assert_eq!(read, Agreement { codec: Some(3), ..Agreement::default() });
    }
}
