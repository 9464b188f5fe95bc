//! The store's agreement as everything in this process goes by it, kept up to date by the node.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemas::customer::codec::Codec;

use crate::port::agreement::{Agreement, Refused, Restored};

/// What the engines on the store agreed on, as it was read last. Clones share it.
#[derive(Clone, Debug)]
pub struct Agreed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Number of the codec; always one that this engine writes.
    codec: AtomicU8,
    restored: Mutex<Option<Restored>>,
}

impl Default for Agreed {
    fn default() -> Self {
        let codec = AtomicU8::new(Codec::OLDEST.number());
        Self(Arc::new(Inner { codec, restored: Mutex::default() }))
    }
}

impl Agreed {
    /// Returns the codec that rows are written in.
    pub fn codec(&self) -> Codec {
        Codec::of(self.0.codec.load(Ordering::Relaxed)).unwrap_or(Codec::OLDEST)
    }

    /// Returns how the shop was restored, if it was.
    pub fn restored(&self) -> Option<Restored> {
        self.0.restored.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes by `agreement` from now on.
    ///
    /// Errors: this engine may not work on the store; it goes on as before until it is stopped.
    pub fn follow(&self, agreement: &Agreement) -> Result<(), Refused> {
        let codec = agreement.codec()?.number();
        if self.0.codec.swap(codec, Ordering::Relaxed) != codec {
            tracing::info!(codec, "rows are written in another version of the codec from now on");
        }
        *self.0.restored.lock().unwrap_or_else(PoisonError::into_inner) = agreement.restored.clone();
        Ok(())
    }
}
