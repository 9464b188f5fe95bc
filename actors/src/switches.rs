//! Switches of rules: a struct of them, all on, each with a name by which it can be taken away. For simulators and ablation builds.

/// Declares a struct of switches.
macro_rules! switches {
    ($(#[doc = $head:expr])+ pub struct $Switches:ident { $($(#[doc = $doc:expr])+ $name:ident,)+ }) => {
        $(#[doc = $head])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $Switches {
            $($(#[doc = $doc])+ pub $name: bool,)+
        }

        impl Default for $Switches {
            fn default() -> Self {
                Self { $($name: true,)+ }
            }
        }

        impl $Switches {
            /// Every rule by name, and what takes it away.
            pub const NAMED: &'static [(&'static str, fn(&mut Self))] =
                &[$((stringify!($name), |switches| switches.$name = false),)+];
        }
    };
}
pub(crate) use switches;
