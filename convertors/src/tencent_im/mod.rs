//! Tencent Cloud IM ("Chat"): what its server API and its callbacks look like on the wire.
//!
//! Two directions meet here. *Callbacks* come in: [`sign`] says who sent one, [`callback`] what
//! it reports. *Commands* go out: [`usersig`] signs us in, [`rest`] spells requests and answers,
//! [`error_table`] says what may be done about a refusal. Both carry messages as a [`body`], which
//! [`convert`] translates. Sections quoted as "Tencent IM, n" are those of the protocol notes.

pub mod body;
pub mod callback;
pub mod convert;
pub mod error_table;
pub mod fuzz;
pub mod key;
pub mod lenient;
pub mod rest;
pub mod sign;
pub mod usersig;

#[cfg(test)]
mod tests;
