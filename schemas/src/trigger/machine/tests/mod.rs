//! Behaviour of the machine at the edges of its semantics.
