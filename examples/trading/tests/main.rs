//! Tests of the trading example.

#[cfg(test)]
mod books;
#[cfg(test)]
mod demonstration;
#[cfg(test)]
mod instrument;
#[cfg(test)]
mod job;
#[cfg(test)]
mod portfolio;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod strategy;
