//! Integration tests of the Care Engine; see `main.rs`.
