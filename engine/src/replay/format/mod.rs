//! The formats that a replay reads: one file each, with the converter of its rows.

/// What the files of a replay hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// One Segment call per line.
    SegmentJsonl,
    /// UCI Online Retail (I and II): one line of an invoice per row.
    UciOnlineRetail,
    /// UCI e-shop clothing: one click of a session per row, days without a time.
    UciEshop,
    /// OTTO: one session per line, its events inside.
    Otto,
    /// The access log of zanbil.ir: one request per row.
    Zanbil,
}

impl Format {
    /// Returns the name used on the command line and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::SegmentJsonl => "segment-jsonl",
            Format::UciOnlineRetail => "uci-online-retail",
            Format::UciEshop => "uci-eshop",
            Format::Otto => "otto",
            Format::Zanbil => "zanbil",
        }
    }
}
