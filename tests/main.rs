//! One integration binary: worlds in memory, real data, crash loops, the tidy test.

mod tidy;
