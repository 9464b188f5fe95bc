//! The models that come with the engine. One more is a folder `engine/models/HEAD` and a row here.

use schemas::score::Head;

/// A model within the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// What it predicts.
    pub head: Head,
    /// Its `model.json`.
    pub manifest: &'static [u8],
    /// Its `weights.safetensors`.
    pub weights: &'static [u8],
}

/// Every model that comes with the engine, at most one per head. A head without one is answered by the rule score.
pub const SHIPPED: &[Shipped] = &[
    Shipped {
        head: Head::CartAbandonment,
        manifest: include_bytes!("../../models/cart_abandonment/model.json"),
        weights: include_bytes!("../../models/cart_abandonment/weights.safetensors"),
    },
    Shipped {
        head: Head::PurchaseIntent,
        manifest: include_bytes!("../../models/purchase_intent/model.json"),
        weights: include_bytes!("../../models/purchase_intent/weights.safetensors"),
    },
    Shipped {
        head: Head::Churn,
        manifest: include_bytes!("../../models/churn/model.json"),
        weights: include_bytes!("../../models/churn/weights.safetensors"),
    },
    Shipped {
        head: Head::Return,
        manifest: include_bytes!("../../models/return/model.json"),
        weights: include_bytes!("../../models/return/weights.safetensors"),
    },
];
