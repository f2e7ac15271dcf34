//! Opens an account, moves money and reads the balance back.

use bank::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::new(registry()).store(lucent_sqlite::open("bank.db").await?).start().await?;
    let account = AccountId::new();
    app.execute(OpenAccount(account, "Ada".into())).await?;
    app.execute(Deposit(account, 100)).await?;
    let done = app.execute(Withdraw(account, 30)).await?;
    println!("balance: {:?}", app.query(BalanceOf(account)).after(done.position).await?);
    Ok(())
}
