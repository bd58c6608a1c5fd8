//! vane-testkit
