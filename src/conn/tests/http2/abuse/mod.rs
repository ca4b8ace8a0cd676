//! Peers that want the server to work, to wait or to hold more than they pay for.
//!
//! Each test shows what is counted, what is held at most, and where the connection survives, that
//! a stream beside the abuse is served.

mod compression;
mod earned;
mod floods;
mod honest;
mod memory;
mod resets;

use super::*;
