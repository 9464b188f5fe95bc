//! Adapters and wiring of the Care Engine.
