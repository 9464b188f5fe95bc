//! The test kit: in-memory doubles of every port, and the contract suites that doubles and real adapters pass alike.
//!
//! Nothing here injects faults: the simulator has a world of its own for that. It is part of the library, not of the tests, so
//! that the floors above can run the suites on their adapters.

pub mod memory;

pub mod contract;
