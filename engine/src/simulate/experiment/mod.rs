//! Experiments: the shop's truth says whether a policy is good, which no real shop can.
//!
//! | file | holds |
//! |---|---|
//! | `run` | a shop and the real engine under one policy, in a folder of its own |
//! | `targeting` | outreach by risk against outreach by chance, at the same number of contacts, over many seeds |
//! | `lesson` | what outreach teaches a model of risk, weighed and not |
//! | `spread` | the mean of a difference over seeds, with its interval |

pub mod lesson;
pub mod run;
pub mod spread;
pub mod targeting;
